"""Training of moment tensor potentials: loss, variable projection, errors, and the grid of hyper-parameters."""

from betalps.training.accuracy import ErrorReport, Errors, PropertyErrors, evaluate
from betalps.training.checkpoint import Iteration
from betalps.training.cost import measure_cost
from betalps.training.fitting import fit
from betalps.training.grid import CUTOFFS, LEVELS, grid_search
from betalps.training.labels import LabelError
from betalps.training.points import GridPoint, GridResult
from betalps.training.recommendation import Recommendation, recommend
from betalps.training.result import TrainingResult
from betalps.training.settings import FitSettings
from betalps.training.sources import Sources
from betalps.training.weights import Weights

__all__ = [
    "CUTOFFS",
    "LEVELS",
    "ErrorReport",
    "Errors",
    "FitSettings",
    "GridPoint",
    "GridResult",
    "Iteration",
    "LabelError",
    "PropertyErrors",
    "Recommendation",
    "Sources",
    "TrainingResult",
    "Weights",
    "evaluate",
    "fit",
    "grid_search",
    "measure_cost",
    "recommend",
]
