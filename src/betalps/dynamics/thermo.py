"""The thermodynamic log of a run: a CSV file that survives a kill."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from betalps.errors import CheckpointError
from betalps.typing import Floats, PathLike

COLUMNS = (
    "step",
    "time_ps",
    "temperature_K",
    "potential_energy_eV",
    "kinetic_energy_eV",
    "conserved_energy_eV",
)


class ThermoLog:
    """Appends lines to a CSV file.

    Parameters
    ----------
    path
        The file.
    size
        Bytes of it to keep: 0 starts afresh, and what a killed run wrote beyond its checkpoint is cut off.

    Raises
    ------
    CheckpointError
        If the file is shorter than `size`.
    """

    def __init__(self, path: Path, size: int) -> None:
        present = path.stat().st_size if path.exists() else 0
        if present < size:
            raise CheckpointError(f"{path} has {present} bytes where the checkpoint recorded {size}")
        self._file = path.open("ab")
        self._file.truncate(size)
        if size == 0:
            self._file.write((",".join(COLUMNS) + "\n").encode())

    def write(self, step: int, time: float, values: tuple[float, ...]) -> None:
        """Append one line: step, time in ps, then the columns after them. Numbers keep every digit."""
        line = ",".join([str(step), *(repr(float(value)) for value in (time, *values))])
        self._file.write((line + "\n").encode())

    def sync(self) -> int:
        """Force the lines to the disk; returns the size of the file in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_thermo(folder: PathLike) -> dict[str, Floats]:
    """Read the thermodynamic log of a run.

    Parameters
    ----------
    folder
        The folder given to `run_nvt`.

    Returns
    -------
    dict
        One array of shape (n_lines,) per column: ``step``, ``time_ps``, ``temperature_K``,
        ``potential_energy_eV``, ``kinetic_energy_eV``, ``conserved_energy_eV``.

    Raises
    ------
    CheckpointError
        If the file has other columns.
    """
    path = Path(folder) / "thermo.csv"
    with path.open(encoding="utf-8") as file:
        header = file.readline().strip()
        if header != ",".join(COLUMNS):
            raise CheckpointError(f"{path}:1: found {header!r}, expected {','.join(COLUMNS)!r}")
        table = np.loadtxt(file, delimiter=",", ndmin=2).reshape(-1, len(COLUMNS))
    return dict(zip(COLUMNS, table.T, strict=True))
