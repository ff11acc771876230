"""Who looks at the extrapolation grade of a run: the core between its steps, or an engine of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from betalps.dynamics.grader import Grader
from betalps.dynamics.motion import Motion
from betalps.protocols import Grading
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from betalps.dynamics.native import Grade
    from betalps.dynamics.native_motion import NativeMotion

OnSelect = Callable[[float, "Floats | None", int], object]
"""Called with a grade above ``gamma_select``, those of the atoms if there are any, and the step of the run."""


class GradeWatch(Protocol):
    """The grades of a run, stage after stage."""

    @property
    def halts(self) -> int | None:
        """Steps after which the motion has to halt for a look; None if it looks on its way."""

    def take_up(self, motion: Motion, done: int) -> None:
        """Watch a stage, or the rest of one that is resumed, of a run with `done` steps before it."""

    def look(self) -> float:
        """The largest grade of the present step, once more if it was looked at before."""

    def collect(self, step: int) -> float | None:
        """The largest grade of all looks since the last call, at this step of the run; None if there was none."""


def watch_grade(limits: Grading, engine: str, calculator: Calculator, on_select: OnSelect) -> GradeWatch:
    """Make the watch that suits an engine.

    Parameters
    ----------
    limits
        Steps between looks and thresholds.
    engine
        What moves the atoms: "native" or "ase".
    calculator
        A `betalps.MTP` whose potential has an active set.
    on_select
        Called, at its step, with every structure above ``gamma_select``.

    Raises
    ------
    BetalpsError
        It is another calculator, or its potential has no active set.
    """
    grader = Grader(calculator)
    if engine == "native" and grader.by_site:
        return _NativeWatch(limits, on_select)
    return _EngineWatch(limits, grader, on_select)


class _NativeWatch:
    """The core grades sites where it computes their forces, and halts above ``gamma_break``."""

    halts = None

    def __init__(self, limits: Grading, on_select: OnSelect) -> None:
        self._limits, self._on_select = limits, on_select
        self._done = 0
        self._motion: NativeMotion

    def take_up(self, motion: Motion, done: int) -> None:
        from betalps.dynamics.native_motion import NativeMotion  # and the core

        assert isinstance(motion, NativeMotion)
        self._motion, self._done = motion, done
        limits = self._limits
        motion.dynamics.watch_grade(
            limits.every,
            select=limits.gamma_select,
            stop=limits.gamma_break,
            on_select=self._selected,
            offset=done,
        )

    def _selected(self, _: object, grade: Grade) -> None:
        sites = self._motion.atoms.calc.results["site_grades"]
        self._on_select(grade.value, sites, self._done + grade.step)

    def look(self) -> float:
        return self._motion.dynamics.look().value

    def collect(self, step: int) -> float | None:
        dynamics = self._motion.dynamics
        if step == 0:
            dynamics.look()
        worst, dynamics.worst_grade = dynamics.worst_grade, None
        return None if worst is None else worst.value


class _EngineWatch:
    """An engine of its own grades whatever moves, every so many steps."""

    def __init__(self, limits: Grading, grader: Grader, on_select: OnSelect) -> None:
        self._limits, self._grader, self._on_select = limits, grader, on_select
        self.halts = limits.every
        self._motion: Motion

    def take_up(self, motion: Motion, done: int) -> None:  # noqa: ARG002 - `collect` is told the step
        self._motion = motion
        self._grader.reset()

    def look(self) -> float:
        return self._grader(self._motion.atoms)[0]

    def collect(self, step: int) -> float | None:
        if step % self._limits.every:
            return None
        grade, sites = self._grader(self._motion.atoms)
        if grade > self._limits.gamma_select:
            self._on_select(grade, sites, step)
        return grade
