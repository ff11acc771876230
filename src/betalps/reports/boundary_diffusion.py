"""Diffusion in glass, boundaries and interfaces beside the crystal's: a plot of the content of ``results.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from betalps.reports.plots import draw_point
from betalps.reports.style import INK, OTHERS, drawing, faint_grid, new_figure, temperature_colours
from betalps.typing import Json
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_boundary_diffusion(results: Json) -> Figure:
    """Diffusion coefficients in glass and cells with boundaries against inverse temperature, beside the crystal's line.

    Parameters
    ----------
    results
        Content of ``results.json``, with at least one system beside the crystal.

    Returns
    -------
    matplotlib.figure.Figure
        Points with 95 % intervals: all Li of a cell; open diamonds: along the normal of its boundaries; and the
        crystal's points and Arrhenius line.
    """
    # Any increasing numbers give shades in order.
    shades = list(temperature_colours([float(k) for k in range(len(results["others"]))]).values())
    with drawing():
        figure, axes = new_figure(6.4, 4.4)
        _draw_crystal(axes, results)
        for colour, entry in zip(shades, results["others"], strict=False):
            for run in entry["runs"]:
                draw_point(axes, run, colour)
                normal = run["diffusion"]["z"]
                if entry["kind"] != "glass" and normal["resolved"]:
                    at = [1000.0 / run["temperature_K"]], [normal["diffusivity_cm2_per_s"]]
                    axes.plot(*at, "D", ms=7, mfc="none", mec=colour)
            axes.plot([], [], "o", color=colour, label=entry["name"])
        axes.plot([], [], "D", ms=7, mfc="none", mec=INK, ls="none", label="along the normal")
        axes.set(yscale="log", xlabel="1000 K / T", ylabel="diffusion coefficient of Li  (cm²/s)")
        faint_grid(axes)
        axes.legend(loc="lower left")
    return figure


def _draw_crystal(axes: Axes, results: Json) -> None:
    """The crystal's points, and its line between them."""
    for run in results["runs"]:
        draw_point(axes, run, OTHERS)
    found = results["arrhenius"]
    if found is not None:
        kelvin = np.array(found["line"]["temperature_K"])
        shown = kelvin >= min(found["temperatures"]) - 1.0
        values = ANGSTROM2_PER_PS_TO_CM2_PER_S * np.array(found["line"]["diffusivity_angstrom2_per_ps"])
        axes.plot(1000.0 / kelvin[shown], values[shown], color=OTHERS, lw=1.2)
    axes.plot([], [], "o-", color=OTHERS, lw=1.2, label="crystal")
