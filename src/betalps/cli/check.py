"""``betalps check``: the contract checks of `betalps.testing`, for a potential on a structure."""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.add_argument(
        "structure",
        nargs="?",
        help="a file that ASE reads (its last frame); by default one cell of the β-Li3PS4 crystal",
    )
    parser.add_argument(
        "--potential",
        default="beta-lps",
        help="name of a bundled potential, or a .almtp or .mtp file (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the random displacements, rotation and order (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, and print every deviation; status 2 if any is too large."""
    from betalps.calculators import MTP
    from betalps.structures import beta_li3ps4
    from betalps.testing import CalculatorCheckError, check_calculator

    atoms = _read(arguments.structure) if arguments.structure else beta_li3ps4()
    try:
        report = check_calculator(MTP(arguments.potential, threads=1), atoms, rng=arguments.seed)
    except CalculatorCheckError as error:
        print(error.report)
        print(f"betalps check: {len(error.report.failed)} checks failed", file=sys.stderr)
        return 2
    print(report)
    return 0


def _read(path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 (ase.io.read returns what the file holds)
    from ase.io import read

    return read(path)
