"""The linear coefficients of a potential, given its radial functions."""

from __future__ import annotations

import numpy as np

from betalps.training.problem import Equations
from betalps.typing import Floats

_TINY = 1e-14  # of the largest eigenvalue: what rounding leaves of a zero one


def solve_linear(model: Equations, ridge: Floats) -> tuple[Floats, float]:
    """Minimise ``value + 2 g·x + x·A·x + Σ_k ridge_k x_k²``.

    By the eigendecomposition of A with its diagonal scaled to one, because A is singular whenever the
    data do not tell two scalars apart.

    Parameters
    ----------
    model
        A, g and the value at x = 0.
    ridge
        Shape (n,), not negative.

    Returns
    -------
    x : ndarray, shape (n,)
        0 where the diagonal of A is: such a scalar never differed from zero.
    float
        The minimum.
    """
    matrix = model.matrix + np.diag(ridge)
    diagonal = np.diag(matrix)
    seen = diagonal > 0
    scale = np.zeros(len(diagonal))
    scale[seen] = 1 / np.sqrt(diagonal[seen])
    values, vectors = np.linalg.eigh(matrix * scale[:, None] * scale)
    inverse = 1 / (np.maximum(values, 0) + _TINY * max(values[-1], 1.0))
    x = -scale * (vectors @ (inverse * (vectors.T @ (scale * model.gradient))))
    return x, float(model.value + 2 * model.gradient @ x + x @ matrix @ x)
