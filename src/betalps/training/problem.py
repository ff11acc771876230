"""The least-squares problem of a potential's form and labelled configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from betalps import _core
from betalps.errors import SpeciesError
from betalps.potentials import Potential
from betalps.training.labels import LabelError, Sample
from betalps.training.penalty import gauge_penalty
from betalps.training.weights import Weights
from betalps.typing import Floats, Ints


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
        self.references = references
        self._fit = _core.Fit(form.core, threads=threads, isa=isa)
        used = [sample for sample in samples if sample.weight > 0 and _counts(sample, weights)]
        if not used:
            raise LabelError("no frame has a label with a positive weight")
        for sample in used:
            self._add(sample, weights)
        self.samples = tuple(used)
        self._weights = np.array([sample.weight for sample in used])

    @property
    def everything(self) -> list[int]:
        """The members of a pass over all configurations."""
        return list(range(len(self.samples)))

    def _add(self, sample: Sample, weights: Weights) -> None:
        species = species_indices(self.form.species, sample)
        try:
            self._fit.add(
                sample.positions,
                species,
                sample.cell,
                sample.pbc,
                energy=(sample.energy or 0.0) - float(self.references[species].sum()),
                energy_weight=weights.of_energy(sample),
                forces=sample.forces,
                force_weights=weights.of_forces(sample),
                virial=sample.virial,
                virial_weights=weights.of_virial(sample),
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
            Species and moment coefficients; the former relative to `references`.
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
        linear = np.zeros(self.form.coeffs_count - self.radial_size)
        coefficients = np.concatenate([radial.ravel(), linear])
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
            moment_coeffs=linear[count:],
        )


def species_indices(species: Sequence[str], sample: Sample) -> Ints:
    """Index of each atom's species.

    Raises
    ------
    SpeciesError
        An atom is of none of them; names the frame.
    """
    from ase.data import atomic_numbers, chemical_symbols

    table = np.full(len(chemical_symbols), -1, dtype=np.int32)
    table[[atomic_numbers[symbol] for symbol in species]] = np.arange(len(species))
    indices = table[sample.numbers]
    if (indices < 0).any():
        symbol = chemical_symbols[sample.numbers[np.argmax(indices < 0)]]
        raise SpeciesError(f"frame {sample.index} holds {symbol}; the potential's species are {list(species)}")
    return np.asarray(indices, dtype=np.int32)


def compositions(species: Sequence[str], samples: Sequence[Sample]) -> Floats:
    """Number of atoms of each species in each sample, shape (samples, species)."""
    count = len(species)
    rows = [np.bincount(species_indices(species, sample), minlength=count) for sample in samples]
    return np.array(rows, dtype=np.float64).reshape(-1, count)


def reference_energies(species: Sequence[str], samples: Sequence[Sample]) -> Floats:
    """Energy per atom of each species that explains the labelled energies best (least squares, least norm).

    Taking these off makes the rest small, so that it keeps its digits; the species coefficients of the
    potential get them back.
    """
    labelled = [sample for sample in samples if sample.energy is not None and sample.weight > 0]
    energies = np.array([sample.energy for sample in labelled], dtype=np.float64)
    solution = np.linalg.lstsq(compositions(species, labelled), energies, rcond=1e-10)[0]
    return np.asarray(solution, dtype=np.float64)


def _counts(sample: Sample, weights: Weights) -> bool:
    parts = (weights.of_energy(sample), weights.of_forces(sample).max(), weights.of_virial(sample).max())
    return any(part > 0 for part in parts)
