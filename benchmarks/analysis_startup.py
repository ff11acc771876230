"""The first call of each analysis in a fresh process, with compiled code found in numba's cache.

    python benchmarks/analysis_startup.py [--cold]

Seconds of wall time for importing and for the call, on ten frames of 288 atoms. `--cold` lets every process start with
an empty cache of its own: what the first call ever takes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

CALLS = {
    "diffusion": "diffusion(long)",
    "radial distributions": "radial_distributions(trajectory)",
    "polyanions": "polyanions(trajectory)",
    "bond angles": "bond_angles(trajectory)",
    "reorientation": "reorientation(long)",
    "map": "planar_density(trajectory)",
    "density": "density_grid(trajectory)",
    "profile": "concentration_profile(trajectory)",
    "rings": "rings(trajectory[:1])",
    "disorder": "disorder(trajectory)",
    "sites and jumps": "jumps(site_visits(long, crystal_sites(beta_li3ps4(), repeat=(1, 2, 2))))",
    "lattice": "lattice_parameters(trajectory)",
}

_SCRIPT = """
import time
start = time.perf_counter()
import numpy as np
from betalps.analysis import *
from betalps.structures import beta_li3ps4
from betalps.trajectories import Trajectory
imported = time.perf_counter()
crystal, rng = beta_li3ps4((1, 2, 2)), np.random.default_rng(0)
def frames(number):
    places = crystal.get_scaled_positions() + 0.008 * rng.normal(size=(number, len(crystal), 3))
    cells = crystal.cell.array * (1.0 + 0.001 * rng.normal(size=(number, 1, 1)))
    times = 0.1 * np.arange(number)
    return Trajectory(symbols=crystal.symbols, fractional=places, cells=cells, times=times, pbc=True)
trajectory, long = frames(10), frames(200)
ready = time.perf_counter()
{call}
print(imported - start, time.perf_counter() - ready)
"""


def first_call(call: str, cache: str | None) -> tuple[float, float]:
    """Seconds that a fresh process needs to import the analyses, and for the call."""
    environment = os.environ | ({} if cache is None else {"NUMBA_CACHE_DIR": cache})
    script = _SCRIPT.format(call=call)
    told = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    imported, called = map(float, told.stdout.split())
    return imported, called


def run(arguments: Sequence[str] | None = None) -> list[tuple[str, float, float, str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true", help="nothing is compiled yet")
    options = parser.parse_args(arguments)
    print(f"{'first call in a fresh process':30s} {'import s':>9s} {'call s':>9s}   target: below 3 s together")
    slowest = 0.0
    for name, call in CALLS.items():
        with tempfile.TemporaryDirectory() as empty:
            if not options.cold:
                first_call(call, None)  # so that the cache is filled
            imported, called = first_call(call, empty if options.cold else None)
        slowest = max(slowest, imported + called)
        print(f"{name:30s} {imported:9.2f} {called:9.2f}", flush=True)
    return [] if options.cold else [("first call of an analysis in a fresh process", slowest, 3.0, "s")]


def main() -> None:
    start = time.perf_counter()
    run()
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
