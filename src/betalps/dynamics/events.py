"""What a run tells those who watch it, and how they stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.protocols.checks import whole
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    step, steps
        Steps done, and steps asked for, of the whole run.
    stage
        Name of the stage.
    time
        Simulated time, ps.
    temperature
        Kinetic temperature at this step, K.
    target
        Temperature asked for at this step, K.
    energy
        Potential energy, eV.
    volume
        Of the cell, Å³.
    pressure
        In GPa; NaN where the calculator gives no stress.
    grade
        Largest extrapolation grade since the last event; None where none was computed.
    ns_per_day
        Simulated time per wall time since this process took the run up; 0 before the first step.
    seconds_left
        Wall time to the end at this speed; infinite before the first step.
    """

    step: int
    steps: int
    stage: str
    time: float
    temperature: float
    target: float
    energy: float
    volume: float
    pressure: float
    grade: float | None
    ns_per_day: float
    seconds_left: float


Observer = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A function of the structure, called during a run.

    Attributes
    ----------
    every
        Steps between calls, counted from the start of the run.
    call
        Gets the atoms, with momenta, and energy, forces and (if the calculator has it) stress as ASE keeps
        them; and the number of the step. They are a copy: changing them changes nothing.
    """

    every: int
    call: Callable[[Atoms, int], None]

    def __post_init__(self) -> None:
        whole("every", self.every, 1)


class StopRun(Exception):
    """Raised by an observer or a callback to end the run at this step; its text says why."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a run ended before its time.

    Attributes
    ----------
    cause
        "grade": a structure beyond ``gamma_break``; "user": an observer raised `StopRun`.
    message
        In words, with the numbers.
    step
        Where.
    value
        The grade; 0 for other causes.
    """

    cause: str
    message: str
    step: int
    value: float = 0.0

    def to_dict(self) -> Json:
        """Plain values by name."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run that has come to an end.

    Attributes
    ----------
    folder
        Holds its trajectory, log and checkpoint.
    atoms
        The last structure, with momenta, without calculator.
    step, steps
        Steps done and asked for.
    stopped
        Why it ended before its time; None if it did not.
    """

    folder: Path
    atoms: Atoms
    step: int
    steps: int
    stopped: Stop | None
