"""Plots that set regions beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.analysis import Polyanions, RadialDistributions
from betalps.reports.style import INK, drawing, new_figure, outer_legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAIRS = ("Li-Li", "Li-P", "Li-S", "P-P", "P-S", "S-S")
_KINDS = 6  # of polyanions that are told apart


def plot_rdf_regions(results: Mapping[str, RadialDistributions], pairs: tuple[str, ...] = _PAIRS) -> Figure:
    """Radial distribution functions of several systems or regions, a panel for each pair of species.

    Parameters
    ----------
    results
        By name.
    pairs
        ``"Li-S"`` and so on; what a result lacks is left out.

    Returns
    -------
    matplotlib.figure.Figure
        Bands are standard errors.

    Raises
    ------
    ValueError
        Nothing to draw.
    """
    shown = [pair for pair in pairs if any(pair in one.partials for one in results.values())]
    if not shown:
        raise ValueError(f"expected radial distributions of {', '.join(pairs)}, got none")
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with drawing():
        figure, panels = new_figure(3.3 * columns, 2.3 * rows + 0.4, rows, columns, sharex=False, squeeze=False)
        for axes, pair in zip(panels.flat, shown, strict=False):
            for colour, one in zip(_colours(len(results)), results.values(), strict=True):
                if pair not in one.partials:
                    continue
                found = one.partials[pair]
                axes.plot(one.r, found.g, color=colour, lw=1.2)
                error = np.nan_to_num(found.g_error)
                axes.fill_between(one.r, found.g - error, found.g + error, color=colour, alpha=0.25, lw=0)
            axes.axhline(1.0, color=INK, lw=0.6, ls=":")
            axes.set_title(pair.replace("-", "–"), fontsize=9.5)
            axes.set_xlim(0.0, next(iter(results.values())).edges[-1])
            axes.set_ylim(bottom=0.0)
        for axes in panels.flat[len(shown) :]:
            axes.set_visible(False)
        figure.supxlabel("r  (Å)", fontsize=10)
        figure.supylabel("g(r)", fontsize=10)
        _legend(figure, results)
    return figure


def plot_polyanion_regions(results: Mapping[str, Polyanions]) -> Figure:
    """The share of P in each polyanion, a bar for each system or region.

    Parameters
    ----------
    results
        By name.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Nothing to draw.
    """
    if not results:
        raise ValueError("expected the polyanions of at least one system, got none")
    total: dict[str, float] = {}
    for one in results.values():
        for kind, share in zip(one.kinds, one.fractions, strict=True):
            total[kind] = total.get(kind, 0.0) + float(share)
    kinds = [kind for kind in sorted(total, key=lambda kind: -total[kind]) if total[kind] > 0.0]
    with drawing():
        figure, panels = new_figure(6.4, 1.3 + 0.42 * len(results), squeeze=False)
        axes = panels[0, 0]
        left = np.zeros(len(results))
        for colour, kind in zip(_shades(min(len(kinds), _KINDS)), kinds, strict=False):
            share = 100.0 * np.array([_share(one, kind) for one in results.values()])
            axes.barh(range(len(results)), share, left=left, color=colour, label=kind)
            left += share
        if (rest := 100.0 - left).max() > 0.01:
            axes.barh(range(len(results)), rest, left=left, color="#bbbbbb", label="others")
        for row, one in enumerate(results.values()):
            error = np.nan_to_num(one.tetrahedral_error)
            axes.text(1.5, row, f"PS₄ {100 * one.tetrahedral:.1f} ± {100 * error:.1f} %", color="white", va="center")
        axes.set_yticks(range(len(results)), list(results))
        axes.set(xlabel="share of P  (%)", xlim=(0.0, 100.0))
        axes.invert_yaxis()
        outer_legend(figure, axes.get_legend_handles_labels(), "outside upper right", fontsize=8.5)
    return figure


def _share(one: Polyanions, kind: str) -> float:
    return float(one.fractions[one.kinds.index(kind)]) if kind in one.kinds else 0.0


def _legend(figure: Figure, results: Mapping[str, Any]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, lw=1.6) for colour in _colours(len(results))]
    outer_legend(figure, (handles, list(results)), "outside upper center")


def _colours(number: int) -> Any:
    from matplotlib import colormaps

    return colormaps["plasma"](np.linspace(0.05, 0.82, max(number, 2)))[:number]


def _shades(number: int) -> Any:
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.2, 0.9, max(number, 2)))[:number]
