"""Plots of diffusion in a whole cell: of single ions, of their charge, and against temperature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.analysis.transport.arrhenius import Arrhenius
from betalps.analysis.transport.collective import CollectiveDiffusion
from betalps.analysis.transport.diffusion import Diffusion, Estimate
from betalps.analysis.transport.window import FitWindow
from betalps.reports.regional import draw_found
from betalps.reports.style import ACCENT, DIRECTIONS, INK, OTHERS, SERIES, drawing, faint_grid
from betalps.typing import Floats
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NORMAL = 1.959964  # standard errors in half of a 95 % interval


def plot_diffusion(result: Diffusion) -> Figure:
    """Mean squared displacements in all and along each direction, and D against the lag.

    Parameters
    ----------
    result
        What `betalps.analysis.diffusion` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Left, double logarithmic: the curves up to half of the run, and thick, over the fit window (shaded), the lines
        through them. Right: half the slope between each lag and twice that lag, with the results and their 95 %
        intervals over the fit window.
    """
    from matplotlib.figure import Figure

    curves = [("total", result.msd.total, result.total, result.intercept, INK)]
    curves += [
        (name, result.msd.directions[:, k], getattr(result, name), result.intercepts[k], DIRECTIONS[k])
        for k, name in enumerate("xyz")
    ]
    with drawing():
        figure = Figure(figsize=(8.6, 4.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, msd, found, intercept, colour in curves:
            dimensions = 3 if name == "total" else 1
            _draw_curve(left, result.msd.lags, msd, colour, name)
            _draw_line(left, intercept, 2 * dimensions * found.diffusivity, result.window, colour)
            _draw_running(right, result.msd.lags, msd / dimensions, found, result.window, colour)
        _label_displacements(left, result.species, result.window)
        right.set(xscale="log", xlabel="time lag τ  (ps)", ylabel="D(τ)  (Å²/ps)")
        right.set_ylim(0.0, 1.3 * _highest([found for _, _, found, _, _ in curves]) or None)
        faint_grid(right)
        right.set_title("slope between τ and 2τ; bands: results, 95 %", fontsize=9)
        figure.suptitle(f"{result.atoms} {result.species}, {result.duration:g} ps: {_told(result.total)}", fontsize=10)
    return figure


def plot_collective(result: CollectiveDiffusion) -> Figure:
    """Mean squared displacement of the charge beside that of the single ions.

    Parameters
    ----------
    result
        What `betalps.analysis.collective_diffusion` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Double logarithmic; thick, over their fit windows, the lines. The Haven ratio is the ratio of their slopes.
    """
    from matplotlib.figure import Figure

    tracer = result.tracer
    with drawing():
        figure = Figure(figsize=(6.0, 4.4), layout="constrained")
        axes = figure.add_subplot()
        for name, msd, one, colour in (
            ("single ions", tracer.msd.total, tracer, ACCENT),
            ("charge, per ion", result.msd.sum(axis=1), result, OTHERS),
        ):
            _draw_curve(axes, result.lags, msd, colour, f"{name}: {_told(one.total)}")
            _draw_line(axes, one.intercept, 6 * one.total.diffusivity, one.window, colour)
        _label_displacements(axes, result.species, result.window)
        low, high = result.haven_interval
        haven = f"{result.haven_ratio:.2f} ({low:.2f} to {high:.2f})"
        text = f"Haven ratio {haven if np.isfinite(result.haven_ratio) else 'not resolved'}"
        if result.conductivity is not None and result.total.resolved:
            sigma = result.conductivity
            bounds = "{:.3g} to {:.3g}".format(*sigma.interval_mS_per_cm)
            text += f"\nσ = {sigma.conductivity_mS_per_cm:.3g} mS/cm ({bounds}) at {sigma.temperature:g} K"
        figure.suptitle(text, fontsize=10)
    return figure


def plot_arrhenius_lines(results: Arrhenius | Mapping[str, Arrhenius]) -> Figure:
    """Diffusion coefficients against inverse temperature, with the line, straight or broken, through them.

    Parameters
    ----------
    results
        What `betalps.analysis.arrhenius` returned, or several of them by name.

    Returns
    -------
    matplotlib.figure.Figure
        Points and bands with 95 % intervals; the line is dashed where it extrapolates, to an open circle at the target
        temperature. A dotted line marks where two regimes meet, and a shade where they may.
    """
    from matplotlib.figure import Figure

    named = {"": results} if isinstance(results, Arrhenius) else dict(results)
    if not named:
        raise ValueError("results: expected at least one Arrhenius line, got none")
    with drawing():
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.add_subplot()
        for k, (name, line) in enumerate(named.items()):
            _draw_arrhenius(axes, name, line, SERIES[k % len(SERIES)])
        axes.set(yscale="log", xlabel="1000 K / T", ylabel="diffusion coefficient  (cm²/s)")
        faint_grid(axes)
        figure.legend(loc="outside lower center")
        _mark_temperatures(axes, list(named.values()))
    return figure


def _draw_arrhenius(axes: Axes, name: str, line: Arrhenius, colour: Any) -> None:
    kelvin, values = line.temperatures, ANGSTROM2_PER_PS_TO_CM2_PER_S * line.diffusivities
    factor = np.exp(_NORMAL * line.standard_errors / line.diffusivities)
    axes.errorbar(
        1000.0 / kelvin,
        values,
        yerr=[values - values / factor, values * factor - values],
        fmt="o",
        ms=5,
        color=colour,
        capsize=2.5,
        elinewidth=1.0,
    )
    ends = [
        kelvin.min(),
        kelvin.max(),
        line.target_temperature,
        *([line.break_temperature] * bool(line.break_interval)),
    ]
    inverse = np.union1d(np.linspace(1.0 / max(ends), 1.0 / min(ends), 120), 1.0 / np.array(ends))
    middle, low, high = (ANGSTROM2_PER_PS_TO_CM2_PER_S * found for found in line.at(1.0 / inverse))
    inside = (inverse >= 1.0 / kelvin.max() - 1e-12) & (inverse <= 1.0 / kelvin.min() + 1e-12)
    axes.fill_between(1000.0 * inverse, low, high, color=colour, alpha=0.14, lw=0)
    axes.plot(1000.0 * inverse, middle, color=colour, lw=1.1, ls=(0, (4, 3)))
    axes.plot(1000.0 * inverse[inside], middle[inside], color=colour, lw=1.7, label=_energies(name, line))
    if line.break_temperature is not None and line.break_interval is not None:
        axes.axvline(1000.0 / line.break_temperature, color=colour, lw=0.9, ls=":")
        axes.axvspan(*(1000.0 / bound for bound in line.break_interval), color=colour, alpha=0.06, lw=0)
    if line.extrapolated:
        target, bounds = line.target_diffusivity_cm2_per_s, line.target_interval_cm2_per_s
        axes.errorbar(
            [1000.0 / line.target_temperature],
            [target],
            yerr=[[target - bounds[0]], [bounds[1] - target]],
            fmt="o",
            ms=6,
            mfc="white",
            color=colour,
            capsize=3,
        )


def _energies(name: str, line: Arrhenius) -> str:
    """What the legend says about a line."""
    text = "$E_a$ = {:.3f} ({:.3f} to {:.3f}) eV".format(line.activation_energy, *line.activation_energy_interval)
    if line.hot_activation_energy is not None:
        text += f" below {line.break_temperature:.0f} K, {line.hot_activation_energy:.3f} eV above"
    return f"{name}: {text}" if name else text


def _mark_temperatures(axes: Axes, lines: list[Arrhenius]) -> None:
    """The temperatures along the top, but for those too close to their neighbour."""
    left, right = axes.get_xlim()
    marks: list[float] = []
    for kelvin in sorted({t for line in lines for t in (*line.temperatures.tolist(), line.target_temperature)}):
        if not marks or 1000.0 / marks[-1] - 1000.0 / kelvin > 0.07 * (right - left):
            marks.append(kelvin)
    top = axes.secondary_xaxis("top")
    top.set_ticks([1000.0 / kelvin for kelvin in marks], [f"{kelvin:g}" for kelvin in marks])
    top.set_xlabel("T  (K)")


def _draw_curve(axes: Axes, lags: Floats, msd: Floats, colour: Any, label: str) -> None:
    shown = (lags > 0.0) & (lags <= 0.5 * lags[-1]) & (msd > 0.0)  # beyond half the run there are no statistics
    axes.plot(lags[shown], msd[shown], color=colour, lw=1.2, label=label)


def _draw_line(axes: Axes, intercept: float, slope: float, window: FitWindow, colour: Any) -> None:
    lags = np.geomspace(window.start, window.stop, 40)
    line = intercept + slope * lags
    axes.plot(lags, np.where(line > 0.0, line, np.nan), color=colour, lw=3.2, alpha=0.5, solid_capstyle="butt")


def _draw_running(axes: Axes, lags: Floats, msd: Floats, found: Estimate, window: FitWindow, colour: Any) -> None:
    steps = np.unique(np.geomspace(1, len(lags) // 4, 80).astype(int))
    running = (msd[2 * steps] - msd[steps]) / (2.0 * lags[steps])
    draw_found(axes, lags[steps], running, found, window, colour)


def _label_displacements(axes: Axes, species: str, window: FitWindow) -> None:
    axes.axvspan(window.start, window.stop, color="#000000", alpha=0.05, lw=0)
    axes.set(xscale="log", yscale="log", xlabel="time lag τ  (ps)")
    axes.set_ylabel(f"mean squared displacement of {species}  (Å²)")
    axes.legend(loc="upper left")
    faint_grid(axes)
    axes.set_title(f"fitted from {window.start:g} to {window.stop:g} ps", fontsize=9)


def _told(found: Estimate) -> str:
    if not found.resolved:
        return f"D < {found.upper_bound:.2g} Å²/ps (not resolved)"
    low, high = found.interval
    return f"D = {found.diffusivity:.3g} ({low:.3g} to {high:.3g}) Å²/ps"


def _highest(estimates: list[Estimate]) -> float:
    return max(found.interval[1] for found in estimates)
