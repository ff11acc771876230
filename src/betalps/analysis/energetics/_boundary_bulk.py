"""The bulk that a boundary energy is counted from: of either grain, turned and strained in the plane as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from betalps.structures.boundaries.record import pairs_of
from betalps.structures.boundaries.slabs import box, cut_slab, described
from betalps.typing import Floats, Json

if TYPE_CHECKING:
    from ase import Atoms

_NO_STRAIN = 1e-9  # rounding


def bulks_of(record: Json, crystals: Sequence[Atoms]) -> list[Atoms]:
    """The bulk of the lower and the upper grain; one, if its energy is that of both."""
    first, second = record["strains"]
    lower, upper = (np.array(turn)[:2] for turn in record["orientations"])
    strained = bool(np.any(np.abs(first) > _NO_STRAIN))
    same = (
        len(record["crystals"]) == 1
        and record["planes"][0] == record["planes"][1]
        and np.allclose(first, second, atol=_NO_STRAIN)
        and (not strained or np.allclose(lower, upper, atol=_NO_STRAIN))
    )
    return [_bulk(grain, record, crystals[grain]) for grain in ((0,) if same else (0, 1))]


def _bulk(grain: int, record: Json, crystal: Atoms) -> Atoms:
    """The bulk of a grain: oriented and strained in the plane as the grain is, in a compact cell."""
    from ase import Atoms as AseAtoms
    from ase.geometry import minkowski_reduce

    bonds = None if record["bonds"] is None else pairs_of(record["bonds"])
    if bonds is not None:
        species = set(crystal.get_chemical_symbols())
        bonds = {pair: length for pair, length in bonds.items() if set(pair) <= species}
    lattice, units = described(crystal, tuple(record["planes"][grain]), bonds)
    turn = (np.array(record["orientations"][grain]) @ lattice.frame.T)[:2, :2]
    stretch: Floats = np.eye(2) + np.array(record["strains"][grain])
    cut = cut_slab(crystal, lattice, units, planes=1).fitted(lattice.basis[:2, :2] @ turn.T @ stretch)
    cell, _ = minkowski_reduce(box(cut.cell, cut.thickness, cut.shift))
    return AseAtoms(numbers=cut.numbers, positions=cut.positions, cell=cell, pbc=True)
