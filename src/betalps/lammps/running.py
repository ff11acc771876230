"""A described run in LAMMPS: started on several ranks, watched, and gone on with after a kill."""

from __future__ import annotations

import fcntl
import math
import os
import re
import signal
import subprocess
import sys
import time as clock
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.dynamics import Observer, Progress, RunResult, Stop, StopRun, UnstableRunError, starting_structure
from betalps.dynamics.motion import ADVICE
from betalps.errors import BetalpsError, CheckpointError
from betalps.lammps.box import Turn, turn_of
from betalps.lammps.choosing import default_ranks
from betalps.lammps.collecting import collect, selected, stage_at
from betalps.lammps.errors import LammpsError
from betalps.lammps.evaluation import Way
from betalps.lammps.inputs import quoted
from betalps.lammps.installation import Installation, find_lammps
from betalps.lammps.logs import LogFollower, Row, errors_in
from betalps.lammps.names import FINAL, INPUT, LOG, OUTPUT, POTENTIAL, SETUP, STAGES
from betalps.lammps.plugin import build_plugin
from betalps.lammps.restarts import Launch, forget_after, next_launch
from betalps.lammps.writing import write_run
from betalps.potentials import load
from betalps.protocols import RunSpec
from betalps.trajectories.formats import read_lammps_dump
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase import Atoms

_POLL = 0.2  # s between looks at the log
_PATIENCE = 5.0  # s to wait for a LAMMPS that is about to end, or that is asked to
_LOCK = "lammps.lock"
_GRADE = re.compile(r"step (\d+): extrapolation grade (\S+) is above break (\S+);")


def run_lammps(
    spec: RunSpec,
    folder: PathLike,
    *,
    atoms: Atoms | None = None,
    ranks: int | None = None,
    way: Way = "plugin",
    installation: Installation | None = None,
    observers: Sequence[Observer] = (),
) -> RunResult:
    """Run, or go on running, what a description says, in LAMMPS.

    Parameters
    ----------
    spec
        The run.
    folder
        Holds what `write_run` writes, LAMMPS's own files, and what every run leaves: ``trajectory/``,
        ``thermo.csv``, ``extrapolating.extxyz`` (see `collect`). If it holds a part of this very run, the run goes
        on from LAMMPS's last whole checkpoint; if it holds all of it, nothing is computed.
    atoms
        The starting structure; by default the one that `spec` names.
    ranks
        MPI processes; by default those of `spec`, or else as many as `default_ranks` says.
    way
        "plugin": the compiled pair style; "external": ``fix external``, without grades.
    installation
        None: `find_lammps`.
    observers
        Called with a `Progress` at every line of the log. One that raises `StopRun` ends LAMMPS at once: the run
        goes on from its last checkpoint when called again.

    Returns
    -------
    RunResult
        The last structure; and why the run stopped, if it did before its time. Its atoms are then those whose grade
        was too large, without momenta, or those at the start if an observer stopped it.

    Raises
    ------
    LammpsError
        LAMMPS is missing, does not fit, or failed: says what it said.
    UnstableRunError
        The run blew up: temperature or volume out of bounds, atoms lost, or something not finite. What was recorded
        stays readable.
    CheckpointError
        The folder belongs to another run, LAMMPS is still running in it, or its checkpoints are damaged.

    Notes
    -----
    Killed at any moment and called again, the run loses the steps since the last checkpoint. It then takes the same
    path to rounding, not bit for bit: LAMMPS sorts its atoms anew. When only this process is killed, LAMMPS works on.
    """
    installation = installation or find_lammps()
    atoms = starting_structure(spec) if atoms is None else atoms
    ranks = ranks or spec.ranks or default_ranks(len(atoms))
    if way == "external" and spec.grade is not None:
        message = "grades are computed by the pair style; expected way 'plugin', found 'external'"
        raise LammpsError(message)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder) as lock:
        launch = write_run(spec, folder, atoms=atoms, ranks=ranks)
        stop = None
        if launch.step < spec.steps:
            forget_after(folder, launch.step)
            command = _command(folder, installation, launch, ranks, way)
            watch = _Watch(spec, folder, launch, turn_of(atoms)[0], observers)
            stop = _run(command, folder, installation, lock, watch)
        collect(folder)
    return RunResult(
        folder=folder,
        atoms=_last_structure(folder, spec, atoms, stop),
        step=spec.steps if stop is None else stop.step,
        steps=spec.steps,
        stopped=stop,
    )


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """A lock that LAMMPS inherits, so that it lasts as long as one of its processes, whoever was killed."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = clock.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if clock.monotonic() >= deadline:
                    message = f"LAMMPS is still running in {folder}, or another process prepares it"
                    raise CheckpointError(message) from error
            clock.sleep(0.1)
        yield handle
    finally:
        os.close(handle)


def _command(folder: Path, installation: Installation, launch: Launch, ranks: int, way: Way) -> list[str]:
    # "-log none": errors before the script names its log go to the output
    arguments = ["-log", "none", *launch.arguments]
    if way == "plugin":
        plugin = quoted(build_plugin(installation))
        return installation.command(ranks, ["-in", INPUT, "-var", "plugin", plugin, *arguments])
    species = ",".join(load(folder / POTENTIAL).species)
    worker = ["-m", "betalps.lammps.external", POTENTIAL, species, SETUP, STAGES, "-screen", "none", *arguments]
    return installation.command(ranks, worker, program=sys.executable)


def _run(command: list[str], folder: Path, installation: Installation, lock: int, watch: _Watch) -> Stop | None:
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=installation.environment(),
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL)
                watch.look()
            watch.look()
        except StopRun as asked:
            _end(process)
            message = f"{watch.where}: {str(asked) or 'an observer asked for it'}"
            return Stop(cause="user", message=message, step=watch.step)
        except BaseException:
            _end(process)
            raise
    if process.returncode == 0 and next_launch(folder).step >= watch.spec.steps:
        return None
    return _explain(folder, process.returncode, watch)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End LAMMPS with all its ranks."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return


class _Watch:
    """Turns the lines of LAMMPS's log into progress."""

    def __init__(self, spec: RunSpec, folder: Path, launch: Launch, turn: Turn, observers: Sequence[Observer]) -> None:
        self.spec, self.step = spec, launch.step
        self.log = folder / LOG.format(launch.step)
        self._follower = LogFollower(self.log, turn)
        self._observers = observers
        self._first, self._began = launch.step, clock.perf_counter()
        self._row: Row | None = None

    @property
    def where(self) -> str:
        """Stage and step, for messages."""
        return f"stage {self.spec.stages[stage_at(self.spec, self.step)].name!r}, step {self.step}"

    def look(self) -> None:
        """Report what is new."""
        started = self._row is not None
        for row in self._follower.rows():
            if self._row is not None and row.step == self._row.step:
                continue
            self._row, self.step = row, row.step
            for observer in self._observers:
                observer(self._progress(row))
        if not started and self._row is not None:  # from here on, LAMMPS's start does not count as time of its steps
            self._first, self._began = self._row.step, clock.perf_counter()

    def _progress(self, row: Row) -> Progress:
        spec = self.spec
        number = stage_at(spec, row.step)
        before = sum(spec.stage_steps[:number])
        done, elapsed, left = row.step - self._first, clock.perf_counter() - self._began, spec.steps - row.step
        return Progress(
            step=row.step,
            steps=spec.steps,
            stage=spec.stages[number].name,
            time=1e-3 * spec.timestep * row.step,
            temperature=row.temperature,
            target=spec.stages[number].temperature_at((row.step - before) / spec.stage_steps[number]),
            energy=row.potential,
            volume=row.volume,
            pressure=row.pressure,
            grade=None if math.isnan(row.grade) else row.grade,
            ns_per_day=done / elapsed * spec.timestep * 1e-6 * 86400,
            seconds_left=elapsed / done * left if done else math.inf,
        )

    def describe(self) -> str:
        """The last line of the log in words."""
        if self._row is None:
            return "before its first line"
        return f"{self.where}, {self._row.temperature:.4g} K, {self._row.volume:.6g} Å³"


