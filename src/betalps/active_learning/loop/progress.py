"""What a study of active learning tells those who watch it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from betalps.active_learning.labelling import LabelProgress
from betalps.dynamics import Progress
from betalps.training import Iteration
from betalps.typing import Json


@dataclass(frozen=True, kw_only=True)
class LoopProgress:
    """How far a study is.

    Attributes
    ----------
    iteration, stage
        As in `LoopState`: what is under way.
    finished
        Whether that step has just come to its end.
    fraction
        Of it, from 0 to 1.
    seconds_left
        To its end; infinite until that can be said.
    runs, runs_done
        Of this iteration.
    worst_grade
        Largest extrapolation grade that the runs of this iteration have met so far; 0 before the first.
    new_frames
        Chosen to be labelled in this iteration.
    labelled, failed
        Of these.
    labels
        Sent to be labelled in all iterations.
    errors
        Of the last potential on the training set and the test sets: energy in meV/atom, forces in meV/Å, by set and
        name, such as ``errors["training"]["force_mae"]``.
    words
        What is done, in words.
    """

    iteration: int
    stage: str
    finished: bool = False
    fraction: float = 0.0
    seconds_left: float = float("inf")
    runs: int = 0
    runs_done: int = 0
    worst_grade: float = 0.0
    new_frames: int = 0
    labelled: int = 0
    failed: int = 0
    labels: int = 0
    errors: Json = field(default_factory=dict)
    words: str = ""


LoopObserver = Callable[[LoopProgress], None]


class Watch:
    """Gathers what the parts of a step report, and hands it on as one `LoopProgress`."""

    def __init__(self, observer: LoopObserver | None) -> None:
        self._observer = observer
        self.now = LoopProgress(iteration=0, stage="fit")
        self._began = time.monotonic()
        self._first = 0.0
        self._fractions: dict[str, float] = {}

    def begin(self, iteration: int, stage: str, labels: int) -> None:
        """A step begins; what belongs to the iteration as a whole stays."""
        same = self.now.iteration == iteration
        kept = self.now if same else LoopProgress(iteration=iteration, stage=stage, errors=self.now.errors)
        self.now = replace(kept, stage=stage, finished=False, fraction=0.0, labels=labels, words="")
        self._began, self._first, self._fractions = time.monotonic(), 0.0, {}

    def end(self) -> None:
        """The step has come to its end."""
        self.now = replace(self.now, finished=True, fraction=1.0, seconds_left=0.0)
        self._tell()

    def set(self, **values: object) -> None:
        """Note numbers by their names in `LoopProgress`."""
        self.now = replace(self.now, **values)  # type: ignore[arg-type]
        self._tell()

    def running(self, names: list[str]) -> Callable[[str, Progress], None]:
        """For the runs of an iteration, by their names."""
        self._fractions = dict.fromkeys(names, 0.0)

        def observe(name: str, progress: Progress) -> None:
            self._fractions[name] = progress.step / max(progress.steps, 1)
            worst = max(self.now.worst_grade, progress.grade or 0.0)
            grade = "" if progress.grade is None else f", grade {progress.grade:.3g}"
            self._move(
                sum(self._fractions.values()) / len(self._fractions),
                f"{name}: {progress.time:.3g} ps, {progress.temperature:.0f} K{grade}",
                worst_grade=worst,
                runs_done=sum(fraction >= 1 for fraction in self._fractions.values()),
            )

        return observe

    def labelling(self, progress: LabelProgress) -> None:
        """For the labels of an iteration."""
        over = progress.done + progress.failed
        words = f"{progress.done} of {progress.total} labelled, {progress.failed} failed"
        self._move(over / max(progress.total, 1), words, labelled=progress.done, failed=progress.failed)

    def fitting(self, iterations: int) -> Callable[[Iteration], None]:
        """For a fit of so many iterations on all data."""

        def observe(done: Iteration) -> None:
            last = done.leg.startswith("all")
            fraction = min(1.0, done.number / max(iterations, 1)) if last else 0.0
            self._move(fraction, f"{done.leg}, iteration {done.number}: loss {done.loss:.3e}")

        return observe

    def _move(self, fraction: float, words: str, **values: object) -> None:
        elapsed = time.monotonic() - self._began
        if not self._first:
            self._first = fraction  # what an earlier call has done took no time in this one
        done = fraction - self._first
        left = elapsed * (1 - fraction) / done if done > 0 else float("inf")
        self.set(fraction=fraction, seconds_left=left, words=words, **values)

    def _tell(self) -> None:
        if self._observer is not None:
            self._observer(self.now)
