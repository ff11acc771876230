"""The folder of a grid: whose it is, and the points that are done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.training.points import GridPoint

_IDENTITY = "identity.json"


def claim(folder: Path, identity: str) -> None:
    """Make the folder, or find that it is of this grid, before anything is computed.

    Parameters
    ----------
    folder
        To work in.
    identity
        Hash of data, weights, settings and seed.

    Raises
    ------
    CheckpointError
        It holds points, finished or begun, of another grid, or one that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / _IDENTITY
    done = sorted(folder.glob("level-*.json"))
    if mark.exists() and (done or any(folder.glob("level-*.checkpoint"))):
        _require(mark, identity)
    for path in done:
        _require(path, identity)
    write_atomic(mark, json.dumps({"identity": identity}).encode())


def kept(file: Path, identity: str) -> tuple[GridPoint, bytes] | None:
    """A point that is done and its potential, or None.

    Raises
    ------
    CheckpointError
        The point belongs to another grid, or cannot be read.
    """
    if not file.exists():
        return None
    content = _require(file, identity)
    return GridPoint.from_dict(content["point"]), file.with_suffix(".almtp").read_bytes()


def keep(file: Path, identity: str, point: GridPoint, potential: bytes) -> None:
    """Store a point, whole or not at all; its checkpoint is no longer needed."""
    write_atomic(file.with_suffix(".almtp"), potential)
    write_atomic(file, json.dumps({"identity": identity, "point": point.to_dict()}, indent=1).encode())
    file.with_suffix(".checkpoint").unlink(missing_ok=True)


def _require(path: Path, identity: str) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["identity"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: expected a file that a grid has written: {error!r}") from error
    if found != identity:
        raise CheckpointError(
            f"{path} belongs to another grid, of other data, weights, settings or seed: use another folder, "
            "or remove this one"
        )
    return content
