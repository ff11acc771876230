"""Time of the neighbour list, beside matscipy's in the same process: python benchmarks/neighbours.py

Prints microseconds per atom for building the list and for moving it along without a rebuild. The structures
have the density of crystalline Li3PS4 (0.045 atoms per cubic angstrom: about 25 neighbours within
5 angstrom).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from matscipy.neighbours import neighbour_list

from betalps import _core

CUTOFF, SKIN, DENSITY = 5.0, 1.0, 0.0454


def random_structure(side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions and cell of 12 side^3 atoms: a grid with strong random displacements, in random order."""
    count = np.array([2, 2, 3]) * side
    atoms = int(np.prod(count))
    length = (atoms / DENSITY) ** (1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(n) / n for n in count], indexing="ij"), -1).reshape(-1, 3)
    positions = grid * length + rng.normal(scale=0.4, size=(atoms, 3))
    return rng.permutation(positions), np.eye(3) * length


def best_time(function: Callable[[], object], seconds: float) -> float:
    """The shortest of repeated runs, in seconds."""
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(side: int, rng: np.random.Generator, seconds: float = 0.5) -> str:
    """One line of the table."""
    positions, cell = random_structure(side, rng)
    atoms, pbc = len(positions), [True] * 3
    species = np.zeros(atoms, np.int32)
    core = _core.NeighbourList(CUTOFF, SKIN)
    structure = {"positions": positions, "cell": cell, "pbc": pbc}

    def update() -> None:
        core.update(species=species, **structure)

    def build() -> None:
        core.clear()
        update()

    def build_theirs() -> None:
        neighbour_list("ijS", cutoff=CUTOFF + SKIN, **structure)

    built, moved, theirs = (best_time(f, seconds) * 1e6 / atoms for f in (build, update, build_theirs))
    candidates = len(core.pairs()[0]) / atoms
    return (
        f"{atoms:7d} {candidates:10.1f} {core.ghosts:7d} {built:7.3f} {moved:7.4f} {theirs:9.2f} {theirs / built:6.1f}"
    )


def main() -> None:
    rng = np.random.default_rng(1)
    print(f"cutoff {CUTOFF} + skin {SKIN} angstrom; microseconds per atom, best of repeated runs")
    print("  atoms candidates  ghosts   build  update  matscipy  ratio")
    for side in (2, 5, 10, 20):
        print(measure(side, rng))


if __name__ == "__main__":
    main()
