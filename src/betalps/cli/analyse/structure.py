"""Kinds of ``betalps analyse``: distributions, polyanions, angles, rotation, maps, profiles."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from betalps.cli.analyse.kind import Kind, Watch, add_species, one
from betalps.cli.analyse.regions import add_structure_option, region_of
from betalps.cli.analyse.source import Source

if TYPE_CHECKING:
    from betalps.analysis import Result


def _add_rdf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", nargs="+", metavar="A-B", help="B about A, such as Li-S; by default all")
    parser.add_argument("--r-max", type=float, default=10.0, metavar="Å", help="(%(default)s)")
    parser.add_argument("--width", type=float, default=0.05, metavar="Å", help="of a bin (%(default)s)")


def _rdf(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import radial_distributions

    source = one(sources)
    found = radial_distributions(
        source.trajectory,
        r_max=arguments.r_max,
        width=arguments.width,
        pairs=None if arguments.pairs is None else [_joined(pair, 2) for pair in arguments.pairs],
        region=region_of(arguments.region, source),
        observer=watch("rdf"),
    )
    return {"rdf": found}


def _add_bond(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--centre", default="P", metavar="SYMBOL", help="of the units (%(default)s)")
    parser.add_argument("--ligand", default="S", metavar="SYMBOL", help="(%(default)s)")
    parser.add_argument("--cutoff", type=float, metavar="Å", help="longest bond; by default from the rdf")


def _polyanions(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import polyanions

    source = one(sources)
    found = polyanions(
        source.trajectory,
        cutoff=arguments.cutoff,
        centre=arguments.centre,
        ligand=arguments.ligand,
        region=region_of(arguments.region, source),
        observer=watch("polyanions"),
    )
    return {"polyanions": found}


def _add_angles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--triplets", nargs="+", default=["S-P-S"], metavar="A-B-C", help="B in the middle (%(default)s)"
    )
    parser.add_argument("--cutoff", type=float, metavar="Å", help="longest leg; by default from the rdf")


def _angles(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import bond_angles

    source, several = one(sources), len(arguments.triplets) > 1
    region = region_of(arguments.region, source)
    return {
        f"angles-{triplet}" if several else "angles": bond_angles(
            source.trajectory, _joined(triplet, 3), cutoff=arguments.cutoff, region=region, observer=watch(triplet)
        )
        for triplet in arguments.triplets
    }


def _add_reorientation(parser: argparse.ArgumentParser) -> None:
    _add_bond(parser)
    parser.add_argument(
        "--fit-start", type=float, default=0.5, metavar="PS", help="where the fit of the decay begins (%(default)s)"
    )
    parser.add_argument(
        "--window", type=float, default=1.0, metavar="PS", help="in which an ion jumps and PS4 turns (1)"
    )
    parser.add_argument(
        "--jumping", default="Li", metavar="SYMBOL", help="whose jumps are compared with the rotation (%(default)s)"
    )


def _reorientation(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import paddle_wheel, reorientation

    source = one(sources)
    region = region_of(arguments.region, source)
    own = {"centre": arguments.centre, "ligand": arguments.ligand, "cutoff": arguments.cutoff}
    turned = reorientation(source.trajectory, fit_start=arguments.fit_start, region=region, **own)
    jumped = paddle_wheel(
        source.trajectory,
        arguments.jumping,
        window=arguments.window,
        region=region,
        observer=watch("jumps and rotation"),
        **own,
    )
    return {"reorientation": turned, "paddle-wheel": jumped}


def _add_map(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    _add_axis(parser, "to look along")
    parser.add_argument("--spacing", type=float, default=0.25, metavar="Å", help="of the pixels (%(default)s)")


def _add_axis(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--axis", choices=("a", "b", "c"), default="c", help=f"cell vector {text} (%(default)s)")


def _map(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import planar_density

    source = one(sources)
    found = planar_density(
        source.trajectory,
        arguments.species,
        axis="abc".index(arguments.axis),
        spacing=arguments.spacing,
        region=region_of(arguments.region, source),
        observer=watch("map"),
    )
    return {f"map-{arguments.axis}": found}


def _add_density(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    parser.add_argument("--spacing", type=float, default=0.4, metavar="Å", help="of the grid (%(default)s)")
    parser.add_argument("--grid", metavar="FILE", help="write the density for VESTA: .cube or .xsf")


def _density(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import density_grid, write_density

    source = one(sources)
    region = region_of(arguments.region, source)
    found = density_grid(
        source.trajectory, arguments.species, spacing=arguments.spacing, region=region, observer=watch("density")
    )
    if arguments.grid is not None:
        write_density(found, arguments.grid)
        print(f"written {arguments.grid}")
    return {"density": found}


def _add_profile(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    _add_axis(parser, "that leaves the boundaries' plane")
    parser.add_argument(
        "--boundaries", type=float, nargs="+", metavar="Å", help="heights; by default those of the structure's record"
    )
    parser.add_argument("--window", type=float, default=10.0, metavar="Å", help="in which ions count (%(default)s)")
    parser.add_argument("--bandwidth", type=float, metavar="Å", help="of the kernel; by default the study's")
    parser.add_argument("--bulk-distance", type=float, metavar="Å", help="beyond it is bulk; by default the window")
    add_structure_option(parser)


def _profile(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import concentration_profile

    source = one(sources)
    places = arguments.boundaries
    if places is None and arguments.axis == "c":
        places = source.bicrystal()
    found = concentration_profile(
        source.trajectory,
        arguments.species,
        axis="abc".index(arguments.axis),
        boundaries=places,
        window=arguments.window,
        bandwidth=arguments.bandwidth,
        bulk_distance=arguments.bulk_distance,
        observer=watch("profile"),
    )
    return {"profile": found}


def _joined(text: str, count: int) -> tuple[str, ...]:
    names = tuple(text.split("-"))
    if len(names) != count or not all(names):
        raise ValueError(f"{text!r}: expected {count} species with - between them")
    return names


KINDS = {
    "rdf": Kind(
        summary="radial distribution functions, coordination numbers",
        examples="""\
  betalps analyse rdf run --output figures
  betalps analyse rdf run --pairs Li-S P-S --r-max 8 --region boundary
