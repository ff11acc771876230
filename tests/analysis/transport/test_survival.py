"""How long ions stay: by definition, and by the theory of escape from a slab."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.walks import BOX, INTERVAL, brownian, wrapped
from betalps.analysis import survival
from betalps.analysis.transport._escape import diffusivity_of, escape_probability
from betalps.analysis.transport._kernels_regions import count_survivors, ends_of_stays, fill_absences
from betalps.structures.regions import AtomChoice, slab_region

SLAB = slab_region(BOX * np.eye(3), 15.0, 10.0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ions=st.integers(1, 5), frames=st.integers(2, 40), share=st.floats(0.05, 0.95))
def test_stays_by_their_definition(seed: int, ions: int, frames: int, share: float) -> None:
    inside = np.random.default_rng(seed).random((ions, frames)) < share
    lags = np.array([1, min(3, frames - 1)])
    stayed, started, ended = np.zeros((3, 2, frames))
    count_survivors(inside, ends_of_stays(inside), lags, stayed, started, ended)
    for row, lag in enumerate(lags):
        for origin in range(frames - lag):
            span = inside[:, origin : origin + lag + 1]
            assert stayed[row, origin] == span.all(axis=1).sum()
            assert started[row, origin] == span[:, 0].sum()
            assert ended[row, origin] == (span[:, 0] & span[:, -1]).sum()
        assert not stayed[row, frames - lag :].any()


def test_short_absences_are_filled_and_long_ones_are_not() -> None:
    seen = [[1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0]]
    inside = np.array(seen, dtype=bool)
    fill_absences(inside, 2)
    assert inside.astype(int).tolist() == [[1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("interval", [0.02, 0.5, 2.0])
def test_escape_as_simulated(interval: float) -> None:
    """Brownian particles, looked at now and then; the formula's only approximation is Chernoff's."""
    rng, diffusivity, width, count = np.random.default_rng(0), 0.3, 8.0, 20000
    places = width * (rng.random(count) - 0.5)
    alive, times, seen = np.ones(count, dtype=bool), [], []
    for step in range(1, round(40.0 / interval) + 1):
        places += np.sqrt(2.0 * diffusivity * interval) * rng.normal(size=count)
        alive &= np.abs(places) <= 0.5 * width
        if step % max(round(4.0 / interval), 1) == 0:
            times.append(step * interval)
            seen.append(alive.mean())
    expected = escape_probability(diffusivity, np.array(times), width, interval)
    error = np.sqrt(expected * (1.0 - expected) / count)
    assert np.max(np.abs(np.array(seen) - expected) / (error + 0.004)) < 3.0


@settings(max_examples=30, deadline=None)
@given(diffusivity=st.floats(0.01, 1.0), width=st.floats(3.0, 30.0), interval=st.floats(0.001, 0.5))
def test_the_diffusivity_is_found_back(diffusivity: float, width: float, interval: float) -> None:
    times = np.array([0.03, 0.1, 0.3]) * width**2 / diffusivity
    seen = escape_probability(diffusivity, times, width, interval)
    assert np.all(np.diff(seen) < 0.0)
    np.testing.assert_allclose(diffusivity_of(seen, times, width, interval), diffusivity, rtol=0.01)


def test_nothing_gone_or_nothing_left_says_nothing() -> None:
    assert np.isnan(diffusivity_of(np.array([1.0, 0.0]), np.array([1.0, 2.0]), 10.0, 0.1)).all()


def test_a_slab_in_a_uniform_medium() -> None:
    rng = np.random.default_rng(1)
    walk = wrapped(brownian(rng, 1500, 400, 0.5) + BOX * rng.random((400, 3)))
    result = survival(walk, SLAB)
    assert result.ions == pytest.approx(400 / 3, rel=0.1)
    assert result.fraction == pytest.approx(1 / 3, rel=0.1)
    assert abs(result.ions - 400 / 3) < 5 * result.ions_error
    assert 0 < result.entered <= 400
    assert result.occupancy.shape == (1500,)
    expected = escape_probability(0.5, result.lags, 10.0, INTERVAL)
    known = np.isfinite(result.probability_error) & (result.lags > 5 * INTERVAL)
    assert np.abs(result.probability - expected)[known].max() < 0.04
    assert np.all(np.diff(result.probability) < 0.0)
    assert np.all(result.present >= result.probability)
    assert result.residence_time is None or result.residence_time > 5.0
    longer = survival(walk, SLAB, allowed_absence=1.0)
    assert np.all(longer.probability > result.probability)
    assert longer.parameters["allowed_absence"] == 1.0
    json.dumps(result.to_dict(), allow_nan=False)


def test_the_residence_time_of_an_exponential_process() -> None:
    """A boolean by frame: ions are switched off at a constant rate, and a new one on."""
    rng, frames, ions, rate = np.random.default_rng(2), 2000, 100, 0.5
    anew = rng.random((frames, ions)) < 1.0 - np.exp(-rate * INTERVAL)
    mask = np.ones((frames, ions), dtype=bool)
    mask[anew] = False
    result = survival(wrapped(np.zeros((frames, ions, 3))), AtomChoice(mask=mask))
    assert result.residence_time == pytest.approx(1.0 / rate, rel=0.05)


def test_bad_input_is_named() -> None:
    walk = wrapped(np.zeros((120, 5, 3)))
    with pytest.raises(ValueError, match="allowed_absence: expected a time of at least 0 ps, got -1"):
        survival(walk, SLAB, allowed_absence=-1.0)
    with pytest.raises(ValueError, match="no Li is ever inside"):
        survival(walk, SLAB)
