"""What a run will cost, measured before it is made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics.checkpoint import load_checkpoint
from betalps.dynamics.engines import choose_engine, set_in_motion
from betalps.dynamics.grade_watch import watch_grade
from betalps.dynamics.motion import Conditions, Motion, thermal_momenta
from betalps.dynamics.recorder import CHECKPOINT
from betalps.dynamics.starting import CalculatorSource, calculator_maker, check_start, starting_structure
from betalps.protocols import Grading, RunSpec
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase import Atoms

_SECONDS = 1.0  # at most to spend on a trial
_FRAME, _ATOM = 200, 12 + 6  # bytes of a stored frame: its cell and scalars; per atom, coordinates and images
_LINE = 300  # bytes of a line of the log


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """The cost of a run on this machine, as it is now.

    Attributes
    ----------
    atoms
        In the structure.
    engine
        What will move them.
    steps
        Of the whole run.
    steps_to_do
        Those that its folder does not hold yet.
    seconds_per_step
        Measured.
    frames
        Of the whole run.
    bytes_on_disk
        Of its trajectory and log, at most.
    """

    atoms: int
    engine: str
    steps: int
    steps_to_do: int
    seconds_per_step: float
    frames: int
    bytes_on_disk: int

    @property
    def microseconds_per_atom(self) -> float:
        """Time of one step, shared by the atoms, µs."""
        return 1e6 * self.seconds_per_step / self.atoms

    @property
    def seconds(self) -> float:
        """Wall time that is left."""
        return self.steps_to_do * self.seconds_per_step


def estimate_run(
    spec: RunSpec,
    folder: PathLike | None = None,
    *,
    atoms: Atoms | None = None,
    calculator: CalculatorSource | None = None,
    trial_steps: int = 100,
) -> RunCost:
    """Time some steps of a run's longest stage, and count those that are left. Nothing is written.

    Parameters
    ----------
    spec
        The run.
    folder
        Its folder: what is done there already is not counted as left.
    atoms, calculator
        As for `run`.
    trial_steps
        How many steps to time at most; a second of them is enough.

    Raises
    ------
    CheckpointError
        If the folder's checkpoint cannot be read.
    StructureError
        If the structure cannot move as it should.
    """
    atoms = (starting_structure(spec) if atoms is None else atoms).copy()
    check_start(atoms, spec)
    make = calculator_maker(spec, calculator)
    path = Path(folder) / CHECKPOINT if folder is not None else None
    done = load_checkpoint(path).step if path is not None and path.exists() else 0
    longest = int(np.argmax(spec.stage_steps))
    atoms.calc = make()
    engine = choose_engine(spec, atoms.calc)
    if not atoms.get_momenta().any():
        rng = np.random.default_rng(spec.seed)
        atoms.set_momenta(thermal_momenta(atoms, spec.stages[longest].temperature, rng))
    motion = set_in_motion(engine, atoms, Conditions.of(spec, longest))
    motion.run(min(10, spec.stage_steps[longest]))
    began, made = time.perf_counter(), 0
    while made < trial_steps and (made == 0 or time.perf_counter() - began < _SECONDS):
        motion.run(5)
        made += 5
    per_step = (time.perf_counter() - began) / made
    if spec.grade is not None:
        per_step += _seconds_of_a_look(spec.grade, engine, motion) / spec.grade.every
    lines = spec.steps // spec.thermo_steps
    return RunCost(
        atoms=len(atoms),
        engine=engine,
        steps=spec.steps,
        steps_to_do=max(spec.steps - done, 0),
        seconds_per_step=per_step,
        frames=spec.frames,
        bytes_on_disk=spec.frames * (_FRAME + _ATOM * len(atoms)) + lines * _LINE,
    )


def _seconds_of_a_look(limits: Grading, engine: str, motion: Motion) -> float:
    """At the grade of the present step."""
    watch = watch_grade(limits, engine, motion.atoms.calc, lambda *_: None)
    watch.take_up(motion, 0)
    watch.look()  # the first one prepares
    began = time.perf_counter()
    watch.look()
    return time.perf_counter() - began
