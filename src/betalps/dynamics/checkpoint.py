"""The state of a run in one file, replaced atomically."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from betalps.errors import CheckpointError
from betalps.typing import Floats, Json

_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that decides how a run goes on.

    Attributes
    ----------
    step
        Steps done.
    positions, momenta
        (n_atoms, 3); positions in Å, not wrapped; momenta in ASE units.
    cell
        (3, 3), rows are the lattice vectors, Å.
    heat
        Energy put in by the thermostat, eV.
    rng_state
        State of the bit generator.
    frames
        Frames in the trajectory.
    thermo_size
        Bytes in the thermodynamic log.
    identity
        What the run is: settings and the hashes of structure, potential and initial random state.
    """

    step: int
    positions: Floats
    momenta: Floats
    cell: Floats
    heat: float
    rng_state: Json
    frames: int
    thermo_size: int
    identity: Json


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a reader finds either the old one or the new one, whole."""
    scalars = {
        "version": _VERSION,
        "step": checkpoint.step,
        "heat": checkpoint.heat,
        "rng_state": checkpoint.rng_state,
        "frames": checkpoint.frames,
        "thermo_size": checkpoint.thermo_size,
        "identity": checkpoint.identity,
    }
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez(
            file,
            scalars=np.array(json.dumps(scalars, default=lambda array: array.tolist())),
            positions=checkpoint.positions,
            momenta=checkpoint.momenta,
            cell=checkpoint.cell,
        )
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


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
            arrays = {name: archive[name] for name in ("positions", "momenta", "cell")}
        version = scalars.pop("version")
        if version != _VERSION:
            raise CheckpointError(f"{path}: version {version!r}, expected {_VERSION}")
        return Checkpoint(**scalars, **arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error


def require_same_run(path: Path, found: Json, expected: Json) -> None:
    """Refuse a checkpoint of a different run.

    Parameters
    ----------
    path
        Where the checkpoint lies, for the message.
    found, expected
        Identities: of the checkpoint, and of the run that is asked for.

    Raises
    ------
    CheckpointError
        Naming every entry that differs, with both values.
    """
    names = sorted(found.keys() | expected.keys())
    differing = [
        f"{name} (there {found.get(name)!r}, asked for {expected.get(name)!r})"
        for name in names
        if found.get(name) != expected.get(name)
    ]
    if differing:
        raise CheckpointError(
            f"{path} belongs to another run; it differs in {'; '.join(differing)}. "
            "Use another folder, or remove this one to start anew"
        )
