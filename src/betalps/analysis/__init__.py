"""What a trajectory says: one function per question, one frozen result per answer."""

from betalps.analysis.energetics._strained import BulkProgress
from betalps.analysis.energetics.boundary_energy import (
    BoundaryEnergy,
    BoundaryProgress,
    boundary_energies,
    boundary_energy,
    static_boundary_energy,
)
from betalps.analysis.energetics.bulk import (
    TABLE_1,
    BulkProperties,
    Lattice,
    bulk_properties,
    lattice_parameters,
    relaxed_lattice,
)
from betalps.analysis.energetics.elasticity import ElasticTensor, elastic_tensor
from betalps.analysis.energetics.equation_of_state import EquationOfState, equation_of_state
from betalps.analysis.energetics.relaxation import Relaxation, Relaxed, relax
from betalps.analysis.homology.persistence import PersistenceDiagram, persistence_diagram
from betalps.analysis.homology.ring_lifetimes import RingLifetime, RingLifetimes, ring_lifetimes
from betalps.analysis.homology.ring_map import RingMap, ring_map
from betalps.analysis.homology.rings import Rings, rings
from betalps.analysis.hopping.jumps import JumpActivation, JumpPath, Jumps, Residence, jump_activation, jumps
from betalps.analysis.hopping.sites import (
    CrystalSites,
    SiteOccupancy,
    SiteVisits,
    crystal_sites,
    site_occupancy,
    site_visits,
)
from betalps.analysis.result import Result
from betalps.analysis.structure.angles import BondAngles, bond_angles
from betalps.analysis.structure.density_maps import (
    DensityGrid,
    PlanarDensity,
    density_grid,
    planar_density,
    write_density,
)
from betalps.analysis.structure.disorder import Disorder, disorder, disorder_parameters
from betalps.analysis.structure.paddle_wheel import PaddleWheel, paddle_wheel
from betalps.analysis.structure.polyanions import Polyanions, PolyanionUnits, polyanion_units, polyanions
from betalps.analysis.structure.profiles import ConcentrationProfile, concentration_profile
from betalps.analysis.structure.rdf import RadialDistribution, RadialDistributions, radial_distributions
from betalps.analysis.structure.reorientation import Correlation, Reorientation, reorientation
from betalps.analysis.transport.arrhenius import Arrhenius, arrhenius
from betalps.analysis.transport.collective import CollectiveDiffusion, collective_diffusion
from betalps.analysis.transport.conductivity import Conductivity, carrier_density, charge_diffusivity, conductivity
from betalps.analysis.transport.diffusion import Diffusion, Estimate, Replicas, combine_runs, diffusion
from betalps.analysis.transport.msd import MeanSquaredDisplacement, mean_squared_displacement
from betalps.analysis.transport.regional import REGIONAL_METHODS, RegionalDiffusion, regional_diffusion
from betalps.analysis.transport.survival import Survival, survival
from betalps.analysis.transport.window import FitWindow

__all__ = [
    "REGIONAL_METHODS",
    "TABLE_1",
    "Arrhenius",
    "BondAngles",
    "BoundaryEnergy",
    "BoundaryProgress",
    "BulkProgress",
    "BulkProperties",
    "CollectiveDiffusion",
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
    "PaddleWheel",
    "PersistenceDiagram",
    "PlanarDensity",
    "PolyanionUnits",
    "Polyanions",
    "RadialDistribution",
    "RadialDistributions",
    "RegionalDiffusion",
    "Relaxation",
    "Relaxed",
    "Reorientation",
    "Replicas",
    "Residence",
    "Result",
    "RingLifetime",
    "RingLifetimes",
    "RingMap",
    "Rings",
    "SiteOccupancy",
    "SiteVisits",
    "Survival",
    "arrhenius",
    "bond_angles",
    "boundary_energies",
    "boundary_energy",
    "bulk_properties",
    "carrier_density",
    "charge_diffusivity",
    "collective_diffusion",
    "combine_runs",
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
    "paddle_wheel",
    "persistence_diagram",
    "planar_density",
    "polyanion_units",
    "polyanions",
    "radial_distributions",
    "regional_diffusion",
    "relax",
    "relaxed_lattice",
    "reorientation",
    "ring_lifetimes",
    "ring_map",
    "rings",
    "site_occupancy",
    "site_visits",
    "static_boundary_energy",
    "survival",
    "write_density",
]
