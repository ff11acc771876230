"""What a study will cost, measured before it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from betalps.dynamics import estimate_run
from betalps.studies.config import StudyConfig
from betalps.studies.diffusion import calculator_factory, steps_done
from betalps.studies.systems import build_systems
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The cost of a study on this machine, as it is now.

    Attributes
    ----------
    atoms
        Of each system.
    steps
        Of each run, by system and temperature.
    steps_to_do
        Of all runs together that are not done yet.
    seconds_per_step
        Of the crystal, measured.
    seconds
        Wall time that is left, with the workers that the study asks for.
    """

    atoms: dict[str, int]
    steps: dict[tuple[str, float], int]
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
        One process is timed; `workers` of them are assumed not to slow each other down.
    """
    found = build_systems(config)
    crystal = found[0]
    calculator = calculator or calculator_factory(config)
    spec = crystal.specs[max(crystal.specs)]
    cost = estimate_run(spec, atoms=crystal.atoms, calculator=calculator, trial_steps=trial_steps)
    done = steps_done(config, folder) if folder is not None else {}
    steps = {(system.name, t): spec.steps for system in found for t, spec in system.specs.items()}
    atoms = {system.name: len(system.atoms) for system in found}
    left = {key: count - done.get(key, 0) for key, count in steps.items()}
    loads = [0.0] * config.workers  # atom-steps: the cost of a step goes with the number of atoms
    for (name, _), count in left.items():
        loads[loads.index(min(loads))] += count * atoms[name]
    return CostEstimate(
        atoms=atoms,
        steps=steps,
        steps_to_do=sum(left.values()),
        seconds_per_step=cost.seconds_per_step,
        seconds=max(loads) * cost.seconds_per_step / len(crystal.atoms),
    )
