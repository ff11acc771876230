"""All symmetry-distinct ways to fill partially occupied sites."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.structures.ordering.sites import VACANT, Labels, SiteOrder

Permutations = NDArray[np.int64]

LIMIT = 3_000_000
"""Fillings, equivalent ones counted, up to which all are looked at."""


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One way to fill the sites, for all that symmetry makes equal to it.

    Attributes
    ----------
    labels
        What lies on each site: 0 for nothing, k for ``order.species[k - 1]``. ``order.atoms(labels)`` builds it.
    degeneracy
        How many fillings are equivalent to it, itself counted.
    counts
        How many of each species lie on each kind of site.
    """

    labels: tuple[int, ...]
    degeneracy: int
    counts: dict[str, dict[str, int]]


def fillings(order: SiteOrder, *, symprec: float = 1e-3, limit: int = LIMIT) -> tuple[Filling, ...]:
    """Find the fillings that no symmetry of the parent crystal makes equal.

    The parent is the framework with all of its sites; its operations, translations within a repeated cell among them,
    permute the sites, and the orbits of these permutations are the distinct fillings.

    Parameters
    ----------
    order
        The sites, and how many ions of each species go there.
    symprec
        How far atoms may be from their symmetric places, Å (spglib).
    limit
        Refuse to look at more fillings than this.

    Returns
    -------
    tuple of Filling
        By their counts on the kinds of sites, the first kind fullest first; their degeneracies add up to the number of
        all fillings.

    Raises
    ------
    StructureError
        There are more than `limit` fillings, or no symmetry is found.

    Examples
    --------
    >>> from betalps.structures import beta_li3ps4_sites, fillings
    >>> found = fillings(beta_li3ps4_sites())
    >>> len(found), sum(filling.degeneracy for filling in found)
    (16, 70)
    """
    labels = _all_labels(order, limit)
    codes = _codes(labels)
    canonical = codes.copy()
    for permutation in site_permutations(order, symprec):
        codes = _codes(labels[:, permutation])
        np.copyto(canonical, codes, where=codes > canonical)  # the largest, so that early sites are filled
    unique, degeneracy = np.unique(canonical, return_counts=True)
    width = labels.shape[1]
    decoded = np.frombuffer(unique.tobytes(), dtype=np.uint8).reshape(-1, width) - 1
    found = [
        Filling(labels=tuple(row), degeneracy=int(times), counts=order.counts(row))
        for row, times in zip(decoded.tolist(), degeneracy, strict=True)
    ]
    found.sort(
        key=lambda one: ([[-n for n in kind.values()] for kind in one.counts.values()], [-k for k in one.labels])
    )
    return tuple(found)


def site_permutations(order: SiteOrder, symprec: float = 1e-3) -> Permutations:
    """How the parent crystal's operations permute its sites.

    Returns
    -------
    ndarray, shape (distinct permutations, sites)
        Site ``permutation[i]`` goes to where site i is.

    Raises
    ------
    StructureError
        No symmetry is found, or an operation takes a site to where there is none.
    """
    cell = order.framework.cell
    sites = cell.scaled_positions(order.positions)
    options = [tuple(row) for row in np.column_stack([order.allowed, order.never_vacant]).tolist()]
    number = {option: 1000 + k for k, option in enumerate(dict.fromkeys(options))}  # beyond any element
    types = np.concatenate([order.framework.numbers, [number[option] for option in options]])
    scaled = np.concatenate([order.framework.get_scaled_positions(wrap=False), sites])
    permutations = []
    for rotation, translation in zip(*_operations(cell.array, scaled, types, symprec), strict=True):
        difference = (sites @ rotation.T + translation)[:, None] - sites[None]
        distance = np.linalg.norm((difference - np.rint(difference)) @ cell.array, axis=2)
        nearest = distance.argmin(axis=1)
        lost = distance[np.arange(len(sites)), nearest] > 10 * symprec
        if lost.any() or len(set(nearest.tolist())) < len(sites):
            raise StructureError(f"a symmetry operation takes site {int(np.argmax(lost))} to where there is no site")
        permutations.append(np.argsort(nearest))
    return np.unique(np.array(permutations, dtype=np.int64), axis=0)


def _operations(
    cell: NDArray[np.float64], scaled: NDArray[np.float64], types: NDArray[np.int64], symprec: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    import warnings

    import spglib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces its own future error handling
        found = spglib.get_symmetry((cell.tolist(), scaled.tolist(), types.tolist()), symprec=symprec)
    if found is None:
        raise StructureError(f"spglib finds no symmetry within {symprec} Å: are two sites at the same place?")
    return found["rotations"].astype(np.int64), found["translations"]


def _all_labels(order: SiteOrder, limit: int) -> Labels:
    """Every filling with the right numbers, shape (fillings, sites)."""
    labels: Labels = np.full((1, len(order.kinds)), VACANT, dtype=np.uint8)
    for k, symbol in enumerate(order.species):
        chosen, most = order.numbers[symbol], int(order.allowed[:, k].sum())
        if len(labels) * math.comb(most, chosen) > limit and len(labels) == 1:
            raise _too_many(order, math.comb(most, chosen), limit)
        grown, total = [], 0
        for row in labels:
            free = np.flatnonzero(order.allowed[:, k] & (row == VACANT))
            subsets = math.comb(len(free), chosen)
            total += subsets
            if total > limit:
                raise _too_many(order, total, limit)
            flat = itertools.chain.from_iterable(itertools.combinations(free.tolist(), chosen))
            picked = np.fromiter(flat, dtype=np.int64, count=subsets * chosen).reshape(subsets, chosen)
            rows = np.repeat(row[None], subsets, axis=0)
            np.put_along_axis(rows, picked, k + 1, axis=1)
            grown.append(rows)
        labels = np.concatenate(grown)
    whole: Labels = labels[(labels[:, order.never_vacant] != VACANT).all(axis=1)]
    return whole


def _too_many(order: SiteOrder, count: int, limit: int) -> StructureError:
    return StructureError(
        f"{order.numbers} on {len(order.kinds)} sites can lie in {count:.3g} ways or more: expected at most {limit}; "
        "take a smaller cell, or random_filling"
    )


def _codes(labels: Labels) -> NDArray[np.bytes_]:
    """One string of bytes per filling; no byte is zero, which would end it."""
    return np.ascontiguousarray(labels + 1).view(f"S{labels.shape[1]}").ravel()
