"""Sizes by request: at least so many atoms, so far between boundaries, so wide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Size:
    """The least size of a bicrystal. The smallest that has it is built: first wide enough, then thick enough.

    Attributes
    ----------
    atoms
        At least so many, of both grains together.
    separation
        Thickness of each grain, and so the distance between boundaries, in Å (without the gaps).
    lateral
        Width of the cell in the plane in Å: between its sides, not along its vectors.
    """

    atoms: int = 1
    separation: float = 20.0
    lateral: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.atoms) and self.atoms >= 1):
            raise ValueError(f"size of {self.atoms!r} atoms: expected at least 1")
        for name, value in (("separation", self.separation), ("lateral", self.lateral)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"size: {name} {value!r} Å: expected 0 or more")

    def repeats(self, cell: Floats) -> tuple[int, int]:
        """How often to repeat the (2, 2) in-plane cell along its two vectors."""
        area = abs(float(np.linalg.det(cell)))
        widths = area / np.linalg.norm(cell[::-1], axis=1)  # between opposite sides
        first, second = (max(1, math.ceil(self.lateral / width - 1e-9)) for width in widths.tolist())
        return first, second

    def planes(self, spacings: tuple[float, float], atoms_per_plane: tuple[int, int]) -> tuple[int, int]:
        """How many lattice planes either grain needs.

        Parameters
        ----------
        spacings
            Of the lattice planes of either grain, in Å.
        atoms_per_plane
            In one plane of either grain, all repeats together.
        """
        thickness = max(self.separation, *spacings)
        # as thick as the atoms ask, if both grains grow alike; then the least step that reaches their number
        density = sum(n / d for n, d in zip(atoms_per_plane, spacings, strict=True))
        thickness = max(thickness, self.atoms / density - max(spacings))
        while True:
            counts = [max(1, math.ceil(thickness / d - 1e-9)) for d in spacings]
            if sum(n * m for n, m in zip(counts, atoms_per_plane, strict=True)) >= self.atoms:
                return counts[0], counts[1]
            thickness = min(n * d for n, d in zip(counts, spacings, strict=True)) + 2e-9 * max(spacings)
