"""How a potential is searched for."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from betalps.typing import Json

Method = Literal["vplm", "bfgs", "instant"]


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Settings of a fit; the defaults were measured on 200 configurations of 32 atoms at levels 8 to 20.

    Attributes
    ----------
    method
        "vplm": variable projection and Levenberg-Marquardt. "bfgs": quasi-Newton on all coefficients at once,
        for comparison; killed, it begins anew. "instant": radial functions of a pair potential and one linear
        solve: seconds.
    starts
        Random starts. They search on a subset of the data: all for 25 iterations, the better half for 35
        more, the best for another 40, ranked by configurations outside of the subset. One start makes 25
        iterations, as do several where the subset would be nearly all data; 0 goes to all data at once.
    subset
        Configurations in the subset; None takes 15 labels for each coefficient. A number below 1 is a fraction of all
        configurations, where that is more: data of many kinds are not in a few.
    iterations
        At most, on all data.
    gain, window
        Stop when the loss fell by less than the fraction `gain` over `window` iterations.
    patience
        With held-out data: stop when their loss has not fallen for so many iterations. The coefficients at
        its lowest are taken in any case.
    ridges
        Of the linear coefficients, relative to the diagonal of their normal equations. Of several the one
        with the lowest held-out loss is taken; each costs the iterations on all data. Worth trying:
        (1e-10, 1e-9, 1e-8); from 1e-7 on the errors grow.
    penalty
        Weight of the penalty that keeps the radial functions orthonormal (see `gauge_penalty`).
    """

    method: Method = "vplm"
    starts: int = 4
    subset: int | float | None = None
    iterations: int = 60
    gain: float = 0.01
    window: int = 10
    patience: int = 10
    ridges: tuple[float, ...] = (1e-9,)
    penalty: float = 1e-6

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ValueError(f"method is {self.method!r}; expected one of {', '.join(get_args(Method))}")
        for name, least in (("starts", 0), ("iterations", 0), ("window", 1), ("patience", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}; expected a whole number from {least}")
        if self.subset is not None and not (0 < self.subset < 1 or (isinstance(self.subset, int) and self.subset > 0)):
            raise ValueError(f"subset is {self.subset!r}; expected a number of configurations, a fraction, or None")
        object.__setattr__(self, "ridges", tuple(float(ridge) for ridge in self.ridges))
        if not self.ridges:
            raise ValueError("ridges is empty; expected at least one number")
        for name, values in (("ridges", self.ridges), ("gain", (self.gain,)), ("penalty", (self.penalty,))):
            if not all(np.isfinite(value) and value >= 0 for value in values):
                raise ValueError(f"{name} is {getattr(self, name)}; expected numbers that are not negative")

    def subset_of(self, count: int, least: int) -> int:
        """Configurations to search on, of `count`; `least` give 15 labels for each coefficient."""
        if self.subset is None:
            return least
        return max(least, math.ceil(self.subset * count)) if self.subset < 1 else int(self.subset)

    def to_dict(self) -> Json:
        """Plain values by name."""
        return {**asdict(self), "ridges": list(self.ridges)}
