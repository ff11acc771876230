"""Generalised least squares of a mean squared displacement with the covariance of its own statistics.

Values of a mean squared displacement at different lags share the same displacements; ordinary least squares
takes them for independent and underestimates the error of the slope by an order of magnitude. Bullerjahn, von
Bülow and Hummer (J. Chem. Phys. 2020, 153, 024116) give their covariance for Brownian motion with static
noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A straight line through a mean squared displacement, as linear functionals of it.

    Parameters
    ----------
    lags : (k,) array of int, frames
    slope, intercept : float
        Å² per frame and Å².
    weights : (2, k) or (3, k) array
        ``weights @ msd[lags]`` is (intercept, slope), and behind them the coefficient of lag^(3/2) where the line
        has one.
    model : (m,) array, Å²
        Mean squared displacement of one direction that the covariance was made from.
    dimensions : int
        How many directions were summed.
    atoms : (k,) array
        How many there are, on average, at each lag.
    """

    lags: NDArray[np.intp]
    slope: float
    intercept: float
    weights: Floats
    model: Floats
    dimensions: int
    atoms: Floats

    def error(self, frames: int) -> float:
        """Standard error of the slope, Å² per frame, over some frames if the atoms are Brownian particles."""
        covariance = _covariance(self.model, self.lags, frames, self.dimensions, self.atoms)
        return float(np.sqrt(self.weights[1] @ covariance @ self.weights[1]))


def fit_line(
    msd: Floats,
    lags: NDArray[np.intp],
    frames: int,
    dimensions: int,
    *,
    atoms: Floats | None = None,
    border: bool = False,
) -> Line:
    """Fit ``msd[lags] = intercept + slope * lag`` by generalised least squares.

    Parameters
    ----------
    msd : (frames,) array, Å²
        At every lag, summed over the dimensions. Beyond the last of `lags` it is not looked at.
    lags : (k,) array of int, frames
        Increasing, at least 3 of them; 4 with a border.
    frames : int
        Length of the trajectory.
    dimensions : int
        How many directions `msd` is the sum of.
    atoms : (k,) array, optional
        How many atoms each lag is averaged over, where that differs; by default as many at each.
    border : bool
        Add a term in lag^(3/2), which is what the border of a region does to the ions that start in it
        (`betalps.analysis.regional`).

    Returns
    -------
    Line
    """
    count = np.ones(len(lags)) if atoms is None else np.asarray(atoms, dtype=np.float64)
    time = lags.astype(np.float64)
    design = np.stack([np.ones(len(lags)), time])
    weights: Floats = np.linalg.pinv(design.T)
    model: Floats = np.empty(0)
    # The covariance depends on the line that it weighs: a few rounds settle both.
    for _ in range(3):
        intercept, slope = (float(value) for value in weights @ msd[lags])
        model = _model(msd, int(lags[0]), int(lags[0] + 2 * lags[-1]) + 1, intercept, slope) / dimensions
        covariance = _covariance(model, lags, frames, dimensions, count)
        weights = _weights(design, covariance)
    if border:
        weights = _weights(np.vstack([design, time**1.5]), _covariance(model, lags, frames, dimensions, count))
    intercept, slope = (float(value) for value in (weights @ msd[lags])[:2])
    return Line(
        lags=lags, slope=slope, intercept=intercept, weights=weights, model=model, dimensions=dimensions, atoms=count
    )


def _weights(design: Floats, covariance: Floats) -> Floats:
    """What to multiply the values with for the coefficients of the rows of `design`."""
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale) + 1e-9 * np.eye(len(scale))
    factor = cho_factor(correlation, lower=True)
    # Rows of the same size, which a solve likes better.
    size = np.abs(design).max(axis=1, keepdims=True)
    scaled = design / size / scale
    solved = cho_solve(factor, scaled.T).T
    return np.asarray(np.linalg.solve(scaled @ solved.T, solved) / scale / size)


def _covariance(model: Floats, lags: NDArray[np.intp], frames: int, dimensions: int, atoms: Floats) -> Floats:
    """Covariance of the average over atoms, of which each lag has its own number.

    Pairs of overlapping displacements of the same atom are as many as the lag with fewer atoms has; each mean divides
    by its own number.
    """
    one = msd_covariance(model, lags, frames, dimensions)
    return np.asarray(one / np.maximum(atoms[:, None], atoms[None, :]))


def _model(msd: Floats, first: int, length: int, intercept: float, slope: float) -> Floats:
    """Measured below the window, the line from there on, never falling."""
    line: Floats = np.maximum(intercept + max(slope, 0.0) * np.arange(length), 0.0)
    line[:first] = msd[:first]
    # Atoms that never moved still need a covariance that can be inverted.
    line[1:] = np.maximum(line[1:], max(1e-6 * float(line.max()), 1e-18))
    return line


def msd_covariance(model: Floats, lags: NDArray[np.intp], frames: int, dimensions: int) -> Floats:
    """Covariance between the values of a mean squared displacement of *one* atom at different lags.

    Parameters
    ----------
    model : (m,) array, Å²
        Mean squared displacement of one direction, ``m > 2 * lags[-1]``, plus the lags up to which it is not
        a straight line: displacements further apart in time are taken for uncorrelated.
    lags : (k,) array of int, frames
    frames : int
        Length of the trajectory; every frame that has the lag before its end is a time origin.
    dimensions : int

    Returns
    -------
    (k, k) array, Å⁴
        Divide by the number of independent atoms.

    Notes
    -----
    For a Gaussian process with stationary increments and mean squared displacement M, increments of lengths i
    and j that start u frames apart have the covariance c_ij(u) = [M(u + j) + M(u - i) - M(u) - M(u + j - i)]
    / 2, and their squares 2 c². Summed over all pairs of origins this is, for M = 2Dt + 2a²(t > 0), the sum
    over overlaps with its noise floor of Bullerjahn et al. (2020), eq. 8; another M also knows how long the
    vibrations last.
    """
    reach = len(model) - 1 - int(lags[-1])
    shift = np.arange(-reach, reach + 1)
    origins = frames - lags
    j = lags[:, None]
    covariance = np.empty((len(lags), len(lags)))
    for row, i in enumerate(lags):
        increments = 0.5 * (
            model[np.abs(shift + j)] + model[np.abs(shift - i)] - model[np.abs(shift)] - model[np.abs(shift + j - i)]
        )
        # Origins s of i and s + u of j, both inside the trajectory.
        pairs = np.minimum(frames - i, origins[:, None] - shift) - np.maximum(0, -shift)
        covariance[row] = (np.maximum(pairs, 0) * increments**2).sum(axis=1)
    return np.asarray(2.0 * dimensions * covariance / np.outer(origins, origins))
