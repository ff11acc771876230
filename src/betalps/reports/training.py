"""Plots of training: how the loss fell, how predictions compare with labels, and the grid of hyper-parameters."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from betalps.reports.style import ACCENT, INK, OTHERS, drawing, faint_grid
from betalps.training import ErrorReport, Errors, GridPoint, GridResult, TrainingResult
from betalps.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_PANELS = (
    ("energy_mae", "energies", "MAE of energy  (meV/atom)"),
    ("force_mae", "forces", "MAE of force components  (meV/Å)"),
)
_DENSE = 5000  # points above which a parity plot shows their density


def plot_loss(result: TrainingResult) -> Figure:
    """Training and held-out loss against processor time.

    Parameters
    ----------
    result
        What `betalps.training.fit` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Thin lines: searches on a subset; thick ones: all data; dashed: held-out data, their lowest value marked.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.add_subplot()
        most = max(iteration.configurations for iteration in result.history)
        told: set[str] = set()
        for _, group in itertools.groupby(result.history, key=lambda iteration: iteration.leg):
            leg = list(group)
            whole = leg[0].configurations == most
            name = "all data" if whole else f"a subset of {leg[0].configurations}"
            axes.plot(
                [iteration.cpu_seconds for iteration in leg],
                [iteration.loss for iteration in leg],
                color=ACCENT if whole else "#8fb3d9",
                lw=2.0 if whole else 1.0,
                label=None if name in told else name,
            )
            told.add(name)
            held = [(i.cpu_seconds, i.held_out["loss"]) for i in leg if "loss" in i.held_out]
            if held:
                times, losses = np.array(held).T
                axes.plot(times, losses, color=OTHERS, ls="--", label=None if "held" in told else "held out")
                axes.plot(times[losses.argmin()], losses.min(), "o", ms=5, color=OTHERS)
                told.add("held")
        axes.set(yscale="log", xlabel="processor time  (s)", ylabel="loss  (weighted squares, dimensionless)")
        faint_grid(axes)
        axes.legend()
    return figure


def plot_parity(report: ErrorReport, title: str = "") -> Figure:
    """Predictions against labels: energy, force and stress components.

    Parameters
    ----------
    report
        What `betalps.training.evaluate` returned.
    title
        Above the plots.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels with the line of equality and the mean absolute errors; where there are very many points
        their density.
    """
    from matplotlib.figure import Figure

    overall = report.overall
    panels = [
        ("energy  (eV/atom)", report.energies, overall.energy, 1e3, "meV/atom"),
        ("force component  (eV/Å)", report.forces, overall.force, 1e3, "meV/Å"),
        ("stress component  (GPa)", report.stresses, overall.stress, 1.0, "GPa"),
    ]
    with drawing():
        figure = Figure(figsize=(10.2, 3.6), layout="constrained")
        for axes, (label, pairs, errors, factor, unit) in zip(figure.subplots(1, 3), panels, strict=True):
            _parity(axes, pairs)
            axes.set(xlabel=f"labelled {label}", ylabel=f"predicted {label}")
            axes.text(0.04, 0.96, _told(errors, factor, unit), transform=axes.transAxes, va="top", fontsize=9)
        if title:
            figure.suptitle(title)
    return figure


def _parity(axes: Axes, pairs: Floats) -> None:
    if not len(pairs):
        axes.text(0.5, 0.5, "no labels", transform=axes.transAxes, ha="center")
        return
    low, high = float(pairs.min()), float(pairs.max())
    margin = 0.05 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    axes.axline((low, low), slope=1, color=INK, lw=0.7)
    if len(pairs) > _DENSE:
        axes.hexbin(*pairs.T, gridsize=80, bins="log", mincnt=1, cmap="viridis", extent=(*ends, *ends), lw=0.1)
    else:
        axes.plot(*pairs.T, ".", ms=3, color=ACCENT, alpha=0.6)
    axes.set(xlim=ends, ylim=ends, aspect="equal")


def _told(errors: Errors, factor: float, unit: str) -> str:
    if not errors.count:
        return ""
    return f"MAE {factor * errors.mae:.3g} {unit}\nRMSE {factor * errors.rmse:.3g}\nlargest {factor * errors.max:.3g}"


