"""Charge diffusion of ions whose correlation is known."""

import json

import numpy as np
import pytest

from analysis.walks import BOX, INTERVAL, brownian, wrapped
from betalps.analysis import collective_diffusion, diffusion
from betalps.trajectories import Trajectory
from betalps.units import nernst_einstein

GROUPS = [(1, 1.0), (8, 1.0 / 8.0)]


@pytest.mark.parametrize(("group", "haven"), GROUPS)
def test_the_haven_ratio_of_groups(group: int, haven: float) -> None:
    """Ions that go in groups of g carry g times the charge at once: H_R = 1/g."""
    count, held, held_charge, values = 16, 0, 0, []
    for replica in range(count):
        walk = wrapped(brownian(np.random.default_rng([1, replica]), 500, 64, 0.3, group))
        result = collective_diffusion(walk)
        low, high = result.haven_interval
        held += low < haven < high
        held_charge += result.total.interval[0] < 0.3 * group < result.total.interval[1]
        values.append(result.haven_ratio)
    assert held >= 0.8 * count
    assert held_charge >= 0.8 * count
    assert np.mean(values) == pytest.approx(haven, rel=0.1)


def test_one_sum_knows_less_than_many_ions() -> None:
    result = collective_diffusion(wrapped(brownian(np.random.default_rng(2), 1000, 64, 0.3)))
    assert result.total.standard_error > 3 * result.tracer.total.standard_error
    assert result.tracer.total.diffusivity == pytest.approx(0.3, rel=0.1)
    mean = np.mean([result.x.diffusivity, result.y.diffusivity, result.z.diffusivity])
    assert result.total.diffusivity == pytest.approx(mean, rel=0.05)


def test_the_conductivity_has_the_correlations_in_it() -> None:
    walk = wrapped(brownian(np.random.default_rng(3), 1000, 64, 0.3, 8))
    result = collective_diffusion(walk, temperature=600.0, charge=2.0)
    assert result.conductivity is not None
    expected = nernst_einstein(1e-4 * result.total.diffusivity, 64 / BOX**3, 600.0, 2.0)
    assert result.conductivity.conductivity == pytest.approx(expected)
    assert result.conductivity.haven_ratio == result.haven_ratio
    assert "are in it" in result.conductivity.assumptions
    assert collective_diffusion(walk).conductivity is None
    # The charge number scales the charge, not the diffusion of it.
    assert collective_diffusion(walk).total.diffusivity == pytest.approx(result.total.diffusivity)


def salt(rng: np.random.Generator) -> Trajectory:
    """Pairs of Na and Cl that never part, in a box with a rigid framework."""
    pairs = brownian(rng, 600, 20, 0.5)
    positions = np.concatenate([pairs, pairs + 1.0, np.zeros((600, 4, 3))], axis=1)
    fractional = positions / BOX
    return Trajectory(
        symbols=["Na"] * 20 + ["Cl"] * 20 + ["Si"] * 4,
        fractional=fractional - np.floor(fractional),
        cells=BOX * np.eye(3),
        times=INTERVAL * np.arange(600),
        pbc=True,
    )


def test_neutral_pairs_carry_no_charge() -> None:
    walk = salt(np.random.default_rng(4))
    together = collective_diffusion(walk, "Na", others={"Cl": -1.0}, remove_drift=False)
    assert np.abs(together.msd).max() < 1e-9
    assert not together.total.resolved
    assert np.isnan(together.haven_ratio)
    assert together.to_dict()["haven_ratio"] is None
    alone = collective_diffusion(walk, "Na", remove_drift=False)
    assert alone.total.resolved


def test_the_window_is_not_before_that_of_the_ions() -> None:
    walk = wrapped(brownian(np.random.default_rng(5), 500, 64, 0.3))
    result = collective_diffusion(walk)
    assert result.window.start >= diffusion(walk).window.start
    given = collective_diffusion(walk, fit_start=0.5)
    assert given.window.start == pytest.approx(0.5)
    json.dumps(result.to_dict(), allow_nan=False)


def test_bad_input_is_named() -> None:
    walk = salt(np.random.default_rng(6))
    with pytest.raises(ValueError, match="charge: expected a carrier that has one"):
        collective_diffusion(walk, "Na", charge=0.0)
    with pytest.raises(ValueError, match="others: Na is the carrier"):
        collective_diffusion(walk, "Na", others={"Na": 1.0})
    with pytest.raises(ValueError, match="no 'Br' in the trajectory"):
        collective_diffusion(walk, "Na", others={"Br": -1.0})
