"""The sites of a crystal that an ion may lie on: where, of which kind, and in which framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.analysis._symmetry import space_group
from betalps.errors import StructureError
from betalps.neighbors import Neighbors, neighbor_list
from betalps.structures import SiteOrder
from betalps.typing import Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

_NEAREST = 0.5  # Å; two sites nearer than this are one
_SEARCH = (4.0, 8.0, 16.0, 32.0, 64.0)  # Å


@dataclass(frozen=True, kw_only=True, eq=False)
class CrystalSites:
    """Sites of a species in a crystal.

    Made by `crystal_sites`, or by hand where the sites are known otherwise.

    Attributes
    ----------
    species : str
    fractional : (sites, 3) array
        Fractional coordinates.
    kinds : tuple of str
        The kind of each site.
    cell : (3, 3) array, Å
    framework : ase.Atoms or None
        What holds still, in the same cell: a trajectory is shifted so that its framework lies on this one. Without it
        the sites are where they are said to be.

    Raises
    ------
    ValueError
        Shapes that do not fit together, no site at all, a cell without volume.
    StructureError
        Two sites closer than 0.5 Å.
    """

    species: str
    fractional: Floats
    kinds: tuple[str, ...]
    cell: Floats
    framework: Atoms | None = None

    def __post_init__(self) -> None:
        fractional = np.array(self.fractional, dtype=np.float64)
        cell = np.array(self.cell, dtype=np.float64)
        kinds = tuple(str(kind) for kind in self.kinds)
        if not kinds or fractional.shape != (len(kinds), 3) or not np.isfinite(fractional).all():
            raise ValueError(
                f"fractional: expected finite coordinates of shape ({len(kinds)}, 3) for {len(kinds)} kinds, at least "
                f"one site, got shape {fractional.shape}"
            )
        if cell.shape != (3, 3) or not abs(np.linalg.det(cell)) > 0.0:
            raise ValueError(f"cell: expected three vectors with a volume, got {cell.tolist()}")
        object.__setattr__(self, "fractional", fractional - np.floor(fractional))
        object.__setattr__(self, "cell", cell)
        object.__setattr__(self, "kinds", kinds)
        close = self.pairs(_NEAREST)
        if len(close.i):
            worst = int(np.argmin(close.distances))
            raise StructureError(
                f"sites {close.i[worst]} and {close.j[worst]} are {close.distances[worst]:.3f} Å apart: expected at "
                f"least {_NEAREST} Å between two sites"
            )

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds, each once, in order of appearance."""
        return tuple(dict.fromkeys(self.kinds))

    @property
    def kind_numbers(self) -> Integers:
        """(sites,) array: the place of each site's kind in `names`."""
        number = {name: k for k, name in enumerate(self.names)}
        return np.array([number[kind] for kind in self.kinds], dtype=np.int64)

    def repeat(self, counts: Sequence[int]) -> CrystalSites:
        """The sites of a supercell; atoms and sites in the order of ``ase.Atoms.repeat``.

        Raises
        ------
        ValueError
            The counts are not three positive whole numbers.
        """
        times = np.array(counts)
        if times.shape != (3,) or times.dtype.kind not in "iu" or times.min() < 1:
            raise ValueError(f"repeat: expected three whole numbers of at least 1, got {counts!r}")
        shifts = np.stack(np.meshgrid(*(np.arange(n) for n in times), indexing="ij"), axis=-1).reshape(-1, 3)
        return replace(
            self,
            fractional=((self.fractional[None] + shifts[:, None]) / times).reshape(-1, 3),
            kinds=self.kinds * len(shifts),
            cell=self.cell * times[:, None],
            framework=None if self.framework is None else self.framework.repeat(tuple(int(n) for n in times)),
        )

    def filling(self, cell: ArrayLike) -> CrystalSites:
        """The sites repeated as often as they fit into a cell (3, 3) in Å, by the lengths of its vectors."""
        lengths, own = (np.linalg.norm(np.asarray(one, dtype=np.float64), axis=1) for one in (cell, self.cell))
        return self.repeat(np.maximum(np.rint(lengths / own), 1).astype(np.int64).tolist())

    def pairs(self, cutoff: float, cell: Floats | None = None) -> Neighbors:
        """Pairs of sites closer than a cutoff in Å, in this cell or one of the same shape."""
        from ase import Atoms as AseAtoms

        here = self.cell if cell is None else cell
        sites = AseAtoms(f"X{len(self)}", positions=self.fractional @ here, cell=here, pbc=True)
        return neighbor_list(sites, cutoff)

    def spacings(self, cell: Floats | None = None) -> Floats:
        """(sites,) array: distance of each site to the nearest other, or its own image, in Å."""
        for cutoff in _SEARCH:
            found = self.pairs(cutoff, cell)
            nearest = np.full(len(self), np.inf)
            np.minimum.at(nearest, found.i, found.distances)
            if np.isfinite(nearest).all():
                return nearest
        raise StructureError(f"a site has no neighbour within {_SEARCH[-1]:g} Å: expected sites that ions jump between")


