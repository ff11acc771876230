"""Lifetimes of rings that come and go at known rates."""

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms

from analysis.homology.test_persistence import circle
from betalps.analysis.homology.ring_lifetimes import ring_lifetimes
from betalps.analysis.homology.rings import Rings, rings
from betalps.trajectories import Trajectory

INTERVAL = 0.5


def found_in(there, sizes=None, copies=1):
    """Rings as `rings` hands them back, from which of them is there in which frame: (rings, frames)."""
    there = np.asarray(there, dtype=bool)
    sizes = np.full(len(there), 4) if sizes is None else np.asarray(sizes)
    first = np.concatenate([[0], np.cumsum(sizes)])
    ions = [np.arange(a, b) for a, b in pairwise(first)]
    frame, ring = (np.repeat(part, copies) for part in np.nonzero(there.T))
    frames = there.shape[1]
    rng = np.random.default_rng(0)
    members = [rng.permutation(ions[number]) for number in ring]  # the way around is any
    empty = np.empty(0)
    return Rings(
        species="Li",
        times=INTERVAL * np.arange(frames),
        ions=np.full(frames, first[-1]),
        births=np.full(len(ring), 3.0),
        deaths=np.full(len(ring), 4.5),
        snapshot=frame.astype(np.int32),
        sizes=sizes[ring].astype(np.int32),
        starts=np.concatenate([[0], np.cumsum(sizes[ring])]),
        members=np.concatenate(members).astype(np.int32) if members else np.empty(0, dtype=np.int32),
        unclosed=np.zeros(frames, dtype=int),
        winding=np.zeros(frames, dtype=int),
        copies=np.full(frames, copies),
        cuts=empty,
        series=empty,
        fraction=empty,
        fraction_error=empty,
        ring_sizes=np.empty(0, dtype=int),
        size_fraction=empty,
        size_fraction_error=empty,
        parameters={"filtration": "rips", "units": "diameter", "cut": 1.0, "threshold": 8.0},
    )


