"""BFGS on all coefficients at once: what the field uses, here for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from betalps.training.levenberg import State
from betalps.training.problem import Problem
from betalps.typing import Floats

_CURVATURE = 1e-4  # Armijo: the part of the predicted decrease that a step must bring
_HALVINGS = 30


def minimise(problem: Problem, state: State, members: Sequence[int], iterations: int) -> Iterator[State]:
    """Iterate BFGS with a backtracking line search; ends early where no step lowers the loss.

    Nocedal and Wright, Numerical Optimization (2006), algorithm 6.1. Coefficients are scaled by the root of the
    diagonal of the normal equations at the start, without which it needs several times the iterations.

    Parameters
    ----------
    problem
        The data.
    state
        Where to begin.
    members
        Configurations that take part.
    iterations
        At most.

    Yields
    ------
    State
        After each iteration.
    """
    matrix = problem.equations(state.radial, state.linear, members).matrix
    diagonal = np.diag(matrix)
    scale = 1 / np.sqrt(np.maximum(diagonal, 1e-12 * diagonal.max()))
    at = np.concatenate([state.radial.ravel(), state.linear])
    loss, slope = _value(problem, state, at, members)
    slope = slope * scale
    inverse = np.eye(len(at)) / max(float(np.linalg.norm(slope)), 1e-300)
    for iteration in range(iterations):
        direction = -inverse @ slope
        found = _backtrack(problem, state, at, scale * direction, loss, float(slope @ direction), members)
        if found is None:
            return
        length, loss, new_slope = found
        at = at + length * scale * direction
        moved, change = length * direction, new_slope * scale - slope
        slope = new_slope * scale
        overlap = float(moved @ change)
        if overlap > 0:
            if iteration == 0:
                inverse = np.eye(len(at)) * overlap / float(change @ change)
            inverse = _updated(inverse, moved, change, overlap)
        n = problem.radial_size
        yield replace(state, radial=at[:n].reshape(state.radial.shape), linear=at[n:], loss=loss)


def _updated(inverse: Floats, moved: Floats, change: Floats, overlap: float) -> Floats:
    image = inverse @ change
    cross = np.outer(image, moved)
    factor = (overlap + change @ image) / overlap**2
    return np.asarray(inverse + factor * np.outer(moved, moved) - (cross + cross.T) / overlap)


def _value(problem: Problem, state: State, at: Floats, members: Sequence[int]) -> tuple[float, Floats]:
    n = problem.radial_size
    model = problem.equations(at[:n].reshape(state.radial.shape), at[n:], members)
    loss = model.value + state.ridge @ at[n:] ** 2
    gradient = 2 * model.gradient
    gradient[n:] += 2 * state.ridge * at[n:]
    return float(loss), gradient


def _backtrack(
    problem: Problem, state: State, at: Floats, direction: Floats, loss: float, slope: float, members: Sequence[int]
) -> tuple[float, float, Floats] | None:
    length = 1.0
    for _ in range(_HALVINGS):
        lower, gradient = _value(problem, state, at + length * direction, members)
        if np.isfinite(lower) and lower <= loss + _CURVATURE * length * slope:
            return length, lower, gradient
        length /= 2
    return None
