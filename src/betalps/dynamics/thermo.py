"""Files of a run that grow line by line, cut at the checkpoint after a kill; and its thermodynamic log."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from betalps.errors import CheckpointError
from betalps.typing import Floats, PathLike

COLUMNS = (
    "step",
    "time_ps",
    "stage",
    "temperature_K",
    "potential_energy_eV",
    "kinetic_energy_eV",
    "conserved_energy_eV",
    "volume_A3",
    "pressure_GPa",
    "stress_xx_GPa",
    "stress_yy_GPa",
    "stress_zz_GPa",
    "stress_yz_GPa",
    "stress_xz_GPa",
    "stress_xy_GPa",
    "grade",
)
THERMO = "thermo.csv"


class GrowingFile:
    """A file that is only ever appended to, and cut to a known size when a run resumes.

    Parameters
    ----------
    path
        The file; it is made by the first `write`.
    size
        Bytes of it to keep: what a killed run wrote beyond its checkpoint is cut off.

    Raises
    ------
    CheckpointError
        If the file is shorter than `size`.
    """

    def __init__(self, path: Path, size: int) -> None:
        present = path.stat().st_size if path.exists() else 0
        if present < size:
            raise CheckpointError(f"{path} has {present} bytes where the checkpoint recorded {size}")
        if present > size:
            os.truncate(path, size)
        self.path, self.size = path, size
        self._waiting: list[bytes] = []

    def write(self, text: str) -> None:
        """Append text; it reaches the file with the next `flush` or `sync`."""
        self._waiting.append(text.encode())

    def flush(self) -> None:
        """Hand everything to the file, for readers to see.

        Raises
        ------
        OSError
            The disk is full: the file is then as it was before.
        """
        if self._waiting:
            self._append(b"".join(self._waiting), sure=False)

    def sync(self) -> int:
        """Force everything to the disk; returns the size of the file in bytes.

        Raises
        ------
        OSError
            The disk is full: the file is then as it was before.
        """
        if self._waiting or self.path.exists():
            self._append(b"".join(self._waiting), sure=True)
        return self.size

    def _append(self, data: bytes, *, sure: bool) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _write_all(handle, data, self.path)
            if sure:
                os.fsync(handle)
        except OSError:
            os.ftruncate(handle, self.size)
            raise
        finally:
            os.close(handle)
        self.size += len(data)
        self._waiting.clear()


def _write_all(handle: int, data: bytes, path: Path) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def thermo_line(step: int, time: float, stage: int, values: tuple[float, ...]) -> str:
    """A line of the log: step, time in ps, number of the stage, then the columns after them, with every digit."""
    if len(values) != len(COLUMNS) - 3:
        raise ValueError(f"found {len(values)} values; expected {len(COLUMNS) - 3}")
    return ",".join([str(step), repr(float(time)), str(stage), *(repr(float(value)) for value in values)]) + "\n"


def thermo_header() -> str:
    """The first line of the log."""
    return ",".join(COLUMNS) + "\n"


def read_thermo(folder: PathLike) -> dict[str, Floats]:
    """Read the thermodynamic log of a run, finished or not.

    Parameters
    ----------
    folder
        The folder given to `run`.

    Returns
    -------
    dict
        One array of shape (n_lines,) per column: ``step``, ``time_ps``, ``stage`` (1 for the first),
        ``temperature_K``, ``potential_energy_eV``, ``kinetic_energy_eV``, ``conserved_energy_eV`` (constant
        within a stage without ramps), ``volume_A3``, ``pressure_GPa``, the stress tensor ``stress_xx_GPa`` ...
        in ASE's sign and order, kinetic part included (NaN where the calculator gives no stress), and
        ``grade``, the largest extrapolation grade since the line before (NaN where none was computed).

    Raises
    ------
    CheckpointError
        If the file has other columns, or a line that is no numbers.
    """
    path = Path(folder) / THERMO
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines[0] != ",".join(COLUMNS):
        raise CheckpointError(f"{path}:1: found {lines[0]!r}, expected {','.join(COLUMNS)!r}")
    rows = []
    for number, line in enumerate(lines[1:-1], start=2):  # what follows the last line end was cut by a kill
        try:
            row = [float(word) for word in line.split(",")]
        except ValueError as error:
            raise CheckpointError(f"{path}:{number}: {error}") from error
        if len(row) != len(COLUMNS):
            raise CheckpointError(f"{path}:{number}: found {len(row)} columns, expected {len(COLUMNS)}")
        rows.append(row)
    table = np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))
    return dict(zip(COLUMNS, table.T, strict=True))
