"""Diffusion of charge: what ions do together, the Haven ratio, and the conductivity that has both in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from betalps.analysis.result import Result
from betalps.analysis.transport._blocks import Origins
from betalps.analysis.transport._estimates import LEVEL, Estimate, estimate, ratio
from betalps.analysis.transport.conductivity import Conductivity, carrier_density, conductivity
from betalps.analysis.transport.diffusion import Diffusion, diffusion
from betalps.analysis.transport.gls import fit_line
from betalps.analysis.transport.msd import squared_displacements
from betalps.analysis.transport.window import FitWindow, choose_window, lag_grid
from betalps.trajectories import Trajectory, displacement_blocks, framework_drift
from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class CollectiveDiffusion(Result):
    """Diffusion of the charge that a species carries.

    Parameters
    ----------
    species : str
    atoms, frames : int
    total : Estimate
        Charge diffusivity D_σ = lim <|Σ z Δr|²> / (6 N z² t): the D that the Nernst-Einstein equation wants.
    x, y, z : Estimate
        Of each direction, with 2 in place of 6.
    haven_ratio : float
        D / D_σ, NaN where either is not resolved.
    haven_interval : (2,) tuple
        95 % interval, made in its logarithm.
    conductivity : Conductivity or None
        From D_σ, where a temperature is given; `Conductivity.haven_ratio` is the one above.
    intercept : float
        Of the line through the sum of `msd` over the directions.
    window : FitWindow
    lags : (frames,) array
    msd : (frames, 3) array
        <|Σ z Δx|²> / (N z²) along x, y and z.
    tracer : Diffusion
        Of the single ions.
    parameters : dict
        ``charges``, ``temperature`` (K), ``drift``, ``fit_start`` (ps), ``level``.
    """

    units: ClassVar[dict[str, str]] = {"intercept": "angstrom^2", "lags": "ps", "msd": "angstrom^2"}
    species: str
    atoms: int
    frames: int
    total: Estimate
    x: Estimate
    y: Estimate
    z: Estimate
    haven_ratio: float
    haven_interval: tuple[float, float]
    conductivity: Conductivity | None
    intercept: float
    window: FitWindow
    lags: Floats
    msd: Floats
    tracer: Diffusion
    parameters: dict[str, Any]


def collective_diffusion(
    trajectory: Trajectory,
    species: str = "Li",
    *,
    charge: float = 1.0,
    others: Mapping[str, float] | None = None,
    temperature: float | None = None,
    remove_drift: bool = True,
    fit_start: float | None = None,
    hop_length: float = 3.5,
) -> CollectiveDiffusion:
    """Charge diffusivity, Haven ratio and the conductivity with the correlations between ions in it.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames of the equilibrated system, at least 100. There is one sum of displacements where there are
        N single ones: for the same error it has to be N times as long.
    species : str
        The carriers.
    charge : float
        Their charge number z.
    others : mapping of str to float, optional
        Charge numbers of other species that move too.
    temperature : float, K, optional
        Wanted for a conductivity.
    remove_drift : bool
        Measure displacements from the centre of mass of the framework (every other species), as an electrode does that
        is fixed to it. Without, and with all species and a neutral sum of charges, the frame does not matter.
    fit_start : float, ps, optional
        Where the line starts; by default where that of the single ions does or, if the test tells so, later.
    hop_length : float, Å
        As in `betalps.analysis.diffusion`.

    Returns
    -------
    CollectiveDiffusion

    Raises
    ------
    ValueError
        As `betalps.analysis.diffusion`; a charge of zero; a species that carries charge twice.

    Notes
    -----
    The sum of displacements is taken for one particle, and its diffusion coefficient and error are made as those of a
    single ion (`betalps.analysis.diffusion`). The Haven ratio's interval takes the two errors for independent.
    """
    if charge == 0.0:
        raise ValueError("charge: expected a carrier that has one, got 0")
    if others and species in others:
        raise ValueError(f"others: {species} is the carrier; give its charge as charge=...")
    tracer = diffusion(trajectory, species, remove_drift=remove_drift, fit_start=fit_start, hop_length=hop_length)
    frames, interval, atoms = len(trajectory), tracer.msd.interval, tracer.atoms
    charges = {species: charge, **(others or {})}
    path = _dipole(trajectory, charges, species, remove_drift) / (abs(charge) * np.sqrt(atoms))
    grid = lag_grid(frames)
    msd, by_origin = squared_displacements([path[None]], frames, 3, grid)
    origins = Origins(grid, by_origin)
    window, lags = _window(msd, origins, interval, tracer.window, fit_start)
    blocks = origins.block_means(lags, window.blocks)
    choices = [0, 1, 2], [0], [1], [2]
    lines = [fit_line(msd[:, axes].sum(axis=1), lags, frames, len(axes)) for axes in choices]
    estimates = [
        estimate(
            line,
            blocks[:, :, axes].sum(axis=2),
            blocks=window.blocks,
            # One sum; but one ion that hops moves it by a hop over sqrt(N).
            atoms=1.0,
            frames=frames,
            interval=interval,
            hop_length=hop_length / float(np.sqrt(atoms)),
            linear=window.linear,
        )
        for line, axes in zip(lines, choices, strict=True)
    ]
    haven, haven_interval = ratio(tracer.total, estimates[0])
    return CollectiveDiffusion(
        species=species,
        atoms=atoms,
        frames=frames,
        total=estimates[0],
        x=estimates[1],
        y=estimates[2],
        z=estimates[3],
        haven_ratio=haven,
        haven_interval=haven_interval,
        conductivity=_conductivity(trajectory, estimates[0], species, temperature, charge, haven),
        intercept=lines[0].intercept,
        window=window,
        lags=interval * np.arange(frames, dtype=np.float64),
        msd=msd,
        tracer=tracer,
        parameters={
            "charges": charges,
            "temperature": temperature,
            "drift": tracer.parameters["drift"],
            "fit_start": fit_start,
            "hop_length": hop_length,
            "level": LEVEL,
        },
    )


def _dipole(trajectory: Trajectory, charges: Mapping[str, float], carrier: str, remove_drift: bool) -> Floats:
    """(3, frames) array: sum over the ions of charge number times displacement."""
    drift = framework_drift(trajectory, carrier) if remove_drift else None
    total = np.zeros((3, len(trajectory)))
    for species, charge in charges.items():
        for block in displacement_blocks(trajectory, trajectory.indices(species), drift):
            total += charge * block.sum(axis=0)
    return total


def _window(
    msd: Floats, origins: Origins, interval: float, tracer: FitWindow, fit_start: float | None
) -> tuple[FitWindow, Any]:
    """The later of the tracer's window and the one of the collective curve's own test."""
    total = msd.sum(axis=1)
    own, lags = choose_window(total, origins, interval, fit_start)
    if fit_start is not None or own.start >= tracer.start or not own.linear:
        return own, lags
    window, lags = choose_window(total, origins, interval, tracer.start)
    why = f"begun where the line of the single ions begins ({tracer.why})"
    return FitWindow(**{**vars(window), "why": why, "linear": tracer.linear}), lags


def _conductivity(
    trajectory: Trajectory, total: Estimate, species: str, temperature: float | None, charge: float, haven: float
) -> Conductivity | None:
    if temperature is None:
        return None
    density = carrier_density(trajectory, species)
    return conductivity(
        total.diffusivity,
        total.interval,
        carrier_density=density,
        temperature=temperature,
        charge=charge,
        haven_ratio=haven,
    )
