"""The covariance of a mean squared displacement, and the line fitted with it."""

import numpy as np
import pytest

from analysis.walks import INTERVAL, brownian
from betalps.analysis.transport.gls import fit_line, msd_covariance


def of_brownian(frames: int, i: int, j: int) -> float:
    """Closed form without noise, in units of (2 D dt)² (Bullerjahn, von Bülow, Hummer 2020, eq. 8), d = 1."""
    n, low = frames - 1, min(i, j)
    origins = (n - i + 1) * (n - j + 1)
    value = 2 * low * (1 + 3 * i * j - low**2) / (n - low + 1) + (low**2 - low**4) / origins
    if i + j >= n + 2:
        value += ((n + 1 - i - j) ** 4 - (n + 1 - i - j) ** 2) / origins
    return value / 3


def test_brownian_motion_has_the_published_covariance() -> None:
    lags = np.array([1, 2, 5, 10, 19, 30, 40])
    frames = 41
    model = np.arange(2.0 * lags[-1] + 1)
    expected = [[of_brownian(frames, int(i), int(j)) for j in lags] for i in lags]
    np.testing.assert_allclose(msd_covariance(model, lags, frames, 1), expected, rtol=1e-10)
    np.testing.assert_allclose(msd_covariance(model, lags, frames, 3), 3 * np.array(expected), rtol=1e-10)


def test_noise_and_memory_are_in_the_covariance() -> None:
    """Against the definition: covariance of the positions, increments, Wick's theorem for the squares."""
    frames, keep = 24, 0.6
    steps = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    positions = np.minimum.outer(np.arange(frames), np.arange(frames)) * 0.3 + 0.5 * keep**steps
    lags = np.array([1, 3, 8])
    increments = [np.eye(frames)[lag:] - np.eye(frames)[:-lag] for lag in lags]
    expected = [[2.0 * np.mean((a @ positions @ b.T) ** 2) for b in increments] for a in increments]
    time = np.arange(frames + lags[-1])
    model = 0.3 * time + 2 * 0.5 * (1.0 - keep**time)
    np.testing.assert_allclose(msd_covariance(model, lags, frames, 1), expected, rtol=1e-10)


def test_an_exact_line_is_found_exactly() -> None:
    msd = 1.5 + 0.25 * np.arange(400.0)
    msd[0] = 0.0
    line = fit_line(msd, np.array([2, 3, 4, 6, 8, 11, 16, 23, 32]), 400, 3)
    assert line.slope == pytest.approx(0.25, rel=1e-9)
    assert line.intercept == pytest.approx(1.5, rel=1e-9)


def test_no_motion_and_a_falling_line_do_not_break_the_fit() -> None:
    lags = np.array([1, 2, 4, 8, 16])
    assert fit_line(np.zeros(200), lags, 200, 3).slope == pytest.approx(0.0, abs=1e-12)
    falling = np.where(np.arange(200) > 0, 1.0 - 1e-3 * np.arange(200), 0.0)
    assert fit_line(falling, lags, 200, 3).slope == pytest.approx(-1e-3, rel=1e-6)


def test_every_lag_is_no_better_than_a_few_of_them_and_no_less_stable() -> None:
    msd = 6.0 * 0.3 * INTERVAL * np.arange(2000.0)
    few = np.unique(np.rint(2.0 ** (np.arange(28) / 4))).astype(int)
    errors = []
    for lags in (few, np.arange(1, 128)):
        line = fit_line(msd, lags, 2000, 3)
        errors.append(np.sqrt(line.weights[1] @ msd_covariance(line.model, lags, 2000, 3) @ line.weights[1]))
        assert line.slope == pytest.approx(msd[1], rel=1e-9)
    assert errors[0] == pytest.approx(errors[1], rel=0.01)


def test_the_error_of_the_slope_is_the_scatter_of_the_slope() -> None:
    lags = np.array([1, 2, 3, 4, 6, 8, 11, 16, 23])
    slopes, errors = [], []
    for replica in range(300):
        positions = brownian(np.random.default_rng([5, replica]), 200, 8, 0.3)
        msd = np.zeros(200)
        for lag in range(1, 60):
            msd[lag] = np.mean(np.sum((positions[lag:] - positions[:-lag]) ** 2, axis=2))
        line = fit_line(msd, lags, 200, 3)
        covariance = msd_covariance(line.model, lags, 200, 3) / 8
        slopes.append(line.slope)
        errors.append(np.sqrt(line.weights[1] @ covariance @ line.weights[1]))
    assert np.mean(slopes) == pytest.approx(6 * 0.3 * INTERVAL, rel=0.01)
    assert np.std(slopes) == pytest.approx(np.mean(errors), rel=0.12)


def test_a_border_is_told_from_the_line() -> None:
    lags = np.array([2, 3, 4, 6, 8, 11, 16, 23, 32])
    time = np.arange(400.0)
    msd = np.where(time > 0, 0.3 + 0.05 * time - 0.003 * time**1.5, 0.0)
    line = fit_line(msd, lags, 400, 1, border=True)
    assert line.intercept == pytest.approx(0.3, rel=1e-6)
    assert line.slope == pytest.approx(0.05, rel=1e-6)
    assert line.weights[2] @ msd[lags] == pytest.approx(-0.003, rel=1e-6)
    assert fit_line(msd, lags, 400, 1).slope < 0.045
    # To tell them apart costs precision.
    assert line.error(400) > 1.2 * fit_line(msd, lags, 400, 1).error(400)


def test_as_many_atoms_at_every_lag_divide_the_variance() -> None:
    lags = np.array([1, 2, 4, 8, 16])
    msd = 0.05 * np.arange(300.0)
    one, many = fit_line(msd, lags, 300, 1), fit_line(msd, lags, 300, 1, atoms=np.full(5, 16.0))
    np.testing.assert_allclose(many.weights, one.weights, rtol=1e-9)
    assert many.error(300) == pytest.approx(0.25 * one.error(300))


def test_the_error_where_atoms_drop_out() -> None:
    """Atoms that are followed for a while only: the later the lag, the fewer of them."""
    lags, frames = np.array([1, 2, 3, 4, 6, 8, 11, 16]), 200
    slopes, errors = [], []
    for replica in range(300):
        rng = np.random.default_rng([6, replica])
        positions = brownian(rng, frames, 12, 0.3)[:, :, 0]
        # Each is absent for one frame now and then, which ends its stay.
        gone = np.cumsum(rng.random((frames, 12)) < 0.05, axis=0)
        msd, atoms = np.zeros(frames), np.zeros(len(lags))
        for row, lag in enumerate(lags):
            stay = gone[lag:] == gone[:-lag]
            msd[lag] = np.sum((positions[lag:] - positions[:-lag]) ** 2 * stay) / stay.sum()
            atoms[row] = stay.sum() / (frames - lag)
        msd = np.interp(np.arange(frames), np.append(0, lags), msd[np.append(0, lags)])
        line = fit_line(msd, lags, frames, 1, atoms=atoms)
        slopes.append(line.slope)
        errors.append(line.error(frames))
    assert np.mean(slopes) == pytest.approx(2 * 0.3 * INTERVAL, rel=0.02)
    assert np.std(slopes) == pytest.approx(np.mean(errors), rel=0.2)
