"""What a study will cost, measured before it is run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.dynamics.integrator import BussiVerlet, thermal_momenta
from betalps.structures import beta_li3ps4
from betalps.studies.config import StudyConfig
from betalps.studies.diffusion import calculator_factory, steps_done
from betalps.typing import PathLike

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The cost of a study on this machine, as it is now.

    Attributes
    ----------
    atoms
        In the supercell.
    steps
        Of each run.
    steps_to_do
        Of all runs together that are not done yet.
    seconds_per_step
        Measured.
    seconds
        Wall time that is left, with the workers that the study asks for.
    """

    atoms: int
    steps: int
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
    temperature = max(config.temperatures)
    atoms = beta_li3ps4(config.supercell, ordering=config.ordering)
    atoms.calc = (calculator or calculator_factory(config)[0])()
    rng = np.random.default_rng(config.seed)
    motion = BussiVerlet(
        atoms,
        config.run_settings(temperature),
        momenta=thermal_momenta(atoms, temperature, rng),
        rng=rng,
    )
    for _ in range(max(trial_steps // 10, 1)):
        motion.step()
    began = time.perf_counter()
    for _ in range(trial_steps):
        motion.step()
    per_step = (time.perf_counter() - began) / trial_steps
    done = steps_done(config, folder) if folder is not None else {}
    left = [config.steps - done.get(t, 0) for t in config.temperatures]
    loads = [0] * config.workers
    for steps in left:
        loads[loads.index(min(loads))] += steps
    return CostEstimate(
        atoms=len(atoms),
        steps=config.steps,
        steps_to_do=sum(left),
        seconds_per_step=per_step,
        seconds=max(loads) * per_step,
    )
