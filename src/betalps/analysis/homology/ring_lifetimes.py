"""How long rings last: the same ions, ring by ring, through time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._series import ratio_and_error
from betalps.analysis.homology.rings import Rings
from betalps.analysis.result import Result
from betalps.typing import Floats

_Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class RingLifetime(Result):
    """The mean lifetime of rings.

    Parameters
    ----------
    lifetime, lifetime_error : float
        Mean lifetime and its standard error; infinite and NaN where no ring was seen to break.
    bound : float or None
        Where no ring broke: the lifetime is longer than this, at 95 % confidence.
    resolved : bool
        Fewer than half of the rings break from one frame to the next.
    breaks : int
        How many times a ring broke.
    exposure : float
        Time during which rings could be seen to break, of all rings together.
    distinct : int
        How many different rings there were.
    """

    units: ClassVar[dict[str, str]] = {"lifetime": "ps", "lifetime_error": "ps", "bound": "ps", "exposure": "ps"}
    lifetime: float
    lifetime_error: float
    bound: float | None
    resolved: bool
    breaks: int
    exposure: float
    distinct: int


@dataclass(frozen=True, kw_only=True, eq=False)
class RingLifetimes(Result):
    """How long rings last.

    Parameters
    ----------
    lags : (k,) array
        From zero on.
    survival : (k,) array
        Probability that a ring is there without a break for so long.
    memory : (k,) array
        Probability that a ring is there after so long, whatever was in between.
    total : RingLifetime
        Of all rings above the cut.
    by_size : dict of int to RingLifetime
        By the number of ions.
    parameters : dict
        ``patience`` (ps), ``definition`` of the rings.
    """

    units: ClassVar[dict[str, str]] = {"lags": "ps"}
    lags: Floats
    survival: Floats
    memory: Floats
    total: RingLifetime
    by_size: dict[int, RingLifetime]
    parameters: dict[str, Any]


def ring_lifetimes(found: Rings, *, patience: float = 0.0) -> RingLifetimes:
    """How long rings of the same ions last.

    Parameters
    ----------
    found : Rings
        Of evenly spaced frames.
    patience : float, ps
        A ring that is absent for no longer than this counts as unbroken. Rings whose persistence is close to the cut,
        or that another way of equally many ions closes, come and go with every vibration.

    Returns
    -------
    RingLifetimes

    Raises
    ------
    ValueError
        Frames that are too few or unevenly spaced; no ring above the cut.

    Notes
    -----
    A ring is a set of ions. It is there in a frame if these ions, and no others, make a ring with L above the cut in
    that frame. From one frame to the next a fraction p of the rings breaks, and with the time Δ between frames the
    mean lifetime is -Δ / ln(1 - p): that of rings which break at a constant rate, from all rings, with no bias from
    those that were there before the first frame or are there after the last. The error of p is from the scatter of
    the frames. `memory` is the intermittent correlation function of hydrogen bonds (Rapaport, Mol. Phys. 1983, 50,
    1151), `survival` the continuous one.
    """
    interval = _interval(found.times)
    if not (np.isfinite(patience) and patience >= 0.0):
        raise ValueError(f"patience: expected a time from 0 ps on, got {patience!r}")
    gap = int(patience / interval + 1e-6)
    if len(found.times) < gap + 2:
        raise ValueError(f"ring lifetimes: expected at least {gap + 2} frames, got {len(found.times)}")
    seen = _appearances(found)
    if not seen:
        raise ValueError(f"no ring of {found.species} with L > {found.parameters['cut']:g} Å in any frame")
    frames = len(found.times)
    runs = {ring: _Runs.of(at, gap) for ring, at in seen.items()}
    sizes = sorted({len(ring) for ring in seen})
    return RingLifetimes(
        lags=interval * np.arange(frames, dtype=np.float64),
        survival=_survival(runs.values(), frames),
        memory=_memory(list(seen.values()), frames),
        total=_lifetime(runs.values(), frames, gap, interval),
        by_size={
            size: _lifetime([run for ring, run in runs.items() if len(ring) == size], frames, gap, interval)
            for size in sizes
        },
        parameters={"patience": float(patience), "definition": found.definition},
    )


class _Runs(NamedTuple):
    """First and last frame of each stretch of frames with a ring."""

    first: _Integers
    last: _Integers

    @classmethod
    def of(cls, frames: _Integers, gap: int) -> _Runs:
        breaks = np.flatnonzero(np.diff(frames) > gap + 1)
        return cls(frames[np.concatenate([[0], breaks + 1])], frames[np.concatenate([breaks, [-1]])])


def _interval(times: Floats) -> float:
    if len(times) < 2:
        raise ValueError(f"ring lifetimes: expected at least 2 frames, got {len(times)}")
    interval = float((times[-1] - times[0]) / (len(times) - 1))
    if np.abs(np.diff(times) - interval).max() > 1e-4 * interval:
        raise ValueError("ring lifetimes: expected evenly spaced frames, and these are not")
    return interval


def _appearances(found: Rings) -> dict[tuple[int, ...], _Integers]:
    """In which frames each set of ions makes a ring."""
    seen: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in np.flatnonzero(found.sizes).tolist():
        frames = seen[tuple(sorted(found.ring(number).tolist()))]
        frame = int(found.snapshot[number])
        if not frames or frames[-1] != frame:  # copies of a short cell hold the same ring
            frames.append(frame)
    return {ring: np.array(frames) for ring, frames in seen.items()}


def _lifetime(runs: Iterable[_Runs], frames: int, gap: int, interval: float) -> RingLifetime:
    runs = list(runs)
    first, last = (np.concatenate([run[k] for run in runs]) for k in (0, 1))
    seen = frames - 1 - gap  # a break after a later frame could not be told from patience
    changes = np.bincount(first, minlength=frames + 1) - np.bincount(last + 1, minlength=frames + 1)
    there = np.cumsum(changes)[:seen].astype(np.float64)
    broken = np.bincount(last, minlength=frames)[:seen].astype(np.float64)
    p, error = ratio_and_error(broken, there)
    breaks, exposure = int(broken.sum()), float(there.sum()) * interval
    with np.errstate(divide="ignore", invalid="ignore"):
        lifetime = float(-interval / np.log1p(-np.float64(p)))
        slope = lifetime**2 / interval / (1.0 - np.float64(p))  # dτ/dp
    return RingLifetime(
        lifetime=lifetime if breaks else np.inf,
        lifetime_error=float(slope * error) if breaks else np.nan,
        bound=None if breaks else exposure / 3.0,  # exp(-3) is 5 %
        resolved=bool(p < 0.5),
        breaks=breaks,
        exposure=exposure,
        distinct=len(runs),
    )


def _survival(runs: Iterable[_Runs], frames: int) -> Floats:
    first, last = (np.concatenate([run[k] for run in runs]) for k in (0, 1))
    # A run of n frames holds n - k stretches of k steps.
    ends = np.bincount(last - first + 1, minlength=frames + 1).astype(np.float64)
    longer = np.cumsum(ends[::-1])[::-1]
    stretches = np.cumsum(longer[::-1])[::-1][1:]
    changes = np.bincount(first, minlength=frames + 1) - np.bincount(last + 1, minlength=frames + 1)
    origins = np.cumsum(np.cumsum(changes)[:frames])[::-1]
    return np.asarray(np.divide(stretches, origins, out=np.full(frames, np.nan), where=origins > 0))


def _memory(appearances: list[_Integers], frames: int) -> Floats:
    from scipy.sparse import csr_array

    lengths = [len(at) for at in appearances]
    columns = np.concatenate(appearances)
    rows = np.concatenate([[0], np.cumsum(lengths)])
    there = csr_array((np.ones(len(columns)), columns, rows), shape=(len(appearances), frames))
    shared = (there.T @ there).tocoo()
    late = shared.col >= shared.row
    both = np.bincount(shared.col[late] - shared.row[late], weights=shared.data[late], minlength=frames)
    origins = np.cumsum(np.bincount(columns, minlength=frames))[::-1].astype(np.float64)
    return np.asarray(np.divide(both, origins, out=np.full(frames, np.nan), where=origins > 0))
