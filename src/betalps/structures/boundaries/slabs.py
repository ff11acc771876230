"""Slabs: a crystal cut between two lattice planes so that every unit stays whole and the stoichiometry exact.

What is cut are reference points, one to a unit: a PS4 goes where its P goes, every Li by itself. A window of exactly
N spacings, half open, holds each of them N times per in-plane cell, wherever it begins; so any slab is neutral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.structures.bonding import Bonds, Units, bonded_units, check_overlaps
from betalps.structures.lattices.planes import PlaneLattice, plane_lattice
from betalps.typing import Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

_SAME = 1e-6  # fractional coordinates that differ by less are the same: rounding must not move a unit


@dataclass(frozen=True, kw_only=True)
class Termination:
    """A place to cut: between two neighbouring layers of reference points.

    Attributes
    ----------
    offset
        Where the window begins, in spacings: in the middle between the two layers, 0 to 1.
    height
        The same in Å.
    width
        Distance of the two layers in Å.
    below, above
        The units in the layers below and above, such as ``"Li"`` and ``"2 Li PS4"``, per in-plane cell.
    """

    offset: float
    height: float
    width: float
    below: str
    above: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Slab:
    """A slice of a crystal, periodic in x and y. The window of its reference points begins at z = 0.

    Attributes
    ----------
    numbers : ndarray of int, shape (atoms,)
        Atomic numbers.
    positions : ndarray, shape (atoms, 3)
        In Å; units are whole, so that atoms may lie beyond the window and outside the cell.
    units : ndarray of int, shape (atoms,)
        The unit of each atom.
    points : ndarray, shape (units, 3)
        Reference points in Å, within the window and the cell.
    kinds : tuple of str, length units
        Formula of each unit.
    cell : ndarray, shape (2, 2)
        In-plane cell vectors in Å, one per row.
    thickness
        Of the window in Å.
    start, shift : ndarray, shape (2,)
        A lattice point at the window's bottom, and how far from there the lattice has moved sideways at its top, in Å.
    """

    numbers: Integers
    positions: Floats
    units: Integers
    points: Floats
    kinds: tuple[str, ...]
    cell: Floats
    thickness: float
    start: Floats
    shift: Floats

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def area(self) -> float:
        """Of the in-plane cell, in Å²."""
        return float(abs(np.linalg.det(self.cell)))

    def mirrored(self) -> Slab:
        """The mirror image across its own middle plane: z becomes thickness - z."""
        flip, top = np.array([1.0, 1.0, -1.0]), np.array([0.0, 0.0, self.thickness])
        return replace(
            self,
            positions=self.positions * flip + top,
            points=self.points * flip + top,
            start=self.start + self.shift,
            shift=-self.shift,
        )

    def fitted(self, cell: Floats) -> Slab:
        """Moved to another in-plane cell: units turn as rigid bodies, their reference points are strained along.

        Parameters
        ----------
        cell
            (2, 2) vectors that the slab's own become.
        """
        move = np.linalg.solve(self.cell, cell)  # rows of self.cell @ move = rows of cell
        left, _, right = np.linalg.svd(move)
        points, offsets = self.points.copy(), self.positions - self.points[self.units]
        points[:, :2] = points[:, :2] @ move
        offsets[:, :2] = offsets[:, :2] @ (left @ right)
        return replace(
            self,
            positions=points[self.units] + offsets,
            points=points,
            cell=cell.copy(),
            start=self.start @ move,
            shift=self.shift @ move,
        )


def slab(
    crystal: Atoms,
    plane: str | Sequence[int],
    *,
    planes: int,
    repeats: Sequence[int] = (1, 1),
    offset: float | None = None,
    vacuum: float | None = None,
    bonds: Bonds | None = None,
) -> Atoms:
    """Cut a slab of whole units and exact stoichiometry.

    Parameters
    ----------
    crystal
        Any crystal, periodic in three directions.
    plane
        Miller indices of its cell.
    planes
        Thickness in lattice planes.
    repeats
        How often the in-plane cell is repeated.
    offset
        Where the cut begins, in spacings, as `terminations` lists them; the default is the widest of those.
    vacuum
        Above and below, in Å. None makes a bulk cell, periodic in three directions: the crystal again, seen along
        the plane.
    bonds
        As for `bonded_units`.

    Returns
    -------
    ase.Atoms
        x lies along the first in-plane vector, z along the normal. Units are whole: atoms may lie outside the cell.

    Raises
    ------
    ValueError
        A bad plane, or numbers that make no slab.
    StructureError
        The crystal is not sound: overlapping atoms, or units that no cut leaves whole.
    """
    from ase import Atoms

    lattice, units = described(crystal, plane, bonds)
    counts = _whole("repeats", repeats, 2)
    if offset is None:
        offset = max(find_terminations(lattice, units), key=lambda found: found.width).offset
    cut = cut_slab(crystal, lattice, units, planes=planes, offset=offset, matrix=np.diag(counts))
    space = vacuum or 0.0
    return Atoms(
        numbers=cut.numbers,
        positions=cut.positions + np.array([0.0, 0.0, space]),
        cell=box(cut.cell, cut.thickness + 2 * space, cut.shift if vacuum is None else np.zeros(2)),
        pbc=(True, True, vacuum is None),
    )


def terminations(
    crystal: Atoms, plane: str | Sequence[int], *, bonds: Bonds | None = None, tolerance: float = 0.001
) -> tuple[Termination, ...]:
    """List the distinct places to cut a crystal along a plane, from one lattice plane to the next.

    Parameters
    ----------
    crystal, plane, bonds
        As for `slab`.
    tolerance
        Reference points nearer in height than this many Å are one layer.

    Returns
    -------
    tuple of Termination
        In ascending order of offset.

    Raises
    ------
    ValueError, StructureError
        As `slab`.
    """
    lattice, units = described(crystal, plane, bonds)
    return find_terminations(lattice, units, tolerance)


def described(crystal: Atoms, plane: str | Sequence[int], bonds: Bonds | None) -> tuple[PlaneLattice, Units]:
    """The crystal's lattice along the plane and its units; checks that the crystal is sound.

    Raises
    ------
    ValueError, StructureError
        As `slab`.
    """
    if not len(crystal) or not all(crystal.pbc):
        raise StructureError(
            f"{crystal.get_chemical_formula() or 'no atoms'} with pbc {crystal.pbc.tolist()}: expected a crystal, "
            "periodic in three directions"
        )
    lattice = plane_lattice(crystal.cell.array, plane)
    check_overlaps(crystal)
    return lattice, bonded_units(crystal, bonds)


def find_terminations(lattice: PlaneLattice, units: Units, tolerance: float = 0.001) -> tuple[Termination, ...]:
    """As `terminations`, of a lattice and units already found."""
    heights = _fractions(lattice, units)[:, 2] % 1.0
    order = np.argsort(heights)
    gaps = np.diff(heights[order], append=heights[order[0]] + 1.0)  # above each point, to the next
    last = np.flatnonzero(gaps * lattice.spacing > tolerance)
    if not last.size:  # everything in one layer whose spread exceeds the tolerance nowhere
        last = np.array([int(np.argmax(gaps))])
    layers = np.split(np.roll(order, -last[0] - 1), np.cumsum(np.diff(last)))
    names = [_name_layer([units.kinds[k] for k in layer]) for layer in layers]
    found = [
        Termination(
            offset=round(float((heights[order[k]] + gaps[k] / 2) % 1.0), 6),
            height=round(float((heights[order[k]] + gaps[k] / 2) % 1.0), 6) * lattice.spacing,
            width=float(gaps[k] * lattice.spacing),
            below=names[n - 1],
            above=names[n],
        )
        for n, k in enumerate(last)
    ]
    return tuple(sorted(found, key=lambda termination: termination.offset))


def cut_slab(
    crystal: Atoms,
    lattice: PlaneLattice,
    units: Units,
    *,
    planes: int,
    offset: float = 0.0,
    matrix: Integers | None = None,
) -> Slab:
    """Cut `planes` lattice planes from a crystal.

    Parameters
    ----------
    crystal, lattice, units
        The crystal, `plane_lattice` and `bonded_units` of it.
    planes
        Thickness in lattice planes.
    offset
        Where the window begins, in spacings.
    matrix
        (2, 2) integers: the slab's in-plane cell vectors in those of the lattice.

    Returns
    -------
    Slab
        ``planes × |det matrix|`` times the crystal's atoms, in the axes of ``lattice.frame``.

    Raises
    ------
    ValueError
        `planes` is not a whole number above 0, or `offset` is not finite.
    """
    (planes,) = _whole("planes", [planes], 1)
    if not np.isfinite(offset):
        raise ValueError(f"offset {offset!r}: expected a finite number of spacings")
    matrix = np.eye(2, dtype=np.int64) if matrix is None else np.asarray(matrix, dtype=np.int64)
    basis, supercell = lattice.basis, matrix @ lattice.basis[:2, :2]
    fractions = _fractions(lattice, units)
    first = np.ceil(offset - fractions[:, 2] - _SAME)  # the lowest copy of each unit that is in the window
    sideways = _cosets(matrix)
    copies = np.array([[*step, level] for level in range(planes) for step in sideways], dtype=float)
    points = (fractions + np.outer(first, (0, 0, 1)))[None] + copies[:, None]
    points[..., 2] -= offset
    points = points.reshape(-1, 3) @ basis
    in_cell = np.linalg.solve(supercell.T, points[:, :2].T).T
    points[:, :2] -= np.floor(in_cell + _SAME) @ supercell
    offsets = units.offsets + (crystal.positions[units.references] - units.points)[units.labels]
    which = (units.labels[None] + len(units) * np.arange(len(copies))[:, None]).ravel()
    return Slab(
        numbers=np.tile(crystal.numbers, len(copies)),
        positions=points[which] + np.tile(offsets @ lattice.frame.T, (len(copies), 1)),
        units=which,
        points=points,
        kinds=units.kinds * len(copies),
        cell=supercell,
        thickness=planes * lattice.spacing,
        start=np.zeros(2),
        shift=planes * lattice.shift,
    )


def box(cell: Floats, height: float, sideways: Floats) -> Floats:
    """(3, 3) cell from in-plane vectors, height and shift of the top in Å, the shift reduced by in-plane vectors."""
    turns = np.rint(np.linalg.solve(cell.T, sideways) - _SAME)
    vectors = np.zeros((3, 3))
    vectors[:2, :2] = cell
    vectors[2] = [*(sideways - turns @ cell), height]
    return vectors


def _fractions(lattice: PlaneLattice, units: Units) -> Floats:
    """Reference points in p1, p2, v3."""
    return np.asarray(np.linalg.solve((lattice.integers @ lattice.cell).T, units.points.T).T, dtype=np.float64)


def _cosets(matrix: Integers) -> Integers:
    """(n, 2) integers: one lattice point of each class modulo the rows of `matrix`, n = |det|."""
    determinant = round(float(np.linalg.det(matrix)))
    if determinant == 0:
        raise ValueError(f"in-plane cell {matrix.tolist()} spans no area")
    corners = np.array([[0, 0], matrix[0], matrix[1], matrix[0] + matrix[1]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    grid = np.stack(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    grid = grid.reshape(-1, 2)
    adjugate = np.array([[matrix[1, 1], -matrix[0, 1]], [-matrix[1, 0], matrix[0, 0]]])
    scaled = grid @ adjugate * np.sign(determinant)  # fractions times |det|: exact
    inside = np.all((scaled >= 0) & (scaled < abs(determinant)), axis=1)
    return grid[inside]


def _name_layer(kinds: list[str]) -> str:
    return " ".join(
        f"{kind}" if kinds.count(kind) == 1 else f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))
    )


def _whole(name: str, values: Sequence[int], count: int) -> tuple[int, ...]:
    numbers = tuple(values)
    if len(numbers) != count or any(not isinstance(n, int | np.integer) or n < 1 for n in numbers):
        raise ValueError(f"{name} {values!r}: expected {count} whole number{'s' * (count > 1)} of at least 1")
    return tuple(int(n) for n in numbers)
