"""Unwrapping and mean squared displacements of all lags, beside freud; a region; memory from the store.

    python benchmarks/analysis_msd.py [--frames 1000] [--repeats 3] [--memory]

A supercell of 12,288 atoms, 4608 of them Li, one thread. freud (``pip install freud-analysis``) is left out where it is
not installed. ``--memory`` writes 4,000 frames to a temporary store (about 0.5 GB) and reports the maximum resident
size of processes that analyse them.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from betalps.analysis import collective_diffusion, diffusion, mean_squared_displacement, regional_diffusion
from betalps.structures.regions import slab_region
from betalps.trajectories import Trajectory, TrajectoryWriter, displacement_blocks, open_trajectory

ATOMS, LITHIUM = 12288, 4608
SYMBOLS = np.repeat(["Li", "P", "S"], [LITHIUM, 1536, 6144])
EDGES = np.array([52.0, 65.0, 75.0])
INTERVAL = 0.02  # ps
STEP = 0.003  # of the cell


def walk(frames: int) -> Trajectory:
    rng = np.random.default_rng(0)
    steps = rng.normal(scale=STEP, size=(frames, ATOMS, 3)).astype(np.float32)
    steps[0] = rng.random((ATOMS, 3))
    fractional = np.cumsum(steps, axis=0, dtype=np.float32)
    fractional -= np.floor(fractional)
    return Trajectory(
        symbols=SYMBOLS, fractional=fractional, cells=np.diag(EDGES), times=INTERVAL * np.arange(frames), pbc=True
    )


def with_freud(trajectory: Trajectory) -> Callable[[], np.ndarray] | None:
    """The same job by freud: its own unwrapping from image numbers, which are counted with numpy first."""
    try:
        import freud
    except ImportError:
        return None
    freud.parallel.set_num_threads(1)
    box = freud.box.Box(*EDGES)
    ions = trajectory.fractional[:, :LITHIUM]
    wrapped = np.ascontiguousarray((ions - 0.5) * EDGES.astype(np.float32))
    images = np.zeros(ions.shape, dtype=np.int32)
    images[1:] = -np.cumsum(np.rint(np.diff(ions, axis=0)), axis=0)

    def job() -> np.ndarray:
        return np.asarray(freud.msd.MSD(box, mode="window").compute(wrapped, images=images).msd)

    return job


def best(job: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        seconds.append(time.process_time() - start)
    return min(seconds)


def speed(frames: int, repeats: int) -> list[tuple[str, float, float, str]]:
    trajectory = walk(frames)
    ions = trajectory.indices("Li")
    slab = slab_region(trajectory.mean_cell, 37.0)
    jobs: dict[str, Callable[[], object]] = {
        "unwrap 4608 Li": lambda: [None for _ in displacement_blocks(trajectory, ions)],
        "unwrap + MSD, all lags": lambda: mean_squared_displacement(trajectory, remove_drift=False),
        "the same, framework drift removed": lambda: mean_squared_displacement(trajectory),
        "diffusion": lambda: diffusion(trajectory),
        "regional diffusion, slab of 10 Å": lambda: regional_diffusion(trajectory, slab),
    }
    jobs["regional diffusion, slab of 10 Å"]()  # compiles, or loads what was compiled
    seconds = {name: best(job, repeats) for name, job in jobs.items()}
    peer = with_freud(trajectory)
    if peer is not None:
        seconds["freud: MSD, all lags, images given"] = best(peer, repeats)
        ours, theirs = mean_squared_displacement(trajectory, remove_drift=False).total, peer()
        print(f"largest relative difference from freud: {np.max(np.abs(ours[1:] / theirs[1:] - 1.0)):.1e}")
    print(f"{f'best of {repeats}, {frames} frames of {ATOMS} atoms':44s} {'CPU s':>7s}")
    for name, value in seconds.items():
        print(f"{name:44s} {value:7.2f}", flush=True)
    if peer is None:
        print("freud is not installed: pip install freud-analysis")
    ratio = seconds["unwrap + MSD, all lags"] / seconds.get("freud: MSD, all lags, images given", np.nan)
    return [("unwrap + MSD of all lags: CPU time over freud's", ratio, 0.5, "")]


def memory(frames: int = 4000) -> None:
    """Each analysis in a process of its own, whose maximum resident size is what it takes."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        fractional = rng.random((ATOMS, 3))
        with TrajectoryWriter(path, SYMBOLS) as writer:
            for frame in range(frames):
                fractional += STEP * rng.standard_normal((ATOMS, 3), dtype=np.float32)
                writer.append_fractional(fractional, np.diag(EDGES), INTERVAL * frame)
        print(f"{frames} frames of {ATOMS} atoms, {LITHIUM} of them Li, from the store")
        print(f"{'':24s} {'CPU s':>7s} {'max. resident MB':>17s}")
        for name in JOBS:
            subprocess.run([sys.executable, __file__, "--from-store", str(path), "--job", name], check=True)


JOBS: dict[str, Callable[[Trajectory], object]] = {
    "opened": len,
    "diffusion": diffusion,
    "collective diffusion": collective_diffusion,
    "regional diffusion": lambda trajectory: regional_diffusion(trajectory, slab_region(trajectory.mean_cell, 37.0)),
}


def measure(path: str, name: str) -> None:
    trajectory = open_trajectory(path)
    start = time.process_time()
    JOBS[name](trajectory)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{name:24s} {time.process_time() - start:7.1f} {peak:17.0f}", flush=True)


def run(arguments: list[str]) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="only the memory")
    parser.add_argument("--from-store", help=argparse.SUPPRESS)
    parser.add_argument("--job", choices=list(JOBS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.from_store:
        measure(options.from_store, options.job)
    elif options.memory:
        memory()
    else:
        return speed(options.frames, options.repeats)
    return []


if __name__ == "__main__":
    run(sys.argv[1:])