""",
        add=_add_rdf,
        run=_rdf,
    ),
    "polyanions": Kind(
        summary="which P-S units there are: PS4, P2S7, P2S6, chains, S2, and the share of P in each",
        examples="""\
  betalps analyse polyanions glass
  betalps analyse polyanions run --region boundary --cutoff 2.6
""",
        add=_add_bond,
        run=_polyanions,
    ),
    "angles": Kind(
        summary="bond angles",
        examples="""\
  betalps analyse angles run
  betalps analyse angles run --triplets S-P-S Li-S-Li --output figures
""",
        add=_add_angles,
        run=_angles,
    ),
    "reorientation": Kind(
        summary="rotation of PS4, and whether ions jump when it turns (the paddle wheel)",
        examples="""\
  betalps analyse reorientation run
  betalps analyse reorientation run --region boundary --fit-start 1
""",
        add=_add_reorientation,
        run=_reorientation,
    ),
    "map": Kind(
        summary="where the ions are, seen along a cell vector",
        examples="""\
  betalps analyse map run --axis a --output figures
  betalps analyse map run --species S --region slab:c,0,10 --output figures
""",
        add=_add_map,
        run=_map,
    ),
    "density": Kind(
        summary="where the ions are in space: three cuts, and a file for VESTA",
        examples="""\
  betalps analyse density run --output figures
  betalps analyse density run --grid lithium.cube --spacing 0.3
""",
        add=_add_density,
        run=_density,
    ),
    "profile": Kind(
        summary="concentration along the normal, excess or depletion at boundaries",
        examples="""\
  betalps analyse profile run --output figures
  betalps analyse profile run.xyz --interval 0.1 --boundaries 0 17.7
  betalps analyse profile run --structure gb.extxyz --species S
""",
        add=_add_profile,
        run=_profile,
        region=False,
    ),
}
