"""Whole studies: systems, temperatures, runs and analyses, resumable, with their numbers in one JSON file."""

from betalps.studies.analyses import RegionAnalyses, analyse_study
from betalps.studies.config import StudyConfig
from betalps.studies.diffusion import Event, diffusion_study, steps_done
from betalps.studies.engines import choose_engines
from betalps.studies.estimate import CostEstimate, estimate_cost
from betalps.studies.held_out import (
    HELD_OUT_BOUNDARIES,
    HeldOutRun,
    HeldOutSet,
    boundary_test_runs,
    draw_held_out,
)
from betalps.studies.systems import System, build_melts, build_systems

__all__ = [
    "HELD_OUT_BOUNDARIES",
    "CostEstimate",
    "Event",
    "HeldOutRun",
    "HeldOutSet",
    "RegionAnalyses",
    "StudyConfig",
    "System",
    "analyse_study",
    "boundary_test_runs",
    "build_melts",
    "build_systems",
    "choose_engines",
    "diffusion_study",
    "draw_held_out",
    "estimate_cost",
    "steps_done",
]
