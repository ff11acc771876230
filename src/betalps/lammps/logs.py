"""The thermodynamic lines of LAMMPS's log, as they appear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase import units

from betalps.lammps.box import Turn
from betalps.lammps.inputs import THERMO
from betalps.typing import Floats

_ROW = re.compile(rb"^  - \[(.*), *\]\s*$", re.MULTILINE)
_BAR = 1e5 * units.Pascal


class Row(NamedTuple):
    """One line, in the units of the thermodynamic log.

    Attributes
    ----------
    step
        Of the run.
    temperature
        In K.
    potential, kinetic, conserved
        Energies, eV.
    volume
        In Å³.
    pressure
        In GPa.
    stress
        (6,), GPa, ASE's sign and order, in the structure's own frame, kinetic part included.
    grade
        Largest extrapolation grade at the last look; NaN where none was computed.
    """

    step: int
    temperature: float
    potential: float
    kinetic: float
    conserved: float
    volume: float
    pressure: float
    stress: Floats
    grade: float

    @property
    def values(self) -> tuple[float, ...]:
        """What follows step, time and stage in the log of a run."""
        energies = (self.potential, self.kinetic, self.conserved)
        return (self.temperature, *energies, self.volume, self.pressure, *self.stress.tolist(), self.grade)


class LogFollower:
    """Reads what is new in a log that LAMMPS is writing.

    Parameters
    ----------
    path
        Need not exist yet.
    turn
        Between LAMMPS's frame and the structure's.
    """

    def __init__(self, path: Path, turn: Turn) -> None:
        self._path, self._turn, self._at = path, turn, 0

    def rows(self) -> list[Row]:
        """Whole lines since the last call. Steps may repeat where one stage follows another."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read()
        except FileNotFoundError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        return [row for match in _ROW.finditer(whole) if (row := self._row(match[1])) is not None]

    def _row(self, text: bytes) -> Row | None:
        fields = text.split(b", ")
        if len(fields) not in {len(THERMO), len(THERMO) + 1}:  # with or without grade
            return None
        step, temperature, potential, kinetic, conserved, volume, pressure, *rest = map(float, fields)
        xx, yy, zz, yz, xz, xy = rest[:6]
        tensor = self._turn.tensor_back(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
        per_gpa = _BAR / units.GPa
        stress = -per_gpa * tensor[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        grade = rest[6] if len(rest) > 6 else np.nan
        return Row(int(step), temperature, potential, kinetic, conserved, volume, per_gpa * pressure, stress, grade)


def errors_in(*paths: Path) -> str:
    """What LAMMPS said when it failed: its lines with ERROR, or else its last lines."""
    lines: list[str] = []
    for path in paths:
        if path.exists():
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    found: list[str] = []
    for line in lines:
        text = re.sub(r" \((?:src/)*\S+\.(?:cpp|h):\d+\)$", "", line.strip())
        if text.startswith(("ERROR", "pair_style betalps is not loaded")) and text not in found:
            found.append(text)
    return "; ".join(found) or "\n".join([line for line in lines if line and not line.startswith("  - [")][-4:])
