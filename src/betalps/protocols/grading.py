"""When the extrapolation grade is looked at during a run, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from betalps.protocols.checks import known_names, number, whole
from betalps.typing import Json


@dataclass(frozen=True, kw_only=True)
class Grading:
    """Extrapolation grade of a run's structures; the thresholds of the reference study.

    Attributes
    ----------
    every
        Steps between grades.
    gamma_select
        A structure with a grade above this is written to the run's ``extrapolating.extxyz``.
    gamma_break
        The run ends at a structure with a grade above this, which is written too.
    """

    every: int = 10
    gamma_select: float = 2.0
    gamma_break: float = 10.0

    def __post_init__(self) -> None:
        whole("grade.every", self.every, 1)
        object.__setattr__(self, "gamma_select", number("grade.gamma_select", self.gamma_select, above=0.0))
        object.__setattr__(self, "gamma_break", number("grade.gamma_break", self.gamma_break, least=self.gamma_select))

    @classmethod
    def from_dict(cls, values: Json) -> Self:
        """Make it from a table.

        Raises
        ------
        ValueError
            For a name that is not a setting, or a value out of range.
        """
        return cls(**known_names("grade", values, cls))

    def to_dict(self) -> Json:
        """Plain values by name."""
        return asdict(self)
