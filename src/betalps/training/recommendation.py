"""Which potential of a grid to take: a rule, and its reasons in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from betalps.training.points import GridPoint, GridResult

_UNITS = {"energy_mae": ("energy", "meV/atom"), "force_mae": ("forces", "meV/Å")}


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
        be, as a fraction. Where the held-out data have labels of one of them only, that one decides.
    budget
        Largest cost, µs per atom; None for no limit.

    Returns
    -------
    Recommendation

    Raises
    ------
    ValueError
        No point has a result, none is within the budget, or the held-out data have neither energies nor forces.
    """
    points = [point for point in result.points if point.complete]
    if not points:
        raise ValueError("no fit of the grid succeeded: there is nothing to recommend")
    within = [point for point in points if budget is None or point.cost <= budget]
    if not within:
        cheapest = min(point.cost for point in points)
        raise ValueError(f"no point costs {budget:g} µs/atom or less; the cheapest costs {cheapest:.2f}")
    lowest = _lowest(within)
    if not lowest:
        raise ValueError(
            "the held-out data have neither energies nor forces, so the potentials of the grid cannot be compared; "
            "expected labels of at least one of them"
        )
    chosen = min(within, key=lambda p: (_excess(p, lowest, tolerance), p.cost))
    limit = "" if budget is None else f" that costs at most {budget:g} µs/atom"
    errors = ", ".join(
        f"{1e3 * getattr(chosen, name):.3g} {_UNITS[name][1]} (lowest {1e3 * least:.3g})"
        for name, least in lowest.items()
    )
    reason = (
        f"Level {chosen.level}, cutoff {chosen.cutoff:g} Å, {chosen.radial_size} basis functions: {errors} "
        f"at {chosen.cost:.2f} µs/atom."
    )
    return Recommendation(point=chosen, rule=_rule(limit, tolerance, lowest), reason=reason)


def _rule(limit: str, tolerance: float, lowest: dict[str, float]) -> str:
    head = f"Of all potentials{limit}, take the cheapest whose held-out mean absolute"
    if len(lowest) == len(_UNITS):
        return (
            f"{head} errors of energy and of forces are both at most {tolerance:.0%} above the lowest of each; where "
            "none is, take the one that exceeds these bounds by the smallest factor."
        )
    (there,) = (_UNITS[name][0] for name in lowest)
    (missing,) = (kind for name, (kind, _) in _UNITS.items() if name not in lowest)
    return (
        f"{head} error of {there} is at most {tolerance:.0%} above the lowest. The held-out data have no labels of "
        f"{missing}: how good the potentials are at that is not known."
    )


def _lowest(points: Sequence[GridPoint]) -> dict[str, float]:
    """The least error of each property that has any."""
    found = {name: [error for p in points if math.isfinite(error := getattr(p, name))] for name in _UNITS}
    return {name: min(errors) for name, errors in found.items() if errors}


def _excess(point: GridPoint, lowest: dict[str, float], tolerance: float) -> float:
    """Factor by which the errors exceed their bounds; 0 within them."""
    ratios = [
        value / least for name, least in lowest.items() if math.isfinite(value := getattr(point, name)) and least > 0
    ]
    worst = max(ratios, default=1.0)
    return 0.0 if worst <= 1 + tolerance else worst
