"""Compiled loops over pairs of atoms. Imported when they are called for: compiled code takes a moment to load."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from betalps.typing import Floats

_Integers = NDArray[np.int64]
_CELLS_PER_REACH = 2  # edges of grid cells in r_max: more search less space in vain, but walk through more cells


def count_pairs(
    fractional: Floats,
    cell: Floats,
    pbc: NDArray[np.bool_],
    species: _Integers,
    centres: NDArray[np.bool_],
    r_max: float,
    counts: _Integers,
) -> None:
    """Add the distances of all pairs, every periodic image included, to histograms by species.

    Parameters
    ----------
    fractional : (atoms, 3) array
        Wrapped or not.
    cell : (3, 3) array, Å
    pbc : (3,) array of bool
    species : (atoms,) array of int
        Rows of `counts`.
    centres : (atoms,) array of bool
        The first atom of a pair is one of these.
    r_max : float, Å
        Pairs at this distance or beyond are not counted; it may exceed the cell.
    counts : (species, species, bins) array of int
        Ordered pairs by species of the first and of the second atom, and by distance; added to.
    """
    place, scaled, shape, reach = _grid(fractional, cell, pbc, r_max)
    order, starts = _sort(place, shape)
    positions = np.ascontiguousarray((scaled @ cell)[order])
    _count(positions, species[order], centres[order].astype(np.int64), cell, pbc, shape, reach, starts, r_max, counts)


def _grid(
    fractional: Floats, cell: Floats, pbc: NDArray[np.bool_], r_max: float
) -> tuple[_Integers, Floats, _Integers, _Integers]:
    """In which grid cell (atoms, 3) every atom lies, its coordinates, the grid's shape, cells within reach."""
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    scaled = fractional - np.floor(fractional) * pbc
    low = np.where(pbc, 0.0, scaled.min(axis=0))
    span = np.where(pbc, 1.0, np.maximum(scaled.max(axis=0) - low, 1e-12))
    lengths = heights * span
    shape = np.maximum(_CELLS_PER_REACH * lengths / r_max, 1.0)
    crowd = np.prod(shape) / (len(fractional) + 64)  # in a large empty cell most of the grid would be empty too
    if crowd > 1.0:
        shape = np.maximum(shape / crowd ** (1.0 / 3.0), 1.0)
    shape = np.floor(shape).astype(np.int64)
    reach = np.ceil(r_max * shape / lengths - 1e-12)
    reach = np.where(pbc, reach, np.minimum(reach, shape - 1)).astype(np.int64)
    place = np.minimum(((scaled - low) / span * shape).astype(np.int64), shape - 1)
    return place, scaled, shape, reach


