"""What fixes the gauge of the radial functions: their coefficient vectors are kept orthonormal."""

from __future__ import annotations

import numpy as np

from betalps.typing import Floats


def by_function(radial: Floats) -> Floats:
    """Radial coefficients (z_i, z_j, μ, n) as one vector for each μ, shape (μ, z_i z_j n)."""
    return np.moveaxis(radial, 2, 0).reshape(radial.shape[2], -1)


def from_functions(vectors: Floats, shape: tuple[int, ...]) -> Floats:
    """The inverse of `by_function`, for coefficients of this shape."""
    first, second, functions, size = shape
    return np.ascontiguousarray(np.moveaxis(vectors.reshape(functions, first, second, size), 0, 2))


def gauge_penalty(radial: Floats, weight: float) -> tuple[Floats, Floats]:
    """Residuals of the penalty ``weight [Σ_μ (|c_μ|² - 1)² + Σ_{μ<μ'} (c_μ·c_μ')²]`` and their derivatives.

    Scaling a radial function and dividing its coefficients in the linear block changes nothing, nor does,
    within a level, some mixing of radial functions: MLIP-3 adds this term to choose among equals.

    Parameters
    ----------
    radial
        Shape (species, species, μ, n).
    weight
        1e-6 in MLIP-3.

    Returns
    -------
    rows : ndarray, shape (μ (μ + 1)/2, radial.size)
        Derivatives by the radial coefficients in the order of `radial`.
    residuals : ndarray, shape (μ (μ + 1)/2,)
    """
    vectors = by_function(radial)
    gram = vectors @ vectors.T
    rows, residuals = [], []
    for mu in range(len(vectors)):
        for other in range(mu + 1):
            row = np.zeros_like(vectors)
            row[mu] += vectors[other]
            row[other] += vectors[mu]
            rows.append(from_functions(row, radial.shape).ravel())
            residuals.append(gram[mu, other] - (mu == other))
    root = np.sqrt(weight)
    return root * np.array(rows), root * np.array(residuals)
