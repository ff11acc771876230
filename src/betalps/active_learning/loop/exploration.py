"""The runs of an iteration, side by side, each with the grade watched; and how they ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.dynamics import Progress, UnstableRunError, read_thermo, run
from betalps.errors import BetalpsError, CheckpointError, EmptyTrajectoryError, StructureError
from betalps.files import write_atomic
from betalps.protocols import RunSpec
from betalps.trajectories import Trajectory, open_trajectory
from betalps.typing import Floats, Json
from betalps.workers import Report, run_tasks

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.active_learning.loop.seeds import Start

WHOLE = ("finished", "boiled")  # how a run ends that did not break
_OUTCOME = "outcome.json"
_POINTS = 200  # of a run's grade against time, for the report


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """How a run of an iteration ended.

    Attributes
    ----------
    name, group, temperature, atoms
        Of its start; K.
    ended
        ``"finished"``; ``"boiled"``: its volume grew beyond its bounds while no grade was beyond gamma_select, as that
        of a hot melt does at low pressure; ``"grade"``: at a structure beyond gamma_break; ``"unstable"``: it blew up;
        ``"failed"``: it could not begin.
    message
        In words, for all but the first.
    time, length
        Simulated and asked for, ps.
    worst
        Largest grade; NaN where none was computed.
    times, grades
        Grade against time: ps, and the largest since the point before.
    """

    name: str
    group: str
    temperature: float
    atoms: int
    ended: str
    message: str
    time: float
    length: float
    worst: float
    times: tuple[float, ...]
    grades: tuple[float, ...]

    @property
    def broken(self) -> bool:
        """Whether the potential, or the structure, kept it from its end."""
        return self.ended not in WHOLE

    def to_dict(self) -> Json:
        """For JSON; a grade that is not finite becomes None."""
        values = asdict(self)
        values["worst"] = None if not np.isfinite(self.worst) else self.worst
        return values

    @classmethod
    def from_dict(cls, values: Json) -> RunOutcome:
        """The inverse of `to_dict`."""
        worst = np.nan if values["worst"] is None else values["worst"]
        return cls(**{**values, "worst": worst, "times": tuple(values["times"]), "grades": tuple(values["grades"])})


def explore(
    runs: Mapping[str, tuple[Start, RunSpec]],
    folder: Path,
    workers: int,
    observer: Callable[[str, Progress], None],
) -> list[RunOutcome]:
    """Run everything that has not been run to its end, and tell how it ended.

    Parameters
    ----------
    runs
        Starts and their runs, by name.
    folder
        Every run has a folder of its own in it.
    workers
        Processes; 1 runs here.
    observer
        Called with a run's name and progress.

    Returns
    -------
    list of RunOutcome
        In the order of `runs`.

    Raises
    ------
    BetalpsError
        The potential has no active set, a folder belongs to another run, or the disk is full: names the run.
    """
    tasks = {
        name: partial(_explore_one, start=start, spec=spec, folder=folder / name)
        for name, (start, spec) in runs.items()
        if not (folder / name / _OUTCOME).exists()
    }
    for error in run_tasks(tasks, workers, observer).values():
        if error is not None:
            raise error
    return [_read(folder / name / _OUTCOME) for name in runs]


def _explore_one(report: Report, *, start: Start, spec: RunSpec, folder: Path) -> None:
    ended, message, time, worst = "finished", "", spec.time, -np.inf
    try:
        result = run(spec, folder, atoms=start.atoms, observers=[report])
        time = 1e-3 * spec.timestep * result.step
        if result.stopped is not None:
            ended, message, worst = result.stopped.cause, result.stopped.message, result.stopped.value
    except UnstableRunError as error:
        ended, message, time = "boiled" if error.cause == "volume" else "unstable", str(error), np.nan
    except (StructureError, ValueError) as error:
        ended, message, time = "failed", str(error), 0.0
    except OSError as error:
        raise BetalpsError(f"run {start.name}: {error}") from error
    try:
        log = read_thermo(folder)
    except (OSError, CheckpointError):  # it did not come so far
        log = dict.fromkeys(("time_ps", "grade", "volume_A3"), np.zeros(0))
    times, grades = _peaks(log["time_ps"], log["grade"])
    worst = max([worst, *grades]) if grades or worst > 0 else np.nan
    if ended == "boiled" and not _grew_known(log["volume_A3"], worst, spec):
        ended = "unstable"
    outcome = RunOutcome(
        name=start.name,
        group=start.group,
        temperature=start.temperature,
        atoms=len(start.atoms),
        ended=ended,
        message=message,
        time=float(log["time_ps"][-1]) if np.isnan(time) and len(log["time_ps"]) else float(np.nan_to_num(time)),
        length=spec.time,
        worst=worst,
        times=tuple(times),
        grades=tuple(grades),
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / _OUTCOME, json.dumps(outcome.to_dict()).encode())


def _grew_known(volumes: Floats, worst: float, spec: RunSpec) -> bool:
    """Whether a run that lost its volume grew, through structures that the potential knows."""
    known = spec.grade is not None and worst <= spec.grade.gamma_select
    return known and len(volumes) > 0 and bool(volumes[-1] > volumes[0])


def _read(path: Path) -> RunOutcome:
    try:
        return RunOutcome.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error


def _peaks(times: Floats, grades: Floats) -> tuple[list[float], list[float]]:
    """At most `_POINTS` points, each the largest grade of its stretch of time."""
    known = np.isfinite(grades)
    times, grades = times[known], grades[known]
    parts = np.array_split(np.arange(len(times)), min(_POINTS, len(times))) if len(times) else []
    return [float(times[part[-1]]) for part in parts], [float(grades[part].max()) for part in parts]


def worst_of(outcomes: Sequence[RunOutcome]) -> float:
    """The largest grade of several runs; 0 where there is none."""
    return max((o.worst for o in outcomes if np.isfinite(o.worst)), default=0.0)


def frames_of(folder: Path, outcome: RunOutcome) -> Trajectory | None:
    """The frames that a run kept before it broke; None if it came to none."""
    from betalps.dynamics.recorder import TRAJECTORY

    path = folder / outcome.name / TRAJECTORY
    try:
        return open_trajectory(path) if path.exists() else None
    except EmptyTrajectoryError:
        return None


def candidates_of(folder: Path, outcome: RunOutcome, limit: int) -> list[Atoms]:
    """The structures that a run left as candidates, at most so many, evenly spaced, the last one among them."""
    from betalps.datasets import read
    from betalps.dynamics.grader import EXTRAPOLATING

    path = folder / outcome.name / EXTRAPOLATING
    if not path.exists() or path.stat().st_size == 0:
        return []
    frames: list[Any] = list(read(path))
    keep = np.unique(np.linspace(0, len(frames) - 1, min(limit, len(frames))).round().astype(int))
    return [frames[k] for k in keep]
