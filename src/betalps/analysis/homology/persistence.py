"""Rings in a set of points: first homology of its Rips or alpha filtration, and the points that make each ring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.errors import BetalpsError
from betalps.structures.regions import face_distances
from betalps.typing import Bools, Floats

Filtration = Literal["rips", "alpha"]

THRESHOLD = 8.0
"""Å; the largest diameter in a filtration. The largest holes between the Li of a thiophosphate close below it."""

_ROUNDING = 1e-4  # Å; stored coordinates are known to 1e-5 Å, and rings that live no longer come of that
_MOST_EDGES = 2**24  # ripser counts in float32


class _Edges(NamedTuple):
    """Edges in the order in which they appear."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    vectors: Floats  # (edges, 3), from the first to the second
    shifts: NDArray[np.int64]  # (edges, 3), cells crossed on the way
    diameters: Floats  # at which they appear


@dataclass(frozen=True, kw_only=True, eq=False)
class PersistenceDiagram:
    """Rings of a set of points.

    Attributes
    ----------
    births, deaths : (rings,) array, Å
        Sphere diameters at which a ring closes, and at which its hole is filled.
    sizes : (rings,) array of int
        How many points make the ring; zero where it was not asked for, and where only ways around the cell close it.
    starts : (rings + 1,) array of int
        Where each ring begins in `members`.
    members : (n,) array of int
        Numbers of the points, in order around each ring. A ring longer than the cell may hold a point and its image.
    unclosed : int
        Rings without a death: around the whole periodic cell, or around holes that the threshold does not fill.
    winding : int
        Rings that were asked for, but are closed by ways around the cell alone.
    copies : int
        How many copies of the cell the diagram is of.
    """

    births: Floats
    deaths: Floats
    sizes: NDArray[np.int32]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    unclosed: int
    winding: int
    copies: int


def persistence_diagram(
    positions: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: ArrayLike = True,
    *,
    filtration: Filtration = "rips",
    threshold: float = THRESHOLD,
    cut: float = 0.0,
) -> PersistenceDiagram:
    """Persistent homology of degree one, with the points of each ring.

    Parameters
    ----------
    positions : (points, 3) array, Å
    cell : (3, 3) array, Å, optional
        Without it nothing is periodic.
    pbc : bool or (3,) array of bool
        Periodic cell vectors.
    filtration : {"rips", "alpha"}
        Vietoris–Rips by ripser, where three points that touch pairwise fill their triangle; or the alpha filtration
        by gudhi, an optional dependency under the GPL, where they do so once the three spheres have a common point.
    threshold : float, Å
        Sphere diameter at which the filtration ends.
    cut : float, Å
        The points of a ring are looked for where it lives longer than this.

    Returns
    -------
    PersistenceDiagram

    Raises
    ------
    ValueError
        Arguments or shapes that make no sense.
    BetalpsError
        Too many edges for ripser; gudhi is not installed.

    Notes
    -----
    A class of homology is not a ring: many cycles stand for it. Each is born with one edge, and the ring is the
    shortest cycle through that edge at its birth, by the number of edges and then by length. In a Rips filtration it
    has at least four points, for a triangle is filled as it closes.

    Along a periodic vector shorter than three thresholds, a triangle could wind around the cell and fill what is
    open. There the cell is repeated, and the diagram is one of several copies: fractions and distributions are those
    of the large crystal.
    """
    points, cell, pbc = _checked(positions, cell, pbc, filtration, threshold)
    number = len(points)
    repeats = np.where(pbc, np.ceil(3.0 * threshold / face_distances(cell) - 1e-9), 1.0).astype(np.int64)
    shifts = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1).reshape(-1, 3)
    scaled = points @ np.linalg.inv(cell)
    scaled -= np.floor(scaled) * pbc
    points = ((scaled + shifts[:, None]) @ cell).reshape(-1, 3)
    find = _rips if filtration == "rips" else _alpha
    edges, born, dies = find(points, repeats[:, None] * cell, pbc, threshold)
    closed = dies >= 0.0
    kept = closed & (dies - edges.diameters[born] > _ROUNDING)
    born, deaths = born[kept], dies[kept]
    births = edges.diameters[born]
    wanted = deaths - births > cut
    found, members = _rings(edges, born[wanted], len(points))
    sizes = np.zeros(len(born), dtype=np.int32)
    sizes[wanted] = found
    return PersistenceDiagram(
        births=births,
        deaths=deaths,
        sizes=sizes,
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        members=(members % number).astype(np.int32),
        unclosed=int(np.count_nonzero(~closed)),
        winding=int(np.count_nonzero(found == 0)),
        copies=len(shifts),
    )


