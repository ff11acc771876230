"""What a structure in motion is worth: temperature, energies, volume, stress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from betalps.dynamics.motion import Motion, kinetic_energy, kinetic_temperature
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line of the thermodynamic log.

    Attributes
    ----------
    temperature
        Kinetic, over 3N - 3 degrees of freedom, K.
    potential, kinetic, conserved
        Energies, eV.
    volume
        In Å³.
    stress
        (6,), GPa, ASE's sign and order xx yy zz yz xz xy, kinetic part included; NaN without stress.
    """

    temperature: float
    potential: float
    kinetic: float
    conserved: float
    volume: float
    stress: Floats

    @property
    def pressure(self) -> float:
        """Minus a third of the stress's trace, GPa."""
        return -float(self.stress[:3].sum()) / 3.0

    def values(self, grade: float | None) -> tuple[float, ...]:
        """The columns of the log after step, time and stage."""
        return (
            self.temperature,
            self.potential,
            self.kinetic,
            self.conserved,
            self.volume,
            self.pressure,
            *self.stress.tolist(),
            np.nan if grade is None else grade,
        )


def measure(motion: Motion) -> Measurement:
    """Take the numbers of the present step."""
    atoms = motion.atoms
    kinetic = kinetic_energy(atoms.get_momenta(), atoms.get_masses()[:, None])
    return Measurement(
        temperature=kinetic_temperature(kinetic, len(atoms)),
        potential=float(atoms.get_potential_energy()),
        kinetic=kinetic,
        conserved=motion.conserved_energy(),
        volume=abs(float(np.linalg.det(atoms.cell.array))),
        stress=_stress(atoms),
    )


def _stress(atoms: Atoms) -> Floats:
    from ase.calculators.calculator import PropertyNotImplementedError

    if not atoms.pbc.all():
        return np.full(6, np.nan)
    try:
        return np.asarray(atoms.get_stress(include_ideal_gas=True)) / units.GPa
    except (PropertyNotImplementedError, NotImplementedError):
        return np.full(6, np.nan)
