"""Writing LAMMPS text dumps."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from betalps.trajectories.frame import Frame, momentum_of_unit_velocity
from betalps.typing import Floats


def lammps_rotation(cell: ArrayLike) -> Floats:
    """The rotation R that brings a cell into the form that LAMMPS wants: ``cell @ R`` is lower triangular.

    Parameters
    ----------
    cell : (3, 3) array, Å

    Returns
    -------
    (3, 3) array

    Raises
    ------
    ValueError
        The cell is left-handed or has no volume.
    """
    matrix = np.asarray(cell, dtype=np.float64)
    if matrix.shape != (3, 3) or np.linalg.det(matrix) <= 0.0:
        raise ValueError("cell: LAMMPS takes right-handed cells only")
    turn, triangle = np.linalg.qr(matrix.T)
    rotation: Floats = turn * np.sign(np.diag(triangle))
    return rotation


def write_lammps_dump(frames: Iterable[Frame], file: IO[bytes]) -> None:
    """Write frames as a LAMMPS text dump (metal units, with times and elements).

    Parameters
    ----------
    frames : iterable of Frame
        Cells are turned into LAMMPS's form (see `lammps_rotation`).
    file : binary file
    """
    species: list[str] = []
    for number, frame in enumerate(frames):
        rotation = lammps_rotation(frame.cell)
        cell = frame.cell @ rotation
        species += sorted(set(frame.symbols.tolist()) - set(species))
        whole = np.floor(frame.fractional) * frame.pbc
        types = np.array([species.index(symbol) + 1 for symbol in frame.symbols.tolist()])
        columns: list[Any] = [range(1, len(types) + 1), types.tolist(), frame.symbols.tolist()]
        columns += [*((frame.fractional - whole) @ cell).T.tolist()]
        names, kinds = "id type element x y z", "%d %d %s %.10g %.10g %.10g"
        if frame.images is not None:
            columns += [*(whole + frame.images).astype(np.int64).T.tolist()]
            names, kinds = names + " ix iy iz", kinds + " %d %d %d"
        if frame.momenta is not None:
            velocities = frame.momenta @ rotation / momentum_of_unit_velocity(frame.symbols)[:, None]
            columns += [*velocities.T.tolist()]
            names, kinds = names + " vx vy vz", kinds + " %.10g %.10g %.10g"
        file.write(_head_text(number, frame, cell, names).encode())
        # One format for the whole frame: three times faster than line by line.
        rows = (kinds + "\n") * len(types) % tuple(chain.from_iterable(zip(*columns, strict=True)))
        file.write(rows.encode())


def _head_text(number: int, frame: Frame, cell: Floats, names: str) -> str:
    xy, xz, yz = cell[1, 0], cell[2, 0], cell[2, 1]
    low = [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high = np.diag(cell) + np.array([max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0])
    tilts = (xy, xz, yz)
    tilted = any(abs(tilt) > 1e-9 for tilt in tilts)
    bounds = "\n".join(f"{low[k]:.17g} {high[k]:.17g}" + (f" {tilts[k]:.17g}" if tilted else "") for k in range(3))
    flags = " ".join("pp" if periodic else "ff" for periodic in frame.pbc)
    return (
        f"ITEM: UNITS\nmetal\nITEM: TIME\n{frame.time:.17g}\nITEM: TIMESTEP\n{number}\n"
        f"ITEM: NUMBER OF ATOMS\n{len(frame.symbols)}\n"
        f"ITEM: BOX BOUNDS {'xy xz yz ' if tilted else ''}{flags}\n{bounds}\nITEM: ATOMS {names}\n"
    )
