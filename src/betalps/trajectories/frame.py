"""One frame on its way between files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """What a reader yields and a writer takes.

    Parameters
    ----------
    symbols : (atoms,) array of str
    pbc : (3,) array of bool
    fractional : (atoms, 3) array
        Fractional coordinates.
    cell : (3, 3) array, Å
        Rows are the cell vectors.
    time : float, ps
    images : (atoms, 3) array of int, optional
        Whole cells to add to `fractional` for the unwrapped coordinate. None where nobody knows: the coordinates
        may then be wrapped.
    momenta : (atoms, 3) array, optional
        In ASE's unit, (eV u)^(1/2).
    scalars : dict of str to float
        Energies, grades and the like.
    done : float
        How much of the source has been read with this frame, 0 to 1.
    """

    symbols: NDArray[np.str_]
    pbc: NDArray[np.bool_]
    fractional: NDArray[np.floating[Any]]
    cell: Floats
    time: float
    images: NDArray[np.signedinteger[Any]] | None = None
    momenta: NDArray[np.floating[Any]] | None = None
    scalars: Mapping[str, float] = field(default_factory=dict)
    done: float = 1.0

    @property
    def continuous(self) -> Floats:
        """(atoms, 3) array: unwrapped fractional coordinates where the images are known, else as they are."""
        fractional = self.fractional.astype(np.float64)
        return fractional if self.images is None else fractional + self.images

    @property
    def positions(self) -> Floats:
        """(atoms, 3) array, Å: the `continuous` coordinates in the cell of the frame."""
        return self.continuous @ self.cell


def to_fractional(positions: Floats, cell: Floats) -> Floats:
    """(atoms, 3) fractional coordinates of Cartesian positions."""
    return np.asarray(positions @ np.linalg.inv(cell), dtype=np.float64)


def momentum_of_unit_velocity(symbols: NDArray[np.str_]) -> Floats:
    """Momentum, in ASE's unit, of each atom at 1 Å/ps.

    Raises
    ------
    FormatError
        A symbol is no chemical one.
    """
    from ase.data import atomic_masses, atomic_numbers
    from ase.units import fs

    try:
        masses = np.array([atomic_masses[atomic_numbers[str(symbol)]] for symbol in symbols])
    except KeyError as error:
        raise FormatError(f"{error} is no chemical symbol") from None
    return masses / (1000.0 * fs)
