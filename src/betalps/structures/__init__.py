"""Crystals and the order of their ions, grain boundaries, amorphous/crystal interfaces, and regions of them."""

from betalps.structures.bonding import Units, bonded_units, default_bonds
from betalps.structures.boundaries.assembly import Assembly
from betalps.structures.boundaries.bicrystals import asymmetric, boundary, tilt, twist
from betalps.structures.boundaries.candidates import Candidate, Candidates, asymmetric_candidates, twist_candidates
from betalps.structures.boundaries.cores import Cores, dislocation_cores, frank_spacing
from betalps.structures.boundaries.equivalence import Equivalence, equivalent_boundaries
from betalps.structures.boundaries.overlaps import Overlaps, find_overlaps, remove_overlaps
from betalps.structures.boundaries.record import boundary_record
from betalps.structures.boundaries.reference import (
    REFERENCE_INTERFACES,
    REFERENCE_SIZE,
    REFERENCE_TILTS,
    REFERENCE_TWISTS,
    reference_study,
)
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.slabs import Slab, Termination, slab, terminations
from betalps.structures.boundaries.translations import (
    RigidMinimum,
    Translations,
    minimised_translation,
    translated,
    translations,
)
from betalps.structures.checks import (
    ALPHA_LI3PS4,
    BETA_LI3PS4,
    GAMMA_LI3PS4,
    DistanceBounds,
    check_distances,
    check_lps,
)
from betalps.structures.contacts import shortest_contacts
from betalps.structures.crystals import BETA_ORDERINGS, alpha_li3ps4, beta_li3ps4, beta_li3ps4_sites, gamma_li3ps4
from betalps.structures.glasses.glass import random_glass
from betalps.structures.glasses.interfaces import amorphous_crystal, glass_cell, packed_interface
from betalps.structures.lattices.coincidence import Match, best_matches, near_coincidences
from betalps.structures.lattices.disorientation import (
    Misorientation,
    direction_indices,
    disorientation,
    misorientation,
    point_operations,
    tilt_misorientation,
)
from betalps.structures.lattices.names import BoundaryName, convert_indices, csl_angles, parse_name
from betalps.structures.lattices.planes import PlaneLattice, parse_plane, plane_lattice
from betalps.structures.ordering.ewald import ewald_energy, ewald_matrix
from betalps.structures.ordering.fillings import Filling, fillings, site_permutations
from betalps.structures.ordering.random_filling import random_filling
from betalps.structures.ordering.ranking import RankedFilling, RankingProgress, ewald_energies, rank_fillings
from betalps.structures.ordering.sites import SiteOrder, partial_occupancies
from betalps.structures.regions import (
    AtomChoice,
    Box,
    Complement,
    Everywhere,
    Intersection,
    Region,
    Union,
    around_boundaries,
    grain_region,
    region_from_dict,
    slab_region,
)

__all__ = [
    "ALPHA_LI3PS4",
    "BETA_LI3PS4",
    "BETA_ORDERINGS",
    "GAMMA_LI3PS4",
    "REFERENCE_INTERFACES",
    "REFERENCE_SIZE",
    "REFERENCE_TILTS",
    "REFERENCE_TWISTS",
    "Assembly",
    "AtomChoice",
    "BoundaryName",
    "Box",
    "Candidate",
    "Candidates",
    "Complement",
    "Cores",
    "DistanceBounds",
    "Equivalence",
    "Everywhere",
    "Filling",
    "Intersection",
    "Match",
    "Misorientation",
    "Overlaps",
    "PlaneLattice",
    "RankedFilling",
    "RankingProgress",
    "Region",
    "RigidMinimum",
    "SiteOrder",
    "Size",
    "Slab",
    "Termination",
    "Translations",
    "Union",
    "Units",
    "alpha_li3ps4",
    "amorphous_crystal",
    "around_boundaries",
    "asymmetric",
    "asymmetric_candidates",
    "best_matches",
    "beta_li3ps4",
    "beta_li3ps4_sites",
    "bonded_units",
    "boundary",
    "boundary_record",
    "check_distances",
    "check_lps",
    "convert_indices",
    "csl_angles",
    "default_bonds",
    "direction_indices",
    "dislocation_cores",
    "disorientation",
    "equivalent_boundaries",
    "ewald_energies",
    "ewald_energy",
    "ewald_matrix",
    "fillings",
    "find_overlaps",
    "frank_spacing",
    "gamma_li3ps4",
    "glass_cell",
    "grain_region",
    "minimised_translation",
    "misorientation",
    "near_coincidences",
    "packed_interface",
    "parse_name",
    "parse_plane",
    "partial_occupancies",
    "plane_lattice",
    "point_operations",
    "random_filling",
    "random_glass",
    "rank_fillings",
    "reference_study",
    "region_from_dict",
    "remove_overlaps",
    "shortest_contacts",
    "site_permutations",
    "slab",
    "slab_region",
    "terminations",
    "tilt",
    "tilt_misorientation",
    "translated",
    "translations",
    "twist",
    "twist_candidates",
]
