"""Labelling structures with any ASE calculator, on any executor, so that nothing finished is lost."""

from __future__ import annotations

import dataclasses
import functools
import queue
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.active_learning.label_store import Failure, LabelStore, structure_key
from betalps.datasets import LABELS, label_shapes, stored_labels, with_labels
from betalps.errors import BetalpsError
from betalps.training.labels import SOURCE_KEY
from betalps.typing import Floats, PathLike
from betalps.workers import Executor, call_off

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

Factory = Callable[[], "BaseCalculator"]


class LabellingError(BetalpsError):
    """The executor or the factory failed, not a calculation: what was finished is stored, and the same call goes on."""


@dataclass(frozen=True, kw_only=True)
class LabelProgress:
    """How far a labelling is.

    Attributes
    ----------
    done, failed, total
        Structures with a label and without one because it failed, and all of them. Equal structures count once.
    seconds
        Since the call.
    key
        Of the structure that was just finished.
    """

    done: int
    failed: int
    total: int
    seconds: float
    key: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """What a labelling gave.

    Attributes
    ----------
    frames
        The labelled structures in the order they were given, with their ``info``, but for what it said of earlier
        labels (``label_source``, ``converged``); those that failed are left out.
    failures
        From the numbers of the structures that failed to why.
    computed, reused
        Labels computed by this call, and those that were there.
    """

    frames: tuple[Atoms, ...]
    failures: dict[int, Failure]
    computed: int
    reused: int


def label(
    structures: Sequence[Atoms],
    calculator_factory: Factory,
    *,
    folder: PathLike,
    executor: Executor | None = None,
    properties: Iterable[str] | None = None,
    method: str | None = None,
    retry: bool = False,
    observer: Callable[[LabelProgress], None] | None = None,
) -> Labelled:
    """Compute energies, forces and stresses of structures, each once.

    Parameters
    ----------
    structures
        Their old labels do not matter. A structure is known by its content: order and repetition do not matter.
    calculator_factory
        Makes an ASE calculator; called where the work is done, for every structure anew, or once per process if it
        has an attribute ``reusable`` that is true. Calculators that write files do so in ``work/KEY`` of the folder.
        An executor of other processes must be able to send it there: a function of a module or a frozen dataclass,
        no lambda.
    folder
        Holds the labels, the failures and the calculators' files. Called again with the same folder, only what has
        no label yet is computed, whatever ended the first call; the structures may be others.
    executor
        Runs several at a time; None runs them here, one after the other. It is not shut down.
    properties
        Labels that every structure must get: some of energy, forces and stress; by default those that the factory
        offers in an attribute of this name, or all. Stress is left out for structures that are not periodic in three
        directions.
    method
        Names what the labels are computed with, to keep labels apart. By default the factory's name and arguments.
    retry
        Try again what failed in earlier calls.
    observer
        Called with a `LabelProgress` after every structure.

    Returns
    -------
    Labelled
        Labelled structures and failures.

    Raises
    ------
    TypeError
        `calculator_factory` is no function: a calculator, say.
    ValueError
        `properties` are none of the three, or not offered by the factory.
    CheckpointError
        The folder holds labels of another method, or is in use by another process.
    LabellingError
        The executor failed, or the factory: a package is missing, say. No structure is to blame, and none counts as a
        failure; the next call tries again.
    OSError
        The folder cannot be written.
    """
    if not callable(calculator_factory):
        raise TypeError(
            f"calculator_factory is a {type(calculator_factory).__name__}; expected a function that makes a "
            "calculator, so that it can be made where the work is done"
        )
    names = _names(properties, calculator_factory)
    keys = [structure_key(atoms) for atoms in structures]
    unique = dict(zip(reversed(keys), reversed(structures), strict=True))  # the first of equal ones
    store = LabelStore(Path(folder), method or describe(calculator_factory), names)
    with store.locked():
        waiting = {
            key: unique[key]
            for key in dict.fromkeys(keys)
            if not store.has(key) and (retry or store.failure(key) is None)
        }
        state = _State(store, unique, waiting, observer)
        jobs = [(key, calculator_factory, _bare(atoms), names, str(store.work(key))) for key, atoms in waiting.items()]
        for key, outcome in _here(jobs) if executor is None else _there(jobs, executor):
            state.take(key, outcome)
        state.finish()
        return _collect(store, structures, keys, state.computed)


