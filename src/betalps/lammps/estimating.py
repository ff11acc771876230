"""What a run in LAMMPS will cost, measured before it is made."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics import RunCost, starting_structure
from betalps.lammps.choosing import default_ranks, ranks_text
from betalps.lammps.errors import LammpsError
from betalps.lammps.names import LOG
from betalps.lammps.restarts import next_launch
from betalps.lammps.running import run_lammps
from betalps.protocols import RunSpec
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase import Atoms

_DUMPED, _STORED = 50, 12 + 6  # bytes per atom of a frame: as LAMMPS writes it, and in the trajectory
_CHECKPOINT = 3 * 100  # bytes per atom of the checkpoints
_LOOP = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps", re.MULTILINE)
_LINE = 550  # bytes of a line of the log, LAMMPS's and ours


def estimate_lammps(
    spec: RunSpec,
    folder: PathLike | None = None,
    *,
    atoms: Atoms | None = None,
    ranks: int | None = None,
    trial_steps: int = 100,
) -> RunCost:
    """Time some steps of a run's longest stage in LAMMPS, and count those that are left.

    Parameters
    ----------
    spec
        The run.
    folder
        Its folder: what is done there already is not counted as left. Nothing is written into it.
    atoms, ranks
        As for `run_lammps`.
    trial_steps
        How many steps to time.

    Raises
    ------
    LammpsError
        LAMMPS is missing, does not fit, or failed.
    CheckpointError
        The folder's checkpoints are damaged.
    """
    atoms = starting_structure(spec) if atoms is None else atoms
    ranks = ranks or spec.ranks or default_ranks(len(atoms))
    longest = spec.stages[int(np.argmax(spec.stage_steps))]
    picoseconds = 1e-3 * spec.timestep
    stage = replace(longest, time=trial_steps * picoseconds, production=False, frame_interval=None)
    interval = max(1, trial_steps // 5) * picoseconds
    trial = replace(spec, stages=(stage,), thermo_interval=interval, checkpoint_interval=stage.time, grade=spec.grade)
    with tempfile.TemporaryDirectory(prefix="betalps-") as scratch:
        run_lammps(trial, scratch, atoms=atoms, ranks=ranks)
        per_step = _seconds_per_step(Path(scratch) / LOG.format(0))
    done = next_launch(Path(folder)).step if folder is not None and Path(folder).is_dir() else 0
    lines = spec.steps // spec.thermo_steps
    return RunCost(
        atoms=len(atoms),
        engine=f"lammps on {ranks_text(ranks)}",
        steps=spec.steps,
        steps_to_do=max(spec.steps - done, 0),
        seconds_per_step=per_step,
        frames=spec.frames,
        bytes_on_disk=(spec.frames * (_DUMPED + _STORED) + _CHECKPOINT) * len(atoms) + lines * _LINE,
    )


def _seconds_per_step(log: Path) -> float:
    """By LAMMPS's own clock: without its start, and without what reading its log costs."""
    loops = [(float(seconds), int(steps)) for seconds, steps in _LOOP.findall(log.read_text(encoding="utf-8"))]
    steps = sum(count for _, count in loops)
    if not steps:
        message = f"{log.name} does not say how long its steps took; expected lines 'Loop time of ...'"
        raise LammpsError(message)
    return sum(seconds for seconds, _ in loops) / steps
