"""A picture of a grain boundary, from two sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from betalps.reports.boundary_table import NO_STRAIN, boundary_title
from betalps.reports.style import ACCENT, INK, OTHERS, drawing
from betalps.structures.bonding import Units, bonded_units
from betalps.structures.boundaries.record import boundary_record, pairs_of
from betalps.typing import Floats, Integers, Json

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRAIN_COLOURS = (ACCENT, OTHERS)
"""Of the lower and the upper grain."""
BOUNDARY_COLOUR = "#b3123f"

_NARROWEST, _WIDEST = 24.0, 42.0  # Å shown across
_MARGIN = 8.0  # Å left of a view, for the axes of the crystals
_ARROW = 2.4  # Å
_LARGEST = 1.2  # Å, radius that larger atoms are drawn with too
_FADE = 0.5  # how much of the colour the far end of a slice loses


def plot_boundary(
    atoms: Atoms, *, boundary: int = -1, reach: float = 16.0, depth: float | None = None, overview: bool = True
) -> Figure:
    """Draw a grain boundary from two sides.

    Parameters
    ----------
    atoms
        A boundary of this package.
    boundary
        Which of the two to look at; the default is the one in the middle of the cell.
    reach
        How far to look up and down from it, in Å.
    depth
        How thick a slice to show in either view, in Å. The default is one period of the boundary, at most 8 Å.
    overview
        Whether to show the whole structure in a strip above.

    Returns
    -------
    matplotlib.figure.Figure
        Two views along the plane, the normal upwards: polyhedra (the PS4) filled, bonds as lines, single ions as
        dots, in the colour of their grain; the boundary plane; the axes of the crystal in either grain.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    ValueError
        There is no such boundary, or a length is not positive.
    """
    from matplotlib.figure import Figure

    record = boundary_record(atoms)
    heights = record["boundaries"]
    if not -len(heights) <= boundary < len(heights):
        raise ValueError(f"boundary {boundary}: the structure has {len(heights)}, counted from 0")
    for name, length in (("reach", reach), ("depth", depth)):
        if length is not None and not (np.isfinite(length) and length > 0):
            raise ValueError(f"{name} {length!r} Å: expected a length above 0")
    scene = _Scene.of(atoms, record)
    views = [_view(atoms, record, along, reach, depth) for along in (0, 1)]
    widths = [view.width + _MARGIN for view in views]
    with drawing():
        figure = Figure(figsize=_size(sum(widths), 2 * reach, overview), layout="constrained")
        rows = figure.add_gridspec(2, 2, width_ratios=widths, height_ratios=(1, 7)) if overview else None
        if rows is not None:
            _draw_overview(figure.add_subplot(rows[0, :]), scene, heights)
        grid = figure.add_gridspec(1, 2, width_ratios=widths) if rows is None else rows
        for column, view in enumerate(views):
            axes = figure.add_subplot(grid[-1, column])
            _draw_view(axes, scene, view, heights[boundary], record)
        _scale_bar(figure.axes[-1], views[-1])
        _legend(figure.axes[-2], views[0], scene)
        figure.suptitle(_title(atoms, record), fontsize=10.5)
    return figure


class _View(NamedTuple):
    """What one panel shows: looking along `axis`, the rectangle width by 2 reach, a slice of a certain depth."""

    axis: int
    width: float
    depth: float
    reach: float


def _view(atoms: Atoms, record: Json, axis: int, reach: float, depth: float | None) -> _View:
    cell = atoms.cell.array[:2, :2] / np.array(record["repeats"])[:, None]
    periods = float(np.linalg.norm(cell[0])), float(abs(np.linalg.det(cell)) / np.linalg.norm(cell[0]))
    across = periods[1 - axis]
    width = across * max(1, round(_NARROWEST / across))
    return _View(
        axis=axis,
        width=min(max(width, _NARROWEST * 0.75), _WIDEST),
        depth=min(periods[axis], 8.0) if depth is None else depth,
        reach=reach,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scene:
    """The structure as what is drawn: units with their reference atoms, offsets and bonds."""

    atoms: Atoms
    units: Units
    grain: Integers
    radii: Floats

    @classmethod
    def of(cls, atoms: Atoms, record: Json) -> _Scene:
        from ase.data import covalent_radii

        bonds = None if record["bonds"] is None else pairs_of(record["bonds"])
        units = bonded_units(atoms, bonds)
        radii = covalent_radii[atoms.numbers]
        return cls(atoms=atoms, units=units, grain=atoms.arrays["grain"].astype(np.int64), radii=radii)

    def visible(self, view: _View, middle: float) -> tuple[Integers, Floats]:
        """Units whose reference point lies in the view, and by how much each is to be moved; repeated as needed."""
        cell, references = self.atoms.cell.array, self.units.references
        corners = np.array([[x, y] for x in (-1.0, 1.0) for y in (-1.0, 1.0)]) * (max(view.width, view.depth) + 1)
        most = np.ceil(np.abs(np.linalg.solve(cell[:2, :2].T, corners.T)).max(axis=1)).astype(int) + 1
        levels = (-1, 0, 1) if self.atoms.pbc[2] else (0,)
        wrapped = self.atoms.positions[references]
        turns = -np.floor(np.linalg.solve(cell[:2, :2].T, wrapped[:, :2].T).T) @ cell[:2]
        chosen, moves = [], []
        for i in range(-int(most[0]), int(most[0]) + 1):
            for j in range(-int(most[1]), int(most[1]) + 1):
                for k in levels:
                    move = turns + np.array([i, j, k]) @ cell - np.array([0, 0, middle])
                    there = wrapped + move
                    across, deep = there[:, 1 - view.axis], there[:, view.axis]
                    seen = (across >= 0) & (across < view.width) & (deep >= 0) & (deep < view.depth)
                    seen &= np.abs(there[:, 2]) <= view.reach
                    chosen.append(np.flatnonzero(seen))
                    moves.append(move[seen])
        return np.concatenate(chosen), np.concatenate(moves)


def _draw_view(axes: Axes, scene: _Scene, view: _View, middle: float, record: Json) -> None:
    """Polyhedra, bonds and single ions of a slice, far ones first and fainter."""
    from matplotlib.collections import LineCollection, PolyCollection

    units, moves = scene.visible(view, middle)
    deep = moves[:, view.axis] + scene.atoms.positions[scene.units.references[units], view.axis]
    far = 1 - deep / view.depth if view.axis == 0 else deep / view.depth  # x, y, z are right-handed: x comes nearer
    order = np.argsort(-far)
    partners = _partners(scene.units)
    faces, face_colours, lines, line_colours, dots, sizes, dot_colours = [], [], [], [], [], [], []
    for unit, move, faint in zip(units[order].tolist(), moves[order], far[order].tolist(), strict=True):
        members, reference = scene.units.atoms_of(unit), scene.units.references[unit]
        points = scene.atoms.positions[reference] + scene.units.offsets[members] + move
        flat = points[:, [1 - view.axis, 2]]
        colour = _faded(GRAIN_COLOURS[int(scene.grain[reference])], _FADE * faint)
        if len(members) == 1:
            dots.append(flat[0])
            sizes.append(scene.radii[members[0]])
            dot_colours.append(colour)
            continue
        row = {int(atom): n for n, atom in enumerate(members)}
        for atom, place in row.items():
            around = [row[other] for other in partners[atom]]
            if len(around) >= 4:
                faces.append(_outline(flat[around]))
                face_colours.append(colour)
            for other in around:
                if other > place:
                    lines.append(flat[[place, other]])
                    line_colours.append(colour)
    axes.add_collection(PolyCollection(faces, facecolors=face_colours, edgecolors="white", linewidths=0.6, alpha=0.6))
    axes.add_collection(LineCollection(lines, colors=line_colours, linewidths=0.9))
    _draw_dots(axes, np.array(dots).reshape(-1, 2), np.array(sizes), dot_colours)
    axes.plot([-1.5, view.width + 1.5], [0, 0], color=BOUNDARY_COLOUR, lw=1.2, ls=(0, (5, 3)), zorder=4)
    axes.set(xlim=(-_MARGIN, view.width + 2), ylim=(-view.reach - 4.5, view.reach + 2), aspect="equal")
    axes.set_axis_off()
    axes.set_title(f"along {'xy'[view.axis]}, a slice of {view.depth:.1f} Å", fontsize=9)
    for grain, sign in ((0, -1), (1, 1)) if _is_upper_above(scene, middle) else ((1, -1), (0, 1)):
        _draw_axes(axes, record, grain, view, sign)


def _faded(colour: str, share: float) -> tuple[float, float, float]:
    """A colour mixed with white."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part + (1 - part) * share for part in to_rgb(colour))
    return red, green, blue


