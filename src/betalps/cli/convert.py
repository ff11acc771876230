"""``betalps convert``: trajectories of other programs into the store, and back."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from betalps.cli.reading import FORMATS, add_reading_options, reader_options

_DESCRIPTION = """\
Converts a trajectory, one frame in memory at a time: ASE's .traj, extended XYZ, LAMMPS text dumps, H5MD, and the
store that betalps' own runs write (a folder; read piece by piece, whole after a kill). Analyses are fastest on a
store: convert once. Formats are told by the names; a target without suffix is a store.
"""

_EPILOG = """\
Examples:
  betalps convert run.lammpstrj run --timestep 0.002 --specorder Li,P,S
  betalps convert run.traj run --interval 0.02 --unwrapped
  betalps convert run frames.extxyz --start 100 --every 10
  betalps convert run run.h5md                              for other programs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("source", type=Path, help="file or folder to read")
    parser.add_argument("target", type=Path, help="file or folder to write; appears when it is whole")
    parser.add_argument("--from", dest="source_format", choices=FORMATS, help="format of the source")
    parser.add_argument("--to", dest="target_format", choices=FORMATS, help="format of the target")
    parser.add_argument("--start", type=int, metavar="N", help="first frame")
    parser.add_argument("--stop", type=int, metavar="N", help="frame to stop before")
    parser.add_argument("--every", type=int, metavar="N", help="take every N-th frame")
    parser.add_argument("--overwrite", action="store_true", help="replace a target that exists")
    add_reading_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Convert, with a bar."""
    from tqdm import tqdm

    from betalps.trajectories import ConversionProgress, CutFrameWarning, convert

    bar: tqdm[None] = tqdm(
        total=100,
        unit="%",
        bar_format="{percentage:3.0f} %|{bar:30}| {elapsed}, {remaining} left",
        disable=not sys.stderr.isatty(),
        file=sys.stderr,
    )

    def show(progress: ConversionProgress) -> None:
        bar.update(100 * progress.done - bar.n)

    with warnings.catch_warnings(record=True) as caught, bar:
        warnings.simplefilter("always", CutFrameWarning)
        count = convert(
            arguments.source,
            arguments.target,
            source_format=arguments.source_format,
            target_format=arguments.target_format,
            frames=slice(arguments.start, arguments.stop, arguments.every),
            overwrite=arguments.overwrite,
            progress=show,
            **reader_options(arguments),
        )
    for warning in caught:
        print(f"betalps convert: {warning.message}", file=sys.stderr)
    print(f"{arguments.target}: {count} frames")
    return 0
