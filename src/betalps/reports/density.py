"""A density in space on paper: three cuts through the cell, with the framework that they pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.analysis import DensityGrid
from betalps.reports.style import INK, drawing, outer_legend, scale_bar
from betalps.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEAR = 0.6  # Å; atoms this near to a cut are drawn
_TOP = 0.998  # quantile of the density where the colours end: a few voxels would darken all others


def plot_density(result: DensityGrid, at: Sequence[float] | None = None) -> Figure:
    """A density in space as three cuts, each parallel to two cell vectors.

    Parameters
    ----------
    result : DensityGrid
    at : (3,) sequence of float, optional
        The point in which the cuts meet, in fractions of the cell vectors; by default the three planes of grid points
        that hold the most ions.

    Returns
    -------
    matplotlib.figure.Figure
        True to scale, oblique cells included; dotted lines are the other two cuts, circles the atoms of the framework
        in the first frame that lie within 0.6 Å. For surfaces in space, `betalps.analysis.write_density` writes files
        for VESTA.

    Raises
    ------
    ValueError
        A point that is not three finite numbers.
    """
    from matplotlib.figure import Figure

    cut = _cut(result, at)
    lengths = np.linalg.norm(result.cell, axis=1)
    top = float(np.quantile(result.density, _TOP)) or float(result.density.max())
    widths = [lengths[(axis + 1) % 3] for axis in range(3)]
    tallest = max(lengths[(axis + 2) % 3] for axis in range(3))
    scale = 9.6 / sum(widths)  # inches per Å
    with drawing():
        figure = Figure(figsize=(11.4, max(scale * tallest, 2.0) + 1.2), layout="constrained")
        panels = figure.subplots(1, 3, width_ratios=widths)
        meshes = [_draw_cut(axes, result, axis, cut, top) for axis, axes in enumerate(panels)]
        label = f"{result.species} per volume  (Å⁻³)"
        figure.colorbar(meshes[0], ax=list(panels), label=label, shrink=0.75, extend="max")
        for kind, marker in _markers(result).items():
            panels[0].plot([], [], marker, ms=5, mfc="none", mec=INK, mew=0.9, ls="none", label=kind)
        outer_legend(figure, panels[0].get_legend_handles_labels(), "outside upper right")
        points = " × ".join(map(str, result.density.shape))
        figure.suptitle(f"{result.parameters['frames']} frames, {points} points", fontsize=9, x=0.01, ha="left")
    return figure


def _cut(result: DensityGrid, at: Sequence[float] | None) -> list[int]:
    """The planes of grid points through a point, or those that hold the most."""
    shape = result.density.shape
    if at is None:
        others = ((1, 2), (0, 2), (0, 1))
        return [int(np.argmax(result.density.sum(axis=axes, dtype=np.float64))) for axes in others]
    point = np.asarray(at, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise ValueError(f"at: expected three fractions of the cell vectors, got {at!r}")
    return [round(float(x * n)) % n for x, n in zip(point, shape, strict=True)]


def _draw_cut(axes: Axes, result: DensityGrid, axis: int, cut: list[int], top: float) -> Any:
    right, up = (axis + 1) % 3, (axis + 2) % 3
    flat = _flattened(result.cell, right, up)
    plane = np.moveaxis(result.density, (axis, right, up), (0, 1, 2))[cut[axis]]
    # Voxels are centred on the grid's points; half a voxel further on the cell repeats.
    fractions = [(np.arange(n + 1) - 0.5) / n for n in plane.shape]
    corners = np.stack(np.meshgrid(*fractions, indexing="ij"), axis=-1) @ flat
    mesh = axes.pcolormesh(corners[..., 0], corners[..., 1], plane, cmap="viridis", vmin=0.0, vmax=top, rasterized=True)
    places = [cut[k] / result.density.shape[k] for k in (right, up)]
    for first, last in (
        (np.array([places[0], 0.0]), np.array([places[0], 1.0])),
        (np.array([0.0, places[1]]), np.array([1.0, places[1]])),
    ):
        axes.plot(*np.stack([first, last], axis=1).T.dot(flat).T, color="white", lw=0.7, ls=":")
    scale_bar(axes, corners)
    _draw_framework(axes, result, axis, cut[axis] / result.density.shape[axis], flat)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], xlabel=f"{'abc'[right]} →", ylabel=f"{'abc'[up]} →")
    axes.spines[:].set_visible(False)
    axes.set_title(f"{'abc'[axis]} = {cut[axis] / result.density.shape[axis]:.2f}", fontsize=9)
    return mesh


def _draw_framework(axes: Axes, result: DensityGrid, axis: int, height: float, flat: Floats) -> None:
    atoms = result.structure
    others = np.array([symbol != result.species for symbol in atoms.get_chemical_symbols()])
    fractional = np.asarray(atoms.get_scaled_positions(wrap=True))
    away = fractional[:, axis] - height
    away -= np.rint(away)
    distance = 1.0 / float(np.linalg.norm(np.linalg.inv(result.cell)[:, axis]))
    near = others & (np.abs(away) * distance <= _NEAR)
    right, up = (axis + 1) % 3, (axis + 2) % 3
    for kind, marker in _markers(result).items():
        chosen = near & (atoms.symbols == kind)
        axes.plot(*(fractional[chosen][:, [right, up]] @ flat).T, marker, ms=5, mfc="none", mec="white", mew=0.9)


def _markers(result: DensityGrid) -> dict[str, str]:
    """Of each species of the framework."""
    kinds = sorted(set(result.structure.get_chemical_symbols()) - {result.species})
    return dict(zip(kinds, "os^Dv", strict=False))


def _flattened(cell: Floats, right: int, up: int) -> Floats:
    """(2, 2): two cell vectors in their own plane, the first along x, the second upwards."""
    x = cell[right] / np.linalg.norm(cell[right])
    across = cell[up] - (cell[up] @ x) * x
    return np.array([[np.linalg.norm(cell[right]), 0.0], [cell[up] @ x, np.linalg.norm(across)]])
