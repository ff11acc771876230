"""Tetrahedra that turn in ways of which the correlation functions and rates are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from betalps.analysis.structure.reorientation import reorientation
from betalps.structures import beta_li3ps4
from betalps.structures.regions import Box
from betalps.trajectories import Trajectory

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
BOND, SPACING, INTERVAL = 2.05, 9.0, 0.05


def trajectory_of(directions: np.ndarray, bond: np.ndarray | float = BOND) -> Trajectory:
    """Tetrahedra (frames, units, 4, 3) in a row, far from each other; the row crosses the borders of the cell."""
    frames, units = directions.shape[:2]
    places = np.stack([np.arange(units) * SPACING, np.zeros(units), np.zeros(units)], axis=1)
    corners = places[:, None] + bond * directions
    positions = np.concatenate([np.broadcast_to(places, (frames, units, 3)), corners.reshape(frames, -1, 3)], axis=1)
    cell = np.diag([units * SPACING, SPACING, SPACING])
    fractional = positions @ np.linalg.inv(cell)
    return Trajectory(
        symbols=np.array(["P"] * units + ["S"] * 4 * units),
        fractional=fractional - np.floor(fractional),
        cells=cell,
        times=INTERVAL * np.arange(frames),
        pbc=True,
    )


def tumbling(rng: np.random.Generator, rate: float, frames: int, units: int) -> np.ndarray:
    """Rotational diffusion with coefficient `rate`, rad²/ps."""
    now = Rotation.random(units, rng=rng)
    found = []
    for _ in range(frames):
        found.append(np.einsum("uij,kj->uki", now.as_matrix(), CORNERS))
        now = Rotation.from_rotvec(rng.normal(scale=np.sqrt(2 * rate * INTERVAL), size=(units, 3))) * now
    return np.array(found)


def jumping(rng: np.random.Generator, rate: float, frames: int, units: int, amplitude: float) -> tuple[np.ndarray, int]:
    """Turns by 120° about a bond at random times, and libration in between; with how many turns there were."""
    state = np.tile(np.arange(4), (units, 1))
    found, turns, rest = [], 0, np.zeros(units)
    base = Rotation.random(units, rng=rng).as_matrix()
    for _ in range(frames):
        rest += 1
        for unit in np.flatnonzero((rng.random(units) < rate * INTERVAL) & (rest > 10)):
            three = rng.permutation(4)[:3]
            state[unit, three] = state[unit, np.roll(three, 1)]
            turns, rest[unit] = turns + 1, 0
        wobble = Rotation.from_rotvec(rng.normal(scale=amplitude, size=(units, 3))).as_matrix()
        found.append(np.einsum("uij,ujk,ulk->uli", base, wobble, CORNERS[state]))
    return np.array(found), turns


@pytest.mark.parametrize("rate", [0.02, 0.08])
def test_rotational_diffusion(rate):
    """C_l decays at l (l + 1) D."""
    result = reorientation(trajectory_of(tumbling(np.random.default_rng(0), rate, 1200, 80)), cutoff=2.6, fit_start=0.1)
    for degree, one in ((1, result.bond_first), (2, result.bond_second), (3, result.shape)):
        expected = degree * (degree + 1) * rate
        assert one.rate == pytest.approx(expected, rel=0.1)
        assert abs(one.rate - expected) < 3.5 * one.rate_error
        assert one.rate_error < 0.08 * expected
        assert one.resolved
        early = result.lags < 0.5 / expected
        np.testing.assert_allclose(one.values[early], np.exp(-expected * result.lags[early]), atol=0.05)
        assert one.values[0] == pytest.approx(1.0)
    assert result.tetrahedra == 80
    assert result.excluded == 0


def test_correlations_are_their_definition():
    directions = tumbling(np.random.default_rng(1), 0.5, 30, 3)
    result = reorientation(trajectory_of(directions), cutoff=2.6, fit_start=0.1)
    shapes = []
    for lag in range(15):
        now, later = directions[: 30 - lag], directions[lag:]
        cosines = np.einsum("fukx,fukx->fuk", now, later)
        every = np.einsum("fukx,fulx->fukl", now, later)
        shapes.append(np.mean(np.sum(2.5 * every**3 - 1.5 * every, axis=(2, 3))))
        assert result.bond_first.values[lag] == pytest.approx(cosines.mean())
        assert result.bond_second.values[lag] == pytest.approx((1.5 * cosines**2 - 0.5).mean())
    np.testing.assert_allclose(result.shape.values, np.array(shapes) / shapes[0])


def test_turns_onto_itself_are_counted_and_leave_the_shape():
    directions, turns = jumping(np.random.default_rng(2), 0.05, 1000, 40, 0.12)
    result = reorientation(trajectory_of(directions), cutoff=2.6)
    assert turns > 50
    assert result.rotations == turns
    exposure = 40 * 999 * INTERVAL
    assert result.rotation_rate == pytest.approx(turns / exposure)
    assert result.rotation_interval[0] < turns / exposure < result.rotation_interval[1]
    assert result.rotation_interval[1] - result.rotation_interval[0] == pytest.approx(
        3.92 * turns**0.5 / exposure, rel=0.1
    )
    # bonds forget, the shape does not: it only librates
    assert result.bond_first.values[-1] < 0.6
    assert result.shape.values[-1] > 0.75
    assert abs(result.shape.rate) < 0.1 * result.bond_first.rate
    assert set(result.rotation_centres.tolist()) <= set(range(40))
    assert np.all((result.rotation_times > 0) & (result.rotation_times <= 999 * INTERVAL))


def test_libration_is_no_rotation():
    directions, _ = jumping(np.random.default_rng(3), 0.0, 400, 30, 0.15)
    result = reorientation(trajectory_of(directions), cutoff=2.6)
    assert result.rotations == 0
    assert result.rotation_interval[0] == 0.0
    assert result.rotation_interval[1] == pytest.approx(-np.log(0.025) / (30 * 399 * INTERVAL))
    assert result.bond_first.values[-1] == pytest.approx(result.bond_first.values[1], abs=0.01)


def test_what_breaks_is_left_out():
    directions = tumbling(np.random.default_rng(4), 0.05, 50, 6)
    bond = np.full((50, 6, 4, 1), BOND)
    bond[30:, 2, 1] = 3.2
    result = reorientation(trajectory_of(directions, bond), cutoff=2.6, fit_start=0.1)
    assert (result.tetrahedra, result.excluded) == (5, 1)
    bond[30:, :, 1] = 3.2
    with pytest.raises(ValueError, match=r"no P keeps its 4 S within 2\.60 Å"):
        reorientation(trajectory_of(directions, bond), cutoff=2.6, fit_start=0.1)


def test_regions_choose_tetrahedra():
    trajectory = trajectory_of(tumbling(np.random.default_rng(5), 0.05, 40, 8))
    half = Box(centre=(0.26, 0.5, 0.5), lengths=(4 * SPACING - 1.0, None, None))
    assert reorientation(trajectory, cutoff=2.6, fit_start=0.1, region=half).tetrahedra == 4


def test_the_crystal_stands_still():
    crystal = beta_li3ps4((1, 2, 2))
    rng = np.random.default_rng(0)
    frames = [crystal.copy() for _ in range(60)]
    for frame in frames:
        frame.positions += rng.normal(scale=0.08, size=frame.positions.shape)
        frame.wrap()
    result = reorientation(Trajectory.from_atoms(frames, 0.1 * np.arange(60)))
    assert (result.tetrahedra, result.excluded, result.rotations) == (16, 0, 0)
    assert result.bond_first.values.min() > 0.97
    assert not result.bond_first.resolved


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 70.0}, "tolerance: expected an angle between 0 and 60 degrees"),
        ({"fit_start": 30.0}, "fit_start: expected less than half of the trajectory"),
        ({"centre": "Ge"}, "no 'Ge' in the trajectory"),
        ({"cutoff": 1.5}, "no P has 4 S of its own within 1.50 Å in the first frame"),
        ({"cutoff": 5.0}, "the cell is 9.00 Å thin: expected at least two bonds of 5.00 Å"),
    ],
)
def test_bad_input(options, message):
    trajectory = trajectory_of(tumbling(np.random.default_rng(6), 0.05, 20, 2))
    with pytest.raises(ValueError, match=message):
        reorientation(trajectory, **{"cutoff": 2.6, "fit_start": 0.1, **options})
