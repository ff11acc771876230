"""One stage of a run: an ensemble and where its temperature and pressure go."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, Self, get_args

from betalps.protocols.checks import choice, known_names, number
from betalps.typing import Json

Ensemble = Literal["nve", "nvt", "npt"]

_AXES = ("x", "y", "z", "xy", "xz", "yz", "xyz")
FREE = ("isotropic", "cell", *_AXES)
"""What "npt" can leave free of the cell."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of molecular dynamics under one ensemble.

    Attributes
    ----------
    name
        Appears in the thermodynamic log, in progress and in errors.
    ensemble
        "nve"; "nvt" (Nosé-Hoover chain); or "npt" (Martyna-Tobias-Klein).
    time
        Length, ps.
    temperature
        Target, K. Under "nve" it serves only to draw velocities at the start of a run.
    final_temperature
        With it the target goes linearly from `temperature` to this, K. Step k of n has the target
        temperature + (final_temperature - temperature) k / n, so that the last step has the final one.
    pressure
        Target under "npt", GPa.
    final_pressure
        With it the target pressure goes linearly, as the temperature does.
    free
        What "npt" leaves free of the cell. "isotropic": its volume. "cell": all lengths and angles. Axes such
        as "z" or "xyz": the lengths of these cell vectors (x the first, y the second, z the third), each by
        itself, strained along its direction at the start; "z" frees only the direction along a boundary's
        normal. Right angles stay; those of a slanted cell follow by a degree or so in process, not in LAMMPS.
    production
        The frames of this stage are what is analysed. They are recorded every `frame_interval` of the run;
        stages without this are logged, but leave no frames unless they have an interval of their own.
    frame_interval
        Time between frames of this stage, ps; None takes the run's for production and no frames elsewhere.
    """

    name: str
    ensemble: Ensemble = "npt"
    time: float
    temperature: float
    final_temperature: float | None = None
    pressure: float = 0.0
    final_pressure: float | None = None
    free: str = "isotropic"
    production: bool = True
    frame_interval: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or set(self.name) & set(",\"'\n\r"):
            raise ValueError(f"stage name is {self.name!r}; expected a word without commas and quotes")
        here = f"stage {self.name!r}:"
        choice(f"{here} ensemble", self.ensemble, get_args(Ensemble))
        choice(f"{here} free", self.free, FREE)
        if type(self.production) is not bool:
            raise ValueError(f"{here} production is {self.production!r}; expected true or false")
        for name in ("time", "temperature", "final_temperature", "frame_interval"):
            self._number(name, above=0.0)
        for name in ("pressure", "final_pressure"):
            self._number(name)
        if self.ensemble == "nve" and self.final_temperature is not None:
            raise ValueError(f"{here} final_temperature is for nvt and npt; nve has no thermostat")
        if self.ensemble != "npt":
            for name, default in (("pressure", 0.0), ("final_pressure", None), ("free", "isotropic")):
                if getattr(self, name) != default:
                    raise ValueError(f"{here} {name} is for npt; the cell is fixed in {self.ensemble}")

    def _number(self, name: str, above: float | None = None) -> None:
        value = getattr(self, name)
        if value is None and name.startswith(("final", "frame")):
            return
        object.__setattr__(self, name, number(f"stage {self.name!r}: {name}", value, above=above))

    @classmethod
    def from_dict(cls, values: Json) -> Self:
        """Make it from a table.

        Raises
        ------
        ValueError
            For a name that is not a setting, one that is missing, or a value out of range.
        """
        what = "stage" if not isinstance(values, dict) else f"stage {values.get('name', '')!r}"
        values = known_names(what, values, cls)
        missing = [name for name in ("name", "time", "temperature") if name not in values]
        if missing:
            raise ValueError(f"{what} lacks {', '.join(missing)}")
        return cls(**values)

    def to_dict(self) -> Json:
        """Plain values by name, without those that are at their default None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def ramped(self) -> bool:
        """Whether a target changes during the stage."""
        return self.final_temperature is not None or self.final_pressure is not None

    @property
    def axes(self) -> tuple[bool, bool, bool] | None:
        """Which cell vectors change their lengths, where `free` names axes; None elsewhere."""
        if self.free not in _AXES:
            return None
        return ("x" in self.free, "y" in self.free, "z" in self.free)

    def temperature_at(self, fraction: float) -> float:
        """Target temperature, K, once this fraction of the stage is done."""
        return _along(self.temperature, self.final_temperature, fraction)

    def pressure_at(self, fraction: float) -> float:
        """Target pressure, GPa, once this fraction of the stage is done."""
        return _along(self.pressure, self.final_pressure, fraction)


def _along(first: float, last: float | None, fraction: float) -> float:
    if last is None:
        return first
    return last if fraction >= 1.0 else first + (last - first) * fraction
