"""Means over snapshots that remember each other."""

from __future__ import annotations

import numpy as np

from betalps.typing import Floats


def mean_and_error(series: Floats) -> tuple[float, float]:
    """Mean of a series, and its standard error.

    Parameters
    ----------
    series : (n,) array
        Equally spaced in time; NaN where there was nothing to measure.

    Returns
    -------
    mean : float
        NaN where there is no value.
    error : float
        With n over twice the integrated correlation time for the number of independent values; NaN where that is
        not above one.
    """
    from betalps.datasets.sampling import correlation_time

    known = series[np.isfinite(series)]
    if not known.size:
        return np.nan, np.nan
    mean, variance = float(known.mean()), float(known.var())
    independent = len(known) / (2.0 * correlation_time(known))
    return mean, float(np.sqrt(variance / (independent - 1.0))) if independent > 1.0 else np.nan


def ratio_and_error(numerators: Floats, denominators: Floats) -> tuple[float, float]:
    """Sum of one series over the sum of another, and its standard error from their scatter about that ratio."""
    total = float(denominators.sum())
    if not total > 0.0:
        return np.nan, np.nan
    ratio = float(numerators.sum()) / total
    _, error = mean_and_error(numerators - ratio * denominators)
    return ratio, error * len(denominators) / total
