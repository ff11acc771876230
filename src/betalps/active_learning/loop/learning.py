"""The loop: explore, select, label, fit, and again, until nothing extrapolates or the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.factories import named_calculator
from betalps.active_learning.labelling import Factory, LabelProgress, describe
from betalps.active_learning.loop.candidates import DRAWN, Choice, choose, draw, in_random_order, why_none
from betalps.active_learning.loop.config import LoopConfig
from betalps.active_learning.loop.exploration import RunOutcome, candidates_of, explore, frames_of, worst_of
from betalps.active_learning.loop.inputs import read_inputs, require_same
from betalps.active_learning.loop.labels import Enough, Labeller
from betalps.active_learning.loop.progress import LoopObserver, Watch
from betalps.active_learning.loop.refitting import Fitted, errors_of, graded, largest_force, train
from betalps.active_learning.loop.results import assemble
from betalps.active_learning.loop.seeds import Start, run_spec
from betalps.active_learning.loop.state import LoopState, Stage, load_json, load_state, save_json, save_state
from betalps.datasets import read
from betalps.datasets import write as write_frames
from betalps.errors import CheckpointError
from betalps.files import locked
from betalps.potentials import Potential, load
from betalps.typing import Json, PathLike
from betalps.workers import Executor

if TYPE_CHECKING:
    from ase import Atoms

POTENTIAL, ANEW = "potential.almtp", "anew.almtp"
NEW_FRAMES = "new.extxyz.xz"
RESULTS = "results.json"
_STATE, _STUDY, _FINISH = "state.json", "study.json", "finish.json"
_PATIENCE = 5.0  # s to wait for a process that is about to end, such as one whose parent was just killed


class ActiveLearning:
    """A study of active learning in a folder of its own, done step by step.

    Parameters
    ----------
    config
        The study.
    folder
        Made if absent. If it holds a part of this very study, it goes on.
    factory
        Makes the calculator that labels, instead of the one that `config` names; see `betalps.active_learning.label`.
    executor
        Runs the labels, instead of processes of this machine: of dask, Parsl, `concurrent.futures`. Time-outs are then
        its own business.
    observer
        Called with a `LoopProgress`, often.

    Raises
    ------
    CheckpointError
        The folder holds another study, or is in use by another process.
    ValueError, FormatError, LabelError, FileNotFoundError
        Data, seeds or the labeller cannot be had; a seed holds species that the data do not.

    Notes
    -----
    The folder holds ``state.json``; ``potential.almtp``, the last potential with its active set; ``new.extxyz.xz``, all
    new labelled structures; ``results.json``, everything that happened; ``labels/``, every label once; and a folder for
    every iteration. Killed at any moment and begun again with the same configuration, it ends with the same potential
    bit for bit as if nothing had happened, if the labeller is deterministic (and no hours are budgeted).

    Runs and labels are in processes begun by "spawn": a script needs the usual ``if __name__ == "__main__":``.

    Examples
    --------
    >>> learning = ActiveLearning(config, "work")  # doctest: +SKIP
    >>> while not learning.finished:  # doctest: +SKIP
    ...     print(learning.step())
    """

    def __init__(
        self,
        config: LoopConfig,
        folder: PathLike,
        *,
        factory: Factory | None = None,
        executor: Executor | None = None,
        observer: LoopObserver | None = None,
    ) -> None:
        self.config, self.folder = config, Path(folder)
        self._factory = factory or named_calculator(config.labels.calculator, **config.labels.settings)
        self._inputs = read_inputs(config)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._watch = Watch(observer)
        name = config.labels.calculator if factory is None else describe(factory)
        self._labeller = Labeller(config.labels, self._factory, self.folder / "labels", executor, name)
        with locked(self.folder, "learning", _PATIENCE):
            begun = (self.folder / _STATE).exists() or (self._path(0) / "fit.checkpoint").exists()
            require_same(self.folder / _STUDY, config, self._inputs, begun=begun)
        self.state = load_state(self.folder / _STATE)

    @property
    def starts(self) -> tuple[Start, ...]:
        """What runs begin from."""
        return self._inputs.starts

    @property
    def finished(self) -> str:
        """Why there is no further step; "" if there is one."""
        if self.state.stage == "done":
            return self.state.reason
        return self._spent() if self._stage == "explore" else ""

    @property
    def _stage(self) -> Stage:
        """The step that comes next: before the end all labels are fitted once more."""
        return "finish" if self.state.stage == "explore" and self._spent() and self._to_finish else self.state.stage

    @property
    def potential(self) -> Potential | None:
        """The last potential; None before the first."""
        path = self.folder / POTENTIAL
        return Potential.read(path) if path.exists() else None

    def step(self) -> LoopState:
        """Do the next step: a fit, all runs of an iteration, a selection, its labels, or the fit that ends the loop.

        Returns
        -------
        LoopState
            With the step that comes next.

        Raises
        ------
        LabellingError
            The labeller fails altogether. The same call tries again.
        BetalpsError, OSError
            The disk is full, or a folder is in use. The same call goes on.
        WorkerError
            The process of a run was killed. The same call goes on.
        """
        if self.finished:
            return self.state
        with locked(self.folder, "learning", _PATIENCE):
            self.state = state = load_state(self.folder / _STATE)
            began = time.monotonic()
            stage = self._stage
            self._watch.begin(state.iteration - (stage == "finish"), stage, state.labels)
            steps = {
                "fit": self._fit,
                "explore": self._explore,
                "select": self._select,
                "label": self._label,
                "finish": self._finish,
            }
            done = steps[stage]()
            self.state = replace(done, seconds=state.seconds + time.monotonic() - began)
            save_state(self.folder / _STATE, self.state)
            save_json(self.folder / RESULTS, self.results())
        self._watch.set(labels=self.state.labels)
        self._watch.end()
        return self.state

    def run(self) -> LoopState:
        """Do all steps that are left."""
        while not self.finished:
            self.step()
        return self.state

    def results(self) -> Json:
        """Everything that has happened so far, for reports: see `betalps.reports.write_learning_report`."""
        folders = [self._path(number) for number in range(self.state.iteration + 1)]
        return assemble(self.config, self.state, self.finished, folders)

    # ------------------------------------------------------------------------------------------------ the steps

    def _fit(self) -> LoopState:
        """Fit to all labels; or, to begin with, take the potential that is given."""
        number, place = self.state.iteration, self._place(self.state.iteration)
        warning = self._labeller.check(self._inputs.data[0]) if number == 0 else ""
        frames = [*self._inputs.data, *self._new_frames(number)]
        fitted = self._fitted(frames, number, place)
        fitted.potential.write(place / POTENTIAL)
        save_json(place / "fit.json", {**fitted.record(frames), "warning": warning})
        fitted.potential.write(self.folder / POTENTIAL)
        if number:
            write_frames(frames[len(self._inputs.data) :], self.folder / NEW_FRAMES)
        (place / "fit.checkpoint").unlink(missing_ok=True)
        self._watch.set(errors=fitted.errors)
        return replace(self.state, iteration=number + 1, stage="explore")

    def _fitted(self, frames: Sequence[Atoms], number: int, place: Path) -> Fitted:
        given, settings = self.config.potential, self.config.fit
        if number == 0 and given is not None:
            return graded(load(given), frames, settings, self._inputs.tests)
        return train(
            frames,
            settings,
            previous=self._read_potential(number - 1) if number else None,
            tests=self._inputs.tests,
            seed=self.config.seed,
            checkpoint=place / "fit.checkpoint",
            observer=self._watch.fitting(settings.refit_iterations if number else settings.iterations),
        )

    @property
    def _to_finish(self) -> bool:
        """Whether the labels of the last fit are still to be fitted anew."""
        last = self.state.iteration - 1
        return self.config.fit.finish and last > 0 and not (self._path(last) / _FINISH).exists()

    def _finish(self) -> LoopState:
        """Fit all labels from random starts; the loop's potential is then the one with the lower loss.

        The folder of the iteration keeps both, and with a larger budget the loop goes on from its own, as it would have
        done.
        """
        place, settings = self._path(self.state.iteration - 1), self.config.fit
        frames = [*self._inputs.data, *self._new_frames(self.state.iteration - 1)]
        fitted = train(
            frames,
            settings,
            previous=self._read_potential(self.state.iteration - 1),
            anew=True,
            tests=self._inputs.tests,
            seed=self.config.seed,
            checkpoint=place / "finish.checkpoint",
            observer=self._watch.fitting(settings.iterations),
        )
        last = load_json(place / "fit.json") or {}
        better = fitted.loss is not None and fitted.loss < last["loss"]
        fitted.potential.write(place / ANEW)
        if better:
            fitted.potential.write(self.folder / POTENTIAL)
            self._watch.set(errors=fitted.errors)
        save_json(place / _FINISH, {**fitted.record(frames), "taken": better})
        (place / "finish.checkpoint").unlink(missing_ok=True)
        return replace(self.state, stage="done") if self.state.stage == "finish" else self.state

    def _ended(self, reason: str) -> LoopState:
        return replace(self.state, stage="finish" if self._to_finish else "done", reason=reason)

    def _explore(self) -> LoopState:
        number, place = self.state.iteration, self._place(self.state.iteration)
        settings = self.config.exploration
        self._watch.set(runs=len(self.starts))
        potential = self._place(number - 1) / POTENTIAL
        kept = self.config.selection.spot_checks > 0
        runs = {
            s.name: (s, run_spec(s, settings, number, self.config.seed, potential, frames=kept)) for s in self.starts
        }
        observer = self._watch.running(list(runs))
        outcomes = explore(runs, place / "runs", settings.workers, observer)
        self._watch.set(runs_done=len(outcomes), worst_grade=worst_of(outcomes))
        record = {"gamma_break": settings.breaks_at(number), "runs": [outcome.to_dict() for outcome in outcomes]}
        save_json(place / "explore.json", record)
        return replace(self.state, stage="select")

    def _select(self) -> LoopState:
        number, place = self.state.iteration, self._place(self.state.iteration)
        if self.state.labels >= self.config.budget.labels:  # it was lowered meanwhile
            return self._ended(self._spent())
        outcomes = self._outcomes(number)
        choice = self._choose(outcomes)
        save_json(place / "select.json", choice.to_dict())
        frames = [*choice.frames, *choice.drawn]
        self._watch.set(new_frames=len(frames))
        if frames:
            write_frames(frames, place / "selected.extxyz.xz")
            return replace(self.state, stage="label", labels=self.state.labels + len(frames))
        return self._ended(why_none(outcomes, choice))

    def _label(self) -> LoopState:
        place = self._place(self.state.iteration)
        frames = list(read(place / "selected.extxyz.xz"))
        began = time.monotonic()
        self._watch.set(new_frames=len(frames))

        def observe(progress: LabelProgress) -> None:
            self._watch.labelling(progress)
            if self._out_of_time(time.monotonic() - began):
                raise Enough

        found = self._labeller.label(frames, observe, self._inputs.data[0])
        sound = [atoms for atoms in found.frames if largest_force(atoms) <= self.config.labels.largest_force]
        record: Json = {
            "asked": len(frames),
            "labelled": len(found.frames),
            "failed": [failure.reason for failure in found.failures.values()],
            "too_large_forces": len(found.frames) - len(sound),
        }
        drawn = [atoms for atoms in sound if atoms.info.get(DRAWN)]
        if drawn:
            record["spot_checks"] = self._checked(drawn)
        write_frames(sound, place / "labelled.extxyz.xz")
        save_json(place / "label.json", record)
        self._watch.set(labelled=len(found.frames), failed=len(found.failures))
        if not sound:
            reason = f"iteration {self.state.iteration}: none of {len(frames)} new structures has a label to train on"
            first = f"; the first: {record['failed'][0]}" if record["failed"] else ""
            return self._ended(f"stalled: {reason}{first}")
        return replace(self.state, stage="fit")

    def _checked(self, drawn: Sequence[Atoms]) -> Json:
        """Errors of the potential that made these structures."""
        before = self.state.iteration - 1
        shifts = (load_json(self._place(before) / "fit.json") or {}).get("shifts")
        return errors_of(self._read_potential(before), drawn, self.config.fit, shifts)

    def _choose(self, outcomes: Sequence[RunOutcome]) -> Choice:
        potential = self._read_potential(self.state.iteration - 1)
        room = self.config.budget.labels - self.state.labels
        settings = self.config.selection
        how: Json = {"known": self._labeller.known, "threads": self.config.exploration.threads}
        choice = choose(
            potential,
            self._candidates(outcomes),
            settings,
            gamma_select=self.config.exploration.gamma_select,
            room=room,
            **how,
        )
        if not settings.spot_checks or not (choice.frames or any(outcome.broken for outcome in outcomes)):
            return choice  # converged: no more labels
        how |= {"beside": choice.frames, "room": room - len(choice.frames)}
        return replace(choice, drawn=tuple(draw(potential, self._shuffled(outcomes), settings, **how)))

    # ------------------------------------------------------------------------------------------------ their data

    def _path(self, number: int) -> Path:
        return self.folder / f"iteration-{number:02d}"

    def _place(self, number: int) -> Path:
        place = self._path(number)
        place.mkdir(exist_ok=True)
        return place

    def _read_potential(self, number: int) -> Potential:
        return Potential.read(self._place(number) / POTENTIAL)

    def _new_frames(self, upto: int) -> list[Atoms]:
        found: list[Atoms] = []
        for number in range(1, upto + 1):
            found += read(self._place(number) / "labelled.extxyz.xz")
        return found

    def _outcomes(self, number: int) -> list[RunOutcome]:
        record = load_json(self._place(number) / "explore.json")
        if record is None:
            raise CheckpointError(f"{self._place(number)} has no explore.json, though its state says so")
        return [RunOutcome.from_dict(entry) for entry in record["runs"]]

    def _candidates(self, outcomes: Sequence[RunOutcome]) -> list[Atoms]:
        """Of all runs, marked with where they come from."""
        folder, most = self._path(self.state.iteration) / "runs", self.config.selection.per_run
        return [self._marked(atoms, outcome) for outcome in outcomes for atoms in candidates_of(folder, outcome, most)]

    def _shuffled(self, outcomes: Sequence[RunOutcome]) -> Iterator[Atoms]:
        """The frames that all runs kept, each once, in random order, evenly in time."""
        number = self.state.iteration
        runs = [(outcome, frames_of(self._path(number) / "runs", outcome)) for outcome in outcomes]
        kept = [(outcome, frames) for outcome, frames in runs if frames is not None]
        rng = np.random.default_rng([self.config.seed, number])
        for run, k in in_random_order([frames.times for _, frames in kept], rng):
            outcome, frames = kept[run]
            atoms = frames.atoms(k)
            atoms.info = {"time_ps": float(frames.times[k]), DRAWN: True}
            yield self._marked(atoms, outcome)

    def _marked(self, atoms: Atoms, outcome: RunOutcome) -> Atoms:
        """With where it comes from, and when."""
        info = {key: atoms.info[key] for key in ("step", "time_ps", "stage", DRAWN) if key in atoms.info}
        atoms.info = {
            "group": outcome.group,
            "source": f"iteration-{self.state.iteration:02d}/{outcome.name}",
            "temperature_K": outcome.temperature,
            **info,
        }
        return atoms

    def _out_of_time(self, more: float = 0.0) -> bool:
        hours = self.config.budget.hours
        return hours is not None and self.state.seconds + more > 3600 * hours

    def _spent(self) -> str:
        budget, state = self.config.budget, self.state
        if state.iteration > budget.iterations:
            return f"budget: {budget.iterations} iterations"
        if state.labels >= budget.labels:
            return f"budget: {budget.labels} labels"
        return f"budget: {budget.hours:g} hours" if self._out_of_time() else ""
