"""The space group of a structure, for whatever analysis needs it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from betalps.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


def space_group(atoms: Atoms, symprec: float) -> Any:
    """Spglib's data set of a structure.

    Raises
    ------
    ValueError
        The tolerance is not positive.
    StructureError
        spglib finds nothing, not even the identity: atoms on top of each other, or a tolerance that is too large.
    """
    import spglib

    if not symprec > 0.0:
        raise ValueError(f"symprec {symprec!r}: expected a length above 0 Å")
    cell = (atoms.cell.array.tolist(), atoms.get_scaled_positions().tolist(), atoms.numbers.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces its own future error handling
        found = spglib.get_symmetry_dataset(cell, symprec=symprec)
    if found is None:
        raise StructureError(
            f"spglib finds no space group of {atoms.get_chemical_formula('metal')} within {symprec:g} Å: do two atoms "
            "share a place?"
        )
    return found
