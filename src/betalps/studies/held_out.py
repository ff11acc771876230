"""The test set of the reference study, outside the training: six boundaries, heated, equilibrated and held.

Source: R. Jalem et al., Energy Adv. 2, 2029 (2023): 5 structures of heating, 5 of equilibration and 13 of production,
of six boundaries at 300, 800 and 2000 K.

Their cells are built small enough to be labelled: 192 atoms each. No common cell of that size has the nominal angle of
a twist. Σ5[010]/(010) is the candidate of 48.26° (nominal 53.13°, strain 5.1 %) with one lattice plane in either grain,
Σ5[001]/(001) that of 60.07° (nominal 36.87°, strain 6.3 %) with two planes and one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.datasets import format_extxyz, read
from betalps.dynamics import Progress, UnstableRunError, run
from betalps.errors import FormatError
from betalps.files import write_atomic
from betalps.protocols import Grading, RunSpec, heating_equilibration_production
from betalps.structures import Size, beta_li3ps4, boundary
from betalps.studies.systems import boundary_folder
from betalps.trajectories import open_trajectory
from betalps.typing import Json, PathLike
from betalps.workers import Report, run_tasks

if TYPE_CHECKING:
    from ase import Atoms

_TILT: Json = {"size": Size(atoms=192, separation=0.0)}
HELD_OUT_BOUNDARIES: Mapping[str, Json] = MappingProxyType(
    {
        "Σ5[001]/(120)": _TILT,
        "Σ5[010]/(010)": {"angle": 48.26, "max_strain": 0.06, "max_area": 250.0, "lattice_planes": 1},
        "Σ3[1-10]/(111)": _TILT,
        "Σ5[001]/(001)": {"angle": 60.07, "max_strain": 0.07, "max_area": 220.0, "lattice_planes": (2, 1)},
        "Σ5[001]/(2-10)": _TILT,
        "Σ5[010]/(201)": _TILT,
    }
)
"""The six boundaries, and how `betalps.structures.boundary` builds the small cell of each."""
HELD_OUT_TEMPERATURES = (300.0, 800.0, 2000.0)

_MELTS = 1200.0  # K; a melt does not resist shear: above, lengths that are free one by one would wander
_DIGITS = 5  # of positions (Å) and cells, so that a file gives back the structures that were labelled


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOutRun:
    """A run that structures are drawn from.

    Attributes
    ----------
    name
        Such as ``Sigma5-001-120/300K``: names its folder.
    group
        What the errors of its structures are counted under.
    atoms
        At the start.
    temperature
        In K.
    spec
        The run.
    """

    name: str
    group: str
    atoms: Atoms
    temperature: float
    spec: RunSpec


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOutSet:
    """What was drawn.

    Attributes
    ----------
    frames
        In order of the runs and of time. ``info`` has ``group``, ``source`` (name of the run), ``temperature_K`` (of
        the run; heating starts at 100 K), ``stage``, ``time_ps`` and ``attempt``.
    broken
        From the names of runs that no attempt brought to an end to the reason; their frames up to there are included.
    """

    frames: tuple[Atoms, ...]
    broken: dict[str, str]


def boundary_test_runs(
    *,
    potential: str = "beta-lps",
    temperatures: Sequence[float] = HELD_OUT_TEMPERATURES,
    times: Sequence[float] = (10.0, 10.0, 26.0),
    frames: Sequence[int] = (5, 5, 13),
    seed: int = 1,
    gamma_break: float | None = 100.0,
    ordering: str = "4b4",
) -> tuple[HeldOutRun, ...]:
    """Describe the 18 runs of the study's test set.

    Parameters
    ----------
    potential
        Drives them: name of a bundled potential, or a file.
    temperatures
        In K.
    times, frames
        Of heating (from 100 K), equilibration and production: ps, and structures at regular intervals. The study does
        not say how long its stages are.
    seed
        Of the velocities; every run has a stream of its own.
    gamma_break
        A run that extrapolates further is broken; looked at every 10 steps. None does not look: for a potential
        without an active set.
    ordering
        Of lithium in the crystal, see `beta_li3ps4`.

    Returns
    -------
    tuple of HeldOutRun
        NPT. The three lengths of the cell are free one by one (the gap at a boundary closes along the normal), but
        its volume alone after heating beyond 1200 K.

    Raises
    ------
    ValueError
        A number is out of range.
    """
    crystal = beta_li3ps4(ordering=ordering)
    grade = None if gamma_break is None else Grading(every=10, gamma_select=gamma_break, gamma_break=gamma_break)
    found = []
    for number, (name, options) in enumerate(HELD_OUT_BOUNDARIES.items()):
        atoms = boundary(name, crystal, **options)
        for temperature in temperatures:
            stages = heating_equilibration_production(temperature, times=times, frames=frames, free="xyz")
            if temperature > _MELTS:
                stages = (stages[0], *(replace(stage, free="isotropic") for stage in stages[1:]))
            stream = np.random.SeedSequence([seed, number, round(1000 * temperature)])
            spec = RunSpec(
                stages=stages,
                potential=potential,
                seed=int(stream.generate_state(1)[0]),
                grade=grade,
                threads=1,
                checkpoint_interval=5.0,
            )
            label = f"{boundary_folder(name)}/{temperature:g}K"
            found.append(HeldOutRun(name=label, group="boundary", atoms=atoms, temperature=temperature, spec=spec))
    return tuple(found)


def draw_held_out(
    runs: Sequence[HeldOutRun],
    folder: PathLike,
    *,
    workers: int = 1,
    attempts: int = 3,
    observer: Callable[[str, Progress], None] | None = None,
) -> HeldOutSet:
    """Run what is described, and collect its frames; killed and called again, it goes on.

    Parameters
    ----------
    runs
        Such as `boundary_test_runs`.
    folder
        Every run has a folder of its own in it.
    workers
        Runs at a time, each in a process of its own.
    attempts
        A run that breaks (blows up, or extrapolates beyond its ``gamma_break``) is begun anew with other velocities,
        up to so many times: what a potential makes of a collapse is no structure to be tested on.
    observer
        Called with the name of a run and its progress.

    Returns
    -------
    HeldOutSet
        Structures without labels, ready for `betalps.active_learning.label`, positions rounded to 1e-5 Å.

    Raises
    ------
    BetalpsError
        A run cannot begin: no such potential, no active set, another run's folder.
    """
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}; expected at least 1")
    folder = Path(folder)
    tasks = {one.name: partial(_draw, one=one, folder=folder / one.name, attempts=attempts) for one in runs}
    if len(tasks) < len(runs):
        raise ValueError("runs of one name; expected different ones")

    def report(name: str, message: Any) -> None:
        if observer is not None:
            observer(name, message)

    for error in run_tasks(tasks, workers, report).values():
        if error is not None:
            raise error
    frames: list[Atoms] = []
    broken: dict[str, str] = {}
    for one in runs:
        drawn = read(folder / one.name / "frames.extxyz")
        if reason := drawn[0].info.pop("broken", None):
            broken[one.name] = str(reason)
        frames += drawn
    return HeldOutSet(frames=tuple(frames), broken=broken)


def _draw(report: Report, *, one: HeldOutRun, folder: Path, attempts: int) -> None:
    """Run until an attempt comes to its end; keep the frames of that one, or of the one that came furthest."""
    if (folder / "frames.extxyz").exists():
        return
    best: list[Atoms] = []
    reason = ""
    for attempt in range(1, attempts + 1):
        spec = replace(one.spec, seed=one.spec.seed + attempt - 1)
        place = folder / f"attempt-{attempt}"
        try:
            stopped = run(spec, place, atoms=one.atoms, observers=[report]).stopped
            stop = "" if stopped is None else stopped.message
        except UnstableRunError as error:
            stop = str(error)
        frames = _frames(one, place, attempt)
        if not best or len(frames) > len(best) or not stop:
            best, reason = frames, stop
        if not stop:
            break
    if not best:
        raise UnstableRunError(f"{one.name}: no attempt came to its first frame; the last: {reason}", "no frame")
    if reason:
        best[0].info["broken"] = reason
    write_atomic(folder / "frames.extxyz", format_extxyz(best).encode("utf-8"))


def _frames(one: HeldOutRun, place: Path, attempt: int) -> list[Atoms]:
    try:
        trajectory = open_trajectory(place / "trajectory")
    except FormatError:  # no frame yet
        return []
    stages = trajectory.scalars["stage"]
    found = []
    for number, time in enumerate(trajectory.times.tolist()):
        atoms = trajectory[number]
        atoms.wrap()
        atoms.positions = atoms.positions.round(_DIGITS)
        atoms.set_cell(atoms.cell.array.round(_DIGITS))
        atoms.info = {
            "group": one.group,
            "source": one.name,
            "temperature_K": one.temperature,
            "stage": one.spec.stages[round(float(stages[number])) - 1].name,
            "time_ps": round(time, 3),
            "attempt": attempt,
        }
        found.append(atoms)
    return found
