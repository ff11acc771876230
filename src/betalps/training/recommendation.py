"""Which potential of a grid to take: a rule, and its reasons in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from betalps.training.points import GridPoint, GridResult


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The point to take.

    Attributes
    ----------
    point
        It.
    rule
        How it was chosen, in words, for any grid.
    reason
        Its numbers beside those of the most accurate point, in words.
    """

    point: GridPoint
    rule: str
    reason: str


def recommend(result: GridResult, *, tolerance: float = 0.25, budget: float | None = None) -> Recommendation:
    """Choose the cheapest point that is nearly as accurate as any.

    Parameters
    ----------
    result
        A grid with costs.
    tolerance
        How much larger than the least of the grid the held-out mean absolute errors of energy and of forces may
        be, as a fraction.
    budget
        Largest cost, µs per atom; None for no limit.

    Returns
    -------
    Recommendation

    Raises
    ------
    ValueError
        No point has a result, or none is within the budget.
    """
    points = [point for point in result.points if point.complete]
    if not points:
        raise ValueError("no fit of the grid succeeded: there is nothing to recommend")
    within = [point for point in points if budget is None or point.cost <= budget]
    if not within:
        cheapest = min(point.cost for point in points)
        raise ValueError(f"no point costs {budget:g} µs/atom or less; the cheapest costs {cheapest:.2f}")
    energy = min((p.energy_mae for p in within if math.isfinite(p.energy_mae)), default=math.inf)
    force = min((p.force_mae for p in within if math.isfinite(p.force_mae)), default=math.inf)
    chosen = min(within, key=lambda p: (_excess(p, energy, force, tolerance), p.cost))
    limit = "" if budget is None else f" that costs at most {budget:g} µs/atom"
    rule = (
        f"Of all potentials{limit}, take the cheapest whose held-out mean absolute errors of energy and of forces "
        f"are both at most {tolerance:.0%} above the lowest of each; where none is, take the one that exceeds these "
        "bounds by the smallest factor."
    )
    reason = (
        f"Level {chosen.level}, cutoff {chosen.cutoff:g} Å, {chosen.radial_size} basis functions: "
        f"{1e3 * chosen.energy_mae:.3g} meV/atom (lowest {1e3 * energy:.3g}), {1e3 * chosen.force_mae:.3g} meV/Å "
        f"(lowest {1e3 * force:.3g}) at {chosen.cost:.2f} µs/atom."
    )
    return Recommendation(point=chosen, rule=rule, reason=reason)


def _excess(point: GridPoint, energy: float, force: float, tolerance: float) -> float:
    """Factor by which the errors exceed their bounds; 0 within them. A property without labels has no say."""
    ratios = [
        value / lowest
        for value, lowest in ((point.energy_mae, energy), (point.force_mae, force))
        if math.isfinite(value) and 0 < lowest < math.inf
    ]
    worst = max(ratios, default=1.0)
    return 0.0 if worst <= 1 + tolerance else worst
