"""How long a whole fit to 2000 configurations of 64 atoms takes: ``python timing.py FOLDER --threads 2``.

The labels are those of the potential itself along Langevin runs of β and γ, with noise of 50 meV/Å on the forces: as
hard to fit as labels of another method, and quick to make. Level 14, cutoff 5 Å, default settings.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from betalps import MTP
from betalps.datasets import Sampling, read, sample, stored_labels, with_labels, write
from betalps.structures import beta_li3ps4, gamma_li3ps4
from betalps.training import fit

_NOISE = 0.05  # eV/Å
_RUNS, _FRAMES = 40, 50


def configurations() -> list:
    """2000 labelled configurations of 64 atoms."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(_RUNS):
        start = [beta_li3ps4((1, 1, 2)), beta_li3ps4((1, 1, 2), ordering="4c4"), gamma_li3ps4((1, 2, 2))][number % 3]
        settings = Sampling(temperature=(300, 600, 900, 1200, 1600)[number % 5], frames=_FRAMES, interval=0.1)
        for atoms in sample(start, MTP("beta-lps", threads=1), settings, rng=number).frames:
            labels = stored_labels(atoms)
            labels["forces"] = labels["forces"] + rng.normal(0.0, _NOISE, (len(atoms), 3))
            found.append(with_labels(atoms, labels))
    return found


def main() -> None:
    """Make the data where they are missing, fit, and write timing.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    data = arguments.folder / "2000x64.extxyz"
    if not data.exists():
        write(configurations(), data)
    frames = read(data).frames
    wall, processor = time.perf_counter(), time.process_time()
    result = fit(frames, 14, cutoff=5.0, seed=1, threads=arguments.threads)
    found = {
        "configurations": len(frames),
        "atoms": sum(map(len, frames)),
        "threads": arguments.threads,
        "wall_s": round(time.perf_counter() - wall, 1),
        "processor_s": round(time.process_time() - processor, 1),
        "largest_memory_GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 3),
        "iterations": len(result.history),
        "loss": result.loss,
        "force_mae_eV_per_A": result.training.overall.force.mae,
    }
    (arguments.folder / "timing.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(found)


if __name__ == "__main__":
    main()
