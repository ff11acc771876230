"""The ASE calculator of moment tensor potentials, and the raw call underneath it."""

from betalps.calculators.engine import Engine, Evaluation, evaluate
from betalps.calculators.mtp import MTP

__all__ = ["MTP", "Engine", "Evaluation", "evaluate"]
