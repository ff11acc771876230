"""Plots of sites and jumps: occupancies, rates, residence times, the network, the correlation of jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from betalps.analysis import CrystalSites, JumpActivation, Jumps, SiteOccupancy
from betalps.reports.style import ACCENT, INK, OTHERS, drawing, faint_grid
from betalps.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHADES = "viridis"
_LEAST = 1e-3  # of a survival probability that is drawn
_PLANES = {"a": (1, 2), "b": (0, 2), "c": (0, 1)}


def plot_occupancy(result: SiteOccupancy, reference: dict[str, float] | None = None) -> Figure:
    """Occupancy of the sites of each kind.

    Parameters
    ----------
    result
        What `betalps.analysis.site_occupancy` returned.
    reference
        Occupancies by kind to compare with, such as measured ones.

    Returns
    -------
    matplotlib.figure.Figure
        Bars with standard errors; diamonds are the reference.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(1.8 + 0.9 * len(result.kinds), 3.8), layout="constrained")
        axes = figure.add_subplot()
        places = np.arange(len(result.kinds))
        axes.bar(places, result.occupancy, 0.6, color=ACCENT, alpha=0.75)
        error = np.nan_to_num(result.occupancy_error)
        axes.errorbar(places, result.occupancy, yerr=error, fmt="none", ecolor=INK, capsize=4, lw=1.0)
        if reference:
            known = [(place, reference[kind]) for place, kind in enumerate(result.kinds) if kind in reference]
            axes.plot(*zip(*known, strict=True), "D", ms=7, mfc="none", mec=OTHERS, mew=1.5, label="reference")
            axes.legend()
        named = [f"{kind}\n{count} sites" for kind, count in zip(result.kinds, result.sites, strict=True)]
        axes.set_xticks(places, named)
        axes.set(xlabel="kind of site", ylabel=f"occupancy  ({result.parameters['species']} per site)")
        axes.set_ylim(0.0, 1.15 * max(1.0, float(np.nanmax(result.occupancy + error))))
        _doubts(axes, result.doubts)
    return figure


