"""Which checkpoint of LAMMPS a run goes on from, and what of its files belongs to the steps before it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from betalps.errors import CheckpointError
from betalps.lammps.names import FIRST, FRAMES, LAST, LOG, SECOND, SELECTED

_MAGIC = b"LammpS RestartT\0"
# Entries of the header: the step comes after texts, and numbers that say the sizes of LAMMPS's integers.
_VERSION, _UNITS, _STEP = 0, 4, 5
_SIZES = (1, 2, 3, 48)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How LAMMPS is started next.

    Attributes
    ----------
    step
        Where it goes on; 0 at the start.
    restart
        The checkpoint, or None at the start.
    first, second
        Where it writes its checkpoints in turn: the first is not the one it goes on from.
    """

    step: int
    restart: Path | None
    first: str = FIRST
    second: str = SECOND

    @property
    def arguments(self) -> list[str]:
        """Of LAMMPS's command line."""
        if self.restart is None:
            return []
        variables = {"resumed": "1", "restart": self.restart.name, "first": self.first, "second": self.second}
        return [word for name, value in variables.items() for word in ("-var", name, value)]


def restart_step(path: Path) -> int:
    """The step of a checkpoint of LAMMPS.

    Raises
    ------
    CheckpointError
        It is not a whole restart file (one that was being written when LAMMPS was killed, or the disk was full).
    """
    try:
        with path.open("rb") as file:
            head = file.read(400)
            file.seek(-len(_MAGIC), 2)
            whole = head.startswith(_MAGIC) and file.read() == _MAGIC
    except OSError as error:
        message = f"{path} is not a readable checkpoint: {error}"
        raise CheckpointError(message) from error
    if not whole:
        message = f"{path} is not a whole restart file of LAMMPS"
        raise CheckpointError(message)
    try:
        return _parse_step(head)
    except (struct.error, ValueError) as error:
        message = f"{path} is a restart file of a LAMMPS that this version of betalps does not know: {error}"
        raise CheckpointError(message) from error


def _parse_step(head: bytes) -> int:
    at = len(_MAGIC) + 8  # byte order, revision of the format

    def take(form: str) -> int:
        nonlocal at
        value: int = struct.unpack_from(form, head, at)[0]
        at += struct.calcsize(form)
        return value

    while (entry := take("=i")) != _STEP:
        if entry in {_VERSION, _UNITS}:
            length = take("=i")
            at += length
        elif entry in _SIZES:
            take("=i")
        else:
            message = f"entry {entry} comes before the step"
            raise ValueError(message)
    return take("=q")


def next_launch(folder: Path) -> Launch:
    """From the newest whole checkpoint, or from the start.

    Raises
    ------
    CheckpointError
        There are checkpoints, and none is whole: nothing is started anew by itself over what has been done.
    """
    found: dict[str, int] = {}
    broken: list[str] = []
    for name in (FIRST, SECOND, LAST):
        if (folder / name).exists():
            try:
                found[name] = restart_step(folder / name)
            except CheckpointError as error:
                broken.append(str(error))
    if not found:
        if len(broken) > 1:  # a single one may be the first of all, cut short
            message = "; ".join(broken) + ". Remove them to start anew"
            raise CheckpointError(message)
        return Launch(step=0, restart=None)
    newest = max(found, key=lambda name: found[name])
    # LAST aside, the older one of the two is overwritten first
    keep = max((name for name in found if name != LAST), key=lambda name: found[name], default=SECOND)
    first, second = (FIRST, SECOND) if keep == SECOND else (SECOND, FIRST)
    return Launch(step=found[newest], restart=folder / newest, first=first, second=second)


def starts(folder: Path, pattern: str) -> list[int]:
    """Steps at which the launches began that left files of a name, in order."""
    before, after = pattern.split("{}")
    name = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    matches = (name.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def forget_after(folder: Path, step: int) -> None:
    """Remove files of launches that began later than this step: the next launch, from here, replaces them.

    Files of a launch from the same step are replaced by that launch itself. Safe while LAMMPS runs: its files begin
    no later than its newest checkpoint.
    """
    for pattern in (LOG, FRAMES, SELECTED):
        for start in starts(folder, pattern):
            if start > step:
                (folder / pattern.format(start)).unlink()


def last_start(folder: Path) -> int:
    """The step at which the latest launch began."""
    return max(starts(folder, LOG), default=0)


def spans(folder: Path, pattern: str) -> list[tuple[Path, int, float]]:
    """Files of a name in order, each with the steps that count in it: above the first, up to the second number."""
    launches = sorted({*starts(folder, LOG), *starts(folder, pattern)})
    ends = dict(zip(launches, [*map(float, launches[1:]), float("inf")], strict=True))
    return [(folder / pattern.format(start), start, ends[start]) for start in starts(folder, pattern)]
