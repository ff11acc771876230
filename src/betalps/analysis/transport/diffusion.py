"""The diffusion coefficient of a species, with an uncertainty that can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from betalps.analysis.result import Result
from betalps.analysis.transport._blocks import Origins
from betalps.analysis.transport._estimates import LEVEL, Estimate, bounded, estimate, pooled
from betalps.analysis.transport.gls import fit_line
from betalps.analysis.transport.msd import MeanSquaredDisplacement, accumulate
from betalps.analysis.transport.window import MINIMUM_FRAMES, FitWindow, choose_window, lag_grid
from betalps.trajectories import Trajectory

__all__ = ["Diffusion", "Estimate", "Replicas", "combine_runs", "diffusion"]


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
    along : tuple of Estimate
        The same along the other directions that were asked for, ``msd.axes``.
    intercept : float
        Of the line through the total mean squared displacement; the cage is a sixth of it.
    intercepts : tuple of float
        Of the lines along x, y, z and the other directions.
    window : FitWindow
        Which lags the line went through and why.
    msd : MeanSquaredDisplacement
    parameters : dict
        ``hop_length`` (Å), ``level``, ``drift``, ``fit_start`` (ps, None when chosen by the test).
    """

    units: ClassVar[dict[str, str]] = {"duration": "ps", "intercept": "angstrom^2", "intercepts": "angstrom^2"}
    species: str
    atoms: int
    frames: int
    duration: float
    total: Estimate
    x: Estimate
    y: Estimate
    z: Estimate
    along: tuple[Estimate, ...] = ()
    intercept: float
    intercepts: tuple[float, ...]
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
    along: ArrayLike | None = None,
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
        (`betalps.analysis.window`).
    hop_length : float, Å
        Length of an elementary jump. It enters only where hardly any ion has jumped: fewer than ten net hops
        do not resolve D, and a trajectory without a jump bounds D by three hops (the 95 % limit of a Poisson
        count of zero).
    along : (3,) or (k, 3) array, optional
        More directions, as Cartesian vectors of any length.

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
    frames = len(trajectory)
    grid = lag_grid(frames)
    msd, by_origin = accumulate(trajectory, species, grid, remove_drift=remove_drift, along=along)
    origins = Origins(grid, by_origin)
    window, lags = choose_window(msd.total, Origins(grid, by_origin[:, :, :3]), msd.interval, fit_start)
    blocks = origins.block_means(lags, window.blocks)
    columns = msd.directions if msd.along is None else np.hstack([msd.directions, msd.along])
    intercepts: list[float] = []
    estimates: list[Estimate] = []
    for axes in ([0, 1, 2], *([k] for k in range(columns.shape[1]))):
        line = fit_line(
            columns[:, axes].sum(axis=1), lags, frames, len(axes), atoms=np.full(len(lags), float(msd.atoms))
        )
        intercepts.append(line.intercept)
        estimates.append(
            estimate(
                line,
                blocks[:, :, axes].sum(axis=2),
                blocks=window.blocks,
                atoms=msd.atoms,
                frames=frames,
                interval=msd.interval,
                hop_length=hop_length,
                linear=window.linear,
            )
        )
    return Diffusion(
        species=species,
        atoms=msd.atoms,
        frames=frames,
        duration=float(trajectory.times[-1] - trajectory.times[0]),
        total=estimates[0],
        x=estimates[1],
        y=estimates[2],
        z=estimates[3],
        along=tuple(estimates[4:]),
        intercept=intercepts[0],
        intercepts=tuple(intercepts[1:]),
        window=window,
        msd=msd,
        parameters={**msd.parameters, "fit_start": fit_start, "hop_length": hop_length, "level": LEVEL},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Replicas(Result):
    """The tracer diffusion of a species from several independent runs.

    Parameters
    ----------
    species : str
    replicas : int
    total, x, y, z : Estimate
        Mean over the runs, weighted with atoms times duration. `brownian_error` is what the runs claim,
        `block_error` the scatter between them.
    p_values : dict of str to float
        For each of these: the probability of such a scatter between the runs, or a larger one, if their claimed
        errors are right. Below a few per cent the runs differ by more than their errors: other structures, or runs
        shorter than what they have to forget.
    parameters : dict
        ``level``, and ``weights`` of the runs.
    """

    species: str
    replicas: int
    total: Estimate
    x: Estimate
    y: Estimate
    z: Estimate
    p_values: dict[str, float]
    parameters: dict[str, Any]


def combine_runs(runs: Sequence[Diffusion]) -> Replicas:
    """Put independent runs of the same system together, and check whether they agree.

    Parameters
    ----------
    runs : sequence of Diffusion
        At least two, of the same species at the same temperature.

    Returns
    -------
    Replicas
        The interval is the wider of the one from the claimed errors (normal quantile) and the one from the scatter
        between the runs (Student's t).

    Raises
    ------
    ValueError
        Fewer than two runs, or runs of different species.
    """
    if len(runs) < 2:
        raise ValueError(f"replicas: expected at least 2 runs, got {len(runs)}")
    if len({run.species for run in runs}) > 1:
        raise ValueError(f"replicas: expected one species, got {sorted({run.species for run in runs})}")
    data = np.array([run.atoms * run.duration for run in runs])
    shares = data / data.sum()
    estimates, p_values = {}, {}
    for name, dimensions in (("total", 3), ("x", 1), ("y", 1), ("z", 1)):
        ones = [getattr(run, name) for run in runs]
        value, claimed, scatter, p_values[name], freedom = pooled(ones, shares)
        bent = [run.window for run in runs if not run.window.linear]
        hop = min(float(run.parameters["hop_length"]) for run in runs) ** 2 / (2 * dimensions * float(data.sum()))
        why = f"in {len(bent)} of {len(runs)} runs the slope still changes" if bent else ""
        estimates[name] = bounded(value, claimed, scatter, freedom, hop=hop, atoms=sum(r.atoms for r in runs), why=why)
    return Replicas(
        species=runs[0].species,
        replicas=len(runs),
        **estimates,
        p_values=p_values,
        parameters={"level": LEVEL, "weights": shares.tolist()},
    )
