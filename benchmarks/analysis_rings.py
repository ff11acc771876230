"""Rings of Li by persistent homology: 200 snapshots on one core, on two threads, and on two processes.

    python benchmarks/analysis_rings.py [--snapshots 200] [--ions 600 1535] [--workers 2] [--alpha] [--peer]

A slab of 10 Å, periodic in its plane, to 8 Å, and a block, periodic in all directions. `--peer` takes ripser as it
comes, dense and not periodic; `--alpha` the alpha filtration by gudhi.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
from scipy.spatial import cKDTree

from betalps.analysis import rings
from betalps.trajectories import Trajectory

DENSITY = 0.0182  # Li per Å³ in β-Li3PS4
LIMITS = {600: 6.0, 1535: 40.0}  # s for 200 snapshots of so many Li


def apart(positions: np.ndarray, lengths: np.ndarray, least: float = 2.4) -> np.ndarray:
    """Push points away from each other until none are closer than `least`."""
    for _ in range(300):
        pairs = cKDTree(positions % lengths, boxsize=lengths).query_pairs(least, output_type="ndarray")
        if not len(pairs):
            break
        away = positions[pairs[:, 1]] - positions[pairs[:, 0]]
        away -= lengths * np.rint(away / lengths)
        distance = np.linalg.norm(away, axis=1)[:, None] + 1e-9
        push = 0.55 * (least - distance) * away / distance
        np.add.at(positions, pairs[:, 1], push)
        np.add.at(positions, pairs[:, 0], -push)
    return positions % lengths


def ions(number: int, snapshots: int, thickness: float | None, seed: int = 0) -> Trajectory:
    """Random ions that move a little from snapshot to snapshot; in a slab with nothing above it, or in a block."""
    rng = np.random.default_rng(seed)
    edge = (number / DENSITY / thickness) ** 0.5 if thickness else (number / DENSITY) ** (1 / 3)
    lengths = np.array([edge, edge, thickness or edge])
    start = apart(rng.random((number, 3)) * lengths, lengths)
    moves = np.cumsum(rng.normal(scale=0.1, size=(snapshots, number, 3)), axis=0)
    cell = np.diag([edge, edge, 60.0 if thickness else edge])
    return Trajectory(
        symbols=np.repeat(["Li"], number),
        fractional=((start + moves) % lengths) / np.diag(cell),
        cells=cell,
        times=np.arange(snapshots, dtype=float),
        pbc=True,
    )


def cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def tell(name: str, trajectory: Trajectory, pool: object = None, **options: object) -> float:
    start = cpu(), time.perf_counter()
    if pool is None:
        found = rings(trajectory, **options)
    else:
        with pool as executor:
            found = rings(trajectory, executor=executor, **options)
    used, wall = cpu() - start[0], time.perf_counter() - start[1]
    print(f"{name:44s} {used:8.2f} {wall:8.2f} {len(found.births) / len(trajectory):10.0f}", flush=True)
    return used


def peer(trajectory: Trajectory) -> None:
    from ripser import ripser

    few = min(5, len(trajectory))
    start = time.process_time(), time.perf_counter()
    for atoms in trajectory[:few]:
        found = ripser(atoms.positions, maxdim=1)["dgms"][1]
    used, wall = (len(trajectory) / few * (now - then) for now, then in zip(clock(), start, strict=True))
    print(
        f"{'ripser, dense (from ' + str(few) + ' snapshots)':44s} {used:8.2f} {wall:8.2f} {len(found):10.0f}",
        flush=True,
    )


def clock() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def run(arguments: Sequence[str] | None = None) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshots", type=int, default=200)
    parser.add_argument("--ions", type=int, nargs="+", default=[600, 1535])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shape", choices=["slab", "block"], action="append")
    parser.add_argument("--alpha", action="store_true")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--alone", action="store_true", help="also without and with threads")
    options = parser.parse_args(arguments)
    rings(ions(100, 1, None))  # loads what is compiled
    measured = []
    print(f"{f'rings of {options.snapshots} snapshots':44s} {'CPU s':>8s} {'wall s':>8s} {'rings each':>10s}")
    for number in options.ions:
        for shape in options.shape or ["slab", "block"]:
            trajectory = ions(number, options.snapshots, 10.0 if shape == "slab" else None)
            name = f"{number} Li, {shape}"
            if options.alone:
                tell(f"{name}, alone", trajectory)
                tell(f"{name}, {options.workers} threads", trajectory, ThreadPoolExecutor(options.workers))
            pool = ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"))
            used = tell(f"{name}, {options.workers} processes", trajectory, pool)
            if number in LIMITS:
                # Two cores of their own, whatever else the machine does.
                promise = f"rings of {options.snapshots} snapshots of {name}: CPU time on 2 cores"
                measured.append((promise, used / 2.0, LIMITS[number], "s"))
            if options.alpha:
                pool = ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"))
                tell(f"{name}, {options.workers} processes, alpha", trajectory, pool, filtration="alpha")
            if options.peer:
                peer(trajectory)
    return measured


def main() -> None:
    run()


if __name__ == "__main__":
    main()
