"""Rates from counts, with errors that do not rely on jumps being independent of each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from betalps.typing import Floats

_TAIL = 0.025  # on either side of a 95 % interval


class Rate(NamedTuple):
    """Jumps per time: value, standard error, 95 % interval; NaN where there was no time to jump."""

    value: float
    error: float
    interval: tuple[float, float]


def rate_of(counts: Floats, times: Floats) -> Rate:
    """A rate from counts and times in blocks, (blocks,) each.

    The error is the larger of that of a Poisson count and that of the scatter between blocks, the interval the wider of
    the exact one of a Poisson count and the one of the blocks, symmetric in the logarithm.
    """
    count, time = float(counts.sum()), float(times.sum())
    if not time > 0.0:
        return Rate(np.nan, np.nan, (0.0, np.inf))
    value = count / time
    low = float(special.gammaincinv(count, _TAIL)) / time if count else 0.0
    high = float(special.gammaincinv(count + 1.0, 1.0 - _TAIL)) / time
    error = np.sqrt(max(count, 1.0)) / time
    _, between = grouped_ratio(counts, times, np.arange(len(counts)))
    if count and np.isfinite(between):
        error = max(error, between)
        wide = float(np.exp(special.stdtrit(len(counts) - 1, 1.0 - _TAIL) * between / value))
        low, high = min(low, value / wide), max(high, value * wide)
    return Rate(value, float(error), (low, high))


def grouped_ratio(above: Floats, below: Floats, group: NDArray[np.integer]) -> tuple[float, float]:
    """Sum of `above` over sum of `below`, (terms,) each, and its standard error from the scatter between groups."""
    if not below.sum() > 0.0:
        return float("nan"), float("nan")
    numbers, which = np.unique(group, return_inverse=True)
    tops, bottoms = (np.bincount(which, weights=values) for values in (above, below))
    value = float(tops.sum() / bottoms.sum())
    if len(numbers) < 2:
        return value, float("nan")
    squares = float(((tops - value * bottoms) ** 2).sum()) * len(numbers) / (len(numbers) - 1)
    return value, float(np.sqrt(squares)) / float(bottoms.sum())
