"""Running a described run in a folder: stage after stage, resumable at any moment, stopped with a cause."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.blas import one_blas_thread
from betalps.dynamics.checkpoint import Checkpoint, load_checkpoint, require_same_run, save_checkpoint
from betalps.dynamics.engines import choose_engine, set_in_motion
from betalps.dynamics.events import Callback, Observer, RunResult, Stop, StopRun
from betalps.dynamics.grade_watch import watch_grade
from betalps.dynamics.grader import extrapolating_frame
from betalps.dynamics.measurement import Measurement, measure
from betalps.dynamics.motion import (
    Conditions,
    Motion,
    MotionState,
    UnstableRunError,
    at_rest,
    check_temperature,
    check_volume,
    thermal_momenta,
)
from betalps.dynamics.recorder import CHECKPOINT, Recorder, describe, require_empty
from betalps.dynamics.starting import (
    CalculatorSource,
    calculator_maker,
    check_start,
    describe_potential,
    identity,
    starting_structure,
)
from betalps.dynamics.watching import Watchers
from betalps.errors import StructureError
from betalps.files import locked
from betalps.protocols import RunSpec
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

_PATIENCE = 5.0  # s to wait for a process that is about to end, such as one whose parent was just killed
_STRIDE = 100  # steps at most before the temperature is looked at


def run(
    spec: RunSpec,
    folder: PathLike,
    *,
    atoms: Atoms | None = None,
    calculator: CalculatorSource | None = None,
    observers: Sequence[Observer | Callback] = (),
) -> RunResult:
    """Run, or go on running, what a description says, in a folder of its own.

    Parameters
    ----------
    spec
        The run.
    folder
        Holds ``run.json`` (what the run is), ``checkpoint.npz``, ``thermo.csv`` (`read_thermo`), the frames in
        ``trajectory/`` (`betalps.trajectories`) and, with grades, ``extrapolating.extxyz``; made if absent. If
        it holds a part of this very run, the run goes on from its last checkpoint; if it holds all of it,
        nothing is computed.
    atoms
        The starting structure, not changed; by default the one that `spec` names.
    calculator
        An ASE calculator, or a function that makes one; by default `betalps.MTP` with the potential of `spec`.
        At every checkpoint an instance is reset and a function is called again, so that no memory of the past
        (a neighbour list's age and order) reaches beyond a checkpoint.
    observers
        Functions called with a `Progress` at every line of the log, and `Callback` objects. Any of them may
        raise `StopRun`.

    Returns
    -------
    RunResult
        The last structure; and why the run stopped, if it did before its time.

    Raises
    ------
    CheckpointError
        If the folder belongs to another run, is in use by another process, or cannot be read.
    StructureError
        If the starting structure cannot move as it should.
    UnstableRunError
        If the run blows up: its temperature or volume is out of bounds, or not finite. What was recorded up to
        there stays readable.
    BetalpsError
        If grades are asked of a potential without an active set.
    OSError
        If the disk is full. What was recorded stays readable; the same call goes on once there is room.

    Notes
    -----
    Killed at any moment and called again, the run gives bit for bit the trajectory of an uninterrupted one, if
    the calculator is deterministic. The last stage can be made longer, and stages can be added, as long as
    what has been done is the same. (A run that ended between two checkpoints, because it was finished or was
    stopped, has a checkpoint there that a longer run from the start would not have had.)
    """
    if atoms is None:
        atoms = starting_structure(spec)
    check_start(atoms, spec)
    make = calculator_maker(spec, calculator)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "running", _PATIENCE):
        going = _Run(spec, folder, atoms, make, observers)
        with going.records, one_blas_thread():
            return going.go()


class _Run:
    """A run in its folder: the moving atoms, how far they are, and the files that record them."""

    def __init__(
        self,
        spec: RunSpec,
        folder: Path,
        atoms: Atoms,
        make: Callable[[], Calculator],
        observers: Sequence[Observer | Callback],
    ) -> None:
        self._spec, self._folder, self._make = spec, folder, make
        self._atoms = atoms.copy()
        self._volume = abs(float(np.linalg.det(atoms.cell.array)))  # at the start
        self._path = folder / CHECKPOINT
        self._watchers = Watchers(spec, observers)
        calculator = make()
        self._engine = choose_engine(spec, calculator)
        self._watch = watch_grade(spec.grade, self._engine, calculator, self._select) if spec.grade else None
        self._identity = identity(spec, atoms, describe_potential(calculator), self._engine)
        self._step, self._stage, self._stage_step = 0, 0, 0
        self._peak: float | None = None
        self._motion: Motion
        self._state = self._resume() if self._path.exists() else self._begin()
        self.records = Recorder(folder, self._atoms, self._state)

    def _resume(self) -> Checkpoint:
        state = load_checkpoint(self._path)
        require_same_run(self._path, state, self._spec, self._identity)
        self._atoms.set_cell(state.cell)
        self._atoms.set_positions(state.positions)
        self._atoms.set_momenta(state.momenta)
        self._step, self._stage, self._stage_step = state.step, state.stage, state.stage_step
        self._peak = state.grade
        return state

    def _begin(self) -> Checkpoint:
        """Give the atoms momenta and write the checkpoint of step 0, which has nothing recorded yet."""
        require_empty(self._folder)
        describe(self._folder, self._spec.to_dict(), self._identity)
        if self._spec.velocities == "keep":
            momenta = at_rest(self._atoms.get_momenta(), self._atoms.get_masses()[:, None])
        else:
            rng = np.random.default_rng(self._spec.seed)
            momenta = thermal_momenta(self._atoms, self._spec.stages[0].temperature, rng)
        self._atoms.set_momenta(momenta)
        state = self._snapshot({}, (0, 0, 0), None)
        save_checkpoint(self._path, state)
        return state

    def go(self) -> RunResult:
        """Run to the end, or to what stops it."""
        stop = self._stopped_before()
        if stop is None and self._step < self._spec.steps:
            self._watchers.begin(self._step)
            stop = self._advance()
        return RunResult(
            folder=self._folder,
            atoms=self._final_atoms(),
            step=self._step,
            steps=self._spec.steps,
            stopped=stop,
        )

    def _stopped_before(self) -> Stop | None:
        """The stop of an earlier call, if it still holds: a grade beyond a threshold that has not been raised."""
        if self._state.stopped is None:
            return None
        stop = Stop(**self._state.stopped)
        grade = self._spec.grade
        holds = stop.cause == "grade" and grade is not None and stop.value > grade.gamma_break
        return stop if holds else None

    def _advance(self) -> Stop | None:
        if not self._stage_ends:
            self._take_up()
        stop = None
        if self._step == 0 and self._state.stopped is None:  # one that stopped there has recorded it
            stop = self._events()
            if stop is not None:
                self._save(stop)
        while stop is None and self._step < self._spec.steps:
            if self._stage_ends:
                self._stage, self._stage_step = self._stage + 1, 0
                self._take_up()
            try:
                self._move(self._steps_to_event())
                stop = self._events()
            except UnstableRunError:
                with contextlib.suppress(OSError):
                    self.records.sync()  # what led to it, for whoever looks
                raise
            if stop is not None or self._stage_ends:
                self._save(stop)
            elif self._step % self._spec.checkpoint_steps == 0:
                self._save(None)
                self._take_up()
        return stop

    @property
    def _stage_ends(self) -> bool:
        return self._stage_step == self._spec.stage_steps[self._stage]

    def _take_up(self) -> None:
        """Go on from the present state as a resumed process would: with nothing else in memory."""
        self._atoms.calc = self._make()
        self._motion = set_in_motion(self._engine, self._atoms, Conditions.of(self._spec, self._stage))
        if self._watch is not None:
            self._watch.take_up(self._motion, self._step - self._stage_step)
        if self._stage_step:
            self._motion.restore(self._state.motion, self._stage_step)

    def _steps_to_event(self) -> int:
        spec = self._spec
        everys = [spec.thermo_steps, spec.checkpoint_steps, *self._watchers.intervals]
        if self._watch is not None and self._watch.halts is not None:
            everys.append(self._watch.halts)
        distances = [every - self._step % every for every in everys]
        frames = spec.frame_steps[self._stage]
        if frames:
            distances.append(frames - self._stage_step % frames)
        return min(_STRIDE, spec.stage_steps[self._stage] - self._stage_step, *distances)

    def _move(self, steps: int) -> None:
        before = self._motion.nsteps
        try:
            self._motion.run(steps)
        except UnstableRunError as error:
            raise UnstableRunError(f"{self._where(self._motion.nsteps - before)}: {error}", error.cause) from error
        except Exception as error:
            lost = isinstance(error, StructureError | np.linalg.LinAlgError)
            if not lost and np.isfinite(self._atoms.positions).all() and np.isfinite(self._atoms.cell.array).all():
                raise
            raise UnstableRunError(f"{self._where(steps)}: the run blew up: {error}", "not finite") from error
        made = self._motion.nsteps - before  # fewer where a grade is beyond gamma_break
        self._step += made
        self._stage_step += made

    def _where(self, steps: int = 0) -> str:
        return f"stage {self._spec.stages[self._stage].name!r}, step {self._step + steps}"

    def _events(self) -> Stop | None:
        """Record and report what is due at this step; returns why the run must end here, if it must."""
        spec = self._spec
        time = 1e-3 * spec.timestep * self._step
        stop = self._grade()
        line = self._step % spec.thermo_steps == 0 or self._stage_ends
        frames = spec.frame_steps[self._stage]
        frame = frames > 0 and self._stage_step > 0 and self._stage_step % frames == 0
        measured = self._checked() if line or frame or self._step % _STRIDE == 0 else None
        if frame and measured is not None:
            self.records.frame(self._atoms, time, self._stage, measured)
        try:
            if measured is not None and line:
                self.records.line(self._step, time, self._stage, measured, self._peak)
                self._watchers.line(self._step, time, self._stage, self._stage_step, measured, self._peak)
                self._peak = None
            self._watchers.structure(self._atoms, self._step)
        except StopRun as asked:
            self._peak = None if line else self._peak
            message = str(asked) or "an observer asked for it"
            stop = stop or Stop(cause="user", message=f"{self._where()}: {message}", step=self._step)
        return stop

    def _grade(self) -> Stop | None:
        """Take notice of the grades since the last event."""
        grade = None if self._watch is None else self._watch.collect(self._step)
        if grade is None or self._spec.grade is None:
            return None
        self._peak = grade if self._peak is None else max(grade, self._peak)
        limit = self._spec.grade.gamma_break
        if grade <= limit:
            return None
        message = f"{self._where()}: extrapolation grade {grade:.4g}, above gamma_break ({limit:g})"
        return Stop(cause="grade", message=message, step=self._step, value=grade)

    def _select(self, grade: float, sites: Floats | None, step: int) -> None:
        """Record a structure above gamma_select."""
        stage, time = self._spec.stages[self._stage].name, 1e-3 * self._spec.timestep * step
        self.records.select(extrapolating_frame(self._atoms, grade, sites, step=step, time_ps=time, stage=stage))

    def _checked(self) -> Measurement:
        measured = measure(self._motion)
        try:
            check_temperature(measured.temperature, self._spec.allowed_temperatures)
            check_volume(measured.volume, self._volume, self._spec.volume_bounds)
        except UnstableRunError as error:
            raise UnstableRunError(f"{self._where()}: {error}", error.cause) from error
        if not np.isfinite(measured.potential):
            message = f"{self._where()}: the run blew up: its potential energy is {measured.potential}"
            raise UnstableRunError(message, "not finite")
        return measured

    def _snapshot(self, motion: MotionState, sizes: tuple[int, int, int], stop: Stop | None) -> Checkpoint:
        frames, thermo, selected = sizes
        return Checkpoint(
            step=self._step,
            stage=self._stage,
            stage_step=self._stage_step,
            positions=self._atoms.get_positions(),
            momenta=self._atoms.get_momenta(),
            cell=self._atoms.cell.array.copy(),
            motion=dict(motion),
            frames=frames,
            thermo_size=thermo,
            selected_size=selected,
            grade=self._peak,
            stopped=stop.to_dict() if stop else None,
            identity=self._identity,
        )

    def _save(self, stop: Stop | None) -> None:
        """Write frames and log, then the checkpoint that counts them: resuming cuts what lies beyond it."""
        self._state = self._snapshot(self._motion.state(), self.records.sync(), stop)
        save_checkpoint(self._path, self._state)

    def _final_atoms(self) -> Atoms:
        final: Atoms = self._atoms.copy()
        final.calc = None
        return final
