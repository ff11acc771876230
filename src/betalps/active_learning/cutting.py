"""Cutting an extrapolative neighbourhood out of a large structure, into a cell small enough to be labelled.

The method. The structure is taken apart into units: molecular ions, whose atoms are joined by bonds shorter than given
lengths (P-S 2.7 Å, P-P 2.6 Å, S-S 2.4 Å), and single ions. The core is every atom within a radius of the centre, the
centre's whole neighbourhood; its units are always kept, and kept whole, so no P-S bond is cut.

- A *cluster* is the units of the core in vacuum, made neutral by the nearest units of the opposite charge (a Li, or a
  PS4 and then Li). Its surface is as good as molecular ions can make it.
- A *periodic* cell is a cube of twice the radius and a margin, filled with the units whose centre lies inside. Where
  units touch across the boundary, closer than the pair of elements comes anywhere in the source structure times a
  factor, the one farther from the centre goes, though never one of the core; then the outermost ions of the charge in
  excess go until the cell is neutral. Seam and density are those of a random packing: relax the atoms outside the core
  (`relax_surroundings`) before an expensive label. Directions in which the source is no larger than the cube keep its
  own period; if that is all of them, the source itself is the cell.

Compare Podryabinkin et al., J. Chem. Phys. 159, 084112 (2023), section V, where boxes are cut and their outer atoms
relaxed; units and charges are ours, since a charged or torn cell teaches what the material never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.neighbors import Neighbors, neighbor_list
from betalps.typing import Bools, Floats

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

Integers = NDArray[np.int64]

_LARGEST_UNIT = 64


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How neighbourhoods are cut; the defaults are for lithium thiophosphates.

    Attributes
    ----------
    radius
        Of the core, Å: the potential's cutoff, or a little more.
    kind
        ``"periodic"`` or ``"cluster"``.
    margin
        Added to the edge 2 × radius of the periodic cell, Å.
    vacuum
        Around a cluster on each side, Å.
    contact
        Across the seam two atoms may come this fraction of the source's own shortest distance for their elements
        close; shorter distances than 1.5 Å are always contacts.
    charges
        Formal charge of each element. An element that is not named has charge 0.
    bonds
        Longest bond of pairs of elements that form molecular ions, Å.
    """

    radius: float = 5.0
    kind: Literal["periodic", "cluster"] = "periodic"
    margin: float = 1.0
    vacuum: float = 6.0
    contact: float = 0.9
    charges: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({"Li": 1, "P": 5, "S": -2}))
    bonds: Mapping[tuple[str, str], float] = field(
        default_factory=lambda: MappingProxyType({("P", "S"): 2.7, ("P", "P"): 2.6, ("S", "S"): 2.4})
    )


def cut(atoms: Atoms, centre: int, settings: Cutting | None = None) -> Atoms:
    """Cut the neighbourhood of an atom out of a structure.

    Parameters
    ----------
    atoms
        The structure, periodic or not; not changed.
    centre
        Number of the atom.
    settings
        Radius, kind of cell, charges and bonds.

    Returns
    -------
    ase.Atoms
        A new structure, the centre in the middle of its cell. ``arrays["core"]`` marks the atoms within the radius;
        their distances to the centre, and to each other, are those of the source. ``info``: ``cut_centre`` (the
        centre's number here), ``cut_charge`` (0, unless charges cannot be balanced) and ``cut_kind`` (``"periodic"``,
        ``"cluster"``, or ``"whole"`` where the source is no larger than the cell).

    Raises
    ------
    StructureError
        There is no such atom.
    """
    settings = settings or Cutting()
    if not 0 <= centre < len(atoms):
        raise StructureError(f"there is no atom {centre} among {len(atoms)}")
    edge = 2 * settings.radius + settings.margin
    heights = _heights(atoms)
    if settings.kind == "periodic" and np.all(heights <= edge * 1.2):
        return _whole(atoms, centre, settings)
    cloud = _Cloud.around(atoms, centre, settings)
    if settings.kind == "cluster":
        return cloud.cluster()
    return cloud.periodic()


def _heights(atoms: Atoms) -> Floats:
    """Distances between opposite faces of the cell; infinite along directions that are not periodic."""
    heights = np.full(3, np.inf)
    if atoms.pbc.any():
        reciprocal = np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
        heights[atoms.pbc] = 1 / reciprocal[atoms.pbc]
    return heights
