"""Progress of active learning: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from betalps.cli.runs import duration

if TYPE_CHECKING:
    from betalps.active_learning import LoopProgress

_SECONDS = 30.0  # between lines, where there is no terminal
_WIDTH = 20

_DOING = {"explore": "runs", "select": "selection", "label": "labels", "fit": "fit", "finish": "fit anew"}


@contextmanager
def show_learning() -> Iterator[Callable[[LoopProgress], None]]:
    """Give an observer that shows how far a study is, on stderr."""
    terminal = sys.stderr.isatty()
    told = -float("inf")

    def show(progress: LoopProgress) -> None:
        nonlocal told
        now = time.monotonic()
        if progress.finished:
            print(("\r" if terminal else "") + f"{summary(progress):110}".rstrip(), file=sys.stderr, flush=True)
        elif terminal and now - told > 0.1:
            print(f"\r{bar(progress):110.110}", end="", file=sys.stderr, flush=True)
        elif not terminal and now - told > _SECONDS:
            print(bar(progress), file=sys.stderr, flush=True)
        else:
            return
        told = now

    yield show


def bar(progress: LoopProgress) -> str:
    """What is under way, how far, how long yet."""
    left = "" if progress.seconds_left == float("inf") else f", {duration(progress.seconds_left)} left"
    filled = round(_WIDTH * progress.fraction)
    grade = f", worst grade {progress.worst_grade:.3g}" if progress.stage == "explore" else ""
    runs = f" {progress.runs_done} of {progress.runs} done" if progress.stage == "explore" else ""
    head = f"{progress.iteration:2d} {_DOING[progress.stage]}{runs}"
    return f"{head} |{'#' * filled:{_WIDTH}}|{left}{grade} {progress.words}"


def summary(progress: LoopProgress) -> str:
    """What a step has come to."""
    head = f"{progress.iteration:2d} {_DOING[progress.stage]:9s}"
    if progress.stage == "explore":
        return f"{head} {progress.runs_done} runs, worst grade {progress.worst_grade:.3g}"
    if progress.stage == "select":
        return f"{head} {progress.new_frames} new structures"
    if progress.stage == "label":
        return f"{head} {progress.labelled} labelled, {progress.failed} failed; {progress.labels} in all iterations"
    errors = (
        f"{name} {found['energy_mae']:.2f} meV/atom {found['force_mae']:.0f} meV/Å"
        for name, found in progress.errors.items()
    )
    return f"{head} {'; '.join(errors)}"
