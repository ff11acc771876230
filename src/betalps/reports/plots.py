"""Plots of a diffusion study. Each takes the content of ``results.json`` and returns a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.reports.style import ACCENT, INK, OTHERS, drawing, faint_grid, label_ends, new_figure, temperature_colours
from betalps.typing import Floats, Json
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S, nernst_einstein

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_msd(results: Json) -> Figure:
    """Mean squared displacement of Li against time lag, with the fitted lines.

    Parameters
    ----------
    results
        Content of ``results.json``.

    Returns
    -------
    matplotlib.figure.Figure
        Double logarithmic; each temperature's curve, and over its fit window the line 6 D t + c with the band
        of the 95 % interval of D.
    """
    colours = temperature_colours([run["temperature_K"] for run in results["runs"]])
    with drawing():
        figure, axes = new_figure(6.4, 4.4)
        ends = []
        for run in results["runs"]:
            colour, found = colours[run["temperature_K"]], run["diffusion"]
            lags, total = np.array(found["msd"]["lags"]), np.array(found["msd"]["total"])
            shown = (lags > 0) & (lags <= 0.5 * lags[-1]) & (total > 0)  # beyond half the run: no statistics
            axes.plot(lags[shown], total[shown], color=colour, lw=1.2)
            _draw_fit(axes, found, colour)
            ends.append((lags[shown][-1], total[shown][-1], f"{run['temperature_K']:g} K", colour))
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="time lag  (ps)",
            ylabel="mean squared displacement of Li  (Å²)",
        )
        axes.margins(x=0.02)
        axes.plot([], [], color=INK, lw=2.6, alpha=0.9, label="fit, with 95 % interval of D")
        axes.legend(loc="upper left")
        faint_grid(axes)
        label_ends(axes, ends, 0.05)
    return figure


def _draw_fit(axes: Axes, found: Json, colour: Any) -> None:
    window, estimate = found["window"], found["total"]
    lags = np.geomspace(window["start"], window["stop"], 40)
    middle = 6 * estimate["diffusivity"] * lags + found["intercept"]
    axes.plot(lags, middle, color=colour, lw=2.6, alpha=0.9, solid_capstyle="butt")
    centre = lags.mean()
    at_centre = 6 * estimate["diffusivity"] * centre + found["intercept"]
    # The band turns about the middle of the window, where the data hold the line.
    low, high = (at_centre + 6 * bound * (lags - centre) for bound in estimate["interval"])
    below, above = np.minimum(low, high), np.maximum(low, high)
    axes.fill_between(lags, np.maximum(below, 1e-3 * middle), above, color=colour, alpha=0.22, lw=0)


def plot_arrhenius(results: Json) -> Figure:
    """Diffusion coefficient against inverse temperature, with the fitted line and its extrapolation.

    Parameters
    ----------
    results
        Content of ``results.json``.

    Returns
    -------
    matplotlib.figure.Figure
        Points with 95 % intervals; upper bounds, drawn as arrows, where diffusion is not resolved; the
        Arrhenius line with its 95 % band, dashed where it extrapolates; the reference study's value at 300 K.
    """
    colours = temperature_colours([run["temperature_K"] for run in results["runs"]])
    with drawing():
        figure, axes = new_figure(6.4, 4.6)
        line = results["arrhenius"]
        if line is not None:
            _draw_line(axes, line)
        for run in results["runs"]:
            draw_point(axes, run, colours[run["temperature_K"]])
        _draw_reference(axes, results)
        axes.set(yscale="log", xlabel="1000 K / T", ylabel="diffusion coefficient of Li  (cm²/s)")
        faint_grid(axes)
        _temperature_axis(axes, [run["temperature_K"] for run in results["runs"]], results)
        axes.legend(loc="lower left")
    return figure


def _draw_line(axes: Axes, line: Json) -> None:
    drawn = line["line"]
    inverse = 1000.0 / np.array(drawn["temperature_K"])
    middle, low, high = (
        ANGSTROM2_PER_PS_TO_CM2_PER_S * np.array(drawn[f"{name}_angstrom2_per_ps"])
        for name in ("diffusivity", "low", "high")
    )
    measured = 1000.0 / np.array(line["temperatures"])
    inside = (inverse >= measured.min() - 1e-9) & (inverse <= measured.max() + 1e-9)
    axes.fill_between(inverse, low, high, color=ACCENT, alpha=0.13, lw=0, label="95 % band")
    energy = f"$E_a$ = {line['activation_energy']:.3f} ± {line['activation_energy_error']:.3f} eV"
    axes.plot(inverse, middle, color=ACCENT, lw=1.2, ls=(0, (4, 3)))
    axes.plot(inverse[inside], middle[inside], color=ACCENT, lw=1.8, label=energy)
    if line["extrapolated"]:
        target = line["target_diffusivity_cm2_per_s"]
        bounds = line["target_interval_cm2_per_s"]
        axes.errorbar(
            [1000.0 / line["target_temperature"]],
            [target],
            yerr=[[target - bounds[0]], [bounds[1] - target]],
            fmt="o",
            ms=6,
            mfc="white",
            mec=ACCENT,
            ecolor=ACCENT,
            capsize=3,
            label=f"extrapolated to {line['target_temperature']:g} K",
        )


def draw_point(axes: Axes, run: Json, colour: Any) -> None:
    """Draw the D of a run with its interval, or its upper bound as an arrow."""
    estimate, inverse = run["diffusion"]["total"], 1000.0 / run["temperature_K"]
    if estimate["resolved"]:
        value, (low, high) = estimate["diffusivity_cm2_per_s"], estimate["interval_cm2_per_s"]
        axes.errorbar([inverse], [value], yerr=[[value - low], [high - value]], fmt="o", ms=6, color=colour, capsize=3)
        return
    bound = estimate["upper_bound_cm2_per_s"]
    axes.plot([inverse], [bound], marker="_", ms=11, mew=1.8, color=colour)
    axes.annotate(
        "",
        xy=(inverse, bound / 2.2),
        xytext=(inverse, bound),
        arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.3},
    )


def _draw_reference(axes: Axes, results: Json) -> None:
    reference, system = results["reference"], results["system"]
    volume = float(np.prod(system["cell_A"]))
    per_diffusivity = nernst_einstein(1.0, system["lithium"] / volume, 300.0)
    axes.plot(
        [1000.0 / 300.0],
        [reference["conductivity_300K_S_per_cm"] / per_diffusivity],
        marker="D",
        ms=6.5,
        mfc="none",
        mec=OTHERS,
        mew=1.5,
        ls="none",
        label="Jalem et al. 2023, from their conductivity",
    )


def _temperature_axis(axes: Axes, temperatures: list[float], results: Json) -> None:
    """Mark the temperatures themselves along the top, but for those too close to their neighbour."""
    line = results["arrhenius"]
    left, right = axes.get_xlim()
    marks: list[float] = []
    wanted = {*temperatures, 300.0, *([line["target_temperature"]] if line else [])}
    for temperature in sorted(wanted, reverse=True):
        if not marks or 1000.0 / temperature - 1000.0 / marks[-1] > 0.06 * (right - left):
            marks.append(temperature)
    top = axes.secondary_xaxis("top")
    top.set_ticks([1000.0 / t for t in marks], [f"{t:g}" for t in marks])
    top.set_xlabel("T  (K)")


def plot_thermodynamics(results: Json) -> Figure:
    """Temperature and potential energy of every run against time.

    Parameters
    ----------
    results
        Content of ``results.json``.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, with running means over 3 % of the time; the shaded time is equilibration, not analysed.
    """
    colours = temperature_colours([run["temperature_K"] for run in results["runs"]])
    with drawing():
        figure, (top, bottom) = new_figure(6.4, 4.8, rows=2)
        ends = []
        for run in results["runs"]:
            colour, series = colours[run["temperature_K"]], run["thermodynamics"]
            time, kelvin = series["time_ps"], np.array(series["temperature_K"])
            energy = np.array(series["potential_energy_eV_per_atom"])
            for axes, values in ((top, kelvin), (bottom, energy)):
                axes.plot(time, values, color=colour, lw=0.5, alpha=0.35)
                axes.plot(time, _smooth(values), color=colour, lw=1.4)
            ends.append((time[-1], run["temperature_K"], f"{run['temperature_K']:g} K", colour))
        top.set_ylabel("temperature  (K)")
        bottom.set(ylabel="potential energy\n(eV/atom)", xlabel="time  (ps)")
        energies = [e for run in results["runs"] for e in _late(run["thermodynamics"])]
        if energies:
            bottom.set_ylim(_padded(np.array(energies)))
        for axes in (top, bottom):
            axes.axvspan(0.0, results["config"]["equilibration"], color="#000000", alpha=0.06, lw=0)
            axes.margins(x=0.0)
        label_ends(top, ends, 0.1)
        figure.align_ylabels()
    return figure


def _smooth(values: Floats) -> Floats:
    """Running mean over 3 % of the series, narrower towards its ends."""
    half = max(len(values) * 3 // 200, 1)
    cumulative = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((cumulative[last] - cumulative[first]) / (last - first))


def _late(series: Json) -> list[float]:
    """Energies but for the first two per cent, in which the perfect crystal warms up."""
    energies: list[float] = series["potential_energy_eV_per_atom"]
    return energies[len(energies) // 50 :]


def _padded(values: Floats) -> tuple[float, float]:
    pad = 0.05 * float(np.ptp(values)) or 0.01
    return float(values.min()) - pad, float(values.max()) + pad
