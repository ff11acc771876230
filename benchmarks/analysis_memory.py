"""Peak memory of the analyses on a stored trajectory of 4,000 frames of 12,288 atoms, each in a process of its own.

    python benchmarks/analysis_memory.py [--frames 4000] [--atoms 12288] [--only NAME ...]

Those whose time grows with every frame take 100 of them, spread over the run: their memory is that of a frame.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from betalps.structures import beta_li3ps4
from betalps.trajectories import TrajectoryWriter

LIMIT = 1024  # MB

CALLS = {
    "nothing": "len(trajectory)",
    "diffusion": "diffusion(trajectory)",
    "regional diffusion": "regional_diffusion(trajectory, slab)",
    "radial distributions": "radial_distributions(some)",
    "polyanions": "polyanions(some, cutoff=2.8)",
    "bond angles": "bond_angles(some, cutoff=2.8)",
    "reorientation": "reorientation(trajectory, cutoff=2.8)",
    "paddle wheel": "paddle_wheel(trajectory, cutoff=2.8)",
    "map": "planar_density(trajectory)",
    "density": "density_grid(trajectory)",
    "profile": "concentration_profile(trajectory, boundaries=[0.0, 25.0])",
    "rings in a slab": "rings(some[::5], region=slab)",
    "disorder": "disorder(some)",
    "sites and jumps": "jumps(site_visits(trajectory, crystal_sites(sites()).filling(trajectory.mean_cell)))",
    "lattice": "lattice_parameters(trajectory)",
}

_SCRIPT = """
import resource, sys, time
from betalps.analysis import *
from betalps.structures import beta_li3ps4_sites as sites, slab_region
from betalps.trajectories import open_trajectory
trajectory = open_trajectory(sys.argv[1])
some = trajectory[:: -(-len(trajectory) // 100)]
slab = slab_region(trajectory.mean_cell, 10.0)
start = time.process_time()
{call}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.process_time() - start)
"""


def write(path: Path, frames: int, atoms: int) -> None:
    """A crystal that shakes, whose Li wander, in a cell that breathes."""
    cells = round((atoms / 32) ** (1 / 3))
    crystal = beta_li3ps4((max(cells // 2, 1), cells, -(-atoms // 32 // max(cells // 2, 1) // cells)))
    rng, places = np.random.default_rng(0), crystal.get_scaled_positions()
    wander, moving = np.zeros_like(places), crystal.symbols == "Li"
    with TrajectoryWriter(path, crystal.get_chemical_symbols()) as writer:
        for frame in range(frames):
            wander[moving] += 0.002 * rng.normal(size=(moving.sum(), 3))
            cell = crystal.cell.array * (1.0 + 1e-3 * rng.normal())
            writer.append_fractional(places + wander + 0.001 * rng.normal(size=places.shape), cell, 0.1 * frame)
    print(f"{frames} frames of {len(crystal)} atoms", flush=True)


def run(arguments: Sequence[str] | None = None) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--atoms", type=int, default=12288)
    parser.add_argument("--only", nargs="+", choices=list(CALLS), default=list(CALLS), metavar="NAME")
    options = parser.parse_args(arguments)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path, start = Path(folder) / "run", time.perf_counter()
        write(path, options.frames, options.atoms)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20
        print(f"{size:.0f} MB on disk, written in {time.perf_counter() - start:.0f} s")
        print(f"{'':24s} {'peak MB':>8s} {'CPU s':>8s}")
        for name in options.only:
            command = [sys.executable, "-W", "ignore", "-c", _SCRIPT.format(call=CALLS[name]), str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name:24s} {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            peak, seconds = map(float, done.stdout.split())
            worst = max(worst, peak)
            print(f"{name:24s} {peak:8.0f} {seconds:8.1f}", flush=True)
    return [("largest peak of memory", worst, LIMIT, "MB")]


def main() -> None:
    run()


if __name__ == "__main__":
    main()
