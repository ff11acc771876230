"""Overlaps across a boundary: found, and resolved by taking out neutral groups of whole units, never single ions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.record import boundary_record, distances, mark, pairs_of
from betalps.structures.boundaries.translations import CONTACT
from betalps.structures.contacts import contact_table
from betalps.typing import Floats, Integers, Json

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlaps:
    """Pairs of atoms of different grains that are too near.

    Attributes
    ----------
    pairs : ndarray of int, shape (n, 2)
        The atom of the lower grain and that of the upper one.
    distances : ndarray, shape (n,)
        In Å.
    allowed : ndarray, shape (n,)
        The least distance that was asked for, in Å.
    """

    pairs: Integers
    distances: Floats
    allowed: Floats

    def __len__(self) -> int:
        return len(self.distances)


def find_overlaps(atoms: Atoms, *, contact: float = CONTACT) -> Overlaps:
    """Find the pairs of atoms of different grains that are nearer than the crystal's contacts allow.

    Parameters
    ----------
    atoms
        A boundary of this package.
    contact
        The fraction of the crystal's shortest distance of two such atoms that are not bonded.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    """
    record = boundary_record(atoms)
    species = np.unique(atoms.numbers)
    shortest = record["contacts"]["shortest"]
    table = contact * contact_table(pairs_of(shortest), species.tolist())
    if not table.max(initial=0.0) > 0:
        return Overlaps(pairs=np.zeros((0, 2), np.int64), distances=np.zeros(0), allowed=np.zeros(0))
    pairs = neighbor_list(atoms, float(table.max()))
    grain, rows = atoms.arrays["grain"], np.searchsorted(species, atoms.numbers)
    allowed = table[rows[pairs.i], rows[pairs.j]]
    short = (grain[pairs.i] == 0) & (grain[pairs.j] == 1) & (pairs.distances < allowed - 1e-6)
    return Overlaps(
        pairs=np.stack([pairs.i[short], pairs.j[short]], axis=1).astype(np.int64),
        distances=pairs.distances[short],
        allowed=allowed[short],
    )


def remove_overlaps(atoms: Atoms, *, contact: float = CONTACT) -> Atoms:
    """Take out neutral groups until no two atoms of different grains are too near.

    A group is the smallest set of whole units with the crystal's composition: PS4 + 3 Li. The unit that overlaps
    most goes first; the rest of its group are those of the same grain and boundary that overlap most themselves, then
    the nearest. In a metal a group is an atom.

    Parameters
    ----------
    atoms
        A boundary of this package.
    contact
        As for `find_overlaps`.

    Returns
    -------
    ase.Atoms
        A new structure; its record says how many groups were removed.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package, or a grain has no such group left.
    """
    record = boundary_record(atoms)
    removal = _Removal(atoms, record)
    found = find_overlaps(atoms, contact=contact)
    depth = found.allowed - found.distances
    while True:
        standing = removal.kept[found.pairs].all(axis=1)
        if not standing.any():
            break
        removal.take_worst(found.pairs[standing], depth[standing])
    left = atoms[removal.kept]
    removed = record["removed"]
    mark(left, {**record, "removed": {"groups": removed["groups"] + removal.groups, "formula": removed["formula"]}})
    return left


def neutral_group(counts: Mapping[str, int]) -> dict[str, int]:
    """The smallest set of whole units with a crystal's composition: of ``{"Li": 12, "PS4": 4}`` 3 Li and one PS4."""
    factor = math.gcd(*counts.values())
    return {kind: count // factor for kind, count in counts.items()}


class _Removal:
    """Which atoms are kept while groups are taken out."""

    def __init__(self, atoms: Atoms, record: Json) -> None:
        self.kept = np.ones(len(atoms), dtype=bool)
        self.groups = 0
        self._formulas = [neutral_group(crystal["units"]) for crystal in record["crystals"]]
        self._formulas *= 3 - len(self._formulas)  # one crystal makes both grains
        self._labels = np.zeros(len(atoms), dtype=np.int64)
        self._atoms, self._grain = atoms, atoms.arrays["grain"]
        self._nearest = _nearest_boundary(atoms, record)
        self._kinds: list[str] = []
        self._references: list[int] = []
        bonds = None if record["bonds"] is None else pairs_of(record["bonds"])
        for number in (0, 1):  # each grain by itself: overlapping atoms of both would count as bonded
            of_grain = np.flatnonzero(self._grain == number)
            units = bonded_units(atoms[of_grain], bonds)
            self._labels[of_grain] = units.labels + len(self._kinds)
            self._references += of_grain[units.references].tolist()
            self._kinds += units.kinds

    def take_worst(self, pairs: Integers, depth: Floats) -> None:
        """Remove the unit that overlaps most, and the rest of its group."""
        weight = np.bincount(self._labels[pairs].T.ravel(), np.tile(depth, 2), len(self._kinds))
        worst = int(np.argmax(weight))
        reference = self._references[worst]
        grain, boundary = int(self._grain[reference]), int(self._nearest[reference])
        wanted = dict(self._formulas[grain])
        if self._kinds[worst] not in wanted:
            raise StructureError(f"unit {self._kinds[worst]} is none of the crystal's {', '.join(wanted)}: cut it anew")
        wanted[self._kinds[worst]] -= 1
        chosen = [worst]
        away = self._atoms.get_distances(reference, self._references, mic=True)
        for kind, count in wanted.items():
            free = [
                unit
                for unit, other in enumerate(self._references)
                if self._kinds[unit] == kind
                and self.kept[other]
                and unit != worst
                and (self._grain[other], self._nearest[other]) == (grain, boundary)
            ]
            if len(free) < count:
                raise StructureError(
                    f"{count} {kind} to remove at a boundary, but the grain has {len(free)} there: expected fewer "
                    "overlaps; widen the gap, or make the grains thicker"
                )
            chosen += sorted(free, key=lambda unit: (-weight[unit], away[unit]))[:count]
        self.kept &= ~np.isin(self._labels, chosen)
        self.groups += 1
        if not self.kept[self._grain == grain].any():
            raise StructureError("no atom is left of a grain: expected fewer overlaps; widen the gap")


def _nearest_boundary(atoms: Atoms, record: Json) -> Integers:
    """Number of the boundary that each atom is nearest to."""
    each = [distances(atoms, [height]) for height in record["boundaries"]]
    return np.asarray(np.argmin(np.stack(each), axis=0), dtype=np.int64)
