"""Crystals with partially occupied sites: what is always there, and what may lie where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.typing import Bools, Floats

if TYPE_CHECKING:
    from ase import Atoms

Labels = NDArray[np.uint8]
VACANT = 0

_FULL = 1e-3  # of an occupancy
_WHOLE = 0.02  # of a number of ions


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteOrder:
    """A framework, and sites that are filled in part.

    Attributes
    ----------
    framework
        The atoms that are always there, in their cell.
    positions
        Of the sites, shape (sites, 3), Å.
    kinds
        The crystallographic site of each, such as ``"4b"``.
    occupancy
        For each kind, the fraction of its sites that each species fills; what is missing to 1 is vacant. A kind
        whose fractions add up to 1 has no vacancies.
    numbers
        How many ions of each species lie on all sites together. By default what the occupancies add up to, which
        must then be whole.

    Raises
    ------
    ValueError
        Shapes that do not fit, kinds without occupancy, fractions outside 0 to 1, numbers for other species.
    StructureError
        Occupancies that do not add up to whole numbers, or numbers that the sites cannot take.
    """

    framework: Atoms
    positions: Floats
    kinds: tuple[str, ...]
    occupancy: Mapping[str, Mapping[str, float]]
    numbers: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.float64)
        kinds = tuple(str(kind) for kind in self.kinds)
        if positions.ndim != 2 or positions.shape != (len(kinds), 3) or not kinds:
            raise ValueError(
                f"positions: expected shape ({len(kinds)}, 3) and at least one site, got {positions.shape}"
            )
        if set(kinds) != set(self.occupancy):
            raise ValueError(f"occupancy: expected kinds {sorted(set(kinds))}, got {sorted(self.occupancy)}")
        for kind, fractions in self.occupancy.items():
            if not fractions or min(fractions.values()) <= 0 or sum(fractions.values()) > 1 + _FULL:
                raise ValueError(
                    f"occupancy of {kind}: expected fractions above 0, together at most 1: {dict(fractions)}"
                )
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "numbers", self._whole_numbers())

    @property
    def species(self) -> tuple[str, ...]:
        """What may lie on the sites, in order of name; label k of a filling is ``species[k - 1]``, 0 is vacant."""
        return tuple(sorted({symbol for fractions in self.occupancy.values() for symbol in fractions}))

    @property
    def allowed(self) -> Bools:
        """Whether a site may hold a species, shape (sites, species)."""
        return self.fractions > 0

    @property
    def fractions(self) -> Floats:
        """What fraction of a site a species fills, shape (sites, species)."""
        species = self.species
        rows = {kind: [found.get(symbol, 0.0) for symbol in species] for kind, found in self.occupancy.items()}
        return np.array([rows[kind] for kind in self.kinds])

    @property
    def never_vacant(self) -> Bools:
        """Whether a site is always filled, by one species or another, shape (sites,)."""
        return np.asarray(self.fractions.sum(axis=1) > 1 - _FULL)

    def atoms(self, labels: Sequence[int] | Labels) -> Atoms:
        """Build the structure of a filling.

        Parameters
        ----------
        labels
            What lies on each site, shape (sites,): 0 for nothing, k for ``species[k - 1]``.

        Returns
        -------
        ase.Atoms
            The framework, then the filled sites in their order; array ``site`` holds the number of the site, -1 for
            atoms of the framework.
        """
        from ase import Atoms as AseAtoms

        labels = np.asarray(labels)
        if labels.shape != (len(self.kinds),) or labels.min() < 0 or labels.max() > len(self.species):
            raise ValueError(
                f"labels: expected {len(self.kinds)} numbers from 0 to {len(self.species)}, got {labels.tolist()!r:.60}"
            )
        filled = np.flatnonzero(labels)
        symbols = [self.species[k - 1] for k in labels[filled]]
        placed = AseAtoms(symbols, positions=self.positions[filled], cell=self.framework.cell, pbc=self.framework.pbc)
        atoms: Atoms = self.framework.copy()
        atoms.calc = None
        atoms += placed
        atoms.set_array("site", np.concatenate([np.full(len(self.framework), -1), filled]))
        return atoms

    def counts(self, labels: Sequence[int] | Labels) -> dict[str, dict[str, int]]:
        """How many of each species lie on each kind of site."""
        kinds, labels = np.array(self.kinds), np.asarray(labels)
        return {
            str(kind): {
                symbol: int(np.count_nonzero((kinds == kind) & (labels == k + 1)))
                for k, symbol in enumerate(self.species)
                if symbol in self.occupancy[str(kind)]
            }
            for kind in dict.fromkeys(self.kinds)
        }

    def repeat(self, counts: Sequence[int]) -> SiteOrder:
        """Repeat the cell along its vectors; numbers of ions grow with it."""
        from ase import Atoms as AseAtoms

        sites = AseAtoms("X" * len(self.kinds), positions=self.positions, cell=self.framework.cell, pbc=True)
        times = math.prod(counts)
        return replace(
            self,
            framework=self.framework.repeat(tuple(counts)),
            positions=sites.repeat(tuple(counts)).positions,
            kinds=self.kinds * times,
            numbers={symbol: times * number for symbol, number in self.numbers.items()},
        )

    def _whole_numbers(self) -> dict[str, int]:
        unknown = sorted(set(self.numbers) - set(self.species))
        if unknown:
            raise ValueError(f"numbers: no site takes {', '.join(unknown)}; expected {', '.join(self.species)}")
        totals = dict(zip(self.species, self.fractions.sum(axis=0).tolist(), strict=True))
        found = {}
        for k, (symbol, total) in enumerate(totals.items()):
            number = self.numbers.get(symbol, round(total))
            if symbol not in self.numbers and abs(total - number) > _WHOLE:
                raise StructureError(
                    f"the occupancies add up to {total:.3f} {symbol} per cell: expected a whole number; repeat the "
                    f"cell, or say how many, such as numbers={{'{symbol}': {max(1, round(total))}}}"
                )
            most = int(np.count_nonzero(self.allowed[:, k]))
            if isinstance(number, bool) or number != int(number) or not 0 <= number <= most:
                raise StructureError(
                    f"numbers: {number} {symbol} on {most} sites: expected a whole number, at most {most}"
                )
            found[symbol] = int(number)
        least, given = int(np.count_nonzero(self.never_vacant)), sum(found.values())
        if not least <= given <= len(self.kinds):
            raise StructureError(
                f"numbers: {given} ions on {len(self.kinds)} sites, of which {least} are never vacant: expected "
                f"{least} to {len(self.kinds)}"
            )
        return found


def partial_occupancies(atoms: Atoms, *, numbers: Mapping[str, int] | None = None) -> SiteOrder:
    """Read the partially occupied sites of a structure, such as one that ASE read from a CIF.

    Parameters
    ----------
    atoms
        With what ``ase.io.read("x.cif")`` and ``ase.spacegroup.crystal(occupancies=...)`` leave: the array
        ``spacegroup_kinds`` and ``info["occupancy"]``. Repeated cells keep both.
    numbers
        How many ions of each species lie on the partially occupied sites of the whole cell, where the occupancies do
        not add up to whole numbers.

    Returns
    -------
    SiteOrder
        Its kinds are named by element and number of the CIF's site: ``"Li2"`` for the third one. Sites that one
        species fills are the framework.

    Raises
    ------
    StructureError
        The structure carries no occupancies, all of its sites are full, or they do not add up to whole numbers.
    """
    known = atoms.info.get("occupancy")
    if not known or "spacegroup_kinds" not in atoms.arrays:
        raise StructureError(
            f"{atoms.get_chemical_formula()} carries no occupancies: expected info['occupancy'] and the array "
            "'spacegroup_kinds' of a CIF with _atom_site_occupancy, read by ASE; or make a SiteOrder of a framework "
            "and sites"
        )
    kinds = atoms.arrays["spacegroup_kinds"].tolist()
    by_kind = {str(kind): dict(fractions) for kind, fractions in known.items()}
    missing = sorted({kind for kind in kinds if str(kind) not in by_kind})
    if missing:
        raise StructureError(f"info['occupancy'] has nothing on site {missing[0]}: expected sites 0 to {max(kinds)}")
    full = {kind for kind, found in by_kind.items() if len(found) == 1 and max(found.values()) > 1 - _FULL}
    empty = {kind for kind, found in by_kind.items() if sum(found.values()) <= 0}
    partial = np.array([str(kind) not in full for kind in kinds])
    present = np.array([str(kind) not in full | empty for kind in kinds])
    if not present.any():
        raise StructureError(f"every site of {atoms.get_chemical_formula()} is full: nothing to order")
    names = {kind: f"{max(found, key=lambda s: found[s])}{kind}" for kind, found in by_kind.items()}
    framework = atoms[~partial]
    framework.info = {key: value for key, value in atoms.info.items() if key != "occupancy"}
    return SiteOrder(
        framework=framework,
        positions=atoms.positions[present],
        kinds=tuple(names[str(kind)] for kind, there in zip(kinds, present, strict=True) if there),
        occupancy={
            names[kind]: {symbol: float(f) for symbol, f in by_kind[kind].items() if f > 0}
            for kind in dict.fromkeys(str(kind) for kind, there in zip(kinds, present, strict=True) if there)
        },
        numbers=numbers or {},
    )
