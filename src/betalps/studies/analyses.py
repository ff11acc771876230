"""What the runs of a study say beside diffusion: structure, rings, disorder and sites, by region."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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
from betalps.errors import BetalpsError
from betalps.files import write_atomic
from betalps.provenance import provenance
from betalps.structures import around_boundaries, beta_li3ps4_sites
from betalps.structures.regions import Region
from betalps.studies.config import StudyConfig
from betalps.studies.systems import CRYSTAL, System, build_systems
from betalps.trajectories import Trajectory, open_trajectory
from betalps.typing import Json, PathLike

WHOLE, BOUNDARY = "whole cell", "boundary"

# Frames that an analysis takes at the most, spread over the run: more would repeat what is known within the errors.
_FRAMES = {"rdf": 150, "polyanions": 150, "disorder": 80, "rings": 40}

_Job = Callable[[], Mapping[str, Result]]


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionAnalyses:
    """The analyses of one run in one region.

    Attributes
    ----------
    system
        `CRYSTAL`, or the name of a boundary.
    region
        `WHOLE`, or `BOUNDARY`: the slabs about the boundaries.
    temperature
        Of the run, K.
    results
        By the name of the analysis.
    missing
        Why there is no result, by the name of the analysis.
    """

    system: str
    region: str
    temperature: float
    results: dict[str, Result]
    missing: dict[str, str]


def analyse_study(
    config: StudyConfig, folder: PathLike, *, observer: Callable[[str], None] | None = None
) -> tuple[RegionAnalyses, ...]:
    """Analyse the finished runs of a study by region, and write ``analyses.json`` beside its ``results.json``.

    Parameters
    ----------
    config, folder
        Of the study, after `betalps.studies.diffusion_study`.
    observer
        Called with what is looked at next.

    Returns
    -------
    tuple of RegionAnalyses
        The structure is that at one temperature, the lowest that all systems share (or the lowest of each); diffusion
        at the boundaries that of every run. What a run is too short for is under ``missing``.

    Notes
    -----
    Writes ``structure.extxyz`` into the folder of each system too, so that ``betalps analyse`` finds the boundaries.
    """
    folder, systems = Path(folder), build_systems(config)
    shared = set.intersection(*(set(system.specs) for system in systems))
    found: list[RegionAnalyses] = []
    for system in systems:
        chosen = min(shared or set(system.specs))
        for temperature in sorted(system.specs):
            place = folder / system.folder(temperature)
            if not (place / "trajectory").is_dir():
                continue
            _write_structure(system, place.parent / "structure.extxyz")
            trajectory = open_trajectory(place / "trajectory")
            for region, jobs in _jobs(system, trajectory, structure=temperature == chosen):
                if observer is not None:
                    observer(f"{system.name}, {region}, {temperature:g} K")
                found.append(_done(system.name, region, temperature, jobs))
    write_atomic(folder / "analyses.json", (json.dumps(_content(found), allow_nan=False) + "\n").encode())
    return tuple(found)


def _jobs(system: System, trajectory: Trajectory, *, structure: bool) -> Iterator[tuple[str, dict[str, _Job]]]:
    """What to do with a run, by region."""
    if system.name == CRYSTAL:
        if structure:
            yield (
                WHOLE,
                {**_everywhere(trajectory, None), **_framework(trajectory), "sites": partial(_sites, trajectory)},
            )
        return
    slabs = around_boundaries(system.atoms)
    diffusing: dict[str, _Job] = {
        "regional diffusion": lambda: {"regional diffusion": regional_diffusion(trajectory, slabs)}
    }
    yield BOUNDARY, {**diffusing, **(_everywhere(trajectory, slabs) if structure else {})}
    if structure:
        yield WHOLE, {**_along_normal(system, trajectory), **_framework(trajectory)}


def _everywhere(trajectory: Trajectory, region: Region | None) -> dict[str, _Job]:
    """What can be compared between regions."""
    part = {name: trajectory[:: -(-len(trajectory) // number)] for name, number in _FRAMES.items()}
    return {
        "rdf": lambda: {"rdf": radial_distributions(part["rdf"], region=region)},
        "polyanions": lambda: {"polyanions": polyanions(part["polyanions"], region=region)},
        "disorder": lambda: {"disorder": disorder(part["disorder"], region=region)},
        "rings": lambda: {"rings": rings(part["rings"], region=region)},
    }


def _framework(trajectory: Trajectory) -> dict[str, _Job]:
    return {"reorientation": lambda: {"reorientation": reorientation(trajectory)}}


def _along_normal(system: System, trajectory: Trajectory) -> dict[str, _Job]:
    """What shows where the boundaries are; the map looks along the first vector, in their plane."""
    return {
        "profile": lambda: {"profile": concentration_profile(trajectory, boundaries=system.atoms)},
        "map": lambda: {"map": planar_density(trajectory, axis=0)},
    }


def _sites(trajectory: Trajectory) -> dict[str, Result]:
    visits = site_visits(trajectory, crystal_sites(beta_li3ps4_sites()).filling(trajectory.mean_cell))
    return {"occupancy": site_occupancy(visits), "jumps": jumps(visits)}


def _done(system: str, region: str, temperature: float, jobs: Mapping[str, _Job]) -> RegionAnalyses:
    results: dict[str, Result] = {}
    missing: dict[str, str] = {}
    for name, job in jobs.items():
        try:
            results |= job()
        except (BetalpsError, ValueError) as error:
            missing[name] = str(error)
    return RegionAnalyses(system=system, region=region, temperature=temperature, results=results, missing=missing)


def _write_structure(system: System, path: Path) -> None:
    from betalps.datasets import write

    if not path.exists():
        write(system.atoms, path)


def _content(found: list[RegionAnalyses]) -> Json:
    return {
        "kind": "betalps study analyses",
        "version": 1,
        "analyses": [
            {
                "system": one.system,
                "region": one.region,
                "temperature_K": one.temperature,
                "results": {name: result.to_dict() for name, result in one.results.items()},
                "missing": one.missing,
            }
            for one in found
        ],
        "provenance": provenance(),
    }
