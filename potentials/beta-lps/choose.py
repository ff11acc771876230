"""Choose what to label: MaxVol's choice of the candidates, and an even draw of the rest.

``python choose.py POOL.extxyz.xz --potential P.almtp --count 200 --output chosen.extxyz.xz``: P has an active set of
what it was trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from betalps.active_learning import grade, select
from betalps.datasets import read, write

_SHORTEST = 1.2  # Å: nothing that the teacher knows is closer


def main() -> None:
    """Choose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", nargs="+", type=Path)
    parser.add_argument("--potential", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--largest-grade", type=float, default=1e9, help="leave out what extrapolates further")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    pool = list(read(arguments.pool))
    for atoms in pool:
        atoms.positions = atoms.positions.round(5)
        atoms.set_cell(atoms.cell.array.round(6))
    grades = grade(arguments.potential, pool, threads=1)
    shortest = np.array([_shortest(atoms) for atoms in pool])
    sound = np.flatnonzero((grades.seen < arguments.largest_grade) & (shortest > _SHORTEST))
    print(f"{len(pool)} candidates, {len(sound)} sound, {(grades.largest > 2).sum()} with a grade above 2")
    chosen = select(arguments.potential, [pool[k] for k in sound], add=True, threads=1).chosen
    picked = {int(sound[k]) for k in chosen}
    print(f"{len(picked)} chosen by MaxVol")
    rest = [int(k) for k in sound if int(k) not in picked]
    more = arguments.count - len(picked)
    if more > 0 and rest:
        picked |= {rest[k] for k in np.unique(np.linspace(0, len(rest) - 1, min(more, len(rest))).round().astype(int))}
    found = [pool[k] for k in sorted(picked)]
    write(found, arguments.output)
    print(f"{len(found)} frames of {sum(map(len, found))} atoms")


def _shortest(atoms) -> float:
    from matscipy.neighbours import neighbour_list

    distances = neighbour_list("d", atoms, 2.5)
    return float(distances.min(initial=2.5))


if __name__ == "__main__":
    main()
