"""Tetrahedra and ions of which it is known whether they wait for each other."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from betalps.analysis import paddle_wheel
from betalps.structures.regions import Box
from betalps.trajectories import Trajectory

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
SPACING, INTERVAL, STEPS = 9.0, 0.1, 10


def world(rng: np.random.Generator, coupled: bool, windows: int = 60, units: int = 20, hasty: int = 0) -> Trajectory:
    """A tetrahedron and an ion in each of some boxes: every event turns one by 40° and, if coupled, moves the other.

    `hasty` of the boxes have three times as many events of either.
    """
    chance = np.where(np.arange(units) < hasty, 0.6, 0.2)
    turns = rng.random((windows, units)) < chance
    moves = turns if coupled else rng.random((windows, units)) < chance
    frames = windows * STEPS + 1
    angle = np.zeros((frames, units))
    place = np.full((frames, units), 3.0)
    for number in range(windows):
        later = number * STEPS + STEPS // 2
        angle[later:] += np.radians(40.0) * turns[number]
        place[later:] += np.where(place[later:] > 2.0, -2.0, 2.0) * moves[number]
    axis = np.array([0.0, 0.0, 1.0])
    rotation = Rotation.from_rotvec(angle.reshape(-1, 1) * axis).as_matrix().reshape(frames, units, 3, 3)
    corners = 2.05 * np.einsum("fuij,kj->fuki", rotation, CORNERS)
    centres = np.stack([np.arange(units) * SPACING, np.zeros(units), np.zeros(units)], axis=1)
    ions = centres + np.stack([np.zeros_like(place), place, np.zeros_like(place)], axis=-1)
    sulphur = (centres[:, None] + corners).reshape(frames, -1, 3)
    positions = np.concatenate([np.broadcast_to(centres, (frames, units, 3)), sulphur, ions], axis=1)
    positions += rng.normal(scale=0.02, size=positions.shape)
    cell = np.diag([units * SPACING, SPACING, SPACING])
    return Trajectory(
        symbols=["P"] * units + ["S"] * 4 * units + ["Li"] * units,
        fractional=positions @ np.linalg.inv(cell) % 1.0,
        cells=cell,
        times=INTERVAL * np.arange(frames),
        pbc=True,
    )


def test_what_turns_together_is_found():
    result = paddle_wheel(world(np.random.default_rng(0), coupled=True), cutoff=2.6)
    assert result.correlated
    assert result.correlation > 0.9
    assert result.correlation > 10 * result.null_deviation
    assert result.p_value == pytest.approx(1 / (1 + 60 - 7))
    assert result.shifts[np.argmax(result.shifted)] == 0.0
    assert result.angle_with == pytest.approx(40.0, abs=1.0)
    assert result.angle_without < 5.0
    assert (result.tetrahedra, result.windows) == (20, 60)
    assert result.near == 1.0
    assert result.parameters["window"] == pytest.approx(1.0)


def test_what_does_not_is_not():
    """The verdict is wrong once in forty times: 5 % on both sides, and only one of them counts."""
    results = [paddle_wheel(world(np.random.default_rng(n), coupled=False), cutoff=2.6) for n in range(20)]
    assert sum(result.correlated for result in results) <= 2
    spread = np.std([result.correlation for result in results])
    assert np.mean([result.null_deviation for result in results]) == pytest.approx(spread, rel=0.5)


def test_hasty_neighbours_are_no_paddle_wheel():
    """Where tetrahedra turn and ions jump often in the same places, but not at the same times."""
    result = paddle_wheel(world(np.random.default_rng(3), coupled=False, hasty=6), cutoff=2.6)
    assert not result.correlated
    assert result.angle_with > result.angle_without + 3.0  # which looks like one


def test_a_delay_shows_in_the_shift():
    trajectory = world(np.random.default_rng(5), coupled=True)
    late = np.asarray(trajectory.fractional).copy()
    ions = trajectory.indices("Li")
    late[:, ions] = np.roll(late[:, ions], 5 * STEPS, axis=0)
    moved = Trajectory(
        symbols=trajectory.symbols, fractional=late, cells=trajectory.cells, times=trajectory.times, pbc=True
    )
    result = paddle_wheel(moved, cutoff=2.6)
    assert not result.correlated
    assert result.shifts[np.argmax(result.shifted)] == pytest.approx(5.0)


def test_regions_and_observers():
    trajectory, seen = world(np.random.default_rng(1), coupled=True, units=8), []
    half = Box(centre=(0.26, 0.5, 0.5), lengths=(4 * SPACING - 1.0, None, None))
    result = paddle_wheel(trajectory, cutoff=2.6, region=half, observer=lambda done, total: seen.append((done, total)))
    assert result.tetrahedra == 4
    assert result.near < 0.8
    assert seen == [(n + 1, 60) for n in range(60)]
    assert result.to_dict()["parameters"]["region"]["kind"] == "box"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 10.0}, "window of 10 ps: expected at least a frame interval .* got 6 in 601 frames"),
        ({"window": 0.01}, "window of 0.01 ps: expected at least a frame interval"),
        ({"jump_length": 5.0}, "no Li near a tetrahedron moves by 5 Å in a window of 1 ps: 0 jumps in all"),
        ({"reach": -1.0}, "reach: expected a number above 0 Å"),
        ({"species": "Na"}, "no 'Na' in the trajectory"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        paddle_wheel(world(np.random.default_rng(6), coupled=True, units=2), **{"cutoff": 2.6, **options})
