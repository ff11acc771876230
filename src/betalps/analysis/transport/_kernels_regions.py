"""Compiled loops over ions that enter and leave a region. Imported when they are called for."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from betalps.typing import Bools, Floats, Ints

_STAYS, _RETURNS = 1, 2


@njit(cache=True, nogil=True)
def add_displacements(
    paths: Floats,
    inside: Bools,
    last: Ints,
    lags: NDArray[np.intp],
    condition: int,
    sums: Floats,
    counts: Floats,
) -> None:
    """Add the squared displacements of some ions to those of each time origin.

    Parameters
    ----------
    paths : (ions, d, frames) array, Å
    inside : (ions, frames) array of bool
    last : (ions, frames) array of int
        Where each stay ends, see `ends_of_stays`.
    lags : (k,) array of int, frames
    condition : int
        Which displacements count: 0, all that start inside; 1, of ions that never leave on the way; 2, that start
        and end inside.
    sums : (k, frames, d) array, Å²
    counts : (k, frames) array
    """
    ions, dimensions, frames = paths.shape
    for ion in range(ions):
        for row in range(len(lags)):
            lag = lags[row]
            for origin in range(frames - lag):
                if not inside[ion, origin]:
                    continue
                if condition == _STAYS and last[ion, origin] < origin + lag:
                    continue
                if condition == _RETURNS and not inside[ion, origin + lag]:
                    continue
                counts[row, origin] += 1.0
                for k in range(dimensions):
                    step = paths[ion, k, origin + lag] - paths[ion, k, origin]
                    sums[row, origin, k] += step * step


@njit(cache=True, nogil=True)
def ends_of_stays(inside: Bools) -> Ints:
    """(ions, frames) array: the last frame of the stay that an ion is in; -1 where it is outside."""
    ions, frames = inside.shape
    last = np.full((ions, frames), -1, dtype=np.int32)
    for ion in range(ions):
        end = frames - 1
        for frame in range(frames - 1, -1, -1):
            if inside[ion, frame]:
                last[ion, frame] = end
            else:
                end = frame - 1
    return last


@njit(cache=True, nogil=True)
def fill_absences(inside: Bools, longest: int) -> None:
    """Count short absences, of at most `longest` frames, as presence."""
    ions, frames = inside.shape
    for ion in range(ions):
        left = -1  # last frame inside
        for frame in range(frames):
            if not inside[ion, frame]:
                continue
            if left >= 0 and 1 < frame - left <= longest + 1:
                inside[ion, left + 1 : frame] = True
            left = frame


@njit(cache=True, nogil=True)
def count_survivors(
    inside: Bools, last: Ints, lags: NDArray[np.intp], stayed: Floats, started: Floats, ended: Floats
) -> None:
    """Count, for each lag and origin, the ions that are inside, that stay for the lag, and that are inside behind it.

    Parameters
    ----------
    inside, last : (ions, frames) arrays
    lags : (k,) array of int, frames
    stayed, started, ended : (k, frames) arrays
        Added to; zero where the lag runs past the end.
    """
    ions, frames = inside.shape
    for ion in range(ions):
        for row in range(len(lags)):
            lag = lags[row]
            for origin in range(frames - lag):
                if inside[ion, origin]:
                    started[row, origin] += 1.0
                    if last[ion, origin] >= origin + lag:
                        stayed[row, origin] += 1.0
                    if inside[ion, origin + lag]:
                        ended[row, origin] += 1.0
