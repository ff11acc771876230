"""The ASE calculator of moment tensor potentials, and the raw call underneath it."""

from betalps.calculators.engine import Engine, Evaluation
from betalps.calculators.evaluation import evaluate
from betalps.calculators.mtp import MTP

__all__ = ["MTP", "Engine", "Evaluation", "evaluate"]