_CAUSES = {
    "temperature_bounds": "temperature",
    "volume_bounds": "volume",
    "Lost atoms": "displacement",  # they went farther in one step than the ranks look
    "Non-numeric": "not finite",
    "not finite": "not finite",
    "out of range": "not finite",
}


def _explain(folder: Path, status: int, watch: _Watch) -> Stop | None:
    """Why LAMMPS ended: a stop that was asked for, or an error.

    Raises
    ------
    UnstableRunError, LammpsError
    """
    with suppress(Exception):  # the data up to here, for whoever looks; the error below matters more
        collect(folder)
    said = errors_in(watch.log, folder / OUTPUT)
    graded = _GRADE.search(said)
    if graded is not None:
        step, value = int(graded[1]), float(graded[2])
        stage = watch.spec.stages[stage_at(watch.spec, step)].name
        message = f"stage {stage!r}, step {step}: extrapolation grade {value:.4g}, above gamma_break ({graded[3]})"
        return Stop(cause="grade", message=message, step=step, value=value)
    raise _failure(folder, status, watch, said)


def _failure(folder: Path, status: int, watch: _Watch, said: str) -> BetalpsError:
    for text, cause in _CAUSES.items():
        if text in said:
            limits = {
                "temperature": f"its temperature left {watch.spec.allowed_temperatures} K: ",
                "volume": f"its volume left {watch.spec.volume_bounds} times that at the start: ",
            }.get(cause, "")
            message = f"the run blew up ({watch.describe()}): {limits}{said}. {ADVICE}"
            return UnstableRunError(message, cause)
    full = " (is the disk full?)" if "I/O error" in said else ""
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    message = (
        f"LAMMPS {how} ({watch.describe()}): {said or 'it said nothing'}{full}. The same call goes on from the last "
        f"checkpoint; all it said is in {watch.log} and {folder / OUTPUT}"
    )
    return LammpsError(message)


def _last_structure(folder: Path, spec: RunSpec, atoms: Atoms, stop: Stop | None) -> Atoms:
    turn = turn_of(atoms)[0]
    if stop is None:
        return _final(folder / FINAL, atoms, turn)
    frames = selected(folder, spec, turn) if stop.cause == "grade" else []
    last: Atoms = frames[-1] if frames else atoms.copy()
    last.calc = None
    return last


def _final(path: Path, atoms: Atoms, turn: Turn) -> Atoms:
    """The structure at the end, with momenta."""
    from ase.data import atomic_masses

    frame = next(read_lammps_dump(path, timestep=1.0, rotation=turn.matrix))
    assert frame.momenta is not None
    final: Atoms = atoms.copy()
    final.calc = None
    final.set_cell(frame.cell)
    final.set_positions(frame.positions)
    # the reader takes the standard masses; the run may have had others
    final.set_momenta(frame.momenta * (atoms.get_masses() / atomic_masses[atoms.numbers])[:, None])
    return final
