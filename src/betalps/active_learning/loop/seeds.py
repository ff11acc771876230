"""From the seeds of a study to the runs of an iteration."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.loop.config import LoopConfig, Seed
from betalps.active_learning.loop.settings import Exploration
from betalps.datasets import strained
from betalps.dynamics import build_structure, read_structure
from betalps.dynamics.motion import check_movable
from betalps.protocols import Grading, RunSpec, Stage

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.protocols.stage import Ensemble

_CHECKPOINT = 2000  # steps that a kill can cost a run at most
_FRAMES = 8  # of a stage, for spot checks: of a run that breaks early some are left


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """A structure at a temperature: what one run of every iteration begins from.

    Attributes
    ----------
    name
        Such as ``beta+0.05-900K``.
    seed
        Where it comes from.
    atoms
        The structure.
    temperature
        In K.
    strain
        Isotropic and linear.
    """

    name: str
    seed: Seed
    atoms: Atoms
    temperature: float
    strain: float

    @property
    def group(self) -> str:
        """What its structures are counted under."""
        return self.seed.group or self.seed.name


def build_starts(config: LoopConfig) -> tuple[Start, ...]:
    """Read or build every seed, strain it, and go through its temperatures.

    Raises
    ------
    ValueError, StructureError, FormatError, FileNotFoundError
        A structure cannot be had; names the seed.
    """
    found = []
    for seed in config.seeds:
        try:
            if isinstance(seed.structure, dict):
                atoms = build_structure(seed.structure)
            else:
                atoms = read_structure(Path(seed.structure))
            check_movable(atoms)
            for strain in seed.strains:
                start = strained(atoms, [strain])[0] if strain else atoms
                name = f"{seed.name}{strain:+g}" if strain else seed.name
                found += [
                    Start(name=f"{name}-{t:g}K", seed=seed, atoms=start, temperature=t, strain=strain)
                    for t in seed.temperatures
                ]
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"seed {seed.name}: {error}") from error
    return tuple(found)


def run_spec(
    start: Start, exploration: Exploration, iteration: int, rng: int, potential: Path, *, frames: bool = False
) -> RunSpec:
    """The run from a start in an iteration; its velocities are those of no other. It keeps frames if asked to."""
    ensemble = _ensemble(start, exploration)
    moving = ensemble == "npt"
    free = start.seed.free or exploration.free
    stages: list[tuple[str, float, float, float | None]] = []
    if exploration.heating > 0 and ensemble != "nve":
        stages.append(("heat", exploration.heating, start.temperature / 3, start.temperature))
    stages.append(("explore", start.seed.time or exploration.time, start.temperature, None))
    gamma_break = exploration.breaks_at(iteration)
    stream = np.random.SeedSequence([rng, iteration, zlib.crc32(start.name.encode())])
    return RunSpec(
        stages=tuple(
            Stage(
                name=name,
                ensemble=ensemble,
                time=time,
                temperature=first,
                final_temperature=last,
                pressure=exploration.pressure if moving else 0.0,
                free=free if moving else "isotropic",
                production=False,  # candidates are written on their own
                frame_interval=max(time / _FRAMES, 1e-3 * exploration.timestep) if frames else None,
            )
            for name, time, first, last in stages
        ),
        potential=str(potential),
        timestep=exploration.timestep,
        thermostat_time=exploration.thermostat_time,
        barostat_time=exploration.barostat_time,
        thermo_interval=_between(exploration, sum(time for _, time, _, _ in stages)),
        checkpoint_interval=1e-3 * exploration.timestep * _CHECKPOINT,
        seed=int(stream.generate_state(1)[0]),
        threads=exploration.threads,
        grade=Grading(every=exploration.grade_interval, gamma_select=exploration.gamma_select, gamma_break=gamma_break),
    )


def _between(exploration: Exploration, total: float) -> float:
    """Time between lines of the log: 400 of a run, and none more often than grades, ps."""
    step = 1e-3 * exploration.timestep
    return step * exploration.grade_interval * max(1, round(total / step / exploration.grade_interval / 400))


def _ensemble(start: Start, exploration: Exploration) -> Ensemble:
    if start.seed.ensemble is not None:
        return start.seed.ensemble
    return exploration.ensemble if start.atoms.pbc.all() and not start.strain else "nvt"
