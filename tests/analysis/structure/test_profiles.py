"""Profiles with a known shape and a known excess."""

import numpy as np
import pytest

from betalps.analysis.structure.profiles import concentration_profile
from betalps.errors import StructureError
from betalps.structures import beta_li3ps4
from betalps.structures.boundaries.bicrystals import tilt
from betalps.trajectories import Trajectory

HEIGHT, SIDE, WIDTH = 60.0, 20.0, 8.0
PLACES = (15.0, 45.0)
BULK = 520  # ions outside the two windows: 520 / (44 Å 400 Å²)
IN_WINDOWS = (160, 60)
DENSITY = BULK / (HEIGHT - 2 * WIDTH) / SIDE**2
EXCESS = np.array(IN_WINDOWS) / SIDE**2 - DENSITY * WIDTH


def stepped(seed: int, frames: int = 20, cell: np.ndarray | None = None) -> Trajectory:
    """A gas with a step up about 15 Å and a step down about 45 Å."""
    rng = np.random.default_rng(seed)
    windows = [p + WIDTH * (rng.random((frames, n)) - 0.5) for p, n in zip(PLACES, IN_WINDOWS, strict=True)]
    free = rng.random((frames, BULK)) * (HEIGHT - 2 * WIDTH)
    # the gaps: the windows are jumped over
    for place in PLACES:
        free += np.where(free > place - WIDTH / 2, WIDTH, 0.0)
    heights = np.concatenate([*windows, free], axis=1) / HEIGHT
    fractional = np.concatenate([rng.random((*heights.shape, 2)), heights[:, :, None]], axis=2)
    return Trajectory(
        symbols=["Li"] * heights.shape[1],
        fractional=fractional + rng.integers(-1, 2, fractional.shape),
        cells=np.diag([SIDE, SIDE, HEIGHT]) if cell is None else cell,
        times=np.arange(frames) * 1.0,
        pbc=True,
    )


def test_the_excess_of_a_step():
    result = concentration_profile(stepped(0, 200), boundaries=PLACES, window=WIDTH)
    np.testing.assert_allclose(result.excess, EXCESS, atol=0.01)
    assert np.all(np.abs(result.excess - EXCESS) < 4.0 * result.excess_error)
    assert result.bulk == pytest.approx(DENSITY, abs=5.0 * result.bulk_error)
    assert result.bulk == pytest.approx(DENSITY, rel=0.01)
    assert result.excess_mean == pytest.approx(EXCESS.mean(), abs=0.01)
    inside = abs(result.positions - PLACES[0]) < 3.0
    assert result.concentration[inside].mean() == pytest.approx(IN_WINDOWS[0] / SIDE**2 / WIDTH, rel=0.02)


def test_the_error_of_the_excess_is_its_scatter():
    found = [concentration_profile(stepped(seed), boundaries=PLACES, window=WIDTH) for seed in range(60)]
    values, errors = np.array([one.excess for one in found]), np.array([one.excess_error for one in found])
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2, axis=0)), values.std(axis=0), rtol=0.3)
    assert np.all(np.abs(values.mean(axis=0) - EXCESS) < 4.0 * values.std(axis=0) / np.sqrt(60))


def test_smoothing_keeps_the_ions_and_has_the_width_asked_for():
    one = Trajectory(
        symbols=["Li"], fractional=[[[0.5, 0.5, 0.99]]], cells=np.diag([5.0, 5.0, 40.0]), times=[0.0], pbc=True
    )
    result = concentration_profile(one, bandwidth=1.5)
    step = result.positions[1] - result.positions[0]
    assert result.concentration.sum() * step * result.area == pytest.approx(1.0)
    away = result.positions - 39.6
    away -= 40.0 * np.rint(away / 40.0)
    expected = np.exp(-0.5 * (away / 1.5) ** 2) / np.sqrt(2 * np.pi) / 1.5 / 25.0
    np.testing.assert_allclose(result.concentration, expected, atol=0.05 * expected.max())
    assert np.isnan(result.concentration_error).all()
    assert result.excess_mean is None
    assert result.bulk == pytest.approx(result.mean)


def test_the_default_width_is_that_of_the_covariance_factor():
    result = concentration_profile(stepped(0), covariance_factor=4e-4)
    assert result.bandwidth == pytest.approx(0.02 * HEIGHT / np.sqrt(12.0))
    assert result.parameters["covariance_factor"] == 4e-4
    assert concentration_profile(stepped(0), bandwidth=0.5).parameters["covariance_factor"] is None


def test_skewed_cells_are_measured_along_the_normal():
    cell = np.array([[SIDE, 0, 0], [4.0, SIDE, 0], [9.0, -7.0, HEIGHT]])
    result = concentration_profile(stepped(1, cell=cell), boundaries=PLACES, window=WIDTH)
    assert result.height == pytest.approx(HEIGHT)
    assert result.area == pytest.approx(SIDE**2)
    upright = concentration_profile(stepped(1), boundaries=PLACES, window=WIDTH)
    np.testing.assert_allclose(result.excess, upright.excess)


def test_boundaries_come_from_the_record():
    bicrystal = tilt(beta_li3ps4(), "(120)", lattice_planes=8)
    result = concentration_profile(bicrystal, window=6.0, bulk_distance=6.0, bandwidth=0.5)
    assert len(result.boundaries) == 2
    trajectory = Trajectory.from_atoms([bicrystal] * 2, [0.0, 1.0])
    same = concentration_profile(trajectory, boundaries=bicrystal, window=6.0, bulk_distance=6.0, bandwidth=0.5)
    np.testing.assert_allclose(same.excess, result.excess)
    np.testing.assert_allclose(same.excess_error, 0.0, atol=1e-12)
    assert len(concentration_profile(trajectory, bandwidth=0.5).boundaries) == 0
    assert len(concentration_profile(bicrystal, axis=0, bandwidth=0.5).boundaries) == 0
    with pytest.raises(ValueError, match="axis 0: expected 2"):
        concentration_profile(trajectory, boundaries=bicrystal, axis=0)
    with pytest.raises(StructureError):
        concentration_profile(trajectory, boundaries=beta_li3ps4())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"species": "Na"}, "no 'Na' in the trajectory"),
        ({"axis": 5}, "axis: expected 0, 1 or 2"),
        ({"boundaries": [10.0, 15.0]}, r"the windows about boundaries at \[10.0, 15.0\] Å overlap"),
        ({"boundaries": [10.0], "window": 70.0}, "window 70 Å: the windows"),
        ({"boundaries": [10.0], "bulk_distance": 31.0}, "no bulk: nothing is farther than 31 Å"),
        ({"bandwidth": 0.0}, "bandwidth: expected a number above 0 Å"),
        ({"covariance_factor": -1.0}, "covariance_factor: expected a number above 0"),
        ({"window": np.inf}, "window: expected a number above 0 Å"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        concentration_profile(stepped(0, 2), **options)
