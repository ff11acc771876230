"""Large cells at 300, 600 and 1000 K: ``python large.py P.almtp FOLDER [--only NAME]``; killed, it goes on.

12,288 atoms of glass by the five stages of the study, heating and cooling at full length, the other three at 0.005 of
theirs; a tilt and a twist boundary of 10,000 atoms and more. Each then runs for 100 ps at constant pressure with the
grade of all its atoms looked at every 10 steps, and ends at one above 10. FOLDER/large.json has what came of it. For up
to 12 radial functions the kernel works in mixed precision: its forces differ from those of double precision by a
thousandth of the potential's own errors at most.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units

from betalps import MTP
from betalps.dynamics import Callback, Progress, UnstableRunError, read_thermo, run
from betalps.files import write_atomic
from betalps.potentials import Potential
from betalps.protocols import Grading, RunSpec, amorphization, single_temperature
from betalps.structures import Size, beta_li3ps4, boundary

TEMPERATURES = (300.0, 600.0, 1000.0)
SHORTENED = 0.005
BOUNDARIES = {"tilt": "Σ5[001]/(120)", "twist": "Σ5[001]/(001)"}
_GLASS = (4, 8, 12)  # cells of 32 atoms
_MOST_RADIAL = 12  # functions, in mixed precision
_WATCHED = Grading(every=10, gamma_select=2.0, gamma_break=10.0)


def glass(potential: Potential, folder: Path, threads: int, *observers: Callback) -> Atoms:
    """The melt, quenched."""
    scales = dict.fromkeys(("melt", "relax", "produce"), SHORTENED)
    return _run(amorphization(scales=scales), beta_li3ps4(_GLASS), potential, folder, threads, None, observers).atoms


def held(name: str, potential: Potential, folder: Path, threads: int) -> dict:
    """Runs of one cell at every temperature."""
    if name == "glass":
        atoms, free = glass(potential, folder / "glass", threads), "isotropic"
    else:
        atoms, free = boundary(BOUNDARIES[name], beta_li3ps4(), size=Size(atoms=10_000, lateral=40.0)), "xyz"
    found = {}
    for temperature in TEMPERATURES:
        stages = single_temperature(temperature, production=100.0, free=free)
        place = folder / f"{name}-{temperature:g}K"
        try:
            ended = _run(stages, atoms, potential, place, threads, _WATCHED)
            why = None if ended.stopped is None else ended.stopped.message
        except UnstableRunError as error:
            why = str(error)
        found[f"{temperature:g}"] = {"atoms": len(atoms), **_summary(place, atoms), "ended": why}
        print(name, temperature, found[f"{temperature:g}"], flush=True)
    return found


def _run(stages, atoms: Atoms, potential: Potential, folder: Path, threads: int, grade: Grading | None, observers=()):
    spec = RunSpec(stages=stages, potential=potential.name, grade=grade, threads=threads)
    precision = "mixed" if potential.core.radial_size <= _MOST_RADIAL else "double"
    calculator = MTP(potential, threads=threads, precision=precision)
    return run(spec, folder, atoms=atoms, calculator=calculator, observers=[_tell, *observers])


def _summary(folder: Path, atoms: Atoms) -> dict:
    thermo = read_thermo(folder)
    grades = thermo["grade"][np.isfinite(thermo["grade"])]
    late = slice(len(thermo["time_ps"]) // 5, None)
    density = atoms.get_masses().sum() / units.kg * 1e3 / (thermo["volume_A3"][late].mean() * 1e-24)
    return {
        "time_ps": round(float(thermo["time_ps"][-1]), 2),
        "largest_grade": round(float(grades.max()), 2),
        "beyond_2": round(float((grades > 2.0).mean()), 4),  # share of tenths of ps with such a grade
        "temperature_K": round(float(thermo["temperature_K"][late].mean()), 1),
        "density_g_per_cm3": round(float(density), 4),
    }


def _tell(progress: Progress) -> None:
    if progress.step % 5000 == 0:
        print(progress, file=sys.stderr, flush=True)


def main() -> None:
    """Run all, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potential", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=("glass", *BOUNDARIES), nargs="+", default=("glass", *BOUNDARIES))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    potential, path = Potential.read(arguments.potential), arguments.folder / "large.json"
    for name in arguments.only:
        found = held(name, potential, arguments.folder, arguments.threads)
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_atomic(path, (json.dumps({**known, name: found, "sha256": potential.sha256}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
