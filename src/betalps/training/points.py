"""Points of a grid of hyper-parameters, as they are kept and handed on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from betalps.errors import FormatError
from betalps.typing import Json

_KIND, _VERSION = "betalps grid", 1


@dataclass(frozen=True, kw_only=True)
class GridPoint:
    """One potential of a grid.

    Attributes
    ----------
    level, cutoff, radial_size
        Its hyper-parameters; cutoff in Å.
    energy_mae, force_mae, stress_mae
        On the held-out data: eV/atom, eV/Å, GPa.
    force_median
        Median of the absolute errors of held-out force components, eV/Å.
    training_energy_mae, training_force_mae, training_stress_mae
        On the training data, in the same units.
    coefficients
        Their number.
    fit_cpu_seconds
        Processor time of the fit.
    cost
        µs per atom for energy, forces and stress on one core of this machine, neighbour list included; NaN until
        it is measured.
    flags
        Of the fit.
    failed
        Why there is no potential, or "".
    """

    level: int
    cutoff: float
    radial_size: int
    energy_mae: float = math.nan
    force_mae: float = math.nan
    stress_mae: float = math.nan
    force_median: float = math.nan
    training_energy_mae: float = math.nan
    training_force_mae: float = math.nan
    training_stress_mae: float = math.nan
    coefficients: int = 0
    fit_cpu_seconds: float = math.nan
    cost: float = math.nan
    flags: tuple[str, ...] = ()
    failed: str = ""

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"level-{self.level}_cutoff-{self.cutoff:g}_basis-{self.radial_size}"

    @property
    def complete(self) -> bool:
        """Whether there is a potential with a cost."""
        return not self.failed and math.isfinite(self.cost)

    def to_dict(self) -> Json:
        """For JSON: None for what is not known."""
        values = asdict(self)
        return {name: None if _unknown(value) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, content: Json) -> GridPoint:
        """The inverse of `to_dict`."""
        values: Json = {name: math.nan if value is None else value for name, value in content.items()}
        return cls(**{**values, "flags": tuple(content["flags"])})


@dataclass(frozen=True, kw_only=True)
class GridResult:
    """The points of a grid.

    Attributes
    ----------
    points
        In the order levels, cutoffs, basis sizes.
    provenance
        Hashes, settings, split, versions, machine.
    """

    points: tuple[GridPoint, ...]
    provenance: Json

    def to_dict(self) -> Json:
        """For JSON."""
        points = [point.to_dict() for point in self.points]
        return {"kind": _KIND, "version": _VERSION, "points": points, "provenance": self.provenance}

    @classmethod
    def from_dict(cls, content: Json) -> GridResult:
        """The inverse of `to_dict`.

        Raises
        ------
        FormatError
            This is no grid.
        """
        found = (content.get("kind"), content.get("version")) if isinstance(content, dict) else type(content)
        if found != (_KIND, _VERSION):
            raise FormatError(f"found {found}, expected {(_KIND, _VERSION)}")
        return cls(points=tuple(map(GridPoint.from_dict, content["points"])), provenance=content["provenance"])


def _unknown(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
