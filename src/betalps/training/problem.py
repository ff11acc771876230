"""The least-squares problem of a potential's form and labelled configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from betalps import _core
from betalps.potentials import Potential
from betalps.training.compositions import compositions, species_indices
from betalps.training.labels import LabelError, Sample
from betalps.training.penalty import gauge_penalty
from betalps.training.sources import EnergyScale, Sources
from betalps.training.weights import Weights
from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Equations:
    """A quadratic model of the loss: ``value + 2 gradient·d + d·matrix·d``."""

    matrix: Floats
    gradient: Floats
    value: float


class Problem:
    """Labelled configurations, and the loss of a potential's coefficients to second order.

    Parameters
    ----------
    form
        Species, radial basis and moments; its coefficients are not used.
    samples
        At least one must have a positive weight and a label of positive weight.
    weights
        Of the residuals.
    references
        Energy of an atom of each species, eV, that is taken off the labels.
    scale
        Which sources' energies are shifted; by default all but that of most energies.
    shifts
        eV per atom, shape (scale.size,), that are taken off the labels beforehand; None: zero.
    threads
        Of the passes over the data.
    penalty
        Weight of the gauge penalty.
    isa
        Instruction set; "" takes the fastest.

    Raises
    ------
    SpeciesError
        A sample holds an element that `form` does not know; names the frame.
    LabelError
        The core refuses a sample, or nothing has a positive weight.
    """

    def __init__(
        self,
        form: Potential,
        samples: Sequence[Sample],
        weights: Weights,
        *,
        references: Floats,
        threads: int,
        penalty: float,
        scale: EnergyScale | None = None,
        shifts: Floats | None = None,
        isa: str = "",
    ) -> None:
        self.form = form
        self.penalty = penalty
        self.radial_shape = (
            len(form.species),
            len(form.species),
            form.core.radial_count,
            form.core.radial_size,
        )
        self.radial_size = int(np.prod(self.radial_shape))
        scale = scale or EnergyScale.of(Sources(), form.species, samples)
        self.linear_size = form.coeffs_count - self.radial_size + scale.size
        self.references = references
        self.scale = scale
        self._shifts = np.zeros(self.scale.size) if shifts is None else shifts
        self._fit = _core.Fit(form.core, threads=threads, isa=isa, shifts=self.scale.size)
        used = [sample for sample in samples if sample.weight > 0 and _counts(sample, weights)]
        if not used:
            raise LabelError("no frame has a label with a positive weight")
        for sample in used:
            self._add(sample, weights)
        self.samples = tuple(used)
        self._weights = np.array([sample.weight for sample in used])
        columns = self.scale.columns([sample for sample in used if sample.energy is not None])
        self._determined = np.linalg.pinv(columns, rcond=1e-10) @ columns  # projects onto what the compositions tell

    @property
    def everything(self) -> list[int]:
        """The members of a pass over all configurations."""
        return list(range(len(self.samples)))

    def _add(self, sample: Sample, weights: Weights) -> None:
        species = species_indices(self.form.species, sample)
        columns = self.scale.columns([sample])[0]
        known = float(self.references[species].sum() + columns @ self._shifts)
        try:
            self._fit.add(
                sample.positions,
                species,
                sample.cell,
                sample.pbc,
                energy=(sample.energy or 0.0) - known,
                energy_weight=weights.of_energy(sample),
                forces=sample.forces,
                force_weights=weights.of_forces(sample),
                virial=sample.virial,
                virial_weights=weights.of_virial(sample),
                shifts=columns,
            )
        except ValueError as error:
            raise LabelError(f"frame {sample.index}: {error}") from None

    def equations(self, radial: Floats, linear: Floats, members: Sequence[int]) -> Equations:
        """Gauss-Newton model around these coefficients, for all of them; the gauge penalty is included.

        Parameters
        ----------
        radial
            Shape `radial_shape`.
        linear
            Species coefficients relative to `references`, moment coefficients, shifts relative to those taken off.
        members
            Indices into `samples` of those that take part.
        """
        matrix, gradient, value = self._fit.normal_equations(np.concatenate([radial.ravel(), linear]), members=members)
        total = self._weights[members].sum()
        matrix, gradient, value = matrix / total, gradient / total, value / total
        rows, residuals = gauge_penalty(radial, self.penalty)
        n = self.radial_size
        matrix[:n, :n] += rows.T @ rows
        gradient[:n] += rows.T @ residuals
        return Equations(matrix=matrix, gradient=gradient, value=value + float(residuals @ residuals))

    def linear_equations(self, radial: Floats, members: Sequence[int]) -> Equations:
        """The loss for these radial coefficients, exactly, around zero linear coefficients."""
        coefficients = np.concatenate([radial.ravel(), np.zeros(self.linear_size)])
        matrix, gradient, value = self._fit.normal_equations(coefficients, linear=True, members=members)
        total = self._weights[members].sum()
        _, residuals = gauge_penalty(radial, self.penalty)
        return Equations(
            matrix=matrix / total, gradient=gradient / total, value=value / total + float(residuals @ residuals)
        )

    def loss(self, radial: Floats, linear: Floats, members: Sequence[int]) -> float:
        """Loss at these coefficients, with the gauge penalty."""
        model = self.linear_equations(radial, members)
        return float(model.value + 2 * model.gradient @ linear + linear @ model.matrix @ linear)

    def potential(self, radial: Floats, linear: Floats) -> Potential:
        """The form with these coefficients, references added back."""
        count = len(self.form.species)
        return self.form.replace(
            radial_coeffs=radial,
            species_coeffs=linear[:count] + self.references,
            moment_coeffs=linear[count : self.linear_size - self.scale.size],
        )

    def shifts(self, linear: Floats) -> Floats:
        """Shifts of the sources' energies, eV per atom, shape (scale.size,); of equals those of least norm."""
        return self._determined @ (linear[self.linear_size - self.scale.size :] + self._shifts)


def reference_energies(
    samples: Sequence[Sample], scale: EnergyScale, atomic_energies: Floats | None = None
) -> tuple[Floats, Floats]:
    """Energies per atom of each species, and of each shift, that explain the labels best (least squares, least norm).

    Taking these off makes the rest small, so that it keeps its digits; the coefficients of the potential and the shifts
    get them back.

    Parameters
    ----------
    samples
        Those without energy or weight do not count.
    scale
        Species and sources.
    atomic_energies
        Of each species, where they are known: only the shifts are sought.

    Returns
    -------
    species : ndarray, shape (species,)
    shifts : ndarray, shape (scale.size,)
    """
    labelled = [sample for sample in samples if sample.energy is not None and sample.weight > 0]
    energies = np.array([sample.energy for sample in labelled], dtype=np.float64)
    counts, columns = compositions(scale.species, labelled), scale.columns(labelled)
    if atomic_energies is not None:
        shifts = np.linalg.lstsq(columns, energies - counts @ atomic_energies, rcond=1e-10)[0]
        return atomic_energies, np.asarray(shifts, dtype=np.float64)
    both = np.asarray(np.linalg.lstsq(np.hstack([counts, columns]), energies, rcond=1e-10)[0], dtype=np.float64)
    return both[: counts.shape[1]], both[counts.shape[1] :]


def _counts(sample: Sample, weights: Weights) -> bool:
    parts = (weights.of_energy(sample), weights.of_forces(sample).max(), weights.of_virial(sample).max())
    return any(part > 0 for part in parts)
