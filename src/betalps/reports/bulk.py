"""Plots and the table of bulk properties: equation of state, elastic constants, Table 1 of the reference study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from betalps.analysis import TABLE_1, BulkProperties, ElasticTensor, EquationOfState, Lattice
from betalps.reports.style import ACCENT, INK, OTHERS, drawing, outer_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUANTITIES = {  # name, symbol, unit, digits
    "a": ("$a$", "Å", 2),
    "b": ("$b$", "Å", 2),
    "c": ("$c$", "Å", 2),
    "density": ("ρ", "g/cm³", 3),
    "bulk": ("$B$", "GPa", 1),
    "shear": ("$G$", "GPa", 1),
}
_MARKERS = "osD^vP*X"
_VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")


def plot_equation_of_state(result: EquationOfState) -> Figure:
    """Energy against volume, per atom, with the fitted curve.

    Parameters
    ----------
    result
        What `betalps.analysis.equation_of_state` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Energies from the minimum; the legend has volume, bulk modulus and its derivative with standard errors.
    """
    from matplotlib.figure import Figure

    volumes = np.linspace(result.volumes.min(), result.volumes.max(), 200)
    per_atom = 1e3 / result.atoms
    shape = "shape relaxed" if result.parameters["relax_shape"] else "shape kept"
    told = (
        f"Birch–Murnaghan, {shape}\n"
        f"$V_0$ = {_with_error(result.volume / result.atoms, result.volume_error / result.atoms)} Å³/atom\n"
        f"$B_0$ = {_with_error(result.bulk_modulus, result.bulk_modulus_error)} GPa\n"
        f"$B_0'$ = {_with_error(result.derivative, result.derivative_error)}"
    )
    with drawing():
        figure = Figure(figsize=(5.6, 4.0), layout="constrained")
        axes = figure.add_subplot()
        energies = per_atom * (result.at(volumes) - result.energy)
        axes.plot(volumes / result.atoms, energies, color=ACCENT, label=told)
        axes.plot(
            result.volumes / result.atoms,
            per_atom * (result.energies - result.energy),
            "o",
            ms=5,
            mfc="white",
            color=INK,
        )
        axes.set(xlabel="volume  (Å³/atom)", ylabel="energy above the minimum  (meV/atom)")
        axes.legend(loc="upper center")
    return figure


def plot_elastic_tensor(result: ElasticTensor) -> Figure:
    """The 6 × 6 elastic constants as a heat map, each with its value.

    Parameters
    ----------
    result
        What `betalps.analysis.elastic_tensor` returned.

    Returns
    -------
    matplotlib.figure.Figure
        In GPa, with the space group, the moduli and whether the crystal is stable above it.
    """
    from matplotlib.figure import Figure

    constants = result.constants
    limit = float(np.abs(constants).max())
    group = "no symmetry used" if result.space_group is None else result.space_group
    if result.stable:
        moduli = (
            f"$B$ = {_with_error(result.bulk_modulus, result.bulk_modulus_error)} GPa   "
            f"$G$ = {_with_error(result.shear_modulus, result.shear_modulus_error)} GPa   (Hill)"
        )
    else:
        moduli = f"unstable: the lowest eigenvalue is {result.eigenvalues[0]:.1f} GPa"
    with drawing():
        figure = Figure(figsize=(5.6, 5.0), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(constants, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for (row, column), value in np.ndenumerate(constants):
            shown = 0.0 if abs(value) < 0.05 else value
            colour = "white" if abs(value) > 0.6 * limit else INK
            axes.text(column, row, f"{shown:.1f}".replace("-", "−"), ha="center", va="center", fontsize=9, color=colour)
        axes.set_xticks(range(6), _VOIGT)
        axes.set_yticks(range(6), _VOIGT)
        axes.set(xlabel="strain", ylabel="stress")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(f"{group}\n{moduli}", fontsize=10)
        figure.colorbar(image, ax=axes, shrink=0.8, label="elastic constant  (GPa)")
    return figure


def plot_lattice(results: Mapping[float, Lattice]) -> Figure:
    """Lattice parameters and density against temperature, from runs at constant pressure.

    Parameters
    ----------
    results
        What `betalps.analysis.lattice_parameters` returned, by temperature in K.

    Returns
    -------
    matplotlib.figure.Figure
        Lengths relative to those at the lowest temperature, and density, with standard errors; open symbols are runs
        whose volume still drifts.

    Raises
    ------
    ValueError
        Nothing to draw.
    """
    from matplotlib.figure import Figure

    if not results:
        raise ValueError("results: expected lattices by temperature, got none")
    kelvins = sorted(results)
    found = [results[kelvin] for kelvin in kelvins]
    steady = np.array([one.equilibrated is not False for one in found])
    lengths, errors = (np.array([getattr(one, name) for one in found]) for name in ("lengths", "lengths_error"))
    with drawing():
        figure = Figure(figsize=(8.4, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axis, (name, colour) in enumerate(zip("abc", (ACCENT, OTHERS, INK), strict=True)):
            percent = 100.0 * (lengths[:, axis] / lengths[0, axis] - 1.0)
            label = f"${name}$ = {lengths[0, axis]:.3f} Å at {kelvins[0]:g} K"
            _points(left, kelvins, percent, 100.0 * errors[:, axis] / lengths[0, axis], steady, colour, label)
        density, error = (np.array([getattr(one, name) for one in found]) for name in ("density", "density_error"))
        _points(right, kelvins, density, error, steady, ACCENT, None)
        left.set(xlabel="T  (K)", ylabel=f"change of length since {kelvins[0]:g} K  (%)")
        right.set(xlabel="T  (K)", ylabel="density  (g/cm³)")
        left.legend()
    return figure


def _points(
    axes: Axes,
    x: list[float],
    y: np.ndarray,
    error: np.ndarray,
    steady: np.ndarray,
    colour: str,
    label: str | None,
) -> None:
    axes.errorbar(x, y, yerr=np.nan_to_num(error), fmt="-", lw=1.0, color=colour, capsize=3)
    axes.plot(np.array(x)[steady], y[steady], "o", ms=5, color=colour, label=label)
    axes.plot(np.array(x)[~steady], y[~steady], "o", ms=5, color=colour, mfc="white")


def plot_table_1(results: Mapping[str, BulkProperties]) -> Figure:
    """How far computed lattice, density and moduli of β-Li3PS4 are from the measured ones, beside the study's.

    Parameters
    ----------
    results
        What `betalps.analysis.bulk_properties` returned for β-Li3PS4, by the name of the calculator.

    Returns
    -------
    matplotlib.figure.Figure
        Deviations from the experiment in per cent (of a range: from its middle, which is shaded to its ends).
    """
    from matplotlib.figure import Figure

    measured = TABLE_1["experiment"]
    computed = {name: entry for name, entry in TABLE_1.items() if name != "experiment"}
    ours = _entries(results)
    with drawing():
        figure = Figure(figsize=(7.4, 3.8), layout="constrained")
        panels = figure.subplots(1, 2, width_ratios=[4, 2])
        for axes, names in zip(panels, (("a", "b", "c", "density"), ("bulk", "shear")), strict=True):
            for place, name in enumerate(names):
                low, high = _range(measured[name])
                half = 50.0 * (high - low) / (0.5 * (high + low))
                axes.fill_between([place - 0.4, place + 0.4], -half, half, color=INK, alpha=0.12, lw=0)
            axes.axhline(0.0, color=INK, lw=0.8)
            for number, (label, entry) in enumerate([*ours.items(), *computed.items()]):
                mine = label in ours
                shift = 0.12 * (number - 0.5 * (len(ours) + len(computed) - 1))
                percent = [100.0 * (_middle(entry[name]) / _middle(measured[name]) - 1.0) for name in names]
                axes.plot(
                    np.arange(len(names)) + shift,
                    percent,
                    _MARKERS[number % len(_MARKERS)],
                    ms=6,
                    color=ACCENT if mine else OTHERS,
                    mfc=ACCENT if mine else "none",
                    label=label,
                )
            axes.set_xticks(range(len(names)), [_QUANTITIES[name][0] for name in names])
            axes.set_ylabel("deviation from experiment  (%)")
        outer_legend(figure, panels[0].get_legend_handles_labels(), "outside lower center", fontsize=8.5)
    return figure


def table_1(results: Mapping[str, BulkProperties]) -> str:
    """Table 1 of the study with columns for other calculators, as Markdown.

    Parameters
    ----------
    results
        What `betalps.analysis.bulk_properties` returned for β-Li3PS4, by the name of the calculator.

    Returns
    -------
    str
        Rows a, b, c, density, bulk and shear modulus; columns: `results`, then the study's.
    """
    columns = _entries(results) | TABLE_1
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, (symbol, unit, digits) in _QUANTITIES.items():
        values = [_written(entry[name], digits) for entry in columns.values()]
        lines.append(f"| {symbol.strip('$')}, {unit} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def _entries(results: Mapping[str, BulkProperties]) -> dict[str, dict[str, float | tuple[float, float]]]:
    return {name: dict(result.table_1) for name, result in results.items()}


def _written(value: float | tuple[float, float], digits: int) -> str:
    low, high = _range(value)
    return f"{low:.{digits}f}" if low == high else f"{low:g}–{high:g}"


def _range(value: float | tuple[float, float]) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def _middle(value: float | tuple[float, float]) -> float:
    low, high = _range(value)
    return 0.5 * (low + high)


def _with_error(value: float, error: float) -> str:
    """Value ± standard error, both to the error's first two digits, at most four decimals."""
    if not np.isfinite(error) or error <= 0.0:
        return f"{value:.2f}"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 4))
    return f"{value:.{digits}f} ± {error:.{digits}f}"
