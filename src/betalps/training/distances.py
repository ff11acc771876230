"""Shortest distances by pair of species: what the data have seen, and what lies beyond them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from betalps.neighbors import neighbor_list
from betalps.training.compositions import species_indices
from betalps.training.labels import Sample
from betalps.typing import Bools, Floats

_SLACK = 0.95  # of the shortest distance in training: below it a potential extrapolates


def shortest_distances(species: Sequence[str], samples: Sequence[Sample], cutoff: float) -> Floats:
    """Shortest distance of each pair of species in each sample.

    Parameters
    ----------
    species
        Chemical symbols.
    samples
        Structures of these species.
    cutoff
        Å; pairs beyond it are not seen.

    Returns
    -------
    numpy.ndarray
        Shape (samples, species, species), Å; infinite where a sample has no such pair within the cutoff.

    Raises
    ------
    SpeciesError
        A sample holds another species; names the frame.
    """
    table = np.full((len(samples), len(species), len(species)), np.inf)
    for index, sample in enumerate(samples):
        atoms = Atoms(sample.numbers, positions=sample.positions, cell=sample.cell, pbc=sample.pbc)
        pairs = neighbor_list(atoms, cutoff)
        kinds = species_indices(species, sample)
        np.minimum.at(table[index], (kinds[pairs.i], kinds[pairs.j]), pairs.distances)
    return table


def beyond(distances: Floats, training: Floats) -> Bools:
    """Which samples hold a pair of species clearly closer than any in training, or one never seen there.

    Parameters
    ----------
    distances
        Of the samples, shape (samples, species, species), from `shortest_distances`.
    training
        Shortest over the training data, shape (species, species).

    Returns
    -------
    numpy.ndarray of bool, shape (samples,)
        True below 0.95 of the training's shortest distance.
    """
    closer = distances < np.where(np.isfinite(training), _SLACK * training, np.inf)
    return np.asarray(closer.any(axis=(1, 2)))


def hold_out(distances: Floats, fraction: float, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Split at random into training and held-out samples; rare environments go to training.

    A held-out sample that lies `beyond` the training data would test extrapolation, and alone decide the mean
    error: it is trained on instead.

    Parameters
    ----------
    distances
        Of all samples, from `shortest_distances`.
    fraction
        Of the samples to hold out, between 0 and 1.
    rng
        Where the choice comes from.

    Returns
    -------
    training, held_out
        Indices, sorted. A few fewer than `fraction` may be held out.

    Raises
    ------
    ValueError
        `fraction` leaves nothing on one side.
    """
    count = len(distances)
    wanted = round(fraction * count) if 0 < fraction < 1 else 0
    if not 0 < wanted < count:
        raise ValueError(
            f"validation is the fraction {fraction} of {count} frames; expected one that leaves frames on both sides"
        )
    order = rng.permutation(count)
    held = sorted(int(k) for k in order[:wanted])
    training = sorted(int(k) for k in order[wanted:])
    rare = beyond(distances[held], distances[training].min(axis=0))
    while rare.any():
        training = sorted([*training, *(k for k, out in zip(held, rare, strict=True) if out)])
        held = [k for k, out in zip(held, rare, strict=True) if not out]
        rare = beyond(distances[held], distances[training].min(axis=0))
    if not held:
        raise ValueError("every frame held out has distances that no other has: give validation frames instead")
    return training, held
