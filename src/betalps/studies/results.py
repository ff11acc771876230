"""From the runs of a study to its numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.analysis import (
    Diffusion,
    Estimate,
    carrier_density,
    conductivity,
    diffusion,
    mean_squared_displacement,
)
from betalps.dynamics import read_thermo
from betalps.potentials import available, model_card
from betalps.provenance import provenance
from betalps.structures import boundary_record, parse_name
from betalps.studies.config import StudyConfig
from betalps.studies.lines import DIRECTIONS, Point, line_of
from betalps.studies.remarks import BOND, remarks
from betalps.studies.systems import CRYSTAL, GLASS, System
from betalps.trajectories import Trajectory, open_trajectory
from betalps.typing import Json
from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3

if TYPE_CHECKING:
    from ase import Atoms

VERSION = 3
_CURVE_POINTS = 300  # of a mean squared displacement or a time series: more than a plot can show

# Jalem et al., Energy Adv. 2023, 2, 2029, Table 2: activation energy (eV) and conductivity at 300 K (S/cm); that of the
# crystal at its low temperatures, those of boundaries and interfaces of the Li about them.
_TABLE_2 = {
    CRYSTAL: (0.29, 7.4e-5),
    GLASS: (0.32, 1.1e-3),
    "Σ5[001]/(120)": (0.41, 3.1e-4),
    "Σ5[001]/(130)": (0.42, 1.1e-4),
    "Σ13[001]/(150)": (0.37, 6.5e-4),
    "Σ13[001]/(3-20)": (0.38, 3.6e-4),
    "Σ25[001]/(170)": (0.38, 3.9e-4),
    "Σ29[001]/(-250)": (0.36, 7.6e-4),
    "Σ5[001]/(001)": (0.32, 2.0e-3),
    "Σ5[100]/(100)": (0.33, 1.4e-3),
    "amorphous/(120)": (0.33, 1.4e-3),
    "amorphous/(001)": (0.32, 2.4e-3),
}
_SOURCE = "Jalem et al., Energy Adv. 2023, 2, 2029, Table 2 (NPT, 10 000 atoms or more)"


def assemble(
    config: StudyConfig,
    systems: Sequence[System],
    melts: Sequence[System],
    potential: str,
    folder: Path,
    failed: dict[tuple[str, float], str],
) -> Json:
    """Analyse finished runs.

    Parameters
    ----------
    config
        The study.
    systems
        What was simulated, the crystal first.
    melts
        What glass was made of.
    potential
        Identifies the potential.
    folder
        Of the study.
    failed
        Why runs failed, by system and temperature in K.

    Returns
    -------
    dict
        Ready for JSON, every number finite or None, units in the names or beside the values.
    """
    crystal, *others = systems
    results: Json = {
        "kind": "betalps lithium diffusion study",
        "version": VERSION,
        "config": {**dataclasses.asdict(config)},
        "potential": {"name": config.potential, "sha256": potential, "card": _card(config.potential)},
        "system": _system(crystal.atoms),
        **_analysed(config, crystal, folder, failed),
        "others": [
            {
                "name": system.name,
                "kind": system.kind,
                "system": _described(system),
                **_analysed(config, system, folder, failed),
            }
            for system in others
        ],
        "melts": [_melted(config, system, failed) for system in melts],
        "reference": _reference(others),
        "provenance": provenance(),
    }
    results["remarks"] = remarks(config, results)
    plain: Json = _finite(results)
    return plain


def _analysed(config: StudyConfig, system: System, folder: Path, failed: dict[tuple[str, float], str]) -> Json:
    """The runs of one system, and their Arrhenius line."""
    runs = {
        temperature: _run(temperature, folder, system.folder(temperature), config)
        for temperature in sorted(system.specs)
        if (system.name, temperature) not in failed
    }
    return {
        "runs": [run for run, _ in runs.values()],
        "failed": [
            {"temperature_K": t, "why": why} for (name, t), why in sorted(failed.items()) if name == system.name
        ],
        **line_of(_points(runs, lambda found: found.total), config.target_temperature),
        "directions": {
            name: line_of(_points(runs, choose), config.target_temperature)
            for name, choose in DIRECTIONS[system.kind].items()
        },
    }


def _points(runs: dict[float, tuple[Json, Diffusion]], choose: Callable[[Diffusion], Estimate]) -> list[Point]:
    """What a line is fitted to."""
    return [
        Point(temperature, choose(found), run["conductivity"]["carrier_density"])
        for temperature, (run, found) in runs.items()
    ]


def _reference(others: Sequence[System]) -> Json:
    """What the reference study has of the systems."""
    named = {system.name: _studied(system.name) for system in others}
    energy, sigma = _TABLE_2[CRYSTAL]
    return {
        "source": _SOURCE,
        "activation_energy_eV": energy,
        "conductivity_300K_S_per_cm": sigma,
        "others": {
            name: {"activation_energy_eV": found[0], "conductivity_300K_S_per_cm": found[1]}
            for name, found in named.items()
            if found is not None
        },
    }


def _studied(name: str) -> tuple[float, float] | None:
    if name in _TABLE_2 or name == GLASS or name.startswith("amorphous"):
        return _TABLE_2.get(name)
    return _TABLE_2.get(str(parse_name(name)))


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
        **{name: atoms.info[name] for name in ("phase", "ordering", "supercell", "source") if name in atoms.info},
    }


def _described(system: System) -> Json:
    """A system at the start; of one whose glass is missing, no more than that."""
    if system.missing:
        return {"atoms": len(system.atoms)}
    return _system(system.atoms) if system.kind == "glass" else _boundary(system.atoms)


def _melted(config: StudyConfig, system: System, failed: dict[tuple[str, float], str]) -> Json:
    """How a glass was made."""
    ((temperature, spec),) = system.specs.items()
    cool = next(stage for stage in spec.stages if stage.name == "cool")
    assert cool.final_temperature is not None
    return {
        "name": system.name,
        "folder": system.folder(temperature),
        "atoms": len(system.atoms),
        "scale": config.glass_scale,
        "pressure_GPa": cool.pressure,
        "stages": [stage.to_dict() for stage in spec.stages],
        "cooling_rate_K_per_ps": (cool.temperature - cool.final_temperature) / cool.time,
        "failed": failed.get((system.name, temperature)),
    }


def _boundary(atoms: Atoms) -> Json:
    record = boundary_record(atoms)
    names = (
        "kind",
        "disorientation",
        "strain",
        "area",
        "separations",
        "gaps",
        "equivalent",
        "lattice_planes",
        "repeats",
    )
    return {**_system(atoms), **{name: record[name] for name in names}}


def _run(temperature: float, study: Path, name: str, config: StudyConfig) -> tuple[Json, Diffusion]:
    """Analyse one run; returns its entry in the results, and its diffusion."""
    folder = study / name
    trajectory = open_trajectory(folder / "trajectory")
    result = diffusion(trajectory, "Li")
    sigma = conductivity(
        result.total.diffusivity,
        result.total.interval,
        carrier_density=carrier_density(trajectory),
        temperature=temperature,
    )
    entry = {
        "temperature_K": temperature,
        "folder": name,
        "engine": json.loads((folder / "run.json").read_text(encoding="utf-8"))["identity"]["engine"],
        "frames": len(trajectory),
        "mean_cell_A": [float(length) for length in np.linalg.norm(trajectory.mean_cell, axis=1)],
        "thermodynamics": _thermodynamics(folder, config, len(trajectory.symbols)),
        "framework": _framework(trajectory),
        "diffusion": _thin(result.to_dict()),
        "conductivity": sigma.to_dict(),
    }
    return entry, result


def _thermodynamics(folder: Path, config: StudyConfig, atoms: int) -> Json:
    """Averages over the production, and thinned time series over the whole run."""
    log = read_thermo(folder)
    production = log["time_ps"] >= config.equilibration - 1e-9
    time, conserved = log["time_ps"][production], log["conserved_energy_eV"][production]
    drift = np.polyfit(time, conserved, 1)[0] if len(time) > 1 else np.nan
    keep = _spread(len(log["time_ps"]))
    return {
        "mean_temperature_K": float(log["temperature_K"][production].mean()),
        "mean_potential_energy_eV_per_atom": float(log["potential_energy_eV"][production].mean()) / atoms,
        "mean_volume_A3": float(log["volume_A3"][production].mean()),
        "mean_pressure_GPa": float(log["pressure_GPa"][production].mean()),
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
        centres = neighbor_list("i", atoms, {("P", "S"): BOND})
        bonds = np.bincount(centres, minlength=len(atoms))
        intact.append(float((bonds[trajectory.symbols == "P"] == 4).mean()))
    phosphorus = mean_squared_displacement(trajectory, "P", remove_drift=False)
    return {
        "whole_PS4_least": min(intact),
        "whole_PS4_mean": float(np.mean(intact)),
        "P_msd_half_run_A2": float(phosphorus.total[len(phosphorus.total) // 2]),
    }


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
