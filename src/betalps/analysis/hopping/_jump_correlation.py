"""The correlation factor of jumps: how far ions get, compared with as many jumps in random order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from betalps.analysis.hopping._jump_rates import grouped_ratio
from betalps.typing import Floats, Integers

_FEWEST = 20  # separate sequences of jumps that a mean needs
_PRECISE = 0.05  # relative standard error of a correlation factor worth the name
_AGREES = 2.0  # standard errors


class Correlation(NamedTuple):
    """Factors of sequences of (n,) jumps with standard errors, the one to take, and whether it has settled."""

    jumps: Integers
    factors: Floats
    errors: Floats
    factor: float
    error: float
    settled: bool


def correlation(vectors: Floats, run: Integers, ion: Integers) -> Correlation:
    """f_n = <|R_n|²> / <Σ l²> over all sequences of n jumps, for n = 1, 2, 3, 4, 6, 8, 12, ...

    Parameters
    ----------
    vectors : (jumps, 3) array, Å
        In the order of time for each ion.
    run : (jumps,) array of int
        Jumps that follow each other without a gap have the same number, and stand together.
    ion : (jumps,) array of int

    Notes
    -----
    The limit of long sequences is the correlation factor of J. Bardeen and C. Herring (1952): the tracer diffusion
    coefficient over that of as many jumps in random order. Sequences overlap; their standard error is that between
    ions. The one to take is the longest with a relative error below 5 %; it has settled if sequences half as long
    agree within two standard errors.
    """
    lengths = np.unique(run, return_counts=True)[1]
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(vectors, axis=0)])
    square = np.append(0.0, np.cumsum((vectors**2).sum(axis=1)))
    numbers = sorted({n for k in range(40) for n in (2**k, 3 * 2**k) if (lengths // n).sum() >= _FEWEST})
    found = np.full((len(numbers), 2), np.nan)
    for row, n in enumerate(numbers):
        first = np.flatnonzero(run[n - 1 :] == run[: len(run) - n + 1])
        above = ((path[first + n] - path[first]) ** 2).sum(axis=1)
        found[row] = grouped_ratio(above, square[first + n] - square[first], ion[first])
    factors, errors = found.T
    factor, error, settled = np.nan, np.nan, False
    good = np.flatnonzero(errors <= _PRECISE * factors)
    if len(good):
        factor, error = found[good[-1]].tolist()
        half = [k for k, n in enumerate(numbers) if 2 * n == numbers[good[-1]]]
        settled = bool(half) and abs(factors[half[0]] - factor) <= _AGREES * error
    return Correlation(np.array(numbers, dtype=np.int64), factors, errors, factor, error, bool(settled))
