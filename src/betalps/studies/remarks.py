"""What a reader must know before using the numbers of a study."""

from __future__ import annotations

import numpy as np

from betalps.studies.config import StudyConfig
from betalps.typing import Json
from betalps.units import thermal_energy

BOND = 2.7
"""Å: between the P-S bond (2.1, when hot up to 2.5) and the next S (4.2)."""

_NO_STRAIN = 1e-6  # rounding
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
    found += _about_glass(results)
    if any(entry["kind"] in ("boundary", "interface") for entry in results["others"]):
        found.append(
            "Grain boundaries and interfaces: small cells with two of them, which take up much of the volume; D is of "
            "all Li in the cell. That of the Li within 10 Å of a boundary is under its region."
        )
    for entry in results["others"]:
        found += [f"{entry['name']}, {remark}" for remark in _about_short_lines(entry) + _about_runs(entry)]
        if entry["system"].get("strain", 0.0) > _NO_STRAIN:
            found.append(
                f"{entry['name']}: the grains are strained by {entry['system']['strain']:.1%} to share a cell."
            )
    return found


def _about_glass(results: Json) -> list[str]:
    """How the glass was made, and what that leaves open."""
    found = []
    for melt in results["melts"]:
        if melt["failed"] is not None:
            continue
        lengths = ", ".join(f"{stage['name']} {stage['time']:g} ps" for stage in melt["stages"])
        found.append(
            f"The glass ({melt['name']}) was made in the stages of the reference study times {melt['scale']:g}: "
            f"{lengths}; cooled at {melt['cooling_rate_K_per_ps']:g} K/ps, for the study's 5. A faster quench leaves "
            f"more disorder. {melt['pressure_GPa']:g} GPa kept the melt from boiling; its sides are the crystal's."
        )
        found.append(
            f"One glass of {melt['atoms']} atoms: another quench gives another glass, and that is not in the intervals."
        )
    return found


def _about_short_lines(system: Json) -> list[str]:
    """What a line through few temperatures cannot say."""
    line = system["arrhenius"]
    if line is None:
        return ["no Arrhenius line: fewer than three temperatures resolve diffusion."]
    kelvin = sorted(line["temperatures"])
    low, high = line["activation_energy_interval"]
    if not line["extrapolated"]:
        return []
    remark = (
        f"line through {len(kelvin)} temperatures from {kelvin[0]:g} to {kelvin[-1]:g} K: E_a = "
        f"{line['activation_energy']:.2f} eV, anything from {low:.2f} to {high:.2f} eV; values at "
        f"{line['target_temperature']:g} K are extrapolated."
    )
    return [remark]


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
