"""Units: the ions and molecular ions of a structure, found by bonding, so that no cut ever goes through one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.neighbors import Neighbors, neighbor_list
from betalps.typing import Bools, Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

Bonds: TypeAlias = Mapping[tuple[str, str], float]
Symbols: TypeAlias = NDArray[np.str_]

STRETCH = 1.25
"""Two atoms are bonded within this many times the sum of their covalent radii: P-S and S-S 2.65, P-P 2.68 Å."""
_OVERLAP = 0.6  # two atoms nearer than this many times the sum of their covalent radii cannot be right
_NONMETALS = frozenset(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Ge", "As", "Se", "Br", "Sb", "Te", "I"])
_CENTRES = frozenset(["Al", "Ga", "In", "Sn"])  # bonded to nonmetals in polyanions, not to each other in the metal


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """The ions and molecular ions of a structure: a PS4, a P2S7, a Li by itself.

    Attributes
    ----------
    labels : ndarray of int, shape (atoms,)
        The unit of each atom; units are numbered by their lowest atom.
    references : ndarray of int, shape (units,)
        The reference atom of each unit: of the species that the unit has least of (ties: the heavier), the atom
        nearest to their mean (ties: the lowest index). P of PS4; one of the two P of P2S7.
    offsets : ndarray, shape (atoms, 3)
        From the reference atom of its unit to the atom, in Å, across periodic borders where the unit crosses one.
    points : ndarray, shape (units, 3)
        Reference point of each unit, in Å: the mean of the atoms of the species that it has least of, near the
        reference atom. P of PS4; the middle of the two P of P2S7, so that a symmetric unit has a symmetric point.
    kinds : tuple of str, length units
        Formula of each unit, rarest species first: ``"PS4"``, ``"P2S7"``, ``"Li"``.
    bonds : ndarray of int, shape (bonds, 2)
        Every bond once, the lower atom first.
    """

    labels: Integers
    references: Integers
    offsets: Floats
    points: Floats
    kinds: tuple[str, ...]
    bonds: Integers

    def __len__(self) -> int:
        return len(self.references)

    @property
    def counts(self) -> dict[str, int]:
        """How many units there are of each kind, in order of name."""
        return dict(sorted(Counter(self.kinds).items()))

    def atoms_of(self, unit: int) -> Integers:
        """The atoms of a unit, in ascending order."""
        return np.flatnonzero(self.labels == unit)


def default_bonds(species: set[str]) -> dict[tuple[str, str], float]:
    """The longest bond of every pair of species that can share electrons.

    Parameters
    ----------
    species
        Chemical symbols.

    Returns
    -------
    dict
        Cutoffs in Å, 1.25 times the sum of the covalent radii of Cordero et al., Dalton Trans. 2008, 2832; each pair
        once, in alphabetical order. Nonmetals bond to each other and to Al, Ga, In and Sn. All other elements are
        taken for ions by themselves.
    """
    from ase.data import atomic_numbers, covalent_radii

    bonding = sorted(species & (_NONMETALS | _CENTRES))
    return {
        (a, b): STRETCH * float(covalent_radii[atomic_numbers[a]] + covalent_radii[atomic_numbers[b]])
        for n, a in enumerate(bonding)
        for b in bonding[n:]
        if a in _NONMETALS or b in _NONMETALS
    }


def bonded_units(atoms: Atoms, bonds: Bonds | None = None) -> Units:
    """Find the units of a structure by bonding, periodic images included.

    Parameters
    ----------
    atoms
        The structure: a crystal, a glass, a boundary; positions may lie outside the cell.
    bonds
        The longest bond in Å of each pair that bonds, such as ``{("P", "S"): 2.6}``; other pairs do not. An empty
        mapping makes every atom a unit by itself: metals are cut atom by atom, so are ionic crystals whose anions
        are single atoms. The default is `default_bonds`; in a pure metal it finds nothing to bond, and that is
        right.

    Returns
    -------
    Units

    Raises
    ------
    ValueError
        A cutoff is not a positive number, or a species of `bonds` is not in the structure.
    StructureError
        Nothing is bonded although `bonds`, or the default, expects it; or bonds go on for ever (a unit is
        connected with its own periodic image), as in silicon: nothing can then be cut without breaking bonds.
    """
    symbols = np.array(atoms.get_chemical_symbols())
    species = set(symbols.tolist())
    cutoffs = default_bonds(species) if bonds is None else _checked(bonds, species)
    pairs = _bonded_pairs(atoms, symbols, cutoffs)
    if cutoffs and not len(pairs.i):
        raise StructureError(
            f"no bonded units found in {atoms.get_chemical_formula('metal')}: nothing lies within "
            + ", ".join(f"{a}-{b} {cutoff:.2f} Å" for (a, b), cutoff in cutoffs.items())
            + "; pass bonds={} if every atom is a unit by itself, or longer bonds, such as bonds={('P', 'S'): 2.6}"
        )
    labels, offsets = _clusters(len(atoms), pairs, symbols)
    rarest, kinds = _rarest(labels, atoms.numbers, symbols)
    references, means = _references(labels, offsets, rarest)
    offsets = offsets - offsets[references][labels]
    lower = pairs.i < pairs.j
    return Units(
        labels=labels,
        references=references,
        offsets=offsets,
        points=atoms.positions[references] + means,
        kinds=kinds,
        bonds=np.stack([pairs.i[lower], pairs.j[lower]], axis=1).astype(np.int64),
    )


def check_overlaps(atoms: Atoms) -> None:
    """Check that no two atoms sit on top of each other.

    Raises
    ------
    StructureError
        Two atoms are nearer than 0.6 times the sum of their covalent radii, as in cells that mix two axis settings
        or hold both sites of a split position; names them and their distance.
    """
    from ase.data import covalent_radii

    radii = covalent_radii[atoms.numbers]
    pairs = neighbor_list(atoms, 2 * _OVERLAP * float(radii.max()) + 1e-9)
    ratio = pairs.distances / (radii[pairs.i] + radii[pairs.j])
    if ratio.size and ratio.min() < _OVERLAP:
        worst = int(np.argmin(ratio))
        first, second = sorted((int(pairs.i[worst]), int(pairs.j[worst])))
        raise StructureError(
            f"atoms {first} ({atoms.symbols[first]}) and {second} ({atoms.symbols[second]}) overlap: "
            f"{pairs.distances[worst]:.3f} Å apart, expected at least "
            f"{_OVERLAP * (radii[first] + radii[second]):.2f} Å; check the axis setting, and that no site is filled "
            "twice"
        )


def _checked(bonds: Bonds, species: set[str]) -> dict[tuple[str, str], float]:
    for pair, cutoff in bonds.items():
        if len(pair) != 2 or not set(pair) <= species:
            raise ValueError(f"bond {pair!r}: expected two of the species {', '.join(sorted(species))}")
        if not (np.isfinite(cutoff) and cutoff > 0):
            raise ValueError(f"bond {pair[0]}-{pair[1]}: expected a length above 0 Å, got {cutoff!r}")
    return {(min(a, b), max(a, b)): float(cutoff) for (a, b), cutoff in bonds.items()}


def _bonded_pairs(atoms: Atoms, symbols: Symbols, cutoffs: Mapping[tuple[str, str], float]) -> Neighbors:
    """Ordered pairs within the cutoff of their species."""
    pairs = neighbor_list(atoms, max(cutoffs.values(), default=0.1))
    names, species = np.unique(symbols, return_inverse=True)
    number = {str(name): n for n, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for (a, b), cutoff in cutoffs.items():
        table[number[a], number[b]] = table[number[b], number[a]] = cutoff
    bonded = pairs.distances < table[species[pairs.i], species[pairs.j]]
    return Neighbors(
        i=pairs.i[bonded],
        j=pairs.j[bonded],
        shifts=pairs.shifts[bonded],
        vectors=pairs.vectors[bonded],
        distances=pairs.distances[bonded],
    )


def _clusters(count: int, pairs: Neighbors, symbols: Symbols) -> tuple[Integers, Floats]:
    """Labels by lowest atom, and offsets from it, walked along bonds."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs.i), np.int8), (pairs.i, pairs.j)), shape=(count, count))
    _, found = connected_components(graph, directed=False)
    _, first, labels = np.unique(found, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # so that numbers follow the lowest atoms
    labels, roots = rank[labels], np.sort(first)
    offsets = np.zeros((count, 3))
    known: Bools = np.zeros(count, dtype=bool)
    known[roots] = True
    while not known.all():
        step = np.flatnonzero(known[pairs.i] & ~known[pairs.j])
        step = step[np.unique(pairs.j[step], return_index=True)[1]]
        offsets[pairs.j[step]] = offsets[pairs.i[step]] + pairs.vectors[step]
        known[pairs.j[step]] = True
    around = np.linalg.norm(offsets[pairs.i] + pairs.vectors - offsets[pairs.j], axis=1)
    if around.size and around.max() > 1e-3:
        k = int(np.argmax(around))
        a, b = symbols[pairs.i[k]], symbols[pairs.j[k]]
        raise StructureError(
            f"bonds go on for ever: the unit of atom {pairs.i[k]} ({a}) is bonded to its own periodic image "
            f"({a}-{b} bonds up to {pairs.distances.max():.2f} Å), and a cut would break it. Pass shorter bonds, leave "
            "the pair out of `bonds`, or pass bonds={} to cut atom by atom"
        )
    return labels.astype(np.int64), offsets


def _rarest(labels: Integers, numbers: Integers, symbols: Symbols) -> tuple[Bools, tuple[str, ...]]:
    """Which atoms are of the species that their unit has least of, and the formula of each unit."""
    members: list[Counter[tuple[int, str]]] = [Counter() for _ in range(int(labels.max(initial=-1)) + 1)]
    for label, number, symbol in zip(labels.tolist(), numbers.tolist(), symbols.tolist(), strict=True):
        members[label][number, symbol] += 1
    least, kinds = np.zeros(len(members), dtype=np.int64), []
    for n, count in enumerate(members):
        least[n] = min(count, key=lambda key: (count[key], -key[0]))[0]
        ordered = sorted(count.items(), key=lambda item: (item[1], item[0][1]))
        kinds.append("".join(f"{symbol}{number if number > 1 else ''}" for (_, symbol), number in ordered))
    return numbers == least[labels], tuple(kinds)


def _references(labels: Integers, offsets: Floats, rarest: Bools) -> tuple[Integers, Floats]:
    """The reference atom of each unit, and the reference point seen from it."""
    units = int(labels.max(initial=-1)) + 1
    weight = np.bincount(labels[rarest], minlength=units)
    means = np.stack([np.bincount(labels[rarest], offsets[rarest, k], units) / weight for k in range(3)], axis=1)
    distance = np.linalg.norm(offsets - means[labels], axis=1).round(6)
    order = np.lexsort((np.arange(len(labels)), np.where(rarest, distance, np.inf), labels))
    references = order[np.unique(labels[order], return_index=True)[1]]
    return references, means - offsets[references]
