"""A diffusion coefficient with what is known about its error, from a line and its scatter between blocks of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from betalps.analysis.result import Result
from betalps.analysis.transport._blocks import freedom_of_blocks, scatter_of_blocks
from betalps.analysis.transport.gls import Line
from betalps.typing import Floats, Json
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

LEVEL = 0.95
# Fewer net hops than this say that ions move, not how fast.
FEWEST_HOPS = 10.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate(Result):
    """A diffusion coefficient and what is known about its error.

    Parameters
    ----------
    diffusivity : float
        Best estimate; may be negative where there is no diffusion.
    standard_error : float
        The larger of `brownian_error` and `block_error`.
    interval : (2,) tuple
        95 % interval. From zero to `upper_bound` where not resolved.
    upper_bound : float
        One-sided: 95 % of trajectories put it above the true value.
    resolved : bool
        Whether the data show a diffusion at all.
    why : str
        Why it is not resolved; empty where it is.
    brownian_error : float
        Error if the atoms were independent Brownian particles.
    block_error : float
        Error from the scatter between blocks of time: whatever the atoms do together or by rare jumps is in
        it.
    effective_atoms : float
        Independent atoms that would give `standard_error`.
    hops : float
        Net hops by one hop length that the displacement amounts to.
    """

    units: ClassVar[dict[str, str]] = dict.fromkeys(
        ("diffusivity", "standard_error", "interval", "upper_bound", "brownian_error", "block_error"),
        "angstrom^2/ps",
    )
    diffusivity: float
    standard_error: float
    interval: tuple[float, float]
    upper_bound: float
    resolved: bool
    why: str
    brownian_error: float
    block_error: float
    effective_atoms: float
    hops: float

    @property
    def log_error(self) -> float:
        """Half of the 95 % interval of ln D; infinite where not resolved."""
        low, high = self.interval
        return 0.5 * float(np.log(high / low)) if self.resolved else float("inf")

    def to_dict(self) -> Json:
        """As `Result.to_dict`, with the values in cm²/s beside those in Å²/ps."""
        plain = super().to_dict()
        for name in ("diffusivity", "standard_error", "upper_bound"):
            plain[f"{name}_cm2_per_s"] = None if plain[name] is None else ANGSTROM2_PER_PS_TO_CM2_PER_S * plain[name]
        plain["interval_cm2_per_s"] = [
            None if bound is None else ANGSTROM2_PER_PS_TO_CM2_PER_S * bound for bound in plain["interval"]
        ]
        return plain


def estimate(
    line: Line,
    in_blocks: Floats,
    *,
    blocks: int,
    atoms: float,
    frames: int,
    interval: float,
    hop_length: float,
    linear: bool = True,
    why: str = "",
) -> Estimate:
    """The diffusion coefficient that a line through a mean squared displacement amounts to.

    Parameters
    ----------
    line : Line
        Of one atom, or with the number of atoms at each lag.
    in_blocks : (n, k) array, Å²
        The mean squared displacement in each block of time, at the lags of the line.
    blocks : int
        How many fit beside each other, see `Origins.block_means`.
    atoms : float
        How many there are; the line's errors are those of a mean over ``line.atoms`` of them.
    frames : int
    interval : float, ps
        Between frames.
    hop_length : float, Å
    linear : bool
        Whether the window is one in which the slope does not change.
    why : str
        Why the value must not be taken for a diffusion coefficient, if so.

    Returns
    -------
    Estimate
    """
    unit = 1.0 / (2 * line.dimensions * interval)
    value = unit * line.slope
    brownian, in_block = (unit * line.error(length) for length in (frames, frames // blocks))
    block = float(scatter_of_blocks(in_blocks @ (unit * line.weights[1]), blocks)) * brownian / in_block
    freedom = _freedom(blocks, block, value)
    hop = hop_length**2 / (2 * line.dimensions * atoms * (frames - 1) * interval)
    if not linear:
        why = why or "the slope of the mean squared displacement still changes"
    return bounded(value, brownian, block, freedom, hop=hop, atoms=atoms, why=why)


def bounded(
    value: float, brownian: float, block: float, freedom: float, *, hop: float, atoms: float, why: str = ""
) -> Estimate:
    """An estimate from a value and its two errors.

    Parameters
    ----------
    value, brownian, block : float, Å²/ps
    freedom : float
        Degrees of freedom of `block`.
    hop : float, Å²/ps
        What a single net hop amounts to.
    atoms : float
    why : str
        Why the value is not resolved, where that is known already.
    """
    error = max(brownian, block)
    tail = 0.5 * (1.0 - LEVEL)
    half, above = (
        max(-brownian * float(special.ndtri(p)), -block * float(special.stdtrit(freedom, p)))
        for p in (tail, 2.0 * tail)
    )
    hops = max(value, 0.0) / hop
    if not why and hops < FEWEST_HOPS:
        why = f"{hops:.1f} net hops, fewer than {FEWEST_HOPS:g}"
    elif not why and value <= half:
        why = "zero is within the error"
    if not why:
        upper = value * float(np.exp(above / value))
        interval = (value * float(np.exp(-half / value)), value * float(np.exp(half / value)))
    else:
        # The limit of a Poisson count where no jump, and so no scatter between blocks, was seen.
        upper = max(max(value, 0.0) + above, hop * float(special.gammainccinv(hops + 1.0, 2.0 * tail)))
        interval = (0.0, upper)
    return Estimate(
        diffusivity=value,
        standard_error=error,
        interval=interval,
        upper_bound=upper,
        resolved=not why,
        why=why,
        brownian_error=brownian,
        block_error=block,
        effective_atoms=atoms * (brownian / error) ** 2 if error else float("nan"),
        hops=hops,
    )


def ratio(numerator: Estimate, denominator: Estimate) -> tuple[float, tuple[float, float]]:
    """A ratio of two diffusion coefficients and its 95 % interval, made in the logarithm.

    Their errors are taken for independent. NaN where one of them is not resolved.
    """
    if not (numerator.resolved and denominator.resolved):
        return float("nan"), (float("nan"), float("nan"))
    value = numerator.diffusivity / denominator.diffusivity
    half = float(np.hypot(numerator.log_error, denominator.log_error))
    return value, (value * float(np.exp(-half)), value * float(np.exp(half)))


def pooled(estimates: Sequence[Estimate], shares: Floats) -> tuple[float, float, float, float, int]:
    """Mean of estimates from independent runs.

    Parameters
    ----------
    estimates : sequence of Estimate
    shares : (n,) array
        How much of all the data each has; their sum is one.

    Returns
    -------
    value, claimed, scatter : float, Å²/ps
        The mean, its error from those that the runs claim, its error from the scatter between the runs.
    p_value : float
        Probability of such a scatter or a larger one, if the claimed errors are right.
    freedom : int
    """
    values = np.array([one.diffusivity for one in estimates])
    errors = np.array([one.standard_error for one in estimates])
    freedom = len(values) - 1
    value = float(shares @ values)
    claimed = float(np.sqrt(np.sum((shares * errors) ** 2)))
    variance = float(np.sum(shares * (values - value) ** 2)) * len(values) / freedom
    scatter = float(np.sqrt(variance * np.sum(shares**2)))
    # Each error in its own share of the mean: a long run is expected to be closer to it.
    typical = float(np.sum(shares * errors**2))
    chi2 = len(values) * float(np.sum(shares * (values - value) ** 2)) / typical if typical else 0.0
    return value, claimed, scatter, float(special.gammaincc(0.5 * freedom, 0.5 * chi2)), freedom


def _freedom(blocks: int, error: float, value: float) -> float:
    """Degrees of freedom of the scatter between blocks.

    A variance with f degrees of freedom has the relative variance 2/f. Counts of n jumps in all have the
    excess kurtosis B/n per block, which adds 1/n; a relative error r of a count is that of n = 1/r² jumps.
    """
    relative = min(error / abs(value), 0.5) if value else 0.5
    return 2.0 / (2.0 / freedom_of_blocks(blocks) + relative**2)
