"""Plots of the analyses of structure. Each takes a result and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from betalps.analysis import (
    BondAngles,
    ConcentrationProfile,
    Correlation,
    PaddleWheel,
    PlanarDensity,
    Polyanions,
    RadialDistributions,
    Reorientation,
)
from betalps.reports.style import ACCENT, INK, OTHERS, SERIES, drawing, new_figure, scale_bar
from betalps.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_KINDS = 10


def plot_rdf(result: RadialDistributions, pairs: Iterable[tuple[str, str]] | None = None) -> Figure:
    """Partial radial distribution functions, and the running coordination numbers.

    Parameters
    ----------
    result : RadialDistributions
    pairs : iterable of (centre, neighbour), optional
        Which; by default all of the result, but of two that differ only in who is the centre the one with g alone.

    Returns
    -------
    matplotlib.figure.Figure
        Above g(r) with its peaks marked, below the number of neighbours; bands are standard errors.
    """
    names = list(result.partials) if pairs is None else ["-".join(pair) for pair in pairs]
    if pairs is None and result.parameters["region"] is None:
        names = [name for name in names if name.split("-") == sorted(name.split("-")) or _turned(name) not in names]
    with drawing():
        figure, (top, bottom) = new_figure(6.4, 5.6, rows=2, height_ratios=(1.6, 1.0))
        summits: list[tuple[float, float, str]] = []
        for number, name in enumerate(names):
            one, colour = result[name], SERIES[number % len(SERIES)]
            _curve(top, result.r, one.g, one.g_error, colour, name.replace("-", "–"))
            _curve(bottom, result.edges[1:], one.coordination, one.coordination_error, colour, None)
            if one.peaks:
                summits.append((one.peaks[0], float(np.interp(one.peaks[0], result.r, one.g)), colour))
        _label_peaks(top, summits, float(result.edges[-1]))
        top.axhline(1.0, color=INK, lw=0.6, ls=":")
        top.set(ylabel="g(r)")
        top.set_ylim(bottom=0.0)
        bottom.set(xlabel="r  (Å)", ylabel="neighbours within r", xlim=(0.0, result.edges[-1]), ylim=(0.0, 16.0))
        top.legend(loc="upper right", ncols=2)
        note = "about centres in the region" if result.parameters["region"] else "all centres"
        top.set_title(
            f"{result.frames} frames, {note}, bins of {result.parameters['width']:.3g} Å", fontsize=9, loc="left"
        )
    return figure


def plot_polyanions(result: Polyanions) -> Figure:
    """The share of the centres in each polyanion, on average and against time.

    Parameters
    ----------
    result : Polyanions

    Returns
    -------
    matplotlib.figure.Figure
        Left bars with standard errors, and the cutoffs; right the shares in time.
    """
    centre = result.parameters["centre"]
    shown = [k for k in range(len(result.kinds)) if result.fractions[k] > 0.0][:_MOST_KINDS]
    with drawing():
        figure, (left, right) = new_figure(8.0, 3.8, columns=2)
        colours = [SERIES[n % len(SERIES)] for n in range(len(shown))]
        errors = np.nan_to_num(result.fraction_errors[shown])
        left.barh(range(len(shown)), 100.0 * result.fractions[shown], xerr=100.0 * errors, color=colours, capsize=2)
        left.set_yticks(range(len(shown)), [_formula(result.kinds[k]) for k in shown])
        left.set_ylim(max(len(shown), 4) - 0.5, -0.5)
        left.set(xlabel=f"share of {centre}  (%)", xlim=(0.0, 105.0))
        for row, k in enumerate(shown):
            inside = result.fractions[k] > 0.6
            left.annotate(
                f"{100.0 * result.fractions[k]:.1f} %",
                (100.0 * result.fractions[k], row),
                (-6 if inside else 6, 0),
                textcoords="offset points",
                ha="right" if inside else "left",
                va="center",
                color="white" if inside else INK,
                fontsize=8,
            )
        for k, colour in zip(shown, colours, strict=True):
            marker = "o" if len(result.times) < 3 else None
            right.plot(result.times, 100.0 * result.fractions_in_time[:, k], color=colour, lw=1.0, marker=marker, ms=4)
        right.set(xlabel="time  (ps)", ylabel=f"share of {centre}  (%)", ylim=(-2.0, 102.0))
        longest = ", ".join(f"{pair.replace('-', '–')} {value:.2f} Å" for pair, value in result.cutoffs.items())
        right.set_title(f"longest bonds: {longest}", fontsize=8, loc="right")
    return figure


def plot_bond_angles(results: BondAngles | Sequence[BondAngles]) -> Figure:
    """Distributions of bond angles.

    Parameters
    ----------
    results : BondAngles, or several

    Returns
    -------
    matplotlib.figure.Figure
        Bands are standard errors; the legend gives mean, standard deviation and cutoff.
    """
    several = [results] if isinstance(results, BondAngles) else list(results)
    with drawing():
        figure, axes = new_figure(6.4, 3.8)
        for number, one in enumerate(several):
            reach = " and ".join(sorted({f"{value:.2f}" for value in one.cutoffs.values()}))
            label = f"{'–'.join(one.triplet)}: {one.mean:.1f}° ± {one.deviation:.1f}°, legs up to {reach} Å"
            _curve(axes, one.angles, one.density, one.density_error, SERIES[number % len(SERIES)], label)
        axes.axvline(np.degrees(np.arccos(-1.0 / 3.0)), color=INK, lw=0.6, ls=":")
        axes.annotate("109.5°", (109.47, 1.0), xycoords=("data", "axes fraction"), fontsize=8, ha="center", va="bottom")
        axes.set(xlabel="angle  (°)", ylabel="probability density  (1/°)", xlim=(0.0, 180.0))
        axes.set_ylim(0.0, (1.05 + 0.1 * len(several)) * axes.get_ylim()[1])
        axes.legend(loc="upper left")
    return figure


def plot_reorientation(result: Reorientation) -> Figure:
    """Reorientation correlation functions of tetrahedra.

    Parameters
    ----------
    result : Reorientation

    Returns
    -------
    matplotlib.figure.Figure
        C1 and C2 of the bonds, C3 of the shape, with bands of two standard errors; resolved decays are dashed.
    """
    parameters = result.parameters
    bond = f"{parameters['centre']}–{parameters['ligand']}"
    curves: list[tuple[Correlation, str]] = [
        (result.bond_first, f"$C_1$, {bond} bonds"),
        (result.bond_second, f"$C_2$, {bond} bonds"),
        (result.shape, "$C_3$, tetrahedra"),
    ]
    with drawing():
        figure, axes = new_figure(6.4, 4.0)
        for (one, label), colour in zip(curves, SERIES, strict=False):
            rate = (
                f"{1000.0 * one.rate:.3g} ± {1000.0 * one.rate_error:.2g} ns⁻¹" if one.resolved else "no decay resolved"
            )
            label += f":  {rate}"
            _curve(axes, result.lags, one.values, 2.0 * one.errors, colour, label)
            if one.resolved:
                inside = (result.lags >= one.start) & (result.lags <= one.stop)
                lags = result.lags[inside]
                height = np.exp(np.mean(np.log(np.maximum(one.values[inside], 1e-6))) + one.rate * lags.mean())
                axes.plot(lags, height * np.exp(-one.rate * lags), color=colour, lw=1.0, ls="--")
        axes.axhline(0.0, color=INK, lw=0.6)
        axes.set(xlabel="time lag  (ps)", ylabel="reorientation correlation", xlim=(0.0, result.lags[-1]))
        axes.set_ylim(top=1.03)
        low, high = (1000.0 * bound for bound in result.rotation_interval)
        title = f"{result.tetrahedra} tetrahedra, {result.rotations} rotations onto themselves"
        axes.set_title(f"{title}: {low:.3g} to {high:.3g} ns⁻¹ each (95 %)", fontsize=9, loc="left")
        axes.legend(loc="best")
    return figure


def plot_paddle_wheel(result: PaddleWheel) -> Figure:
    """Correlation of the rotation of tetrahedra with the jumps next to them, for every shift in time.

    Parameters
    ----------
    result : PaddleWheel

    Returns
    -------
    matplotlib.figure.Figure
        The coefficient against how much later the jumps are; the band is two standard deviations of what shifts leave.
    """
    with drawing():
        figure, axes = new_figure(6.4, 3.8)
        band = 2.0 * result.null_deviation
        axes.fill_between(result.shifts[[0, -1]], -band, band, color=INK, alpha=0.12, lw=0, label="by chance (95 %)")
        axes.axhline(0.0, color=INK, lw=0.6)
        axes.plot(result.shifts, result.shifted, color=ACCENT, lw=1.2)
        verdict = "correlated" if result.correlated else "no correlation resolved"
        label = f"at the same time: {result.correlation:.3f}, p = {result.p_value:.2g} ({verdict})"
        axes.plot([0.0], [result.correlation], "o", ms=6, color=OTHERS, label=label)
        axes.set(
            xlabel=f"jumps of {result.species} later than rotations by  (ps)",
            ylabel="correlation coefficient",
            xlim=result.shifts[[0, -1]],
        )
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.3 * (high - low))
        axes.legend(loc="upper left", ncols=2)
        told = result.parameters
        with_jump, without = (
            f"{value:.1f} ± {error:.1f}°" if np.isfinite(value) else "(never)"
            for value, error in (
                (result.angle_with, result.angle_with_error),
                (result.angle_without, result.angle_without_error),
            )
        )
        axes.set_title(
            f"windows of {told['window']:g} ps, jumps above {told['jump_length']:g} Å within {told['reach']:g} Å of a "
            f"{told['centre']}\n{result.tetrahedra} tetrahedra turn by {with_jump} with a jump, {without} without",
            fontsize=9,
            loc="left",
        )
    return figure


def plot_planar_density(result: PlanarDensity, *, bar: float = 10.0) -> Figure:
    """A map of atoms, with a scale bar.

    Parameters
    ----------
    result : PlanarDensity
    bar : float, Å
        Length of the scale bar; a shorter one where the map is too small for it.

    Returns
    -------
    matplotlib.figure.Figure
        True to scale, oblique cells included.
    """
    n, m = result.density.shape
    corners = np.stack(np.meshgrid(np.arange(n + 1) / n, np.arange(m + 1) / m, indexing="ij"), axis=-1) @ result.vectors
    extent = corners.reshape(-1, 2).max(axis=0) - corners.reshape(-1, 2).min(axis=0)
    width = 5.6 * min(1.0, extent[0] / extent[1])
    with drawing():
        figure, axes = new_figure(width + 1.4, width * extent[1] / extent[0] + 0.8)
        mesh = axes.pcolormesh(
            corners[..., 0], corners[..., 1], result.density, cmap="viridis", rasterized=True, vmin=0.0
        )
        axes.set_aspect("equal")
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(f"{result.vector_names[0]} →")
        axes.set_ylabel(f"{result.vector_names[1]} →")
        for spine in axes.spines.values():
            spine.set_visible(False)
        figure.colorbar(mesh, ax=axes, label=f"{result.species} per area  (Å⁻²)", shrink=0.85)
        scale_bar(axes, corners, bar)
        title = f"along {'abc'[result.axis]}, {result.parameters['frames']} frames, {result.atoms:.0f} {result.species}"
        axes.set_title(title, fontsize=9, loc="left")
    return figure


def plot_profile(result: ConcentrationProfile) -> Figure:
    """Concentration along the normal of a boundary.

    Parameters
    ----------
    result : ConcentrationProfile

    Returns
    -------
    matplotlib.figure.Figure
        The smoothed profile with a band of two standard errors, the bulk value, and the windows about the boundaries
        with the excess in each.
    """
    with drawing():
        figure, axes = new_figure(6.4, 3.6)
        label = f"{result.species}, kernel of {result.bandwidth:.2g} Å"
        _curve(axes, result.positions, result.concentration, 2.0 * result.concentration_error, ACCENT, label)
        axes.axhline(result.bulk, color=OTHERS, lw=1.2, ls="--", label=f"bulk {result.bulk:.4f} Å⁻³")
        for place, excess, error in zip(result.boundaries, result.excess, result.excess_error, strict=True):
            for image in (-result.height, 0.0, result.height):
                middle = place + image
                axes.axvspan(middle - result.window / 2, middle + result.window / 2, color=INK, alpha=0.08, lw=0)
            axes.annotate(
                f"Γ = {excess:+.3f} ± {error:.3f} Å⁻²" if np.isfinite(error) else f"Γ = {excess:+.3f} Å⁻²",
                (np.clip(place, 0.15 * result.height, 0.85 * result.height), 1.01),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=8.5,
            )
        axes.set(
            xlabel="distance along the normal  (Å)",
            ylabel=f"concentration of {result.species}  (Å⁻³)",
            xlim=(0.0, result.height),
        )
        axes.set_ylim(0.0, 1.25 * axes.get_ylim()[1])
        axes.legend(loc="upper right", ncols=2)
    return figure


def _curve(axes: Axes, x: Floats, y: Floats, error: Floats, colour: str, label: str | None) -> None:
    axes.plot(x, y, color=colour, lw=1.3, label=label)
    if np.isfinite(error).any():
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, lw=0)


def _label_peaks(axes: Axes, peaks: list[tuple[float, float, str]], width: float) -> None:
    """Mark peaks (position, height, colour); a label that would lie on its neighbour's goes above it."""
    tallest = max((height for _, height, _ in peaks), default=1.0)
    before, raised = (-np.inf, 0.0), 5
    for place, height, colour in sorted(peaks):
        near = place - before[0] < 0.06 * width and abs(height - before[1]) < 0.06 * tallest
        raised = raised + 10 if near else 5
        axes.plot([place], [height], marker="v", ms=5, color=colour, ls="none", clip_on=False)
        axes.annotate(f"{place:.2f}", (place, height), (0, raised), textcoords="offset points", ha="center", fontsize=8)
        before = place, height


def _turned(name: str) -> str:
    return "-".join(reversed(name.split("-")))


def _formula(kind: str) -> str:
    """Indices where they belong: PS₄."""
    formula, _, rest = kind.partition(" ")
    return formula.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")) + (f"\n{rest}" if rest else "")
