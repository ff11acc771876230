"""Normal equations and gradients against finite differences, and against the engine, which shares no code."""

import numpy as np
import pytest

from betalps import _core
from betalps.calculators import Engine
from betalps.errors import SpeciesError
from betalps.potentials import Potential
from betalps.training import LabelError, Weights
from betalps.training.accuracy import compare
from betalps.training.labels import read_labels
from betalps.training.penalty import by_function, from_functions, gauge_penalty
from betalps.training.problem import Problem, reference_energies
from betalps.training.sources import EnergyScale
from betalps.training.starts import random_radial
from training import cases

ONE_SOURCE = EnergyScale(reference="-", others=(), species=cases.SPECIES)


def problem_of(frames, level=8, weights=None, penalty=1e-6, **settings):
    form = Potential.from_level(level, cases.SPECIES, cutoff=5.0, min_dist=1.5)
    settings = {"references": np.zeros(3), "threads": 1, **settings}
    return Problem(form, read_labels(frames), weights or Weights(), penalty=penalty, **settings)


def coefficients(problem, seed=0):
    rng = np.random.default_rng(seed)
    radial = random_radial(problem.radial_shape, np.ones((3, 3), bool), rng)
    return radial, rng.normal(size=problem.form.coeffs_count - problem.radial_size)


def slope(function, step):
    """Fourth order in the step."""
    return (8 * (function(step) - function(-step)) - (function(2 * step) - function(-2 * step))) / (12 * step)


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("level", [6, 14])
def test_gradient_is_the_derivative_of_the_loss(frames, level, isa):
    problem = problem_of(frames[:2], level, Weights(force_scale=0.3), penalty=1e-3, isa=isa)
    radial, linear = coefficients(problem)
    everything = problem.everything
    gradient = 2 * problem.equations(radial, linear, everything).gradient
    rng = np.random.default_rng(1)
    for _ in range(3):
        d_radial, d_linear = rng.normal(size=radial.shape), rng.normal(size=linear.shape)
        exact = gradient @ np.concatenate([d_radial.ravel(), d_linear])
        measured = slope(
            lambda h, a=d_radial, b=d_linear: problem.loss(radial + h * a, linear + h * b, everything), 1e-3
        )
        assert measured == pytest.approx(exact, rel=1e-8)


def test_every_component_of_the_gradient(frames):
    problem = problem_of(frames[:1], 4)
    radial, linear = coefficients(problem)
    gradient = 2 * problem.equations(radial, linear, [0]).gradient
    at = np.concatenate([radial.ravel(), linear])
    n = problem.radial_size

    def loss(k, h):
        moved = at.copy()
        moved[k] += h
        return problem.loss(moved[:n].reshape(radial.shape), moved[n:], [0])

    measured = [slope(lambda h, k=k: loss(k, h), 1e-3) for k in range(len(at))]
    np.testing.assert_allclose(measured, gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())


@pytest.mark.parametrize("part", ["energy", "force", "stress"])
def test_matrix_is_that_of_the_engines_derivatives(frames, part):
    """J by finite differences of the engine's energies, forces and stresses; A = JᵀWJ, g = JᵀWr."""
    atoms = frames[0]
    weights = Weights(**{"energy": 0.0, "force": 0.0, "stress": 0.0, part: 0.7})
    problem = problem_of([atoms], 6, weights, penalty=0.0)
    radial, linear = coefficients(problem)
    at = np.concatenate([radial.ravel(), linear])
    n = problem.radial_size

    def predicted(values):
        engine = Engine(problem.potential(values[:n].reshape(radial.shape), values[n:]), threads=1)
        out = engine.evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
        return {"energy": np.array([out.energy]), "force": out.forces.ravel(), "stress": out.virials.sum(axis=0)}[part]

    # linear in each coefficient's direction up to order 4: the stencil is exact to rounding
    rows = np.array([slope(lambda h, e=e: predicted(at + h * e), 1e-2) for e in np.eye(len(at))]).T
    sample = problem.samples[0]
    target = {"energy": sample.energy, "force": sample.forces, "stress": sample.virial}[part]
    weight = {
        "energy": np.array([weights.of_energy(sample)]),
        "force": np.repeat(weights.of_forces(sample), 3),
        "stress": weights.of_virial(sample),
    }[part]
    model = problem.equations(radial, linear, [0])
    residual = predicted(at) - np.ravel(target)
    np.testing.assert_allclose(model.matrix, rows.T * weight @ rows, rtol=0, atol=1e-8 * np.abs(model.matrix).max())
    np.testing.assert_allclose(
        model.gradient, rows.T @ (weight * residual), rtol=0, atol=1e-8 * np.abs(model.gradient).max()
    )
    assert model.value == pytest.approx(weight @ residual**2, rel=1e-10)


