"""Squared displacements by time origin, and their scatter between blocks of time.

The blocks overlap: as many values again from the same run know its error better than blocks side by side do.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from betalps.typing import Floats

OVERLAP = 4
"""So often a block begins within the length of a block."""


def scatter_of_blocks(values: Floats, blocks: int) -> Floats:
    """Standard deviation between blocks that overlap.

    Parameters
    ----------
    values : (n, ...) array
        Of the blocks, as `Origins.block_means` has them.
    blocks : int
        How many fit beside each other.

    Returns
    -------
    (...) array

    Notes
    -----
    Overlapping batch means: Meketon and Schmeiser, Proc. 1984 Winter Simulation Conference, 227.
    """
    return np.asarray(np.std(values, axis=0) * np.sqrt(blocks / (blocks - 1.0)))


def freedom_of_blocks(blocks: int) -> float:
    """Degrees of freedom of `scatter_of_blocks`: 3/2 of those of blocks side by side, if they began at every frame."""
    return 1.5 / (1.0 + 0.5 / OVERLAP**2) * (blocks - 1)


class Origins:
    """Squared displacements by time origin, from which any block of time has its mean squared displacement.

    Parameters
    ----------
    lags : (k,) array of int, frames
    by_origin : (k, frames, d) array, Å²
        Zero where the lag runs past the end.
    counts : (k, frames) array, optional
        How many atoms `by_origin` is the sum over. By default it is the mean over the same atoms everywhere.
    """

    def __init__(self, lags: NDArray[np.intp], by_origin: Floats, counts: Floats | None = None) -> None:
        self.lags = lags
        self.frames = by_origin.shape[1]
        self._sums = _cumulative(by_origin)
        self._counts = None if counts is None else _cumulative(counts)

    def along(self, axes: list[int]) -> Origins:
        """Some of the directions only."""
        part = copy(self)
        part._sums = self._sums[:, :, axes]
        return part

    def means(self) -> Floats:
        """(k, d) array, Å²: over all origins; NaN where there is none."""
        ends = self.frames - self.lags if self._counts is None else self._counts[:, -1]
        with np.errstate(invalid="ignore"):
            return np.asarray(self._sums[:, -1] / ends[:, None])

    def block_means(self, lags: NDArray[np.intp], blocks: int) -> Floats:
        """(n, k, d) array, Å²: the mean squared displacement inside equal blocks of time.

        So many of them fit into the run beside each other; they begin `OVERLAP` times as often.
        """
        length = self.frames // blocks
        total = self._within(self._sums, lags, blocks)
        if self._counts is None:
            return np.asarray(total / (length - lags)[:, None])
        return np.asarray(total / self._within(self._counts, lags, blocks)[:, :, None])

    def atoms(self, lags: NDArray[np.intp]) -> Floats | None:
        """(k,) array: how many there are on average at each lag; None where always the same ones."""
        if self._counts is None:
            return None
        return np.asarray(self._counts[np.searchsorted(self.lags, lags), -1] / (self.frames - lags))

    def counted(self, lags: NDArray[np.intp], blocks: int) -> NDArray[np.bool_]:
        """(k,) array: whether every block of time has displacements of a lag."""
        if self._counts is None:
            return np.ones(len(lags), dtype=np.bool_)
        return np.asarray((self._within(self._counts, lags, blocks) > 0).all(axis=0))

    def _within(self, cumulative: Floats, lags: NDArray[np.intp], blocks: int) -> Floats:
        """Sums over the origins whose displacement ends inside the block that it began in, (n, k, ...)."""
        length = self.frames // blocks
        rows = np.searchsorted(self.lags, lags)
        begins = np.linspace(0, self.frames - length, OVERLAP * (blocks - 1) + 1)
        starts = np.rint(begins).astype(np.intp)[:, None]
        return np.asarray(cumulative[rows, starts + length - lags] - cumulative[rows, starts])


def _cumulative(values: Floats) -> Floats:
    """Along the origins, from zero on."""
    return np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1, dtype=np.float64)
