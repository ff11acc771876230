"""Plots of disorder parameters. Each takes results of `betalps.analysis` and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from betalps.analysis import Disorder
from betalps.reports.style import ACCENT, INK, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_disorder(found: Disorder | Mapping[str, Disorder]) -> Figure:
    """Distribution of the disorder parameter.

    Parameters
    ----------
    found : Disorder or dict of str to Disorder
        One, or several by name: bulk, boundary, glass.

    Returns
    -------
    matplotlib.figure.Figure
        Densities with bands of one standard error over the frames, and a tick at each mean; a dashed line at 2,
        where surroundings have nothing in common.

    Raises
    ------
    ValueError
        There is nothing to draw.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    named = {"": found} if isinstance(found, Disorder) else dict(found)
    if not named:
        raise ValueError("expected the disorder of at least one system, got none")
    colours = [ACCENT] if len(named) == 1 else colormaps["plasma"](np.linspace(0.05, 0.82, len(named)))
    with drawing():
        figure = Figure(figsize=(5.6, 4.0), layout="constrained")
        axes = figure.subplots()
        for colour, (name, one) in zip(colours, named.items(), strict=True):
            middle = (one.edges[1:] + one.edges[:-1]) / 2
            error = np.nan_to_num(one.density_error)
            mean = f"mean {one.mean:.3f}" + (f" ± {one.error:.3f}" if np.isfinite(one.error) else "")
            axes.plot(middle, one.density, color=colour, label=f"{name}, {mean}" if name else mean)
            axes.fill_between(middle, one.density - error, one.density + error, color=colour, alpha=0.25, lw=0)
            axes.plot([one.mean], [0.0], marker="^", ms=7, color=colour, clip_on=False, zorder=3)
        axes.axvline(2.0, color=INK, lw=0.8, ls=(0, (4, 3)))
        axes.set(xlabel="disorder parameter $S_j$  (1)", ylabel="density  (1)", xlim=(0.0, 4.0))
        axes.set_ylim(bottom=0.0)
        if len(named) == 1:
            axes.legend(loc="upper right")
        else:
            figure.legend(loc="outside lower center", fontsize=8.5)
        told = "\n".join(dict.fromkeys(one.definition for one in named.values()))
        axes.set_title(told, fontsize=8, color="#555555", loc="left")
    return figure
