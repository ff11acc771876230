"""Progress of a study: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from betalps.studies import Event

if TYPE_CHECKING:
    from tqdm import tqdm

_LINES = 10  # per run, where there is no terminal


_Run = tuple[str, float]  # system, temperature


@contextmanager
def show_progress(steps: dict[_Run, int], done: dict[_Run, int], timestep: float) -> Iterator[Callable[[Event], None]]:
    """Give an observer that shows how far a study is.

    Parameters
    ----------
    steps
        Of every run, by system and temperature.
    done
        Those that earlier calls have done.
    timestep
        In fs.
    """
    if not sys.stderr.isatty():
        yield _Lines(steps, done)
        return
    from tqdm import tqdm

    picoseconds = timestep * 1e-3
    with tqdm(
        total=sum(steps.values()) * picoseconds,
        initial=sum(done.values()) * picoseconds,
        unit="ps",
        bar_format="{percentage:3.0f} %|{bar:20}| {elapsed}, {remaining} left{postfix}",
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:
        yield _Bar(bar, done, picoseconds)


class _Lines:
    def __init__(self, steps: dict[_Run, int], done: dict[_Run, int]) -> None:
        self._told = {run: _LINES * done.get(run, 0) // count for run, count in steps.items()}

    def __call__(self, event: Event) -> None:
        progress = event.progress
        tenth = _LINES * progress.step // progress.steps
        if tenth > self._told[event.system, event.temperature]:
            self._told[event.system, event.temperature] = tenth
            print(f"{_state(event)}, {progress.ns_per_day:.1f} ns/day", file=sys.stderr, flush=True)


class _Bar:
    def __init__(self, bar: tqdm[None], done: dict[_Run, int], picoseconds: float) -> None:
        self._bar, self._done, self._picoseconds = bar, dict(done), picoseconds
        self._running: dict[_Run, Event] = {}

    def __call__(self, event: Event) -> None:
        progress, run = event.progress, (event.system, event.temperature)
        more = max(0, progress.step - self._done.get(run, 0))
        self._done[run] = max(progress.step, self._done.get(run, 0))
        if progress.step < progress.steps:
            self._running[run] = event
        else:
            self._running.pop(run, None)
        speed = sum(running.progress.ns_per_day for running in self._running.values())
        states = [_state(running) for running in self._running.values()]
        self._bar.set_postfix_str(" | ".join([*states, f"{speed:.0f} ns/day"]), refresh=False)
        self._bar.update(more * self._picoseconds)  # which draws: last


def _state(event: Event) -> str:
    progress = event.progress
    percent = 100 * progress.step // progress.steps
    return f"{event.system}, {event.temperature:g} K: {percent} % at {progress.temperature:.0f} K"
