"""Arrhenius lines of a study: of whole cells and of regions, by direction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from betalps.analysis import Arrhenius, Conductivity, Diffusion, Estimate, RegionalDiffusion, Result, arrhenius
from betalps.studies.systems import Kind
from betalps.typing import Json

_ACROSS: Mapping[str, Callable[[Diffusion], Estimate]] = {
    "in plane, x": lambda found: found.x,
    "in plane, y": lambda found: found.y,
    "normal": lambda found: found.z,
}
DIRECTIONS: Mapping[Kind, Mapping[str, Callable[[Diffusion], Estimate]]] = {
    "crystal": {"a": lambda found: found.x, "b": lambda found: found.y, "c": lambda found: found.z},
    "glass": {},
    "boundary": _ACROSS,
    "interface": _ACROSS,
}
"""The directions that matter in a whole cell, beside their mean."""

REGIONAL: Mapping[str, Callable[[RegionalDiffusion], Estimate | None]] = {
    "all": lambda found: found.total,
    "in plane": lambda found: found.lateral,
    "normal": lambda found: found.normal,
}
"""Those of a region; a region that is no slab has the first alone."""


class Point(NamedTuple):
    """One temperature of a line: K, and the density of the ions in 1/Å³."""

    temperature: float
    estimate: Estimate
    carrier_density: float


def line_of(points: Sequence[Point], target: float) -> Json:
    """The line as ``results.json`` has it, with the conductivity at the target temperature; or why there is none."""
    missing = {"arrhenius": None, "target_conductivity": None}
    if not points:
        return {**missing, "arrhenius_missing": "no run finished"}
    try:
        line, sigma = fitted(points, target)
    except ValueError as error:
        return {**missing, "arrhenius_missing": str(error)}
    return {
        "arrhenius": {**line.to_dict(), "line": drawn(line)},
        "target_conductivity": sigma.to_dict(),
        "arrhenius_missing": None,
    }


def fitted(points: Sequence[Point], target: float) -> tuple[Arrhenius, Conductivity]:
    """The line, where enough temperatures resolve D, and the conductivity it carries to the target temperature.

    Raises
    ------
    ValueError
        Too few temperatures are resolved.
    """
    line = arrhenius(
        [point.temperature for point in points],
        [point.estimate.diffusivity for point in points],
        [point.estimate.standard_error for point in points],
        resolved=[point.estimate.resolved for point in points],
        target_temperature=target,
    )
    return line, line.conductivity(min(points, key=lambda point: point.temperature).carrier_density)


def regional_lines(
    found: Iterable[tuple[float, RegionalDiffusion]], target: float
) -> tuple[dict[str, Result], dict[str, str]]:
    """Lines of a region that has been analysed at several temperatures.

    Parameters
    ----------
    found
        Temperature in K, and diffusion in the region.
    target
        Where the lines are carried to, K.

    Returns
    -------
    results, missing : dict
        By direction, ``"all"``, ``"in plane"`` and ``"normal"``: `Arrhenius` under ``"line, all"``, `Conductivity`
        under ``"conductivity, all"``; why there is no line.
    """
    found = list(found)
    results: dict[str, Result] = {}
    missing: dict[str, str] = {}
    for direction, choose in REGIONAL.items():
        points = [
            Point(temperature, estimate, one.carrier_density)
            for temperature, one in found
            if (estimate := choose(one)) is not None and one.carrier_density is not None
        ]
        if not points:
            continue
        try:
            line, sigma = fitted(points, target)
        except ValueError as error:
            missing[f"line, {direction}"] = str(error)
        else:
            results |= {f"line, {direction}": line, f"conductivity, {direction}": sigma}
    return results, missing


def drawn(line: Arrhenius) -> Json:
    """Evaluate a line between the target and the hottest run, evenly in 1/T."""
    ends = [line.target_temperature, *line.temperatures.tolist()]
    temperatures = 1.0 / np.linspace(1.0 / max(ends), 1.0 / min(ends), 60)
    values, low, high = line.at(temperatures)
    return {
        "temperature_K": temperatures.tolist(),
        "diffusivity_angstrom2_per_ps": values.tolist(),
        "low_angstrom2_per_ps": low.tolist(),
        "high_angstrom2_per_ps": high.tolist(),
    }
