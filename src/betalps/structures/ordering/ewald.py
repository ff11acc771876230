"""Electrostatic energy of point charges in a crystal, by Ewald's sum.

As a matrix between sites, so that the energies of many fillings of the same sites are one product each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.typing import Floats, Integers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms

COULOMB = 14.399645478425668
"""e²/(4 π ε0), eV Å (CODATA 2018)."""

_NEARLY_SAME = 1e-3  # Å


def ewald_matrix(cell: Floats, positions: Floats, *, tolerance: float = 1e-12) -> Floats:
    """Interaction of unit point charges and all their periodic images.

    Parameters
    ----------
    cell
        Rows are the cell vectors, shape (3, 3), Å.
    positions
        Of the sites, shape (n, 3), Å.
    tolerance
        What the sums over real and reciprocal space leave out, relative to the first of their terms.

    Returns
    -------
    ndarray, shape (n, n)
        M, in eV per squared elementary charge: a set of charges q with sum 0 has the energy ``0.5 * q @ M @ q`` per
        cell, with conducting surroundings (no dipole term). The diagonal is a charge with its own images.

    Raises
    ------
    StructureError
        Two sites at the same place.

    Notes
    -----
    P. P. Ewald, Ann. Phys. 369, 253 (1921). Charges are smeared to Gaussians of width 1/(√2 α) with
    α = √π (n / V²)^(1/6), which shares the work evenly between the two sums.
    """
    from scipy.special import erfc

    cell = np.asarray(cell, dtype=np.float64)
    positions = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    n = len(positions)
    volume = abs(float(np.linalg.det(cell)))
    alpha = np.sqrt(np.pi) * (n / volume**2) ** (1 / 6)
    reach = np.sqrt(-np.log(tolerance))
    first, second, distance = _pairs(cell, positions, reach / alpha)
    near = np.bincount(first * n + second, weights=erfc(alpha * distance) / distance, minlength=n * n)
    matrix: Floats = near.astype(np.float64).reshape(n, n)
    waves = _reciprocal_vectors(cell, 2 * alpha * reach)
    squares = np.einsum("gk,gk->g", waves, waves)
    # Half of the reciprocal lattice, each vector for itself and its opposite.
    weights = 8 * np.pi / volume * np.exp(-squares / (4 * alpha**2)) / squares
    phases = positions @ waves.T
    cosines, sines = np.cos(phases), np.sin(phases)
    matrix += (cosines * weights) @ cosines.T + (sines * weights) @ sines.T
    matrix[np.diag_indices(n)] -= 2 * alpha / np.sqrt(np.pi)
    matrix -= np.pi / (volume * alpha**2)  # the even background that a charged sublattice needs
    return COULOMB * 0.5 * (matrix + matrix.T)


def ewald_energy(atoms: Atoms, charges: Mapping[str, float]) -> float:
    """Electrostatic energy of a structure of point charges.

    Parameters
    ----------
    atoms
        Periodic in three dimensions; up to a few thousand atoms (the matrix between all of them is made).
    charges
        Of each element, in elementary charges, such as ``{"Li": 1, "P": 5, "S": -2}``.

    Returns
    -------
    float
        eV per cell.

    Raises
    ------
    ValueError
        An element without a charge.
    StructureError
        The cell is not periodic in three dimensions, or not neutral.
    """
    if not atoms.pbc.all():
        raise StructureError(f"Ewald's sum needs three periodic directions, got pbc {atoms.pbc.tolist()}")
    charge = charges_of(atoms.get_chemical_symbols(), charges)
    check_neutral(float(charge.sum()))
    return float(0.5 * charge @ ewald_matrix(atoms.cell.array, atoms.positions) @ charge)


def charges_of(symbols: list[str], charges: Mapping[str, float]) -> Floats:
    """Charge of every atom; a ValueError names the elements without one."""
    missing = sorted(set(symbols) - set(charges))
    if missing:
        raise ValueError(f"no charge given for {', '.join(missing)}; got charges of {', '.join(charges) or 'nothing'}")
    return np.array([charges[symbol] for symbol in symbols], dtype=np.float64)


def check_neutral(total: float) -> None:
    """Raise a StructureError unless a cell's charges add up to nothing."""
    if abs(total) > 1e-6:
        raise StructureError(f"the cell's charges add up to {total:+g}: expected 0, else its energy is infinite")


def _pairs(cell: Floats, positions: Floats, cutoff: float) -> tuple[Integers, Integers, Floats]:
    from ase import Atoms as AseAtoms

    pairs = neighbor_list(AseAtoms(f"X{len(positions)}", positions=positions, cell=cell, pbc=True), float(cutoff))
    if np.any(pairs.distances < _NEARLY_SAME):
        k = int(np.argmin(pairs.distances))
        raise StructureError(
            f"sites {pairs.i[k]} and {pairs.j[k]} are {pairs.distances[k]:.4f} Å apart: expected distinct sites"
        )
    return pairs.i.astype(np.int64), pairs.j.astype(np.int64), pairs.distances


def _reciprocal_vectors(cell: Floats, longest: float) -> Floats:
    """Half of the reciprocal lattice's vectors up to a length, without 0 and without the opposites, shape (g, 3)."""
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    counts = np.floor(longest * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-k, k + 1) for k in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[len(grid) // 2 + 1 :]  # the middle one is 0, and what comes before mirrors what comes after
    vectors: Floats = grid @ reciprocal
    short: Floats = vectors[np.einsum("gk,gk->g", vectors, vectors) <= longest**2]
    return short
