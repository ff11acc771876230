"""What the runs of a study say beside diffusion: structure, rings, disorder and sites, by region."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.errors import BetalpsError
from betalps.files import write_atomic
from betalps.provenance import provenance
from betalps.studies.config import StudyConfig
from betalps.studies.systems import System, build_systems
from betalps.typing import Json, PathLike

if TYPE_CHECKING:
    from betalps.analysis import RegionalDiffusion, Result
    from betalps.studies.region_jobs import Job


@dataclass(frozen=True, kw_only=True, eq=False)
class RegionAnalyses:
    """The analyses of one run in one region.

    Attributes
    ----------
    system
        Name of the `System`.
    region
        ``"whole cell"``; ``"boundary"``: the slabs about the boundaries; of an interface also ``"crystal side"`` and
        ``"glass side"``: what is away from it.
    temperature
        Of the run, K. None: of all together, the Arrhenius lines.
    results
        By the name of the analysis.
    missing
        Why there is no result, by the name of the analysis.
    """

    system: str
    region: str
    temperature: float | None
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
        at the boundaries that of every run, with lines through the temperatures by region and direction at the end of
        each system. What a run is too short for is under ``missing``.

    Notes
    -----
    Writes ``structure.extxyz`` into the folder of each system too, so that ``betalps analyse`` finds the boundaries.
    """
    from betalps.studies.region_jobs import jobs_of
    from betalps.trajectories import open_trajectory

    folder = Path(folder)
    systems = [system for system in build_systems(config, folder) if not system.missing]
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
            for region, jobs in jobs_of(system, trajectory, structure=temperature == chosen):
                if observer is not None:
                    observer(f"{system.name}, {region}, {temperature:g} K")
                found.append(_done(system.name, region, temperature, jobs))
        found += _lines(config, system, found)
    write_atomic(folder / "analyses.json", (json.dumps(_content(found), allow_nan=False) + "\n").encode())
    return tuple(found)


def _lines(config: StudyConfig, system: System, found: list[RegionAnalyses]) -> list[RegionAnalyses]:
    """Lines through the temperatures of a system, of each region that diffusion was looked at in."""
    from betalps.analysis import RegionalDiffusion
    from betalps.studies.lines import regional_lines
    from betalps.studies.region_jobs import REGIONAL_DIFFUSION

    points: dict[str, list[tuple[float, RegionalDiffusion]]] = {}
    for one in found:
        result = one.results.get(REGIONAL_DIFFUSION)
        if one.system == system.name and one.temperature is not None and isinstance(result, RegionalDiffusion):
            points.setdefault(one.region, []).append((one.temperature, result))
    lines = []
    for region, series in points.items():
        results, missing = regional_lines(series, config.target_temperature)
        lines.append(
            RegionAnalyses(system=system.name, region=region, temperature=None, results=results, missing=missing)
        )
    return lines


def _done(system: str, region: str, temperature: float, jobs: Mapping[str, Job]) -> RegionAnalyses:
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
