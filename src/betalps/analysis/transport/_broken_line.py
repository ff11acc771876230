"""Two straight lines that meet, through values with known errors, where nobody says at which abscissa."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from betalps.typing import Floats

FEWEST = 6
"""Points; with fewer the corrected information criterion of four parameters is not defined."""

_KNOTS = 101


class BrokenLine(NamedTuple):
    """y = a + b x + c max(x - knot, 0), for one or many sets of y.

    Parameters
    ----------
    coefficients : (..., 3) array
        a, b and c.
    knot : (...) array
    chi2 : (...) array
        Squared deviations over squared errors.
    """

    coefficients: Floats
    knot: Floats
    chi2: Floats

    def at(self, x: Floats) -> Floats:
        """(..., m) array."""
        a, b, c = (self.coefficients[..., k, None] for k in range(3))
        return np.asarray(a + b * x + c * np.maximum(x - self.knot[..., None], 0.0))

    @property
    def slopes(self) -> tuple[Floats, Floats]:
        """Below and above the knot."""
        return self.coefficients[..., 1], self.coefficients[..., 1] + self.coefficients[..., 2]


def fit_broken_line(x: Floats, y: Floats, errors: Floats) -> BrokenLine:
    """Weighted least squares; the knot is looked for on a grid that leaves two abscissae on either side of it.

    Parameters
    ----------
    x : (n,) array
    y : (..., n) array
    errors : (n,) array

    Returns
    -------
    BrokenLine
    """
    distinct = np.unique(x)
    knots = np.linspace(distinct[1], distinct[-2], _KNOTS)
    chi2 = np.empty((_KNOTS, *y.shape[:-1]))
    coefficients = np.empty((_KNOTS, *y.shape[:-1], 3))
    for k, knot in enumerate(knots):
        design = np.stack([np.ones_like(x), x, np.maximum(x - knot, 0.0)], axis=1) / errors[:, None]
        coefficients[k] = (y / errors) @ np.linalg.pinv(design).T
        chi2[k] = np.sum((y / errors - coefficients[k] @ design.T) ** 2, axis=-1)
    best = np.argmin(chi2, axis=0)
    return BrokenLine(
        coefficients=np.take_along_axis(coefficients, best[None, ..., None], axis=0)[0],
        knot=knots[best],
        chi2=np.take_along_axis(chi2, best[None], axis=0)[0],
    )


def corrected_criterion(chi2: float, parameters: int, points: int, excess: float) -> float:
    """Akaike's information criterion corrected for few points, of values with known errors.

    Parameters
    ----------
    chi2 : float
    parameters, points : int
    excess : float
        By what factor all variances are too small, at least 1 (Burnham and Anderson, Model Selection and Multimodel
        Inference, 2.5: the QAICc).

    Returns
    -------
    float
        Infinite where the points are too few.
    """
    if points - parameters < 2:
        return float("inf")
    return chi2 / excess + 2.0 * parameters * points / (points - parameters - 1)
