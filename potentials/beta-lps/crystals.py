"""Relaxed crystals and small strains of them, to pin lattice parameters: ``python crystals.py --output FILE``."""

from __future__ import annotations

import argparse
from pathlib import Path

from betalps.datasets import strained, write
from betalps.structures import beta_li3ps4, gamma_li3ps4

ORDERINGS = ("4b4", "4b3_4c1", "4b2_4c2_0145", "4b2_4c2_0147", "4b2_4c2_0345", "4c4")
_SIZE = 0.015


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    crystals = {f"b_{name}": beta_li3ps4(ordering=name) for name in ORDERINGS} | {"gamma": gamma_li3ps4((2, 1, 1))}
    strains = [tuple(sign * _SIZE * (k == m) for m in range(6)) for k in range(3) for sign in (-1, 1)]
    strains += [tuple(_SIZE * (k == m) for m in range(6)) for k in range(3, 6)]
    found = []
    for name, crystal in crystals.items():
        for number, atoms in enumerate([crystal, *strained(crystal, strains)]):
            atoms.info = {"group": "relaxed", "source": f"relaxed {name}", "temperature_K": 0, "time_ps": float(number)}
            atoms.positions = atoms.positions.round(5)
            atoms.set_cell(atoms.cell.array.round(6))
            found.append(atoms)
    write(found, arguments.output)


if __name__ == "__main__":
    main()
