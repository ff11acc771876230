"""Training and held-out data, gathered and measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.training.distances import beyond, hold_out, shortest_distances
from betalps.training.labels import WEIGHT_KEY, LabelError, Sample, read_labels
from betalps.training.sources import Sources
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """Samples of both kinds, and their shortest distances by pair of species.

    Attributes
    ----------
    species
        Chemical symbols.
    training, held_out
        Samples as given, those without labels or weight included.
    shortest
        In training, shape (species, species), Å; infinite for pairs beyond the cutoff.
    held_out_distances
        Of each held-out sample, shape (held out, species, species), Å.
    """

    species: tuple[str, ...]
    training: list[Sample]
    held_out: list[Sample]
    shortest: Floats
    held_out_distances: Floats

    @property
    def deciding(self) -> list[Sample]:
        """Held-out samples that have labels and a weight, and that the training data reach."""
        outside = beyond(self.held_out_distances, self.shortest)
        return [s for s, out in zip(self.held_out, outside, strict=True) if not out and s.rows and s.weight]


def gather(
    frames: Iterable[Atoms],
    validation: Iterable[Atoms] | float | None,
    species: Sequence[str] | None,
    cutoff: float,
    seed: int,
    sources: Sources,
) -> TrainingData:
    """Read labels, hold out a fraction if that is asked for, and measure distances.

    Parameters
    ----------
    frames, validation, seed, sources
        As for `fit`.
    species
        None takes those of the frames, by atomic number.
    cutoff
        Å.
    """
    samples = sources.weighted(read_labels(frames))
    if not any(sample.weight > 0 for sample in samples):
        raise LabelError(f"training data: every frame has a weight of 0 ({WEIGHT_KEY})")
    symbols = _species_of(samples) if species is None else tuple(species)
    distances = shortest_distances(symbols, samples, cutoff)
    held_out: list[Sample] = []
    held_distances = distances[:0]
    if isinstance(validation, float | int):
        kept, held = hold_out(distances, float(validation), np.random.default_rng([seed, 0]))
        held_out, held_distances = [samples[k] for k in held], distances[held]
        samples, distances = [samples[k] for k in kept], distances[kept]
    elif validation is not None:
        held_out = sources.weighted(read_labels(validation, "validation"))
        held_distances = shortest_distances(symbols, held_out, cutoff)
    used = distances[[sample.weight > 0 for sample in samples]]
    return TrainingData(
        species=symbols,
        training=samples,
        held_out=held_out,
        shortest=used.min(axis=0, initial=np.inf),
        held_out_distances=held_distances,
    )


def _species_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    return tuple(chemical_symbols[z] for z in np.unique(np.concatenate([sample.numbers for sample in samples])))
