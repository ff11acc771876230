"""A whole run as data: what moves, under which potential, through which stages, and what is written."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from betalps.protocols.checks import choice, known_names, number, pair, whole
from betalps.protocols.grading import Grading
from betalps.protocols.stage import Stage
from betalps.protocols.standard import PROTOCOLS
from betalps.typing import Json

Velocities = Literal["maxwell-boltzmann", "keep"]
Engine = Literal["auto", "native", "ase", "lammps"]

_INTERVALS = ("frame_interval", "thermo_interval", "checkpoint_interval")
# How a run is computed and when it is stopped decide nothing about what has been done already.
_NOT_IDENTITY = (
    "structure",
    "potential",
    "stages",
    "engine",
    "ranks",
    "threads",
    "grade",
    "temperature_bounds",
    "volume_bounds",
)


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """A run. A TOML file of the same names makes one, whether it runs in process or in LAMMPS.

    Attributes
    ----------
    stages
        One after the other; each goes on from the last state of the one before, with its thermostat and
        barostat at rest. In TOML: tables ``[[stages]]``, or one table ``[protocol]`` with a ``name`` (see
        `PROTOCOLS`) and its arguments.
    structure
        Path of a structure file; or a table with the name of a ``builder`` (a function of
        `betalps.structures`) and its arguments; or None where the atoms are given by hand.
    potential
        Name of a bundled potential, or path of an ``.almtp`` or ``.mtp`` file.
    timestep
        In fs.
    thermostat_time, barostat_time
        Relaxation times, ps.
    frame_interval
        Time between recorded frames, ps.
    thermo_interval
        Time between lines of the thermodynamic log, ps.
    checkpoint_interval
        Simulated time between checkpoints, ps; a run that is killed loses at most this.
    seed
        Of the velocities.
    velocities
        "maxwell-boltzmann" draws them at the temperature of the first stage; "keep" takes the structure's.
    engine
        "native" (the core's own loop), "ase", "lammps", or "auto".
    ranks
        MPI processes; more than one is for LAMMPS. None: as many as the engine finds sensible.
    threads
        Threads of each process. None: as many as the engine finds sensible.
    grade
        Thresholds of the extrapolation grade; None does not compute it.
    temperature_bounds
        The run ends when its kinetic temperature leaves these bounds, K. None: up to 5 times the highest target.
    volume_bounds
        The run ends when its volume leaves these bounds, as fractions of the volume at the start.
    """

    stages: tuple[Stage, ...]
    structure: str | Json | None = None
    potential: str = "beta-lps"
    timestep: float = 2.0
    thermostat_time: float = 0.1
    barostat_time: float = 1.0
    frame_interval: float = 1.0
    thermo_interval: float = 0.1
    checkpoint_interval: float = 10.0
    seed: int = 1
    velocities: Velocities = "maxwell-boltzmann"
    engine: Engine = "auto"
    ranks: int | None = None
    threads: int | None = None
    grade: Grading | None = None
    temperature_bounds: tuple[float, float] | None = None
    volume_bounds: tuple[float, float] = (0.5, 2.0)

    def __post_init__(self) -> None:
        self._check_stages()
        self._check_structure()
        for name in ("timestep", "thermostat_time", "barostat_time", *_INTERVALS):
            object.__setattr__(self, name, number(name, getattr(self, name), above=0.0))
        whole("seed", self.seed, 0)
        for name in ("ranks", "threads"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1)
        choice("velocities", self.velocities, get_args(Velocities))
        choice("engine", self.engine, get_args(Engine))
        if self.engine in {"native", "ase"} and (self.ranks or 1) > 1:
            raise ValueError(f"ranks is {self.ranks}; engine {self.engine!r} is one process, expected 1")
        grade: Any = self.grade  # TOML brings a table
        if grade is not None and not isinstance(grade, Grading):
            object.__setattr__(self, "grade", Grading.from_dict(grade))
        if self.temperature_bounds is not None:
            object.__setattr__(self, "temperature_bounds", pair("temperature_bounds", self.temperature_bounds))
        object.__setattr__(self, "volume_bounds", pair("volume_bounds", self.volume_bounds))
        self._check_intervals()

    def _check_stages(self) -> None:
        if isinstance(self.stages, str | dict | Stage) or not hasattr(self.stages, "__iter__"):
            raise ValueError(f"stages is {self.stages!r}; expected a list of stages")
        stages = tuple(stage if isinstance(stage, Stage) else Stage.from_dict(stage) for stage in self.stages)
        if not stages:
            raise ValueError("stages is empty; expected at least one")
        names = [stage.name for stage in stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stages: {', '.join(twice)} appears more than once; expected different names")
        object.__setattr__(self, "stages", stages)

    def _check_structure(self) -> None:
        if not isinstance(self.potential, str) or not self.potential:
            raise ValueError(f"potential is {self.potential!r}; expected a name or a path")
        structure = self.structure
        if isinstance(structure, dict):
            object.__setattr__(self, "structure", dict(structure))
            structure = structure.get("builder", "")
        if structure is not None and (not isinstance(structure, str) or not structure):
            raise ValueError(f"structure is {self.structure!r}; expected a path, or a table with a builder")

    def _check_intervals(self) -> None:
        picoseconds = 1e-3 * self.timestep
        own = {f"stage {s.name!r}: frame_interval": s.frame_interval for s in self.stages if s.frame_interval}
        times = {f"stage {s.name!r}: time": s.time for s in self.stages}
        for name, value in {**{name: getattr(self, name) for name in _INTERVALS}, **own, **times}.items():
            if self._count(value) < 1:
                raise ValueError(f"{name} is {value} ps; expected at least one time step ({picoseconds:g} ps)")

    @classmethod
    def from_dict(cls, values: Json) -> Self:
        """Make a run from a mapping, as TOML gives it.

        Raises
        ------
        ValueError
            For a name that is not a setting, one that is missing, or a value out of range.
        """
        values = dict(values)
        if "protocol" in values:
            if "stages" in values:
                raise ValueError("both protocol and stages are given; expected one of them")
            values["stages"] = _stages_of(values.pop("protocol"))
        values = known_names("the run", values, cls)
        if "stages" not in values:
            raise ValueError("the run lacks stages; expected [[stages]] tables, or a [protocol]")
        return cls(**values)

    def to_dict(self) -> Json:
        """Plain values by name, ready for TOML or JSON, without those that are None; `from_dict` reads them."""
        values: Json = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                values[field.name] = list(value) if isinstance(value, tuple) else value
        values["stages"] = [stage.to_dict() for stage in self.stages]
        if self.grade is not None:
            values["grade"] = self.grade.to_dict()
        return values

    def identity(self) -> Json:
        """What decides the trajectory, as plain values: two runs of one identity may go on from each other.

        Left out are the stages (`Stage.to_dict`: an earlier stage decides, the length of the last one does
        not), the names of structure and potential (their content decides), and how the run is computed.
        """
        return {name: value for name, value in self.to_dict().items() if name not in _NOT_IDENTITY}

    def _count(self, picoseconds: float) -> int:
        return round(1e3 * picoseconds / self.timestep)

    @property
    def stage_steps(self) -> tuple[int, ...]:
        """Steps of each stage."""
        return tuple(self._count(stage.time) for stage in self.stages)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return sum(self.stage_steps)

    @property
    def time(self) -> float:
        """Length of the whole run, ps."""
        return 1e-3 * self.timestep * self.steps

    @property
    def thermo_steps(self) -> int:
        """Steps between lines of the thermodynamic log, counted from the start of the run."""
        return self._count(self.thermo_interval)

    @property
    def checkpoint_steps(self) -> int:
        """Steps between checkpoints, counted from the start of the run."""
        return self._count(self.checkpoint_interval)

    @property
    def frame_steps(self) -> tuple[int, ...]:
        """Steps between frames in each stage, 0 where it leaves none.

        A stage records its steps k, 2k, 3k, ..., counted from its own start; its first structure, which is
        the last one of the stage before, is not among them.
        """
        return tuple(
            self._count(stage.frame_interval or self.frame_interval)
            if stage.production or stage.frame_interval is not None
            else 0
            for stage in self.stages
        )

    @property
    def frames(self) -> int:
        """Frames that the whole run records."""
        return sum(steps // every for steps, every in zip(self.stage_steps, self.frame_steps, strict=True) if every)

    @property
    def production_windows(self) -> tuple[tuple[float, float], ...]:
        """Start (not included) and end (included) of each production stage, ps."""
        windows, done = [], 0
        for stage, steps in zip(self.stages, self.stage_steps, strict=True):
            if stage.production:
                windows.append((1e-3 * self.timestep * done, 1e-3 * self.timestep * (done + steps)))
            done += steps
        return tuple(windows)

    @property
    def allowed_temperatures(self) -> tuple[float, float]:
        """Bounds of the kinetic temperature, K."""
        if self.temperature_bounds is not None:
            return self.temperature_bounds
        return 0.0, 5.0 * max(max(s.temperature, s.final_temperature or 0.0) for s in self.stages)


def _stages_of(protocol: Any) -> tuple[Stage, ...]:
    if not isinstance(protocol, dict) or protocol.get("name") not in PROTOCOLS:
        raise ValueError(f"protocol is {protocol!r}; expected a table with a name: {', '.join(PROTOCOLS)}")
    arguments = dict(protocol)
    function = PROTOCOLS[arguments.pop("name")]
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(f"protocol {protocol['name']}: {error}; it takes {', '.join(signature.parameters)}") from error
    return function(**arguments)