def plot_grid(result: GridResult, radial_size: int | None = None) -> Figure:
    """The two heat maps of a grid: held-out errors of energy and of forces over level and cutoff.

    Parameters
    ----------
    result
        What `betalps.training.grid_search` returned.
    radial_size
        The basis size to show; None takes the first.

    Returns
    -------
    matplotlib.figure.Figure
        Each cell holds its error and its cost in µs per atom; colours are logarithmic. Where the held-out data have
        no labels of a property, its panel says so.

    Raises
    ------
    ValueError
        No point has a basis of this size, or none has a potential.
    """
    from matplotlib.figure import Figure

    size = result.points[0].radial_size if radial_size is None else radial_size
    points = {(p.level, p.cutoff): p for p in result.points if p.radial_size == size}
    if not points:
        raise ValueError(f"the grid has no point with {size} radial basis functions")
    if all(point.failed for point in points.values()):
        raise ValueError(f"no fit of the grid with {size} radial basis functions succeeded: there is nothing to show")
    with drawing():
        figure = Figure(
            figsize=(10.2, max(0.55 * len({level for level, _ in points}) + 1.2, 3.0)), layout="constrained"
        )
        left, right = figure.subplots(1, 2)
        for axes, (name, kind, label) in zip((left, right), _PANELS, strict=True):
            if any(math.isfinite(getattr(point, name)) for point in points.values()):
                _heat(axes, points, name, label)
            else:
                _without(axes, kind)
    return figure


def _heat(axes: Axes, points: dict[tuple[int, float], GridPoint], name: str, label: str) -> None:
    from matplotlib.colors import LogNorm

    levels, cutoffs = sorted({level for level, _ in points}), sorted({cutoff for _, cutoff in points})
    table = np.full((len(levels), len(cutoffs)), np.nan)
    for (level, cutoff), point in points.items():
        table[levels.index(level), cutoffs.index(cutoff)] = 1e3 * getattr(point, name)
    least = table[table > 0].min(initial=np.nanmax(table) or 1.0)
    norm = LogNorm(least, max(np.nanmax(table), 1.001 * least))
    image = axes.imshow(np.ma.masked_invalid(table), norm=norm, cmap="viridis", origin="lower", aspect="auto")
    for (level, cutoff), point in points.items():
        row, column = levels.index(level), cutoffs.index(cutoff)
        value = table[row, column]
        text = f"{value:.3g}\n{point.cost:.2g} µs" if np.isfinite(value) else "failed"
        dark = np.isfinite(value) and norm(value) < 0.6
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else INK)
    axes.set_xticks(range(len(cutoffs)), [f"{cutoff:g}" for cutoff in cutoffs])
    axes.set_yticks(range(len(levels)), [str(level) for level in levels])
    axes.set(xlabel="cutoff  (Å)", ylabel="level")
    bar = cast("Any", axes.figure).colorbar(image, ax=axes, label=label)
    _plain_ticks(bar.ax.yaxis)


def _without(axes: Axes, kind: str) -> None:
    """A panel for a property that no held-out frame has a label of."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, f"no held-out labels of {kind}", transform=axes.transAxes, ha="center")


def _plain_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2, 5, written out."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def plot_cost(result: GridResult) -> Figure:
    """Held-out errors of energy and of forces against the cost of a potential.

    Parameters
    ----------
    result
        What `betalps.training.grid_search` returned.

    Returns
    -------
    matplotlib.figure.Figure
        One line for each cutoff and basis size; the numbers at the points are levels. Where the held-out data have
        no labels of a property, its panel says so.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    found = [point for point in result.points if point.complete]
    keys = sorted({(point.cutoff, point.radial_size) for point in found})
    sizes = len({size for _, size in keys}) > 1
    with drawing():
        figure = Figure(figsize=(10.2, 4.0), layout="constrained")
        drawn: Axes | None = None
        for axes, (name, kind, label) in zip(figure.subplots(1, 2), _PANELS, strict=True):
            if not any(math.isfinite(getattr(point, name)) for point in found):
                _without(axes, kind)
                continue
            shades = colormaps["plasma"](np.linspace(0.05, 0.82, max(len(keys), 2)))
            for (cutoff, size), colour in zip(keys, shades, strict=False):
                line = sorted((p for p in found if (p.cutoff, p.radial_size) == (cutoff, size)), key=lambda p: p.cost)
                text = f"{cutoff:g} Å" + (f", {size} functions" if sizes else "")
                heights = [1e3 * getattr(p, name) for p in line]
                axes.plot([p.cost for p in line], heights, "o-", ms=4, color=colour, label=text)
                for point, height in zip(line, heights, strict=True):
                    axes.annotate(
                        str(point.level), (point.cost, height), (3, 3), textcoords="offset points", fontsize=8
                    )
            axes.set(xscale="log", yscale="log", xlabel="cost  (µs per atom)", ylabel=label)
            faint_grid(axes)
            _plain_ticks(axes.xaxis)
            _plain_ticks(axes.yaxis)
            drawn = axes
        if drawn is not None:
            drawn.legend(title="cutoff")
    return figure
