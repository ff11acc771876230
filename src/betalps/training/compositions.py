"""Which atoms configurations hold, and the energies of species that explain theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from betalps.errors import SpeciesError
from betalps.training.labels import Sample
from betalps.typing import Floats, Ints


def species_indices(species: Sequence[str], sample: Sample) -> Ints:
    """Index of each atom's species.

    Raises
    ------
    SpeciesError
        One is no chemical symbol, or an atom is of none of them; names the frame.
    """
    from ase.data import atomic_numbers, chemical_symbols

    unknown = [symbol for symbol in species if symbol not in atomic_numbers]
    if unknown:
        raise SpeciesError(f"species {list(species)}: {', '.join(map(repr, unknown))} is no chemical symbol")
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
