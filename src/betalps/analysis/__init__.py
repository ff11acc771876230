"""What a trajectory says: one function per question, one frozen result per answer."""

from betalps.analysis._strained import BulkProgress
from betalps.analysis.angles import BondAngles, bond_angles
from betalps.analysis.arrhenius import Arrhenius, arrhenius
from betalps.analysis.boundary_energy import (
    BoundaryEnergy,
    BoundaryProgress,
    boundary_energies,
    boundary_energy,
)
from betalps.analysis.bulk import TABLE_1, BulkProperties, Lattice, bulk_properties, lattice_parameters, relaxed_lattice
from betalps.analysis.conductivity import Conductivity, carrier_density, conductivity
from betalps.analysis.density_maps import DensityGrid, PlanarDensity, density_grid, planar_density, write_density
from betalps.analysis.diffusion import Diffusion, Estimate, diffusion
from betalps.analysis.disorder import Disorder, disorder, disorder_parameters
from betalps.analysis.elasticity import ElasticTensor, elastic_tensor
from betalps.analysis.equation_of_state import EquationOfState, equation_of_state
from betalps.analysis.jumps import JumpActivation, JumpPath, Jumps, Residence, jump_activation, jumps
from betalps.analysis.msd import MeanSquaredDisplacement, mean_squared_displacement
from betalps.analysis.persistence import PersistenceDiagram, persistence_diagram
from betalps.analysis.polyanions import Polyanions, PolyanionUnits, polyanion_units, polyanions
from betalps.analysis.profiles import ConcentrationProfile, concentration_profile
from betalps.analysis.rdf import RadialDistribution, RadialDistributions, radial_distributions
from betalps.analysis.relaxation import Relaxation, Relaxed, relax
from betalps.analysis.reorientation import Correlation, Reorientation, reorientation
from betalps.analysis.result import Result
from betalps.analysis.ring_lifetimes import RingLifetime, RingLifetimes, ring_lifetimes
from betalps.analysis.ring_map import RingMap, ring_map
from betalps.analysis.rings import Rings, rings
from betalps.analysis.sites import CrystalSites, SiteOccupancy, SiteVisits, crystal_sites, site_occupancy, site_visits
from betalps.analysis.window import FitWindow

__all__ = [
    "TABLE_1",
    "Arrhenius",
    "BondAngles",
    "BoundaryEnergy",
    "BoundaryProgress",
    "BulkProgress",
    "BulkProperties",
    "ConcentrationProfile",
    "Conductivity",
    "Correlation",
    "CrystalSites",
    "DensityGrid",
    "Diffusion",
    "Disorder",
    "ElasticTensor",
    "EquationOfState",
    "Estimate",
    "FitWindow",
    "JumpActivation",
    "JumpPath",
    "Jumps",
    "Lattice",
    "MeanSquaredDisplacement",
    "PersistenceDiagram",
    "PlanarDensity",
    "PolyanionUnits",
    "Polyanions",
    "RadialDistribution",
    "RadialDistributions",
    "Relaxation",
    "Relaxed",
    "Reorientation",
    "Residence",
    "Result",
    "RingLifetime",
    "RingLifetimes",
    "RingMap",
    "Rings",
    "SiteOccupancy",
    "SiteVisits",
    "arrhenius",
    "bond_angles",
    "boundary_energies",
    "boundary_energy",
    "bulk_properties",
    "carrier_density",
    "concentration_profile",
    "conductivity",
    "crystal_sites",
    "density_grid",
    "diffusion",
    "disorder",
    "disorder_parameters",
    "elastic_tensor",
    "equation_of_state",
    "jump_activation",
    "jumps",
    "lattice_parameters",
    "mean_squared_displacement",
    "persistence_diagram",
    "planar_density",
    "polyanion_units",
    "polyanions",
    "radial_distributions",
    "relax",
    "relaxed_lattice",
    "reorientation",
    "ring_lifetimes",
    "ring_map",
    "rings",
    "site_occupancy",
    "site_visits",
    "write_density",
]
