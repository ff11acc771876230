"""Plots of diffusion in a region: displacements, D against τ, how long ions stay, and the study's log D - ξ plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.analysis.transport.diffusion import Estimate
from betalps.analysis.transport.regional import RegionalDiffusion
from betalps.analysis.transport.survival import Survival
from betalps.analysis.transport.window import FitWindow
from betalps.reports.style import ACCENT, DIRECTIONS, INK, OTHERS, SERIES, drawing, faint_grid, outer_legend
from betalps.typing import Floats
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FOLLOWED = {
    "border": "ions that start inside across the border, ions that stay along it",
    "resident": "ions while they stay",
    "survival": "ions while they stay; the normal from P(τ)",
    "study": "ions inside at start and end (the study's definition)",
}


def plot_regional(result: RegionalDiffusion) -> Figure:
    """Everything about diffusion in a region.

    Parameters
    ----------
    result
        What `betalps.analysis.regional_diffusion` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Mean squared displacements by direction with the lines through them (thick, over the lags that were fitted); D
        against τ with the 95 % intervals of the results; the probability of staying.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(10.6, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        _draw_displacements(left, result)
        _draw_running(middle, result)
        _draw_survival(right, result.survival)
        figure.suptitle(_title(result), fontsize=10)
    return figure


def plot_regions(results: Mapping[str, RegionalDiffusion]) -> Figure:
    """D against the lag, region by region.

    Parameters
    ----------
    results
        By name.

    Returns
    -------
    matplotlib.figure.Figure
        Left: along the plane of a slab, or the mean of all directions of a region that is none. Right: across the
        slabs, where there are any. With the 95 % intervals of the results over their fit windows.
    """
    from matplotlib.figure import Figure

    if not results:
        raise ValueError("results: expected at least one region, got none")
    slabs = [name for name, result in results.items() if result.normal is not None]
    with drawing():
        figure = Figure(figsize=(8.8 if slabs else 5.4, 4.0), layout="constrained")
        panels = figure.subplots(1, 2 if slabs else 1, sharey=True, squeeze=False)[0]
        highest = [0.0, 0.0]
        for k, (name, result) in enumerate(results.items()):
            colour = SERIES[k % len(SERIES)]
            pairs = [(0, [0, 1, 2], result.total, f"{name}, all directions")]
            if result.lateral is not None and result.normal is not None:
                pairs = [(0, [0, 1], result.lateral, name), (1, [2], result.normal, name)]
            for panel, axes, found, label in pairs:
                running = result.running[:, axes].mean(axis=1)
                panels[panel].plot([], [], color=colour, label=label if panel == 0 else None)
                draw_found(panels[panel], result.lags, running, found, result.windows[axes[-1]], colour)
                late = result.lags >= result.windows[axes[-1]].start
                highest[panel] = max(highest[panel], found.interval[1], _largest(running[late]))
        for axes, title in zip(panels, ("along the plane" if slabs else "all directions", "across it"), strict=False):
            axes.set(xscale="log", xlabel="time lag τ  (ps)", title=title)
            faint_grid(axes)
        panels[0].set(ylabel="D(τ): slope between τ and 2τ  (Å²/ps)", ylim=(0.0, 1.25 * max(highest) or None))
        figure.suptitle("bands: results with 95 % intervals", fontsize=9)
        outer_legend(figure, panels[0].get_legend_handles_labels(), "outside lower center")
    return figure


def plot_survival(result: Survival) -> Figure:
    """Probability of staying in a region, and of being in it again.

    Parameters
    ----------
    result
        What `betalps.analysis.survival` returned.

    Returns
    -------
    matplotlib.figure.Figure
        With the standard error from blocks of time as a band.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(5.4, 3.9), layout="constrained")
        axes = figure.add_subplot()
        _draw_survival(axes, result)
        axes.set_title(f"{result.ions:.1f} {result.species} inside on average ({result.fraction:.0%})", fontsize=10)
    return figure


def plot_isotropy(results: Mapping[str, RegionalDiffusion]) -> Figure:
    """Diffusion coefficient of several regions against their isotropy ξ (Fig. 8c of the study).

    Parameters
    ----------
    results
        By name, of slabs. What is not resolved, or is no slab, is left out and named on the plot.

    Returns
    -------
    matplotlib.figure.Figure
        With 95 % intervals.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        missing = []
        for name, result in results.items():
            if (
                result.xi is None
                or result.xi_interval is None
                or not (np.isfinite(result.xi) and result.total.resolved)
            ):
                missing.append(name)
                continue
            value = ANGSTROM2_PER_PS_TO_CM2_PER_S * result.total.diffusivity
            low, high = (ANGSTROM2_PER_PS_TO_CM2_PER_S * bound for bound in result.total.interval)
            axes.errorbar(
                [result.xi],
                [value],
                xerr=[[result.xi - result.xi_interval[0]], [result.xi_interval[1] - result.xi]],
                yerr=[[value - low], [high - value]],
                fmt="o",
                ms=5,
                color=ACCENT,
                capsize=2.5,
                elinewidth=1.0,
            )
            axes.annotate(name, (result.xi, value), xytext=(6, 5), textcoords="offset points", fontsize=8.5)
        axes.axvline(1.0, color=INK, lw=0.7, ls=":")
        species = sorted({result.species for result in results.values()})
        axes.set(
            yscale="log",
            xlabel=r"$\xi = D_\mathrm{normal}\,/\,\max(D_\mathrm{lateral})$",
            ylabel=f"diffusion coefficient of {', '.join(species)}  (cm²/s)",
        )
        axes.set_xlim(0.0, max(1.3, 1.1 * axes.get_xlim()[1]))
        low, high = axes.get_ylim()
        middle, reach = (low * high) ** 0.5, max((high / low) ** 0.6, 10.0**0.5)  # a decade at the least
        axes.set_ylim(middle / reach, middle * reach)
        notes = [f"method: {', '.join(sorted({result.method for result in results.values()}))}"]
        notes += [f"without ξ: {', '.join(missing)}"] if missing else []
        axes.set_title("; ".join(notes), fontsize=9)
    return figure


def _title(result: RegionalDiffusion) -> str:
    region = "region" if result.thickness is None else f"slab of {result.thickness:g} Å"
    text = f"{region}, {result.survival.ions:.1f} {result.species} inside: {_FOLLOWED[result.method]}"
    if result.xi is not None and result.xi_interval is not None:
        low, high = result.xi_interval
        text += f"\nξ = {result.xi:.2f} ({low:.2f} to {high:.2f})" if np.isfinite(result.xi) else "\nξ not resolved"
    return text


def _draw_displacements(axes: Axes, result: RegionalDiffusion) -> None:
    for k, colour in enumerate(DIRECTIONS):
        msd, window = result.msd[:, k], result.windows[k]
        shown = np.isfinite(msd) & (msd > 0.0)
        axes.plot(result.lags[shown], msd[shown], color=colour, lw=1.2, label=_label(result, k))
        if np.isfinite(result.intercepts[k]):
            lags = np.geomspace(window.start, window.stop, 40)
            value = 2.0 * result.directions[k].diffusivity * lags
            line = result.intercepts[k] + value + result.borders[k] * lags**1.5
            axes.plot(lags, line, color=colour, lw=3.0, alpha=0.55, solid_capstyle="butt")
    axes.set(xscale="log", yscale="log", xlabel="time lag τ  (ps)")
    axes.set_ylabel(f"mean squared displacement of {result.species}  (Å²)")
    axes.legend(loc="upper left")
    faint_grid(axes)


def _draw_running(axes: Axes, result: RegionalDiffusion) -> None:
    highest = 0.0
    for k, colour in enumerate(DIRECTIONS):
        running, window, found = result.running[:, k], result.windows[k], result.directions[k]
        draw_found(axes, result.lags, running, found, window, colour)
        highest = max(highest, found.interval[1], _largest(running[result.lags >= window.start]))
    axes.set(xscale="log", xlabel="time lag τ  (ps)", ylim=(0.0, 1.25 * highest if highest > 0.0 else None))
    axes.set_ylabel("D(τ)  (Å²/ps)")
    faint_grid(axes)
    axes.set_title("D(τ): slope between τ and 2τ\nbands: results with 95 % intervals", fontsize=9)


def draw_found(axes: Axes, lags: Floats, running: Floats, found: Estimate, window: FitWindow, colour: Any) -> None:
    """A curve of D against the lag, and over its fit window the result with its interval."""
    axes.plot(lags, running, color=colour, lw=1.2)
    span: Any = (window.start, window.stop)
    if found.resolved:
        axes.plot(span, [found.diffusivity] * 2, color=colour, lw=2.6, alpha=0.9, solid_capstyle="butt")
    axes.fill_between(span, *found.interval, color=colour, alpha=0.18, lw=0)


def _draw_survival(axes: Axes, result: Survival) -> None:
    error = np.nan_to_num(result.probability_error)
    axes.fill_between(
        result.lags, result.probability - error, result.probability + error, color=ACCENT, alpha=0.18, lw=0
    )
    axes.plot(result.lags, result.probability, color=ACCENT, label="stays: P(τ)")
    axes.plot(result.lags, result.present, color=OTHERS, ls="--", label="inside again, or still")
    if result.residence_time is not None:
        axes.axvline(result.residence_time, color=INK, lw=0.8, ls=":")
        axes.annotate(
            f"1/e: {result.residence_time:.3g} ps",
            (result.residence_time, 0.02),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
        )
    axes.set(xscale="log", xlabel="time lag τ  (ps)", ylabel="probability", ylim=(0.0, 1.03))
    absence = result.parameters["allowed_absence"]
    if absence:
        axes.set_title(f"absences up to {absence:g} ps allowed", fontsize=9)
    axes.legend(loc="lower left")
    faint_grid(axes)


def _label(result: RegionalDiffusion, k: int) -> str:
    return f"{result.names[k]}, across the border" if result.crossing[k] else result.names[k]


def _largest(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, 0.9)) if finite.size else 0.0
