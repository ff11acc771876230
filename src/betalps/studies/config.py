"""What a diffusion study is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

import numpy as np

from betalps.protocols import AMORPHIZATION, RunSpec, Stage, amorphization, single_temperature
from betalps.protocols.spec import Engine
from betalps.protocols.stage import FREE
from betalps.structures import BETA_ORDERINGS, parse_name, parse_plane
from betalps.typing import Json

# Frames that an analysis needs at the least, and a checkpoint every so many steps.
_FEWEST_FRAMES = 100
_CHECKPOINT_STEPS = 2500

MELT_PRESSURE = 1.0
"""GPa, on the melt of a glass: without it so small a cell boils at 2000 K. Released while the melt cools."""


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """Settings of a study of lithium diffusion in β-Li3PS4, its glass, its grain boundaries and interfaces.

    A TOML file of the same names makes one.

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
    boundaries
        Grain boundaries beside the crystal, by names such as those of `betalps.structures.REFERENCE_TILTS`.
    boundary_temperatures
        In K, one run of each boundary at each.
    boundary_atoms
        Least size of their cells, which hold two boundaries 12 Å or more apart.
    boundary_area
        Largest common cell of the two grains of a twist, Å².
    boundary_production
        Time that is analysed of each of their runs, ps.
    glass_temperatures
        In K, one run of the glass, and of each interface of it with the crystal, at each. None: no glass, and no
        interface.
    interfaces
        Planes of the crystal that glass is put on, such as "(001)". The glass is melted in the lateral cell of the
        plane, so each plane has a glass of its own; the glass by itself is that of the first.
    glass_atoms
        Least size of the glass; its interface with as much crystal has twice that.
    glass_scale
        Factor of the lengths of `betalps.protocols.amorphization`, so that 0.1 cools ten times as fast as the
        reference study. Its last stage, production, is that of the runs.
    glass_production
        Time that is analysed of each run of the glass and of the interfaces, ps.
    potential
        Name of a bundled potential, or the path of an ``.almtp`` or ``.mtp`` file.
    ensemble
        "npt" lets the cell expand with the temperature, as the reference study does; "nvt" keeps the relaxed cell.
    free
        What "npt" leaves free of the cell, see `betalps.protocols.Stage`: by default the three lengths.
    pressure
        Under "npt", GPa.
    equilibration
        Time before the first frame, ps.
    production
        Time that is analysed, ps.
    timestep
        In fs.
    thermostat_time, barostat_time
        Relaxation times, ps.
    frame_interval
        Time between frames, ps.
    target_temperature
        Where the Arrhenius line is extrapolated to, K.
    seed
        Of everything random. Each temperature draws from its own stream, whatever the other temperatures are.
    workers
        Temperatures that run at the same time, in processes of their own.
    threads
        Threads of each calculator in process. For few hundred atoms more workers are faster than more threads.
    engine
        "auto" takes LAMMPS for cells of 10,000 atoms and more, where it is installed, and runs the others in process;
        "lammps", "native" and "ase" take that for all.
    ranks
        MPI processes of each run in LAMMPS. None: the cores, shared by the workers.
    """

    temperatures: tuple[float, ...] = (500.0, 550.0, 600.0, 650.0, 700.0, 750.0)
    supercell: tuple[int, int, int] = (1, 2, 3)
    ordering: str = "4b4"
    boundaries: tuple[str, ...] = ("Σ5[001]/(120)", "Σ5[100]/(100)")
    boundary_temperatures: tuple[float, ...] = (600.0, 650.0, 700.0, 750.0)
    boundary_atoms: int = 300
    boundary_area: float = 600.0
    boundary_production: float = 60.0
    glass_temperatures: tuple[float, ...] = (500.0, 550.0, 600.0, 700.0)
    interfaces: tuple[str, ...] = ("(001)",)
    glass_atoms: int = 256
    glass_scale: float = 0.1
    glass_production: float = 80.0
    potential: str = "beta-lps"
    ensemble: Literal["npt", "nvt"] = "npt"
    free: str = "xyz"
    pressure: float = 0.0
    equilibration: float = 10.0
    production: float = 300.0
    timestep: float = 2.0
    thermostat_time: float = 0.1
    barostat_time: float = 1.0
    frame_interval: float = 0.1
    target_temperature: float = 300.0
    seed: int = 1
    workers: int = 2
    threads: int = 1
    engine: Engine = "auto"
    ranks: int | None = None

    def __post_init__(self) -> None:
        for name in ("temperatures", "boundary_temperatures", "glass_temperatures"):
            kelvin, least = _sequence(self, name), "" if name == "glass_temperatures" else ", at least one"
            if (least and not kelvin) or any(type(t) not in (int, float) or not 0 < t < math.inf for t in kelvin):
                raise ValueError(f"{name} must be positive numbers{least}, got {list(kelvin)}")
            object.__setattr__(self, name, tuple(float(t) for t in kelvin))
            if len(set(kelvin)) < len(kelvin):
                raise ValueError(f"{name} must differ from each other, got {list(kelvin)}")
        self._check_boundaries()
        object.__setattr__(self, "supercell", _sequence(self, "supercell"))
        if len(self.supercell) != 3 or any(type(n) is not int or n < 1 for n in self.supercell):
            raise ValueError(f"supercell must be three whole numbers of at least 1, got {self.supercell}")
        if self.ordering not in BETA_ORDERINGS:
            raise ValueError(f"ordering must be one of {', '.join(BETA_ORDERINGS)}, got {self.ordering!r}")
        for name, allowed in (("ensemble", ("npt", "nvt")), ("free", FREE), ("engine", get_args(Engine))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        self._check_numbers()
        if self.engine in ("native", "ase") and (self.ranks or 1) > 1:
            raise ValueError(f"ranks is {self.ranks}; engine {self.engine!r} is one process, expected 1")

    def _check_boundaries(self) -> None:
        names = _sequence(self, "boundaries")
        object.__setattr__(self, "boundaries", names)
        if any(not isinstance(name, str) for name in names):
            raise ValueError(f"boundaries must be names such as 'Σ5[001]/(120)', got {list(names)}")
        parsed = [str(parse_name(name)) for name in names]
        if len(set(parsed)) < len(parsed):
            raise ValueError(f"boundaries must differ from each other, got {list(names)}")
        planes = _sequence(self, "interfaces")
        object.__setattr__(self, "interfaces", planes)
        if any(not isinstance(plane, str) for plane in planes):
            raise ValueError(f"interfaces must be planes such as '(001)', got {list(planes)}")
        if len({parse_plane(plane) for plane in planes}) < len(planes):
            raise ValueError(f"interfaces must differ from each other, got {list(planes)}")

    def _check_numbers(self) -> None:
        positive = (
            "production",
            "boundary_production",
            "boundary_area",
            "glass_production",
            "glass_scale",
            "timestep",
            "thermostat_time",
            "barostat_time",
            "frame_interval",
            "target_temperature",
        )
        for name in (*positive, "equilibration"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a number that is not negative, got {value!r}")
            if value == 0 and name in positive:
                raise ValueError(f"{name} must be positive, got {value!r}")
        if type(self.pressure) not in (int, float) or not math.isfinite(self.pressure):
            raise ValueError(f"pressure must be a number, got {self.pressure!r}")
        counts = {"seed": 0, **dict.fromkeys(("workers", "threads", "ranks", "boundary_atoms", "glass_atoms"), 1)}
        for name, least in counts.items():
            value = getattr(self, name)
            if name == "ranks" and value is None:
                continue
            if type(value) is not int or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.frame_interval * 1e3 < self.timestep:
            raise ValueError(
                f"frame_interval ({self.frame_interval} ps) must not be shorter than timestep ({self.timestep} fs)"
            )
        for name in ("production", "boundary_production", "glass_production"):
            frames = getattr(self, name) / self.frame_interval
            if frames < _FEWEST_FRAMES:
                raise ValueError(
                    f"{name} ({getattr(self, name)} ps) must hold at least {_FEWEST_FRAMES} frames of "
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

    def run_spec(self, temperature: float, boundary: str | None = None) -> RunSpec:
        """Describe the run at one temperature: of the crystal, or of a boundary by its name."""
        production = self.boundary_production if boundary else self.production
        return self._spec(
            self._at(temperature, production, self.free),
            self._builder(boundary),
            _seed(self.seed, temperature, boundary or ""),
        )

    def melt_spec(self, plane: str) -> RunSpec:
        """Describe how the glass for a plane is made: four of the five stages of the reference study, shortened.

        The lateral cell stays that of the crystal, so that the glass fits on it; the normal is free. The fifth stage is
        the runs at several temperatures, `glass_spec`.
        """
        stages = {stage.name: stage for stage in amorphization(self.glass_scale, pressure=self.pressure, free="z")}
        pressed = self.pressure + MELT_PRESSURE
        stages["heat"], stages["melt"] = (replace(stages[name], pressure=pressed) for name in ("heat", "melt"))
        stages["cool"] = replace(stages["cool"], pressure=pressed, final_pressure=self.pressure)
        return self._spec(
            tuple(stages[name] for name in AMORPHIZATION if name != "produce"), None, _seed(self.seed, 0.0, plane)
        )

    def glass_spec(self, temperature: float, plane: str | None = None) -> RunSpec:
        """Describe the run at one temperature of the glass, or of its interface with a plane of the crystal.

        A glass that softens does not resist shear: by itself it keeps the shape of its cell.
        """
        return self._spec(
            self._at(temperature, self.glass_production, self.free if plane else "isotropic"),
            None,
            _seed(self.seed, temperature, f"amorphous/{plane or ''}"),
        )

    def _at(self, temperature: float, production: float, free: str) -> tuple[Stage, ...]:
        moving = self.ensemble == "npt"
        return single_temperature(
            temperature,
            production=self._picoseconds(self._frame_steps(production)),
            equilibration=self.equilibration,
            ensemble=self.ensemble,
            pressure=self.pressure if moving else 0.0,
            free=free if moving else "isotropic",
        )

    def _spec(self, stages: tuple[Stage, ...], structure: Json | None, seed: int) -> RunSpec:
        return RunSpec(
            stages=stages,
            structure=structure,
            potential=self.potential,
            timestep=self.timestep,
            thermostat_time=self.thermostat_time,
            barostat_time=self.barostat_time,
            frame_interval=self.frame_interval,
            thermo_interval=self.frame_interval,
            checkpoint_interval=self._picoseconds(_CHECKPOINT_STEPS),
            seed=seed,
            threads=self.threads,
            engine=self.engine,
            ranks=self.ranks,
        )

    @property
    def steps(self) -> int:
        """Steps of each run of the crystal: equilibration, then a whole number of frame intervals."""
        return self._steps(self.equilibration) + self._frame_steps(self.production)

    def _builder(self, boundary: str | None) -> Json:
        if boundary is None:
            return {"builder": "beta_li3ps4", "supercell": list(self.supercell), "ordering": self.ordering}
        return {"builder": "boundary", "name": boundary, "ordering": self.ordering, "atoms": self.boundary_atoms}

    def _frame_steps(self, picoseconds: float) -> int:
        """Steps of a time, as a whole number of frame intervals."""
        interval = self._steps(self.frame_interval)
        return interval * round(self._steps(picoseconds) / interval)

    def _steps(self, picoseconds: float) -> int:
        return round(picoseconds * 1e3 / self.timestep)

    def _picoseconds(self, steps: int) -> float:
        return steps * self.timestep * 1e-3


def _seed(seed: int, temperature: float, name: str) -> int:
    """Seed of one run: it depends on its own system and temperature only, so that adding another changes nothing."""
    entropy = [seed, round(temperature * 1000), *name.encode()]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])


def _sequence(config: StudyConfig, name: str) -> tuple[Any, ...]:
    value = getattr(config, name)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ValueError(f"{name} must be a list, got {value!r}")
    return tuple(value)
