"""Kinds of ``betalps analyse``: rings and disorder of the ions."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from betalps.cli.analyse.kind import Kind, Watch, add_species, one
from betalps.cli.analyse.regions import region_of
from betalps.cli.analyse.source import Source

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from betalps.analysis import Result


def _add_rings(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    parser.add_argument(
        "--snapshots", type=int, default=200, metavar="N", help="at most, spread over the trajectory (%(default)s)"
    )
    parser.add_argument("--cut", type=float, default=1.0, metavar="Å", help="L above which rings count (%(default)s)")
    parser.add_argument("--threshold", type=float, default=8.0, metavar="Å", help="largest diameter (%(default)s)")
    parser.add_argument("--filtration", choices=("rips", "alpha"), default="rips", help="alpha needs gudhi (GPL)")
    parser.add_argument("--units", choices=("diameter", "radius"), default="diameter", help="(%(default)s)")
    parser.add_argument("--in-plane", action="store_true", help="periodic in the plane of a slab region alone")
    parser.add_argument(
        "--patience", type=float, default=0.0, metavar="PS", help="a ring may be absent for so long (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (%(default)s)")


def _rings(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import ring_lifetimes, rings
    from betalps.analysis.homology.persistence import Filtration

    source = one(sources)
    if arguments.snapshots < 1:
        raise ValueError(f"--snapshots {arguments.snapshots}: expected at least 1")
    trajectory = source.trajectory[:: -(-len(source.trajectory) // arguments.snapshots)]
    filtration: Filtration = arguments.filtration
    with _workers(arguments.workers) as executor:
        found = rings(
            trajectory,
            species=arguments.species,
            region=region_of(arguments.region, source),
            filtration=filtration,
            units=arguments.units,
            cut=arguments.cut,
            threshold=arguments.threshold,
            periodic="in-plane" if arguments.in_plane else None,
            executor=executor,
            observer=watch("rings"),
        )
    results: dict[str, Result] = {"rings": found}
    if len(trajectory) > 1 and found.sizes.any():
        results["rings-lifetimes"] = ring_lifetimes(found, patience=arguments.patience)
    return results


@contextmanager
def _workers(number: int) -> Iterator[Executor | None]:
    """Processes to share the snapshots among; None where this one does them all."""
    if number < 1:
        raise ValueError(f"--workers {number}: expected at least 1")
    if number == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as executor:
        yield executor


def _add_disorder(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    parser.add_argument("--order", type=int, default=6, metavar="L", help="of the harmonics (%(default)s)")
    parser.add_argument("--neighbours", type=int, metavar="N", help="nearest ones (12)")
    parser.add_argument("--cutoff", type=float, metavar="Å", help="all within it instead")


def _disorder(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import disorder

    source = one(sources)
    found = disorder(
        source.trajectory,
        species=arguments.species,
        order=arguments.order,
        neighbours=arguments.neighbours,
        cutoff=arguments.cutoff,
        region=region_of(arguments.region, source),
        observer=watch("disorder"),
    )
    return {"disorder": found}


KINDS = {
    "rings": Kind(
        summary="rings of the ions by persistent homology, their sizes and lifetimes",
        examples="""\
  betalps analyse rings run --output figures
  betalps analyse rings run --region boundary --in-plane --workers 2
""",
        add=_add_rings,
        run=_rings,
    ),
    "disorder": Kind(
        summary="disorder parameter S_j of the ions' surroundings",
        examples="""\
  betalps analyse disorder run --region boundary
  betalps analyse disorder run --cutoff 5.8 --output figures
""",
        add=_add_disorder,
        run=_disorder,
    ),
}
