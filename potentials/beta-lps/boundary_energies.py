"""Energies of grain boundaries, potential against teacher; killed, it goes on where it was.

    python boundary_energies.py P.almtp FOLDER
    python boundary_energies.py teacher FOLDER [--relax]

The first relaxes eight boundaries of the reference study with the potential, in cells of 192 and 256 atoms. The second
gives the teacher's energies of the very same structures, boundary and bulk; with --relax the teacher then relaxes them
itself, from where the potential left them. FOLDER gets ``boundary_energies.json``, which card.py shows, and the
structures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from betalps import MTP
from betalps.analysis import BoundaryEnergy, Relaxation, boundary_energy, static_boundary_energy
from betalps.datasets import read, write
from betalps.files import write_atomic
from betalps.potentials import Potential
from betalps.structures import Size, beta_li3ps4, boundary
from betalps.studies import HELD_OUT_BOUNDARIES
from betalps.studies.systems import boundary_folder

_WIDE: dict[str, Any] = {"size": Size(atoms=256, separation=0.0)}
BOUNDARIES = {**HELD_OUT_BOUNDARIES, "Σ5[001]/(130)": _WIDE, "Σ13[001]/(3-20)": _WIDE}
"""The six of the test set, whose cells are of 192 atoms, and two more tilts whose cells have 256."""

MINE = Relaxation(fmax=0.01, steps=5000)
TEACHERS = Relaxation(fmax=0.05, steps=40, optimizer="LBFGS")  # it starts at the potential's minimum


class Record:
    """``boundary_energies.json`` and the structures beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "boundary_energies.json"
        folder.mkdir(parents=True, exist_ok=True)
        known = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}
        self.sha256: str | None = known.get("sha256")
        self.boundaries: dict[str, dict[str, Any]] = known.get("boundaries", {})

    def structures(self, name: str) -> Path:
        """Where the relaxed boundary, and the bulk of its lower and its upper grain, are."""
        return self._folder / f"{boundary_folder(name)}.extxyz"

    def add(self, name: str, entry: dict[str, Any]) -> None:
        """Write what is new of a boundary."""
        self.boundaries[name] = self.boundaries.get(name, {}) | entry
        content = {"sha256": self.sha256, "boundaries": self.boundaries, "differences": differences(self.boundaries)}
        write_atomic(self._path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
        print(name, entry, flush=True)


def differences(boundaries: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of the potential from the teacher, J/m²: of the same structures, and each relaxed by itself."""
    found = {}
    for kind, teachers in (
        ("same structures", lambda one: one.get("teacher_same_structure")),
        ("each relaxed", lambda one: one.get("teacher_relaxed", {}).get("energy")),
    ):
        known = [one for one in boundaries.values() if teachers(one) is not None]
        errors = [one["potential"]["energy"] - teachers(one) for one in known]
        if errors:
            found[kind] = {
                "boundaries": len(errors),
                "mae": round(float(np.mean(np.abs(errors))), 4),
                "mean": round(float(np.mean(errors)), 4),
                "largest": round(float(np.max(np.abs(errors))), 4),
            }
    return found


def relaxed(found: BoundaryEnergy) -> dict[str, Any]:
    """What is kept of a relaxation."""
    return {
        "energy": round(found.energy, 4),
        "unrelaxed": round(found.unrelaxed, 4),
        "expansion_A": round(found.expansion, 3),
        "steps": found.steps,
        "converged": found.converged and found.bulk_converged,
        "force_eV_per_A": round(found.force, 4),
    }


def by_potential(record: Record, path: Path) -> None:
    """Relax with the potential what is not yet."""
    potential = Potential.read(path)
    if record.sha256 not in (None, potential.sha256):
        raise SystemExit(f"the folder holds boundaries of another potential, sha256 {record.sha256}")
    record.sha256 = potential.sha256
    crystal = beta_li3ps4()
    for name in BOUNDARIES:
        if "potential" in record.boundaries.get(name, {}):
            continue
        found = boundary_energy(built(name), lambda: MTP(potential, threads=1), crystal, relaxation=MINE)
        write([found.atoms, *found.bulks], record.structures(name))
        facts = {"atoms": len(found.atoms), "area_A2": round(found.area, 1), "strain": round(max(found.strains), 4)}
        record.add(name, {**facts, "potential": relaxed(found)})


def built(name: str) -> Atoms:
    """A boundary before it is relaxed."""
    return boundary(name, beta_li3ps4(), **BOUNDARIES[name])


def by_teacher(record: Record, teacher: Any, *, relax: bool) -> None:
    """The teacher's energies of the same structures, then of those that it relaxes itself."""
    for name, atoms, bulks in _left(record, lambda entry: "teacher_same_structure" in entry):
        record.add(name, {"teacher_same_structure": round(static_boundary_energy(atoms, bulks, teacher), 4)})
    crystal = beta_li3ps4()
    for name, atoms, _ in _left(record, lambda entry: "teacher_relaxed" in entry) if relax else ():
        found = boundary_energy(atoms, lambda: teacher, crystal, relaxation=TEACHERS, observer=_tell)
        record.add(name, {"teacher_relaxed": relaxed(found)})


def _left(record: Record, done: Callable[[dict[str, Any]], bool]) -> Iterator[tuple[str, Atoms, list[Atoms]]]:
    """The boundaries that the potential relaxed and the teacher has not done, with their bulk."""
    for name in BOUNDARIES:
        entry = record.boundaries.get(name, {})
        if "potential" in entry and not done(entry):
            atoms, *bulks = read(record.structures(name))
            yield name, atoms, bulks


def _tell(progress: Any) -> None:
    gamma = "" if progress.boundary_energy is None else f", {progress.boundary_energy:.4f} J/m²"
    print(f"{progress.stage} {progress.step}: {progress.force:.3f} eV/Å{gamma}", file=sys.stderr, flush=True)


def main() -> None:
    """Do what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calculator", help="P.almtp, or teacher")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--relax", action="store_true", help="the teacher relaxes them itself too")
    arguments = parser.parse_args()
    record = Record(arguments.folder)
    if arguments.calculator != "teacher":
        by_potential(record, Path(arguments.calculator))
        return
    if not record.boundaries:
        raise SystemExit(f"{arguments.folder} holds no boundaries: run it with the potential first")
    import torch

    from betalps.active_learning import sevennet

    torch.set_num_threads(1)
    by_teacher(record, sevennet()(), relax=arguments.relax)


if __name__ == "__main__":
    main()
