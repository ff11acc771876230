"""Are the two boundaries of a periodic bicrystal the same? Tested atom by atom, under every operation of the cell."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.structures.boundaries.record import boundary_record
from betalps.structures.boundaries.translations import boundary_cell
from betalps.typing import Floats, Integers, Json

if TYPE_CHECKING:
    from ase import Atoms

DEPTH = 6.0
"""How far from each boundary atoms are compared by default, in Å."""


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Whether two boundaries are the same, and how that was tested.

    Attributes
    ----------
    equivalent
        True if an operation takes every atom near one boundary to one of its species near the other; None if there is
        only one boundary.
    operation
        The operation in words, such as ``"half turn about an axis in the plane"``; empty if there is none.
    deviation
        The largest distance in Å that is left between an atom's image and the atom it falls on; None if not equivalent.
    atoms
        How many atoms were compared.
    depth, tolerance
        How far from the boundary atoms were compared, and how near they had to fall, in Å.
    """

    equivalent: bool | None
    operation: str
    deviation: float | None
    atoms: int
    depth: float
    tolerance: float

    def as_dict(self) -> Json:
        """The same for a record."""
        return asdict(self)


def equivalent_boundaries(atoms: Atoms, *, depth: float = DEPTH, tolerance: float = 0.05) -> Equivalence:
    """Test whether the two boundaries of a bicrystal are the same up to symmetry.

    Tried are all translations in the plane together with every operation that the in-plane cell allows: rotations
    about the normal, mirrors, and these with the normal reversed (inversion, mirror in the plane, half turns about
    axes in the plane). Improper operations count, for they leave the energy as it is.

    Parameters
    ----------
    atoms
        A boundary of this package. Of a cell that was repeated, one of the original cells is compared with all.
    depth
        Atoms so far from a boundary are compared, in Å; at most to the middle of the thinner grain.
    tolerance
        How near atoms must fall to each other, in Å.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    """
    record = boundary_record(atoms)
    heights = record["boundaries"]
    if len(heights) < 2:
        return Equivalence(equivalent=None, operation="", deviation=None, atoms=0, depth=depth, tolerance=tolerance)
    cell = boundary_cell(atoms, record)
    total = float(atoms.cell.array[2, 2])
    depth = min(depth, (heights[1] - heights[0]) / 2 - tolerance, (total - heights[1] + heights[0]) / 2 - tolerance)
    first, second = (_Surroundings(atoms, height, depth, tolerance, cell) for height in heights)
    found = None
    if first.count and second.count:
        for turn, up in itertools.product(_turns(cell), (1, -1)):
            found = _match(first, second, turn, up, tolerance)
            if found is not None:
                break
    return Equivalence(
        equivalent=found is not None,
        operation="" if found is None else found[1],
        deviation=None if found is None else found[0],
        atoms=first.count,
        depth=depth,
        tolerance=tolerance,
    )


class _Surroundings:
    """The atoms near one boundary, modulo the boundary's cell: fractions in the plane, height, species."""

    def __init__(self, atoms: Atoms, height: float, depth: float, tolerance: float, cell: Floats) -> None:
        positions = atoms.positions - np.array([0.0, 0.0, height])
        c = atoms.cell.array[2]
        positions -= np.rint(positions[:, 2] / c[2])[:, None] * c
        near = np.abs(positions[:, 2]) <= depth + tolerance
        fractions = np.linalg.solve(cell.T, positions[near, :2].T).T % 1.0
        keys = np.column_stack([(fractions % (1 - 1e-6)).round(4), positions[near, 2].round(3), atoms.numbers[near]])
        one = np.sort(np.unique(keys, axis=0, return_index=True)[1])  # repeats fall on each other
        self.cell = cell
        self.fractions: Floats = fractions[one]
        self.heights: Floats = positions[near, 2][one]
        self.species: Integers = atoms.numbers[near][one].astype(np.int64)
        self.inner = np.abs(self.heights) <= depth - tolerance
        self.count = int(self.inner.sum())


def _turns(cell: Floats) -> list[Integers]:
    """Integer matrices (rows: images of the cell vectors) that keep the lengths and the angle of a reduced cell."""
    metric = cell @ cell.T
    found = []
    for entries in itertools.product((-1, 0, 1), repeat=4):
        turn = np.array(entries, dtype=np.int64).reshape(2, 2)
        if abs(round(float(np.linalg.det(turn)))) == 1 and np.allclose(turn @ metric @ turn.T, metric, rtol=1e-4):
            found.append(turn)
    return sorted(found, key=lambda turn: -int(np.trace(turn)))  # the identity first


def _match(
    first: _Surroundings, second: _Surroundings, turn: Integers, up: int, tolerance: float
) -> tuple[float, str] | None:
    """The deviation and the name of the operation, if some translation makes it one."""
    from scipy.spatial import cKDTree

    fractions, heights = first.fractions @ turn, first.heights * up
    target = _with_images(second, tolerance)
    tree = cKDTree(target)
    # the species and height with the fewest atoms leave the fewest translations to try
    candidates = [
        np.flatnonzero((second.species == species) & (np.abs(second.heights - height) < tolerance))
        for species, height in zip(first.species[first.inner], heights[first.inner], strict=True)
    ]
    anchor = int(np.argmin([len(found) for found in candidates]))
    start = fractions[first.inner][anchor]
    for other in candidates[anchor]:
        moved = fractions[first.inner] + (second.fractions[other] - start)
        points = _embedded(moved % 1.0, heights[first.inner], first.species[first.inner], first.cell)
        distance, index = tree.query(points, distance_upper_bound=2 * tolerance)
        if not np.isfinite(distance).all():
            continue
        away = target[index] - points
        away -= away.mean(axis=0)
        deviation = float(np.linalg.norm(away, axis=1).max())
        if deviation <= tolerance:
            return deviation, _name(turn, up)
    return None


def _embedded(fractions: Floats, heights: Floats, species: Integers, cell: Floats) -> Floats:
    """Points in four dimensions, species far from each other."""
    return np.column_stack([fractions @ cell, heights, 1e3 * species])


def _with_images(around: _Surroundings, tolerance: float) -> Floats:
    """Points in and just around the cell."""
    margin = 3 * tolerance * np.linalg.norm(around.cell[::-1], axis=1) / abs(np.linalg.det(around.cell))
    images = []
    for step in itertools.product((-1, 0, 1), repeat=2):
        shifted = around.fractions + np.array(step)
        inside = np.all((shifted > -margin) & (shifted < 1 + margin), axis=1)
        images.append(_embedded(shifted[inside], around.heights[inside], around.species[inside], around.cell))
    return np.concatenate(images)


def _name(turn: Integers, up: int) -> str:
    proper, trace = round(float(np.linalg.det(turn))) == 1, int(np.trace(turn))
    if up == 1:
        if not proper:
            return "mirror plane normal to the boundary"
        return {2: "translation", -2: "half turn about the normal"}.get(trace, "rotation about the normal")
    if not proper:
        return "half turn about an axis in the plane"
    return {2: "mirror in the plane", -2: "inversion"}.get(trace, "rotoinversion about the normal")
