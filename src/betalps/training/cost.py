"""What a potential costs to evaluate, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from ase import Atoms

from betalps.calculators import Engine
from betalps.potentials import Potential
from betalps.training.labels import Sample

_ATOMS, _SECONDS = 1000, 0.2


def measure_cost(potential: Potential, samples: Sequence[Sample]) -> float:
    """µs per atom of energy, forces and stress on one core, as in dynamics: neighbour list reused, no rebuild.

    Parameters
    ----------
    potential
        With coefficients.
    samples
        The first is repeated to about a thousand atoms.

    Returns
    -------
    float
        The least of repeated measurements of processor time: other work only adds to it.
    """
    first = samples[0]
    cell = Atoms(first.numbers, positions=first.positions, cell=first.cell, pbc=first.pbc)
    times = max(1, round((_ATOMS / len(cell)) ** (1 / max(1, sum(first.pbc)))))
    atoms = cell.repeat([times if periodic else 1 for periodic in first.pbc])
    engine = Engine(potential, threads=1)
    least, end = np.inf, time.perf_counter() + _SECONDS
    engine.evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
    while time.perf_counter() < end:
        start = time.thread_time()
        engine.evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
        least = min(least, time.thread_time() - start)
    return float(least / len(atoms) * 1e6)
