"""Plots of the rings of lithium. Each takes results of `betalps.analysis` and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from betalps.analysis import RingLifetimes, Rings, ring_map
from betalps.reports.style import ACCENT, INK, OTHERS, drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_persistence(
    found: Rings,
    *,
    ordinate: Literal["persistence", "death"] = "persistence",
    width: float = 0.025,
    smoothing: float = 6.0,
) -> Figure:
    """Persistence diagram of all snapshots as a heat map.

    Parameters
    ----------
    found : Rings
    ordinate, width, smoothing
        As in `betalps.analysis.ring_map`.

    Returns
    -------
    matplotlib.figure.Figure
        Darker where more rings are; a line at the cut, and the fraction of the rings above it.
    """
    mapped = ring_map(found, ordinate=ordinate, width=width, smoothing=smoothing)
    with drawing():
        figure, axes = new_figure(5.6, 4.6)
        shown = axes.pcolormesh(mapped.births, mapped.ordinates, mapped.density.T, cmap="Greys", rasterized=True)
        figure.colorbar(shown, ax=axes, label="rings per snapshot  (Å⁻²)")
        cut = found.parameters["cut"]
        ends = mapped.births[[0, -1]]
        low = ends if ordinate == "death" else np.zeros(2)
        axes.plot(ends, low + cut, color=ACCENT, lw=1.0, ls=(0, (4, 3)))
        if ordinate == "death":
            axes.plot(ends, ends, color=INK, lw=0.8)
        fraction, error = found.fraction_above(cut)
        axes.text(0.97, 0.96, _measured("$f_{PD}$", fraction, error), transform=axes.transAxes, ha="right", va="top")
        letter = {"persistence": "persistence L", "death": "death d"}[ordinate]
        axes.set(xlim=ends, ylim=mapped.ordinates[[0, -1]], xlabel="birth b  (Å)", ylabel=f"{letter}  (Å)")
        _state(axes, f"{_origin(found)}\nGaussian filter of {smoothing:g} bins of {width:g} Å")
    return figure


def plot_persistent_fraction(found: Rings | Mapping[str, Rings]) -> Figure:
    """Fraction of the rings that live longer than a cut, against the cut.

    Parameters
    ----------
    found : Rings or dict of str to Rings
        One, or several by name: bulk, boundary, glass.

    Returns
    -------
    matplotlib.figure.Figure
        With standard errors over the snapshots.
    """
    named = _named(found)
    with drawing():
        figure, axes = new_figure(5.6, 4.0)
        for colour, (name, one) in zip(_colours(len(named)), named.items(), strict=True):
            axes.errorbar(
                one.cuts,
                one.fraction,
                yerr=_errors(one.fraction_error),
                fmt="o-",
                ms=4,
                color=colour,
                capsize=2,
                label=name,
            )
        axes.axvline(next(iter(named.values())).parameters["cut"], color=INK, lw=0.8, ls=(0, (4, 3)))
        axes.set(xlabel="cut of the persistence L  (Å)", ylabel="fraction of rings above it, $f_{PD}$  (1)")
        axes.set_ylim(bottom=0.0)
        _finish(axes, named)
    return figure


def plot_ring_sizes(found: Rings | Mapping[str, Rings], *, largest: int = 12) -> Figure:
    """Distribution of the number of ions in the rings above the cut.

    Parameters
    ----------
    found : Rings or dict of str to Rings
    largest : int
        Larger rings are not shown.

    Returns
    -------
    matplotlib.figure.Figure
        With standard errors over the snapshots.
    """
    named = _named(found)
    with drawing():
        figure, axes = new_figure(5.6, 4.0)
        width = 0.8 / len(named)
        for place, (colour, (name, one)) in enumerate(zip(_colours(len(named)), named.items(), strict=True)):
            shown = one.ring_sizes <= largest
            where = one.ring_sizes[shown] + (place - (len(named) - 1) / 2) * width
            errors = _errors(one.size_fraction_error[shown])
            axes.bar(
                where, one.size_fraction[shown], width, yerr=errors, color=colour, label=name, error_kw={"lw": 0.8}
            )
        axes.set(xlabel=f"{next(iter(named.values())).species} ions in a ring", ylabel="fraction of rings  (1)")
        axes.set_xticks(range(3, largest + 1))
        axes.set_ylim(top=(1.0 + 0.09 * len(named)) * axes.get_ylim()[1])  # room for the legend
        _finish(axes, named)
    return figure


def plot_ring_lifetimes(found: RingLifetimes) -> Figure:
    """How long rings last: survival and memory against time.

    Parameters
    ----------
    found : RingLifetimes

    Returns
    -------
    matplotlib.figure.Figure
        Up to half of the run; beyond there are few origins.
    """
    with drawing():
        figure, axes = new_figure(5.6, 4.0)
        shown = found.lags <= 0.5 * found.lags[-1]
        total = found.total
        if np.isfinite(total.lifetime):
            told = f"without a break, {total.lifetime:.3g} ± {total.lifetime_error:.2g} ps on average"
            told += "" if total.resolved else "\n(not resolved by the frames)"
        else:
            told = f"without a break, above {total.bound:.3g} ps on average"
        axes.plot(found.lags[shown], found.survival[shown], color=ACCENT, label=told)
        axes.plot(found.lags[shown], found.memory[shown], color=OTHERS, label="whatever was in between")
        axes.set(xlabel="time  (ps)", ylabel="probability that a ring is there  (1)", ylim=(0.0, 1.02))
        axes.legend(loc="upper right")
        patience = found.parameters["patience"]
        waits = f"; absent for up to {patience:g} ps is unbroken" if patience else ""
        _state(axes, f"{found.parameters['definition']}\nthe same ions in every frame{waits}")
    return figure


def _named(found: Rings | Mapping[str, Rings]) -> Mapping[str, Rings]:
    if not isinstance(found, Rings) and not found:
        raise ValueError("expected the rings of at least one system, got none")
    return {"": found} if isinstance(found, Rings) else found


def _colours(number: int) -> list[Any]:
    from matplotlib import colormaps

    return [ACCENT] if number == 1 else list(colormaps["plasma"](np.linspace(0.05, 0.82, number)))


def _errors(errors: Any) -> Any:
    """No bar where there is no error."""
    return np.nan_to_num(errors)


def _measured(name: str, value: float, error: float) -> str:
    return f"{name} = {value:.3f} ± {error:.3f}" if np.isfinite(error) else f"{name} = {value:.3f}"


def _origin(found: Rings) -> str:
    number = len(found.times)
    return f"{found.definition}; {number} snapshot{'s' * (number > 1)}"


def _finish(axes: Axes, named: Mapping[str, Rings]) -> None:
    if list(named) != [""]:
        axes.legend()
    _state(axes, "\n".join(dict.fromkeys(_origin(one) for one in named.values())))


def _state(axes: Axes, definition: str) -> None:
    """The definitions above the plot, small: two diagrams can be compared by eye only if these agree."""
    axes.set_title(definition, fontsize=8, color="#555555", loc="left")