def telegraph(number, frames, lifetime, absence, seed):
    """Rings that break and close at constant rates, stationary from the first frame on; (number, frames)."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-INTERVAL * (1.0 / lifetime + 1.0 / absence))
    share = lifetime / (lifetime + absence)
    there = np.empty((number, frames), dtype=bool)
    there[:, 0] = rng.random(number) < share
    for frame in range(1, frames):
        chance = share + (there[:, frame - 1] - share) * decay
        there[:, frame] = rng.random(number) < chance
    return there


def test_rings_that_rarely_return_live_as_long_as_they_do():
    """Whatever of their lives lies before the first and after the last frame: the run is as short as one life."""
    values, errors = [], []
    for seed in range(40):
        result = ring_lifetimes(found_in(telegraph(400, 16, 8.0, 4000.0 / 8, seed)))
        values.append(result.total.lifetime)
        errors.append(result.total.lifetime_error)
    assert np.mean(values) == pytest.approx(8.0, abs=4 * np.std(values) / np.sqrt(40))
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.35)
    assert result.total.resolved
    assert result.total.bound is None


def test_survival_and_memory_are_exponential():
    result = ring_lifetimes(found_in(telegraph(3000, 60, 6.0, 6.0, 1)))
    lags = result.lags
    np.testing.assert_allclose(lags, INTERVAL * np.arange(60))
    step = 0.5 + 0.5 * np.exp(-INTERVAL / 3.0)
    np.testing.assert_allclose(result.survival[:12], step ** np.arange(12), atol=0.02)
    np.testing.assert_allclose(result.memory[:30], 0.5 + 0.5 * np.exp(-lags[:30] / 3.0), atol=0.03)
    assert result.total.lifetime == pytest.approx(-INTERVAL / np.log(step), rel=0.03)


def test_against_a_count_by_hand():
    there = [[1, 1, 0, 1, 1, 1], [0, 1, 1, 1, 0, 0]]
    result = ring_lifetimes(found_in(there))
    # Rings there in frames 0 to 4: 1 + 2 + 1 + 2 + 1; those that end in frames 1, 3.
    assert result.total.exposure == pytest.approx(7 * INTERVAL)
    assert result.total.breaks == 2
    assert result.total.lifetime == pytest.approx(-INTERVAL / np.log(5 / 7))
    np.testing.assert_allclose(result.survival, [1, 5 / 7, 2 / 6, 0, 0, 0])
    np.testing.assert_allclose(result.memory, [1, 5 / 7, 3 / 6, 2 / 4, 2 / 3, 1])
    patient = ring_lifetimes(found_in(there), patience=INTERVAL)
    # The gap is filled; a ring that ends in frame 4 might come back after the last.
    assert patient.total.exposure == pytest.approx((1 + 2 + 2 + 2) * INTERVAL)
    assert patient.total.breaks == 1
    np.testing.assert_allclose(patient.survival, [1, 7 / 8, 5 / 7, 3 / 5, 2 / 3, 1])
    np.testing.assert_allclose(patient.memory, result.memory)


def test_by_size():
    there = np.concatenate([telegraph(300, 40, 3.0, 60.0, 2), telegraph(300, 40, 12.0, 60.0, 3)])
    result = ring_lifetimes(found_in(there, np.repeat([4, 6], 300)))
    assert sorted(result.by_size) == [4, 6]
    assert result.by_size[4].lifetime == pytest.approx(3.0, rel=0.25)
    assert result.by_size[6].lifetime == pytest.approx(12.0, rel=0.25)
    assert result.by_size[4].breaks + result.by_size[6].breaks == result.total.breaks
    assert result.by_size[4].distinct + result.by_size[6].distinct == result.total.distinct
    assert "Rips filtration" in result.parameters["definition"]
    assert result.to_dict()["by_size"]["4"]["units"]["lifetime"] == "ps"


def test_copies_of_a_short_cell_are_one_ring():
    there = telegraph(50, 20, 3.0, 3.0, 4)
    one, four = (ring_lifetimes(found_in(there, copies=copies)) for copies in (1, 4))
    assert one.total.to_dict() == four.total.to_dict()
    np.testing.assert_array_equal(one.memory, four.memory)


def test_what_never_breaks_has_a_bound():
    rng = np.random.default_rng(5)
    points = circle(8, 3.0, (15, 15, 15)) + rng.normal(scale=0.02, size=(20, 8, 3))
    frames = [Atoms("Li8", positions=at, cell=[30, 30, 30], pbc=True) for at in points]
    result = ring_lifetimes(rings(Trajectory.from_atoms(frames, np.arange(20.0))))
    assert result.total.lifetime == np.inf
    assert np.isnan(result.total.lifetime_error)
    assert result.total.bound == pytest.approx(19.0 / 3)
    assert (result.survival == 1.0).all()
    assert result.to_dict()["total"]["lifetime"] is None


def test_flicker_is_not_resolved():
    rng = np.random.default_rng(6)
    assert not ring_lifetimes(found_in(rng.random((100, 30)) < 0.2)).total.resolved
    alternating = np.tile([[True, False]], (3, 5))
    gone = ring_lifetimes(found_in(alternating)).total
    assert gone.lifetime == 0.0
    assert not gone.resolved


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (found_in(np.ones((1, 1))), {}, "expected at least 2 frames, got 1"),
        (found_in(np.ones((1, 3))), {"patience": 1.0}, "expected at least 4 frames, got 3"),
        (found_in(np.ones((1, 3))), {"patience": -1.0}, "patience: expected a time from 0 ps on"),
        (found_in(np.zeros((1, 3))), {}, "no ring of Li with L > 1 Å in any frame"),
    ],
)
def test_bad_input(found, options, message):
    with pytest.raises(ValueError, match=message):
        ring_lifetimes(found, **options)


def test_uneven_frames():
    found = found_in(np.ones((1, 4)))
    found.times[2] += 0.2
    with pytest.raises(ValueError, match="expected evenly spaced frames"):
        ring_lifetimes(found)
