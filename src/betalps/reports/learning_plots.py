"""Plots of active learning: errors, grades and selections of every iteration."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.active_learning.loop.exploration import WHOLE
from betalps.reports.style import ACCENT, INK, OTHERS, drawing, faint_grid, outer_legend, temperature_colours
from betalps.typing import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = 6  # iterations whose grades are drawn: the first, and the last ones
_WIDE = 20.0  # ratio of errors beyond which their axis is logarithmic
_TOP = 3e3  # grades beyond are drawn there


def plot_learning_errors(results: Json) -> Figure:
    """Errors of energies and forces against the iteration (figure 3 of the reference study).

    Parameters
    ----------
    results
        What `betalps.active_learning.ActiveLearning.results` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: mean absolute errors on every test set (solid) and on the training set (dashed); diamonds for the
        fit from random starts that ends the loop.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    fits = [(entry["iteration"], entry["fit"]["errors"]) for entry in results["iterations"] if "fit" in entry]
    anew = [(entry["iteration"], entry["finish"]["errors"]) for entry in results["iterations"] if "finish" in entry]
    names = sorted({name for _, errors in fits for name in errors}, key=lambda name: (name == "training", name))
    colours = [ACCENT, OTHERS, "#2e7d4f", "#7b3f8c", "#666666"]
    with drawing():
        figure = Figure(figsize=(6.4, 3.0), layout="constrained")
        panels = (("energy_mae", "energy MAE  (meV/atom)"), ("force_mae", "force MAE  (meV/Å)"))
        for axes, (key, label) in zip(figure.subplots(1, 2), panels, strict=True):
            for number, name in enumerate(names):
                line: dict[str, Any] = {"ls": "-", "color": colours[number % len(colours)]}
                if name == "training":
                    line = {"ls": "--", "color": "#999999"}
                if points := _points(fits, name, key):
                    axes.plot(*points, marker="o", ms=4, label=name, **line)
                if points := _points(anew, name, key):
                    axes.plot(*points, "D", ms=6, mfc="white", color=line["color"])
            axes.set(xlabel="iteration", ylabel=label)
            values = [errors[name][key] for _, errors in fits + anew for name in names if errors.get(name, {}).get(key)]
            if values and max(values) > _WIDE * min(values):
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            faint_grid(axes, "y")
        figure.axes[0].legend()
    return figure


def _points(fits: list[tuple[int, Json]], name: str, key: str) -> list[tuple[float, ...]]:
    points = [(at, errors[name][key]) for at, errors in fits if errors.get(name, {}).get(key) is not None]
    return list(zip(*points, strict=True))


def plot_grades(results: Json) -> Figure:
    """Extrapolation grade against time of every run, a panel for an iteration.

    Parameters
    ----------
    results
        What `betalps.active_learning.ActiveLearning.results` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Coloured by temperature; crosses where a run broke; lines at gamma_select (dotted) and gamma_break (dashed). Of
        many iterations the first and the last ones.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    explored = [entry for entry in results["iterations"] if "explore" in entry]
    shown = explored if len(explored) <= _PANELS else [explored[0], *explored[1 - _PANELS :]]
    runs = [run for entry in shown for run in entry["explore"]["runs"]]
    colours = temperature_colours([run["temperature"] for run in runs])
    rows = -(-len(shown) // 3)
    with drawing():
        figure = Figure(figsize=(6.4, 0.5 + 2.1 * rows), layout="constrained")
        grid = figure.subplots(rows, min(3, len(shown)), sharex=True, sharey=True, squeeze=False).ravel()
        met = [grade for run in runs for grade in (*run["grades"], run["worst"] or 0.0) if grade > 0] or [1.0]
        top = min(2 * max(met), _TOP)
        grid[0].set(yscale="log", ylim=(0.7 * min(met), top))
        for axes, entry in zip(grid, shown, strict=False):
            _draw_grades(axes, entry, results["config"]["exploration"]["gamma_select"], top, colours)
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        figure.supxlabel("time  (ps)", fontsize=10)
        figure.supylabel("extrapolation grade", fontsize=10)
        keys = [Line2D([], [], color=colour) for colour in colours.values()]
        names = [f"{kelvin:g} K" for kelvin in colours]
        outer_legend(figure, (keys, names), "outside upper center", fontsize=8)
    return figure


def _draw_grades(axes: Axes, entry: Json, select: float, top: float, colours: dict[float, Any]) -> None:
    for run in entry["explore"]["runs"]:
        colour = colours[run["temperature"]]
        axes.plot(run["times"], np.minimum(run["grades"], top), color=colour, lw=0.9)
        if run["ended"] not in WHOLE:
            worst = top if run["worst"] is None else min(run["worst"], top)
            axes.plot(run["time"], worst, "x", color=colour, ms=5, mew=1.4, clip_on=False)
    axes.axhline(select, color=INK, ls=":", lw=0.8)
    axes.axhline(entry["explore"]["gamma_break"], color=INK, ls="--", lw=0.8)
    axes.set_title(f"iteration {entry['iteration']}", fontsize=9)


def plot_selections(results: Json) -> Figure:
    """Number of new structures of every iteration, by group.

    Parameters
    ----------
    results
        What `betalps.active_learning.ActiveLearning.results` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Stacked bars.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    chosen = _chosen(results)
    groups = sorted({group for counts in chosen.values() for group in counts})
    shades = colormaps["viridis"](np.linspace(0.1, 0.9, max(len(groups), 2)))
    with drawing():
        figure = Figure(figsize=(6.4, 2.8), layout="constrained")
        axes = figure.add_subplot()
        below = np.zeros(len(chosen))
        for group, shade in zip(groups, shades, strict=False):
            counts = np.array([found[group] for found in chosen.values()], dtype=float)
            axes.bar(list(chosen), counts, bottom=below, color=shade, label=group, width=0.7)
            below += counts
        axes.set(xlabel="iteration", ylabel="new structures")
        for which in (axes.xaxis, axes.yaxis):
            which.set_major_locator(MaxNLocator(integer=True))
        if groups:
            axes.legend(ncols=2 if len(groups) > 5 else 1)
    return figure


def _chosen(results: Json) -> dict[int, Counter[str]]:
    return {
        entry["iteration"]: Counter(one["group"] for one in entry["select"]["selected"])
        for entry in results["iterations"]
        if "select" in entry
    }
