"""``betalps grade``: how far structures are from what a potential was trained on."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

from betalps.cli.frames import add_common_options, numbering, read_both

_DESCRIPTION = """\
Prints the extrapolation grade of structures: up to 1 for what was selected, above about 2 for neighbourhoods that
the potential has to extrapolate to, above 10 where it should not be believed. The potential needs an active set
(betalps select). A structure with a component that no training configuration had is listed as "never seen": a
number would not say how far away it is.
"""

_EPILOG = """\
Examples:
  betalps grade run.extxyz.xz --potential pot.almtp
  betalps grade run.extxyz.xz --potential pot.almtp --threshold 2 --cut candidates.extxyz.xz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("structures", nargs="+", help="files: extxyz, MLIP .cfg, or whatever ASE reads")
    parser.add_argument(
        "--potential",
        required=True,
        metavar="FILE|NAME",
        help="with an active set: a .almtp file or a bundled one",
    )
    parser.add_argument(
        "--threshold", type=float, default=2.0, metavar="GAMMA", help="what counts as extrapolation (%(default)s)"
    )
    parser.add_argument("--list", type=int, default=10, metavar="N", help="the worst N are listed (%(default)s)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the structures with nbh_grades per atom (.extxyz[.xz], .cfg)"
    )
    parser.add_argument(
        "--cut", type=Path, metavar="FILE", help="write the extrapolative neighbourhoods, cut out for labelling"
    )
    parser.add_argument(
        "--kind",
        choices=("periodic", "cluster"),
        default="periodic",
        help="cells that --cut makes (%(default)s)",
    )
    add_common_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Grade, print the worst, write what was asked for."""
    from betalps.active_learning import Cutting, cut_extrapolative, grade
    from betalps.datasets import write
    from betalps.files import require_writable

    require_writable(arguments.output, arguments.cut)
    potential, dataset = read_both(arguments)
    grades = grade(potential, dataset, threads=arguments.threads)
    extrapolated = grades.above(arguments.threshold)
    print(
        f"{len(grades)} structures: {len(extrapolated)} above {arguments.threshold:g}, {grades.unseen.sum()} with "
        f"components never seen, median grade {median(grades.seen.tolist()):.3g}"
    )
    if grades.unfilled:
        groups = ", ".join(f"{name} {count}" for name, count in grades.unfilled_coefficients.items())
        print(f"{grades.unfilled} rows of the active set were never filled: {groups}")
    for index in extrapolated[: arguments.list]:
        file, number = dataset.origins[index]
        shown = "never seen" if grades.unseen[index] else f"{grades.largest[index]:.3f}"
        atom = f", atom {int(grades.sites[index].argmax())}" if grades.sites else ""
        print(f"{shown:>10}  {file} frame {number}{atom}")
    if arguments.output is not None:
        for atoms, sites in zip(dataset, grades.sites or (), strict=bool(grades.sites)):
            atoms.arrays["nbh_grades"] = sites
        for atoms, largest in zip(dataset, grades.largest, strict=True):
            atoms.info["grade"] = float(largest)
        write(dataset, arguments.output, species=numbering(potential))
    if arguments.cut is not None:
        settings = Cutting(radius=potential.cutoff, kind=arguments.kind)
        pieces = cut_extrapolative(
            potential, dataset.frames, threshold=arguments.threshold, settings=settings, threads=arguments.threads
        )
        write(pieces, arguments.cut, species=numbering(potential))
        print(f"{len(pieces)} neighbourhoods cut: {arguments.cut}")
    return 0