def offered(factory: Factory) -> tuple[str, ...]:
    """The labels that the calculators of a factory give: its attribute ``properties``, or all."""
    found = getattr(factory, "properties", LABELS)
    return tuple(name for name in LABELS if name in found)


def _names(properties: Iterable[str] | None, factory: Factory) -> tuple[str, ...]:
    if properties is None:
        return offered(factory)
    wanted = set(properties)
    names = tuple(name for name in LABELS if name in wanted)
    if wanted - set(LABELS) or not names:
        raise ValueError(f"properties are {sorted(wanted)}; expected some of {', '.join(LABELS)}")
    missing = [name for name in names if name not in offered(factory)]
    if missing:
        raise ValueError(f"{describe(factory)} gives {', '.join(offered(factory))}, and no {', '.join(missing)}")
    return names


def describe(factory: Factory) -> str:
    """The name and the arguments of a factory: a dataclass, a function, or a functools.partial of one."""
    if isinstance(factory, functools.partial):
        arguments = [*map(repr, factory.args), *(f"{name}={value!r}" for name, value in factory.keywords.items())]
        return f"{describe(factory.func)}({', '.join(arguments)})"
    if hasattr(factory, "__qualname__"):
        return f"{factory.__module__}.{factory.__qualname__}"
    return repr(factory) if dataclasses.is_dataclass(factory) else type(factory).__qualname__


@dataclass(frozen=True)
class Outcome:
    """What came of one structure: labels, or why not. Plain data, so that any executor can send it.

    Attributes
    ----------
    labels
        By name; None if there are none.
    reason, traceback
        Why not.
    made
        Whether there was a calculator at all: if not, the structure is not to blame.
    """

    labels: dict[str, Floats] | None
    reason: str = ""
    traceback: str = ""
    made: bool = True


class _State:
    """Takes in outcomes as they arrive."""

    def __init__(
        self,
        store: LabelStore,
        unique: dict[str, Atoms],
        waiting: dict[str, Atoms],
        observer: Callable[[LabelProgress], None] | None,
    ) -> None:
        self._store, self._unique, self._observer = store, unique, observer
        self._done = sum(store.has(key) for key in unique)
        self._failed = len(unique) - self._done - len(waiting)
        self._began = time.monotonic()
        self._lost: list[BaseException] = []
        self.computed = 0

    def take(self, key: str, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self._lost.append(outcome)
            return
        if not outcome.made:
            raise LabellingError(
                f"the calculator cannot be made: {outcome.reason}. {self._done} of {len(self._unique)} labels are "
                f"stored in {self._store.folder}; the same call goes on"
            )
        if outcome.labels is None:
            self._store.add_failure(key, outcome.reason, outcome.traceback)
            self._failed += 1
        else:
            self._store.add(key, _bare(self._unique[key]), outcome.labels)
            self._done += 1
            self.computed += 1
        if self._observer is not None:
            seconds = time.monotonic() - self._began
            self._observer(
                LabelProgress(done=self._done, failed=self._failed, total=len(self._unique), seconds=seconds, key=key)
            )

    def finish(self) -> None:
        if self._lost:
            first = self._lost[0]
            raise LabellingError(
                f"the executor lost {len(self._lost)} structures, the first with {type(first).__name__}: {first}. "
                f"{self._done} of {len(self._unique)} labels are stored in {self._store.folder}; the same call goes on"
            ) from first


Job = tuple[str, Factory, "Atoms", tuple[str, ...], str]


def _here(jobs: Sequence[Job]) -> Iterator[tuple[str, Outcome]]:
    for job in jobs:
        yield job[0], compute_label(*job[1:])


def _there(jobs: Sequence[Job], executor: Executor) -> Iterator[tuple[str, Outcome | BaseException]]:
    """Submit everything, and give outcomes in the order they arrive."""
    finished: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    futures = []
    lost: dict[str, BaseException] = {}
    try:
        for key, *arguments in jobs:
            try:
                future = executor.submit(compute_label, *arguments)
            except BrokenExecutor as error:
                lost[key] = error
                continue
            futures.append(future)
            future.add_done_callback(lambda future, key=key: finished.put((key, future)))
        yield from lost.items()
        for _ in futures:
            key, future = finished.get()
            try:
                yield key, future.result()
            except Exception as error:  # noqa: BLE001 (executors raise what they like)
                yield key, error
    finally:
        call_off(futures)  # what has not begun, if we are leaving early


def compute_label(factory: Factory, atoms: Atoms, properties: Sequence[str], work: str) -> Outcome:
    """Label one structure: what an executor runs.

    Parameters
    ----------
    factory
        Makes the calculator.
    atoms
        The structure.
    properties
        Labels wanted.
    work
        Folder for the calculator's files.

    Returns
    -------
    An outcome with labels, or with the reason why there are none; nothing is raised but what ends a process.
    """
    try:
        calculator = _reused(factory) if getattr(factory, "reusable", False) else factory()
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever it raises is the reason)
        return Outcome(None, _told(error), traceback.format_exc(), made=False)
    try:
        if hasattr(calculator, "directory"):
            calculator.directory = work
        atoms.calc = calculator
        labels = _calculate(atoms, properties)
        _require_sound(calculator, labels)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (as above)
        return Outcome(None, _told(error), traceback.format_exc())
    return Outcome(labels)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _calculate(atoms: Atoms, properties: Sequence[str]) -> dict[str, Floats]:
    calculate: dict[str, Callable[[], Any]] = {
        "energy": atoms.get_potential_energy,
        "forces": lambda: atoms.get_forces(apply_constraint=False),
        "stress": lambda: atoms.get_stress(apply_constraint=False),
    }
    shapes = label_shapes(atoms)
    periodic = atoms.cell.rank == 3 and bool(atoms.pbc.all())
    wanted = [name for name in properties if name != "stress" or periodic]
    return {name: _shaped(name, np.array(calculate[name](), dtype=np.float64), shapes[name]) for name in wanted}


