"""The grid of the study on the teacher's labels: ``python grid.py FOLDER --images ../../docs/images``.

300 frames of bulk β-Li3PS4, 300 to 2000 K, 270 to train on and 30 held out; cutoffs of 4 to 7 Å, levels 8 to 20. To
keep the largest potentials within an hour of one core the search is short: one random start, 25 iterations on a
subset, at most 30 on all data, from level 18 on 15. Killed, it goes on from FOLDER.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from betalps.datasets import read
from betalps.reports import plot_cost, plot_grid
from betalps.training import FitSettings, GridResult, grid_search, recommend

HERE = Path(__file__).parent
FRAMES, SEED = 300, 1
_LONG = 16  # level up to which a fit gets 30 iterations


def frames_of_the_study() -> list:
    """300 of the frames of bulk β, in a random order."""
    found = [atoms for atoms in read(HERE / "data/start.extxyz.xz") if atoms.info["source"] != "gamma"]
    chosen = np.random.default_rng(SEED).permutation(len(found))[:FRAMES]
    return [found[k] for k in chosen]


def main() -> None:
    """Fit, draw, recommend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--levels", type=int, nargs="+", default=[8, 12, 14, 16, 18, 20])
    parser.add_argument("--cutoffs", type=float, nargs="+", default=[4.0, 5.0, 6.0, 7.0])
    arguments = parser.parse_args()
    parts = [
        grid_search(
            frames_of_the_study(),
            levels=levels,
            cutoffs=arguments.cutoffs,
            settings=FitSettings(starts=1, iterations=iterations),
            seed=SEED,
            threads=1,
            folder=arguments.folder / folder,
            observer=lambda point: print(point, flush=True),
        )
        for folder, iterations, levels in (
            ("", 30, [level for level in arguments.levels if level <= _LONG]),
            ("high", 15, [level for level in arguments.levels if level > _LONG]),
        )
        if levels
    ]
    points = tuple(point for part in parts for point in part.points)
    result = GridResult(points=points, provenance=parts[0].provenance)
    (arguments.folder / "grid.json").write_text(json.dumps(result.to_dict(), indent=1), encoding="utf-8")
    advice = recommend(result)
    print(advice.rule)
    print(advice.reason)
    if arguments.images:
        plot_grid(result).savefig(arguments.images / "grid.png", dpi=150)
        plot_cost(result).savefig(arguments.images / "grid-cost.png", dpi=150)


if __name__ == "__main__":
    main()
