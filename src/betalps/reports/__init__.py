"""Plots and the HTML report of a study's results. The only package that draws."""

from betalps.reports.boundary_diffusion import plot_boundary_diffusion
from betalps.reports.boundary_table import boundaries_table, boundary_table
from betalps.reports.candidates import plot_candidates
from betalps.reports.html import render_report, write_report
from betalps.reports.plots import plot_arrhenius, plot_msd, plot_thermodynamics
from betalps.reports.structure_plots import (
    plot_bond_angles,
    plot_planar_density,
    plot_polyanions,
    plot_profile,
    plot_rdf,
    plot_reorientation,
)
from betalps.reports.structures import plot_boundary
from betalps.reports.training import plot_cost, plot_grid, plot_loss, plot_parity

__all__ = [
    "boundaries_table",
    "boundary_table",
    "plot_arrhenius",
    "plot_bond_angles",
    "plot_boundary",
    "plot_boundary_diffusion",
    "plot_candidates",
    "plot_cost",
    "plot_grid",
    "plot_loss",
    "plot_msd",
    "plot_parity",
    "plot_planar_density",
    "plot_polyanions",
    "plot_profile",
    "plot_rdf",
    "plot_reorientation",
    "plot_thermodynamics",
    "render_report",
    "write_report",
]
