"""Ionic conductivity from tracer diffusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from betalps.analysis.result import Result
from betalps.trajectories import Trajectory
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S, nernst_einstein


@dataclass(frozen=True, kw_only=True, eq=False)
class Conductivity(Result):
    """Conductivity of ions that diffuse independently.

    Parameters
    ----------
    conductivity : float
    interval : (2,) tuple
        That of the diffusivity, carried over.
    conductivity_mS_per_cm, interval_mS_per_cm
        The same in mS/cm.
    temperature : float
    carrier_density : float
    charge : float
    haven_ratio : float
        1 where it is assumed; as measured where the diffusivity is that of the charge.
    assumptions : str
    parameters : dict
        ``diffusivity_angstrom2_per_ps``.
    """

    units: ClassVar[dict[str, str]] = {
        "conductivity": "S/cm",
        "interval": "S/cm",
        "conductivity_mS_per_cm": "mS/cm",
        "interval_mS_per_cm": "mS/cm",
        "temperature": "K",
        "carrier_density": "1/angstrom^3",
        "charge": "e",
    }
    conductivity: float
    interval: tuple[float, float]
    conductivity_mS_per_cm: float
    interval_mS_per_cm: tuple[float, float]
    temperature: float
    carrier_density: float
    charge: float
    haven_ratio: float
    assumptions: str
    parameters: dict[str, Any]


def charge_diffusivity(
    conductivity: float, *, carrier_density: float, temperature: float, charge: float = 1.0
) -> float:
    """The diffusion coefficient that a conductivity amounts to, σ k_B T / (n (z e)²), in Å²/ps.

    The inverse of `conductivity`. An Arrhenius line of these is one of ln(σT).

    Parameters
    ----------
    conductivity : float, S/cm
    carrier_density : float, 1/Å³
    temperature : float, K
    charge : float

    Raises
    ------
    ValueError
        A density, a temperature or a charge that is not what it should be.
    """
    return conductivity / _siemens(1.0, carrier_density, temperature, charge)


def carrier_density(trajectory: Trajectory, species: str = "Li") -> float:
    """Ions per volume of the time-averaged cell, 1/Å³.

    Raises
    ------
    ValueError
        No atom of the species; a system that is not periodic in three directions has no volume.
    """
    if not trajectory.pbc.all():
        raise ValueError(f"carrier density: expected a cell periodic in three directions, got pbc {trajectory.pbc}")
    return len(trajectory.indices(species)) / float(abs(np.linalg.det(trajectory.mean_cell)))


def conductivity(
    diffusivity: float,
    interval: tuple[float, float],
    *,
    carrier_density: float,
    temperature: float,
    charge: float = 1.0,
    haven_ratio: float | None = None,
) -> Conductivity:
    """Nernst-Einstein conductivity, n (z e)² D / (k_B T).

    Parameters
    ----------
    diffusivity : float, Å²/ps
        Tracer diffusion coefficient, of a run or of an Arrhenius line at this temperature, for a Haven ratio of 1:
        ions that push each other conduct 1/H_R times as much. Or the charge diffusivity of
        `betalps.analysis.collective_diffusion`, which has the correlations in it.
    interval : (2,) tuple, Å²/ps
    carrier_density : float, 1/Å³
        See `carrier_density`.
    temperature : float, K
    charge : float
        Charge number of the ion.
    haven_ratio : float, optional
        Given with a charge diffusivity: the measured one, which goes into the result as it is.

    Returns
    -------
    Conductivity

    Raises
    ------
    ValueError
        A density or a temperature that is not positive.
    """
    best, low, high = (_siemens(value, carrier_density, temperature, charge) for value in (diffusivity, *interval))
    return Conductivity(
        conductivity=best,
        interval=(low, high),
        conductivity_mS_per_cm=1e3 * best,
        interval_mS_per_cm=(1e3 * low, 1e3 * high),
        temperature=temperature,
        carrier_density=carrier_density,
        charge=charge,
        haven_ratio=1.0 if haven_ratio is None else haven_ratio,
        assumptions=(
            "Nernst-Einstein with H_R = 1: correlations between ions are not in it"
            if haven_ratio is None
            else "from the diffusion of charge: correlations between ions are in it"
        ),
        parameters={"diffusivity_angstrom2_per_ps": diffusivity},
    )


def _siemens(diffusivity: float, carrier_density: float, temperature: float, charge: float) -> float:
    """Å²/ps to S/cm."""
    for name, value in (("carrier_density", carrier_density), ("temperature", temperature), ("charge", abs(charge))):
        if not value > 0.0:
            raise ValueError(f"{name}: expected a positive number, got {value}")
    return nernst_einstein(ANGSTROM2_PER_PS_TO_CM2_PER_S * diffusivity, carrier_density, temperature, charge)
