"""The files that a run leaves, cut together at its checkpoint."""

from __future__ import annotations

import json
import time as clock
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from betalps.dynamics.checkpoint import Checkpoint
from betalps.dynamics.grader import EXTRAPOLATING
from betalps.dynamics.measurement import Measurement
from betalps.dynamics.thermo import THERMO, GrowingFile, thermo_header, thermo_line
from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.provenance import provenance
from betalps.trajectories import TrajectoryWriter
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms

CHECKPOINT = "checkpoint.npz"
TRAJECTORY = "trajectory"
DESCRIPTION = "run.json"
_SECONDS = 5.0  # between lines of the log becoming visible to other programs


def require_empty(folder: Path) -> None:
    """Refuse a folder that holds results without the checkpoint they belong to.

    Raises
    ------
    CheckpointError
        Naming them.
    """
    left_over = [name for name in (TRAJECTORY, THERMO, EXTRAPOLATING) if (folder / name).exists()]
    if left_over:
        raise CheckpointError(f"{folder} holds {' and '.join(left_over)} but no {CHECKPOINT}")


class Recorder:
    """Writes frames, thermodynamic log and extrapolating structures.

    Parameters
    ----------
    folder
        Where they go.
    atoms
        What moves.
    state
        The checkpoint that the run goes on from: what the files hold beyond it is cut off.

    Raises
    ------
    CheckpointError
        A file holds less than the checkpoint recorded, or belongs to other atoms.
    """

    def __init__(self, folder: Path, atoms: Atoms, state: Checkpoint) -> None:
        self._thermo = GrowingFile(folder / THERMO, state.thermo_size)
        self._selected = GrowingFile(folder / EXTRAPOLATING, state.selected_size)
        self._frames = TrajectoryWriter(
            folder / TRAJECTORY, atoms.get_chemical_symbols(), atoms.pbc, scalars=("energy", "temperature", "stage")
        )
        try:
            self._frames.truncate(state.frames)
        except BaseException:
            self._frames.close()
            raise
        if state.thermo_size == 0:
            self._thermo.write(thermo_header())
        self._shown = clock.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._frames.close()

    def frame(self, atoms: Atoms, time: float, stage: int, measured: Measurement) -> None:
        """Record a frame; time in ps, number of the stage from 0."""
        scalars = {"energy": measured.potential, "temperature": measured.temperature, "stage": stage + 1.0}
        self._frames.append(atoms.positions, atoms.cell.array, time, scalars=scalars)

    def line(self, step: int, time: float, stage: int, measured: Measurement, grade: float | None) -> None:
        """Record a line of the log."""
        self._thermo.write(thermo_line(step, time, stage + 1, measured.values(grade)))
        if clock.monotonic() - self._shown > _SECONDS:
            self._thermo.flush()
            self._shown = clock.monotonic()

    def select(self, frame: str) -> None:
        """Record an extrapolating structure."""
        self._selected.write(frame)

    def sync(self) -> tuple[int, int, int]:
        """Force everything to the disk; frames, and sizes of the log and of the extrapolating structures."""
        self._frames.flush()
        return len(self._frames), self._thermo.sync(), self._selected.sync()


def describe(folder: Path, spec: Json, identity: Json) -> None:
    """Write what the run is, for its readers."""
    content = {"kind": "betalps run", "run": spec, "identity": identity, "provenance": provenance()}
    write_atomic(folder / DESCRIPTION, (json.dumps(content, indent=1) + "\n").encode())