def _shaped(name: str, value: Floats, shape: tuple[int, ...]) -> Floats:
    """A label of its shape; an energy may come as an array of one number, as models of machine learning give it."""
    if name == "energy" and value.size == 1:
        return value.reshape(())
    if value.shape != shape:
        raise BetalpsError(f"{name}: the calculator gave an array of shape {value.shape}; expected {shape}")
    return value


def _require_sound(calculator: BaseCalculator, labels: Mapping[str, Floats]) -> None:
    if getattr(calculator, "converged", True) is False:
        raise BetalpsError("the calculator says that it did not converge")
    broken = [name for name, value in labels.items() if not np.isfinite(value).all()]
    if broken:
        raise BetalpsError(f"{', '.join(broken)}: NaN or infinite")


def _reused(factory: Factory) -> BaseCalculator:
    """The calculator of this process, without a memory of earlier structures: labels do not depend on their order."""
    calculator = _made(factory)
    reset = getattr(calculator, "reset", None)
    if callable(reset):
        reset()
    return calculator


@functools.lru_cache(maxsize=1)
def _made(factory: Factory) -> BaseCalculator:
    return factory()


def _bare(atoms: Atoms) -> Atoms:
    """Only what is calculated: no old results, no info that might not travel."""
    from ase import Atoms as New

    bare = New(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    for name in ("initial_magmoms", "initial_charges"):
        if name in atoms.arrays:
            bare.arrays[name] = atoms.arrays[name].copy()
    return bare


def _collect(store: LabelStore, structures: Sequence[Atoms], keys: Sequence[str], computed: int) -> Labelled:
    frames, failures = [], {}
    for number, (atoms, key) in enumerate(zip(structures, keys, strict=True)):
        failure = None if store.has(key) else store.failure(key)
        if failure is not None:
            failures[number] = failure
        else:
            frame = with_labels(atoms, stored_labels(store.labels(key)))
            for said in (SOURCE_KEY, "converged"):  # of the labels before
                frame.info.pop(said, None)
            frames.append(frame)
    labelled = len({key for key in keys if store.has(key)})
    return Labelled(frames=tuple(frames), failures=failures, computed=computed, reused=labelled - computed)
