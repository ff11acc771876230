"""What a diffusion study is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Self

from betalps.dynamics import NVT
from betalps.structures import BETA_ORDERINGS

# Frames that an analysis needs at the least, and a checkpoint about every so many steps.
_FEWEST_FRAMES = 100
_CHECKPOINT_STEPS = 2500


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """Settings of a study of lithium diffusion in β-Li3PS4. A TOML file of the same names makes one.

    Attributes
    ----------
    temperatures
        In K, one run each. Three or more that show diffusion make an Arrhenius line. The default stays where
        Li hops often within a few hundred ps, yet the PS4 framework is still rigid.
    supercell
        Repeats of the 32-atom cell along a, b and c. A cell should be longer than 10 Å, twice the potential's
        cutoff, each way.
    ordering
        Lithium ordering at the start, see `betalps.structures.beta_li3ps4`. Lithium that diffuses forgets it.
    potential
        Name of a bundled potential, or the path of an ``.almtp`` or ``.mtp`` file.
    equilibration
        Time before the first frame, ps.
    production
        Time that is analysed, ps.
    timestep
        In fs.
    thermostat_time
        Relaxation time of the thermostat, ps.
    frame_interval
        Time between frames, ps.
    target_temperature
        Where the Arrhenius line is extrapolated to, K.
    seed
        Of everything random. Each temperature draws from its own stream, whatever the other temperatures are.
    workers
        Temperatures that run at the same time, in processes of their own.
    threads
        Threads of each calculator. For few hundred atoms more workers are faster than more threads.
    """

    temperatures: tuple[float, ...] = (500.0, 550.0, 600.0, 650.0, 700.0, 750.0)
    supercell: tuple[int, int, int] = (1, 2, 3)
    ordering: str = "4b4"
    potential: str = "beta-lps-interim"
    equilibration: float = 10.0
    production: float = 300.0
    timestep: float = 2.0
    thermostat_time: float = 0.1
    frame_interval: float = 0.1
    target_temperature: float = 300.0
    seed: int = 1
    workers: int = 2
    threads: int = 1

    def __post_init__(self) -> None:
        kelvin = _sequence(self, "temperatures")
        if not kelvin or any(type(t) not in (int, float) or not 0 < t < math.inf for t in kelvin):
            raise ValueError(f"temperatures must be positive numbers, at least one, got {list(kelvin)}")
        object.__setattr__(self, "temperatures", tuple(float(t) for t in kelvin))
        object.__setattr__(self, "supercell", _sequence(self, "supercell"))
        if len(set(self.temperatures)) < len(self.temperatures):
            raise ValueError(f"temperatures must differ from each other, got {list(self.temperatures)}")
        if len(self.supercell) != 3 or any(type(n) is not int or n < 1 for n in self.supercell):
            raise ValueError(f"supercell must be three whole numbers of at least 1, got {self.supercell}")
        if self.ordering not in BETA_ORDERINGS:
            raise ValueError(f"ordering must be one of {', '.join(BETA_ORDERINGS)}, got {self.ordering!r}")
        self._check_numbers()

    def _check_numbers(self) -> None:
        positive = ("production", "timestep", "thermostat_time", "frame_interval", "target_temperature")
        for name in (*positive, "equilibration"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a number that is not negative, got {value!r}")
            if value == 0 and name in positive:
                raise ValueError(f"{name} must be positive, got {value!r}")
        for name, least in (("seed", 0), ("workers", 1), ("threads", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.frame_interval * 1e3 < self.timestep:
            raise ValueError(
                f"frame_interval ({self.frame_interval} ps) must not be shorter than timestep ({self.timestep} fs)"
            )
        frames = self.production / self.frame_interval
        if frames < _FEWEST_FRAMES:
            raise ValueError(
                f"production ({self.production} ps) must hold at least {_FEWEST_FRAMES} frames of "
                f"{self.frame_interval} ps, got {frames:g}"
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Make a configuration from a mapping, as TOML gives it.

        Raises
        ------
        ValueError
            For a name that is not a setting, or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(values.keys() - set(known))
        if unknown:
            raise ValueError(f"unknown setting {', '.join(unknown)}; there are {', '.join(known)}")
        return cls(**values)

    def run_settings(self, temperature: float) -> NVT:
        """Settings of the run at one temperature."""
        return NVT(
            temperature=temperature,
            timestep=self.timestep,
            thermostat_time=self.thermostat_time,
            equilibration=self._steps(self.equilibration),
            frame_interval=self._steps(self.frame_interval),
            checkpoint_interval=_CHECKPOINT_STEPS,
        )

    @property
    def steps(self) -> int:
        """Steps of each run: equilibration, then a whole number of frame intervals."""
        interval = self._steps(self.frame_interval)
        return self._steps(self.equilibration) + interval * round(self._steps(self.production) / interval)

    def _steps(self, picoseconds: float) -> int:
        return round(picoseconds * 1e3 / self.timestep)


def _sequence(config: StudyConfig, name: str) -> tuple[Any, ...]:
    value = getattr(config, name)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ValueError(f"{name} must be a list, got {value!r}")
    return tuple(value)
