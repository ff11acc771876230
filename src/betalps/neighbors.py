"""Pairs of neighbouring atoms, for analyses. The calculators keep a list of their own inside the C++ core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.typing import Floats, Ints

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["Neighbors", "neighbor_list"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbors:
    """All ordered pairs of atoms closer than a cutoff, periodic images included.

    The arrays run over pairs, grouped by `i` in ascending order; the neighbours of one atom are in no
    particular order.

    Attributes
    ----------
    i, j : ndarray of int32, shape (pairs,)
        Indices of the first and the second atom. Every pair appears as (i, j) and as (j, i); an atom and its
        own periodic image are a pair with ``i == j``.
    shifts : ndarray of int32, shape (pairs, 3)
        Lattice translations of the second atom: zero along directions that are not periodic.
    vectors : ndarray of float64, shape (pairs, 3)
        From the first atom to the second, ``positions[j] + shifts @ cell - positions[i]``, in angstrom.
    distances : ndarray of float64, shape (pairs,)
        Lengths of `vectors`, in angstrom.
    """

    i: Ints
    j: Ints
    shifts: Ints
    vectors: Floats
    distances: Floats


def neighbor_list(atoms: Atoms, cutoff: float) -> Neighbors:
    """Find all pairs of atoms closer than `cutoff`.

    Works for any cell: smaller than the cutoff, triclinic, periodic in some directions only, or none at all;
    atoms may lie outside the cell. The lattice vector of a direction that is not periodic is ignored and may
    be zero.

    Parameters
    ----------
    atoms : ase.Atoms
        The structure; its positions, cell and periodic directions (``pbc``) are used.
    cutoff : float
        Distance below which two atoms are a pair, in angstrom; above 0.

    Returns
    -------
    Neighbors
        The pairs, in angstrom.

    Raises
    ------
    ValueError
        For a cutoff that is not finite and positive.
    StructureError
        For a position that is not finite (the message names the atom), and for lattice vectors of periodic
        directions that are zero, linearly dependent, or so short that an atom would have more than a million
        images nearby.
    """
    from betalps import _core

    core = _core.NeighbourList(cutoff, 0.0)
    try:
        core.update(atoms.positions, np.zeros(len(atoms), np.int32), atoms.cell.array, atoms.pbc.tolist())
    except ValueError as error:
        raise StructureError(str(error)) from None
    i, j, shifts, vectors = core.pairs()
    distances = np.sqrt(np.einsum("pk,pk->p", vectors, vectors))
    near = distances < cutoff  # the core keeps a hair more
    if not near.all():
        i, j, shifts, vectors, distances = (array[near] for array in (i, j, shifts, vectors, distances))
    return Neighbors(i=i, j=j, shifts=shifts, vectors=vectors, distances=distances)
