"""Which analyses a run of a study gets in which region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

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
from betalps.structures import around_boundaries, beta_li3ps4_sites, boundary_record, slab_region
from betalps.structures.regions import THICKNESS, Region
from betalps.studies.systems import System
from betalps.trajectories import Trajectory

if TYPE_CHECKING:
    from ase import Atoms

WHOLE, BOUNDARY = "whole cell", "boundary"
CRYSTAL_SIDE, GLASS_SIDE = "crystal side", "glass side"
REGIONAL_DIFFUSION = "regional diffusion"

_THINNEST = 5.0  # Å: in less, all ions are at the border

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
    if system.kind in ("crystal", "glass"):
        if structure:
            sites: dict[str, Job] = {"sites": partial(_sites, trajectory)} if system.kind == "crystal" else {}
            yield WHOLE, {**_everywhere(trajectory, None), **_framework(trajectory), **sites}
        return
    slabs = around_boundaries(system.atoms)
    yield BOUNDARY, {**_diffusing(trajectory, slabs), **(_everywhere(trajectory, slabs) if structure else {})}
    if system.kind == "interface":
        for name, inside in _sides(system.atoms).items():
            yield name, _diffusing(trajectory, inside)
    if structure:
        yield WHOLE, {**_along_normal(system, trajectory), **_framework(trajectory)}


def _sides(atoms: Atoms) -> dict[str, Region]:
    """What is in the middle of the crystal and of the glass, away from their interfaces."""
    record = boundary_record(atoms)
    height = float(atoms.cell.array[2, 2])
    first, second = record["boundaries"]
    middles = (first + second) / 2, ((second + first + height) / 2) % height
    thicknesses = (second - first - THICKNESS, height - (second - first) - THICKNESS)
    return {
        name: slab_region(atoms.cell.array, middle, thickness)
        for name, middle, thickness in zip((CRYSTAL_SIDE, GLASS_SIDE), middles, thicknesses, strict=True)
        if thickness >= _THINNEST
    }


def _diffusing(trajectory: Trajectory, region: Region) -> dict[str, Job]:
    return {REGIONAL_DIFFUSION: lambda: {REGIONAL_DIFFUSION: regional_diffusion(trajectory, region)}}


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
