"""Means of series that remember their past."""

import numpy as np
import pytest

from betalps.analysis._series import mean_and_error, ratio_and_error


def remembering(keep, frames, rng):
    x = np.empty(frames)
    x[0] = rng.normal()
    for k in range(1, frames):
        x[k] = keep * x[k - 1] + np.sqrt(1 - keep**2) * rng.normal()
    return x


@pytest.mark.parametrize("keep", [0.0, 0.8])
def test_the_error_is_the_scatter(keep):
    rng = np.random.default_rng(0)
    found = np.array([mean_and_error(remembering(keep, 200, rng)) for _ in range(150)])
    assert np.sqrt(np.mean(found[:, 1] ** 2)) == pytest.approx(found[:, 0].std(), rel=0.2)


def test_of_few_values():
    mean, error = mean_and_error(np.array([1.0, np.nan, 3.0, 1.0, 3.0]))
    assert mean == 2.0
    assert error == pytest.approx(1.0 / np.sqrt(3))
    assert np.isnan(mean_and_error(np.array([1.0]))[1])
    assert np.isnan(mean_and_error(np.array([np.nan]))).all()


def test_ratio():
    rng = np.random.default_rng(1)
    whole = rng.integers(50, 150, size=(200, 40)).astype(float)
    found = np.array([ratio_and_error(rng.binomial(row.astype(int), 0.3).astype(float), row) for row in whole])
    assert found[:, 0].mean() == pytest.approx(0.3, abs=0.003)
    assert np.sqrt(np.mean(found[:, 1] ** 2)) == pytest.approx(found[:, 0].std(), rel=0.2)
    assert np.isnan(ratio_and_error(np.zeros(3), np.zeros(3))).all()
