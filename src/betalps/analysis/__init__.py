"""What a trajectory says: one function per question, one frozen result per answer."""

from betalps.analysis.arrhenius import Arrhenius, arrhenius
from betalps.analysis.conductivity import Conductivity, carrier_density, conductivity
from betalps.analysis.diffusion import Diffusion, Estimate, diffusion
from betalps.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from betalps.analysis.result import Result
from betalps.analysis.window import FitWindow

__all__ = [
    "Arrhenius",
    "Conductivity",
    "Diffusion",
    "Estimate",
    "FitWindow",
    "MeanSquaredDisplacement",
    "Result",
    "arrhenius",
    "carrier_density",
    "conductivity",
    "diffusion",
    "mean_squared_displacement",
]
