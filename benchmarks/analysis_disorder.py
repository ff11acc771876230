"""Disorder parameters (l = 6, 12 nearest neighbours) of 4608 Li, against pyscal3 and freud on the same ions.

    python benchmarks/analysis_disorder.py [--ions 4608] [--repeats 5]

Neighbour search included. `same` is the largest difference from our values.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from ase import Atoms

from betalps.analysis import disorder_parameters

DENSITY = 0.0182  # Li per Å³ in β-Li3PS4


def ions(number: int, seed: int = 0) -> Atoms:
    """Li on a jittered grid: no two on top of each other, and no order."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(number ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = rng.permutation(grid)[:number] + rng.uniform(0.0, 0.8, (number, 3))
    edge = (number / DENSITY) ** (1 / 3)
    return Atoms(f"Li{number}", scaled_positions=grid / side, cell=edge * np.eye(3), pbc=True)


def by_pyscal3(atoms: Atoms) -> np.ndarray:
    import pyscal3

    copy = Atoms(atoms)
    pyscal3.find_neighbors(copy, method="number", nmax=12, store_rows=False)
    return pyscal3.disorder(copy, q=6)


def by_freud(atoms: Atoms) -> np.ndarray:
    import freud

    box = freud.box.Box(*atoms.cell.lengths())
    points = box.wrap(atoms.positions)
    query = freud.locality.AABBQuery(box, points)
    near = query.query(points, {"num_neighbors": 12, "exclude_ii": True}).toNeighborList()
    q = freud.order.Steinhardt(l=6).compute((box, points), neighbors=near).particle_harmonics
    q = q / np.linalg.norm(q, axis=1)[:, None]
    i, j = near.query_point_indices, near.point_indices
    return np.bincount(i, 2.0 - 2.0 * np.sum(q[i] * q[j].conj(), axis=1).real) / 12


def best(job: Callable[[], np.ndarray], repeats: int) -> tuple[np.ndarray, float, float]:
    """What the job gives, and the shortest CPU and wall seconds after a first call."""
    found = job()
    cpu, wall = [], []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        job()
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    return found, min(cpu), min(wall)


def run(arguments: Sequence[str] | None = None) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ions", type=int, default=4608)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    atoms = ions(options.ions)
    jobs = {
        "betalps": lambda: disorder_parameters(atoms),
        "pyscal3": lambda: by_pyscal3(atoms),
        "freud": lambda: by_freud(atoms),
    }
    print(f"disorder parameter of {options.ions} Li   {'CPU s':>8s} {'wall s':>8s} {'same to':>9s}")
    ours, spent = None, {}
    for name, job in jobs.items():
        try:
            found, cpu, wall = best(job, options.repeats)
        except ImportError:
            print(f"{name:34s} not installed")
            continue
        ours = found if ours is None else ours
        spent[name] = cpu
        print(f"{name:34s} {cpu:8.3f} {wall:8.3f} {np.abs(found - ours).max():9.1e}", flush=True)
    ratio = spent["betalps"] / spent.get("pyscal3", np.nan)
    return [("S_j of 4608 Li: CPU time over pyscal3's", ratio, 1.0, "")]


def main() -> None:
    run()


if __name__ == "__main__":
    main()
