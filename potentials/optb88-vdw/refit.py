"""Refit beta-lps to its own labels and the first-principles ones: ``python refit.py FOLDER [--choose]``.

Radial functions stay as they are: only the linear coefficients are solved for, with the frames of the teacher to hold
them. ``--choose`` tries weights of the new labels, each label being held out once. Writes corrected.almtp, fit.json,
weights.json, lattice.json.
"""

from __future__ import annotations

import argparse
import json
import runpy
from pathlib import Path

import numpy as np
from ase import Atoms

from betalps import MTP
from betalps.analysis import Relaxation, relaxed_lattice
from betalps.datasets import read
from betalps.potentials import load
from betalps.potentials.bundle import model_card_data
from betalps.structures import beta_li3ps4, gamma_li3ps4
from betalps.training import FitSettings, Sources, TrainingResult, evaluate, fit

_HERE = Path(__file__).parent
_OLD = _HERE.parent / "beta-lps" / "data"
_TEACHER, _NEW = "7net-l3i5", "optB88-vdW"
_WEIGHTS = (10.0, 100.0, 1000.0, 10000.0)
_CHOSEN = 1000.0
_FOLDS = 4
_FITTED = runpy.run_path(str(_OLD.parent / "fit.py"))


def teacher_frames() -> list[Atoms]:
    """What beta-lps was trained on, weighted as there."""
    names = [name for name in model_card_data("beta-lps")["data"] if name not in ("test", "boundaries")]
    frames = list(read([_OLD / f"{name}.extxyz.xz" for name in names]))
    _FITTED["weigh"](frames)
    for atoms in frames:
        atoms.info["label_source"] = _TEACHER
    return frames


def refit(frames: list[Atoms], weight: float) -> TrainingResult:
    """The linear coefficients of beta-lps anew, from both sources."""
    return fit(
        frames,
        load("beta-lps").replace(active_set=None),
        weights=_FITTED["WEIGHTS"],
        sources=Sources(reference=_TEACHER, weights={_NEW: weight}),
        settings=FitSettings(iterations=0),
        warm_start=True,
        groups=("group",),
        threads=1,
    )


def choose(old: list[Atoms], new: list[Atoms]) -> dict:
    """Errors on labels that were held out, for several weights, and on the teacher's test set; and without any."""
    folds = np.random.default_rng(1).permutation(len(new)) % _FOLDS
    test = list(read(_OLD / "test.extxyz.xz"))
    rows = {}
    for weight in _WEIGHTS:
        energies, forces, others = [], [], []
        for fold in range(_FOLDS):
            kept = [atoms for atoms, its in zip(new, folds, strict=True) if its != fold]
            held = [atoms for atoms, its in zip(new, folds, strict=True) if its == fold]
            result = refit([*old, *kept], weight)
            report = evaluate(result.potential, held, shifts=result.shifts, threads=1)
            energies += np.diff(report.energies).ravel().tolist()
            forces += np.abs(np.diff(report.forces)).ravel().tolist()
            others.append(evaluate(result.potential, test, threads=1).overall.to_dict())
        rows[f"{weight:g}"] = _row(energies, forces, others)
        print(weight, rows[f"{weight:g}"], flush=True)
    return rows


def unchanged(new: list[Atoms]) -> dict:
    """The same errors of beta-lps itself; of its energies those from their mean, which a shift takes up."""
    report = evaluate("beta-lps", new, threads=1)
    energies = np.diff(report.energies).ravel()
    test = evaluate("beta-lps", list(read(_OLD / "test.extxyz.xz")), threads=1).overall.to_dict()
    return _row((energies - energies.mean()).tolist(), np.abs(np.diff(report.forces)).ravel().tolist(), [test])


def _row(energies: list[float], forces: list[float], tests: list[dict]) -> dict:
    return {
        "energy_mae_meV_per_atom": round(1e3 * float(np.abs(energies).mean()), 2),
        "force_mae_meV_per_A": round(1e3 * float(np.mean(forces)), 1),
        "test_energy_mae_meV_per_atom": round(1e3 * float(np.mean([t["energy_eV_per_atom"]["mae"] for t in tests])), 2),
        "test_force_mae_meV_per_A": round(1e3 * float(np.mean([t["force_eV_per_A"]["mae"] for t in tests])), 1),
    }


def lattices(potential) -> dict:
    """Relaxed β and γ."""
    found = {}
    for name, atoms in (("beta", beta_li3ps4()), ("gamma", gamma_li3ps4())):
        lattice = relaxed_lattice(atoms, MTP(potential, threads=1), relaxation=Relaxation(fmax=0.005, steps=1000))
        found[name] = {
            "cell_A": [round(float(x), 4) for x in lattice.lengths],
            "density_g_per_cm3": round(lattice.density, 4),
            "space_group": lattice.space_group,
        }
    return found


def main() -> None:
    """Choose, fit, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--choose", action="store_true", help="only compare weights")
    parser.add_argument("--labels", type=Path, default=_HERE / "data" / "labels.extxyz.xz")
    parser.add_argument("--weight", type=float, default=_CHOSEN)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    old, new = teacher_frames(), list(read(arguments.labels))
    if arguments.choose:
        _save(folder / "weights.json", {"unchanged": unchanged(new), **choose(old, new)})
        return
    result = refit([*old, *new], arguments.weight)
    result.potential.replace(name="beta-lps corrected").write(folder / "corrected.almtp")
    _save(folder / "fit.json", result.to_dict())
    print(result.shifts, *result.flags, sep="\n")
    found = {"before": lattices(load("beta-lps")), "after": lattices(result.potential)}
    _save(folder / "lattice.json", found)
    print(json.dumps(found, indent=1))


def _save(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
