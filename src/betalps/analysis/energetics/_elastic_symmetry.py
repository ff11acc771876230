"""Which elastic constants a crystal's symmetry leaves free, and which strains tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from betalps.analysis._symmetry import space_group
from betalps.analysis.energetics._strained import TENSORS
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_VISIBLE = 0.2  # a combination of constants that a set of strains shows less of than this counts as not shown


class PointGroup(NamedTuple):
    """The space group's name, and its rotations (operations, 3, 3) in Cartesian axes."""

    name: str
    rotations: Floats


def point_group(atoms: Atoms, symprec: float) -> PointGroup:
    """Find the point group with spglib.

    Raises
    ------
    StructureError
        spglib finds no symmetry at all, not even the identity.
    """
    data = space_group(atoms, symprec)
    to_cartesian = atoms.cell.array.T
    to_fractional = np.linalg.inv(to_cartesian)
    rotations = to_cartesian @ np.unique(data.rotations, axis=0) @ to_fractional
    # The lattice is symmetric only within the tolerance; the rotations are made exact.
    left, _, right = np.linalg.svd(rotations)
    return PointGroup(f"{data.international} ({data.number})", np.asarray(left @ right))


def rotation_of_strain(rotation: Floats) -> Floats:
    """What a rotation (..., 3, 3) does to Mandel's components of a strain or stress: (..., 6, 6), orthogonal."""
    turned = np.einsum("...ij,bjk,...lk->...bil", rotation, TENSORS, rotation)
    return np.asarray(np.einsum("ail,...bil->...ab", TENSORS, turned))


def invariant_tensors(rotations: Floats) -> Floats:
    """Orthonormal basis (free constants, 6, 6) of the stiffnesses, in Mandel's components, that the rotations keep."""
    upper = np.triu_indices(6)
    candidates = np.zeros((21, 6, 6))
    for k, (i, j) in enumerate(zip(*upper, strict=True)):
        candidates[k, i, j] = candidates[k, j, i] = 1.0 if i == j else np.sqrt(0.5)
    turns = rotation_of_strain(rotations)
    kept = np.einsum("rab,kbc,rdc->kad", turns, candidates, turns, optimize=True) / len(turns)
    _, sizes, vectors = np.linalg.svd(kept.reshape(21, 36), full_matrices=False)
    return np.asarray(vectors[sizes > 0.5].reshape(-1, 6, 6))  # a projection: its singular values are 0 and 1


def response(basis: Floats, pattern: Floats, observed: Literal["stress", "energy"]) -> Floats:
    """What unit strain along a pattern (6,) shows of each constant: (6, constants) stresses or (1, constants)."""
    stress = (basis @ pattern).T
    return stress if observed == "stress" else (pattern @ stress)[None]


def strain_patterns(basis: Floats, observed: Literal["stress", "energy"]) -> list[Floats]:
    """The fewest strains, of six simple ones and for energies also their sums by two, that show all constants."""
    single = list(np.eye(6))
    double = [(single[a] + single[b]) * np.sqrt(0.5) for a in range(6) for b in range(a)]
    chosen: list[Floats] = []
    shown, rank = np.zeros((0, len(basis))), 0
    for pattern in single if observed == "stress" else single + double:
        more = np.concatenate([shown, response(basis, pattern, observed)])
        found = int(np.linalg.matrix_rank(more, tol=_VISIBLE))
        if found > rank:
            chosen, shown, rank = [*chosen, pattern], more, found
    return chosen
