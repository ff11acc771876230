"""From the store, an analysis holds a few atoms at a time; benchmarks/analysis_msd.py does so at full size."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from betalps.analysis import collective_diffusion, diffusion, regional_diffusion
from betalps.structures import slab_region
from betalps.trajectories import Trajectory, TrajectoryWriter, open_trajectory

FRAMES, ATOMS, LITHIUM = 120, 8000, 4000
CELL = 40.0 * np.eye(3)
WHOLE = FRAMES * LITHIUM * 3 * 8  # bytes of the paths of Li


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    path, rng = tmp_path_factory.mktemp("store") / "run", np.random.default_rng(0)
    fractional = rng.random((ATOMS, 3))
    with TrajectoryWriter(path, np.repeat(["Li", "S"], [LITHIUM, ATOMS - LITHIUM])) as writer:
        for frame in range(FRAMES):
            fractional += 0.003 * rng.normal(size=(ATOMS, 3))
            writer.append_fractional(fractional, CELL, 0.1 * frame)
    return open_trajectory(path)


@pytest.mark.parametrize(
    "job",
    [
        diffusion,
        collective_diffusion,
        lambda trajectory: regional_diffusion(trajectory, slab_region(CELL, 20.0)),
    ],
    ids=["diffusion", "collective", "regional"],
)
def test_the_paths_are_never_in_memory_together(stored: Trajectory, job: Callable[[Trajectory], object]) -> None:
    job(stored[:100])  # imports and compiles
    tracemalloc.start()
    job(stored)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * WHOLE, f"{peak / WHOLE:.2f} of what all paths take"
