"""What LAMMPS left in a run's folder, as every other run leaves it: trajectory store, log, extrapolating structures."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics.grader import EXTRAPOLATING
from betalps.dynamics.recorder import TRAJECTORY
from betalps.dynamics.thermo import THERMO, thermo_header, thermo_line
from betalps.errors import CheckpointError
from betalps.files import write_atomic
from betalps.lammps.box import Turn
from betalps.lammps.logs import LogFollower, Row
from betalps.lammps.names import DESCRIPTION, FRAMES, LOG, SELECTED, TURN
from betalps.lammps.restarts import last_start, spans
from betalps.protocols import RunSpec
from betalps.trajectories import TrajectoryWriter, open_trajectory
from betalps.trajectories.formats import CutFrameWarning, read_lammps_dump
from betalps.trajectories.frame import Frame
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase import Atoms


def read_description(folder: Path) -> RunSpec:
    """The run that a folder was written for.

    Raises
    ------
    CheckpointError
        The folder holds none.
    """
    path = folder / DESCRIPTION
    try:
        return RunSpec.from_dict(json.loads(path.read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} does not describe a run: {error}"
        raise CheckpointError(message) from error


def save_turn(folder: Path, atoms: Atoms, turn: Turn) -> None:
    """Keep what turns LAMMPS's results back, and whose they are."""
    content = {
        "matrix": turn.matrix.tolist(),
        "symbols": atoms.get_chemical_symbols(),
        "pbc": atoms.pbc.tolist(),
    }
    write_atomic(folder / TURN, json.dumps(content).encode())


def load_turn(folder: Path) -> tuple[Turn, list[str], list[bool]]:
    """The turn, the chemical symbols and the periodicity of a run.

    Raises
    ------
    CheckpointError
        The folder holds none.
    """
    path = folder / TURN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Turn(matrix=np.array(content["matrix"])), list(content["symbols"]), list(content["pbc"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} does not say how the cell was turned: {error}"
        raise CheckpointError(message) from error


def collect(folder: PathLike) -> int:
    """Bring what LAMMPS has written so far into the form of every run.

    Makes or extends ``trajectory/`` (`betalps.trajectories.open_trajectory`), ``thermo.csv``
    (`betalps.dynamics.read_thermo`) and ``extrapolating.extxyz``, all in the structure's own frame. Can be called at
    any time, also while LAMMPS runs. Each step counts once: from the launch that the run as it is now went through.

    Returns
    -------
    int
        Frames in the trajectory.

    Raises
    ------
    CheckpointError
        The folder was not written by `write_run`.
    FormatError
        A file of LAMMPS is damaged (other than being cut short).
    """
    folder = Path(folder)
    spec = read_description(folder)
    turn, symbols, pbc = load_turn(folder)
    _collect_thermo(folder, spec, turn)
    _collect_selected(folder, spec, turn)
    return _collect_frames(folder, spec, turn, symbols, pbc)


def _collect_frames(folder: Path, spec: RunSpec, turn: Turn, symbols: list[str], pbc: list[bool]) -> int:
    picoseconds = 1e-3 * spec.timestep
    target = folder / TRAJECTORY
    with TrajectoryWriter(target, symbols, pbc) as writer:
        done = 0
        if len(writer):
            steps = np.rint(open_trajectory(target).times / picoseconds).astype(np.int64)
            keep = int(np.count_nonzero(steps <= last_start(folder)))
            writer.truncate(keep)
            done = int(steps[keep - 1]) if keep else 0
        for path, start, end in spans(folder, FRAMES):
            if end <= done:
                continue
            for step, frame in _frames(path, turn):
                if max(start, done) < step <= end:
                    writer.append_fractional(frame.continuous, frame.cell, step * picoseconds)
        return len(writer)


def _frames(path: Path, turn: Turn) -> Iterator[tuple[int, Frame]]:
    """Steps and frames; a last frame that was cut short by a kill is left out."""
    if path.stat().st_size == 0:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutFrameWarning)
        for frame in read_lammps_dump(path, timestep=1.0, rotation=turn.matrix):
            yield round(frame.time), frame


def rows(folder: Path, turn: Turn) -> list[Row]:
    """Lines of all logs, each step once."""
    found: dict[int, Row] = {}
    for path, start, end in spans(folder, LOG):
        for row in LogFollower(path, turn).rows():
            if start < row.step <= end or row.step == start == 0:
                found.setdefault(row.step, row)
    return [found[step] for step in sorted(found)]


def stage_at(spec: RunSpec, step: int) -> int:
    """Number, from 0, of the stage that a step belongs to; the last step of a stage is its own."""
    for number, end in enumerate(accumulate(spec.stage_steps)):
        if step <= end:
            return number
    return len(spec.stages) - 1


def _collect_thermo(folder: Path, spec: RunSpec, turn: Turn) -> None:
    picoseconds = 1e-3 * spec.timestep
    lines = [
        thermo_line(row.step, row.step * picoseconds, stage_at(spec, row.step) + 1, row.values)
        for row in rows(folder, turn)
    ]
    write_atomic(folder / THERMO, "".join([thermo_header(), *lines]).encode())


def _collect_selected(folder: Path, spec: RunSpec, turn: Turn) -> None:
    frames = selected(folder, spec, turn)
    if not frames:
        (folder / EXTRAPOLATING).unlink(missing_ok=True)
        return
    from ase.io import write

    text = io.StringIO()
    write(text, frames, format="extxyz")
    write_atomic(folder / EXTRAPOLATING, text.getvalue().encode())


def selected(folder: Path, spec: RunSpec, turn: Turn) -> list[Atoms]:
    """The structures whose grades were above ``gamma_select``, in the frame of the run's structure."""
    found: list[Atoms] = []
    for path, start, end in spans(folder, SELECTED):
        for atoms in _whole_frames(path):
            step = int(atoms.info["step"])
            if not (start < step <= end or step == start == 0):
                continue
            positions = turn.back(atoms.positions)
            atoms.set_cell(turn.back(atoms.cell.array))
            atoms.set_positions(positions)
            atoms.info["time_ps"] = 1e-3 * spec.timestep * step
            atoms.info["stage"] = spec.stages[stage_at(spec, step)].name
            found.append(atoms)
    return found


def _whole_frames(path: Path) -> list[Atoms]:
    """The frames of a file, without a last one that was cut short by a kill."""
    from ase.io import read

    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at, whole = 0, 0
    while at < len(lines):
        at += int(lines[at]) + 2
        if at <= len(lines) and lines[at - 1].endswith("\n"):
            whole = at
    found = read(io.StringIO("".join(lines[:whole])), index=":", format="extxyz") if whole else []
    return list(found)
