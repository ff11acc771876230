"""Nets, the lattices of two dimensions: reduced bases, sublattices, symmetries, and what a linear map does to them.

Everything works on stacks of 2 × 2 matrices whose rows are vectors.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from betalps.typing import Floats, Integers

TIE = 1e-9
"""Lengths that differ by less, relatively, count as equal."""

_SAME = 1e-6  # a net that is symmetric to this relative accuracy counts as symmetric


def det(m: Floats | Integers) -> Any:
    """Determinants of (..., 2, 2) matrices; exact for integers."""
    return m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]


def adjugate(m: Integers) -> Integers:
    """The inverse times the determinant, of (..., 2, 2) matrices; exact for integers."""
    rows = [m[..., 1, 1], -m[..., 0, 1]], [-m[..., 1, 0], m[..., 0, 0]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def transposed(m: Floats) -> Floats:
    """Transpose the last two axes."""
    return np.swapaxes(m, -1, -2)


def reduced(vectors: Integers, basis: Floats) -> Integers:
    """Gauss-reduce integer rows in the metric of their basis.

    Parameters
    ----------
    vectors
        (..., 2, 2) integers, coefficients in the basis.
    basis
        (2, 2) or (..., 2, 2) Å.

    Returns
    -------
    ndarray
        (..., 2, 2) bases of the same nets and handedness: the first row is the shortest vector, the second the
        shortest that completes it.
    """
    vectors = vectors.copy()
    while True:
        metric = vectors @ basis
        square = (metric**2).sum(axis=-1)
        steps = np.rint((metric[..., 0, :] * metric[..., 1, :]).sum(axis=-1) / square[..., 0]).astype(np.int64)
        vectors[..., 1, :] -= steps[..., None] * vectors[..., 0, :]
        square = ((vectors @ basis) ** 2).sum(axis=-1)
        swap = square[..., 1] < square[..., 0] * (1 - TIE)
        if not swap.any():
            return vectors
        vectors[swap] = np.stack([vectors[swap, 1], -vectors[swap, 0]], axis=-2)


def sublattices(index: int, basis: Floats) -> Integers:
    """Reduced bases (m, 2, 2) of all sublattices of an index, from their Hermite normal forms.

    There are as many as the sum of the divisors of the index.
    """
    forms = [[[d, j], [0, index // d]] for d in range(1, index + 1) if index % d == 0 for j in range(index // d)]
    return reduced(np.array(forms, dtype=np.int64), basis)


def symmetries(basis: Floats) -> list[Integers]:
    """Integer matrices S of a net's rotations and mirrors: ``S @ basis = basis @ orthogonal``.

    Parameters
    ----------
    basis
        (2, 2) reduced basis.

    Returns
    -------
    list of ndarray
        (2, 2) each; 2, 4, 8 or 12 of them, the identity first. Those of determinant -1 are mirrors.
    """
    metric = basis @ basis.T
    found = []
    for entries in itertools.product((1, 0, -1), repeat=4):
        matrix = np.array(entries, dtype=np.int64).reshape(2, 2)
        if abs(det(matrix)) == 1 and np.abs(matrix @ metric @ matrix.T - metric).max() <= _SAME * metric[0, 0]:
            found.append(matrix)
    return sorted(found, key=lambda m: not np.array_equal(m, np.eye(2)))


def rotation(angle: Floats) -> Floats:
    """Matrices (..., 2, 2) that rotate column vectors by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([c, -s], axis=-1), np.stack([s, c], axis=-1)], axis=-2)


def linear_map(a: Floats, b: Floats) -> Floats:
    """F that takes the rows of a, as column vectors, to those of b; (..., 2, 2)."""
    return transposed(np.asarray(np.linalg.solve(a, b), dtype=np.float64))


def polar(f: Floats) -> tuple[Floats, Floats, Floats]:
    """Polar decomposition F = R U of maps that keep the handedness.

    Straight from the elements, so that an exact coincidence has a strain of 1e-16 and not its square root.

    Returns
    -------
    angle
        Of R, in radians.
    high, low
        Eigenvalues of U.
    """
    total, turn = f[..., 0, 0] + f[..., 1, 1], f[..., 1, 0] - f[..., 0, 1]
    high = (np.hypot(total, turn) + np.hypot(f[..., 0, 0] - f[..., 1, 1], f[..., 1, 0] + f[..., 0, 1])) / 2
    return np.arctan2(turn, total), high, det(f) / high


def largest_strain(high: Floats, low: Floats) -> Floats:
    """``max |ln eig U|``."""
    return np.maximum(np.abs(np.log(high)), np.abs(np.log(low)))


def power(u: Floats, high: Floats, low: Floats, exponent: float) -> Floats:
    """Powers of (m, 2, 2) symmetric matrices with these eigenvalues."""
    mean, half = (high + low) / 2, (high - low) / 2
    round_ = half < 1e-14
    ratio = (high**exponent - low**exponent) / np.where(round_, 1.0, high - low)
    slope = np.where(round_, exponent * mean ** (exponent - 1), ratio)
    level = (high**exponent + low**exponent) / 2
    deviator = (u + transposed(u)) / 2 - mean[:, None, None] * np.eye(2)
    result: Floats = level[:, None, None] * np.eye(2) + slope[:, None, None] * deviator
    return result