@njit(cache=True, nogil=True)
def _sort(place: _Integers, shape: _Integers) -> tuple[_Integers, _Integers]:
    """Order of the atoms by grid cell, and where each cell begins in it."""
    starts = np.zeros(shape[0] * shape[1] * shape[2] + 1, dtype=np.int64)
    number = (place[:, 0] * shape[1] + place[:, 1]) * shape[2] + place[:, 2]
    for c in number:
        starts[c + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(len(number), dtype=np.int64)
    filled = starts[:-1].copy()
    for atom, c in enumerate(number):
        order[filled[c]] = atom
        filled[c] += 1
    return order, starts


@njit(cache=True, nogil=True, fastmath=True)
def _count_run(
    i: int,
    shift: Floats,
    first: int,
    last: int,
    positions: Floats,
    species: _Integers,
    centres: _Integers,
    r_max: float,
    counts: _Integers,
) -> None:
    """Atom i with a run of atoms, all of them moved by a lattice vector; each pair counts both ways."""
    x, y, z = positions[i, 0] - shift[0], positions[i, 1] - shift[1], positions[i, 2] - shift[2]
    per_width = counts.shape[2] / r_max
    for j in range(first, last):
        dx, dy, dz = positions[j, 0] - x, positions[j, 1] - y, positions[j, 2] - z
        squared = dx * dx + dy * dy + dz * dz
        if squared < r_max * r_max:
            k = int(math.sqrt(squared) * per_width)
            if k < counts.shape[2]:
                counts[species[i], species[j], k] += centres[i]
                counts[species[j], species[i], k] += centres[j]


@njit(cache=True, nogil=True)
def _count_row(
    own: int,
    row: int,
    low: int,
    last: int,
    shift: Floats,
    cell: Floats,
    periodic: bool,
    width: int,
    starts: _Integers,
    positions: Floats,
    species: _Integers,
    centres: _Integers,
    r_max: float,
    counts: _Integers,
) -> None:
    """The atoms of a grid cell with those of the cells `low` to `last` of a row, which lie together in memory."""
    while low <= last:
        image = low // width
        high = min(last, (image + 1) * width - 1)
        if image == 0 or periodic:
            moved = shift + image * cell[2]
            begin = starts[row * width + low - image * width]
            end = starts[row * width + high - image * width + 1]
            for i in range(starts[own], starts[own + 1]):
                _count_run(i, moved, begin, end, positions, species, centres, r_max, counts)
        low = high + 1


@njit(cache=True, nogil=True)
def _count(
    positions: Floats,
    species: _Integers,
    centres: _Integers,
    cell: Floats,
    pbc: NDArray[np.bool_],
    shape: _Integers,
    reach: _Integers,
    starts: _Integers,
    r_max: float,
    counts: _Integers,
) -> None:
    """Every grid cell with itself and with those after it within reach: half of all, for a pair is one of two."""
    width = shape[2]
    for own in range(shape[0] * shape[1] * width):
        if starts[own] == starts[own + 1]:
            continue
        a, b, c = own // (shape[1] * width), own // width % shape[1], own % width
        for i in range(starts[own], starts[own + 1]):
            _count_run(i, np.zeros(3), i + 1, starts[own + 1], positions, species, centres, r_max, counts)
        for da in range(reach[0] + 1):
            for db in range(-reach[1] if da else 0, reach[1] + 1):
                image_a, image_b = (a + da) // shape[0], (b + db) // shape[1]
                if (image_a != 0 and not pbc[0]) or (image_b != 0 and not pbc[1]):
                    continue
                row = ((a + da) % shape[0]) * shape[1] + (b + db) % shape[1]
                low = c - reach[2] if da or db else c + 1
                shift = image_a * cell[0] + image_b * cell[1]
                _count_row(
                    *(own, row, low, c + reach[2], shift, cell, pbc[2], width, starts),
                    *(positions, species, centres, r_max, counts),
                )


@njit(cache=True, nogil=True)
def count_angles(
    firsts: _Integers,
    vectors: Floats,
    left: NDArray[np.bool_],
    right: NDArray[np.bool_],
    same: bool,
    counts: _Integers,
) -> Any:
    """Add the angles between the bonds of each centre to a histogram over 0 to 180 degrees.

    Parameters
    ----------
    firsts : (centres + 1,) array of int
        Where the bonds of each centre begin.
    vectors : (bonds, 3) array
    left, right : (bonds,) array of bool
        Whether a bond may be the first, the second leg.
    same : bool
        The legs are of one kind: each angle counts once.
    counts : (bins,) array of int
        Added to.

    Returns
    -------
    angles, sum, sum of squares : float
        Number of angles, and the moments in degrees.
    """
    number, total, squares = 0, 0.0, 0.0
    bins = len(counts)
    for centre in range(len(firsts) - 1):
        for p in range(firsts[centre], firsts[centre + 1]):
            if not left[p]:
                continue
            for q in range(p + 1 if same else firsts[centre], firsts[centre + 1]):
                if q == p or not right[q]:
                    continue
                dot = 0.0
                one = 0.0
                two = 0.0
                for k in range(3):
                    dot += vectors[p, k] * vectors[q, k]
                    one += vectors[p, k] * vectors[p, k]
                    two += vectors[q, k] * vectors[q, k]
                angle = math.degrees(math.acos(min(1.0, max(-1.0, dot / math.sqrt(one * two)))))
                counts[min(int(angle / 180.0 * bins), bins - 1)] += 1
                number += 1
                total += angle
                squares += angle * angle
    return number, total, squares
