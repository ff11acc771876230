"""Those who watch a run: observers of its log, and functions of its structure."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics.events import Callback, Observer, Progress
from betalps.dynamics.measurement import Measurement
from betalps.protocols import RunSpec

if TYPE_CHECKING:
    from ase import Atoms

# What a copy of the atoms brings along of its calculator's results.
_RESULTS = ("energy", "free_energy", "energies", "forces", "stress", "stresses")


class Watchers:
    """Tells observers and callbacks of one run; whatever they raise passes through.

    Parameters
    ----------
    spec
        The run.
    watchers
        Observers are called at every line of the log, callbacks at their own steps.
    """

    def __init__(self, spec: RunSpec, watchers: Sequence[Observer | Callback]) -> None:
        self._spec = spec
        self._observers = [watcher for watcher in watchers if not isinstance(watcher, Callback)]
        self._callbacks = [watcher for watcher in watchers if isinstance(watcher, Callback)]
        self._began, self._first = clock.perf_counter(), 0

    @property
    def intervals(self) -> list[int]:
        """Steps between the calls of each callback."""
        return [callback.every for callback in self._callbacks]

    def begin(self, step: int) -> None:
        """Speed is counted from now, and from this step."""
        self._began, self._first = clock.perf_counter(), step

    def line(
        self, step: int, time: float, stage: int, stage_step: int, measured: Measurement, grade: float | None
    ) -> None:
        """Tell the observers of a line of the log; time in ps, number of the stage from 0."""
        if not self._observers:
            return
        spec, now = self._spec, self._spec.stages[stage]
        done, elapsed = step - self._first, clock.perf_counter() - self._began
        progress = Progress(
            step=step,
            steps=spec.steps,
            stage=now.name,
            time=time,
            temperature=measured.temperature,
            target=now.temperature_at(stage_step / spec.stage_steps[stage]),
            energy=measured.potential,
            volume=measured.volume,
            pressure=measured.pressure,
            grade=grade,
            ns_per_day=done / elapsed * spec.timestep * 1e-6 * 86400,
            seconds_left=elapsed / done * (spec.steps - step) if done else np.inf,
        )
        for observer in self._observers:
            observer(progress)

    def structure(self, atoms: Atoms, step: int) -> None:
        """Hand a copy of the atoms to the callbacks whose step it is."""
        for callback in self._callbacks:
            if step % callback.every == 0:
                callback.call(_copy(atoms), step)


def _copy(atoms: Atoms) -> Atoms:
    """The atoms with what is known of them, for functions that are not ours."""
    from ase.calculators.singlepoint import SinglePointCalculator

    copy: Atoms = atoms.copy()
    known = atoms.calc.results
    copy.calc = SinglePointCalculator(copy, **{name: np.copy(known[name]) for name in _RESULTS if name in known})
    return copy
