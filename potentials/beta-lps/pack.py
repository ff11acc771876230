"""Write labels with no more digits than they are worth: ``python pack.py --output data/x.extxyz.xz FILES``.

Positions were rounded to 1e-5 Å before they were labelled; forces are rounded here to 1e-4 eV/Å, energies to 1e-5 eV
and stresses to 1e-7 eV/Å³. That is a hundredth of the errors of the potential, and a third of the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ase import Atoms

from betalps.datasets import duplicates, read, stored_labels, with_labels, write

DIGITS = {"energy": 5, "forces": 4, "stress": 7}


def packed(atoms: Atoms) -> Atoms:
    """The same frame with rounded labels and only the entries that say where it comes from."""
    labels = {name: value.round(DIGITS[name]) for name, value in stored_labels(atoms).items()}
    frame = with_labels(atoms, labels)
    frame.info = {
        key: _plain(atoms.info[key])
        for key in ("group", "source", "temperature_K", "strain", "time_ps")
        if key in atoms.info
    }
    return frame


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else value


def main() -> None:
    """Pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    frames = [packed(atoms) for atoms in read(arguments.files)]
    found = duplicates(frames)
    assert not found, f"the same structure twice: {found}"
    write(frames, arguments.output)
    print(f"{len(frames)} frames, {arguments.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
