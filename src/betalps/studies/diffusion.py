"""Lithium diffusion in β-Li3PS4, its glass, its grain boundaries and interfaces, against temperature."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from betalps.dynamics import Progress, UnstableRunError
from betalps.dynamics.starting import describe_potential
from betalps.files import write_atomic
from betalps.studies.config import StudyConfig
from betalps.studies.engines import choose_engines, run_one, steps_of
from betalps.studies.systems import System, build_melts, build_systems, keep_glass, melt_name
from betalps.typing import Json, PathLike
from betalps.workers import Report, run_tasks

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from betalps.lammps import EngineChoice

Key: TypeAlias = tuple[str, float]
"""Name of a system, and temperature of its run."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Progress of one run of a study.

    Attributes
    ----------
    system
        Name of the `System`.
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
        One folder per temperature (those of the glass, of a boundary or an interface within a folder of its own) and
        ``results.json`` go there. A run that is done is not computed again; one that was interrupted goes on from its
        last checkpoint. The glass is made once, and kept in the folder of its melt.
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
        the glass, every grain boundary and interface. A run that blew up is listed under ``failed``; the others are
        still analysed.

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
    make = calculator or calculator_factory(config)
    melts, found = build_melts(config), build_systems(config, folder)
    engines = choose_engines(config, [*melts, *found], folder) if calculator is None else {}

    def report(key: Key, progress: Progress) -> None:
        if observer is not None:
            observer(Event(system=key[0], temperature=key[1], progress=progress))

    carry_out = partial(_carry_out, config=config, study=folder, calculator=make, engines=engines, report=report)
    waiting = {system.name for system in found if system.missing}
    failed = carry_out([*melts, *(system for system in found if system.name not in waiting)])
    if waiting:
        found = build_systems(config, folder)
        failed |= carry_out([system for system in found if system.name in waiting and not system.missing])
    for system in found:
        if system.missing:
            failed |= {(system.name, temperature): _why_missing(system, failed) for temperature in system.specs}
    from betalps.studies.results import assemble

    results = assemble(config, found, melts, describe_potential(make()), folder, failed)
    write_atomic(folder / "results.json", (json.dumps(results, indent=1, allow_nan=False) + "\n").encode())
    return results


def _carry_out(
    systems: Sequence[System],
    *,
    config: StudyConfig,
    study: Path,
    calculator: Callable[[], Calculator],
    engines: Mapping[Key, EngineChoice],
    report: Callable[[Key, Progress], None],
) -> dict[Key, str]:
    """Make all runs of some systems, and say which blew up and why."""
    tasks = {
        (system.name, temperature): partial(
            _run_system,
            system=system,
            temperature=temperature,
            study=study,
            calculator=calculator,
            choice=engines.get((system.name, temperature)),
        )
        for system in systems
        for temperature in system.specs
    }
    outcomes = run_tasks(tasks, config.workers, report)
    for error in outcomes.values():
        if error is not None and not isinstance(error, UnstableRunError):
            raise error
    return {key: str(error) for key, error in outcomes.items() if error is not None}


def _run_system(
    report: Report,
    *,
    system: System,
    temperature: float,
    study: Path,
    calculator: Callable[[], Calculator],
    choice: EngineChoice | None,
) -> None:
    """Make one run, or what is left of it; of a melt, keep what it comes to."""
    end = run_one(
        report,
        atoms=system.atoms,
        folder=study / system.folder(temperature),
        spec=system.specs[temperature],
        calculator=calculator,
        choice=choice,
    )
    if system.kind == "melt":
        keep_glass(study, system.plane, end)


def _why_missing(system: System, failed: Mapping[Key, str]) -> str:
    """Why there is nothing to run: what became of the melt, if that is why."""
    melt = [why for (name, _), why in failed.items() if name == melt_name(system.plane)]
    return f"{system.missing}: {melt[0]}" if melt else system.missing


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
        for system in (*build_melts(config), *build_systems(config, folder))
        for temperature in system.specs
    }


def calculator_factory(config: StudyConfig) -> Callable[[], Calculator]:
    """Make what makes the configuration's calculator; it can be handed to another process."""
    from betalps.calculators import MTP
    from betalps.potentials import load

    return partial(MTP, load(config.potential), threads=config.threads)
