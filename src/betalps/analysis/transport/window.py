"""Where the straight part of a mean squared displacement begins.

Ballistic flight, rattling in the cage and jumps that are soon taken back bend the curve at short lags.
Starting late costs precision, starting early costs truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from betalps.analysis.result import Result
from betalps.analysis.transport.gls import fit_line
from betalps.typing import Floats

MINIMUM_FRAMES = 100
_MOST_BLOCKS, _FEWEST_BLOCKS = 10, 5
_PER_OCTAVE = 4
# Chance that a start is turned down although the slope does not change, over all comparisons together.
_PROBABILITY = 0.05
# A bend too slight for the test to see has faded further at twice the lag.
_SAFETY = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class FitWindow(Result):
    """The lags that a line goes through.

    Parameters
    ----------
    start, stop : float
    points : int
        How many lags, spaced geometrically.
    blocks : int
        Blocks of time from which the error is estimated.
    linear : bool
        Whether the slope no longer changes from `start` on.
    why : str
        How the start was found.
    """

    units: ClassVar[dict[str, str]] = {"start": "ps", "stop": "ps"}
    start: float
    stop: float
    points: int
    blocks: int
    linear: bool
    why: str


class Origins:
    """Squared displacements by time origin, from which any block of time has its mean squared displacement.

    Parameters
    ----------
    lags : (k,) array of int, frames
    by_origin : (k, frames, 3) array, Å²
        Zero where the lag runs past the end.
    """

    def __init__(self, lags: NDArray[np.intp], by_origin: Floats) -> None:
        self.lags = lags
        self.frames = by_origin.shape[1]
        self._cumulative = np.concatenate([np.zeros((len(lags), 1, 3)), np.cumsum(by_origin, axis=1)], axis=1)

    def block_means(self, lags: NDArray[np.intp], blocks: int) -> Floats:
        """(blocks, k, 3) array, Å²: the mean squared displacement inside each of equal blocks of time."""
        length = self.frames // blocks
        rows = np.searchsorted(self.lags, lags)
        starts = length * np.arange(blocks)[:, None]
        total = self._cumulative[rows, starts + length - lags] - self._cumulative[rows, starts]
        return np.asarray(total / (length - lags)[:, None])


def lag_grid(frames: int) -> NDArray[np.intp]:
    """Lags, geometrically spaced, up to the longest that any window uses."""
    longest = 3 * (frames // _FEWEST_BLOCKS) // 4
    powers = np.arange(int(_PER_OCTAVE * np.log2(longest)) + 1)
    return np.unique(np.append(np.rint(2.0 ** (powers / _PER_OCTAVE)), longest)).astype(np.intp)


def choose_window(
    msd: Floats, origins: Origins, interval: float, fit_start: float | None
) -> tuple[FitWindow, NDArray[np.intp]]:
    """The window of the fit.

    Parameters
    ----------
    msd : (frames,) array, Å²
        Total mean squared displacement.
    origins : Origins
    interval : float, ps
    fit_start : float, ps, optional
        Given: the window starts there.

    Returns
    -------
    FitWindow
    (k,) array of int, frames
        Its lags.

    Raises
    ------
    ValueError
        `fit_start` is beyond a twentieth of the trajectory, or not positive.

    Notes
    -----
    A start is accepted when the slope of its window agrees with those of the windows that start 2, 4, 8, ...
    times later: Student's t of each difference of slopes against its scatter between blocks of time, at 5 %
    for all the comparisons together (Bonferroni). The window then starts at twice the accepted lag. Where
    that would be beyond a twentieth of the run, no start is accepted. Comparing slopes, not local exponents,
    leaves the height of the cage out of it.
    """
    latest = origins.frames // (4 * _FEWEST_BLOCKS)
    if fit_start is not None:
        if not interval * 0.5 <= fit_start <= interval * (latest + 0.5):
            raise ValueError(
                f"fit_start: expected {interval:g} to {latest * interval:g} ps for {origins.frames} frames, "
                f"got {fit_start:g} ps"
            )
        return _window(_nearest(origins.lags, fit_start / interval), origins, interval, True, "given")
    slopes = _Slopes(msd, origins)
    for start in (int(lag) for lag in origins.lags if _SAFETY * lag <= latest):
        later = _octaves_after(start, 2 * latest, origins.lags)
        p_value = len(later) * min(slopes.compare(start, other) for other in later)
        if p_value >= _PROBABILITY:
            names = ", ".join(f"{lag * interval:g}" for lag in later)
            why = (
                f"from {start * interval:g} ps on the slope agrees with the slopes from {names} ps on "
                f"(p = {min(p_value, 1.0):.2f}); begun at twice that lag"
            )
            return _window(_nearest(origins.lags, _SAFETY * start), origins, interval, True, why)
    tested = latest / _SAFETY * interval
    why = f"the slope still changes beyond {tested:g} ps, a fortieth of the run: run longer"
    return _window(_nearest(origins.lags, latest), origins, interval, False, why)


class _Slopes:
    """Slopes of the lines through the windows that start at different lags, fitted when asked for."""

    def __init__(self, msd: Floats, origins: Origins) -> None:
        self._msd = msd
        self._origins = origins
        self._fits: dict[int, tuple[NDArray[np.intp], Floats, int]] = {}

    def compare(self, first: int, second: int) -> float:
        """Two-sided p of the difference between the slopes of two windows."""
        blocks = self._fit(second)[2]
        difference, in_blocks = 0.0, np.zeros(blocks)
        for sign, start in ((1.0, first), (-1.0, second)):
            lags, weights, _ = self._fit(start)
            difference += sign * float(weights @ self._msd[lags])
            in_blocks += sign * (self._origins.block_means(lags, blocks).sum(axis=2) @ weights)
        error = float(np.std(in_blocks, ddof=1)) / np.sqrt(blocks)
        if error == 0.0:  # every block the same: atoms that do not move at all
            return 1.0 if difference == 0.0 else 0.0
        return float(2.0 * special.stdtr(blocks - 1, -abs(difference) / error))

    def _fit(self, start: int) -> tuple[NDArray[np.intp], Floats, int]:
        if start not in self._fits:
            lags, blocks = _lags(start, self._origins)
            weights = fit_line(self._msd, lags, self._origins.frames, 3).weights[1]
            self._fits[start] = lags, weights, blocks
        return self._fits[start]


def _octaves_after(start: int, last: int, lags: NDArray[np.intp]) -> list[int]:
    octaves = [start * 2**power for power in range(1, last.bit_length()) if start * 2**power <= last]
    return [_nearest(lags, lag) for lag in octaves]


def _nearest(lags: NDArray[np.intp], lag: float) -> int:
    return int(lags[np.argmin(np.abs(lags - lag))])


def _lags(start: int, origins: Origins) -> tuple[NDArray[np.intp], int]:
    """The lags of a window, and into how many blocks of time the run is cut for it."""
    blocks = int(np.clip(origins.frames // (4 * start), _FEWEST_BLOCKS, _MOST_BLOCKS))
    length = origins.frames // blocks
    # Half a block; a window that starts close to that may use some more.
    longest = max(length // 2, min(3 * start // 2 + 1, 3 * length // 4))
    return origins.lags[(origins.lags >= start) & (origins.lags <= longest)], blocks


def _window(
    start: int, origins: Origins, interval: float, linear: bool, why: str
) -> tuple[FitWindow, NDArray[np.intp]]:
    lags, blocks = _lags(start, origins)
    window = FitWindow(
        start=start * interval,
        stop=int(lags[-1]) * interval,
        points=len(lags),
        blocks=blocks,
        linear=linear,
        why=why,
    )
    return window, lags
