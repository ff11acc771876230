"""Lithium diffusion in β-Li3PS4 and its grain boundaries against temperature."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.dynamics import Progress, UnstableRunError, load_checkpoint, run
from betalps.dynamics.starting import describe_potential
from betalps.files import write_atomic
from betalps.protocols import RunSpec
from betalps.studies.config import StudyConfig
from betalps.studies.systems import build_systems
from betalps.typing import Json, PathLike
from betalps.workers import Report, run_tasks

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


@dataclass(frozen=True, kw_only=True)
class Event:
    """Progress of one run of a study.

    Attributes
    ----------
    system
        `betalps.studies.systems.CRYSTAL`, or the name of a boundary.
    temperature
        Of the run, K.
    progress
        How far it is.
    """

    system: str
    temperature: float
    progress: Progress


def diffusion_study(
    config: StudyConfig,
    folder: PathLike,
    *,
    observer: Callable[[Event], None] | None = None,
    calculator: Callable[[], Calculator] | None = None,
) -> Json:
    """Run a study, or what is left of it, and write its ``results.json``.

    Parameters
    ----------
    config
        The study.
    folder
        One folder per temperature (a boundary's within a folder of its own) and ``results.json`` go there. A run that
        is done is not computed again; one that was interrupted goes on from its last checkpoint.
    observer
        Called with the progress of every run, about once per frame.
    calculator
        Makes the ASE calculator; picklable if there is more than one worker. By default `betalps.MTP` with
        the configuration's potential.

    Returns
    -------
    dict
        The content of ``results.json``: configuration, provenance, every temperature's diffusion coefficient
        with its interval, the Arrhenius line, and what could not be resolved or had to be extrapolated; the same of
        every grain boundary. A run that blew up is listed under ``failed``; the others are still analysed.

    Raises
    ------
    StructureError
        If the starting crystal is not what it should be.
    CheckpointError
        If the folder holds runs of another study, or is in use.
    WorkerError
        If a process was killed.

    Notes
    -----
    With more than one worker this starts processes by "spawn": a script that calls it needs the usual
    ``if __name__ == "__main__":``.
    """
    folder = Path(folder)
    calculator = calculator or calculator_factory(config)
    found = build_systems(config)
    tasks = {
        (system.name, temperature): partial(
            _run, atoms=system.atoms, folder=folder / system.folder(temperature), spec=spec, calculator=calculator
        )
        for system in found
        for temperature, spec in system.specs.items()
    }

    def report(key: tuple[str, float], progress: Progress) -> None:
        if observer is not None:
            observer(Event(system=key[0], temperature=key[1], progress=progress))

    outcomes = run_tasks(tasks, config.workers, report)
    failed = {key: str(error) for key, error in outcomes.items() if error is not None}
    for error in outcomes.values():
        if error is not None and not isinstance(error, UnstableRunError):
            raise error
    from betalps.studies.results import assemble

    results = assemble(config, found, describe_potential(calculator()), folder, failed)
    write_atomic(folder / "results.json", (json.dumps(results, indent=1, allow_nan=False) + "\n").encode())
    return results


def _run(report: Report, *, atoms: Atoms, folder: Path, spec: RunSpec, calculator: Callable[[], Calculator]) -> None:
    run(spec, folder, atoms=atoms, calculator=calculator, observers=[report])


def steps_done(config: StudyConfig, folder: PathLike) -> dict[tuple[str, float], int]:
    """Count the steps that a study's folder holds already.

    Parameters
    ----------
    config
        The study.
    folder
        Its folder; need not exist.

    Returns
    -------
    dict
        Steps by system and temperature.

    Raises
    ------
    CheckpointError
        If a checkpoint cannot be read.
    """
    paths = {
        (system.name, temperature): Path(folder) / system.folder(temperature) / "checkpoint.npz"
        for system in build_systems(config)
        for temperature in system.specs
    }
    return {key: load_checkpoint(path).step if path.exists() else 0 for key, path in paths.items()}


def calculator_factory(config: StudyConfig) -> Callable[[], Calculator]:
    """Make what makes the configuration's calculator; it can be handed to another process."""
    from betalps.calculators import MTP
    from betalps.potentials import load

    return partial(MTP, load(config.potential), threads=config.threads)
