"""A trajectory on disk is never in memory as a whole, whatever is asked of it."""

import tracemalloc

import numpy as np
import pytest

from betalps.analysis import (
    bond_angles,
    concentration_profile,
    crystal_sites,
    density_grid,
    disorder,
    jumps,
    lattice_parameters,
    paddle_wheel,
    planar_density,
    polyanions,
    radial_distributions,
    reorientation,
    rings,
    site_visits,
)
from betalps.structures import beta_li3ps4, slab_region
from betalps.trajectories import TrajectoryWriter, open_trajectory

FRAMES, CELLS = 1200, (2, 3, 4)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Of 11 MB in single precision."""
    crystal, rng = beta_li3ps4(CELLS), np.random.default_rng(0)
    places, moving = crystal.get_scaled_positions(), crystal.symbols == "Li"
    wander = np.zeros_like(places)
    path = tmp_path_factory.mktemp("stored") / "run"
    with TrajectoryWriter(path, crystal.get_chemical_symbols()) as writer:
        for frame in range(FRAMES):
            wander[moving] += 0.004 * rng.standard_normal((moving.sum(), 3))
            cell = crystal.cell.array * (1.0 + 1e-3 * rng.standard_normal())
            writer.append_fractional(places + wander + 0.001 * rng.standard_normal(places.shape), cell, 0.1 * frame)
    return path


ANALYSES = {
    "rdf": lambda t: radial_distributions(t[::20], r_max=4.0),
    "polyanions": lambda t: polyanions(t[::10], cutoff=2.8),
    "angles": lambda t: bond_angles(t[::10], cutoff=2.8),
    "map": planar_density,
    "density": lambda t: density_grid(t, spacing=1.0),
    "profile": concentration_profile,
    "disorder": lambda t: disorder(t[::20]),
    "rings": lambda t: rings(t[::100], region=slab_region(t.cells[0], 5.0, 6.0), threshold=5.0),
    "lattice": lattice_parameters,
    "reorientation": lambda t: reorientation(t, cutoff=2.8, region=slab_region(t.cells[0], 0.0, 6.0)),
    "paddle wheel": lambda t: paddle_wheel(t, jump_length=0.2, cutoff=2.8, region=slab_region(t.cells[0], 0.0, 6.0)),
    "sites": lambda t: jumps(site_visits(t, crystal_sites(beta_li3ps4(), repeat=CELLS))),
}


@pytest.mark.parametrize("name", ANALYSES)
def test_memory_stays_below_that_of_the_trajectory(name, stored):
    """Half of it would be two copies of the Li's coordinates; frame by frame, or some atoms at a time, it is less."""
    trajectory = open_trajectory(stored)
    ANALYSES[name](trajectory[:400])  # imports, and loads what is compiled
    whole = np.prod(trajectory.fractional.shape) * np.dtype(np.float32).itemsize
    tracemalloc.start()
    try:
        ANALYSES[name](trajectory)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert whole > 11e6
    assert peak < LIMITS.get(name, 0.5) * whole


LIMITS = {"reorientation": 2.0, "paddle wheel": 2.0, "sites": 1.5}
"""Tetrahedra and ions are followed 32 at a time, in double precision: here that is much of all there are."""
