"""Tetrahedra that keep their corners, and where these point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import snapshots
from betalps.neighbors import neighbor_list
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats

Integers: TypeAlias = NDArray[np.intp]

LIGANDS = 4
_AT_ONCE = 32  # tetrahedra in memory


class Tetrahedra(NamedTuple):
    """Centres (units,), their ligands (units, 4), and how many centres were considered."""

    centres: Integers
    ligands: Integers
    considered: int


def find_tetrahedra(trajectory: Trajectory, own: tuple[str, str], cutoff: float, region: Region | None) -> Tetrahedra:
    """Centres with four ligands of their own in the first frame.

    Raises
    ------
    ValueError
        A cell thinner than two bonds, or no such centre in the region.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(trajectory.cells), axis=1)
    thinnest = float(heights[:, trajectory.pbc].min(initial=np.inf))
    if thinnest < 2.0 * cutoff:
        raise ValueError(
            f"the cell is {thinnest:.2f} Å thin: expected at least two bonds of {cutoff:.2f} Å, or a bond and its "
            "periodic image cannot be told apart"
        )
    start = next(snapshots(trajectory, region))
    atoms = trajectory.atoms(0)
    pairs = neighbor_list(atoms, cutoff)
    bonded = (trajectory.symbols[pairs.i] == own[0]) & (trajectory.symbols[pairs.j] == own[1])
    centre, ligand = pairs.i[bonded], pairs.j[bonded]
    partners = np.bincount(ligand, minlength=len(atoms))
    number = np.bincount(centre, minlength=len(atoms))
    shared = np.bincount(centre, partners[ligand] > 1, minlength=len(atoms)) > 0
    inside = start.inside & (trajectory.symbols == own[0])
    chosen = np.flatnonzero(inside & (number == LIGANDS) & ~shared)
    if not chosen.size:
        where = "" if region is None else " in the region"
        raise ValueError(
            f"no {own[0]}{where} has {LIGANDS} {own[1]} of its own within {cutoff:.2f} Å in the first frame"
        )
    of = np.isin(centre, chosen)
    ligands = ligand[of][np.argsort(centre[of], kind="stable")].reshape(-1, LIGANDS)
    return Tetrahedra(chosen, ligands.astype(np.intp), int(np.count_nonzero(inside)))


def bond_directions(
    trajectory: Trajectory, found: Tetrahedra, part: Integers, cutoff: float
) -> Iterator[tuple[Integers, Floats]]:
    """Tetrahedra that last, some at a time, and the unit vectors of their bonds (frames, units, 4, 3)."""
    for first in range(0, len(part), _AT_ONCE):
        numbers = part[first : first + _AT_ONCE]
        atoms = np.concatenate([found.centres[numbers], found.ligands[numbers].ravel()])
        fractional = np.asarray(trajectory.fractional[:, atoms], dtype=np.float64)
        centres, ligands = fractional[:, : len(numbers)], fractional[:, len(numbers) :]
        away = ligands.reshape(len(trajectory), len(numbers), LIGANDS, 3) - centres[:, :, None]
        away -= np.rint(away) * trajectory.pbc
        vectors = np.einsum("fuki,fij->fukj", away, trajectory.cells, optimize=True)
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        whole = (lengths < cutoff).all(axis=(0, 2, 3))
        yield numbers[whole], vectors[:, whole] / lengths[:, whole]
