"""The cell as LAMMPS wants it: turned so that a lies along x and b in the xy plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.lammps import Prism


@dataclass(frozen=True, kw_only=True, eq=False)
class Turn:
    """The rotation between a structure's own frame and that of LAMMPS.

    Attributes
    ----------
    matrix
        Shape (3, 3), orthogonal (with determinant -1 for a left-handed cell); rows of vectors are turned by
        ``vectors @ matrix``.
    """

    matrix: Floats

    def back(self, vectors: Floats) -> Floats:
        """Vectors (..., 3) of LAMMPS, in the structure's own frame."""
        return np.asarray(vectors @ self.matrix.T)

    def tensor_back(self, tensors: Floats) -> Floats:
        """Symmetric tensors (..., 3, 3) of LAMMPS, in the structure's own frame."""
        return np.asarray(self.matrix @ tensors @ self.matrix.T)


def turn_of(atoms: Atoms) -> tuple[Turn, Prism]:
    """The turn of a structure, and ASE's object that writes it. The cell is not reduced: its vectors stay themselves.

    Raises
    ------
    StructureError
        The cell has no volume.
    """
    from ase.calculators.lammps import Prism

    cell = atoms.cell.array
    if not (np.isfinite(cell).all() and abs(np.linalg.det(cell)) > 0):
        message = f"the cell {cell.tolist()} has no volume; LAMMPS needs three independent lattice vectors"
        raise StructureError(message)
    prism = Prism(cell, atoms.pbc)
    return Turn(matrix=np.asarray(prism.rot_mat)), prism


def is_skewed(atoms: Atoms) -> bool:
    """Whether LAMMPS has to treat the cell as triclinic: any tilt that is not rounding."""
    lower = np.abs(turn_of(atoms)[1].lammps_tilt)
    return bool((lower[[1, 2, 2], [0, 0, 1]] > 1e-12 * lower.max()).any())
