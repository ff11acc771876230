"""What a study will cost, measured before it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betalps.studies.config import StudyConfig
from betalps.studies.diffusion import calculator_factory, steps_done
from betalps.studies.engines import choose_engines, seconds_per_step
from betalps.studies.systems import System, build_melts, build_systems
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from betalps.lammps import EngineChoice

Key = tuple[str, float]  # system and temperature
Choices = Mapping[Key, "EngineChoice"]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The cost of a study on this machine, as it is now.

    Attributes
    ----------
    atoms
        Of each system, the melts that glass is made of too.
    steps
        Of each run, by system and temperature.
    engines
        What will compute each system, such as "in process (64 atoms, fewer than 10000)".
    steps_to_do
        Of all runs together that are not done yet.
    seconds_per_step
        Of the crystal, measured.
    seconds
        Wall time that is left, with the workers that the study asks for.
    """

    atoms: dict[str, int]
    steps: dict[tuple[str, float], int]
    engines: dict[str, str]
    steps_to_do: int
    seconds_per_step: float
    seconds: float


def estimate_cost(
    config: StudyConfig,
    folder: PathLike | None = None,
    *,
    calculator: Callable[[], Calculator] | None = None,
    trial_steps: int = 100,
) -> CostEstimate:
    """Time some steps and count those that are left.

    Parameters
    ----------
    config
        The study.
    folder
        Its folder: what is done there already is not counted. Nothing is written.
    calculator
        Makes the calculator; by default the configuration's potential.
    trial_steps
        How many steps to time.

    Returns
    -------
    CostEstimate
        One run is timed in process and one in LAMMPS, as far as the study has such; `workers` of them are assumed
        not to slow each other down.
    """
    crystal, *others = build_systems(config, folder)
    found = [crystal, *others, *build_melts(config)]
    choices = choose_engines(config, found, folder) if calculator is None else {}
    calculator = calculator or calculator_factory(config)
    per_atom = _seconds_per_atom(found, choices, calculator, trial_steps)
    done = steps_done(config, folder) if folder is not None else {}
    steps = {(system.name, t): spec.steps for system in found for t, spec in system.specs.items()}
    atoms = {system.name: len(system.atoms) for system in found}
    left = {key: count - done.get(key, 0) for key, count in steps.items()}
    loads = [0.0] * config.workers  # seconds: the cost of a step goes with the number of atoms
    for key, count in left.items():
        loads[loads.index(min(loads))] += count * atoms[key[0]] * per_atom[_engine(choices, key)]
    return CostEstimate(
        atoms=atoms,
        steps=steps,
        engines={system.name: _engines_of(system, choices) for system in found},
        steps_to_do=sum(left.values()),
        seconds_per_step=len(crystal.atoms) * per_atom[_engine(choices, (crystal.name, max(crystal.specs)))],
        seconds=max(loads),
    )


def _engine(choices: Choices, key: Key) -> str:
    return str(choices.get(key) or "in process")


def _engines_of(system: System, choices: Choices) -> str:
    """What computes a system's runs, and why."""
    found = [choices.get((system.name, temperature)) for temperature in system.specs]
    return ", ".join(dict.fromkeys(f"{choice} ({choice.reason})" if choice else "in process" for choice in found))


def _seconds_per_atom(
    systems: Sequence[System], choices: Choices, calculator: Callable[[], Calculator], trial_steps: int
) -> dict[str, float]:
    """Time a step by every engine, of the first and hottest run that it makes."""
    found: dict[str, float] = {}
    for system in systems:
        for temperature in sorted(system.specs, reverse=True):
            key = (system.name, temperature)
            engine = _engine(choices, key)
            if engine not in found:
                spec = system.specs[temperature]
                seconds = seconds_per_step(spec, system.atoms, calculator, choices.get(key), trial_steps)
                found[engine] = seconds / len(system.atoms)
    return found