def _draw_dots(axes: Axes, points: Floats, radii: Floats, colours: list[Any]) -> None:
    """Single ions as discs, in proportion to their radii."""
    from matplotlib.collections import EllipseCollection

    diameters = 0.8 * np.minimum(radii, _LARGEST)
    axes.add_collection(
        EllipseCollection(
            diameters,
            diameters,
            np.zeros(len(points)),
            units="xy",
            offsets=points,
            offset_transform=axes.transData,
            facecolors=colours,
            edgecolors="white",
            linewidths=0.5,
            zorder=3,
        )
    )


def _partners(units: Units) -> dict[int, list[int]]:
    """The atoms bonded to each."""
    found: dict[int, list[int]] = {}
    for first, second in units.bonds.tolist():
        found.setdefault(first, []).append(second)
        found.setdefault(second, []).append(first)
    return found


def _outline(points: Floats) -> Floats:
    """Corners of the convex hull of a few points in the plane, in order."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners: Floats = points[ConvexHull(points).vertices]
    except QhullError:  # all on a line: a polyhedron seen edge on
        corners = points
    return corners


def _is_upper_above(scene: _Scene, middle: float) -> bool:
    """Whether at this boundary the upper grain lies above; at the cell's border it lies below."""
    height = scene.atoms.cell.array[2, 2]
    away = scene.atoms.positions[:, 2] - middle
    if scene.atoms.pbc[2]:
        away = away - height * np.rint(away / height)
    near = np.abs(away) < 0.2 * height
    above = float(scene.grain[near & (away > 0)].mean()) if (near & (away > 0)).any() else 1.0
    return above > 0.5