def crystal_sites(
    reference: Atoms | SiteOrder, species: str = "Li", *, repeat: Sequence[int] = (1, 1, 1), symprec: float = 0.1
) -> CrystalSites:
    """The sites of a species in a reference crystal, their kinds named by symmetry.

    Parameters
    ----------
    reference : ase.Atoms or SiteOrder
        A crystal, whose sites are the places of its atoms of `species`; or partially occupied sites, such as
        ``beta_li3ps4_sites()``, beside the places of `species` in their framework.
    species : str
    repeat : (3,) sequence of int
        How often the trajectory holds the cell of the reference along each axis. Symmetry is looked for before the cell
        is repeated, which is quicker than giving a large reference.
    symprec : float, Å
        Tolerance of spglib.

    Returns
    -------
    CrystalSites
        Kinds by the orbits of the space group, named by multiplicity and Wyckoff letter, ``"8d"``; with a number where
        there are several of that name, ``"4c-1"``. The letters are those of spglib's origin, which need not be that of
        the literature: 4b of β-Li3PS4 is 4a. Partially occupied sites keep the names they have.

    Raises
    ------
    ValueError
        No site of the species, or a tolerance that is not positive.
    StructureError
        A reference that is not periodic or without symmetry, or two sites closer than 0.5 Å.
    """
    if isinstance(reference, SiteOrder):
        crystal = reference.framework
        chosen = np.array([species in reference.occupancy[kind] for kind in reference.kinds])
        extra = crystal.cell.scaled_positions(reference.positions[chosen])
        kinds = tuple(kind for kind, take in zip(reference.kinds, chosen, strict=True) if take)
    else:
        crystal, extra, kinds = reference, np.zeros((0, 3)), ()
    if not all(crystal.pbc):
        raise StructureError(f"reference with pbc {crystal.pbc.tolist()}: expected a crystal, periodic along all axes")
    places = np.array([symbol == species for symbol in crystal.get_chemical_symbols()], dtype=np.bool_)
    if not places.any() and not kinds:
        raise ValueError(f"no site of {species!r} in the reference {crystal.get_chemical_formula('metal')}")
    names = _orbit_names(crystal, places, symprec) if places.any() else ()
    rest = crystal[~places]
    rest.calc = None
    sites = CrystalSites(
        species=species,
        fractional=np.concatenate([crystal.get_scaled_positions()[places], extra]),
        kinds=names + kinds,
        cell=crystal.cell.array,
        framework=rest if len(rest) else None,
    )
    return sites.repeat(repeat)


def _orbit_names(crystal: Atoms, places: NDArray[np.bool_], symprec: float) -> tuple[str, ...]:
    """Multiplicity in the conventional cell and Wyckoff letter of each place."""
    group: Any = space_group(crystal, symprec)
    orbits = np.asarray(group.equivalent_atoms)[places]
    cells = float(crystal.get_volume() / abs(np.linalg.det(group.std_lattice)))
    letters = {orbit: group.wyckoffs[orbit] for orbit in dict.fromkeys(orbits.tolist())}
    plain = {
        orbit: f"{round(np.count_nonzero(group.equivalent_atoms == orbit) / cells)}{letter}"
        for orbit, letter in letters.items()
    }
    several = {name for name in plain.values() if list(plain.values()).count(name) > 1}
    count = dict.fromkeys(several, 0)
    named = {}
    for orbit, name in plain.items():
        if name in several:
            count[name] += 1
            name = f"{name}-{count[name]}"
        named[orbit] = name
    return tuple(named[orbit] for orbit in orbits.tolist())
