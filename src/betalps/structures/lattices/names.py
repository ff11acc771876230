"""Names of grain boundaries in the literature, such as Σ5[001]/(120): reading them, and the cubic theory behind them.

The names come from coincidence-site lattices of *cubic* crystals: Σ is how many lattice points there are to one that
the two grains share. For any other crystal Σ and the angle are labels only: the plane is what counts, and the true
disorientation is another (`betalps.structures.lattices.disorientation`).

A second doubt is what the indices refer to. Most mean the axes of the crystal as given; some programs sort the axes by
length first, so that their [001] is the longest one. Both are offered: `convert_indices`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from betalps.structures.lattices.planes import Indices, parse_indices, parse_plane

Kind = Literal["tilt", "twist", "mixed"]
Setting = Literal["crystal", "sorted"]

_NAME = re.compile(
    r"\s*(?:Σ|∑|sigma|s)\s*(?P<sigma>\d+)\s*(?P<axis>\[[^\]]*\])\s*/?\s*(?P<plane>\([^)]*\))\s*(?P<kind>\w+)?\s*",
    re.IGNORECASE,
)
_FORM = "'Σ5[001]/(120)', with 'tilt' or 'twist' after it or not"
_TWO_FOLD: tuple[Indices, ...] = tuple(
    (x, y, z)
    for x, y, z in itertools.product((-1, 0, 1), repeat=3)
    if 0 < x * x + y * y + z * z < 3 and (x, y, z) > (0, 0, 0)
)
"""The two-fold axes of a cubic crystal, ⟨100⟩ and ⟨110⟩, one of each pair."""


@dataclass(frozen=True, kw_only=True)
class BoundaryName:
    """A boundary named in the way of cubic crystals.

    Attributes
    ----------
    sigma
        Σ, as the name has it.
    axis
        Rotation axis [u v w].
    plane
        Boundary plane (h k l).
    kind
        What the geometry of a cubic crystal says: ``"tilt"`` if the axis lies in the plane, ``"twist"`` if it is
        normal to it, otherwise ``"mixed"``.
    angle
        The nominal rotation about the axis in degrees, for a cubic crystal. Of a symmetric tilt as `tilt_angle`;
        of the others the smallest of `csl_angles`.
    notes
        What in the name does not fit together, in words; empty for most.
    """

    sigma: int
    axis: Indices
    plane: Indices
    kind: Kind
    angle: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"Σ{self.sigma}[{_joined(self.axis)}]/({_joined(self.plane)})"


def parse_name(text: str) -> BoundaryName:
    """Read a boundary's name.

    Parameters
    ----------
    text
        Such as ``"Σ5[001]/(120)"``, ``"S5 [001]/(3-20)"``, ``"Sigma5[010](010) twist"``.

    Returns
    -------
    BoundaryName
        A kind that is stated but is not what the indices say becomes a note, as does an axis that is neither in
        the plane nor normal to it if one of its family in the plane would give that Σ: both are met in the literature.

    Raises
    ------
    ValueError
        If the text is no such name, the indices are bad, Σ is not odd, or no boundary with this axis and plane has
        that Σ: the message names planes that do.

    Examples
    --------
    >>> name = parse_name("Σ5[001]/(120)")
    >>> name.kind, round(name.angle, 2)
    ('tilt', 53.13)
    """
    found = _NAME.fullmatch(text)
    if found is None:
        raise ValueError(f"boundary name {text!r}: expected the form {_FORM}")
    sigma = int(found["sigma"])
    axis, plane = parse_indices(found["axis"], "axis"), parse_plane(found["plane"])
    stated = (found["kind"] or "").lower()
    if stated and stated not in get_args(Kind):
        raise ValueError(f"boundary name {text!r} ends in {found['kind']!r}: expected the form {_FORM}")
    if sigma % 2 == 0 or sigma < 1:
        raise ValueError(f"boundary name {text!r}: Σ{sigma} is not possible, Σ of a cubic crystal is odd")
    kind = boundary_kind(axis, plane)
    angle = _nominal_angle(sigma, axis, plane, kind)
    notes = []
    if stated and stated != kind:
        notes.append(
            f"{text.strip()} is called a {stated} boundary but is a {kind} boundary: {_where(axis, plane, kind)}"
        )
    if kind == "mixed":
        notes += _likely_tilt(sigma, axis, plane)
    return BoundaryName(sigma=sigma, axis=axis, plane=plane, kind=kind, angle=angle, notes=tuple(notes))


def boundary_kind(axis: Indices, plane: Indices) -> Kind:
    """Tell a tilt boundary, whose axis lies in the plane, from a twist one, whose axis is its normal (if cubic)."""
    if not np.dot(axis, plane):
        return "tilt"
    return "mixed" if np.cross(axis, plane).any() else "twist"


def tilt_sigma(plane: Indices) -> int:
    """Σ of the cubic symmetric tilt boundary on a plane: ``h² + k² + l²``, halved if that is even.

    The grains are mirror images, or what is the same in a cubic crystal, turned by 180° about the normal.
    """
    square = sum(i * i for i in plane)
    return square if square % 2 else square // 2


def tilt_angle(axis: Indices, plane: Indices) -> float:
    """Nominal angle in degrees of the cubic symmetric tilt boundary on a plane.

    The mirror in the plane is a rotation about the axis by twice the angle between the normal and any two-fold axis
    of the crystal that is perpendicular to the axis. Of these angles the smallest is taken; but about ⟨100⟩, as the
    literature does, only ⟨100⟩ are counted and not ⟨110⟩, so that (120) has 53.13° and (130) has 36.87°, though the
    two grains are turned by the same.

    Raises
    ------
    ValueError
        If the axis does not lie in the plane, or no two-fold axis is perpendicular to it.
    """
    if boundary_kind(axis, plane) != "tilt":
        raise ValueError(f"the axis [{_joined(axis)}] does not lie in the plane ({_joined(plane)}): expected a tilt")
    across = [m for m in _TWO_FOLD if not np.dot(m, axis)]
    if sum(map(abs, axis)) == 1:
        across = [m for m in across if sum(map(abs, m)) == 1]
    if not across:
        raise ValueError(
            f"no two-fold axis of a cubic crystal is perpendicular to [{_joined(axis)}]: expected an axis that "
            f"symmetric tilts can have, such as [001], [110], [111], [112]"
        )
    normal = np.array(plane)
    angles = (2 * math.atan2(float(np.linalg.norm(np.cross(m, normal))), abs(float(np.dot(m, normal)))) for m in across)
    return math.degrees(min(angles))


def csl_angles(sigma: int, axis: Indices) -> tuple[float, ...]:
    """Angles in degrees of all rotations about an axis that give a cubic lattice a coincidence of Σ.

    From ``Σ = m² + n² (u² + v² + w²)``, divided by 2 until odd, and ``tan(θ/2) = (n/m) √(u² + v² + w²)`` for coprime
    m, n (S. Ranganathan, Acta Cryst. 21, 197 (1966)).

    Parameters
    ----------
    sigma
        Σ, odd.
    axis
        [u v w].

    Returns
    -------
    tuple of float
        In ascending order, from 0 up to the period of the axis (90° for ⟨100⟩, 120° for ⟨111⟩, 180° for ⟨110⟩) or to
        180°; empty if no rotation about the axis gives that Σ.
    """
    square = sum(i * i for i in axis)
    shape = sorted(map(abs, axis))
    period = 90.0 if shape == [0, 0, 1] else 120.0 if shape == [1, 1, 1] else 180.0 if shape == [0, 1, 1] else 360.0
    angles: set[float] = set()
    for multiple in (sigma, 2 * sigma, 4 * sigma):
        for n in range(math.isqrt(multiple // square) + 1):
            rest = multiple - n * n * square
            m = math.isqrt(rest)
            if m * m == rest and math.gcd(m, n) == 1:
                angle = math.degrees(2 * math.atan2(n * math.sqrt(square), m))
                angles |= {round(turn % period, 10) % period for turn in (angle, -angle)}
    return tuple(sorted(angle for angle in angles if angle <= 180))


def convert_indices(
    indices: str | Sequence[int], cell: ArrayLike, source: Setting, target: Setting = "crystal"
) -> Indices:
    """Translate indices of a plane or direction between the axes as given and the axes sorted by length.

    Parameters
    ----------
    indices
        As for `parse_plane`; of a plane (h k l) or of a direction [u v w].
    cell
        (3, 3) cell vectors in Å, one per row, as given.
    source, target
        ``"crystal"``: the indices refer to the cell vectors in their order. ``"sorted"``: to the same vectors from
        shortest to longest, as aimsgb has them (equally long ones keep their order).

    Raises
    ------
    ValueError
        If a setting is none of these, or the indices are bad.

    Examples
    --------
    >>> convert_indices("(120)", [[13, 0, 0], [0, 8, 0], [0, 0, 6]], "sorted")
    (0, 2, 1)
    """
    for setting in (source, target):
        if setting not in get_args(Setting):
            raise ValueError(f"setting {setting!r}: expected one of {get_args(Setting)}")
    values = np.array(parse_indices(indices, "indices"))
    order = np.argsort(np.linalg.norm(np.asarray(cell, dtype=float), axis=1).round(6), kind="stable")
    if source == "sorted":
        values = values[np.argsort(order)]
    if target == "sorted":
        values = values[order]
    h, k, l = values.tolist()  # noqa: E741
    return h, k, l


def _nominal_angle(sigma: int, axis: Indices, plane: Indices, kind: Kind) -> float:
    """The angle, or an error if no such boundary has that Σ."""
    name = f"Σ{sigma}[{_joined(axis)}]/({_joined(plane)})"
    if kind == "tilt":
        if tilt_sigma(plane) != sigma:
            raise ValueError(
                f"{name}: the symmetric tilt on ({_joined(plane)}) has Σ{tilt_sigma(plane)}"
                f"{_planes_with(sigma, axis)}; where the name means another boundary, give its planes instead"
            )
        return tilt_angle(axis, plane)
    angles = csl_angles(sigma, axis)
    if not angles:
        raise ValueError(f"{name}: no rotation about [{_joined(axis)}] gives Σ{sigma} in a cubic crystal")
    return angles[0]


def _planes_with(sigma: int, axis: Indices) -> str:
    """Planes that contain the axis and have that Σ, for a message."""
    numbers = range(-math.isqrt(2 * sigma), math.isqrt(2 * sigma) + 1)
    planes = [
        (h, k, l)
        for h, k, l in itertools.product(numbers, repeat=3)  # noqa: E741
        if (h, k, l) > (0, 0, 0) and not np.dot((h, k, l), axis) and math.gcd(h, k, l) == 1
    ]
    planes = [plane for plane in planes if tilt_sigma(plane) == sigma]
    if not planes:
        return f", and no plane of [{_joined(axis)}] has Σ{sigma}"
    planes.sort(key=lambda p: (sum(map(abs, p)), sum(i < 0 for i in p), p))
    return f", and Σ{sigma}[{_joined(axis)}] has " + ", ".join(f"({_joined(p)})" for p in planes[:4])


def _likely_tilt(sigma: int, axis: Indices, plane: Indices) -> list[str]:
    """The tilt that is probably meant: about an axis of the same family that lies in the plane; as a note."""
    if tilt_sigma(plane) != sigma:
        return []
    for first, second, third in itertools.permutations(range(3)):  # the order as given comes first
        for signs in itertools.product((1, -1), repeat=3):
            other = signs[0] * axis[first], signs[1] * axis[second], signs[2] * axis[third]
            if not np.dot(other, plane):
                name = f"Σ{sigma}[{_joined(other)}]/({_joined(plane)})"
                return [f"[{_joined(axis)}] does not lie in ({_joined(plane)}): {name}, a tilt, is probably meant"]
    return []


def _where(axis: Indices, plane: Indices, kind: Kind) -> str:
    lies = {"tilt": "lies in", "twist": "is normal to", "mixed": "neither lies in nor is normal to"}[kind]
    return f"[{_joined(axis)}] {lies} ({_joined(plane)})"


def _joined(indices: Sequence[int]) -> str:
    return ("" if max(map(abs, indices)) < 10 else " ").join(map(str, indices))
