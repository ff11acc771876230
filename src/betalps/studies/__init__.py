"""Whole studies: systems, temperatures, runs and analyses, resumable, with their numbers in one JSON file."""

from betalps.studies.analyses import RegionAnalyses, analyse_study
from betalps.studies.config import StudyConfig
from betalps.studies.diffusion import Event, diffusion_study, steps_done
from betalps.studies.estimate import CostEstimate, estimate_cost
from betalps.studies.systems import System, build_systems

__all__ = [
    "CostEstimate",
    "Event",
    "RegionAnalyses",
    "StudyConfig",
    "System",
    "analyse_study",
    "build_systems",
    "diffusion_study",
    "estimate_cost",
    "steps_done",
]
