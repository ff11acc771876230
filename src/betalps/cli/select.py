"""``betalps select``: the active set of a potential, from its training configurations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from betalps.cli.frames import add_common_options, numbering, read_both

_DESCRIPTION = """\
Selects the configurations that determine a potential's coefficients best (D-optimality, MaxVol), and stores them in
a new file as MLIP-3 does: MD with this file knows where it extrapolates.
"""

_EPILOG = """\
Examples:
  betalps select train.extxyz.xz --potential pot.almtp --output pot-graded.almtp
  betalps select new.extxyz.xz --potential pot-graded.almtp --add --output next.almtp --selected to-label.extxyz.xz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("structures", nargs="+", help="files: extxyz, MLIP .cfg, or whatever ASE reads")
    parser.add_argument("--potential", required=True, metavar="FILE|NAME", help="a fitted potential")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the potential with the active set")
    parser.add_argument(
        "--selected",
        type=Path,
        metavar="FILE",
        help="write the structures that were selected (.extxyz[.xz], .cfg)",
    )
    parser.add_argument(
        "--mode",
        choices=("neighbourhood", "configuration"),
        default="neighbourhood",
        help="grade single atoms, or whole configurations (%(default)s)",
    )
    parser.add_argument("--add", action="store_true", help="begin with the active set that the potential has")
    parser.add_argument(
        "--threshold",
        type=float,
        default=1.001,
        metavar="GAMMA",
        help="swap while a grade is larger (%(default)s)",
    )
    parser.add_argument(
        "--start",
        choices=("identity", "qr"),
        default="identity",
        help="qr: begin with a pivoted QR factorization; faster from level 20 on (%(default)s)",
    )
    add_common_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Select, write, and say what the data leave open."""
    from betalps.active_learning import select
    from betalps.datasets import write
    from betalps.files import require_writable

    if arguments.output.suffix == ".mtp":
        raise ValueError(f"--output {arguments.output}: a .mtp file has no place for an active set; expected .almtp")
    require_writable(arguments.output, arguments.selected)
    potential, dataset = read_both(arguments)
    selection = select(
        potential,
        dataset,
        mode=arguments.mode,
        add=arguments.add,
        threshold=arguments.threshold,
        start=arguments.start,
        threads=arguments.threads,
    )
    selection.potential.write(arguments.output)
    print(
        f"{len(selection.chosen)} of {len(dataset)} structures selected, {selection.swaps} swaps in {selection.turns} "
        f"passes, largest grade {selection.largest:.4f}, ln|det A| {selection.log_determinant:.1f}"
    )
    if arguments.add:
        print(f"{selection.dropped} configurations of the old active set were replaced")
    if selection.unfilled:
        groups = ", ".join(f"{name} {count}" for name, count in selection.unfilled_coefficients.items())
        print(
            f"{selection.unfilled} of {potential.coeffs_count} rows stay unfilled ({groups}): structures that need "
            "them will be graded 'never seen'",
            file=sys.stderr,
        )
    if arguments.selected is not None:
        write([dataset[k] for k in selection.chosen], arguments.selected, species=numbering(potential))
    return 0
