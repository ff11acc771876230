"""The state of a run in one file, replaced atomically."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.protocols import RunSpec
from betalps.typing import Floats, Json

_VERSION = 2
_ARRAYS = ("positions", "momenta", "cell")
_SCALARS = ("step", "stage", "stage_step", "frames", "thermo_size", "selected_size", "grade", "stopped", "identity")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that decides how a run goes on.

    Attributes
    ----------
    step
        Steps of the run that are done.
    stage, stage_step
        Number of the stage, from 0, and the steps of it that are done: the position in its ramps.
    positions, momenta
        (n_atoms, 3); positions in Å, not wrapped; momenta in ASE units.
    cell
        (3, 3), rows are the lattice vectors, Å.
    motion
        Variables of thermostat and barostat.
    frames
        Frames in the trajectory.
    thermo_size, selected_size
        Bytes in the thermodynamic log and in the file of extrapolating structures.
    grade
        Largest extrapolation grade since the last line of the log; None: none was computed.
    stopped
        Why the run ended before its time: cause and message; None if it did not.
    identity
        What the run is: its settings, stages, engine, and the hashes of structure and potential.
    """

    step: int
    stage: int
    stage_step: int
    positions: Floats
    momenta: Floats
    cell: Floats
    motion: dict[str, NDArray[Any]]
    frames: int
    thermo_size: int
    selected_size: int
    grade: float | None
    stopped: Json | None
    identity: Json


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a reader finds either the old one or the new one, whole."""
    scalars = {"version": _VERSION, **{name: getattr(checkpoint, name) for name in _SCALARS}}
    arrays = {name: getattr(checkpoint, name) for name in _ARRAYS}
    arrays |= {f"motion/{name}": value for name, value in checkpoint.motion.items()}
    content = io.BytesIO()
    np.savez(content, scalars=np.array(json.dumps(scalars)), **arrays)
    write_atomic(path, content.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path
        The file ``checkpoint.npz`` of a run's folder.

    Returns
    -------
    Checkpoint
        Its content.

    Raises
    ------
    CheckpointError
        If the file is unreadable or of another version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            scalars = json.loads(str(archive["scalars"]))
            version = scalars.pop("version")
            if version != _VERSION:
                raise CheckpointError(f"{path}: version {version!r}, expected {_VERSION}")
            arrays = {name: archive[name] for name in _ARRAYS}
            motion = {
                name.removeprefix("motion/"): archive[name] for name in archive.files if name.startswith("motion/")
            }
        return Checkpoint(**scalars, **arrays, motion=motion)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error


def require_same_run(path: Path, found: Checkpoint, spec: RunSpec, expected: Json) -> None:
    """Refuse a checkpoint of a different run.

    Stages that are done must be those of the run that is asked for; the one under way may have another length
    if nothing in it is ramped, and what comes later is free.

    Parameters
    ----------
    path
        Where the checkpoint lies, for the message.
    found
        The checkpoint.
    spec
        The run that is asked for.
    expected
        Its identity.

    Raises
    ------
    CheckpointError
        Naming every entry that differs, with both values.
    """
    there, asked = dict(found.identity), dict(expected)
    old, new = there.pop("stages"), asked.pop("stages")
    for number in range(found.stage + 1):
        before: Json = dict(old[number])
        now: Json = dict(new[number]) if number < len(new) else {}
        if number == found.stage and now and not spec.stages[number].ramped:
            before.pop("time"), now.pop("time")
        there |= {f"stage {before['name']!r}: {name}": value for name, value in before.items()}
        asked |= {f"stage {before['name']!r}: {name}": value for name, value in now.items()}
    differing = [
        f"{name} (there {there.get(name)!r}, asked for {asked.get(name)!r})"
        for name in sorted(there.keys() | asked.keys())
        if there.get(name) != asked.get(name)
    ]
    if differing:
        raise CheckpointError(
            f"{path} belongs to another run; it differs in {'; '.join(differing)}. "
            "Use another folder, or remove this one to start anew"
        )
    if found.stage_step > spec.stage_steps[found.stage]:
        raise CheckpointError(
            f"{path} is at step {found.stage_step} of stage {spec.stages[found.stage].name!r}, beyond the "
            f"{spec.stage_steps[found.stage]} asked for"
        )
