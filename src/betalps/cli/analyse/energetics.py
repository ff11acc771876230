"""Kinds of ``betalps analyse``: lattices of runs at constant pressure, and bulk properties at 0 K."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from betalps.cli.analyse.kind import Kind, Watch, one
from betalps.cli.analyse.source import Source

if TYPE_CHECKING:
    from betalps.analysis import BulkProgress, Result


def _add_supercell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--supercell",
        type=int,
        nargs=3,
        default=(1, 1, 1),
        metavar=("A", "B", "C"),
        help="unit cells that the structure holds along each vector (1 1 1)",
    )


def _lattice(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import lattice_parameters

    source = one(sources)
    watch("lattice")(1, 1)
    return {"lattice": lattice_parameters(source.trajectory, supercell=arguments.supercell)}


def _add_bulk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("crystal", metavar="NAME|FILE", help="beta, gamma or alpha Li3PS4, or a file that ASE reads")
    parser.add_argument(
        "--ordering", metavar="NAME", help="lithium ordering of beta: see betalps build bulk --list (4b4)"
    )
    _add_supercell(parser)
    parser.add_argument("--potential", default="beta-lps", metavar="NAME|FILE", help="(%(default)s)")
    parser.add_argument("--strain", type=float, default=0.005, metavar="E", help="largest (%(default)s)")
    parser.add_argument("--points", type=int, default=2, metavar="N", help="strains of each pattern (%(default)s)")
    parser.add_argument("--fmax", type=float, default=5e-4, metavar="eV/Å", help="force that ends it (%(default)s)")
    parser.add_argument("--steps", type=int, default=2000, metavar="N", help="of a relaxation, at most (%(default)s)")
    parser.add_argument("--no-equation-of-state", action="store_true", help="lattice and elastic constants alone")
    parser.add_argument("--threads", type=int, metavar="N", help="by default all cores")


def _bulk(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:  # noqa: ARG001
    from betalps.analysis import Relaxation, bulk_properties
    from betalps.cli.build_files import crystal_of, potential_factory

    observers: dict[str, object] = {}

    def tell(progress: BulkProgress) -> None:
        show = observers.setdefault(progress.stage, watch(progress.stage))
        assert callable(show)
        show(progress.done, progress.total)

    found = bulk_properties(
        crystal_of(arguments.crystal, arguments.ordering),
        potential_factory(arguments)(),
        supercell=arguments.supercell,
        strain=arguments.strain,
        points=arguments.points,
        with_equation_of_state=not arguments.no_equation_of_state,
        relaxation=Relaxation(fmax=arguments.fmax, steps=arguments.steps, optimizer="LBFGS"),
        observer=tell,
    )
    return {"bulk": found}


KINDS = {
    "lattice": Kind(
        summary="lattice parameters and density of a run at constant pressure",
        examples="""\
  betalps analyse lattice run --supercell 2 3 4 --start 100
""",
        add=_add_supercell,
        run=_lattice,
        region=False,
    ),
    "bulk": Kind(
        summary="lattice, density, elastic constants and equation of state of a crystal at 0 K, with a potential",
        examples="""\
  betalps analyse bulk beta --output figures
  betalps analyse bulk own.extxyz --potential mine.almtp --no-equation-of-state
""",
        add=_add_bulk,
        run=_bulk,
        region=False,
        trajectory=False,
    ),
}