def test_one_row_makes_a_matrix_of_rank_one(frames):
    """With a single label A = w j jᵀ and g = w r j, so that A w r² = g gᵀ."""
    problem = problem_of(frames[:1], 14, Weights(force=0, stress=0), penalty=0.0)
    model = problem.equations(*coefficients(problem), [0])
    outer = np.outer(model.gradient, model.gradient)
    np.testing.assert_allclose(model.matrix * model.value, outer, rtol=0, atol=1e-12 * np.abs(outer).max())


@pytest.mark.parametrize(
    "weights",
    [Weights(), Weights(energy=2, force=0.3, stress=0.05, size_exponent=2, force_scale=0.1), Weights(stress=0)],
)
def test_loss_is_that_of_the_report(frames, weights):
    """The loss of the normal equations and the one summed from the engine's predictions."""
    chosen = [atoms.copy() for atoms in frames[:4]]
    for atoms, old, weight in zip(chosen, frames, (1.0, 0.5, 3.0, 0.0), strict=False):
        atoms.calc = old.calc
        atoms.info["config_weight"] = weight
    problem = problem_of(chosen, weights=weights, penalty=0.0, references=np.array([-1.0, 2.0, -3.0]))
    radial, linear = coefficients(problem)
    report = compare(Engine(problem.potential(radial, linear), threads=1), read_labels(chosen), weights)
    assert len(problem.samples) == 3
    assert problem.loss(radial, linear, problem.everything) == pytest.approx(report.loss, rel=1e-10)
    assert problem.equations(radial, linear, problem.everything).value == pytest.approx(report.loss, rel=1e-10)


def test_linear_equations_are_the_block_of_the_full_ones(frames):
    problem = problem_of(frames[:3], 10)
    radial, linear = coefficients(problem)
    full, part = (
        problem.equations(radial, linear, [0, 2]),
        problem.linear_equations(radial, [0, 2]),
    )
    n = problem.radial_size
    np.testing.assert_allclose(full.matrix[n:, n:], part.matrix, rtol=0, atol=1e-12 * part.matrix.max())
    moved = part.gradient + part.matrix @ linear
    np.testing.assert_allclose(full.gradient[n:], moved, rtol=0, atol=1e-12 * np.abs(moved).max())


def test_threads_and_instruction_sets_agree(frames):
    one = problem_of(frames[:5])
    at = coefficients(one)
    first = one.equations(*at, one.everything)
    others = [problem_of(frames[:5], threads=3), *(problem_of(frames[:5], isa=i) for i in _core.available_isas())]
    for other in others:
        model = other.equations(*at, other.everything)
        np.testing.assert_allclose(model.matrix, first.matrix, rtol=0, atol=1e-12 * first.matrix.max())
        assert model.value == pytest.approx(first.value, rel=1e-12)


def test_unknown_species_names_the_frame(frames):
    form = Potential.from_level(2, ["Li", "S"], cutoff=5.0, min_dist=1.5)
    with pytest.raises(SpeciesError, match=r"frame 0 holds P; .*\['Li', 'S'\]"):
        Problem(form, read_labels(frames), Weights(), references=np.zeros(2), threads=1, penalty=0)


def test_nothing_to_fit(frames):
    atoms = frames[0].copy()
    with pytest.raises(LabelError, match="no frame has a label with a positive weight"):
        problem_of([atoms])


def test_reference_energies_are_those_of_the_species():
    frames = [cases.dimer(3.0, -3.5, "LiS"), cases.dimer(3.0, -5.0, "S2"), cases.dimer(3.0, -2.0, "Li2")]
    np.testing.assert_allclose(reference_energies(read_labels(frames), ONE_SOURCE)[0], [-1.0, 0.0, -2.5])


def test_penalty_and_its_derivatives():
    rng = np.random.default_rng(0)
    radial = rng.normal(size=(2, 2, 3, 4))
    vectors = by_function(radial)
    np.testing.assert_array_equal(from_functions(vectors, radial.shape), radial)
    gram = vectors @ vectors.T
    expected = ((np.diag(gram) - 1) ** 2).sum() + (np.tril(gram, -1) ** 2).sum()
    rows, residuals = gauge_penalty(radial, 0.1)
    assert residuals @ residuals == pytest.approx(0.1 * expected)
    direction = rng.normal(size=radial.shape)
    measured = slope(lambda h: gauge_penalty(radial + h * direction, 0.1)[1], 1e-2)
    np.testing.assert_allclose(rows @ direction.ravel(), measured, rtol=1e-9)
    assert np.abs(gauge_penalty(random_radial((3, 3, 4, 8), np.ones((3, 3), bool), rng), 1.0)[1]).max() < 1e-14
