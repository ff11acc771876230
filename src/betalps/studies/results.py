"""From the runs of a study to its numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.analysis import (
    Arrhenius,
    Diffusion,
    arrhenius,
    carrier_density,
    conductivity,
    diffusion,
    mean_squared_displacement,
)
from betalps.dynamics import read_thermo
from betalps.potentials import available, model_card
from betalps.provenance import provenance
from betalps.studies.config import StudyConfig
from betalps.trajectories import Trajectory, read_chunks
from betalps.typing import Json
from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3, thermal_energy

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 1
_CURVE_POINTS = 300  # of a mean squared displacement or a time series: more than a plot can show
_BOND = 2.7  # Å: between the P-S bond (2.1, when hot up to 2.5) and the next S (4.2)
_RIGID = 1.0  # Å²: a P that vibrates about its site stays well below

# Jalem et al., Energy Adv. 2023, 2, 2029, Table 2: the crystal.
REFERENCE: Json = {
    "source": "Jalem et al., Energy Adv. 2023, 2, 2029, Table 2, crystal (NPT, 10 000 atoms or more)",
    "activation_energy_eV": 0.29,
    "conductivity_300K_S_per_cm": 7.4e-5,
}


def assemble(
    config: StudyConfig, atoms: Atoms, potential: str, folders: dict[float, Path], failed: dict[float, str]
) -> Json:
    """Analyse finished runs.

    Parameters
    ----------
    config
        The study.
    atoms
        The crystal at the start of every run.
    potential
        Identifies the potential.
    folders
        Of the finished runs, by temperature in K.
    failed
        Why the others failed, by temperature in K.

    Returns
    -------
    dict
        Ready for JSON, every number finite or None, units in the names or beside the values.
    """
    runs = {temperature: _run(temperature, folder, config) for temperature, folder in sorted(folders.items())}
    results: Json = {
        "kind": "betalps lithium diffusion study",
        "version": VERSION,
        "config": {**dataclasses.asdict(config)},
        "potential": {"name": config.potential, "sha256": potential, "card": _card(config.potential)},
        "system": _system(atoms),
        "runs": [run for run, _ in runs.values()],
        "failed": [{"temperature_K": t, "why": why} for t, why in sorted(failed.items())],
        **_line(config, {temperature: result for temperature, (_, result) in runs.items()}, atoms),
        "reference": REFERENCE,
        "provenance": provenance(),
    }
    results["remarks"] = _remarks(config, results)
    plain: Json = _finite(results)
    return plain


def _card(name: str) -> str | None:
    return model_card(name) if name in available() else None


def _system(atoms: Atoms) -> Json:
    return {
        "formula": atoms.get_chemical_formula(),
        "atoms": len(atoms),
        "lithium": int((atoms.symbols == "Li").sum()),
        "cell_A": [float(length) for length in atoms.cell.lengths()],
        "cell_angles_deg": [float(angle) for angle in atoms.cell.angles()],
        "density_g_per_cm3": float(atoms.get_masses().sum() / atoms.get_volume() * GRAM_PER_CM3_PER_U_PER_ANGSTROM3),
        **{name: atoms.info[name] for name in ("phase", "ordering", "supercell", "source")},
    }


def _run(temperature: float, folder: Path, config: StudyConfig) -> tuple[Json, Diffusion]:
    """Analyse one run; returns its entry in the results, and its diffusion."""
    trajectory = read_chunks(folder / "trajectory")
    result = diffusion(trajectory, "Li")
    sigma = conductivity(
        result.total.diffusivity,
        result.total.interval,
        carrier_density=carrier_density(trajectory),
        temperature=temperature,
    )
    entry = {
        "temperature_K": temperature,
        "folder": folder.name,
        "frames": len(trajectory),
        "thermodynamics": _thermodynamics(folder, config, len(trajectory.symbols)),
        "framework": _framework(trajectory),
        "diffusion": _thin(result.to_dict()),
        "conductivity": sigma.to_dict(),
    }
    return entry, result


def _thermodynamics(folder: Path, config: StudyConfig, atoms: int) -> Json:
    """Averages over the production, and thinned time series over the whole run."""
    log = read_thermo(folder)
    production = log["time_ps"] >= config.equilibration
    time, conserved = log["time_ps"][production], log["conserved_energy_eV"][production]
    drift = np.polyfit(time, conserved, 1)[0] if len(time) > 1 else np.nan
    keep = _spread(len(log["time_ps"]))
    return {
        "mean_temperature_K": float(log["temperature_K"][production].mean()),
        "mean_potential_energy_eV_per_atom": float(log["potential_energy_eV"][production].mean()) / atoms,
        "conserved_energy_drift_meV_per_atom_per_100ps": float(drift) * 1e5 / atoms,
        "time_ps": log["time_ps"][keep].tolist(),
        "temperature_K": log["temperature_K"][keep].tolist(),
        "potential_energy_eV_per_atom": (log["potential_energy_eV"][keep] / atoms).tolist(),
    }


def _framework(trajectory: Trajectory) -> Json:
    """Whether the host crystal stayed what it was: whole PS4, and P at its site."""
    from ase import Atoms
    from ase.neighborlist import neighbor_list

    frames = np.unique(np.linspace(0, len(trajectory) - 1, 21).astype(int))
    intact = []
    for frame in frames:
        atoms = Atoms(
            trajectory.symbols,
            scaled_positions=trajectory.fractional[frame].astype(float),
            cell=trajectory.cells[frame],
            pbc=trajectory.pbc,
        )
        centres = neighbor_list("i", atoms, {("P", "S"): _BOND})
        bonds = np.bincount(centres, minlength=len(atoms))
        intact.append(float((bonds[trajectory.symbols == "P"] == 4).mean()))
    phosphorus = mean_squared_displacement(trajectory, "P", remove_drift=False)
    return {
        "whole_PS4_least": min(intact),
        "whole_PS4_mean": float(np.mean(intact)),
        "P_msd_half_run_A2": float(phosphorus.total[len(phosphorus.total) // 2]),
    }


def _line(config: StudyConfig, analysed: dict[float, Diffusion], atoms: Atoms) -> Json:
    """Fit the Arrhenius line, where enough temperatures resolve D, and carry it to the target temperature."""
    missing = {"arrhenius": None, "target_conductivity": None}
    if not analysed:
        return {**missing, "arrhenius_missing": "no run finished"}
    estimates = [result.total for result in analysed.values()]
    try:
        line = arrhenius(
            list(analysed),
            [estimate.diffusivity for estimate in estimates],
            [estimate.standard_error for estimate in estimates],
            resolved=[estimate.resolved for estimate in estimates],
            target_temperature=config.target_temperature,
        )
    except ValueError as error:
        return {**missing, "arrhenius_missing": str(error)}
    sigma = conductivity(
        line.target_diffusivity,
        line.target_interval,
        carrier_density=float((atoms.symbols == "Li").sum() / atoms.get_volume()),
        temperature=config.target_temperature,
    )
    return {
        "arrhenius": {**line.to_dict(), "line": _drawn(line)},
        "target_conductivity": sigma.to_dict(),
        "arrhenius_missing": None,
    }


def _drawn(line: Arrhenius) -> Json:
    """Evaluate the line between the target and the hottest run, evenly in 1/T."""
    ends = [line.target_temperature, *line.temperatures.tolist()]
    temperatures = 1.0 / np.linspace(1.0 / max(ends), 1.0 / min(ends), 60)
    values, low, high = line.at(temperatures)
    return {
        "temperature_K": temperatures.tolist(),
        "diffusivity_angstrom2_per_ps": values.tolist(),
        "low_angstrom2_per_ps": low.tolist(),
        "high_angstrom2_per_ps": high.tolist(),
    }


def _remarks(config: StudyConfig, results: Json) -> list[str]:
    """Say what a reader must know before using the numbers."""
    remarks = [
        "The cell is fixed at its relaxed size for every temperature (NVT): thermal expansion is left out.",
        "Conductivities are Nernst-Einstein with a Haven ratio of 1: correlations between ions are left out.",
    ]
    shortest = min(results["system"]["cell_A"])
    remarks.append(
        f"One trajectory per temperature, {results['system']['atoms']} atoms, shortest cell edge "
        f"{shortest:.1f} Å: the effect of the cell's size is not in the intervals."
    )
    line = results["arrhenius"]
    if line is None:
        remarks.append(f"No Arrhenius line: {results['arrhenius_missing']}.")
    elif line["extrapolated"]:
        coldest = min(line["temperatures"])
        remarks.append(
            f"Values at {config.target_temperature:g} K are extrapolated from {coldest:g} K and above with "
            "one straight line. Their intervals are statistical; a slope that changes with temperature is "
            f"not in them. The two coldest temperatures alone give E_a = {_coldest_slope(line):.3f} eV."
        )
    for run in results["runs"]:
        kelvin = f"{run['temperature_K']:g} K"
        if not run["diffusion"]["total"]["resolved"]:
            remarks.append(f"{kelvin}: diffusion is not resolved; the value given is an upper bound.")
        if run["framework"]["whole_PS4_least"] < 1.0:
            remarks.append(
                f"{kelvin}: in some frames only {run['framework']['whole_PS4_least']:.1%} of the P have "
                f"four S within {_BOND:g} Å."
            )
        moved = run["framework"]["P_msd_half_run_A2"]
        if moved > _RIGID:
            remarks.append(
                f"{kelvin}: the P atoms moved too (mean squared displacement {moved:.1f} Å² in half the "
                "run): the framework is no longer a rigid host."
            )
    remarks += [f"{entry['temperature_K']:g} K: no result. {entry['why']}" for entry in results["failed"]]
    return remarks


def _coldest_slope(line: Json) -> float:
    """Activation energy in eV between the two coldest temperatures of the fit."""
    order = np.argsort(line["temperatures"])[:2]
    inverse = [1.0 / thermal_energy(line["temperatures"][k]) for k in order]
    logs = np.log([line["diffusivities"][k] for k in order])
    return float((logs[1] - logs[0]) / (inverse[0] - inverse[1]))


def _thin(result: Json) -> Json:
    """Keep as many points of the mean squared displacement as a plot can show."""
    msd = result["msd"]
    # Evenly on a logarithmic axis, where short lags would otherwise be lost; the fits saw all lags.
    last = len(msd["lags"]) - 1
    keep = np.unique(np.rint(np.geomspace(1, max(last, 1), _CURVE_POINTS)).astype(int)).clip(0, last)
    thinned = {name: [msd[name][k] for k in keep] for name in ("lags", "total", "directions")}
    return {**result, "msd": {**msd, **thinned}}


def _spread(count: int) -> NDArray[np.intp]:
    """Choose indices spread over a series that is longer than a plot can show."""
    return np.unique(np.linspace(0, count - 1, min(count, _CURVE_POINTS)).astype(int))


def _finite(value: Any) -> Any:
    """Replace what JSON cannot say: None for a number that is not finite, lists for tuples and arrays."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
