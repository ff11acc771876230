"""How long ions stay: the estimator of Kaplan and Meier, for stays whose end may not have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from betalps.analysis.hopping._jump_rates import rate_of
from betalps.analysis.hopping.sites import SiteVisits
from betalps.analysis.result import Result
from betalps.typing import Bools, Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Residence(Result):
    """How long ions stay on sites of a kind.

    Attributes
    ----------
    kind : str
    mean : float
        Time spent there over departures; infinite where nobody left. It counts all ions, those that never moved too.
    mean_interval : (2,) tuple
        95 %.
    median : float or None
        Of the stays of ions that were seen to arrive; None where more than half of them were not seen to leave.
    times : (n,) array
    survival, survival_error : (n,) array
        Fraction of these stays that last longer (Kaplan–Meier, with Greenwood's standard error). It falls faster than
        exp(-t / mean) at first where ions that have just come go back.
    stays, departures : int
        Seen to begin, and how many of them seen to end.
    """

    units: ClassVar[dict[str, str]] = dict.fromkeys(("mean", "mean_interval", "median", "times"), "ps")
    kind: str
    mean: float
    mean_interval: tuple[float, float]
    median: float | None
    times: Floats
    survival: Floats
    survival_error: Floats
    stays: int
    departures: int


class Survival(NamedTuple):
    """Times at which a stay ended, (n,); the fraction that lasts longer, and its standard error."""

    times: Floats
    fraction: Floats
    error: Floats


def kaplan_meier(durations: Floats, ended: Bools) -> Survival:
    """Estimate how many stays last longer than a time.

    Parameters
    ----------
    durations : (stays,) array
        Until the end, or until it was no longer looked at.
    ended : (stays,) array of bool
        Which of the two.

    Notes
    -----
    E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53, 457 (1958); standard error by M. Greenwood (1926).
    """
    times, which = np.unique(durations, return_inverse=True)
    ends = np.bincount(which, weights=ended, minlength=len(times)).astype(np.float64)
    leaves = np.bincount(which, minlength=len(times))
    at_risk: Floats = np.cumsum(leaves[::-1])[::-1].astype(np.float64)
    fraction: Floats = np.cumprod(1.0 - ends / at_risk, dtype=np.float64)
    # Where the last one leaves, the fraction is zero whatever the sum.
    terms = np.divide(ends, at_risk * (at_risk - ends), out=np.zeros(len(times)), where=at_risk > ends)
    error: Floats = fraction * np.sqrt(np.cumsum(terms))
    seen = ends > 0
    return Survival(times[seen], fraction[seen], error[seen])


def residence(visits: SiteVisits, kind: str, on_kind: Bools, departures: Floats, time: Floats) -> Residence:
    """Of one kind of site.

    Parameters
    ----------
    visits
    kind
    on_kind : (visits,) array of bool
    departures, time : (blocks,) arrays
        How many ions left, and the time in ps that ions spent there.
    """
    stays = on_kind & visits.arrived
    durations = visits.interval * (visits.stop - visits.start)[stays].astype(np.float64)
    found = kaplan_meier(durations, visits.left[stays])
    half = np.flatnonzero(found.fraction <= 0.5)
    rate = rate_of(departures, time)
    low, high = rate.interval
    return Residence(
        kind=kind,
        mean=1.0 / rate.value if rate.value != 0.0 else float("inf"),
        mean_interval=(1.0 / high, 1.0 / low if low > 0.0 else float("inf")),
        median=float(found.times[half[0]]) if len(half) else None,
        times=found.times,
        survival=found.fraction,
        survival_error=found.error,
        stays=int(stays.sum()),
        departures=int(visits.left[stays].sum()),
    )
