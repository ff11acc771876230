"""One look for all plots: readable at the size of a report, safe for colour-blind eyes, and in print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from betalps.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.edgecolor": "#444444",
    "axes.labelcolor": "#222222",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.direction": "out",
    "ytick.direction": "out",
    "text.color": "#222222",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.5,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "svg.hashsalt": "betalps",  # the same numbers give the same file
    "svg.fonttype": "path",
}


INK = "#222222"
ACCENT = "#0b5394"  # our own line
OTHERS = "#b45309"  # the literature's values
DIRECTIONS = (ACCENT, "#3f8f5f", OTHERS)
"""x, y, z; of a slab two along its plane, and the normal."""
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#222222", "#8a8a00", "#7f7f7f")
"""Curves that have no order of their own: Okabe and Ito's colours, which the colour-blind can tell apart."""

_BARS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # Å


@contextmanager
def drawing() -> Iterator[None]:
    """Draw, or save, in this look."""
    from matplotlib import rc_context

    with rc_context(cast("Any", RC)):
        yield


def faint_grid(axes: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Lines behind the curves, at the major ticks."""
    axes.grid(which="major", axis=axis, color="#e5e5e5", lw=0.6)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **subplots: Any) -> tuple[Figure, Any]:
    """Make a figure that no global state knows of, and its axes; rows share the horizontal one.

    Parameters
    ----------
    width, height
        In inches.
    rows, columns
        Of axes.
    subplots
        Further arguments of `matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **{"sharex": rows > 1, **subplots})


def outer_legend(figure: Figure, entries: tuple[Sequence[Any], Sequence[str]], loc: Any, **style: Any) -> None:
    """Put a legend outside of the axes, in as many columns as the figure has room for.

    Parameters
    ----------
    entries
        Handles and labels, as `matplotlib.axes.Axes.get_legend_handles_labels` gives them.
    loc
        A place of `matplotlib.figure.Figure.legend` that begins with "outside".
    style
        Further arguments of that.
    """
    for columns in range(len(entries[0]), 0, -1):
        legend = figure.legend(*entries, loc=loc, ncols=columns, **style)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()


def temperature_colours(temperatures: list[float]) -> dict[float, Any]:
    """Give each temperature a colour: dark and blue when cold, light and warm when hot, in even steps.

    Parameters
    ----------
    temperatures
        In K.

    Returns
    -------
    dict
        Colour by temperature. The lightness changes steadily, so that the order survives greyscale and colour
        blindness.
    """
    from matplotlib import colormaps

    ordered = sorted(set(temperatures))
    shades = colormaps["plasma"](np.linspace(0.05, 0.82, max(len(ordered), 2)))
    return dict(zip(ordered, shades, strict=False))


def label_ends(axes: Axes, ends: list[tuple[float, float, str, Any]], least_gap: float) -> None:
    """Write labels beside the ends of curves, pushed apart vertically where they would overlap.

    Parameters
    ----------
    axes
        Everything else must be drawn.
    ends
        Of each curve: x and y of its end in data units, text, colour.
    least_gap
        Between two labels, as a fraction of the axes' height.
    """
    axes.autoscale_view()  # matplotlib puts this off, and the positions depend on it
    to_axes = axes.transData + axes.transAxes.inverted()
    placed: list[tuple[float, float, str, Any]] = []
    lowest = -np.inf
    for x, y, text, colour in sorted(ends, key=lambda end: end[1]):
        left, height = to_axes.transform((x, y))
        lowest = max(height, lowest + least_gap)
        placed.append((left, lowest, text, colour))
    excess = max(0.0, (placed[-1][1] if placed else 0.0) - 1.0)
    for left, height, text, colour in placed:
        where = (left + 0.012, height - excess)
        axes.text(*where, text, color=colour, transform=axes.transAxes, va="center", ha="left", fontsize=9)


def scale_bar(axes: Axes, corners: Floats, longest: float = 10.0) -> None:
    """Draw a scale bar into the lower left of a dark map.

    Parameters
    ----------
    axes
        In Å along both directions.
    corners
        Of the map's pixels, shape (..., 2).
    longest
        In Å; a shorter one is drawn where the map is too small for it.
    """
    flat = corners.reshape(-1, 2)
    low, high = flat.min(axis=0), flat.max(axis=0)
    length = min(longest, max(bar for bar in _BARS if bar <= max(0.4 * (high[0] - low[0]), _BARS[0])))
    x, y = low[0] + 0.04 * (high[0] - low[0]), low[1] + 0.05 * (high[1] - low[1])
    axes.plot([x, x + length], [y, y], color="white", lw=3.5, solid_capstyle="butt", gid="scale-bar")
    above = y + 0.02 * (high[1] - low[1])
    axes.text(x + length / 2.0, above, f"{length:g} Å", color="white", ha="center", va="bottom", fontsize=9)
