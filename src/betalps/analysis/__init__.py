"""What a trajectory says: one function per question, one frozen result per answer."""

from betalps.analysis.angles import BondAngles, bond_angles
from betalps.analysis.arrhenius import Arrhenius, arrhenius
from betalps.analysis.boundary_energy import (
    BoundaryEnergy,
    BoundaryProgress,
    boundary_energies,
    boundary_energy,
)
from betalps.analysis.conductivity import Conductivity, carrier_density, conductivity
from betalps.analysis.density_maps import DensityGrid, PlanarDensity, density_grid, planar_density, write_density
from betalps.analysis.diffusion import Diffusion, Estimate, diffusion
from betalps.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from betalps.analysis.polyanions import Polyanions, PolyanionUnits, polyanion_units, polyanions
from betalps.analysis.profiles import ConcentrationProfile, concentration_profile
from betalps.analysis.rdf import RadialDistribution, RadialDistributions, radial_distributions
from betalps.analysis.relaxation import Relaxation, Relaxed, relax
from betalps.analysis.reorientation import Correlation, Reorientation, reorientation
from betalps.analysis.result import Result
from betalps.analysis.window import FitWindow

__all__ = [
    "Arrhenius",
    "BondAngles",
    "BoundaryEnergy",
    "BoundaryProgress",
    "ConcentrationProfile",
    "Conductivity",
    "Correlation",
    "DensityGrid",
    "Diffusion",
    "Estimate",
    "FitWindow",
    "MeanSquaredDisplacement",
    "PlanarDensity",
    "PolyanionUnits",
    "Polyanions",
    "RadialDistribution",
    "RadialDistributions",
    "Relaxation",
    "Relaxed",
    "Reorientation",
    "Result",
    "arrhenius",
    "bond_angles",
    "boundary_energies",
    "boundary_energy",
    "carrier_density",
    "concentration_profile",
    "conductivity",
    "density_grid",
    "diffusion",
    "mean_squared_displacement",
    "planar_density",
    "polyanion_units",
    "polyanions",
    "radial_distributions",
    "relax",
    "reorientation",
    "write_density",
]
