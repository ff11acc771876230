"""Variable projection and Levenberg-Marquardt: the step that trains a potential.

The energy is linear in species and moment coefficients, so that these follow from the radial ones by a linear
solve, and only the radial ones are searched for. Golub and Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), with
Kaufman's Jacobian, BIT 15, 49 (1975), which is what one gets by not damping the linear block of the normal
equations; damping by Nielsen, IMM-REP-1999-05, Technical University of Denmark (1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from betalps.training.linear import solve_linear
from betalps.training.problem import Equations, Problem
from betalps.typing import Floats

FIRST_DAMPING = 1e-3
_LEAST_DAMPING, _MOST_DAMPING = 1e-12, 1e6
_JITTER = 1e-10  # of the linear block's diagonal, so that a singular block has a Cholesky factor


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """Everything that decides how the search goes on.

    Attributes
    ----------
    radial
        Shape (species, species, μ, n).
    linear
        Species coefficients relative to the references, then moment coefficients.
    ridge
        Ridge of each linear coefficient.
    loss
        With penalty and ridge.
    damping, growth
        λ in units of the mean diagonal of the radial block, and the factor at its next growth.
    """

    radial: Floats
    linear: Floats
    ridge: Floats
    loss: float
    damping: float = FIRST_DAMPING
    growth: float = 2.0


def begin(problem: Problem, radial: Floats, members: Sequence[int], ridge: float) -> State:
    """Solve for the linear coefficients at given radial ones.

    Parameters
    ----------
    problem
        The data.
    radial
        Radial coefficients.
    members
        Configurations that take part.
    ridge
        Relative to the diagonal of the linear normal equations here; stays as large in absolute terms, so
        that the search minimises one and the same function.
    """
    model = problem.linear_equations(radial, members)
    absolute = ridge * np.diag(model.matrix)
    linear, loss = solve_linear(model, absolute)
    return State(radial=radial, linear=linear, ridge=absolute, loss=loss)


def step(problem: Problem, state: State, members: Sequence[int]) -> tuple[State, int]:
    """One iteration: normal equations, then trials with growing damping until the loss falls.

    Returns
    -------
    State
        The same as before (but for its damping) when no trial lowered the loss: a minimum to rounding.
    int
        Trials.
    """
    model = _with_ridge(problem.equations(state.radial, state.linear, members), state)
    damping, growth = state.damping, state.growth
    trials = 0
    while damping <= _MOST_DAMPING:
        delta = _solve(model, problem.radial_size, damping)
        if delta is not None:
            trials += 1
            radial = state.radial + delta[: problem.radial_size].reshape(state.radial.shape)
            linear, loss = solve_linear(problem.linear_equations(radial, members), state.ridge)
            if loss < state.loss:
                predicted = float(-(2 * model.gradient @ delta + delta @ model.matrix @ delta))
                gain = float((state.loss - loss) / predicted) if predicted > 0 else 0.0
                shrink = max(1 / 5, 1 - (2 * gain - 1) ** 3)
                lower = min(max(damping * shrink, _LEAST_DAMPING), _MOST_DAMPING)
                return replace(state, radial=radial, linear=linear, loss=loss, damping=lower, growth=2.0), trials
        damping, growth = damping * growth, growth * 2
    return replace(state, damping=damping, growth=growth), trials


def stalled(state: State) -> bool:
    """Whether the last step found nothing better."""
    return state.damping > _MOST_DAMPING


def _with_ridge(model: Equations, state: State) -> Equations:
    n = len(model.gradient) - len(state.linear)
    matrix, gradient = model.matrix.copy(), model.gradient.copy()
    matrix[np.arange(n, len(matrix)), np.arange(n, len(matrix))] += state.ridge
    gradient[n:] += state.ridge * state.linear
    return Equations(matrix=matrix, gradient=gradient, value=model.value)


def _solve(model: Equations, radial_size: int, damping: float) -> Floats | None:
    """Solve (A + λ d 1_radial) δ = -g, the diagonal scaled to one; None where that is not positive definite.

    The same d for every radial coefficient: Marquardt's d_k = A_kk lets those that hardly matter run away.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    matrix = model.matrix.copy()
    diagonal = np.diag(matrix).copy()
    diagonal[:radial_size] += damping * diagonal[:radial_size].mean()
    diagonal[radial_size:] *= 1 + _JITTER
    diagonal[diagonal <= 0] = 1.0  # a scalar that is always zero: its row and column are, too
    np.fill_diagonal(matrix, diagonal)
    scale = 1 / np.sqrt(diagonal)
    try:
        factor = cho_factor(matrix * scale[:, None] * scale, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return np.asarray(-scale * cho_solve(factor, scale * model.gradient, check_finite=False))
