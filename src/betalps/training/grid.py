"""The grid of hyper-parameters: accuracy against cost for levels, cutoffs and basis sizes."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.errors import BetalpsError
from betalps.potentials import Potential
from betalps.provenance import provenance
from betalps.training.cost import measure_cost
from betalps.training.data import TrainingData, gather
from betalps.training.fitting import fit
from betalps.training.grid_calls import call_all
from betalps.training.grid_folder import claim, keep, kept
from betalps.training.labels import Sample, hash_samples
from betalps.training.points import GridPoint, GridResult
from betalps.training.settings import FitSettings
from betalps.training.sources import Sources
from betalps.training.weights import Weights
from betalps.typing import Json, PathLike
from betalps.workers import Executor, WorkerError

if TYPE_CHECKING:
    from ase import Atoms

LEVELS = (8, 12, 14, 16, 18, 20)
CUTOFFS = (4.0, 5.0, 6.0, 7.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """What a worker is given."""

    point: GridPoint
    training: list[Atoms]
    held_out: list[Atoms]
    weights: Weights
    settings: FitSettings
    sources: Sources
    seed: int
    threads: int
    folder: str | None
    identity: str


def grid_search(
    frames: Iterable[Atoms],
    *,
    levels: Sequence[int] = LEVELS,
    cutoffs: Sequence[float] = CUTOFFS,
    radial_sizes: Sequence[int] = (8,),
    validation: Iterable[Atoms] | float = 0.1,
    weights: Weights | None = None,
    settings: FitSettings | None = None,
    sources: Sources | None = None,
    seed: int = 0,
    threads: int = 1,
    executor: Executor | None = None,
    folder: PathLike | None = None,
    observer: Callable[[GridPoint], None] | None = None,
) -> GridResult:
    """Fit a potential for every combination of level, cutoff and basis size, on the same split of the data.

    Parameters
    ----------
    frames
        Labelled structures.
    levels, cutoffs, radial_sizes
        To combine; cutoffs in Å.
    validation
        As in `fit`; by default a tenth of the frames.
    weights, settings, sources
        As in `fit`.
    seed
        Of the split and of every fit.
    threads
        Of each fit.
    executor
        Runs several fits at a time, such as ``ProcessPoolExecutor()``; None runs one after the other. An error, or
        Ctrl-C, calls off the fits that it has not begun; it is not shut down.
    folder
        Keeps potentials, results and checkpoints: called again, only what is missing is computed. Workers
        write there, so they must see it. None keeps nothing.
    observer
        Called with each point as it is collected.

    Returns
    -------
    GridResult
        A fit that fails is a point that says why. Costs are measured here, one after the other, at the end.

    Raises
    ------
    LabelError, SpeciesError
        The data are not sound.
    CheckpointError
        `folder` belongs to another grid. Nothing is computed then.
    WorkerError
        A process of the executor was killed. Points that are done stay in `folder`, and the same call goes on.
    """
    given = list(frames)
    validation = validation if isinstance(validation, float | int) else list(validation)  # read more than once
    sources = sources or Sources()
    data = gather(given, validation, None, max(cutoffs), seed, sources)
    held = given if isinstance(validation, float | int) else validation
    identity = _identity(data, weights or Weights(), settings or FitSettings(), sources, seed)
    template = _Task(
        point=GridPoint(level=0, cutoff=0.0, radial_size=0),
        training=[given[sample.index] for sample in data.training],
        held_out=[held[sample.index] for sample in data.held_out],
        weights=weights or Weights(),
        settings=settings or FitSettings(),
        sources=sources,
        seed=seed,
        threads=threads,
        folder=None if folder is None else str(folder),
        identity=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
    )
    if folder is not None:
        claim(Path(folder), template.identity)
    combined = itertools.product(levels, cutoffs, radial_sizes)
    tasks = [
        replace(template, point=GridPoint(level=level, cutoff=float(cutoff), radial_size=size))
        for level, cutoff, size in combined
    ]
    collected: list[tuple[GridPoint, bytes]] = []

    def take(result: tuple[GridPoint, bytes]) -> None:
        if observer is not None:
            observer(result[0])
        collected.append(result)

    try:
        call_all(run_point, tasks, executor, take)
    except BrokenExecutor as error:
        raise WorkerError(_lost(tasks, error)) from error
    points = tuple(_with_cost(point, potential, data.training) for point, potential in collected)
    return GridResult(points=points, provenance={**provenance(), **identity})


def run_point(task: _Task) -> tuple[GridPoint, bytes]:
    """Fit and evaluate one point, or read it where it is done; for workers.

    Returns
    -------
    GridPoint
    bytes
        The potential file; empty if the fit failed.
    """
    point = task.point
    done = None if task.folder is None else Path(task.folder) / f"{point.name}.json"
    found = None if done is None else kept(done, task.identity)
    if found is not None:
        return found
    try:
        result = fit(
            task.training,
            point.level,
            validation=task.held_out,
            cutoff=point.cutoff,
            radial_size=point.radial_size,
            weights=task.weights,
            settings=task.settings,
            sources=task.sources,
            seed=task.seed,
            threads=task.threads,
            checkpoint=None if done is None else done.with_suffix(".checkpoint"),
        )
    except (BetalpsError, ValueError) as error:
        return replace(point, failed=str(error)), b""  # not kept: the next call tries again
    assert result.held_out is not None
    test, training = result.held_out.overall, result.training.overall
    point = replace(
        point,
        energy_mae=test.energy.mae,
        force_mae=test.force.mae,
        stress_mae=test.stress.mae,
        force_median=test.force.median,
        training_energy_mae=training.energy.mae,
        training_force_mae=training.force.mae,
        training_stress_mae=training.stress.mae,
        coefficients=result.potential.coeffs_count,
        fit_cpu_seconds=result.cpu_seconds,
        flags=result.flags,
    )
    content = result.potential.to_bytes()
    if done is not None:
        keep(done, task.identity, point, content)
    return point, content


def _lost(tasks: Sequence[_Task], error: BrokenExecutor) -> str:
    reason = f"a process that fits was killed, perhaps for lack of memory ({type(error).__name__}: {error})"
    if tasks[0].folder is None:
        return f"{reason}; without a folder, nothing of the grid is kept"
    folder = Path(tasks[0].folder)
    done = sum((folder / f"{task.point.name}.json").exists() for task in tasks)
    return f"{reason}; {done} of {len(tasks)} points are done and kept in {folder}: the same call goes on"


def _with_cost(point: GridPoint, content: bytes, samples: Sequence[Sample]) -> GridPoint:
    if not content:
        return point
    return replace(point, cost=measure_cost(Potential.from_bytes(content), samples))


def _identity(data: TrainingData, weights: Weights, settings: FitSettings, sources: Sources, seed: int) -> Json:
    return {
        "training_data": hash_samples(data.training),
        "held_out_data": hash_samples(data.held_out),
        "training_frames": len(data.training),
        "held_out_frames": len(data.held_out),
        "weights": weights.to_dict(),
        "settings": settings.to_dict(),
        "seed": seed,
        **({} if sources == Sources() else {"sources": sources.to_dict()}),
    }
