"""From structures to better training data: grades, active sets, cutting, labelling."""

from betalps.active_learning.cutting import Cutting, cut, cut_extrapolative, relax_surroundings
from betalps.active_learning.factories import gpaw, mtp, named_calculator, sevennet, vasp_pbe_aimd, vasp_single_point
from betalps.active_learning.grading import Grades, grade
from betalps.active_learning.label_store import Failure
from betalps.active_learning.label_workers import LabelWorkers
from betalps.active_learning.labelling import Labelled, LabellingError, LabelProgress, label
from betalps.active_learning.loop.config import LoopConfig, Seed
from betalps.active_learning.loop.learning import ActiveLearning
from betalps.active_learning.loop.progress import LoopProgress
from betalps.active_learning.loop.settings import Budget, Choosing, Exploration, Fitting, Labels
from betalps.active_learning.loop.state import LoopState
from betalps.active_learning.maxvol import MaxVol
from betalps.active_learning.selection import Selection, SelectionProgress, select

__all__ = [
    "ActiveLearning",
    "Budget",
    "Choosing",
    "Cutting",
    "Exploration",
    "Failure",
    "Fitting",
    "Grades",
    "LabelProgress",
    "LabelWorkers",
    "Labelled",
    "LabellingError",
    "Labels",
    "LoopConfig",
    "LoopProgress",
    "LoopState",
    "MaxVol",
    "Seed",
    "Selection",
    "SelectionProgress",
    "cut",
    "cut_extrapolative",
    "gpaw",
    "grade",
    "label",
    "mtp",
    "named_calculator",
    "relax_surroundings",
    "select",
    "sevennet",
    "vasp_pbe_aimd",
    "vasp_single_point",
]
