"""Common cells of two lattice planes, rotated against each other and stretched by a stated little.

Two lattices rarely share a cell exactly; they do once both are strained a little. A *match* is a pair of sublattices,
one of each plane, and a linear map F that takes one onto the other. Its polar decomposition ``F = R U`` says what
that costs and means: R is the rotation between the grains, U the stretch, ``max |ln eig U|`` the strain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from betalps.structures.lattices.nets import (
    adjugate,
    det,
    largest_strain,
    linear_map,
    polar,
    power,
    reduced,
    symmetries,
    transposed,
)
from betalps.structures.lattices.nets import rotation as rotation_matrix
from betalps.structures.lattices.planes import PlaneLattice
from betalps.structures.lattices.sublattice_pairs import sublattice_pairs
from betalps.typing import Bools, Floats, Integers

Share = Literal["both", "a", "b"]

_LARGEST_STRAIN = 0.25  # `sublattice_pairs` is complete up to 0.27
_SAME = 1e-6  # angles in degrees that differ by less count as equal
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """A cell that two lattice planes have in common, after a rotation and a small strain.

    Row vectors throughout. With the in-plane basis P of a grain in its own frame (``lattice.basis[:2, :2]``, whose x is
    along p1; or the array that was given),

    ``g @ P @ stretch_g @ rotation_g.T == cell``

    where g is a or b. A point (x, y) of the grain's own frame goes to ``(x, y) @ stretch_g @ rotation_g.T`` in the
    common frame; both grains have their normals along +z, and heights stay as they are.

    Attributes
    ----------
    a, b
        (2, 2) integers, determinants ``multiplicity``: the rows are the vectors of the common cell in the in-plane
        bases (p1, p2) of grain A and of grain B.
    multiplicity
        (n_a, n_b): how many in-plane cells of A and of B the common cell holds.
    area
        Area in Å² of the common cell, after stretching.
    angle
        Rotation in degrees of B relative to A, right-handed about the common normal: from the x axis (p1) of A to the
        x axis of B in the bicrystal. `near_coincidences` says which of the equivalent angles.
    strain
        ``max |ln eig U|``, the larger principal logarithmic strain between the two grains, however it is shared.
    stretch_a, stretch_b
        (2, 2) symmetric right stretch tensors that act on each grain in its own frame.
    cell
        (2, 2) common cell in Å: rows ``(L, 0)`` and ``(x, y)`` with y > 0, Gauss-reduced.
    rotation_a, rotation_b
        (2, 2) proper rotations from each grain's frame, once stretched, to the common frame, where x is along the
        first vector of the cell. ``rotation_b @ rotation_a.T`` is the rotation by `angle`.
    """

    a: Integers
    b: Integers
    multiplicity: tuple[int, int]
    area: float
    angle: float
    strain: float
    stretch_a: Floats
    stretch_b: Floats
    cell: Floats
    rotation_a: Floats
    rotation_b: Floats


def near_coincidences(
    lattice_a: PlaneLattice | ArrayLike,
    lattice_b: PlaneLattice | ArrayLike,
    *,
    max_area: float,
    max_strain: float,
    angle: float | None = None,
    tolerance: float = 3.0,
    share: Share = "both",
    equal_multiplicity: bool = True,
) -> list[Match]:
    """Find the cells that two lattice planes nearly have in common.

    Parameters
    ----------
    lattice_a, lattice_b
        The plane of each grain; the normals of both will point the same way. Or (2, 2) right-handed in-plane bases in
        Å, one vector per row.
    max_area
        Largest common cell in Å².
    max_strain
        Largest strain between the grains, ``max |ln eig U|``; at most 0.25.
    angle
        Only rotations near this one, in degrees.
    tolerance
        How near, in degrees.
    share
        Which grain is strained: both by half (of the logarithm), or only one.
    equal_multiplicity
        Only cells with as many in-plane cells of A as of B: what a twist of one crystal needs. False allows any
        numbers whose areas agree within the strain.

    Returns
    -------
    list of Match
        In order of area, then strain; the identity is among them if the lattices are the same. Only primitive common
        cells: none is a multiple of another with the same rotation and strain.

        Of matches that a symmetry of the two nets relates (their rotations and mirrors in the plane; if the nets are
        the same and share strain equally, also the exchange of the grains) there is only one: that of the angle
        nearest to `angle`, or the smallest. So the angles of two rectangular nets are 0 to 90°, of two square ones 0
        to 45°. A crystal may have less symmetry than its net: then a boundary at an equivalent angle, such as 53.13°
        for 36.87°, is another boundary, and `angle` finds it.

    Raises
    ------
    ValueError
        If no common cell fits into `max_area`, or an argument is out of its range.
    """
    basis_a, basis_b = _net(lattice_a), _net(lattice_b)
    _check_arguments(basis_a, basis_b, max_area, max_strain, tolerance, share)
    reduce_a, reduce_b = (reduced(np.eye(2, dtype=np.int64)[None], p)[0] for p in (basis_a, basis_b))
    net_a, net_b = reduce_a @ basis_a, reduce_b @ basis_b
    a, b = sublattice_pairs(net_a, net_b, max_area, max_strain, equal=equal_multiplicity)
    orbit = _orbit(net_a, net_b, exchange=share == "both")
    a, b = _distinct(a, b, orbit)
    a, b = _nearest(a, b, orbit, net_a, net_b, 0.0 if angle is None else angle)
    matches = _build(a @ reduce_a, b @ reduce_b, basis_a, basis_b, share, 0.0 if angle is None else angle)
    limit = max_area * (1 + _ROUNDING)
    return sorted(
        (m for m in matches if m.area <= limit and (angle is None or abs(m.angle - angle) <= tolerance + _ROUNDING)),
        key=lambda m: (round(m.area, 6), round(m.strain, 9), round(m.angle, 6)),
    )


def best_matches(matches: Sequence[Match], *, resolution: float = 1.0) -> list[Match]:
    """Keep the matches worth looking at: no other of about the same angle is as small and as little strained.

    Parameters
    ----------
    matches
        From `near_coincidences`.
    resolution
        Angles that differ by at most this, in degrees, are about the same.

    Returns
    -------
    list of Match
        In the given order.
    """
    if not matches:
        return []
    area, strain, angle = np.array([(m.area, m.strain, m.angle) for m in matches]).T
    area, strain = area.round(6), strain.round(9)
    order = np.lexsort((angle, strain, area))
    kept: list[int] = []
    for i in order:  # what is better comes earlier
        near = [j for j in kept if abs(angle[j] - angle[i]) <= resolution and strain[j] <= strain[i]]
        if not near:
            kept.append(int(i))
    return [matches[i] for i in sorted(kept)]


def _net(lattice: PlaneLattice | ArrayLike) -> Floats:
    if isinstance(lattice, PlaneLattice):
        return lattice.basis[:2, :2]
    basis = np.array(lattice, dtype=float)
    if basis.shape != (2, 2) or not np.isfinite(basis).all():
        raise ValueError(f"in-plane basis of shape {basis.shape}: expected two finite vectors, shape (2, 2)")
    if det(basis) <= _ROUNDING * np.linalg.norm(basis, axis=1).prod():
        raise ValueError(f"in-plane basis of determinant {det(basis):.3g} Å²: expected a right-handed one")
    return basis


def _check_arguments(
    basis_a: Floats, basis_b: Floats, max_area: float, max_strain: float, tolerance: float, share: str
) -> None:
    if not 0 < max_strain <= _LARGEST_STRAIN:
        raise ValueError(f"max_strain {max_strain}: expected more than 0 and at most {_LARGEST_STRAIN}")
    if tolerance < 0:
        raise ValueError(f"tolerance {tolerance}°: expected 0 or more")
    if share not in get_args(Share):
        raise ValueError(f"share {share!r}: expected one of {get_args(Share)}")
    smallest = max(det(basis_a), det(basis_b)) * math.exp(-2 * max_strain)
    if not smallest <= max_area < math.inf:
        raise ValueError(
            f"max_area {max_area} Å²: expected at least the in-plane cells, {det(basis_a):.1f} and "
            f"{det(basis_b):.1f} Å²"
        )


# ---------------------------------------------------------------------------------------------------------- symmetry

_Member = tuple[Integers, Integers, bool]  # acts on a, acts on b, exchanges the grains first


def _orbit(net_a: Floats, net_b: Floats, *, exchange: bool) -> list[_Member]:
    """What turns a match into an equivalent one."""
    metric_a, metric_b = net_a @ net_a.T, net_b @ net_b.T
    same = exchange and np.abs(metric_a - metric_b).max() <= _ROUNDING * metric_a[0, 0]
    return [
        (s, t, swap)
        for swap in ((False, True) if same else (False,))
        for s, t in itertools.product(symmetries(net_a), symmetries(net_b))
        if det(s) == det(t)
    ]


def _apply(member: _Member, a: Integers, b: Integers) -> tuple[Integers, Integers]:
    s, t, swap = member
    return (b @ s, a @ t) if swap else (a @ s, b @ t)


def _distinct(a: Integers, b: Integers, orbit: list[_Member]) -> tuple[Integers, Integers]:
    """One of each class of equivalent matches. Exact: compares the map in lattice coordinates, a⁻¹ b."""
    smallest: Integers | None = None
    for member in orbit:
        one, other = _apply(member, a, b)
        sign = np.sign(det(one))
        numerators = sign[:, None, None] * (adjugate(one) @ other)
        key = np.column_stack([np.abs(det(one)), np.abs(det(other)), numerators.reshape(-1, 4)])
        smallest = key if smallest is None else np.where(_before(key, smallest)[:, None], key, smallest)
    assert smallest is not None
    _, first = np.unique(smallest, axis=0, return_index=True)
    return a[first], b[first]


def _before(rows: Integers, others: Integers) -> Bools:
    """Whether a row comes before the other in lexicographic order."""
    sign = np.sign(rows - others)
    weights = 3 ** np.arange(rows.shape[1])[::-1]
    before: Bools = sign @ weights < 0
    return before


def _nearest(
    a: Integers, b: Integers, orbit: list[_Member], net_a: Floats, net_b: Floats, target: float
) -> tuple[Integers, Integers]:
    """Of each class the match whose angle is nearest to the target; from above where two are."""
    best_a, best_b = a, b
    least = np.full(len(a), np.inf)
    for member in orbit:
        one, other = _apply(member, a, b)
        away = _away(-np.degrees(polar(linear_map(one @ net_a, other @ net_b))[0]), target)
        distance = np.abs(away) + np.where(away < -_SAME, _SAME, 0.0)
        better = distance < least - _SAME / 2
        least = np.where(better, distance, least)
        best_a = np.where(better[:, None, None], one, best_a)
        best_b = np.where(better[:, None, None], other, best_b)
    return best_a, best_b


def _away(angle: Floats, target: float) -> Floats:
    """Angle less target in degrees, from -180 to 180."""
    return (angle - target + 180.0) % 360.0 - 180.0


# ---------------------------------------------------------------------------------------------------------- results


def _build(a: Integers, b: Integers, basis_a: Floats, basis_b: Floats, share: Share, target: float) -> list[Match]:
    mirrored = det(a) < 0
    a[mirrored, 1] *= -1
    b[mirrored, 1] *= -1
    f = linear_map(a @ basis_a, b @ basis_b)
    turn, high, low = polar(f)
    rotation = rotation_matrix(turn)
    u = transposed(rotation) @ f
    part = {"both": 0.5, "a": 1.0, "b": 0.0}[share]
    stretch_a = power(u, high, low, part)
    stretch_b = rotation @ power(u, high, low, part - 1) @ transposed(rotation)
    common = a @ basis_a @ stretch_a
    steps = reduced(np.broadcast_to(np.eye(2, dtype=np.int64), a.shape), common)
    first = (steps @ a)[:, 0]
    steps[(first[:, 0] < 0) | ((first[:, 0] == 0) & (first[:, 1] < 0))] *= -1
    a, b, common = steps @ a, steps @ b, steps @ common
    rotation_a = rotation_matrix(-np.arctan2(common[:, 0, 1], common[:, 0, 0]))
    rotation_b = rotation_a @ transposed(rotation)
    cell = common @ transposed(rotation_a)
    cell[:, 0, 1] = 0.0  # rounding
    angles = target + _away(-np.degrees(turn), target)
    return [
        Match(
            a=a[i],
            b=b[i],
            multiplicity=(int(det(a[i])), int(det(b[i]))),
            area=float(det(cell[i])),
            angle=float(angles[i]),
            strain=float(strain),
            stretch_a=stretch_a[i],
            stretch_b=stretch_b[i],
            cell=cell[i],
            rotation_a=rotation_a[i],
            rotation_b=rotation_b[i],
        )
        for i, strain in enumerate(largest_strain(high, low))
    ]
