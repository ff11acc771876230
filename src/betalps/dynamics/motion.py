"""What the runner needs of whatever moves the atoms, and what both engines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from ase import units
from numpy.typing import NDArray

from betalps.errors import BetalpsError
from betalps.protocols import RunSpec, Stage
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

MotionState = Mapping[str, NDArray[Any]]
"""Thermostat and barostat variables by name, ready for a file."""

CELL_FREEDOMS = 6
"""Of a cell that is free in lengths and angles: the momentum of its strain is symmetric."""


class UnstableRunError(BetalpsError):
    """A run that blew up; `cause` is "temperature", "not finite", "displacement" or "volume"."""

    def __init__(self, message: str, cause: str = "temperature") -> None:
        super().__init__(message)
        self.cause = cause

    def __reduce__(self) -> tuple[Any, ...]:  # it travels between processes
        return type(self), (str(self), self.cause)


class Motion(Protocol):
    """One stage in motion."""

    atoms: Atoms
    """Positions, momenta and cell of the present step, with a calculator that holds its energy and forces."""

    @property
    def nsteps(self) -> int:
        """Steps done in this stage."""

    def run(self, steps: int) -> object:
        """Advance by this many steps."""

    def state(self) -> MotionState:
        """Everything beyond positions, momenta, cell and `nsteps` that decides how the stage goes on."""

    def restore(self, state: MotionState, nsteps: int) -> None:
        """Go on from a state; positions, momenta and cell are those of the atoms."""

    def conserved_energy(self) -> float:
        """Energy that the equations of motion conserve, eV, less the work done by ramps of their targets."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """One stage in the units of ASE, with its ramps.

    Attributes
    ----------
    stage
        Ensemble and targets.
    steps
        Its length.
    timestep, thermostat_time, barostat_time
        ASE units of time.
    allowed_temperatures
        Bounds of the kinetic temperature, K.
    """

    stage: Stage
    steps: int
    timestep: float
    thermostat_time: float
    barostat_time: float
    allowed_temperatures: tuple[float, float]

    @classmethod
    def of(cls, spec: RunSpec, stage: int) -> Conditions:
        """The conditions of a run's stage."""
        return cls(
            stage=spec.stages[stage],
            steps=spec.stage_steps[stage],
            timestep=spec.timestep * units.fs,
            thermostat_time=1e3 * spec.thermostat_time * units.fs,
            barostat_time=1e3 * spec.barostat_time * units.fs,
            allowed_temperatures=spec.allowed_temperatures,
        )

    def temperature(self, step: int) -> float:
        """Target of a step (the first is 1), K."""
        return self.stage.temperature_at(step / self.steps)

    def pressure(self, step: int) -> float:
        """Target of a step (the first is 1), eV/Å³."""
        return self.stage.pressure_at(step / self.steps) * units.GPa


def check_movable(atoms: Atoms) -> None:
    """Refuse atoms whose motion would not be what a stage says.

    Raises
    ------
    ValueError
        They are constrained, or fewer than two.
    """
    if atoms.constraints:
        raise ValueError("constraints are not supported: they remove degrees of freedom")
    if len(atoms) < 2:
        raise ValueError(f"found {len(atoms)} atoms; a run at zero total momentum needs at least two")


def kinetic_energy(momenta: Floats, masses: Floats) -> float:
    """Kinetic energy, eV, of momenta (n, 3) and masses (n, 1) in ASE units."""
    return 0.5 * float(np.sum(momenta * momenta / masses))


def kinetic_temperature(energy: float, n_atoms: int) -> float:
    """Temperature, K, of a kinetic energy in eV over the 3N - 3 degrees of freedom at zero total momentum."""
    return 2.0 * energy / ((3 * n_atoms - 3) * units.kB)


def check_temperature(kelvin: float, allowed: tuple[float, float]) -> None:
    """Refuse a kinetic temperature beyond its bounds.

    Raises
    ------
    UnstableRunError
        It is not finite, or out of bounds.
    """
    if not np.isfinite(kelvin):
        raise UnstableRunError(f"the run blew up: its kinetic temperature is {kelvin}. {ADVICE}", "not finite")
    if not allowed[0] <= kelvin <= allowed[1]:
        raise UnstableRunError(
            f"the run blew up: its kinetic temperature is {kelvin:.4g} K; allowed are {allowed[0]:g} to "
            f"{allowed[1]:g} K. {ADVICE}",
            "temperature",
        )


ADVICE = "A shorter time step, or a potential that knows this structure, may help"


def check_volume(volume: float, start: float, allowed: tuple[float, float]) -> None:
    """Refuse a volume beyond its bounds.

    Raises
    ------
    UnstableRunError
        It is not finite, or its ratio to the volume at the start is out of bounds.
    """
    if not np.isfinite(volume):
        raise UnstableRunError(f"the run blew up: its volume is {volume}. {ADVICE}", "not finite")
    if start > 0 and not allowed[0] <= volume / start <= allowed[1]:
        raise UnstableRunError(
            f"the run lost its volume: it is {volume:.6g} Å³, {volume / start:.3g} times the {start:.6g} Å³ at the "
            f"start; allowed are {allowed[0]:g} to {allowed[1]:g} times. {ADVICE}",
            "volume",
        )


def thermal_momenta(atoms: Atoms, temperature: float, rng: np.random.Generator) -> Floats:
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
    return at_rest(momenta, masses)


def at_rest(momenta: Floats, masses: Floats) -> Floats:
    """Momenta (n, 3) less the motion of the centre of mass; masses (n, 1)."""
    return np.asarray(momenta - masses * (momenta.sum(axis=0) / masses.sum()))
