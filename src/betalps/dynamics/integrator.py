"""Velocity Verlet with the canonical thermostat of Bussi, Donadio and Parrinello (stochastic rescaling).

Why this thermostat and not a Nosé-Hoover chain: the total energy follows the canonical distribution exactly,
without the oscillation of an extended variable that must be damped by further ones; one factor near 1
multiplies all momenta, so that the total momentum is kept and diffusion hardly touched (unlike with Langevin
friction); and the whole state is a random generator and one number, which makes an exact checkpoint small.
Like every global thermostat it leaves the sharing of energy among the vibrations to the system itself; a
crystal with diffusing ions mixes within picoseconds. Its one physical parameter, the relaxation time, is the
0.1 ps of the reference study.

ASE has the same algorithm (`ase.md.bussi`); the tests hold this one to it. Ours exists because ASE's counts
three degrees of freedom too many when the total momentum is zero (the temperature comes out a factor 1 + 1/N
too high) and takes 0.23 ms per step of its own, as much as the forces of 400 atoms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from betalps.errors import BetalpsError

if TYPE_CHECKING:
    from ase import Atoms


class UnstableRunError(BetalpsError):
    """A run that blew up: its temperature is not finite or far beyond the one asked for."""


@dataclass(frozen=True, kw_only=True)
class NVT:
    """Settings of a canonical run.

    Attributes
    ----------
    temperature
        In K.
    timestep
        In fs.
    thermostat_time
        Relaxation time of the kinetic energy, ps.
    equilibration
        Steps before the first frame.
    frame_interval
        Steps between frames, and between lines of the thermodynamic log.
    checkpoint_interval
        Steps between checkpoints; a killed run loses at most this many.
    temperature_limit
        The run stops as unstable when its temperature exceeds this multiple of `temperature`.
    """

    temperature: float
    timestep: float = 2.0
    thermostat_time: float = 0.1
    equilibration: int = 0
    frame_interval: int = 50
    checkpoint_interval: int = 2000
    temperature_limit: float = 5.0

    def __post_init__(self) -> None:
        for name in ("temperature", "timestep", "thermostat_time", "temperature_limit"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, got {value!r}")
        for name, least in (("equilibration", 0), ("frame_interval", 1), ("checkpoint_interval", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def degrees_of_freedom(n_atoms: int) -> int:
    """Degrees of freedom of a periodic system whose total momentum is zero: 3N - 3."""
    return 3 * n_atoms - 3


def thermal_momenta(atoms: Atoms, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Draw Maxwell-Boltzmann momenta with zero total momentum.

    Parameters
    ----------
    atoms
        Gives the masses.
    temperature
        In K.
    rng
        The source of randomness.

    Returns
    -------
    ndarray
        Momenta, (n_atoms, 3), ASE units. Their kinetic temperature over 3N - 3 degrees of freedom fluctuates
        about `temperature`, as in the canonical ensemble.
    """
    masses = atoms.get_masses()[:, None]
    momenta = rng.standard_normal((len(atoms), 3)) * np.sqrt(masses * units.kB * temperature)
    drift = momenta.sum(axis=0) / masses.sum()
    return np.asarray(momenta - masses * drift)


class BussiVerlet:
    """One canonical trajectory in motion.

    Parameters
    ----------
    atoms
        Moved in place; carries a calculator. Constraints are not supported.
    settings
        Temperature, time step and thermostat.
    momenta
        (n_atoms, 3), ASE units; changed in place. Their sum should be zero.
    rng
        Drawn from twice per step.
    heat
        Energy that the thermostat has put in so far, eV.

    Raises
    ------
    ValueError
        If the atoms are constrained or fewer than two.
    """

    def __init__(
        self,
        atoms: Atoms,
        settings: NVT,
        *,
        momenta: np.ndarray,
        rng: np.random.Generator,
        heat: float = 0.0,
    ) -> None:
        if atoms.constraints:
            raise ValueError("constraints are not supported: they remove degrees of freedom")
        if len(atoms) < 2:
            raise ValueError("a canonical run at zero total momentum needs at least two atoms")
        self.atoms = atoms
        self.momenta = momenta
        self.rng = rng
        self.heat = heat
        self._dof = degrees_of_freedom(len(atoms))
        self._kt = units.kB * settings.temperature
        self._limit = settings.temperature * settings.temperature_limit
        self._dt = settings.timestep * units.fs
        self._keep = math.exp(-settings.timestep / (1000.0 * settings.thermostat_time))
        masses = atoms.get_masses()[:, None]
        self._inverse_masses = 1.0 / masses
        self._forces = atoms.get_forces(md=True)

    def step(self) -> None:
        """Advance by one time step.

        Raises
        ------
        UnstableRunError
            If the temperature is not finite or beyond its limit.
        """
        self._rescale()
        self.momenta += (0.5 * self._dt) * self._forces
        self.atoms.positions += self._dt * (self.momenta * self._inverse_masses)
        self._forces = self.atoms.get_forces(md=True)
        self.momenta += (0.5 * self._dt) * self._forces

    def _rescale(self) -> None:
        """Scale the momenta by the factor of eq. (A7) of Bussi et al., J. Chem. Phys. 126, 014101 (2007)."""
        kinetic = self.kinetic_energy()
        normal = self.rng.standard_normal()
        others = 2.0 * self.rng.standard_gamma(0.5 * (self._dof - 1))  # sum of dof - 1 squared normals
        share = (1.0 - self._keep) * 0.5 * self._kt / kinetic
        scale2 = self._keep + share * (others + normal * normal) + 2.0 * normal * math.sqrt(self._keep * share)
        self.momenta *= math.sqrt(scale2)
        self.heat += (scale2 - 1.0) * kinetic

    def kinetic_energy(self) -> float:
        """Kinetic energy in eV, after a check that the run is stable.

        Raises
        ------
        UnstableRunError
            If the temperature is not finite or beyond its limit.
        """
        flat = self.momenta.ravel()
        energy = 0.5 * float(np.dot(flat, (self.momenta * self._inverse_masses).ravel()))
        temperature = self._temperature(energy)
        if not 0.0 < temperature <= self._limit:  # also false for nan
            raise UnstableRunError(
                f"the run blew up: kinetic temperature {temperature:.4g} K where {self._kt / units.kB:g} K "
                f"was asked for and at most {self._limit:g} K allowed. A shorter time step, or a potential "
                "that knows this structure, may help"
            )
        return energy

    def _temperature(self, kinetic: float) -> float:
        return 2.0 * kinetic / (self._dof * units.kB)

    def energies(self) -> tuple[float, float, float, float]:
        """Temperature in K; potential, kinetic and conserved energy in eV.

        The conserved energy is potential + kinetic - heat: it drifts only by the error of the integration.
        """
        kinetic = self.kinetic_energy()
        potential = float(self.atoms.get_potential_energy())
        return self._temperature(kinetic), potential, kinetic, potential + kinetic - self.heat
