"""The rows of D-optimality: derivatives of site energies, or of a configuration's energy, by the coefficients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from betalps.errors import BetalpsError, StructureError
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.calculators import Engine
    from betalps.potentials import Potential

Mode = Literal["neighbourhood", "configuration"]
WEIGHT_SCALING = 2
BATCH = 4096  # rows held at a time


def rows_of(engine: Engine, atoms: Atoms, mode: Mode, weight_scaling: int = WEIGHT_SCALING) -> Floats:
    """The rows of one structure.

    Parameters
    ----------
    engine
        Of the potential.
    atoms
        At least one atom.
    mode
        ``"neighbourhood"``: ∂E_i/∂θ of every atom, shape (n, coefficients). ``"configuration"``: their sum divided
        by n^(weight_scaling/2), shape (1, coefficients).
    weight_scaling
        0, 1 or 2.

    Raises
    ------
    StructureError
        There are no atoms, or the structure cannot be evaluated.
    SpeciesError
        An element that the potential does not know.
    """
    if not len(atoms):
        raise StructureError("a structure without atoms has no grade")
    rows = engine.site_gradients(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    if mode == "neighbourhood":
        return rows
    mean: Floats = rows.sum(axis=0, keepdims=True) / len(atoms) ** (weight_scaling / 2)
    return mean


def row_batches(
    engine: Engine, frames: Sequence[Atoms], mode: Mode, weight_scaling: int = WEIGHT_SCALING
) -> Iterator[tuple[Floats, list[int]]]:
    """The rows of structures, some thousand at a time, with the number of rows of each structure.

    Raises
    ------
    StructureError, SpeciesError
        As :func:`rows_of`; names the structure.
    """
    parts: list[Floats] = []
    for number, atoms in enumerate(frames):
        try:
            parts.append(rows_of(engine, atoms, mode, weight_scaling))
        except BetalpsError as error:
            raise type(error)(f"structure {number}: {error}") from error
        if sum(map(len, parts)) >= BATCH or number + 1 == len(frames):
            yield np.concatenate(parts), list(map(len, parts))
            parts = []


def coefficient_groups(potential: Potential, indices: np.ndarray) -> dict[str, int]:
    """How many of some coefficients belong to each pair of species, to the species and to the moments.

    Parameters
    ----------
    potential
        Its order of coefficients is radial (centre, neighbour, radial function, basis function), species, moments.
    indices
        Numbers of coefficients.

    Returns
    -------
    dict
        From ``"radial P-P"``, ``"species Li"`` or ``"moments"`` to a count; only what occurs, largest first.
    """
    radial, species = potential.radial_coeffs, potential.species
    assert radial is not None
    block = radial.shape[2] * radial.shape[3]
    names = [f"radial {a}-{b}" for a in species for b in species for _ in range(block)]
    names += [f"species {symbol}" for symbol in species]
    names += ["moments"] * (potential.coeffs_count - len(names))
    return dict(Counter(names[int(k)] for k in indices).most_common())
