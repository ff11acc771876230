"""Rigid units at random places in a periodic cell, moved and turned until no contact is too short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.typing import Bools, Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

_SKIN = 0.6  # Å; a list of neighbours holds until an atom has moved half of it
_MARGIN = 1.02  # what is pushed apart goes a little further than it must, so that pushing comes to an end
_LONGEST_STEP = 0.25  # Å
_BALANCED = 1e-4  # Å; pushes on a unit that add up to less
# FIRE's: E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)
_STEP, _LARGEST, _FASTER, _SLOWER, _MIX, _LESS_MIX, _PATIENCE = 0.2, 0.9, 1.1, 0.5, 0.15, 0.99, 5


@dataclass(eq=False)
class _Pairs:
    """Atoms of different units that are, or may soon be, too near; each pair once."""

    i: Integers
    j: Integers
    shifts: Floats
    limits: Floats
    built_at: Floats


def relieve(atoms: Atoms, units: Integers, limits: Floats, *, most_steps: int) -> int:
    """Move and turn rigid units until no contact between them is too short.

    Overlaps are springs, ``½ (limit - distance)²`` summed over pairs, and FIRE goes down their energy.

    Parameters
    ----------
    atoms
        Periodic in three directions; moved in place. Each unit lies in one piece, across the cell's border if need be.
    units : ndarray of int, shape (atoms,)
        The unit of each atom, from 0, every number used.
    limits : ndarray, shape (119, 119)
        Least distance in Å of two atoms of different units, by atomic numbers; 0 for pairs that may be as near as they
        like.
    most_steps
        Before it is given up.

    Returns
    -------
    int
        Steps that it took.

    Raises
    ------
    StructureError
        Contacts are still too short after `most_steps`, or when nothing moves any more; names the shortest.
    """
    motion = _Motion(atoms.positions, units)
    pairs = _near(atoms, units, limits)
    vectors, distances = _apart(atoms, pairs)
    for step in range(most_steps):
        if np.all(distances >= pairs.limits):
            return step
        if motion.step(_forces(len(atoms), pairs, vectors, distances)) < _BALANCED:
            break  # jammed: pushed from all sides, nothing moves any more
        atoms.positions = motion.positions
        if np.linalg.norm(atoms.positions - pairs.built_at, axis=1).max(initial=0.0) > _SKIN / 2:
            pairs = _near(atoms, units, limits)
        vectors, distances = _apart(atoms, pairs)
    else:
        if np.all(distances >= pairs.limits):
            return most_steps
    worst = int(np.argmin(distances / np.maximum(pairs.limits, 1e-9)))
    a, b = (str(atoms.symbols[int(index[worst])]) for index in (pairs.i, pairs.j))
    raise StructureError(
        f"no packing found: {a}-{b} {distances[worst]:.2f} Å, expected at least "
        f"{pairs.limits[worst]:.2f} Å; ask for a lower density, or for shorter contacts"
    )


def _near(atoms: Atoms, units: Integers, limits: Floats) -> _Pairs:
    found = neighbor_list(atoms, float(limits.max()) * _MARGIN + _SKIN)
    limit = limits[atoms.numbers[found.i], atoms.numbers[found.j]]
    still = ~found.shifts.any(axis=1)
    # once each; an atom and its own image move together, and a unit's atoms where they belong keep their distances
    once: Bools = (found.i < found.j) & ~(still & (units[found.i] == units[found.j]))
    kept = once & (limit > 0) & (found.distances < limit * _MARGIN + _SKIN)
    return _Pairs(
        i=found.i[kept].astype(np.int64),
        j=found.j[kept].astype(np.int64),
        shifts=found.shifts[kept] @ atoms.cell.array,
        limits=limit[kept],
        built_at=atoms.positions.copy(),
    )


def _apart(atoms: Atoms, pairs: _Pairs) -> tuple[Floats, Floats]:
    vectors = atoms.positions[pairs.j] + pairs.shifts - atoms.positions[pairs.i]
    return vectors, np.sqrt(np.einsum("pk,pk->p", vectors, vectors))


def _forces(count: int, pairs: _Pairs, vectors: Floats, distances: Floats) -> Floats:
    overlap = pairs.limits * _MARGIN - distances
    short = overlap > 0
    push = vectors[short] * (overlap[short] / np.maximum(distances[short], 1e-6))[:, None]
    i, j = pairs.i[short], pairs.j[short]
    columns = [np.bincount(j, push[:, k], count) - np.bincount(i, push[:, k], count) for k in range(3)]
    return np.stack(columns, axis=1)


class _Motion:
    """FIRE for rigid units: three translations and three rotations each."""

    def __init__(self, positions: Floats, units: Integers) -> None:
        self._units = units
        sizes = np.bincount(units)
        self._centres = self._sum(positions) / sizes[:, None]
        self._arms = positions - self._centres[units]
        inertia = np.bincount(units, np.einsum("ak,ak->a", self._arms, self._arms)) * (2 / 3)
        self._masses = np.stack([sizes, np.where(inertia > 1e-6, inertia, np.inf)], axis=1)[:, :, None]
        self._velocities = np.zeros((len(sizes), 2, 3))
        self._step, self._mix, self._downhill = _STEP, _MIX, 0

    @property
    def positions(self) -> Floats:
        return self._centres[self._units] + self._arms

    def step(self, forces: Floats) -> float:
        """Move; returns the largest push on a unit."""
        from scipy.spatial.transform import Rotation

        pushes = np.stack([self._sum(forces), self._sum(np.cross(self._arms, forces))], axis=1)
        self._mix_velocities(pushes)
        self._velocities += self._step * pushes / self._masses
        moves = self._step * self._velocities
        reach = np.array([1.0, np.sqrt(np.einsum("ak,ak->a", self._arms, self._arms)).max(initial=0.0)])
        longest = float((np.linalg.norm(moves, axis=2) * reach).max())
        moves *= min(1.0, _LONGEST_STEP / max(longest, 1e-12))
        self._centres = self._centres + moves[:, 0]
        turning = np.flatnonzero(np.isfinite(self._masses[self._units, 1, 0]))
        self._arms[turning] = Rotation.from_rotvec(moves[self._units[turning], 1]).apply(self._arms[turning])
        return float(np.abs(pushes).max())

    def _mix_velocities(self, pushes: Floats) -> None:
        power = float((pushes * self._velocities).sum())
        if power > 0:
            directions = pushes / self._masses
            kinetic = [
                float((np.where(np.isfinite(self._masses), self._masses, 0.0) * v**2).sum())
                for v in (self._velocities, directions)
            ]
            blend = self._mix * np.sqrt(kinetic[0] / kinetic[1])
            self._velocities = (1 - self._mix) * self._velocities + blend * directions
            self._downhill += 1
            if self._downhill > _PATIENCE:
                self._step = min(self._step * _FASTER, _LARGEST)
                self._mix *= _LESS_MIX
        elif self._velocities.any():
            self._velocities[:] = 0.0
            self._step, self._mix, self._downhill = self._step * _SLOWER, _MIX, 0

    def _sum(self, values: Floats) -> Floats:
        """Over the atoms of each unit."""
        return np.stack([np.bincount(self._units, values[:, k]) for k in range(3)], axis=1)
