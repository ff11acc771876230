"""Labels of several sources, such as two density functionals: one potential on the energy scale of one of them.

Total energies of two methods differ by electronvolts per atom, for their pseudopotentials and reference states, which
says nothing about forces or structures. By how much a source's energies lie above those of the reference source is
taken to be a number for each atom of a species, as the energies of lone atoms would be, and fitted along.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from betalps.training.compositions import compositions
from betalps.training.labels import Sample
from betalps.typing import Floats, Json

Shifts = Mapping[str, Mapping[str, float]]
"""By source, by species: energy of the source above the reference source's, eV per atom."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """How a fit treats labels of several sources: frames say theirs in ``info["label_source"]``.

    Attributes
    ----------
    reference
        The source on whose energy scale the potential lies; ``"-"`` for the frames that name none. By default the
        source of most energies in training (of equals the first).
    weights
        Factors of the frames' weights by source; 1 for the others.

    Raises
    ------
    ValueError
        A weight is negative or not finite.
    """

    reference: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if not (np.isfinite(weight) and weight >= 0):
                raise ValueError(f"weight of source {name} is {weight}; expected a number that is not negative")
        object.__setattr__(self, "weights", {name: float(weight) for name, weight in self.weights.items()})

    def weighted(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples with their weights times those of their sources."""
        factors = [self.weights.get(sample.source, 1.0) for sample in samples]
        return [s if f == 1 else replace(s, weight=f * s.weight) for s, f in zip(samples, factors, strict=True)]

    def to_dict(self) -> Json:
        """Plain values by name."""
        return {"reference": self.reference, "weights": dict(self.weights)}


@dataclass(frozen=True, kw_only=True)
class EnergyScale:
    """The energy scale of a fit and the sources that are shifted onto it.

    Attributes
    ----------
    reference
        The source that is not shifted.
    others
        The shifted ones, in the order of their first energy.
    species
        Chemical symbols.
    """

    reference: str
    others: tuple[str, ...]
    species: tuple[str, ...]

    @classmethod
    def of(cls, sources: Sources, species: Sequence[str], samples: Sequence[Sample]) -> EnergyScale:
        """Find out which sources there are.

        Parameters
        ----------
        sources
            What the user wants.
        species
            Of the potential.
        samples
            Training data; those without energy or weight do not count.

        Raises
        ------
        ValueError
            `sources` names one that has no frame, or a reference without energies.
        """
        named = Counter(sample.source for sample in samples)
        counts = Counter(sample.source for sample in samples if sample.energy is not None and sample.weight > 0)
        unknown = [name for name in sources.weights if name not in named]
        if unknown:
            raise ValueError(f"weights of sources {', '.join(unknown)}: the training data have {_listed(named)}")
        reference = sources.reference
        if reference is None:
            reference = max(counts or named, key=lambda name: (counts or named)[name])
        elif reference not in named:
            raise ValueError(f"reference source {reference}: the training data have {_listed(named)}")
        elif counts and reference not in counts:
            raise ValueError(f"reference source {reference} has no energies; expected one of {_listed(counts)}")
        return cls(reference=reference, others=tuple(n for n in counts if n != reference), species=tuple(species))

    @property
    def size(self) -> int:
        """Number of shifts: one for each species and shifted source."""
        return len(self.others) * len(self.species)

    def columns(self, samples: Sequence[Sample]) -> Floats:
        """What each shift adds to each sample's energy: numbers of atoms, shape (samples, size)."""
        counts = compositions(self.species, samples)
        found = np.zeros((len(samples), len(self.others), len(self.species)))
        for row, sample in enumerate(samples):
            if sample.source in self.others:
                found[row, self.others.index(sample.source)] = counts[row]
        return found.reshape(len(samples), self.size)

    def knows(self, sample: Sample) -> bool:
        """Whether the energies of this sample's source have a place on the scale."""
        return sample.source == self.reference or sample.source in self.others

    def shifted(self, samples: Sequence[Sample], shifts: Floats) -> list[Sample]:
        """The samples with their energies on the scale of the reference; without, where a source has no place on it.

        Parameters
        ----------
        samples
            As labelled.
        shifts
            eV per atom, shape (size,).
        """
        if not self.others and all(map(self.knows, samples)):
            return list(samples)
        taken = self.columns(samples) @ shifts
        energies = [
            s.energy - float(off) if s.energy is not None and self.knows(s) else None
            for s, off in zip(samples, taken, strict=True)
        ]
        return [replace(sample, energy=energy) for sample, energy in zip(samples, energies, strict=True)]

    def named(self, shifts: Floats) -> dict[str, dict[str, float]]:
        """Shifts by source and species, eV per atom."""
        table = shifts.reshape(len(self.others), len(self.species)).tolist()
        return {name: dict(zip(self.species, row, strict=True)) for name, row in zip(self.others, table, strict=True)}


def shifted_by(samples: Sequence[Sample], shifts: Shifts) -> list[Sample]:
    """The samples with their energies on the scale of a fit's reference source.

    Parameters
    ----------
    samples
        Those of sources that `shifts` does not name stay as they are.
    shifts
        `TrainingResult.shifts`.

    Raises
    ------
    ValueError
        A source's shifts lack a species of a sample.
    """
    from ase.data import chemical_symbols

    found = []
    for sample in samples:
        own = shifts.get(sample.source)
        if own is None or sample.energy is None:
            found.append(sample)
            continue
        symbols = [chemical_symbols[z] for z in sample.numbers]
        missing = sorted(set(symbols) - set(own))
        if missing:
            raise ValueError(f"frame {sample.index}: the shifts of source {sample.source} lack {', '.join(missing)}")
        found.append(replace(sample, energy=sample.energy - sum(own[symbol] for symbol in symbols)))
    return found


def _listed(names: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in names.items())