def _draw_axes(axes: Axes, record: Json, grain: int, view: _View, sign: int) -> None:
    """The crystal's axes in a grain, those that lie near the plane of the picture, at its left edge."""
    if record["orientations"][grain] is None:  # a glass has none
        return
    crystal = record["crystals"][min(grain, len(record["crystals"]) - 1)]
    vectors = np.array(crystal["cell"])
    vectors = vectors / np.linalg.norm(vectors, axis=1)[:, None] @ np.array(record["orientations"][grain]).T
    start = np.array([-_MARGIN + 1.3 * _ARROW, sign * 0.65 * view.reach])
    named: list[tuple[str, Floats]] = []
    for name, vector in zip("abc", vectors[:, [1 - view.axis, 2]], strict=True):
        if np.linalg.norm(vector) < 0.5:
            continue
        arrow = {"arrowstyle": "-|>", "color": GRAIN_COLOURS[grain], "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
        tip = (start + _ARROW * vector).tolist()
        axes.annotate("", (tip[0], tip[1]), (start[0], start[1]), arrowprops=arrow, zorder=5)
        where = start + (_ARROW + 0.8 / np.linalg.norm(vector)) * vector
        beside = [k for k, (_, there) in enumerate(named) if np.linalg.norm(where - there) < 1.2]
        if beside:
            named[beside[0]] = f"{named[beside[0]][0]}, {name}", (where + named[beside[0]][1]) / 2
        else:
            named.append((name, where))
    for name, where in named:
        axes.text(where[0], where[1], name, fontsize=8, style="italic", ha="center", va="center", zorder=5)


def _draw_overview(axes: Axes, scene: _Scene, heights: list[float]) -> None:
    """The whole structure lying on its side, the normal to the right: centres of the polyhedra, or all atoms."""
    atoms, cell = scene.atoms, scene.atoms.cell.array
    centres = scene.units.references[np.bincount(scene.units.labels) > 1]
    shown = centres if centres.size else np.arange(len(atoms))
    inside = np.linalg.solve(cell.T, atoms.positions[shown].T).T
    inside -= np.where(atoms.pbc, np.floor(inside), 0.0)
    positions, colours = inside @ cell, np.array(GRAIN_COLOURS)[scene.grain[shown]]
    axes.scatter(positions[:, 2], positions[:, 1], s=max(1.0, min(8.0, 3000 / len(shown))), lw=0, c=colours)
    for height in heights:
        axes.axvline(height, color=BOUNDARY_COLOUR, lw=1.2, ls=(0, (5, 3)))
    axes.set(xlim=(-0.005 * cell[2, 2], 1.005 * cell[2, 2]), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("along the normal  (Å)", fontsize=8, labelpad=1)
    axes.tick_params(labelsize=8)


def _legend(axes: Axes, view: _View, scene: _Scene) -> None:
    """What is drawn how."""
    kinds = scene.units.counts
    single = [kind for kind in kinds if kind in set(scene.atoms.get_chemical_symbols())]
    parts = [f"●  {' '.join(single)}"] if single else []
    parts += [f"▲  {' '.join(kind for kind in kinds if kind not in single)}"] if len(kinds) > len(single) else []
    y = -view.reach - 3.6
    axes.text(0, y, "    ".join([*parts, "-  -  boundary"]), fontsize=8, color=INK, va="center")


def _scale_bar(axes: Axes, view: _View, length: float = 10.0) -> None:
    right, y = view.width, -view.reach - 3.6
    axes.plot([right - length, right], [y, y], color=INK, lw=2.5, solid_capstyle="butt", zorder=6)
    axes.text(right - length - 0.7, y, f"{length:g} Å", ha="right", va="center", fontsize=8, zorder=6)


def _size(width: float, height: float, overview: bool) -> tuple[float, float]:
    """Of the figure in inches."""
    scale = min(0.13, 9.5 / width)
    return max(5.5, scale * (width + 6)), scale * (height + 7) + (1.6 if overview else 0.8)


def _title(atoms: Atoms, record: Json) -> str:
    parts = [f"{boundary_title(record)}, {record['kind']}"]
    found = record["disorientation"]
    if found is not None:
        parts.append(f"disorientation {found['angle']:.2f}°")
    parts.append(f"strain {100 * record['strain']:.2g} %" if record["strain"] > NO_STRAIN else "no strain")
    parts.append(f"{len(atoms)} atoms")
    return "  ·  ".join(parts)
