"""A picture of the common cells that two planes nearly have, to choose a twist or an asymmetric boundary from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.reports.style import INK, drawing
from betalps.structures import Candidate, Candidates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHOSEN = "#b3123f"
_STRAIN_FLOOR = 0.01  # per cent; the colours of smaller strains are the same
_TRIVIAL = 3.0  # degrees; with strain enough every lattice fits itself at such angles


def plot_candidates(candidates: Candidates, chosen: Candidate | int | None = None, *, labels: int = 12) -> Figure:
    """Draw the common cells that two planes nearly have: area against angle, coloured by strain.

    Parameters
    ----------
    candidates
        What `twist_candidates` or `asymmetric_candidates` listed.
    chosen
        One of them, or its number: it is marked.
    labels
        How many to label, at most, with number in the list, angle and strain: of those that no other within 2° beats
        in both area and strain those with the least product of the two, where there is room. The crystal itself, turned
        by less than 3°, is left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        The list is empty, or has no such candidate.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    if not len(candidates):
        raise ValueError(f"{candidates.title}: no candidates to draw; allow more strain or area")
    if isinstance(chosen, int) and not 0 <= chosen < len(candidates):
        raise ValueError(f"candidate {chosen}: the list has {len(candidates)}, counted from 0")
    marked = candidates[chosen] if isinstance(chosen, int) else chosen
    angles, areas, strains = np.array([(c.angle, c.area, 100 * c.strain) for c in candidates]).T
    order = np.argsort(-strains)  # the least strained on top
    with drawing():
        figure = Figure(figsize=(6.8, 4.2), layout="constrained")
        axes = figure.add_subplot()
        points = axes.scatter(
            angles[order],
            areas[order],
            c=np.maximum(strains[order], _STRAIN_FLOOR),
            norm=LogNorm(_STRAIN_FLOOR, max(strains.max(), 10 * _STRAIN_FLOOR)),
            cmap="viridis",
            s=26,
            lw=0.4,
            edgecolors="white",
        )
        bar = figure.colorbar(points, ax=axes, pad=0.02)
        bar.set_label("strain between the grains  (%)")
        bar.ax.yaxis.set_major_formatter("{x:g}")
        if marked is not None:
            axes.plot(marked.angle, marked.area, "o", ms=11, mfc="none", mec=_CHOSEN, mew=1.6)
        axes.set(xlabel="angle between the grains  (°)", ylabel="area of the common cell  (Å²)", title=candidates.title)
        axes.set_ylim(0, 1.06 * areas.max())
        axes.set_xlim(angles.min() - 3, angles.max() + 0.14 * (np.ptp(angles) + 10))  # room for the last label
        _label_candidates(axes, candidates, labels)
    return figure


def _label_candidates(axes: Axes, candidates: Candidates, most: int) -> None:
    """Label the best, one after the other, where no label is yet."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    taken: list[tuple[float, float]] = []
    for number in _worth_a_label(candidates):
        one = candidates[number]
        place = (one.angle - left) / (right - left), (one.area - bottom) / (top - bottom)
        if len(taken) == most:
            return
        if any(abs(place[0] - x) < 0.21 and abs(place[1] - y) < 0.045 for x, y in taken):
            continue
        taken.append(place)
        text = f"#{number}: {one.angle:.2f}°, {100 * one.strain:.2g} %"
        axes.annotate(
            text, (one.angle, one.area), (4, 3), textcoords="offset points", fontsize=7, color=INK, zorder=5
        ).set_path_effects(_halo())


def _halo() -> list[Any]:
    """A white border, for text on top of points."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.2, foreground="white")]


def _worth_a_label(candidates: Candidates) -> list[int]:
    """Numbers of those that no other of nearly the same angle beats in both area and strain, the best first."""
    angles, areas, strains = np.array([(c.angle, c.area, c.strain) for c in candidates]).T
    kept = []
    for n in np.flatnonzero(angles > _TRIVIAL).tolist():
        near = np.abs(angles - angles[n]) < 2.0
        better = near & (areas <= areas[n] + 0.1) & (strains < strains[n] - 1e-9)
        same = near & (np.abs(areas - areas[n]) <= 0.1) & (np.abs(strains - strains[n]) <= 1e-9)
        if not better.any() and int(np.flatnonzero(same)[0]) == n:
            kept.append(n)
    return sorted(kept, key=lambda n: float(areas[n] * max(strains[n], 1e-4)))
