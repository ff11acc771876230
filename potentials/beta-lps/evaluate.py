"""Errors on held-out labels: ``python evaluate.py P.almtp held.extxyz.xz ...``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from betalps.datasets import read
from betalps.training import ErrorReport, evaluate


def size_class(atoms) -> str:
    """Cells of fewer than 128 atoms, and those of 128 and more."""
    return ">= 128 atoms" if len(atoms) >= 128 else "< 128 atoms"


def report(potential, frames) -> tuple[ErrorReport, dict]:
    """Errors overall, by group, temperature, group and temperature, and size and temperature; and the targets."""
    for atoms in frames:
        atoms.info["size"] = size_class(atoms)
        temperature = atoms.info["temperature_K"]
        atoms.info["group, K"] = f"{atoms.info['group']}, {temperature:g}"
    found = evaluate(potential, frames, groups=("group", "temperature_K", "group, K", "size"), threads=1)
    parts = {
        "force, all": lambda a: True,
        "force, 300 to 600 K": lambda a: a.info["temperature_K"] <= 600,
        "energy, >= 128 atoms, to 1200 K": lambda a: len(a) >= 128 and a.info["temperature_K"] <= 1200,
        "energy, 32 atoms": lambda a: len(a) == 32,
        "energy, 32 atoms, to 1200 K": lambda a: len(a) == 32 and a.info["temperature_K"] <= 1200,
        "stress, all": lambda a: True,
    }
    wanted = {}
    for name, member in parts.items():
        chosen = [atoms for atoms in frames if member(atoms)]
        if chosen:
            errors = evaluate(potential, chosen, threads=1).overall
            kind = name.partition(",")[0]
            found_here, factor = getattr(errors, kind), 1.0 if kind == "stress" else 1e3
            wanted[name] = {
                "frames": len(chosen),
                "value": round(factor * found_here.mae, 3),
                "median": round(factor * found_here.median, 3),
            }
    return found, wanted


def main() -> None:
    """Print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", type=Path)
    parser.add_argument("held", nargs="+", type=Path)
    arguments = parser.parse_args()
    found, wanted = report(arguments.potential, list(read(arguments.held).frames))
    for key, groups in found.groups.items():
        for value, errors in groups.items():
            print(
                f"{key} {value}: {errors.configurations} frames, {1e3 * errors.energy.mae:.2f} meV/atom, "
                f"{1e3 * errors.force.mae:.1f} meV/Å, {errors.stress.mae:.3f} GPa"
            )
    print(json.dumps(wanted, indent=1))


if __name__ == "__main__":
    main()
