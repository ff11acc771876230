"""The lattice seen along a lattice plane: in-plane basis, stacking vector, spacing; exact for every lattice.

The plane (hkl) of a lattice with cell vectors a, b, c has the normal ``g = h a* + k b* + l c*``. The lattice vectors
in it are the integer kernel of ``h u + k v + l w = 0``; with any lattice vector for which ``h u + k v + l w = 1`` the
planes stack at ``d = 1 / |g|``, each shifted sideways against the one below. So a slab of any number of planes is
a slab of whole primitive cells, whether or not a lattice vector lies along the normal.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from betalps.typing import Floats, Integers

Indices = tuple[int, int, int]

_TIE = 1e-9  # lengths that differ by less, relatively, count as equal: the choice must not hang on rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneLattice:
    """A lattice described along one of its planes. Made by `plane_lattice`.

    Attributes
    ----------
    cell
        (3, 3) cell vectors in Å, one per row.
    plane
        Miller indices (h, k, l), without a common factor.
    vectors
        (2, 3) integers: the in-plane basis p1, p2 in cell vectors; Gauss-reduced (p1 is the shortest lattice vector of
        the plane, p2 the shortest that completes it), and right-handed about the normal.
    stacking
        (3,) integers: the lattice vector v3 from one plane to the next, ``plane · stacking = 1``; of all of
        those the one with the smallest component in the plane.
    spacing
        Distance of neighbouring lattice planes in Å, ``1 / |g|``.
    area
        Area of the in-plane cell (p1, p2) in Å².
    normal
        (3,) Cartesian unit vector along ``g = h a* + k b* + l c*``.
    """

    cell: Floats
    plane: Indices
    vectors: Integers
    stacking: Integers
    spacing: float
    area: float
    normal: Floats

    @property
    def integers(self) -> Integers:
        """(3, 3) integers: rows p1, p2, v3 in cell vectors.

        Unimodular: these rows span the same lattice as the cell. The determinant is +1, or -1 if the cell itself is
        left-handed, for p1, p2, v3 are right-handed always.
        """
        return np.vstack([self.vectors, self.stacking])

    @property
    def frame(self) -> Floats:
        """(3, 3) rotation whose rows are x along p1, y = z × x, z along the normal, in Cartesian axes of the cell.

        ``positions @ frame.T`` are positions in this frame.
        """
        x = self.vectors[0] @ self.cell
        x = x / np.linalg.norm(x)
        return np.vstack([x, np.cross(self.normal, x), self.normal])

    @property
    def basis(self) -> Floats:
        """(3, 3) rows p1, p2, v3 in Å in the axes of `frame`: lower triangular, and the last entry is `spacing`."""
        basis = self.integers @ self.cell @ self.frame.T
        basis[0, 1:] = basis[1, 2] = 0.0  # rounding
        basis[2, 2] = self.spacing
        return basis

    @property
    def shift(self) -> Floats:
        """(2,) sideways shift in Å from one plane to the next, in the axes of `frame`: x and y of v3."""
        return self.basis[2, :2].copy()


def plane_lattice(cell: ArrayLike, plane: str | Sequence[int]) -> PlaneLattice:
    """Describe a lattice along one of its planes.

    Parameters
    ----------
    cell
        (3, 3) cell vectors in Å, one per row. Any lattice, of any handedness.
    plane
        Miller indices of these cell vectors, as for `parse_plane`.

    Returns
    -------
    PlaneLattice
        Of several equally short choices the one of the smallest and positive indices: the same on every machine.

    Raises
    ------
    ValueError
        For a cell that spans no volume, or a bad plane.
    """
    indices = parse_plane(plane)
    vectors = _checked_cell(cell)
    reciprocal = np.linalg.inv(vectors).T  # rows a*, b*, c*
    g = np.array(indices) @ reciprocal
    kernel, next_plane = _kernel(indices)
    if np.linalg.det(vectors) < 0:
        kernel = kernel[::-1]
    in_plane = _reduced(kernel, vectors)
    return PlaneLattice(
        cell=vectors,
        plane=indices,
        vectors=in_plane,
        stacking=_shortest_stacking(np.array(next_plane, dtype=np.int64), in_plane, vectors),
        spacing=float(1 / np.linalg.norm(g)),
        area=float(abs(np.linalg.det(vectors)) * np.linalg.norm(g)),
        normal=g / np.linalg.norm(g),
    )


def parse_plane(value: str | Sequence[int]) -> Indices:
    """Read Miller indices.

    Parameters
    ----------
    value
        Three integers, or text: ``"(120)"``, ``"(3-20)"``, ``"-250"``, ``"3 -2 0"``, ``"(10,1,0)"``. Indices of
        more than one digit need separators.

    Raises
    ------
    ValueError
        If these are not three integers, all are zero, or they have a common factor.

    Examples
    --------
    >>> parse_plane("(3-20)")
    (3, -2, 0)
    """
    return parse_indices(value, "plane")


def parse_indices(value: str | Sequence[int], kind: str = "plane") -> Indices:
    """Read three coprime integers, as `parse_plane`, for planes and directions.

    Parameters
    ----------
    value
        Three integers or text; text may stand in round, square, curly or angle brackets.
    kind
        What it is, for messages.

    Raises
    ------
    ValueError
        If these are not three integers, all are zero, or they have a common factor.
    """
    numbers: list[Any] = _split(value) if isinstance(value, str) else list(value)
    if len(numbers) != 3:
        hint = "; of four hexagonal indices leave out the third" if len(numbers) == 4 else ""
        raise ValueError(f"{kind} {value!r} has {len(numbers)} indices: expected three integers{hint}")
    try:
        indices = [int(number) for number in numbers]
        exact = all(isinstance(n, str) or float(n) == i for n, i in zip(numbers, indices, strict=True))
    except (TypeError, ValueError, OverflowError):
        exact, indices = False, []
    if not exact:
        raise ValueError(f"{kind} {value!r}: expected three integers, such as (1, 2, 0) or '(1-20)'")
    factor = math.gcd(*indices)
    if factor == 0:
        raise ValueError(f"{kind} {value!r}: expected at least one index that is not zero")
    if factor > 1:
        meant = tuple(i // factor for i in indices)
        raise ValueError(f"{kind} {value!r} has the common factor {factor}: {meant} is probably meant")
    return indices[0], indices[1], indices[2]


def _split(text: str) -> list[str]:
    """Numbers of the text, or the text alone where it is no list of numbers."""
    plain = unicodedata.normalize("NFD", text.replace("−", "-"))
    plain = re.sub("([0-9])[\u0304\u0305]", r"-\1", plain)  # bars above digits
    inner = re.sub(r"^\s*[(\[{⟨<]\s*(.*?)\s*[)\]}⟩>]\s*$", r"\1", plain).strip()
    separated = [part for part in re.split(r"[\s,;]+", inner) if part]
    pattern = r"[+-]?\d+" if len(separated) > 1 else r"[+-]?\d"
    found = separated if len(separated) > 1 else re.findall(pattern, inner)
    if "".join(found) != "".join(separated) or not all(re.fullmatch(pattern, part) for part in found):
        return [text] * 3  # which is not three integers, and the message shows it
    return found


def _checked_cell(cell: ArrayLike) -> Floats:
    vectors = np.array(cell, dtype=float)
    if vectors.shape != (3, 3) or not np.isfinite(vectors).all():
        raise ValueError(f"cell of shape {vectors.shape}: expected three finite vectors, shape (3, 3)")
    lengths = np.linalg.norm(vectors, axis=1)
    if abs(np.linalg.det(vectors)) <= 1e-9 * lengths.prod():
        raise ValueError(f"cell vectors of {lengths} Å span no volume: expected a periodic crystal in three directions")
    return vectors


def _extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """Greatest common divisor g ≥ 0 of a and b, and s, t with s a + t b = g."""
    s, t, next_s, next_t = 1, 0, 0, 1
    while b:
        quotient = a // b
        a, b = b, a - quotient * b
        s, t, next_s, next_t = next_s, next_t, s - quotient * next_s, t - quotient * next_t
    return (a, s, t) if a >= 0 else (-a, -s, -t)


def _kernel(plane: Indices) -> tuple[list[list[int]], list[int]]:
    """Basis (u, v) of the integer vectors with plane · u = 0, and w with plane · w = 1; det (u, v, w) = 1."""
    h, k, l = plane  # noqa: E741
    first, s, t = _extended_gcd(h, k)
    if first == 0:
        return [[l, 0, 0], [0, 1, 0]], [0, 0, l]
    _, p, q = _extended_gcd(first, l)
    return [[-l * s, -l * t, first], [k // first, -h // first, 0]], [p * s, p * t, q]


def _reduced(vectors: list[list[int]], cell: Floats) -> Integers:
    """The shortest basis of the plane, of the same handedness (Gauss); ties go to small and positive indices."""
    first, second = (np.array(v, dtype=np.int64) for v in vectors)
    while True:
        metric = np.array([first, second]) @ cell
        second = second - round(float(metric[0] @ metric[1] / (metric[0] @ metric[0]))) * first
        lengths = [np.linalg.norm(v @ cell) for v in (first, second)]
        if lengths[1] >= lengths[0] * (1 - _TIE):
            break
        first, second = second, -first
    small = list(itertools.product((-1, 0, 1), repeat=2))
    changes = [np.array([p, q]) for p, q in itertools.product(small, repeat=2) if p[0] * q[1] - p[1] * q[0] == 1]
    bases = [change @ np.array([first, second]) for change in changes]
    for position in (0, 1):
        norms = [float(np.linalg.norm(basis[position] @ cell)) for basis in bases]
        limit = min(norms) * (1 + _TIE)
        bases = [basis for basis, norm in zip(bases, norms, strict=True) if norm <= limit]
    return min(bases, key=_simplicity)


def _simplicity(vectors: Integers) -> tuple[int, tuple[int, ...]]:
    """Small indices first, then positive and early ones."""
    return int(np.abs(vectors).sum()), tuple(int(-i) for i in vectors.flat)


def _shortest_stacking(stacking: Integers, vectors: Integers, cell: Floats) -> Integers:
    """Of the lattice vectors to the next plane the one with the smallest part in the plane."""
    in_plane = vectors @ cell
    fraction = np.linalg.lstsq(in_plane.T, stacking @ cell, rcond=None)[0]
    nearest = stacking - np.rint(fraction).astype(np.int64) @ vectors
    # exact in the rounded steps: the reduced basis leaves the shortest at most one step away
    candidates = [nearest + i * vectors[0] + j * vectors[1] for i, j in itertools.product((-1, 0, 1), repeat=2)]
    lengths = np.array([np.linalg.norm(v @ cell) for v in candidates])
    shortest = [v for v, length in zip(candidates, lengths, strict=True) if length <= lengths.min() * (1 + _TIE)]
    return min(shortest, key=_simplicity)
