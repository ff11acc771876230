"""Molecular and single ions of a structure: the pieces that a cut must not break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.neighbors import Neighbors, neighbor_list
from betalps.typing import Bools, Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

_LARGEST = 64  # atoms; what is larger is a network, and is taken apart into atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class Ions:
    """The ions of a structure.

    Attributes
    ----------
    ion
        For every atom the number of its ion, shape (n,).
    positions
        Of the atoms, Å, shape (n, 3): those of one ion lie together, not torn apart by the cell's boundary.
    centroids
        Mean position of each ion's atoms, shape (ions, 3), Å.
    charges
        Formal charge of each ion, shape (ions,).
    """

    ion: Integers
    positions: Floats
    centroids: Floats
    charges: Integers


def find_ions(atoms: Atoms, bonds: Mapping[tuple[str, str], float], charges: Mapping[str, int]) -> Ions:
    """Take a structure apart into ions.

    Parameters
    ----------
    atoms
        The structure.
    bonds
        Longest bond of pairs of elements, Å. Atoms that are joined by bonds are one ion; a network that goes on
        through the periodic boundary, or has more than 64 atoms, is taken apart into atoms.
    charges
        Formal charge of each element; 0 for others.
    """
    start, partners, shifts = _bonded(atoms, bonds)
    ion = np.full(len(atoms), -1, dtype=np.int64)
    offsets = np.zeros((len(atoms), 3), dtype=np.int64)
    count = 0
    for first in range(len(atoms)):
        if ion[first] >= 0:
            continue
        members, sound = [first], True
        ion[first] = count
        for atom in members:  # grows while it is walked through
            for k in range(start[atom], start[atom + 1]):
                other, offset = partners[k], offsets[atom] + shifts[k]
                if ion[other] < 0:
                    ion[other], offsets[other] = count, offset
                    members.append(other)
                else:
                    sound &= bool((offsets[other] == offset).all())
        if sound and len(members) <= _LARGEST:
            count += 1
            continue
        ion[members] = np.arange(count, count + len(members))
        offsets[members] = 0
        count += len(members)
    positions = atoms.positions + offsets @ atoms.cell.array
    sizes = np.bincount(ion, minlength=count)
    centroids = np.stack([np.bincount(ion, weights=positions[:, k]) for k in range(3)], axis=1) / sizes[:, None]
    formal = np.array([charges.get(symbol, 0) for symbol in atoms.get_chemical_symbols()])
    return Ions(
        ion=ion,
        positions=positions,
        centroids=centroids,
        charges=np.rint(np.bincount(ion, weights=formal)).astype(np.int64),
    )


def _bonded(atoms: Atoms, bonds: Mapping[tuple[str, str], float]) -> tuple[Integers, Integers, Integers]:
    """Bonds of every atom: where its own begin, the partners, and their lattice translations."""
    n = len(atoms)
    if not bonds:
        return np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.int64)
    pairs = neighbor_list(atoms, max(bonds.values()))
    near = _within(atoms, pairs, bonds)
    first = pairs.i[near].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(np.bincount(first, minlength=n))])
    return start, pairs.j[near].astype(np.int64), pairs.shifts[near].astype(np.int64)


def _within(atoms: Atoms, pairs: Neighbors, bonds: Mapping[tuple[str, str], float]) -> Bools:
    symbols = np.array(atoms.get_chemical_symbols())
    first, second = symbols[pairs.i], symbols[pairs.j]
    near = np.zeros(len(pairs.i), dtype=np.bool_)
    for (a, b), length in bonds.items():
        named = ((first == a) & (second == b)) | ((first == b) & (second == a))
        near |= named & (pairs.distances <= length)
    return near
