"""Starting structures of melts whose sulfur is paired: ``python melts.py``, into data/melt-1.extxyz to melt-8.extxyz.

At 2000 K and 1 bar PS4 loses sulfur, which pairs: the melt holds PS4, PS3, PS2 and S2. Runs that begin at PS4 take long
to come there. Each structure has 8 formula units of these, packed at random.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.geometry import get_distances
from ase.io import write
from ase.units import kg
from scipy.spatial.transform import Rotation

_DATA = Path(__file__).parent / "data"
_UNITS = (  # of 8 P and 32 S, and the density in g/cm³
    ({"PS2": 8, "S2": 8}, 1.0),
    ({"PS4": 4, "PS2": 4, "S2": 4}, 1.2),
    ({"PS3": 8, "S2": 4}, 1.1),
    ({"PS4": 2, "PS3": 4, "PS2": 2, "S2": 4}, 1.3),
)
_LITHIUM = 24
_BOND = 2.02  # Å, P-S and S-S
_APART = {"LiLi": 2.4, "LiP": 2.5, "LiS": 2.2, "PP": 3.4, "PS": 3.0, "SS": 2.9}  # Å, of different units


def unit(name: str) -> Atoms:
    """PS4 is a tetrahedron, PS3 and PS2 are what is left of it; S2 is a pair."""
    if name in ("Li", "S2"):
        return Atoms(name, positions=[[0, 0, k * _BOND] for k in range(len(Atoms(name)))])
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * _BOND / np.sqrt(3)
    return Atoms(name, positions=[[0, 0, 0], *corners[: int(name[2])]])


def packed(units: dict[str, int], density: float, rng: np.random.Generator) -> Atoms:
    """One unit after the other, where and as it fits."""
    parts = [unit(name) for name, count in units.items() for _ in range(count)] + [unit("Li")] * _LITHIUM
    mass = sum(part.get_masses().sum() for part in parts) / kg * 1e3
    side = (mass / density * 1e24) ** (1 / 3)
    found = Atoms(cell=[side] * 3, pbc=True)
    for part in parts:
        while True:
            turned = part.copy()
            turned.positions = Rotation.random(rng=rng).apply(part.positions) + rng.random(3) * side
            if not len(found) or _fits(turned, found):
                break
        found += turned
    return found


def _fits(part: Atoms, others: Atoms) -> bool:
    _, distances = get_distances(part.positions, others.positions, cell=others.cell, pbc=True)
    least = [["".join(sorted(pair)) for pair in ((a, b) for b in others.symbols)] for a in part.symbols]
    return bool((distances > np.vectorize(_APART.get)(least)).all())


def main() -> None:
    """Write all."""
    for number, (units, density) in enumerate(_UNITS * 2, 1):
        write(_DATA / f"melt-{number}.extxyz", packed(units, density, np.random.default_rng(number)))


if __name__ == "__main__":
    main()
