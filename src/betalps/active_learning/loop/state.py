"""How far a study of active learning is, in one small file that is replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.typing import Json

Stage = Literal["fit", "explore", "select", "label", "finish", "done"]

_KIND, _VERSION = "betalps active learning state", 1


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """Where a study stands. Everything else is in files that the steps before have left whole.

    Attributes
    ----------
    iteration
        0 until there is a first potential.
    stage
        The step that comes next: ``"explore"``, ``"select"``, ``"label"``, ``"fit"``, ``"finish"``; or ``"done"``.
    reason
        Why the loop has come to its end.
    labels
        Structures sent to be labelled so far.
    seconds
        Wall time of all finished steps.
    """

    iteration: int = 0
    stage: Stage = "fit"
    reason: str = ""
    labels: int = 0
    seconds: float = 0.0


def save_state(path: Path, state: LoopState) -> None:
    """Write the state so that a reader finds either the old one or the new one, whole."""
    content = {"kind": _KIND, "version": _VERSION, **asdict(state)}
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())


def load_state(path: Path) -> LoopState:
    """Read the state; a new one where there is no file.

    Raises
    ------
    CheckpointError
        The file cannot be understood.
    """
    content = load_json(path)
    if content is None:
        return LoopState()
    try:
        found = (content.pop("kind"), content.pop("version"))
        if found != (_KIND, _VERSION):
            raise CheckpointError(f"{path}: found {found}, expected {(_KIND, _VERSION)}")
        state = LoopState(**content)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    if state.stage not in get_args(Stage):
        raise CheckpointError(f"{path}: stage {state.stage!r}; expected one of {', '.join(get_args(Stage))}")
    return state


def save_json(path: Path, content: Json) -> None:
    """Write a record of a step."""
    write_atomic(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def load_json(path: Path) -> Json | None:
    """Read a record; None where there is none.

    Raises
    ------
    CheckpointError
        It is not JSON.
    """
    if not path.exists():
        return None
    try:
        content: Json = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    return content
