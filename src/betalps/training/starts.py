"""Where the search begins: radial functions at random, of a pair potential, or of another potential."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from betalps.potentials import Potential
from betalps.training.labels import Sample
from betalps.training.linear import solve_linear
from betalps.training.penalty import by_function, from_functions
from betalps.training.problem import Equations, Problem
from betalps.training.sources import EnergyScale
from betalps.training.weights import Weights
from betalps.typing import Bools, Floats


def random_radial(shape: tuple[int, ...], seen: Bools, rng: np.random.Generator) -> Floats:
    """Orthonormal coefficient vectors of normally distributed numbers.

    Parameters
    ----------
    shape
        (species, species, μ, n).
    seen
        Pairs of species that the data hold, shape (species, species). The others get zeros, and keep them:
        a potential that extrapolates should not do so at random.
    rng
        Where the numbers come from.
    """
    return _orthonormal(rng.normal(size=shape), seen)


def pair_radial(
    form: Potential,
    samples: Sequence[Sample],
    weights: Weights,
    seen: Bools,
    rng: np.random.Generator,
    threads: int,
    scale: EnergyScale | None = None,
) -> Floats:
    """Radial functions of which the first is the pair potential that fits the data best; the others at random.

    A pair potential Σ_j Σ_n c_n Q_n(r_ij) is linear in its coefficients: the moment tensor potential of level
    2 with its one moment coefficient held at 1.
    """
    pair = Potential.from_level(
        2,
        form.species,
        cutoff=form.cutoff,
        min_dist=form.min_dist,
        radial_size=form.core.radial_size,
        scaling=form.scaling,
    )
    count = len(form.species)
    references = np.zeros(count)
    problem = Problem(pair, samples, weights, references=references, threads=threads, penalty=0.0, scale=scale)
    at = np.concatenate([references, [1.0], np.zeros(problem.scale.size)])
    model = problem.equations(np.zeros(problem.radial_shape), at, problem.everything)
    keep = np.delete(np.arange(len(model.gradient)), problem.radial_size + count)  # all but the moment coefficient
    fixed = Equations(matrix=model.matrix[np.ix_(keep, keep)], gradient=model.gradient[keep], value=model.value)
    solution, _ = solve_linear(fixed, 1e-10 * np.diag(fixed.matrix))
    shape = (count, count, form.core.radial_count, form.core.radial_size)
    radial = rng.normal(size=shape)
    radial[:, :, 0] = solution[: problem.radial_size].reshape(count, count, -1)
    return _orthonormal(radial, seen)


def radial_of(potential: Potential) -> Floats:
    """Radial coefficients of a fitted potential, every vector scaled to length 1.

    The scales are absorbed by the linear coefficients, which are solved for anew.

    Raises
    ------
    ValueError
        It has no coefficients.
    """
    if potential.radial_coeffs is None:
        raise ValueError(f"a warm start needs a potential with coefficients; {potential!r} has none")
    vectors = by_function(potential.radial_coeffs)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return from_functions(vectors / np.where(lengths > 0, lengths, 1.0), potential.radial_coeffs.shape)


def _orthonormal(radial: Floats, seen: Bools) -> Floats:
    """Orthonormalise the vectors of the radial functions, the first of which keeps its direction."""
    mask = np.broadcast_to(seen[:, :, None, None], radial.shape)
    vectors = by_function(radial * mask)
    if len(vectors) <= mask[:, :, 0].sum():
        directions, upper = np.linalg.qr(vectors.T)
        vectors = (directions * np.where(np.diag(upper) < 0, -1.0, 1.0)).T
    else:  # more functions than dimensions
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return from_functions(vectors, radial.shape) * mask  # rounding leaves no zeros
