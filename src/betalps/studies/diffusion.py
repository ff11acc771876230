"""Lithium diffusion in β-Li3PS4 against temperature."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics import NVT, Progress, UnstableRunError, load_checkpoint, run_nvt
from betalps.files import write_atomic
from betalps.structures import beta_li3ps4, check_lps
from betalps.studies.config import StudyConfig
from betalps.studies.workers import Report, run_tasks
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


@dataclass(frozen=True, kw_only=True)
class Event:
    """Progress of one run of a study.

    Attributes
    ----------
    temperature
        Of the run, K.
    progress
        How far it is.
    """

    temperature: float
    progress: Progress


def diffusion_study(
    config: StudyConfig,
    folder: PathLike,
    *,
    observer: Callable[[Event], None] | None = None,
    calculator: Callable[[], Calculator] | None = None,
    potential: str | None = None,
) -> Json:
    """Run a study, or what is left of it, and write its ``results.json``.

    Parameters
    ----------
    config
        The study.
    folder
        One folder per temperature and ``results.json`` go there. A temperature that is done is not computed
        again; one that was interrupted goes on from its last checkpoint.
    observer
        Called with the progress of every run, about once per frame.
    calculator
        Makes the ASE calculator; picklable if there is more than one worker. By default `betalps.MTP` with
        the configuration's potential.
    potential
        What identifies the potential behind `calculator`, needed with it.

    Returns
    -------
    dict
        The content of ``results.json``: configuration, provenance, every temperature's diffusion coefficient
        with its interval, the Arrhenius line, and what could not be resolved or had to be extrapolated. A run
        that blew up is listed under ``failed``; the others are still analysed.

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
    if (calculator is None) != (potential is None):
        raise ValueError("calculator and potential go together: give both or neither")
    if calculator is None or potential is None:
        calculator, potential = calculator_factory(config)
    atoms = beta_li3ps4(config.supercell, ordering=config.ordering)
    if config.ordering == "4b4":
        check_lps(atoms)
    tasks = {
        temperature: partial(
            _run,
            atoms=atoms,
            folder=run_folder(folder, temperature),
            settings=config.run_settings(temperature),
            steps=config.steps,
            calculator=calculator,
            potential=potential,
            seed=_seed(config.seed, temperature),
        )
        for temperature in config.temperatures
    }
    outcomes = run_tasks(
        tasks,
        config.workers,
        lambda temperature, progress: observer(Event(temperature=temperature, progress=progress)) if observer else None,
    )
    failed = {temperature: error for temperature, error in outcomes.items() if error is not None}
    for error in failed.values():
        if not isinstance(error, UnstableRunError):
            raise error
    from betalps.studies.results import assemble

    folders = {t: run_folder(folder, t) for t in config.temperatures if t not in failed}
    results = assemble(config, atoms, potential, folders, {t: str(error) for t, error in failed.items()})
    write_atomic(folder / "results.json", (json.dumps(results, indent=1, allow_nan=False) + "\n").encode())
    return results


def _run(
    report: Report,
    *,
    atoms: Atoms,
    folder: Path,
    settings: NVT,
    steps: int,
    calculator: Callable[[], Calculator],
    potential: str,
    seed: list[int],
) -> None:
    run_nvt(
        atoms,
        folder,
        settings,
        steps=steps,
        calculator=calculator,
        potential=potential,
        rng=np.random.default_rng(seed),
        observer=report,
    )


def steps_done(config: StudyConfig, folder: PathLike) -> dict[float, int]:
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
        Steps by temperature.

    Raises
    ------
    CheckpointError
        If a checkpoint cannot be read.
    """
    paths = {t: run_folder(Path(folder), t) / "checkpoint.npz" for t in config.temperatures}
    return {t: load_checkpoint(path).step if path.exists() else 0 for t, path in paths.items()}


def run_folder(folder: Path, temperature: float) -> Path:
    """Where the run at one temperature lies."""
    return folder / f"{temperature:g}K"


def calculator_factory(config: StudyConfig) -> tuple[Callable[[], Calculator], str]:
    """Make what makes the configuration's calculator, and the potential's SHA-256."""
    from betalps.calculators import MTP
    from betalps.potentials import load

    potential = load(config.potential)
    return partial(MTP, potential, threads=config.threads), potential.sha256


def _seed(seed: int, temperature: float) -> list[int]:
    """Seed of one run: it depends on its own temperature only, so that adding another changes nothing."""
    return [seed, round(temperature * 1000)]
