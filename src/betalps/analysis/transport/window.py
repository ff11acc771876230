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
from betalps.analysis.transport._blocks import Origins, freedom_of_blocks, scatter_of_blocks
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


def lag_grid(frames: int) -> NDArray[np.intp]:
    """Lags, geometrically spaced, up to the longest that any window uses."""
    longest = 3 * (frames // _FEWEST_BLOCKS) // 4
    powers = np.arange(int(_PER_OCTAVE * np.log2(longest)) + 1)
    return np.unique(np.append(np.rint(2.0 ** (powers / _PER_OCTAVE)), longest)).astype(np.intp)


def choose_window(
    msd: Floats,
    origins: Origins,
    interval: float,
    fit_start: float | None,
    *,
    border: bool = False,
    longest: int | None = None,
) -> tuple[FitWindow, NDArray[np.intp]]:
    """The window of the fit.

    Parameters
    ----------
    msd : (frames,) array, Å²
        Mean squared displacement, summed over the directions of `origins`.
    origins : Origins
    interval : float, ps
    fit_start : float, ps, optional
        Given: the window starts there.
    border : bool
        The line has a term in lag^(3/2), see `betalps.analysis.fit_line`.
    longest : int, frames, optional
        No lag beyond this one. The start is then within a quarter of it.

    Returns
    -------
    FitWindow
    (k,) array of int, frames
        Its lags.

    Raises
    ------
    ValueError
        `fit_start` is beyond a twentieth of the trajectory, or not positive; too few lags up to `longest`.

    Notes
    -----
    A start is accepted when the slope of its window agrees with those of the windows that start 2, 4, 8, ...
    times later: Student's t of each difference of slopes against its scatter between blocks of time, at 5 %
    for all the comparisons together (Bonferroni). The window then starts at twice the accepted lag. Where
    that would be beyond a twentieth of the run, no start is accepted. Comparing slopes, not local exponents,
    leaves the height of the cage out of it.
    """
    slopes = _Slopes(msd, origins, border, longest)
    latest = slopes.latest()
    if fit_start is not None:
        if not interval * 0.5 <= fit_start <= interval * (latest + 0.5):
            raise ValueError(
                f"fit_start: expected {interval:g} to {latest * interval:g} ps for {origins.frames} frames, "
                f"got {fit_start:g} ps"
            )
        return slopes.window(_nearest(origins.lags, fit_start / interval), interval, True, "given")
    for start in (int(lag) for lag in origins.lags if _SAFETY * lag <= latest):
        later = _octaves_after(start, 2 * latest, origins.lags)
        later = [lag for lag in later if slopes.has_window(lag)]
        if not later:
            break
        p_value = len(later) * min(slopes.compare(start, other) for other in later)
        if p_value >= _PROBABILITY:
            names = ", ".join(f"{lag * interval:g}" for lag in later)
            why = (
                f"from {start * interval:g} ps on the slope agrees with the slopes from {names} ps on "
                f"(p = {min(p_value, 1.0):.2f}); begun at twice that lag"
            )
            return slopes.window(_nearest(origins.lags, _SAFETY * start), interval, True, why)
    tested = latest / _SAFETY * interval
    part = "a fortieth of the run: run longer" if longest is None else "and then too few ions are left to follow it"
    why = f"the slope still changes beyond {tested:g} ps, {part}"
    return slopes.window(_nearest(origins.lags, latest), interval, False, why)


def latest_start(origins: Origins, *, border: bool = False, longest: int | None = None) -> int:
    """The last lag, in frames, at which a window may start; as in `choose_window`, which also tells the errors."""
    return _Slopes(np.empty(0), origins, border, longest).latest()


class _Slopes:
    """Slopes of the lines through the windows that start at different lags, fitted when asked for."""

    def __init__(self, msd: Floats, origins: Origins, border: bool, longest: int | None) -> None:
        self._msd = msd
        self._origins = origins
        self._border = border
        self._longest = longest
        self._fits: dict[int, tuple[NDArray[np.intp], Floats, int]] = {}

    def latest(self) -> int:
        """The last lag that a window may start at.

        Raises
        ------
        ValueError
            There is none.
        """
        latest = self._origins.frames // (4 * _FEWEST_BLOCKS)
        if self._longest is None and self.has_window(latest):
            return int(latest)
        latest = min(latest, (self._longest or latest) // 4)
        starts = [int(lag) for lag in self._origins.lags if lag <= latest and self.has_window(int(lag))]
        if not starts:
            raise ValueError("too few lags for a line between the frame interval and the end of the usable ones")
        return int(starts[-1])

    def has_window(self, start: int) -> bool:
        """Whether there are lags enough behind a start."""
        return len(self._lags(start)[0]) >= 3 + self._border

    def compare(self, first: int, second: int) -> float:
        """Two-sided p of the difference between the slopes of two windows."""
        blocks = self._fit(second)[2]
        difference: float = 0.0
        in_blocks: Floats = np.zeros(1)
        for sign, start in ((1.0, first), (-1.0, second)):
            lags, weights, _ = self._fit(start)
            counted = self._origins.counted(lags, blocks)
            if not counted.all():  # the second window has more and shorter blocks than there are ions for
                lags = lags[counted]
                weights = self._weights(lags)
            difference += sign * float(weights @ self._msd[lags])
            in_blocks = in_blocks + sign * (self._origins.block_means(lags, blocks).sum(axis=2) @ weights)
        error = float(scatter_of_blocks(in_blocks, blocks)) / np.sqrt(blocks)
        if error == 0.0:  # every block the same: atoms that do not move at all
            return 1.0 if difference == 0.0 else 0.0
        return float(2.0 * special.stdtr(freedom_of_blocks(blocks), -abs(difference) / error))

    def window(self, start: int, interval: float, linear: bool, why: str) -> tuple[FitWindow, NDArray[np.intp]]:
        """The window that starts at a lag."""
        lags, blocks = self._lags(start)
        window = FitWindow(
            start=start * interval,
            stop=int(lags[-1]) * interval,
            points=len(lags),
            blocks=blocks,
            linear=linear,
            why=why,
        )
        return window, lags

    def _fit(self, start: int) -> tuple[NDArray[np.intp], Floats, int]:
        if start not in self._fits:
            lags, blocks = self._lags(start)
            self._fits[start] = lags, self._weights(lags), blocks
        return self._fits[start]

    def _weights(self, lags: NDArray[np.intp]) -> Floats:
        frames, atoms = self._origins.frames, self._origins.atoms(lags)
        line = fit_line(self._msd, lags, frames, 3, atoms=atoms, border=self._border)
        return np.asarray(line.weights[1])

    def _lags(self, start: int) -> tuple[NDArray[np.intp], int]:
        """The lags of a window, and into how many blocks of time the run is cut for it."""
        origins = self._origins
        blocks = int(np.clip(origins.frames // (4 * start), _FEWEST_BLOCKS, _MOST_BLOCKS))
        length = origins.frames // blocks
        # Half a block; a window that starts close to that may use some more.
        longest = max(length // 2, min(3 * start // 2 + 1, 3 * length // 4))
        if self._longest is not None:
            longest = min(longest, self._longest)
        lags = origins.lags[(origins.lags >= start) & (origins.lags <= longest)]
        return lags[origins.counted(lags, blocks)], blocks


def _octaves_after(start: int, last: int, lags: NDArray[np.intp]) -> list[int]:
    octaves = [start * 2**power for power in range(1, last.bit_length()) if start * 2**power <= last]
    return [_nearest(lags, lag) for lag in octaves]


def _nearest(lags: NDArray[np.intp], lag: float) -> int:
    return int(lags[np.argmin(np.abs(lags - lag))])
