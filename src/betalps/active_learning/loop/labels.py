"""Labels of an iteration: each once, failures tried again, and the labeller checked before anything is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.label_store import LabelStore, structure_key
from betalps.active_learning.label_workers import LabelWorkers
from betalps.active_learning.labelling import (
    Factory,
    Labelled,
    LabellingError,
    LabelProgress,
    describe,
    label,
    offered,
)
from betalps.active_learning.loop.settings import Labels
from betalps.datasets import stored_labels
from betalps.training.labels import SOURCE_KEY
from betalps.workers import Executor

if TYPE_CHECKING:
    from ase import Atoms

_SAME_ENERGY, _SAME_FORCE = 0.005, 0.05  # eV/atom, eV/Å: other codes and settings of one method differ by less


class Enough(Exception):
    """Raised by an observer to leave the other structures without labels."""


class Labeller:
    """What labels: a calculator's factory, its folder, and an executor.

    Parameters
    ----------
    settings
        Time-out, workers, attempts.
    factory
        Makes the calculator.
    folder
        Of the labels.
    executor
        Instead of processes of this machine.
    name
        Of the calculator, for errors.
    """

    def __init__(self, settings: Labels, factory: Factory, folder: Path, executor: Executor | None, name: str) -> None:
        self._settings, self._factory, self._folder, self._executor = settings, factory, folder, executor
        self._name = name

    def check(self, frame: Atoms) -> str:
        """Label a structure of the starting data, and compare with the label that it brings.

        Returns
        -------
        str
            A warning if the two differ; "" if they do not.

        Raises
        ------
        LabellingError
            The labeller cannot: it is not installed, or fails.
        """
        told = f"{self._name}, tried before anything is run"
        try:
            found = self._label([frame], retry=True, observer=None)
        except LabellingError as error:
            raise LabellingError(f"{told}: {error}") from error
        if found.failures:
            reason = found.failures[0].reason
            raise LabellingError(f"{told}, cannot label the first of the starting structures: {reason}")
        ours, theirs = stored_labels(found.frames[0]), stored_labels(frame)
        energy = abs(float(ours["energy"] - theirs["energy"])) / len(frame) if "energy" in theirs else 0.0
        force = float(np.abs(ours["forces"] - theirs["forces"]).mean()) if "forces" in theirs else 0.0
        same = energy <= _SAME_ENERGY and force <= _SAME_FORCE
        if same or self._settings.source not in (None, frame.info.get(SOURCE_KEY)):
            return ""
        return (
            f"The labeller gives the first of the starting structures an energy that differs by {1e3 * energy:.1f} "
            f"meV/atom and forces that differ by {1e3 * force:.0f} meV/Å from the labels it came with: one potential "
            "is fitted to two methods; if this is meant, name the sources of the labels (labels.source)."
        )

    def known(self, frames: Sequence[Atoms]) -> list[bool]:
        """Which structures have been labelled, or tried, before."""
        store = LabelStore(self._folder, describe(self._factory), offered(self._factory))
        keys = map(structure_key, frames)
        return [store.has(key) or store.failure(key) is not None for key in keys]

    def label(self, frames: Sequence[Atoms], observer: Callable[[LabelProgress], None], probe: Atoms) -> Labelled:
        """Label structures; those that fail are tried again as often as the settings say.

        Parameters
        ----------
        frames
            The structures.
        observer
            Of the first attempt.
        probe
            A structure that has been labelled before: where all others fail, it tells whether they are to blame.

        Raises
        ------
        LabellingError
            Every single one failed, and the probe: it is the labeller. The next call tries them again.
        """
        store = LabelStore(self._folder, describe(self._factory), offered(self._factory))
        hopeless = all(not store.has(key) and store.failure(key) for key in map(structure_key, frames))
        try:
            found = self._label(frames, retry=hopeless, observer=observer)
            for _ in range(self._settings.attempts - 1):
                again = [k for k, failure in found.failures.items() if failure.attempts < self._settings.attempts]
                if not again:
                    break
                self._label([frames[k] for k in again], retry=True, observer=None)
                found = self._label(frames, retry=False, observer=None)
        except Enough:
            labelled = [atoms for atoms in frames if store.has(structure_key(atoms))]
            return self._label(labelled, retry=False, observer=None)
        if found.failures and not found.frames and not self._works(probe):
            first = next(iter(found.failures.values()))
            raise LabellingError(
                f"all {len(frames)} structures failed to be labelled with {self._name}, the first with "
                f"{first.reason}; see {self._folder / 'failed'}. The same call tries them again"
            )
        return found

    def _works(self, probe: Atoms) -> bool:
        """Whether a structure can be labelled now."""
        with TemporaryDirectory(prefix="probe-", dir=self._folder) as folder:
            apart = Labeller(self._settings, self._factory, Path(folder), self._executor, self._name)
            return not apart._label([probe], retry=False, observer=None).failures

    def _label(
        self, frames: Sequence[Atoms], *, retry: bool, observer: Callable[[LabelProgress], None] | None
    ) -> Labelled:
        if self._executor is not None:
            return self._call(frames, self._executor, retry, observer)
        with LabelWorkers(self._settings.workers, self._settings.timeout) as workers:
            return self._call(frames, workers, retry, observer)

    def _call(
        self,
        frames: Sequence[Atoms],
        executor: Executor,
        retry: bool,
        observer: Callable[[LabelProgress], None] | None,
    ) -> Labelled:
        found = label(frames, self._factory, folder=self._folder, executor=executor, retry=retry, observer=observer)
        if self._settings.source is not None:
            for atoms in found.frames:
                atoms.info[SOURCE_KEY] = self._settings.source
        return found
