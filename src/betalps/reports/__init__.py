"""Plots and the HTML report of a study's results. The only package that draws."""

from betalps.reports.active_learning import render_learning_report, write_learning_report
from betalps.reports.analysis_page import write_analyses
from betalps.reports.boundary_diffusion import plot_boundary_diffusion
from betalps.reports.boundary_table import boundaries_table, boundary_table
from betalps.reports.bulk import plot_elastic_tensor, plot_equation_of_state, plot_lattice, plot_table_1, table_1
from betalps.reports.candidates import plot_candidates
from betalps.reports.density import plot_density
from betalps.reports.diffusion import plot_arrhenius_lines, plot_collective, plot_diffusion
from betalps.reports.disorder import plot_disorder
from betalps.reports.html import render_report, write_report
from betalps.reports.jumps import (
    plot_jump_activation,
    plot_jump_correlation,
    plot_jump_network,
    plot_jump_rates,
    plot_occupancy,
    plot_residence,
)
from betalps.reports.learning_plots import plot_grades, plot_learning_errors, plot_selections
from betalps.reports.plots import plot_arrhenius, plot_msd, plot_thermodynamics
from betalps.reports.presentation import Presentation, Quantity, present
from betalps.reports.regional import plot_isotropy, plot_regional, plot_regions, plot_survival
from betalps.reports.rings import plot_persistence, plot_persistent_fraction, plot_ring_lifetimes, plot_ring_sizes
from betalps.reports.structure_plots import (
    plot_bond_angles,
    plot_paddle_wheel,
    plot_planar_density,
    plot_polyanions,
    plot_profile,
    plot_rdf,
    plot_reorientation,
)
from betalps.reports.structures import plot_boundary
from betalps.reports.training import plot_cost, plot_grid, plot_loss, plot_parity

__all__ = [
    "Presentation",
    "Quantity",
    "boundaries_table",
    "boundary_table",
    "plot_arrhenius",
    "plot_arrhenius_lines",
    "plot_bond_angles",
    "plot_boundary",
    "plot_boundary_diffusion",
    "plot_candidates",
    "plot_collective",
    "plot_cost",
    "plot_density",
    "plot_diffusion",
    "plot_disorder",
    "plot_elastic_tensor",
    "plot_equation_of_state",
    "plot_grades",
    "plot_grid",
    "plot_isotropy",
    "plot_jump_activation",
    "plot_jump_correlation",
    "plot_jump_network",
    "plot_jump_rates",
    "plot_lattice",
    "plot_learning_errors",
    "plot_loss",
    "plot_msd",
    "plot_occupancy",
    "plot_paddle_wheel",
    "plot_parity",
    "plot_persistence",
    "plot_persistent_fraction",
    "plot_planar_density",
    "plot_polyanions",
    "plot_profile",
    "plot_rdf",
    "plot_regional",
    "plot_regions",
    "plot_reorientation",
    "plot_residence",
    "plot_ring_lifetimes",
    "plot_ring_sizes",
    "plot_selections",
    "plot_survival",
    "plot_table_1",
    "plot_thermodynamics",
    "present",
    "render_learning_report",
    "render_report",
    "table_1",
    "write_analyses",
    "write_learning_report",
    "write_report",
]
