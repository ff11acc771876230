"""What every analysis is given sooner or later: each says what is wrong, none gives a number."""

import numpy as np
import pytest

from betalps.analysis import (
    bond_angles,
    concentration_profile,
    crystal_sites,
    density_grid,
    disorder,
    jumps,
    paddle_wheel,
    planar_density,
    polyanions,
    radial_distributions,
    reorientation,
    ring_lifetimes,
    rings,
    site_occupancy,
    site_visits,
)
from betalps.structures import beta_li3ps4
from betalps.structures.regions import Box
from betalps.trajectories import Trajectory

NOWHERE = Box(centre=(0.501, 0.503, 0.507), lengths=(1e-3, 1e-3, 1e-3))


def shaken(times):
    crystal, rng = beta_li3ps4((1, 2, 2)), np.random.default_rng(0)
    frames = [crystal.copy() for _ in times]
    for frame in frames:
        frame.positions += rng.normal(scale=0.05, size=frame.positions.shape)
    return Trajectory.from_atoms(frames, times)


@pytest.fixture(scope="module")
def trajectory():
    return shaken(0.1 * np.arange(30))


@pytest.fixture(scope="module")
def uneven():
    times = 0.1 * np.arange(30)
    times[20:] += 0.05
    return shaken(times)


def visits(trajectory):
    return site_visits(trajectory, crystal_sites(beta_li3ps4(), repeat=(1, 2, 2)))


@pytest.mark.parametrize(
    ("analyse", "message"),
    [
        (lambda t: radial_distributions(t, region=NOWHERE), "region: no atom is inside it in any frame"),
        (lambda t: polyanions(t, cutoff=2.6, region=NOWHERE), "region: no P is inside it in any frame"),
        (lambda t: bond_angles(t, cutoff=2.6, region=NOWHERE), "no angle S-P-S: no P inside the region"),
        (lambda t: reorientation(t, cutoff=2.6, region=NOWHERE), "no P in the region has 4 S of its own"),
        (
            lambda t: paddle_wheel(t, cutoff=2.6, window=0.1, region=NOWHERE),
            "no P in the region has 4 S of its own",
        ),
        (lambda t: planar_density(t, region=NOWHERE), "region: no Li is inside it in any frame"),
        (lambda t: density_grid(t, region=NOWHERE), "region: no Li is inside it in any frame"),
        (lambda t: disorder(t, region=NOWHERE), "region: no atom of Li that has a disorder parameter is inside"),
        (lambda t: rings(t, region=NOWHERE), "frame 0: 0 Li in the region, expected at least 4"),
        (lambda t: site_occupancy(visits(t), region=NOWHERE), "no site of Li lies inside the region"),
        (lambda t: jumps(visits(t), region=NOWHERE), "no site of Li lies inside the region"),
    ],
)
def test_a_region_nobody_enters(analyse, message, trajectory):
    with pytest.raises(ValueError, match=message):
        analyse(trajectory)


@pytest.mark.parametrize(
    "analyse",
    [
        lambda t: radial_distributions(t, pairs=[("Na", "S")]),
        lambda t: polyanions(t, centre="Na"),
        lambda t: bond_angles(t, ("S", "Na", "S")),
        lambda t: reorientation(t, centre="Na"),
        lambda t: paddle_wheel(t, "Na", window=0.1),
        lambda t: planar_density(t, "Na"),
        lambda t: density_grid(t, "Na"),
        lambda t: concentration_profile(t, "Na"),
        lambda t: disorder(t, species="Na"),
        lambda t: rings(t, species="Na"),
    ],
)
def test_a_species_that_is_absent(analyse, trajectory):
    with pytest.raises(ValueError, match="no 'Na' in the trajectory, which holds Li, P, S"):
        analyse(trajectory)


@pytest.mark.parametrize(
    "analyse",
    [
        lambda t: reorientation(t, cutoff=2.6),
        lambda t: paddle_wheel(t, cutoff=2.6, window=0.1),
        visits,
        lambda t: ring_lifetimes(rings(t[15:25], threshold=4.5)),
    ],
)
def test_unequal_time_steps(analyse, uneven):
    with pytest.raises(ValueError, match="expected evenly spaced frames"):
        analyse(uneven)
