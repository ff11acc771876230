"""The diffusion coefficient of a species, with an uncertainty that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import special

from betalps.analysis.result import Result
from betalps.analysis.transport.gls import Line, fit_line, msd_covariance
from betalps.analysis.transport.msd import MeanSquaredDisplacement, accumulate
from betalps.analysis.transport.window import MINIMUM_FRAMES, FitWindow, Origins, choose_window, lag_grid
from betalps.trajectories import Trajectory
from betalps.typing import Floats, Json
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

_LEVEL = 0.95
# Fewer net hops than this say that ions move, not how fast.
_FEWEST_HOPS = 10.0


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

    def to_dict(self) -> Json:
        """As `Result.to_dict`, with the values in cm²/s beside those in Å²/ps."""
        plain = super().to_dict()
        for name in ("diffusivity", "standard_error", "upper_bound"):
            plain[f"{name}_cm2_per_s"] = ANGSTROM2_PER_PS_TO_CM2_PER_S * plain[name]
        plain["interval_cm2_per_s"] = [ANGSTROM2_PER_PS_TO_CM2_PER_S * bound for bound in plain["interval"]]
        return plain


@dataclass(frozen=True, kw_only=True, eq=False)
class Diffusion(Result):
    """The tracer diffusion of a species.

    Parameters
    ----------
    species : str
    atoms, frames : int
    duration : float
        From the first frame to the last.
    total : Estimate
        D = lim <Δr²> / 6t.
    x, y, z : Estimate
        D = lim <Δx²> / 2t.
    intercept : float
        Of the line through the total mean squared displacement; the cage is a sixth of it.
    window : FitWindow
        Which lags the line went through and why.
    msd : MeanSquaredDisplacement
    parameters : dict
        ``hop_length`` (Å), ``level``, ``drift``, ``fit_start`` (ps, None when chosen by the test).
    """

    units: ClassVar[dict[str, str]] = {"duration": "ps", "intercept": "angstrom^2"}
    species: str
    atoms: int
    frames: int
    duration: float
    total: Estimate
    x: Estimate
    y: Estimate
    z: Estimate
    intercept: float
    window: FitWindow
    msd: MeanSquaredDisplacement
    parameters: dict[str, Any]


def diffusion(
    trajectory: Trajectory,
    species: str = "Li",
    *,
    remove_drift: bool = True,
    fit_start: float | None = None,
    hop_length: float = 3.5,
) -> Diffusion:
    """Tracer diffusion coefficient from the mean squared displacement.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames of the equilibrated system, at least 100.
    species : str
    remove_drift : bool
        Subtract the motion of the centre of mass of the framework (every other species).
    fit_start : float, ps, optional
        Where the line starts. By default the shortest lag from which on the slope no longer changes
        (`betalps.analysis.transport.window`).
    hop_length : float, Å
        Length of an elementary jump. It enters only where hardly any ion has jumped: fewer than ten net hops
        do not resolve D, and a trajectory without a jump bounds D by three hops (the 95 % limit of a Poisson
        count of zero).

    Returns
    -------
    Diffusion

    Raises
    ------
    ValueError
        No atom of the species, too few frames, frames that are not evenly spaced, a start outside the
        trajectory.

    Warns
    -----
    UnwrapWarning
        A step between frames too long to unwrap.

    Notes
    -----
    Generalised least squares with the covariance of Bullerjahn, von Bülow and Hummer (J. Chem. Phys. 2020,
    153, 024116). That covariance holds for independent Gaussian displacements; ions that push each other or
    jump rarely scatter more. The same linear functional of the mean squared displacement is therefore
    evaluated in 5 to 10 blocks of time; the scatter of the blocks over the scatter that the covariance
    predicts for blocks of that length is the factor by which the variance is too small. The interval is the
    wider of the one with the Brownian error (normal quantile) and the one with the block error (Student's t).
    It is symmetric in ln D, so that it stays above zero.
    """
    if len(trajectory) < MINIMUM_FRAMES:
        raise ValueError(f"diffusion: expected at least {MINIMUM_FRAMES} frames, got {len(trajectory)}")
    if not hop_length > 0.0:
        raise ValueError(f"hop_length: expected a positive length in Å, got {hop_length}")
    grid = lag_grid(len(trajectory))
    msd, by_origin = accumulate(trajectory, species, grid, remove_drift=remove_drift)
    origins = Origins(grid, by_origin)
    window, lags = choose_window(msd.total, origins, msd.interval, fit_start)
    blocks = origins.block_means(lags, window.blocks)
    lines, estimates = [], []
    for axes in ([0, 1, 2], [0], [1], [2]):
        line = fit_line(msd.directions[:, axes].sum(axis=1), lags, len(trajectory), len(axes))
        in_blocks = blocks[:, :, axes].sum(axis=2)
        lines.append(line)
        estimates.append(_estimate(line, in_blocks, msd, len(axes), hop_length, window.linear))
    return Diffusion(
        species=species,
        atoms=msd.atoms,
        frames=len(trajectory),
        duration=float(trajectory.times[-1] - trajectory.times[0]),
        total=estimates[0],
        x=estimates[1],
        y=estimates[2],
        z=estimates[3],
        intercept=lines[0].intercept,
        window=window,
        msd=msd,
        parameters={**msd.parameters, "fit_start": fit_start, "hop_length": hop_length, "level": _LEVEL},
    )


def _estimate(
    line: Line, blocks: Floats, msd: MeanSquaredDisplacement, dimensions: int, hop_length: float, linear: bool
) -> Estimate:
    """From a line and the mean squared displacement in each block (blocks, lags)."""
    unit = 1.0 / (2 * dimensions * msd.interval)
    weights = unit * line.weights[1]
    value = unit * line.slope
    brownian, in_block = (
        _error(weights, line, frames, dimensions) / float(np.sqrt(msd.atoms))
        for frames in (len(msd.lags), len(msd.lags) // len(blocks))
    )
    block = float(np.std(blocks @ weights, ddof=1)) * brownian / in_block
    error = max(brownian, block)
    freedom = _freedom(len(blocks), block, value)
    tail = 0.5 * (1.0 - _LEVEL)
    half, above = (
        max(-brownian * float(special.ndtri(p)), -block * float(special.stdtrit(freedom, p)))
        for p in (tail, 2.0 * tail)
    )
    hop = hop_length**2 / (2 * dimensions * msd.atoms * float(msd.lags[-1]))
    hops = max(value, 0.0) / hop
    why = ""
    if not linear:
        why = "the slope of the mean squared displacement still changes"
    elif hops < _FEWEST_HOPS:
        why = f"{hops:.1f} net hops, fewer than {_FEWEST_HOPS:g}"
    elif value <= half:
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
        effective_atoms=msd.atoms * (brownian / error) ** 2,
        hops=hops,
    )


def _error(weights: Floats, line: Line, frames: int, dimensions: int) -> float:
    """Standard error of ``weights @ msd`` for one Brownian atom over some frames."""
    covariance = msd_covariance(line.model, line.lags, frames, dimensions)
    return float(np.sqrt(weights @ covariance @ weights))


def _freedom(blocks: int, error: float, value: float) -> float:
    """Degrees of freedom of the scatter between blocks.

    A variance from B normal values has the relative variance 2/(B - 1). Counts of n jumps in all have the
    excess kurtosis B/n per block, which adds 1/n; a relative error r of a count is that of n = 1/r² jumps.
    """
    relative = min(error / abs(value), 0.5) if value else 0.5
    return 2.0 / (2.0 / (blocks - 1) + relative**2)
