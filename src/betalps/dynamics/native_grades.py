"""Extrapolation grades of native dynamics."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ase import Atoms

from betalps import _core


@dataclass(frozen=True, kw_only=True)
class Grade:
    """Extrapolation grade of a step.

    Attributes
    ----------
    step
        Steps done.
    atom
        The atom that extrapolates most.
    value
        Its grade.
    """

    step: int
    atom: int
    value: float


class Graded:
    """Dynamics whose structures are graded on the way.

    Attributes
    ----------
    grade, worst_grade
        The last `Grade` computed by `watch_grade`, and the largest since this was last set to None.
    stopped
        The `Grade` that ended the last `run`, or None.
    """

    atoms: Atoms
    _core: _core.Dynamics

    def __init__(self) -> None:
        self.grade: Grade | None = None
        self.worst_grade: Grade | None = None
        self.stopped: Grade | None = None
        self._watching, self._selected = 0, False  # interval; whether the present step is beyond a threshold
        self._on_select: Callable[[Atoms, Grade], object] | None = None

    def watch_grade(
        self,
        interval: int,
        *,
        select: float = math.inf,
        stop: float = math.inf,
        on_select: Callable[[Atoms, Grade], object] | None = None,
    ) -> None:
        """Compute the extrapolation grades of all atoms regularly. They do not change the motion by a bit.

        Parameters
        ----------
        interval
            At every step that is a multiple of it, 0 included. 0: no more.
        select
            `on_select` is called with the atoms and the `Grade` where the largest grade exceeds it. The study's
            threshold is 2.
        stop
            The run ends where the largest grade exceeds it: `run` returns False, and `stopped` is the `Grade`.

        Raises
        ------
        BetalpsError
            The potential has no active set of neighbourhoods.
        ValueError
            A number is out of range.
        """
        if type(interval) is not int or interval < 0:
            raise ValueError(f"interval is {interval!r}; expected a whole number of at least 0")
        if not 0 < select <= stop:
            raise ValueError(f"select is {select} and stop is {stop}; expected 0 < select <= stop")
        if interval:
            self.atoms.calc.engine.require_active_set("neighbourhood")
        self._watching, self._on_select = interval, on_select
        self._core.set_watch(interval=interval, select=select, stop=stop)

    def _note_grades(self) -> None:
        """Remember those of the last steps."""
        checks = self._core.take_grades()
        for _, step, atom, value in checks:
            self.grade = Grade(step=step, atom=atom, value=value)
            if self.worst_grade is None or value > self.worst_grade.value:
                self.worst_grade = self.grade
        event = checks[-1][0] if checks else "none"
        self._selected = event in {"select", "stop"}  # which end the steps
        if event == "stop":
            self.stopped = self.grade

    def _call_select(self) -> None:
        if self._selected and self._on_select is not None and self.grade is not None:
            self._on_select(self.atoms, self.grade)
