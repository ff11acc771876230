"""The step, the linear solve, and where they end."""

import itertools

import numpy as np
import pytest

from betalps.potentials import Potential
from betalps.training.labels import read_labels
from betalps.training.levenberg import begin, stalled, step
from betalps.training.linear import solve_linear
from betalps.training.problem import Equations, Problem
from betalps.training.starts import radial_of, random_radial
from betalps.training.weights import Weights
from training import cases


def make(frames, level=6, species=cases.SPECIES):
    form = Potential.from_level(level, species, cutoff=5.0, min_dist=1.5)
    references = np.zeros(len(species))
    return Problem(form, read_labels(frames), Weights(), references=references, threads=1, penalty=1e-6)


def test_linear_solve_is_the_minimum():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 6)) * 10.0 ** np.arange(-3, 3)
    rows[:, 4] = rows[:, 3]  # told apart by nothing but the ridge
    target, ridge = rng.normal(size=30), np.full(6, 1e-9)
    model = Equations(matrix=rows.T @ rows, gradient=-rows.T @ target, value=float(target @ target))
    x, loss = solve_linear(model, ridge)
    assert loss == pytest.approx(((rows @ x - target) ** 2).sum(), rel=1e-6)
    best = np.linalg.lstsq(rows, target, rcond=1e-12)[0]
    assert loss == pytest.approx(((rows @ best - target) ** 2).sum(), rel=1e-6)
    assert x[3] == pytest.approx(x[4], rel=1e-3)


def test_a_column_of_zeros_gets_zero():
    model = Equations(matrix=np.diag([2.0, 0.0]), gradient=np.array([-1.0, 0.0]), value=1.0)
    x, loss = solve_linear(model, np.zeros(2))
    np.testing.assert_allclose(x, [0.5, 0.0])
    assert loss == pytest.approx(0.5)


def test_loss_falls_and_the_model_predicts_by_how_much(frames):
    problem = make(frames[:6])
    shape = problem.radial_shape
    state = begin(problem, random_radial(shape, np.ones((3, 3), bool), np.random.default_rng(0)), [0, 1, 2, 3], 1e-9)
    losses = [state.loss]
    for _ in range(25):
        state, trials = step(problem, state, [0, 1, 2, 3])
        assert trials >= 1
        losses.append(state.loss)
        ridge = state.ridge @ state.linear**2
        assert state.loss == pytest.approx(problem.loss(state.radial, state.linear, [0, 1, 2, 3]) + ridge, rel=1e-6)
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    assert losses[-1] < 0.01 * losses[0]


def test_true_coefficients_are_found_and_stay():
    """Labels of a potential of the same form: its radial functions and one linear solve reproduce them."""
    from betalps import MTP

    true = Potential.from_level(6, cases.SPECIES, cutoff=5.0, min_dist=1.5, rng=3)
    frames = [cases.label(atoms, MTP(true, threads=1)) for atoms in cases.structures(5)]
    problem = Problem(
        true, read_labels(frames), Weights(), references=np.array([1.0, -2.0, 3.0]), threads=1, penalty=0.0
    )
    state = begin(problem, radial_of(true), problem.everything, 0.0)
    assert state.loss < 1e-12
    found = problem.potential(state.radial, state.linear)
    atoms = cases.structures(1, seed=9)[0]
    forces = cases.label(atoms, MTP(found, threads=1)).get_forces()
    np.testing.assert_allclose(forces, cases.label(atoms, MTP(true, threads=1)).get_forces(), atol=1e-4)


def test_a_minimum_is_noticed():
    """Nothing can be better than a loss of zero."""
    problem = make([cases.dimer(2.5, 0.0)], level=2)
    problem.penalty = 0.0
    state = begin(problem, np.zeros(problem.radial_shape), [0], 1e-9)
    assert state.loss == 0.0
    state, _ = step(problem, state, [0])
    assert stalled(state)
    assert state.loss == 0.0


def test_species_without_data_leave_the_others_alone(frames):
    """A species that no frame holds adds rows of zeros, which neither fail nor change the search."""
    radial = random_radial((3, 3, 2, 8), np.ones((3, 3), bool), np.random.default_rng(0))
    known = make(frames[:3])
    more = make(frames[:3], species=(*cases.SPECIES, "Cl"))
    widened = np.zeros(more.radial_shape)
    widened[:3, :3] = radial
    first, second = (begin(p, r, [0, 1, 2], 1e-9) for p, r in ((known, radial), (more, widened)))
    for _ in range(4):
        first, second = step(known, first, [0, 1, 2])[0], step(more, second, [0, 1, 2])[0]
    assert np.isfinite(second.loss)
    assert second.loss < 2 * first.loss
    np.testing.assert_array_equal(second.radial[3], 0)
    np.testing.assert_array_equal(second.radial[:, 3], 0)
