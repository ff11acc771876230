"""Which analyses a run of a study gets in which region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

from betalps.analysis import (
    Result,
    concentration_profile,
    crystal_sites,
    disorder,
    jumps,
    planar_density,
    polyanions,
    radial_distributions,
    regional_diffusion,
    reorientation,
    rings,
    site_occupancy,
    site_visits,
)
from betalps.structures import around_boundaries, beta_li3ps4_sites
from betalps.structures.regions import Region
from betalps.studies.systems import CRYSTAL, System
from betalps.trajectories import Trajectory

WHOLE, BOUNDARY = "whole cell", "boundary"

# Frames that an analysis takes at the most, spread over the run: more would repeat what is known within the errors.
_FRAMES = {"rdf": 150, "polyanions": 150, "disorder": 80, "rings": 40}

Job: TypeAlias = Callable[[], Mapping[str, Result]]
"""Makes results by name."""


def jobs_of(system: System, trajectory: Trajectory, *, structure: bool) -> Iterator[tuple[str, dict[str, Job]]]:
    """What to do with a run, by region.

    Parameters
    ----------
    system, trajectory
        Of the run.
    structure
        Also what is compared between systems at one temperature alone.
    """
    if system.name == CRYSTAL:
        if structure:
            sites: dict[str, Job] = {"sites": partial(_sites, trajectory)}
            yield WHOLE, {**_everywhere(trajectory, None), **_framework(trajectory), **sites}
        return
    slabs = around_boundaries(system.atoms)
    diffusing: dict[str, Job] = {
        "regional diffusion": lambda: {"regional diffusion": regional_diffusion(trajectory, slabs)}
    }
    yield BOUNDARY, {**diffusing, **(_everywhere(trajectory, slabs) if structure else {})}
    if structure:
        yield WHOLE, {**_along_normal(system, trajectory), **_framework(trajectory)}


def _everywhere(trajectory: Trajectory, region: Region | None) -> dict[str, Job]:
    """What can be compared between regions."""
    part = {name: trajectory[:: -(-len(trajectory) // number)] for name, number in _FRAMES.items()}
    return {
        "rdf": lambda: {"rdf": radial_distributions(part["rdf"], region=region)},
        "polyanions": lambda: {"polyanions": polyanions(part["polyanions"], region=region)},
        "disorder": lambda: {"disorder": disorder(part["disorder"], region=region)},
        "rings": lambda: {"rings": rings(part["rings"], region=region)},
    }


def _framework(trajectory: Trajectory) -> dict[str, Job]:
    return {"reorientation": lambda: {"reorientation": reorientation(trajectory)}}


def _along_normal(system: System, trajectory: Trajectory) -> dict[str, Job]:
    """What shows where the boundaries are; the map looks along the first vector, in their plane."""
    return {
        "profile": lambda: {"profile": concentration_profile(trajectory, boundaries=system.atoms)},
        "map": lambda: {"map": planar_density(trajectory, axis=0)},
    }


def _sites(trajectory: Trajectory) -> dict[str, Result]:
    visits = site_visits(trajectory, crystal_sites(beta_li3ps4_sites()).filling(trajectory.mean_cell))
    return {"occupancy": site_occupancy(visits), "jumps": jumps(visits)}
