"""Compiled loops over bonds. Imported when they are called for: compiled code takes a moment to load."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from betalps.typing import Floats

_Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _comes_before(a: Floats, b: Floats, tie: float) -> bool:
    for k in range(3):
        if abs(a[k] - b[k]) > tie:
            return bool(a[k] < b[k])
    return False


@njit(cache=True, nogil=True)
def nearest(starts: _Integers, distances: Floats, vectors: Floats, number: int, tie: float) -> NDArray[np.bool_]:
    """Which pairs are those of the nearest neighbours.

    Parameters
    ----------
    starts : (atoms + 1,) array of int
        Where the pairs of each atom begin; there are at least `number` of each.
    distances : (pairs,) array
    vectors : (pairs, 3) array
    number : int
        Of neighbours for each atom.
    tie : float
        Distances this close are equal, and the direction decides: the same for every atom of a crystal, whatever
        the order of the atoms.
    """
    chosen = np.zeros(len(distances), dtype=np.bool_)
    for atom in range(len(starts) - 1):
        first, last = starts[atom], starts[atom + 1]
        far = np.partition(distances[first:last], number - 1)[number - 1]
        taken = 0
        for pair in range(first, last):
            if distances[pair] < far - tie:
                chosen[pair] = True
                taken += 1
        while taken < number:
            best = -1
            for pair in range(first, last):
                if chosen[pair] or distances[pair] > far + tie:
                    continue
                if best < 0 or _comes_before(vectors[pair], vectors[best], tie):
                    best = pair
            chosen[best] = True
            taken += 1
    return chosen


@njit(cache=True, nogil=True)
def _harmonics(x: float, y: float, z: float, l: int, up: Floats, across: Floats, out: Floats) -> None:  # noqa: E741
    """Add the real spherical harmonics of degree l of a unit vector, times sqrt(4π), to `out`: m = 0, then cos, sin.

    With P(k, m) the normalised Legendre functions without their factor sin^m: P(k, m) = up(k, m) z P(k-1, m) -
    across(k, m) P(k-2, m). The factor comes with (x + iy)^m.
    """
    diagonal, real, imaginary = 1.0, 1.0, 0.0
    for m in range(l + 1):
        if m > 0:
            diagonal *= np.sqrt((2.0 * m + 1.0) / (2.0 * m))
            real, imaginary = real * x - imaginary * y, real * y + imaginary * x
        below, here = 0.0, diagonal
        for k in range(m + 1, l + 1):
            below, here = here, up[k, m] * z * here - across[k, m] * below
        if m == 0:
            out[0] += here
        else:
            out[2 * m - 1] += np.sqrt(2.0) * here * real
            out[2 * m] += np.sqrt(2.0) * here * imaginary


@njit(cache=True, nogil=True)
def bond_orders(starts: _Integers, vectors: Floats, distances: Floats, l: int) -> Floats:  # noqa: E741
    """Normalised bond-order vector q_l of each atom, in real spherical harmonics.

    Parameters
    ----------
    starts : (atoms + 1,) array of int
        Where the bonds of each atom begin.
    vectors : (bonds, 3) array
    distances : (bonds,) array
        Their lengths.
    l : int

    Returns
    -------
    (atoms, 2 l + 1) array
        Of length one. NaN where an atom has no neighbour, and where they cancel.
    """
    up, across = np.zeros((l + 1, l + 1)), np.zeros((l + 1, l + 1))
    for m in range(l + 1):
        for k in range(m + 1, l + 1):
            up[k, m] = np.sqrt((4.0 * k * k - 1.0) / (k * k - m * m))
            if k > m + 1:
                across[k, m] = up[k, m] * np.sqrt(((k - 1.0) ** 2 - m * m) / (4.0 * (k - 1.0) ** 2 - 1.0))
    orders = np.zeros((len(starts) - 1, 2 * l + 1))
    for atom in range(len(orders)):
        for bond in range(starts[atom], starts[atom + 1]):
            x, y, z = vectors[bond] / distances[bond]
            _harmonics(x, y, z, l, up, across, orders[atom])
        length = np.sqrt((orders[atom] ** 2).sum())
        # One bond alone has the length sqrt(2 l + 1); what is left of cancelling ones is rounding.
        if length > 1e-6 * (starts[atom + 1] - starts[atom]):
            orders[atom] /= length
        else:
            orders[atom] = np.nan
    return orders


@njit(cache=True, nogil=True)
def mean_differences(starts: _Integers, ends: _Integers, orders: Floats) -> Floats:
    """(atoms,) array: |q(j) - q(k)|², averaged over the neighbours k of each atom j."""
    found = np.full(len(starts) - 1, np.nan)
    for atom in range(len(found)):
        first, last = starts[atom], starts[atom + 1]
        if last > first:
            total = 0.0
            for bond in range(first, last):
                for m in range(orders.shape[1]):
                    total += (orders[atom, m] - orders[ends[bond], m]) ** 2
            found[atom] = total / (last - first)
    return found
