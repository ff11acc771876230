"""Label with GPAW, optB88-vdW: ``python label.py FOLDER [--count N]``. Killed, the same command goes on.

Writes the labels there are to data/labels.extxyz.xz.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from betalps.active_learning import gpaw, label
from betalps.datasets import write
from structures import structures

SOURCE = "optB88-vdW"
_DATA = Path(__file__).parent / "data" / "labels.extxyz.xz"
# Differences of the energies of strained cells are converged to 0.1 meV/atom with these plane waves (README.md).
SETTINGS = {
    "xc": "optB88-vdW",
    "cutoff": 350.0,
    "kpts": {"density": 1.5},  # Monkhorst-Pack, no Γ: 2 x 2 x 2 for 16 atoms of γ, 1 x 2 x 2 for 32 of β
    "symmetry": {"tolerance": 1e-4},
    "convergence": {"energy": 1e-5, "density": 1e-5, "eigenstates": 1e-7},
}


def main() -> None:
    """Label the first structures of the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, help="label only so many, the most needed ones")
    parser.add_argument("--output", type=Path, default=_DATA)
    arguments = parser.parse_args()
    wanted = structures()[: arguments.count]
    found = label(wanted, gpaw(**SETTINGS), folder=arguments.folder, observer=_tell)
    for atoms in found.frames:
        atoms.info["label_source"] = SOURCE
    write(found.frames, arguments.output)
    for number, failure in found.failures.items():
        print(f"{wanted[number].info}: {failure.reason}")
    print(f"{len(found.frames)} labelled, {len(found.failures)} failed")


def _tell(progress) -> None:
    print(f"{progress.done} of {progress.total}, {progress.seconds:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
