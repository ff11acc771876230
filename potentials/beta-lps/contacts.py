"""Close contacts: ``python contacts.py FRAMES.extxyz.xz --output contacts.extxyz.xz``.

Every kind of pair is pushed together along its line in frames where two such atoms are neighbours already: what a hot
run meets once in a long while and a potential must not have to guess. P–P above all: without these labels it collapses.
With ``--clusters`` it draws a Li and its neighbouring Li together instead, the next collapse that was met.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list

from betalps.datasets import read, write

DISTANCES = {
    ("P", "P"): (1.45, 1.6, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 2.0, 2.05, 2.1, 2.15, 2.2, 2.3, 2.45, 2.6),
    ("S", "S"): (1.5, 1.6, 1.7, 1.8),
    ("P", "S"): (1.5, 1.6, 1.65, 1.7),
    ("Li", "Li"): (1.5, 1.65, 1.8, 1.95),
    ("Li", "S"): (1.5, 1.6, 1.7),
    ("Li", "P"): (1.5, 1.7, 1.85),
}
_COPIES = {("P", "P"): 3}
_OTHERS = 1.4  # Å: nothing else comes closer
SEED = 4


def pushed(atoms: Atoms, pair: tuple[str, str], distance: float) -> Atoms | None:
    """The frame with its closest such pair at this distance; None where others then come too close."""
    i, j, vectors, lengths = neighbour_list("ijDd", atoms, 4.0)
    symbols = np.array(atoms.get_chemical_symbols())
    ours = np.flatnonzero((symbols[i] == pair[0]) & (symbols[j] == pair[1]))
    if not len(ours):
        return None
    k = ours[np.argmin(lengths[ours])]
    moved = atoms.copy()
    shift = vectors[k] * (1 - distance / lengths[k]) / 2
    moved.positions[i[k]] += shift
    moved.positions[j[k]] -= shift
    moved.positions = moved.positions.round(5)
    n, m, apart = neighbour_list("ijd", moved, 3.0)
    rest = apart[~(((n == i[k]) & (m == j[k])) | ((n == j[k]) & (m == i[k])))]
    return moved if rest.min() > _OTHERS else None


def drawn_together(atoms: Atoms, size: int, distance: float, rng: np.random.Generator) -> Atoms | None:
    """The frame with `size` Li at this distance from another Li, each along its line; None where others come close."""
    centre = int(rng.choice(np.flatnonzero(atoms.numbers == 3)))
    i, j, vectors, lengths = neighbour_list("ijDd", atoms, 5.0)
    ours = np.flatnonzero((i == centre) & (atoms.numbers[j] == 3))
    ours = ours[np.argsort(lengths[ours])][:size]
    moved = atoms.copy()
    for k in ours:
        length = distance * (1 + 0.08 * rng.standard_normal())
        moved.positions[j[k]] -= vectors[k] * (1 - length / lengths[k])
    moved.positions = moved.positions.round(5)
    apart = neighbour_list("d", moved, 3.0)
    return moved if len(ours) == size and apart.min() > _OTHERS else None


def clusters(pool: list[Atoms], count: int) -> list[Atoms]:
    """Frames with three to six Li drawn to 1.6 to 2.3 Å of another."""
    rng = np.random.default_rng(SEED)
    found: list[Atoms] = []
    while len(found) < count:
        source = pool[int(rng.integers(len(pool)))]
        size, distance = int(rng.integers(3, 7)), float(rng.uniform(1.6, 2.3))
        moved = drawn_together(source, size, distance, rng)
        if moved is not None:
            moved.info = {
                "group": "contact",
                "source": f"contact {size + 1} Li, of {source.info['source']}",
                "temperature_K": source.info["temperature_K"],
                "time_ps": source.info["time_ps"],
            }
            found.append(moved)
    return found


def main() -> None:
    """Push."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--clusters", type=int, help="so many frames with Li drawn together")
    arguments = parser.parse_args()
    pool = list(read(arguments.frames).frames)
    if arguments.clusters:
        write(clusters(pool, arguments.clusters), arguments.output)
        return
    rng = np.random.default_rng(SEED)
    found = []
    done: set[tuple[float, int]] = set()
    for pair, distances in DISTANCES.items():
        order = sorted(rng.permutation(len(pool)), key=lambda k: _closest(pool[k], pair))[:30]
        for distance in distances * _COPIES.get(pair, 1):
            for k in rng.permutation(order):
                moved = None if (distance, k) in done else pushed(pool[k], pair, distance)
                if moved is not None:
                    done.add((distance, k))
                    moved.info = {
                        "group": "contact",
                        "source": f"contact {'-'.join(pair)} {distance:g}, of {pool[k].info['source']}",
                        "temperature_K": pool[k].info["temperature_K"],
                        "time_ps": pool[k].info["time_ps"],
                    }
                    found.append(moved)
                    break
    write(found, arguments.output)
    print(f"{len(found)} frames of {sum(map(len, found))} atoms")


def _closest(atoms: Atoms, pair: tuple[str, str]) -> float:
    i, j, lengths = neighbour_list("ijd", atoms, 4.0)
    symbols = np.array(atoms.get_chemical_symbols())
    return float(lengths[(symbols[i] == pair[0]) & (symbols[j] == pair[1])].min(initial=4.0))


if __name__ == "__main__":
    main()
