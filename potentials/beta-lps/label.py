"""Label with the teacher, resumable: ``python label.py FOLDER chosen.extxyz.xz --output labelled.extxyz.xz``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from betalps.active_learning import label, sevennet
from betalps.datasets import read, write


def main() -> None:
    """Label."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("structures", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    found = label(read(arguments.structures).frames, sevennet(), folder=arguments.folder, observer=_tell)
    write(found.frames, arguments.output)
    print(f"{len(found.frames)} labelled, {len(found.failures)} failed")


def _tell(progress) -> None:
    if progress.done % 20 == 0:
        print(f"{progress.done} of {progress.total}, {progress.seconds:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
