"""How two grains are turned against each other: the smallest rotation among all that symmetry makes equivalent.

Conventions: orientations in the Cartesian axes in which the crystal's cell is given; a misorientation M takes a
vector of grain A to the same vector of grain B, ``v_b = M v_a`` for columns. With point groups of operations S, all
``S_b M S_a`` describe the same two grains (H. Grimmer, Acta Cryst. A36, 382 (1980)); the *dis*orientation is the
one of smallest angle.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from betalps.errors import StructureError
from betalps.structures.lattices.planes import Indices, PlaneLattice
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_SAME_ANGLE = 1e-6  # degrees
_ORTHOGONAL = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Misorientation:
    """How grain B is turned against grain A.

    Attributes
    ----------
    angle
        The disorientation in degrees: the smallest rotation angle, 0 to 180.
    axis
        (3,) its unit axis in the Cartesian axes of the crystal; of symmetry-equivalent ones one is chosen. Along z if
        the angle is zero.
    mirror
        Whether the grains were related by a mirror or another improper operation.
    equivalent_rotation
        Whether a rotation relates the grains. If not, they are of opposite hand, and angle and axis
        are those of their lattices alone, which are never handed.
    reason
        Why, in words.
    """

    angle: float
    axis: Floats
    mirror: bool
    equivalent_rotation: bool
    reason: str


def point_operations(atoms: Atoms, *, symprec: float = 0.01, ignore: Sequence[str] = ()) -> Floats:
    """Find the point group of a crystal with spglib.

    Parameters
    ----------
    atoms
        The crystal.
    symprec
        How far atoms may be from their symmetric places, in Å.
    ignore
        Species left out, such as mobile lithium whose order breaks the symmetry of the rest.

    Returns
    -------
    ndarray
        (m, 3, 3) orthogonal matrices, acting on Cartesian columns; the identity first.

    Raises
    ------
    StructureError
        If no atom is left or spglib finds no symmetry, as where two atoms share a place.
    """
    import spglib

    kept = np.array([symbol not in ignore for symbol in atoms.get_chemical_symbols()], dtype=bool)
    if not kept.any():
        raise StructureError(f"{atoms.get_chemical_formula()} without {', '.join(ignore)}: no atom is left")
    cell = np.asarray(atoms.cell.array, dtype=float)
    scaled, numbers = atoms.get_scaled_positions()[kept], atoms.numbers[kept]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces its own future error handling
        found = spglib.get_symmetry((cell.tolist(), scaled.tolist(), numbers.tolist()), symprec=symprec)
    if found is None:
        raise StructureError(f"spglib finds no symmetry within {symprec} Å: do two atoms share a place?")
    fractional = np.unique(found["rotations"], axis=0)
    cartesian = cell.T @ fractional @ np.linalg.inv(cell.T)
    u, _, v = np.linalg.svd(cartesian)  # orthogonal, though the cell be symmetric within symprec only
    operations = u @ v
    identity = np.abs(operations - np.eye(3)).max(axis=(1, 2)) < _ORTHOGONAL
    ordered: Floats = np.concatenate([operations[identity], operations[~identity]])
    return ordered


def disorientation(
    rotation: ArrayLike, operations_a: ArrayLike, operations_b: ArrayLike | None = None
) -> tuple[float, Floats]:
    """Find the smallest rotation that is equivalent to a relation of two grains.

    Parameters
    ----------
    rotation
        (3, 3) orthogonal matrix that takes grain A to grain B; may be improper if a crystal has improper operations.
    operations_a
        (m, 3, 3) point group of A, as from `point_operations`.
    operations_b
        Of B, where it is another crystal.

    Returns
    -------
    angle
        Degrees.
    axis
        (3,) unit vector. For one crystal it is as good as its opposite (which takes B to A) and as its equivalents
        under the point group: that with the largest |z|, then |y|, and positive signs.

    Raises
    ------
    ValueError
        If a matrix is not orthogonal, or no rotation is equivalent; `misorientation` can say that.
    """
    result = misorientation(rotation, operations_a, operations_b)
    if not result.equivalent_rotation:
        raise ValueError(f"expected grains related by a rotation: {result.reason}")
    return result.angle, result.axis


def misorientation(
    rotation: ArrayLike, operations_a: ArrayLike, operations_b: ArrayLike | None = None
) -> Misorientation:
    """Describe a relation of two grains, proper or improper; parameters as for `disorientation`.

    Raises
    ------
    ValueError
        If a matrix is not orthogonal.
    """
    return _describe(rotation, operations_a, operations_b, normal=None)


def _describe(
    rotation: ArrayLike, operations_a: ArrayLike, operations_b: ArrayLike | None, normal: Floats | None
) -> Misorientation:
    matrix = _checked(rotation, "rotation")[None]
    of_a = _checked(operations_a, "operations_a")
    of_b = of_a if operations_b is None else _checked(operations_b, "operations_b")
    mirror = bool(np.linalg.det(matrix[0]) < 0)
    improper = np.concatenate([group[np.linalg.det(group) < 0] for group in (of_a, of_b)])
    related = not mirror or len(improper) > 0
    equivalent = (of_b[:, None] @ (matrix if related else -matrix) @ of_a[None]).reshape(-1, 3, 3)
    equivalent = equivalent[np.linalg.det(equivalent) > 0]
    angle, axis = _smallest(equivalent, either_sign=operations_b is None, normal=normal)
    return Misorientation(
        angle=angle,
        axis=axis,
        mirror=mirror,
        equivalent_rotation=related,
        reason=_reason(mirror, improper),
    )


def tilt_misorientation(lattice: PlaneLattice, operations: ArrayLike) -> Misorientation:
    """Describe the symmetric tilt boundary on a plane: grain B is the mirror image of A in the plane.

    Parameters
    ----------
    lattice
        The plane.
    operations
        (m, 3, 3) point group of the crystal in the same Cartesian axes.

    Returns
    -------
    Misorientation
        Of equivalent axes one that lies in the plane, if there is one, or along its normal. If the crystal is chiral,
        `Misorientation.equivalent_rotation` is False: then the half turn about the normal is the rotation whose
        lattices are those of the mirror.
    """
    normal = lattice.normal
    return _describe(np.eye(3) - 2 * np.outer(normal, normal), operations, None, normal)


def direction_indices(
    cell: ArrayLike, direction: ArrayLike, *, max_index: int = 9, tolerance: float = 0.1
) -> Indices | None:
    """Name a Cartesian direction by the lattice direction along it.

    Parameters
    ----------
    cell
        (3, 3) cell vectors in Å, one per row.
    direction
        (3,) of any length.
    max_index
        Largest index to try.
    tolerance
        How far the lattice direction may be off, in degrees.

    Returns
    -------
    tuple of int or None
        [u v w] of the smallest indices; None if there is no such lattice vector.
    """
    numbers = range(-max_index, max_index + 1)
    indices = np.array([uvw for uvw in itertools.product(numbers, repeat=3) if any(uvw)], dtype=np.int64)
    vectors = indices @ np.asarray(cell, dtype=float)
    target = np.asarray(direction, dtype=float)
    across = np.linalg.norm(np.cross(vectors, target), axis=1)
    off = np.degrees(np.arctan2(across, vectors @ target))
    near = indices[off <= tolerance]
    if not len(near):
        return None
    u, v, w = near[np.argmin(np.abs(near).sum(axis=1))]
    return int(u), int(v), int(w)


def _checked(matrices: ArrayLike, what: str) -> Floats:
    array = np.asarray(matrices, dtype=float)
    if array.shape[-2:] != (3, 3) or array.ndim != (2 if what == "rotation" else 3) or not len(array):
        expected = "(3, 3)" if what == "rotation" else "(m, 3, 3)"
        raise ValueError(f"{what} of shape {array.shape}: expected {expected}")
    error = np.abs(array @ np.swapaxes(array, -1, -2) - np.eye(3)).max()
    if not error <= _ORTHOGONAL:
        raise ValueError(f"{what}: expected orthogonal matrices, but M Mᵀ differs from 1 by {error:.2g}")
    return array


def _smallest(rotations: Floats, *, either_sign: bool, normal: Floats | None) -> tuple[float, Floats]:
    """Angle in degrees and axis of the smallest of proper rotations; of equal ones a simple axis: ⟂ or ∥ the normal."""
    odd = np.stack(
        [
            rotations[:, 2, 1] - rotations[:, 1, 2],
            rotations[:, 0, 2] - rotations[:, 2, 0],
            rotations[:, 1, 0] - rotations[:, 0, 1],
        ],
        axis=-1,
    )
    trace = np.trace(rotations, axis1=1, axis2=2)
    angles = np.degrees(np.arctan2(np.linalg.norm(odd, axis=1), trace - 1))
    if angles.min() < _SAME_ANGLE:
        return 0.0, np.array([0.0, 0.0, 1.0])
    axes = []
    for i in np.flatnonzero(angles <= angles.min() + _SAME_ANGLE):
        axis = odd[i]
        if angles[i] > 90:  # the odd part vanishes at 180°; the even one is 2 (1 - cos) times the axis squared
            even = rotations[i] + rotations[i].T + (1 - trace[i]) * np.eye(3)
            column = even[:, np.argmax(np.diag(even))]
            axis = column if column @ odd[i] >= 0 else -column
        axis = axis / np.linalg.norm(axis)
        axes += [axis, -axis] if either_sign or angles[i] > 180 - _SAME_ANGLE else [axis]

    def simplicity(v: Floats) -> tuple[float, ...]:
        along = 0.0 if normal is None else abs(round(float(v @ normal), 6))
        return float(along in {0, 1}), -along, *np.abs(v[::-1]).round(6), *v.round(6)

    return float(angles.min()), max(axes, key=simplicity) + 0.0  # no -0


def _reason(mirror: bool, improper: Floats) -> str:
    if not mirror:
        return "the grains are related by a rotation"
    if not len(improper):
        return (
            "the grains are related by a mirror and the crystal is chiral (it has no inversion centre, mirror plane or "
            "rotoinversion axis): they are of opposite hand, and no rotation takes one to the other; a half turn about "
            "the normal gives the same lattices with one hand"
        )
    traces = np.trace(improper, axis1=1, axis2=2)
    if np.any(np.abs(traces + 3) < _ORTHOGONAL):
        element = "an inversion centre"
    elif np.any(np.abs(traces - 1) < _ORTHOGONAL):
        element = "a mirror plane"
    else:
        element = "a rotoinversion axis"
    return f"the grains are related by a mirror, and since the crystal has {element} also by a rotation"
