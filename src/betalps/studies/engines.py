"""The runs of a study: in process, or in LAMMPS where the cell is large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.dynamics import estimate_run, load_checkpoint, run
from betalps.dynamics.recorder import CHECKPOINT
from betalps.protocols import RunSpec
from betalps.studies.config import StudyConfig
from betalps.studies.systems import System
from betalps.typing import PathLike
from betalps.workers import Report

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from betalps.lammps import EngineChoice


def choose_engines(
    config: StudyConfig, systems: Sequence[System], folder: PathLike | None = None
) -> dict[tuple[str, float], EngineChoice]:
    """Where each run is computed, by system and temperature.

    Parameters
    ----------
    config
        Its `engine` and `ranks`; its `workers` share the cores.
    systems
        What is simulated.
    folder
        Of the study: runs that were begun go on where they were begun.

    Raises
    ------
    LammpsError
        LAMMPS is asked for, or was begun with, and is missing: says how to install it.
    CheckpointError
        A run was begun in the other place than is asked for.
    """
    from betalps.lammps import choose_engine, find_lammps

    chosen = {
        (system.name, temperature): choose_engine(
            spec,
            len(system.atoms),
            None if folder is None else Path(folder) / system.folder(temperature),
            at_once=config.workers,
        )
        for system in systems
        for temperature, spec in system.specs.items()
    }
    if any(choice.engine == "lammps" for choice in chosen.values()):
        find_lammps()
    return chosen


def run_one(
    report: Report,
    *,
    atoms: Atoms,
    folder: Path,
    spec: RunSpec,
    calculator: Callable[[], Calculator],
    choice: EngineChoice | None,
) -> Atoms:
    """Make one run, or what is left of it; without a choice, in process. Returns the structure at its end."""
    if choice is not None and choice.engine == "lammps":
        from betalps.lammps import run_lammps

        return run_lammps(spec, folder, atoms=atoms, ranks=choice.ranks, observers=[report]).atoms
    return run(spec, folder, atoms=atoms, calculator=calculator, observers=[report]).atoms


def steps_of(folder: Path) -> int:
    """Steps that a run's folder holds.

    Raises
    ------
    CheckpointError
        Its checkpoint cannot be read.
    """
    if (folder / CHECKPOINT).exists():
        return load_checkpoint(folder / CHECKPOINT).step
    if not folder.is_dir():
        return 0
    from betalps.lammps import next_launch

    return next_launch(folder).step


def seconds_per_step(
    spec: RunSpec, atoms: Atoms, calculator: Callable[[], Calculator], choice: EngineChoice | None, trial_steps: int
) -> float:
    """Time some steps of a run."""
    if choice is not None and choice.engine == "lammps":
        from betalps.lammps import estimate_lammps

        cost = estimate_lammps(spec, atoms=atoms, ranks=choice.ranks, trial_steps=trial_steps)
    else:
        cost = estimate_run(spec, atoms=atoms, calculator=calculator, trial_steps=trial_steps)
    return cost.seconds_per_step
