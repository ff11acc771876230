"""What a trajectory says: one function per question, one frozen result per answer."""

from betalps.analysis.arrhenius import Arrhenius, arrhenius
from betalps.analysis.boundary_energy import (
    BoundaryEnergy,
    BoundaryProgress,
    boundary_energies,
    boundary_energy,
)
from betalps.analysis.conductivity import Conductivity, carrier_density, conductivity
from betalps.analysis.diffusion import Diffusion, Estimate, diffusion
from betalps.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from betalps.analysis.relaxation import Relaxation, Relaxed, relax
from betalps.analysis.result import Result
from betalps.analysis.window import FitWindow

__all__ = [
    "Arrhenius",
    "BoundaryEnergy",
    "BoundaryProgress",
    "Conductivity",
    "Diffusion",
    "Estimate",
    "FitWindow",
    "MeanSquaredDisplacement",
    "Relaxation",
    "Relaxed",
    "Result",
    "arrhenius",
    "boundary_energies",
    "boundary_energy",
    "carrier_density",
    "conductivity",
    "diffusion",
    "mean_squared_displacement",
    "relax",
]
