"""Progress of a study: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from betalps.studies import Event, StudyConfig

if TYPE_CHECKING:
    from tqdm import tqdm

_LINES = 10  # per temperature, where there is no terminal


@contextmanager
def show_progress(config: StudyConfig, done: dict[float, int]) -> Iterator[Callable[[Event], None]]:
    """Give an observer that shows how far a study is.

    Parameters
    ----------
    config
        The study.
    done
        Steps that earlier calls have done, by temperature.
    """
    if not sys.stderr.isatty():
        yield _Lines(config, done)
        return
    from tqdm import tqdm

    picoseconds = config.timestep * 1e-3
    with tqdm(
        total=len(config.temperatures) * config.steps * picoseconds,
        initial=sum(done.values()) * picoseconds,
        unit="ps",
        bar_format="{percentage:3.0f} %|{bar:20}| {elapsed}, {remaining} left{postfix}",
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:
        yield _Bar(bar, done, picoseconds)


class _Lines:
    def __init__(self, config: StudyConfig, done: dict[float, int]) -> None:
        self._told = {t: _LINES * done.get(t, 0) // config.steps for t in config.temperatures}

    def __call__(self, event: Event) -> None:
        progress = event.progress
        tenth = _LINES * progress.step // progress.steps
        if tenth > self._told[event.temperature]:
            self._told[event.temperature] = tenth
            print(f"{_state(event)}, {progress.ns_per_day:.1f} ns/day", file=sys.stderr, flush=True)


class _Bar:
    def __init__(self, bar: tqdm[None], done: dict[float, int], picoseconds: float) -> None:
        self._bar, self._done, self._picoseconds = bar, dict(done), picoseconds
        self._running: dict[float, Event] = {}

    def __call__(self, event: Event) -> None:
        progress, temperature = event.progress, event.temperature
        self._bar.update(max(0, progress.step - self._done.get(temperature, 0)) * self._picoseconds)
        self._done[temperature] = max(progress.step, self._done.get(temperature, 0))
        if progress.step < progress.steps:
            self._running[temperature] = event
        else:
            self._running.pop(temperature, None)
        speed = sum(running.progress.ns_per_day for running in self._running.values())
        states = [_state(running) for running in self._running.values()]
        self._bar.set_postfix_str(" | ".join([*states, f"{speed:.0f} ns/day"]), refresh=False)


def _state(event: Event) -> str:
    progress = event.progress
    percent = 100 * progress.step // progress.steps
    return f"{event.temperature:g} K: {percent} % at {progress.temperature:.0f} K"
