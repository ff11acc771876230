"""Contacts: how near atoms that are not bonded come, in a crystal and across a boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from betalps.neighbors import neighbor_list
from betalps.structures.bonding import Units
from betalps.typing import Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

Contacts: TypeAlias = Mapping[tuple[str, str], float]
"""Shortest distance in Å of two atoms that are not bonded, for pairs of species in alphabetical order."""

_REACH = 8.0  # Å; how far distances are looked at
_UNSEEN = 1.6  # times the covalent radii: what two species keep that the crystal has never that near; a bond has 1.25
_BLOCK = 250_000  # pairs times translations at a time
_ROUND = 0.5  # Å; pairs are looked at in order of the gap that they can ask for, so much at a time


def shortest_contacts(crystals: Sequence[tuple[Atoms, Units]]) -> dict[tuple[str, str], float]:
    """Find the shortest distances of atoms that are not bonded to each other, per pair of species.

    Parameters
    ----------
    crystals
        One crystal or several, with their units. Of a pair of species that meets in several the shortest distance
        counts. Species of different crystals that never meet get the mean of their distances to their own kind; what
        is never within 8 Å of each other, 1.6 times the sum of the covalent radii.

    Returns
    -------
    dict
        In Å; in β-Li3PS4 S-S 3.28 (within a PS4), P-P 5.08, P-S 4.23 (to the next PS4), Li-S 2.46.
    """
    from ase.data import atomic_numbers, covalent_radii

    found: dict[tuple[str, str], float] = {}
    for crystal, units in crystals:
        pairs = neighbor_list(crystal, _REACH)
        i, j = pairs.i.astype(np.int64), pairs.j.astype(np.int64)
        keys = np.minimum(i, j) * len(crystal) + np.maximum(i, j)
        bonded = np.isin(keys, units.bonds[:, 0] * len(crystal) + units.bonds[:, 1])
        # in a small cell a bonded partner has images that are not bonded: only the distance within the unit is a bond
        within = np.linalg.norm(pairs.vectors - (units.offsets[j] - units.offsets[i]), axis=1) < 1e-3
        free = ~(bonded & within & (units.labels[i] == units.labels[j]))
        symbols = np.array(crystal.get_chemical_symbols())
        for a in sorted(set(symbols.tolist())):
            for b in sorted(set(symbols.tolist())):
                distances = pairs.distances[free & (symbols[i] == a) & (symbols[j] == b)]
                if a <= b and distances.size:
                    found[a, b] = min(found.get((a, b), np.inf), float(distances.min()))
    everything = sorted({symbol for crystal, _ in crystals for symbol in crystal.get_chemical_symbols()})
    for n, a in enumerate(everything):
        for b in everything[n + 1 :]:
            if (a, b) not in found and (a, a) in found and (b, b) in found:
                found[a, b] = (found[a, a] + found[b, b]) / 2
    for a, b in combinations_with_replacement(everything, 2):
        found.setdefault((a, b), _UNSEEN * float(covalent_radii[atomic_numbers[a]] + covalent_radii[atomic_numbers[b]]))
    return found


def contact_table(contacts: Contacts, species: Sequence[int]) -> Floats:
    """Contacts as a symmetric matrix over atomic numbers `species`, in Å; 0 for pairs that are not named.

    Raises
    ------
    ValueError
        For a distance that is not finite and positive.
    """
    from ase.data import chemical_symbols

    symbols = [chemical_symbols[number] for number in species]
    table = np.zeros((len(symbols), len(symbols)))
    for (a, b), distance in contacts.items():
        if not (np.isfinite(distance) and distance > 0):
            raise ValueError(f"contact {a}-{b}: expected a distance above 0 Å, got {distance!r}")
        if a in symbols and b in symbols:
            table[symbols.index(a), symbols.index(b)] = table[symbols.index(b), symbols.index(a)] = distance
    return table


def least_gaps(
    below: tuple[Floats, Integers],
    above: tuple[Floats, Integers],
    cell: Floats,
    table: Floats,
    grid: tuple[int, int] = (1, 1),
    floor: float = 0.0,
) -> Floats:
    """Find by how much two slabs must be moved apart so that no contact is too short, for every rigid translation.

    A pair of atoms, the upper one dz above the lower and r beside it, needs the gap sqrt(dmin² - r²) - dz. The largest
    need counts.

    Parameters
    ----------
    below, above
        Positions (n, 3) in Å and row of `table` (n,) of the atoms of either slab.
    cell
        (2, 2) in-plane cell vectors in Å that both slabs repeat with.
    table
        (species, species) least distances in Å; 0 where a pair may be as near as it likes.
    grid
        Translations of the upper slab: i/n1 and j/n2 of the cell vectors.
    floor
        The least gap in Å that is of interest.

    Returns
    -------
    ndarray, shape `grid`
        Least gap in Å, nowhere below `floor`.
    """
    gaps = np.full(grid, float(floor))
    pairs = []
    for a, b in np.argwhere(table > 0):
        lower, upper = below[0][below[1] == a], above[0][above[1] == b]
        if not (len(lower) and len(upper)):
            continue
        reach = table[a, b] - floor
        lower = lower[lower[:, 2] > upper[:, 2].min() - reach]
        upper = upper[upper[:, 2] < lower[:, 2].max(initial=-np.inf) + reach]
        dz = upper[None, :, 2] - lower[:, None, 2]
        i, j = np.nonzero(dz < reach)
        order = np.argsort(dz[i, j], kind="stable")  # the most demanding first
        i, j = i[order], j[order]
        pairs.append((float(table[a, b]), dz[i, j], lower[i, :2] - upper[j, :2]))
    # the most demanding pairs of all species first: once every translation needs a gap, lesser pairs say nothing new
    most = max((distance - dz[0] for distance, dz, _ in pairs if dz.size), default=floor)
    rounds = [np.floor((most - (distance - dz)) / _ROUND) for distance, dz, _ in pairs]
    number = 0
    while most - number * _ROUND > gaps.min():
        for (distance, dz, sideways), turn in zip(pairs, rounds, strict=True):
            now = slice(*np.searchsorted(turn, [number, number + 1]))
            _raise_gaps(gaps, distance, dz[now], sideways[now], cell)
        number += 1
    return gaps


def _raise_gaps(gaps: Floats, distance: float, dz: Floats, sideways: Floats, cell: Floats) -> None:
    """Raise `gaps` to what some pairs of one pair of species need."""
    if not dz.size:
        return
    grid = np.array(gaps.shape)
    step = cell / grid[:, None]
    # the translations that such a pair can matter to: a patch of the grid around -(upper - lower)
    radius = np.sqrt(max(distance**2 - max(dz.min() + gaps.min(), 0.0) ** 2, 0.0))
    widths = abs(np.linalg.det(step)) / np.linalg.norm(step[::-1], axis=1)
    half = np.ceil(radius / widths + 0.5).astype(int)
    patch = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in half), indexing="ij"), axis=-1).reshape(-1, 2)
    patch = patch[np.linalg.norm(patch @ step, axis=1) < radius + np.linalg.norm(step, axis=1).sum() / 2]
    centre = np.linalg.solve(step.T, sideways.T).T
    block = max(1, _BLOCK // len(patch))
    for start in range(0, len(dz), block):
        some = slice(start, start + block)
        index = np.rint(centre[some])[:, None] + patch
        square = np.square((index - centre[some, None]) @ step).sum(axis=-1)
        pair, where = np.nonzero(square < radius**2)
        need = np.sqrt(distance**2 - square[pair, where]) - dz[some][pair]
        first, second = (index[pair, where].astype(np.int64) % grid).T
        np.maximum.at(gaps, (first, second), need)
