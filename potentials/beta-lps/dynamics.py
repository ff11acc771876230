"""Trajectories at constant pressure or cell from which structures are drawn."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import FIRE

from structures import build

STEP = 2.0  # fs
_CHUNK, _RAMP_CHUNK = 10, 50  # steps between which a run is watched, and the temperature is changed


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a trajectory.

    ``ensemble`` is "cell" (NPT, all of the cell), "volume" (NPT, isotropic) or "nvt" (Langevin); the temperature goes
    from `start` to `end` (K) in `time` (ps); every `every` ps a frame is kept, none for 0.
    """

    ensemble: str
    start: float
    end: float
    time: float
    every: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A structure (see `structures.build`) and what happens to it. `name` decides the random numbers."""

    name: str
    group: str
    structure: str
    stages: tuple[Stage, ...]
    relax: int = 0

    @property
    def seed(self) -> int:
        """From the name, so that trajectories can be added without changing the others."""
        return zlib.crc32(self.name.encode())


def run(
    trajectory: Trajectory, calculator: BaseCalculator, largest_grade: float | None = None
) -> tuple[list[Atoms], str]:
    """Frames of a trajectory, and why it ended early, if it did.

    With `largest_grade` it ends where the grade (looked at every 0.02 ps) exceeds that; this frame is kept.
    """
    atoms = build(trajectory.structure, trajectory.seed)
    atoms.calc = calculator
    if trajectory.relax:
        FIRE(atoms, logfile=None, maxstep=0.05).run(fmax=0.1, steps=trajectory.relax)
    rng = np.random.default_rng(trajectory.seed)
    MaxwellBoltzmannDistribution(atoms, temperature_K=trajectory.stages[0].start, rng=rng)
    Stationary(atoms)
    frames: list[Atoms] = []
    time = 0.0
    for stage in trajectory.stages:
        kept = 0
        for passed, temperature in moving(atoms, stage, rng):
            if not np.isfinite(atoms.positions).all() or atoms.get_temperature() > 4 * temperature + 500:
                return frames, f"unstable at {time + passed:.2f} ps"
            if largest_grade is not None and (grade := calculator.get_grade(atoms)) > largest_grade:
                return [*frames, _snapshot(atoms, trajectory, temperature, time + passed)], (
                    f"grade {grade:.1f} at {time + passed:.2f} ps"
                )
            if stage.every and passed >= (kept + 1) * stage.every - 1e-9:
                kept += 1
                frames.append(_snapshot(atoms, trajectory, temperature, time + passed))
        time += stage.time
    return frames, ""


def moving(atoms: Atoms, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Move `atoms` through a stage; gives the time passed (ps) and the temperature every 0.02 ps (ramps: 0.1 ps)."""
    constant = stage.start == stage.end
    steps = _CHUNK if constant else _RAMP_CHUNK
    chunks = max(1, round(1000 * stage.time / STEP / steps))
    dynamics = _integrator(atoms, stage, stage.start, rng) if constant else None
    for chunk in range(1, chunks + 1):
        temperature = stage.start + (stage.end - stage.start) * chunk / chunks
        if dynamics is None or not constant:
            dynamics = _integrator(atoms, stage, temperature, rng)
        try:
            dynamics.run(steps)
        except Exception as error:
            atoms.positions[:] = np.nan
            atoms.info["reason"] = str(error)
        yield chunk * steps * STEP / 1000, temperature


def _integrator(atoms: Atoms, stage: Stage, temperature: float, rng: np.random.Generator):
    if stage.ensemble == "nvt":
        return Langevin(
            atoms, STEP * units.fs, temperature_K=temperature, friction=0.01 / units.fs, rng=rng, fixcm=False
        )
    kinds: dict[str, Callable] = {"cell": MTKNPT, "volume": IsotropicMTKNPT}
    return kinds[stage.ensemble](
        atoms,
        STEP * units.fs,
        temperature_K=temperature,
        pressure_au=1e5 * units.Pascal,
        tdamp=100 * units.fs,
        pdamp=1000 * units.fs,
    )


def _snapshot(atoms: Atoms, trajectory: Trajectory, temperature: float, time: float) -> Atoms:
    frame = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell.array.round(6), pbc=atoms.pbc)
    frame.wrap()
    frame.positions = frame.positions.round(5)
    frame.info = {
        "group": trajectory.group,
        "source": trajectory.name,
        "temperature_K": round(temperature),
        "time_ps": round(time, 3),
    }
    return frame
