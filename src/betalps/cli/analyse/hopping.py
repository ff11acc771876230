"""Kinds of ``betalps analyse``: sites of a crystal and jumps between them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from betalps.cli.analyse.kind import Kind, Watch, add_species, of_one_among
from betalps.cli.analyse.regions import region_of
from betalps.cli.analyse.source import Source

if TYPE_CHECKING:
    from betalps.analysis import CrystalSites, Jumps, Result

_FEWEST = 3  # temperatures of a line


def _add_sites(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    parser.add_argument(
        "--reference",
        default="beta",
        metavar="NAME|FILE",
        help="crystal whose sites of the species are meant: beta (with its 4b, 4c and 8d), gamma, alpha, or a file; "
        "repeated to fill the cell of the run (%(default)s)",
    )
    parser.add_argument(
        "--core",
        type=float,
        default=0.7,
        metavar="X",
        help="radius of a site, of half the way to the next (%(default)s)",
    )


def _sites(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import jump_activation, jumps, site_occupancy, site_visits

    results: dict[str, Result] = {}
    by_temperature: dict[float, Jumps] = {}
    tell = watch("sites")
    for number, source in enumerate(sources):
        label = f"-{number + 1}" if len(sources) > 1 else ""
        with of_one_among(source, sources):
            sites = _reference(arguments.reference, arguments.species).filling(source.trajectory.mean_cell)
            visits = site_visits(source.trajectory, sites, core=arguments.core)
            region = region_of(arguments.region, source)
            results[f"sites{label}"] = site_occupancy(visits, region=region)
            found = results[f"jumps{label}"] = jumps(visits, region=region)
        if source.temperature is not None:
            by_temperature[source.temperature] = found
        tell(number + 1, len(sources))
    if len(by_temperature) >= _FEWEST:
        lines = jump_activation(by_temperature)
        results |= {f"barrier-{number}": line for number, line in enumerate(lines, start=1)}
    return results


def _reference(name: str, species: str) -> CrystalSites:
    from betalps.analysis import crystal_sites
    from betalps.cli.build_files import crystal_of
    from betalps.structures import beta_li3ps4_sites

    if name == "beta" and species == "Li":
        return crystal_sites(beta_li3ps4_sites())
    return crystal_sites(crystal_of(name, None), species)


KINDS = {
    "sites": Kind(
        summary="occupancy of crystal sites, jump rates and paths; barriers from runs at three temperatures or more",
        examples="""\
  betalps analyse sites run --output figures
  betalps analyse sites 600K 700K 800K
  betalps analyse sites run --reference argyrodite.cif
""",
        add=_add_sites,
        run=_sites,
        several=True,
    ),
}
