"""What lies beyond the training data, and how a fraction is held out."""

import numpy as np
import pytest

from betalps.training.distances import beyond, hold_out, shortest_distances
from betalps.training.labels import read_labels
from training import cases


def distances_of(*frames):
    return shortest_distances(("Li", "P", "S"), read_labels(frames), 5.0)


def test_shortest_by_pair_of_species():
    table = distances_of(cases.dimer(2.5, 0.0), cases.dimer(6.0, 0.0), cases.dimer(2.0, 0.0, "P2"))
    assert table[0, 0, 2] == table[0, 2, 0] == pytest.approx(2.5)
    assert np.isinf(np.delete(table[0].ravel(), [2, 6])).all()
    assert np.isinf(table[1]).all()
    assert table[2, 1, 1] == pytest.approx(2.0)


def test_beyond_is_closer_or_new():
    training = distances_of(cases.dimer(2.5, 0.0)).min(axis=0)
    tried = distances_of(
        cases.dimer(2.5, 0.0), cases.dimer(2.4, 0.0), cases.dimer(2.3, 0.0), cases.dimer(3.0, 0.0, "P2")
    )
    assert beyond(tried, training).tolist() == [False, False, True, True]


@pytest.mark.parametrize("seed", range(6))
def test_rare_environments_are_trained_on(seed):
    table = distances_of(*[cases.dimer(2.5 + 0.01 * k, 0.0) for k in range(20)], cases.dimer(2.2, 0.0, "P2"))
    training, held = hold_out(table, 0.25, np.random.default_rng(seed))
    assert sorted(training + held) == list(range(21))
    assert 20 in training
    assert 4 <= len(held) <= 5
    assert not beyond(table[held], table[training].min(axis=0)).any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, 0.001, 1.5, float("nan")])
def test_a_fraction_that_leaves_nothing(fraction):
    with pytest.raises(ValueError, match="leaves frames on both sides"):
        hold_out(np.ones((5, 1, 1)), fraction, np.random.default_rng(0))


def test_every_frame_rare():
    table = distances_of(cases.dimer(2.5, 0.0), cases.dimer(2.5, 0.0, "P2"), cases.dimer(2.5, 0.0, "Li2"))
    with pytest.raises(ValueError, match="give validation frames instead"):
        hold_out(table, 0.34, np.random.default_rng(0))
