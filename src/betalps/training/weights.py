"""What a residual counts in the loss."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.typing import Floats, Json

if TYPE_CHECKING:
    from betalps.training.labels import Sample

_STRAINS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])  # yz, xz and xy stand for two components each


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the squared residuals; the defaults are those of MLIP-3.

    The loss is the mean over configurations, weighted by `configuration_weight` of each, of
    ``energy ΔE²/N^p + force Σ_i s_i |ΔF_i|² + stress Σ_ab ΔS_ab²/N^p`` with N atoms, p = `size_exponent`,
    S = V σ in eV, and s_i = d/(d + |F_i|²) for `force_scale` d, else 1. Novikov et al., Mach. Learn.: Sci.
    Technol. 2, 025002 (2021), section 2.3; Podryabinkin et al., J. Chem. Phys. 159, 084112 (2023).

    Attributes
    ----------
    energy
        1/eV².
    force
        Å²/eV².
    stress
        1/eV², of the stress times the volume. Zero makes cells that are strained or relaxed unreliable.
    size_exponent
        1: a configuration of twice the atoms counts twice in energy, as it does in forces. 2: energies and
        stresses count per atom.
    force_scale
        d in (eV/Å)²: forces much larger than its root count less. 0.1 improves the energies of hot
        configurations at about the same forces. None: all forces count alike.
    """

    energy: float = 1.0
    force: float = 0.01
    stress: float = 0.001
    size_exponent: float = 1.0
    force_scale: float | None = None

    def __post_init__(self) -> None:
        for name in ("energy", "force", "stress"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"weight of {name} is {value}; expected a number that is not negative")
        if self.energy == self.force == self.stress == 0:
            raise ValueError("the weights of energy, force and stress are all 0: there is nothing to fit")
        if self.force_scale is not None and not (np.isfinite(self.force_scale) and self.force_scale > 0):
            raise ValueError(f"force_scale is {self.force_scale}; expected a positive number in (eV/Å)²")
        if not np.isfinite(self.size_exponent):
            raise ValueError(f"size_exponent is {self.size_exponent}; expected a finite number")

    def of_energy(self, sample: Sample) -> float:
        """Weight of ΔE² of a configuration, its own weight included; 0 without the label."""
        if sample.energy is None:
            return 0.0
        return float(sample.weight * self.energy / len(sample.numbers) ** self.size_exponent)

    def of_forces(self, sample: Sample) -> Floats:
        """Weight of each component of ΔF, shape (n,)."""
        if sample.forces is None:
            return np.zeros(len(sample.numbers))
        weights = np.full(len(sample.numbers), sample.weight * self.force)
        if self.force_scale is not None:
            weights *= self.force_scale / (self.force_scale + (sample.forces**2).sum(axis=1))
        return weights

    def of_virial(self, sample: Sample) -> Floats:
        """Weight of each ΔS, shape (6,), xx yy zz yz xz xy."""
        if sample.virial is None:
            return np.zeros(6)
        return np.asarray(sample.weight * self.stress / len(sample.numbers) ** self.size_exponent * _STRAINS)

    def to_dict(self) -> Json:
        """Plain numbers by name."""
        return asdict(self)
