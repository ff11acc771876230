"""Strained copies of structures."""

from collections.abc import Iterable

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from betalps.errors import StructureError
from betalps.typing import Floats

STUDY_STRAINS = (-0.05, 0.05)
"""The isotropic linear strains of the study of grain boundaries in β-Li3PS4 (active learning stage)."""


def strained(images: Atoms | Iterable[Atoms], strains: Iterable[float | ArrayLike] = STUDY_STRAINS) -> list[Atoms]:
    """Homogeneously strained copies.

    Parameters
    ----------
    images
        Not changed; periodic in three directions. Their labels are not those of the copies, which have none.
    strains
        Each a number (every length is multiplied by 1 + ε), six numbers (symmetric, Voigt order xx yy zz yz xz xy,
        with tensor components: yz is ε_yz and not 2 ε_yz) or a 3 × 3 matrix ε.

    Returns
    -------
    list of ase.Atoms
        For each image all its strained copies, in order; positions and cell vectors are x (1 + ε)ᵀ. The strain is
        kept in ``info["strain"]``: a number, or nine for the matrix.

    Raises
    ------
    ValueError
        A strain has another shape, is not finite, or turns the cell inside out.
    StructureError
        An image is not periodic in three directions.
    """
    tensors = [(_tensor(strain), strain) for strain in strains]
    copies = []
    for number, atoms in enumerate([images] if isinstance(images, Atoms) else images):
        if not atoms.pbc.all() or atoms.cell.rank < 3:
            raise StructureError(f"structure {number} has pbc {atoms.pbc.tolist()}: a strain needs a periodic cell")
        for tensor, strain in tensors:
            copy = atoms.copy()
            deformation = np.eye(3) + tensor
            copy.set_cell(atoms.cell.array @ deformation.T)
            copy.positions = atoms.positions @ deformation.T
            copy.info["strain"] = float(np.asarray(strain)) if np.ndim(strain) == 0 else tensor.ravel()
            copies.append(copy)
    return copies


def _tensor(strain: float | ArrayLike) -> Floats:
    value = np.asarray(strain, dtype=np.float64)
    if value.shape == ():
        tensor = value * np.eye(3)
    elif value.shape == (6,):
        xx, yy, zz, yz, xz, xy = value
        tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    elif value.shape == (3, 3):
        tensor = value
    else:
        raise ValueError(f"a strain has shape {value.shape}, expected a number, (6,) or (3, 3)")
    if not (np.isfinite(tensor).all() and np.linalg.det(np.eye(3) + tensor) > 0):
        raise ValueError(f"the strain {value.tolist()} is not finite, or leaves no volume")
    return tensor
