"""Extrapolation grades of native dynamics."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ase import Atoms

from betalps import _core
from betalps.dynamics.native_mirror import Mirror


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
    _mirror: Mirror

    def __init__(self) -> None:
        self.grade: Grade | None = None
        self.worst_grade: Grade | None = None
        self.stopped: Grade | None = None
        self._watching, self._selected = False, False  # from step 0 on; whether the present step is beyond a threshold
        self._on_select: Callable[[Atoms, Grade], object] | None = None

    def watch_grade(
        self,
        interval: int,
        *,
        select: float = math.inf,
        stop: float = math.inf,
        on_select: Callable[[Atoms, Grade], object] | None = None,
        offset: int | None = None,
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
        on_select
            See `select`.
        offset
            These steps go on where others ended: so many were made before, and a step is graded where both together
            are a multiple of `interval`. Step 0, which is the last of the others, is not. None: these are the first.

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
        if offset is not None and (type(offset) is not int or offset < 0):
            raise ValueError(f"offset is {offset!r}; expected None or a whole number of at least 0")
        if interval:
            self.atoms.calc.engine.require_active_set("neighbourhood")
        self._watching, self._on_select = interval > 0 and offset is None, on_select
        self._core.set_watch(interval=interval, select=select, stop=stop, offset=offset or 0)

    def look(self) -> Grade:
        """Compute the extrapolation grades of the present step, as `watch_grade` does at its steps.

        Raises
        ------
        BetalpsError
            The potential has no active set of neighbourhoods.
        """
        self.atoms.calc.engine.require_active_set("neighbourhood")
        self._mirror.tell(self._core)
        self._grade_now()
        self._mirror.show(self._core)
        self._call_select()
        assert self.grade is not None
        return self.grade

    def _grade_now(self) -> None:
        self._core.grade()
        self._note_grades()

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
        selected, self._selected = self._selected, False
        if selected and self._on_select is not None and self.grade is not None:
            self._on_select(self.atoms, self.grade)
