"""A folder of labels: one file per structure, written when its label arrives, never half."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.datasets import format_extxyz, read, with_labels
from betalps.errors import CheckpointError
from betalps.files import locked, write_atomic
from betalps.provenance import provenance
from betalps.typing import Floats, Json

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A structure that could not be labelled.

    Attributes
    ----------
    key
        Names the structure, see :func:`structure_key`; its files in ``work/`` are in the folder of this name.
    reason
        Kind of the error and its message.
    traceback
        Where it came from.
    attempts
        How often it was tried.
    """

    key: str
    reason: str
    traceback: str
    attempts: int


def structure_key(atoms: Atoms) -> str:
    """Name a structure by its content, to the last bit.

    Elements, positions, cell, periodic directions, and the magnetic moments and charges to start from.
    """
    digest = hashlib.sha256()
    for array in (
        atoms.numbers.astype("<i8"),
        atoms.positions.astype("<f8"),
        atoms.cell.array.astype("<f8"),
        atoms.pbc.astype("<i8"),
        atoms.get_initial_magnetic_moments().astype("<f8"),
        atoms.get_initial_charges().astype("<f8"),
    ):
        digest.update(np.ascontiguousarray(array + 0).tobytes())  # + 0 makes -0.0 and 0.0 the same
    return digest.hexdigest()[:24]


class LabelStore:
    """The folder: ``labelled/KEY.extxyz``, ``failed/KEY.json``, ``work/KEY/``, and ``labels.json`` on the whole.

    Parameters
    ----------
    folder
        Made if absent.
    method
        What the labels are computed with; a folder holds labels of one method.
    properties
        Names of the labels.

    Raises
    ------
    CheckpointError
        The folder holds labels of another method or other properties, or cannot be understood.
    OSError
        The folder cannot be written.
    """

    def __init__(self, folder: Path, method: str, properties: tuple[str, ...]) -> None:
        self.folder = folder
        self._labelled, self._failed = folder / "labelled", folder / "failed"
        for place in (self._labelled, self._failed):
            place.mkdir(parents=True, exist_ok=True)
        self._require_same({"method": method, "properties": list(properties)})

    def _require_same(self, wanted: Json) -> None:
        path = self.folder / "labels.json"
        if not path.exists():
            data = json.dumps({**wanted, "provenance": provenance()}, indent=1)
            write_atomic(path, data.encode("utf-8"))
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CheckpointError(f"{path}: cannot be read: {error}") from error
        name = next((name for name, value in wanted.items() if found.get(name) != value), None)
        if name is None:
            return
        if any(any(place.iterdir()) for place in (self._labelled, self._failed)):
            raise CheckpointError(
                f"{path}: the folder holds labels with {name} {found.get(name)!r}, now {wanted[name]!r} is asked for; "
                "take another folder"
            )
        with self.locked():  # nothing was ever labelled, and nothing is being
            path.unlink()
            self._require_same(wanted)

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes out; the lock goes with the process, however it ends."""
        return locked(self.folder, "labelling")

    def work(self, key: str) -> Path:
        """Where the calculator may write; not made."""
        return self.folder / "work" / key

    def has(self, key: str) -> bool:
        """Whether the structure has its label."""
        return self._label_path(key).exists()

    def failure(self, key: str) -> Failure | None:
        """Why the structure has none, if it was tried."""
        path = self._failed / f"{key}.json"
        if not path.exists():
            return None
        try:
            return Failure(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: cannot be read: {error}") from error

    def add(self, key: str, atoms: Atoms, labels: dict[str, Floats]) -> None:
        """Store a label; a failure before it is forgotten."""
        write_atomic(self._label_path(key), format_extxyz(with_labels(atoms, labels)).encode("utf-8"))
        (self._failed / f"{key}.json").unlink(missing_ok=True)

    def add_failure(self, key: str, reason: str, traceback: str) -> Failure:
        """Store why a structure has no label."""
        before = self.failure(key)
        attempts = 1 + (before.attempts if before else 0)
        failure = Failure(key=key, reason=reason, traceback=traceback, attempts=attempts)
        write_atomic(self._failed / f"{key}.json", json.dumps(vars(failure), indent=1).encode("utf-8"))
        return failure

    def labels(self, key: str) -> Atoms:
        """The structure with its label, as it was stored."""
        return read(self._label_path(key))[0]

    def _label_path(self, key: str) -> Path:
        return self._labelled / f"{key}.extxyz"
