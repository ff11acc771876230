"""What a reader must know before using the numbers of a study."""

from __future__ import annotations

import numpy as np

from betalps.studies.config import StudyConfig
from betalps.typing import Json
from betalps.units import thermal_energy

BOND = 2.7
"""Å: between the P-S bond (2.1, when hot up to 2.5) and the next S (4.2)."""

_RIGID = 1.0  # Å²: a P that vibrates about its site stays well below


def remarks(config: StudyConfig, results: Json) -> list[str]:
    """Say what limits the numbers of a study.

    Parameters
    ----------
    config
        The study.
    results
        All else that goes into ``results.json``.
    """
    found = [
        _about_the_cell(config),
        "Conductivities are Nernst-Einstein with a Haven ratio of 1: correlations between ions are left out.",
    ]
    shortest = min(results["system"]["cell_A"])
    found.append(
        f"One trajectory per temperature, {results['system']['atoms']} atoms, shortest cell edge "
        f"{shortest:.1f} Å: the effect of the cell's size is not in the intervals."
    )
    found += _about_the_line(config, results) + _about_runs(results)
    if results["boundaries"]:
        found.append(
            "Grain boundaries: small cells with two boundaries that take up much of the volume; D is that of all Li in "
            "them, along the normal (z) and along the plane (x, y). It is not that of a boundary alone."
        )
    for entry in results["boundaries"]:
        found += [f"{entry['name']}, {remark}" for remark in _about_runs(entry)]
        if entry["system"]["strain"] > 0:
            found.append(
                f"{entry['name']}: the grains are strained by {entry['system']['strain']:.1%} to share a cell."
            )
    return found


def _about_the_cell(config: StudyConfig) -> str:
    if config.ensemble == "nvt":
        return "The cell is fixed at its relaxed size for every temperature (NVT): thermal expansion is left out."
    free = {"isotropic": "its volume", "cell": "lengths and angles"}.get(config.free, f"lengths along {config.free}")
    return (
        f"The cell follows a pressure of {config.pressure:g} GPa (NPT; free: {free}); its average is the potential's "
        "own, not the experiment's."
    )


def _about_the_line(config: StudyConfig, results: Json) -> list[str]:
    line = results["arrhenius"]
    if line is None:
        return [f"No Arrhenius line: {results['arrhenius_missing']}."]
    if not line["extrapolated"]:
        return []
    coldest = min(line["temperatures"])
    remark = (
        f"Values at {config.target_temperature:g} K are extrapolated from {coldest:g} K and above with "
        "one straight line. Their intervals are statistical; a slope that changes with temperature is "
        f"not in them. The two coldest temperatures alone give E_a = {_coldest_slope(line):.3f} eV."
    )
    return [remark]


def _about_runs(system: Json) -> list[str]:
    found = []
    for run in system["runs"]:
        kelvin = f"{run['temperature_K']:g} K"
        if not run["diffusion"]["total"]["resolved"]:
            found.append(f"{kelvin}: diffusion is not resolved; the value given is an upper bound.")
        if run["framework"]["whole_PS4_least"] < 1.0:
            found.append(
                f"{kelvin}: in some frames only {run['framework']['whole_PS4_least']:.1%} of the P have "
                f"four S within {BOND:g} Å."
            )
        moved = run["framework"]["P_msd_half_run_A2"]
        if moved > _RIGID:
            found.append(
                f"{kelvin}: the P atoms moved too (mean squared displacement {moved:.1f} Å² in half the "
                "run): the framework is no longer a rigid host."
            )
    return found + [f"{entry['temperature_K']:g} K: no result. {entry['why']}" for entry in system["failed"]]


def _coldest_slope(line: Json) -> float:
    """Activation energy in eV between the two coldest temperatures of the fit."""
    order = np.argsort(line["temperatures"])[:2]
    inverse = [1.0 / thermal_energy(line["temperatures"][k]) for k in order]
    logs = np.log([line["diffusivities"][k] for k in order])
    return float((logs[1] - logs[0]) / (inverse[0] - inverse[1]))
