"""Pairs of sublattices of two nets that a linear map of small strain takes onto each other.

The sublattices are enumerated by their Hermite normal forms and reduced, as in A. Zur and T. C. McGill, J. Appl.
Phys. 55, 378 (1984); but where they compare one reduced basis of each, here every basis that a map of the allowed
strain can make of a reduced one is tried, so that none is missed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from betalps.structures.lattices.nets import det, largest_strain, linear_map, polar, sublattices
from betalps.typing import Floats, Integers

_ROUNDING = 1e-9


def sublattice_pairs(
    net_a: Floats, net_b: Floats, max_area: float, max_strain: float, *, equal: bool
) -> tuple[Integers, Integers]:
    """Find all maps of small strain that give two nets a common sublattice.

    Parameters
    ----------
    net_a, net_b
        (2, 2) reduced, right-handed bases in Å.
    max_area
        The smaller of the two sublattices' cells is at most this, in Å².
    max_strain
        Largest ``max |ln eig U|`` of the map; the search is complete below 0.27.
    equal
        Only sublattices of the same index.

    Returns
    -------
    a, b
        (m, 2, 2) integers: bases of the sublattices in those of the nets; the map takes the rows of a to the rows
        of b. Each map comes once (of F and -F one), with its largest common sublattice.
    """
    of_a: Callable[[int], Integers] = cache(lambda n: sublattices(n, net_a))
    of_b: Callable[[int], Integers] = cache(lambda n: sublattices(n, net_b))
    found = [(np.empty((0, 2, 2), dtype=np.int64),) * 2]
    areas = float(det(net_a)), float(det(net_b))
    for n_a, n_b in _multiplicities(*areas, max_area, max_strain, equal):
        a, b = of_a(n_a), of_b(n_b)
        minima_a, minima_b = (np.linalg.norm(v @ p, axis=-1) for v, p in ((a, net_a), (b, net_b)))
        # a map changes the lengths of the two shortest vectors by its strain at most
        change = np.abs(np.log(minima_a[:, None] / minima_b[None])).max(axis=-1)
        i, j = np.nonzero(change <= max_strain + _ROUNDING)
        if not i.size:
            continue
        reach = _reach(max_strain, minima_a[i, 1] / minima_a[i, 0])
        for steps in np.unique(reach):
            chosen = reach == steps
            found.append(_images(a[i[chosen]], b[j[chosen]], net_a, net_b, max_strain, int(steps)))
    return _primitive(np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]))


def _multiplicities(
    area_a: float, area_b: float, max_area: float, max_strain: float, equal: bool
) -> Iterator[tuple[int, int]]:
    """(n_a, n_b) whose areas agree within the strain; the common cell has an area between the two."""
    slack = math.exp(2 * max_strain) * (1 + _ROUNDING)
    for n_a in range(1, int(max_area * slack / area_a) + 1):
        low, high = math.ceil(n_a * area_a / area_b / slack), int(n_a * area_a / area_b * slack)
        for n_b in range(max(low, 1), high + 1):
            if (n_a == n_b or not equal) and min(n_a * area_a, n_b * area_b) <= max_area * (1 + _ROUNDING):
                yield n_a, n_b


def _reach(max_strain: float, aspect: Floats) -> Integers:
    """How many times the image of the shortest vector may have to be added to the other one.

    The image w2 of the second shortest has ``|w1 · w2| / |w1|²`` of at most this less one, and a vector to start from
    with at most 1 can be had.
    """
    stretch = math.cosh(2 * max_strain) / 2 + math.sinh(2 * max_strain) * aspect
    reach: Integers = np.floor(1 + math.exp(2 * max_strain) * stretch).astype(np.int64)
    return reach


def _images(
    a: Integers, b: Integers, net_a: Floats, net_b: Floats, max_strain: float, reach: int
) -> tuple[Integers, Integers]:
    """Of pairs of reduced bases: a, and every basis of the net of b that a map of small strain takes a to.

    The image w1 of the shortest vector has coefficients of at most 2/√3 exp(2ε) < 2 in b. One sign of it is enough.
    """
    starts = [((1, 0), (0, 1)), ((0, 1), (-1, 0)), ((1, 1), (0, 1)), ((1, -1), (0, 1))]
    trials = np.array(
        [
            [first, (second[0] + k * first[0], second[1] + k * first[1])]
            for (first, second), k in itertools.product(starts, range(-reach, reach + 1))
        ],
        dtype=np.int64,
    )
    # first by the metric of all, with a margin for rounding, then exactly what is left
    (u11, u12, u22), (v11, v12, v22) = _metric(a @ net_a), _metric(b @ net_b)
    (p, q), (r, s) = np.moveaxis(trials, 0, -1)
    w11 = np.outer(v11, p * p) + np.outer(v12, 2 * p * q) + np.outer(v22, q * q)
    w12 = np.outer(v11, p * r) + np.outer(v12, p * s + q * r) + np.outer(v22, q * s)
    w22 = np.outer(v11, r * r) + np.outer(v12, 2 * r * s) + np.outer(v22, s * s)
    volume = u11 * u22 - u12**2
    mean = (u22[:, None] * w11 - 2 * u12[:, None] * w12 + u11[:, None] * w22) / (2 * volume[:, None])
    spread = np.sqrt(np.maximum(mean**2 - ((v11 * v22 - v12**2) / volume)[:, None], 0.0))
    limit = math.exp(2 * max_strain) * (1 + 1e-6)
    i, j = np.nonzero((mean + spread <= limit) & (mean - spread >= 1 / limit))
    one, other = a[i], trials[j] @ b[i]
    _, high, low = polar(linear_map(one @ net_a, other @ net_b))
    good = largest_strain(high, low) <= max_strain + _ROUNDING
    return one[good], other[good]


def _metric(vectors: Floats) -> tuple[Floats, Floats, Floats]:
    """Squares and product of the two rows."""
    first, second = vectors[:, 0], vectors[:, 1]
    return (first**2).sum(axis=-1), (first * second).sum(axis=-1), (second**2).sum(axis=-1)


def _primitive(a: Integers, b: Integers) -> tuple[Integers, Integers]:
    """Drop cells that a smaller one with the same map generates: where the minors of [a | b] have a common factor."""
    joined = np.concatenate([a, b], axis=-1)
    factor = np.zeros(len(a), dtype=np.int64)
    for i, j in itertools.combinations(range(4), 2):
        factor = np.gcd(factor, joined[:, 0, i] * joined[:, 1, j] - joined[:, 0, j] * joined[:, 1, i])
    return a[factor == 1], b[factor == 1]