def _checked(
    positions: ArrayLike, cell: ArrayLike | None, pbc: ArrayLike, filtration: str, threshold: float
) -> tuple[Floats, Floats, Bools]:
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f"positions: expected shape (points, 3), got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"positions: point {int(np.argmin(np.isfinite(points).all(axis=1)))} is not finite")
    if filtration not in {"rips", "alpha"}:
        raise ValueError(f"filtration: expected 'rips' or 'alpha', got {filtration!r}")
    if not (np.isfinite(threshold) and threshold > 0.0):
        raise ValueError(f"threshold: expected a number above 0 Å, got {threshold!r}")
    if cell is None:
        return points, np.eye(3), np.zeros(3, dtype=np.bool_)
    cell = np.asarray(cell, dtype=np.float64)
    if cell.shape != (3, 3) or not abs(np.linalg.det(cell)) > 0.0:
        raise ValueError(f"cell: expected three vectors that span a volume, got {cell.tolist()}")
    return points, cell, np.array(np.broadcast_to(np.asarray(pbc, dtype=np.bool_), (3,)))


def _rings(edges: _Edges, born: NDArray[np.int64], points: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes and members of the rings that some edges close."""
    from betalps.analysis.homology._kernels_rings import closing_paths

    starts, members = closing_paths(born, edges.first, edges.second, edges.vectors, edges.shifts, points)
    return np.diff(starts), members


def _rips(points: Floats, cell: Floats, pbc: Bools, threshold: float) -> tuple[_Edges, NDArray[np.int64], Floats]:
    """Edges, those that close a ring, and the diameter at which it is filled: below zero where it never is."""
    edges = _edges_within(points, cell, pbc, threshold)
    if not len(edges.first):
        return edges, np.empty(0, dtype=np.int64), np.empty(0)
    if len(edges.first) >= _MOST_EDGES:
        raise BetalpsError(
            f"{len(points)} points have {len(edges.first)} pairs closer than {threshold:g} Å, expected fewer than "
            f"{_MOST_EDGES}: take a smaller threshold or region"
        )
    # The compiled half of ripser: its other half would load scikit-learn for nothing. It holds the GIL.
    from pyRipser import doRipsFiltrationDMSparse

    # A Rips filtration depends on the order of the edges alone. Given their numbers in place of their lengths, ripser
    # tells which edges a ring is born and dies with, exactly, and no two edges are ever equal.
    order = np.lexsort((edges.second, edges.first))
    found = doRipsFiltrationDMSparse(
        edges.first[order].astype(np.int32),
        edges.second[order].astype(np.int32),
        (order + 1).astype(np.float32),
        *(len(points), 1, np.inf, 2, False),
    )
    pairs = np.array(found["births_and_deaths_by_dim"][1]).reshape(-1, 2)
    never = np.isinf(pairs[:, 1])
    born, dies = np.where(np.isinf(pairs), 1.0, pairs).astype(np.int64).T - 1
    return edges, born, np.where(never, -1.0, edges.diameters[dies])


def _edges_within(points: Floats, cell: Floats, pbc: Bools, threshold: float) -> _Edges:
    """All pairs of points, shortest first."""
    from ase import Atoms

    from betalps.neighbors import neighbor_list

    found = neighbor_list(Atoms(numbers=np.ones(len(points)), positions=points, cell=cell, pbc=pbc), threshold)
    once = np.flatnonzero(found.i < found.j)
    once = once[np.lexsort((found.j[once], found.i[once], found.distances[once]))]
    first, second = found.i[once].astype(np.int64), found.j[once].astype(np.int64)
    vectors, shifts = np.ascontiguousarray(found.vectors[once]), found.shifts[once].astype(np.int64)
    return _Edges(first, second, vectors, shifts, found.distances[once])


def _alpha(points: Floats, cell: Floats, pbc: Bools, threshold: float) -> tuple[_Edges, NDArray[np.int64], Floats]:
    """As `_rips`, for the alpha filtration.

    A simplex whose empty sphere is no wider than the threshold is known from the points within one threshold of any
    of its own. So the points of the cell and their images that near give all its simplices, and those with a point
    of the cell, their images put back, are the complex of the periodic cell.
    """
    try:
        import gudhi
    except ImportError:
        raise BetalpsError(
            "the alpha filtration needs gudhi (in part under the GPL), which is not installed: pip install gudhi"
        ) from None

    everyone, source = _with_images(points, cell, pbc, threshold)
    tree = gudhi.AlphaComplex(points=everyone).create_simplex_tree(max_alpha_square=(threshold / 2.0) ** 2)
    inside = [simplex for simplex in tree.get_skeleton(2) if min(simplex[0]) < len(points)]
    quotient = gudhi.SimplexTree()
    for size in (1, 2, 3):
        simplices = [simplex for simplex in inside if len(simplex[0]) == size]
        vertices = np.array([corners for corners, _ in simplices], dtype=np.int64).reshape(-1, size)
        quotient.insert_batch(source[vertices].T.astype(np.int32), np.array([value for _, value in simplices]))
    quotient.make_filtration_non_decreasing()  # images of one simplex differ by rounding
    quotient.compute_persistence(homology_coeff_field=2)
    pairs = [(born, dies) for born, dies in quotient.persistence_pairs() if len(born) == 2]
    edges = [(*sorted(ends), value) for ends, value in quotient.get_skeleton(1) if len(ends) == 2]
    edges.sort(key=lambda edge: edge[2])
    numbers = {edge[:2]: number for number, edge in enumerate(edges)}
    table = np.array(edges, dtype=np.float64).reshape(-1, 3)
    first, second = table[:, :2].T.astype(np.int64)
    away = (points[second] - points[first]) @ np.linalg.inv(cell)
    shifts = np.where(pbc, -np.rint(away), 0.0).astype(np.int64)
    diameters = 2.0 * np.sqrt(np.maximum(table[:, 2], 0.0))
    born = np.array([numbers[tuple(sorted(edge))] for edge, _ in pairs], dtype=np.int64)
    dies = np.array([2.0 * np.sqrt(quotient.filtration(filler)) if filler else -1.0 for _, filler in pairs])
    return _Edges(first, second, (away + shifts) @ cell, shifts, diameters), born, dies


def _with_images(points: Floats, cell: Floats, pbc: Bools, margin: float) -> tuple[Floats, NDArray[np.int64]]:
    """The points, then their images within a margin around the cell; and the point that each is an image of."""
    scaled = points @ np.linalg.inv(cell)
    scaled -= np.floor(scaled) * pbc
    reach = margin / face_distances(cell)
    shifts = np.stack(np.meshgrid(*([-1, 0, 1] if axis else [0] for axis in pbc), indexing="ij"), axis=-1)
    images, sources = [scaled], [np.arange(len(points))]
    for shift in shifts.reshape(-1, 3):
        if shift.any():
            moved = scaled + shift
            near = np.flatnonzero((((moved > -reach) & (moved < 1.0 + reach)) | ~pbc).all(axis=1))
            images.append(moved[near])
            sources.append(near)
    return np.concatenate(images) @ cell, np.concatenate(sources)
