"""What a potential costs to evaluate, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from ase import Atoms

from betalps.calculators import Engine
from betalps.potentials import Potential
from betalps.training.labels import Sample

_ATOMS, _SECONDS, _TICKS = 1000, 0.2, 0.05


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
    engine.evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
    least, count, end = np.inf, 1, time.perf_counter() + _SECONDS
    while not np.isfinite(least) or time.perf_counter() < end:
        start = time.thread_time()
        for _ in range(count):
            engine.evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
        taken = time.thread_time() - start
        if taken < _TICKS:  # some clocks of processor time tick every 10 ms
            count *= 2
        else:
            least = min(least, taken / count)
    return float(least / len(atoms) * 1e6)
