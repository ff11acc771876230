"""Lithium diffusion in β-Li3PS4 and its grain boundaries against temperature."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.dynamics import Progress, UnstableRunError
from betalps.dynamics.starting import describe_potential
from betalps.files import write_atomic
from betalps.studies.config import StudyConfig
from betalps.studies.engines import choose_engines, run_one, steps_of
from betalps.studies.systems import build_systems
from betalps.typing import Json, PathLike
from betalps.workers import run_tasks

if TYPE_CHECKING:
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
        the configuration's potential, and LAMMPS where the cell is large (see `StudyConfig.engine`).

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
    LammpsError
        If LAMMPS is asked for and missing, or failed.
    ValueError
        If a calculator is given for a study that is to run in LAMMPS.
    WorkerError
        If a process was killed.

    Notes
    -----
    With more than one worker this starts processes by "spawn": a script that calls it needs the usual
    ``if __name__ == "__main__":``.
    """
    folder = Path(folder)
    if calculator is not None and config.engine == "lammps":
        raise ValueError("engine is 'lammps', which computes the configuration's potential; expected no calculator")
    found = build_systems(config)
    engines = choose_engines(config, found, folder) if calculator is None else {}
    calculator = calculator or calculator_factory(config)
    tasks = {
        (system.name, temperature): partial(
            run_one,
            atoms=system.atoms,
            folder=folder / system.folder(temperature),
            spec=spec,
            calculator=calculator,
            choice=engines.get((system.name, temperature)),
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
    return {
        (system.name, temperature): steps_of(Path(folder) / system.folder(temperature))
        for system in build_systems(config)
        for temperature in system.specs
    }


def calculator_factory(config: StudyConfig) -> Callable[[], Calculator]:
    """Make what makes the configuration's calculator; it can be handed to another process."""
    from betalps.calculators import MTP
    from betalps.potentials import load

    return partial(MTP, load(config.potential), threads=config.threads)
