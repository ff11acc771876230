"""The mean squared displacement against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.walks import BOX, brownian, wrapped
from betalps.analysis import mean_squared_displacement
from betalps.analysis.transport.msd import accumulate
from betalps.trajectories import Trajectory, UnwrapWarning, unwrap


def brute_force(positions: np.ndarray) -> np.ndarray:
    frames = len(positions)
    values = np.zeros((frames, 3))
    for lag in range(1, frames):
        values[lag] = np.mean((positions[lag:] - positions[:-lag]) ** 2, axis=(0, 1))
    return values


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(2, 60), atoms=st.integers(1, 70))
def test_the_fourier_transform_gives_the_definition(seed: int, frames: int, atoms: int) -> None:
    rng = np.random.default_rng(seed)
    positions = brownian(rng, frames, atoms, 5.0)
    result = mean_squared_displacement(wrapped(positions))
    np.testing.assert_allclose(result.directions, brute_force(positions), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.total, result.directions.sum(axis=1))
    assert result.atoms == atoms
    assert result.lags.shape == (frames,)


def test_a_constant_velocity_gives_the_square_of_the_distance() -> None:
    times = 0.1 * np.arange(200)
    positions = times[:, None, None] * np.array([1.0, -2.0, 0.5])[None, None] + np.zeros((1, 5, 1))
    result = mean_squared_displacement(wrapped(positions, interval=0.1))
    np.testing.assert_allclose(result.directions, result.lags[:, None] ** 2 * [1.0, 4.0, 0.25], atol=1e-9)
    assert result.interval == pytest.approx(0.1)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.tuples(*[st.floats(-100.0, 100.0)] * 3))
def test_neither_origin_nor_order_of_the_atoms_matters(seed: int, shift: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    positions = brownian(rng, 50, 40, 1.0)
    expected = mean_squared_displacement(wrapped(positions)).directions
    shifted = mean_squared_displacement(wrapped(positions + np.array(shift))).directions
    shuffled = mean_squared_displacement(wrapped(positions[:, rng.permutation(40)])).directions
    np.testing.assert_allclose(shifted, expected, atol=1e-9)
    np.testing.assert_allclose(shuffled, expected, atol=1e-9)


def two_species(rng: np.random.Generator, wind: np.ndarray) -> Trajectory:
    ions, frame = brownian(rng, 80, 10, 1.0), 0.1 * rng.normal(size=(80, 6, 3))
    inner = wrapped(np.concatenate([ions, frame], axis=1) + wind)
    return Trajectory(
        symbols=np.array(["Li"] * 10 + ["P", "S"] * 3),
        fractional=inner.fractional,
        cells=inner.cells,
        times=inner.times,
        pbc=inner.pbc,
    )


def test_the_drift_of_the_framework_is_removed() -> None:
    still = two_species(np.random.default_rng(1), np.zeros((80, 1, 3)))
    windy = two_species(np.random.default_rng(1), np.linspace(0.0, 70.0, 80)[:, None, None] * np.ones(3))
    expected = mean_squared_displacement(still)
    np.testing.assert_allclose(mean_squared_displacement(windy).directions, expected.directions, atol=1e-8)
    assert "all but Li" in expected.parameters["drift"]
    blown = mean_squared_displacement(windy, remove_drift=False)
    assert blown.total[-1] > 100 * expected.total[-1]
    assert blown.parameters["drift"] == "none"


def test_the_framework_drift_is_that_of_the_centre_of_mass() -> None:
    from ase.data import atomic_masses

    trajectory = two_species(np.random.default_rng(2), np.zeros((80, 1, 3)))
    positions = unwrap(trajectory)
    masses = atomic_masses[[15, 16] * 3]
    centre = np.einsum("a,sad->sd", masses / masses.sum(), positions[:, 10:])
    expected = brute_force(positions[:, :10] - centre[:, None])
    np.testing.assert_allclose(mean_squared_displacement(trajectory).directions, expected, atol=1e-9)


def test_values_by_origin_average_to_the_mean_squared_displacement() -> None:
    trajectory = wrapped(brownian(np.random.default_rng(3), 60, 40, 1.0))
    lags = np.array([1, 7, 59])
    msd, origins = accumulate(trajectory, "Li", lags, remove_drift=True)
    assert origins.shape == (3, 60, 3)
    means = origins.sum(axis=1) / (60 - lags)[:, None]
    np.testing.assert_allclose(means, msd.directions[lags], rtol=1e-9)


def test_what_cannot_be_analysed_is_said() -> None:
    trajectory = wrapped(brownian(np.random.default_rng(4), 10, 2, 1.0))
    with pytest.raises(ValueError, match="no 'Na' in the trajectory, which holds Li"):
        mean_squared_displacement(trajectory, "Na")
    uneven = Trajectory(
        symbols=trajectory.symbols,
        fractional=trajectory.fractional,
        cells=trajectory.cells,
        times=trajectory.times + np.array([0.0] * 9 + [0.01]),
        pbc=trajectory.pbc,
    )
    with pytest.raises(ValueError, match=r"evenly spaced frames .* between frames 8 and 9"):
        mean_squared_displacement(uneven)
    with pytest.raises(ValueError, match="at least 2 frames"):
        mean_squared_displacement(trajectory.select(stop=1))


def test_any_direction() -> None:
    positions = brownian(np.random.default_rng(5), 120, 30, 1.0) * np.array([1.0, 2.0, 3.0])
    oblique = np.array([1.0, -2.0, 2.0])
    result = mean_squared_displacement(wrapped(positions), along=[[2.0, 0.0, 0.0], oblique])
    assert result.along is not None
    np.testing.assert_allclose(result.axes, [[1.0, 0.0, 0.0], oblique / 3.0])
    np.testing.assert_allclose(result.along[:, 0], result.directions[:, 0], rtol=1e-10, atol=1e-10)
    projected = (positions @ (oblique / 3.0))[:, :, None]
    np.testing.assert_allclose(result.along[:, 1], brute_force(projected)[:, 0], rtol=1e-9, atol=1e-9)
    assert result.total.shape == (120,)
    alone = mean_squared_displacement(wrapped(positions))
    np.testing.assert_allclose(result.total, alone.total)
    assert alone.along is None
    for bad in ([0.0, 0.0, 0.0], [1.0, np.nan, 0.0], [1.0, 2.0], [[[1.0, 0.0, 0.0]]]):
        with pytest.raises(ValueError, match="along: expected"):
            mean_squared_displacement(wrapped(positions), along=bad)


def test_a_breathing_cell_changes_nothing() -> None:
    """Constant pressure: 0.3 % of noise on every cell vector, ions that cross the box many times."""
    rng = np.random.default_rng(7)
    path = brownian(rng, 400, 20, 20.0) / BOX
    cells = BOX * np.eye(3) * (1.0 + 0.003 * rng.normal(size=(400, 1, 3)))
    breathing = Trajectory(
        symbols=np.full(20, "Li"),
        fractional=path - np.floor(path),
        cells=cells,
        times=0.05 * np.arange(400),
        pbc=True,
    )
    result = mean_squared_displacement(breathing)
    assert result.total[300] > BOX**2
    np.testing.assert_allclose(result.directions, brute_force(path @ cells.mean(axis=0)), rtol=1e-9, atol=1e-8)


def test_a_step_that_is_too_long_is_told() -> None:
    positions = brownian(np.random.default_rng(8), 60, 5, 0.1)
    positions[30:, 2] += 0.45 * BOX
    with pytest.warns(UnwrapWarning, match=r"at frame 30, atom 2 \(Li\)"):
        mean_squared_displacement(wrapped(positions))