def plot_jump_rates(result: Jumps) -> Figure:
    """Rate of every path, with its 95 % interval.

    Parameters
    ----------
    result
        What `betalps.analysis.jumps` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Logarithmic, fastest first; the numbers are jumps. A path that was never taken has an arrow at its upper bound.
    """
    from matplotlib.figure import Figure

    paths = sorted(result.paths, key=lambda path: (path.rate, path.rate_interval[1]))
    with drawing():
        figure = Figure(figsize=(6.4, 1.4 + 0.34 * max(len(paths), 1)), layout="constrained")
        axes = figure.add_subplot()
        for row, path in enumerate(paths):
            low, high = path.rate_interval
            if path.count:
                ends = [[path.rate - low], [high - path.rate]]
                axes.errorbar([path.rate], [row], xerr=ends, fmt="o", ms=5, color=ACCENT, capsize=3)
            elif np.isfinite(high):
                axes.annotate(
                    "", (high / 2, row), (high, row), arrowprops={"arrowstyle": "->", "color": ACCENT, "lw": 1.3}
                )
                axes.plot([high], [row], "|", color=ACCENT, ms=9)
            axes.text(1.01, row, f"{path.count}", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
        if not paths:
            axes.text(0.5, 0.5, "no jump", transform=axes.transAxes, ha="center")
        axes.set_yticks(range(len(paths)), [path.name.replace("-", " → ", 1) for path in paths])
        axes.set(xscale="log", xlabel=f"jumps per {result.species} on the first site  (1/ps), number at the right")
        faint_grid(axes, "x")
        axes.set_ylim(-0.6, max(len(paths), 1) - 0.4)
        _doubts(axes, result.doubts)
    return figure


def plot_residence(result: Jumps) -> Figure:
    """How many of the ions that came to a site are still there after a time, by kind.

    Parameters
    ----------
    result
        What `betalps.analysis.jumps` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Kaplan–Meier curves with their standard errors; dashed, exp(-t / mean) of ions without memory.
    """
    from matplotlib.figure import Figure

    shown = [one for one in result.residence if len(one.times)]
    with drawing():
        figure = Figure(figsize=(6.0, 4.0), layout="constrained")
        axes = figure.add_subplot()
        for one, colour in zip(shown, _colours(len(shown)), strict=True):
            times, survival = np.append(0.0, one.times), np.append(1.0, one.survival)
            error = np.append(0.0, one.survival_error)
            label = f"{one.kind}, mean {one.mean:.3g} ps ({one.departures} of {one.stays} seen to leave)"
            axes.step(times, np.maximum(survival, 0.1 * _LEAST), where="post", color=colour, label=label)
            axes.fill_between(
                times,
                np.maximum(survival - error, 0.1 * _LEAST),
                survival + error,
                step="post",
                color=colour,
                alpha=0.2,
                lw=0,
            )
            grid = np.linspace(0.0, times[-1], 100)
            axes.plot(grid, np.exp(-grid / one.mean), color=colour, lw=0.9, ls=(0, (4, 3)))
        axes.set(yscale="log", ylim=(_LEAST, 1.2), xlabel="time since arrival  (ps)", ylabel="fraction still there")
        axes.plot([], [], color=INK, lw=0.9, ls=(0, (4, 3)), label="exp(−t / mean)")
        figure.legend(loc="outside lower center", fontsize=8.5)
        axes.margins(x=0.0)
        _doubts(axes, result.doubts)
    return figure


def plot_jump_network(result: Jumps, sites: CrystalSites, along: str = "c") -> Figure:
    """The jumps between sites, seen along a cell vector.

    Parameters
    ----------
    result
        What `betalps.analysis.jumps` returned.
    sites
        Those of the visits.
    along
        ``"a"``, ``"b"`` or ``"c"``.

    Returns
    -------
    matplotlib.figure.Figure
        Sites by kind; a line is a pair of sites that ions jumped between, the thicker and darker the oftener. The title
        says along which cell vectors chains of jumps lead through the crystal.

    Raises
    ------
    ValueError
        No such cell vector, or other sites than those of the jumps.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    if along not in _PLANES:
        raise ValueError(f"along {along!r}: expected 'a', 'b' or 'c'")
    if len(result.edges) and result.edges.max() >= len(sites):
        raise ValueError(f"sites: expected those of the jumps, more than {result.edges.max()}, got {len(sites)}")
    flat = _flattened(sites.cell, _PLANES[along])
    places = sites.fractional @ flat
    pairs, counts = _undirected(result)
    starts = places[pairs[:, 0]]
    ends = (sites.fractional[pairs[:, 1]] + pairs[:, 2:]) @ flat
    weight = np.log1p(counts) / np.log1p(counts.max(initial=1))
    with drawing():
        figure = Figure(figsize=(6.0, 5.2), layout="constrained")
        axes = figure.add_subplot()
        if len(pairs):
            lines = LineCollection(list(np.stack([starts, ends], axis=1)), colors=INK, linewidths=0.3 + 2.7 * weight)
            lines.set_alpha(0.15 + 0.7 * weight)
            axes.add_collection(lines)
        kinds = np.array(sites.kinds)
        for name, colour in zip(sites.names, _colours(len(sites.names)), strict=True):
            of_kind = kinds == name
            axes.plot(*places[of_kind].T, "o", ms=5, color=colour, label=name, zorder=3)
        outline = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ flat[list(_PLANES[along])]
        axes.plot(*outline.T, color=INK, lw=0.7)
        axes.set(aspect="equal", xlabel="x  (Å)", ylabel="y  (Å)")
        through = [name for name, there in zip("abc", result.percolates, strict=True) if there]
        told = f"leads through the crystal along {', '.join(through)}" if through else "leads nowhere"
        axes.set_title(f"seen along {along}: {result.count} jumps, whose network {told}", fontsize=9.5)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_jump_correlation(result: Jumps) -> Figure:
    """How far sequences of jumps lead, compared with as many in random order.

    Parameters
    ----------
    result
        What `betalps.analysis.jumps` returned.

    Returns
    -------
    matplotlib.figure.Figure
        <|R|²> / <Σ l²> against the number of jumps, with standard errors; the line is the correlation factor taken.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(5.6, 3.8), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(1.0, color=INK, lw=0.8)
        if len(result.correlation_jumps):
            axes.errorbar(
                result.correlation_jumps,
                result.correlation_factors,
                yerr=np.nan_to_num(result.correlation_errors),
                fmt="o",
                ms=5,
                color=ACCENT,
                capsize=3,
            )
        if np.isfinite(result.correlation_factor):
            settled = "" if result.correlation_settled else ", not settled"
            told = f"f = {result.correlation_factor:.2f} ± {result.correlation_error:.2f}{settled}"
            axes.axhline(result.correlation_factor, color=OTHERS, lw=1.2, ls=(0, (4, 3)), label=told)
        back = f"{result.back_jumps:.0%} ± {result.back_jumps_error:.0%} of jumps are undone by the next"
        axes.plot([], [], " ", label=f"{back}\n(without memory {result.back_jumps_random:.0%})")
        axes.set(xscale="log", xlabel="number of jumps", ylabel="correlation, |R|² / Σ l²  (dimensionless)")
        axes.set_xticks(result.correlation_jumps, [str(n) for n in result.correlation_jumps])
        axes.set_xticks([], minor=True)
        axes.set_ylim(bottom=0.0)
        axes.legend()
        _doubts(axes, result.doubts)
    return figure


def plot_jump_activation(lines: Sequence[JumpActivation]) -> Figure:
    """Rates of paths against inverse temperature, with their barriers.

    Parameters
    ----------
    lines
        What `betalps.analysis.jump_activation` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Rates with standard errors, and the Arrhenius line of each path.

    Raises
    ------
    ValueError
        Nothing to draw.
    """
    from matplotlib.figure import Figure

    from betalps.units import thermal_energy

    if not lines:
        raise ValueError("lines: expected at least one path that was taken at three temperatures, got none")
    with drawing():
        figure = Figure(figsize=(6.0, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for line, colour in zip(lines, _colours(len(lines)), strict=True):
            kelvins = np.linspace(line.temperatures.min(), line.temperatures.max(), 60)
            energies = np.array([thermal_energy(kelvin) for kelvin in kelvins])
            told = f"{line.name.replace('-', ' → ', 1)}: {line.barrier:.3f} ± {line.barrier_error:.3f} eV"
            axes.plot(1e3 / kelvins, line.attempt_frequency * np.exp(-line.barrier / energies), color=colour, lw=1.2)
            inverse = 1e3 / line.temperatures
            axes.errorbar(
                inverse, line.rates, yerr=line.rate_errors, fmt="o", ms=5, color=colour, capsize=3, label=told
            )
        axes.set(yscale="log", xlabel="1000 K / T", ylabel="jump rate  (1/ps)")
        faint_grid(axes)
        axes.legend(fontsize=8.5)
    return figure


def _undirected(result: Jumps) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (first, second, cells) of sites with the jumps between them, there and back together."""
    ways = np.column_stack([result.edges, result.edge_images])
    swapped = result.edges[:, 0] > result.edges[:, 1]
    ways[swapped] = np.column_stack([result.edges[swapped][:, ::-1], -result.edge_images[swapped]])
    distinct, which = np.unique(ways, axis=0, return_inverse=True)
    return distinct, np.bincount(which.ravel(), weights=result.edge_counts, minlength=len(distinct))


def _flattened(cell: Floats, plane: tuple[int, int]) -> Floats:
    """(3, 2): what the cell vectors look like along the third one, the first of the plane to the right."""
    view = np.cross(cell[plane[0]], cell[plane[1]])
    right = cell[plane[0]] / np.linalg.norm(cell[plane[0]])
    up = np.cross(view / np.linalg.norm(view), right)
    flat = np.stack([cell @ right, cell @ up], axis=1)
    flat[3 - sum(plane)] = 0.0
    return flat


def _colours(count: int) -> Floats:
    from matplotlib import colormaps

    return np.asarray(colormaps[_SHADES](np.linspace(0.05, 0.85, max(count, 1))))[:count]


def _doubts(axes: Axes, doubts: Sequence[str]) -> None:
    if doubts:
        axes.set_title("\n".join(doubts), fontsize=8.5, color="#b3123f")
