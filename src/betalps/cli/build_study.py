"""``betalps build gb --reference-study all``: every boundary of the study in one folder, resumable."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.build_energy import find_energy
from betalps.cli.build_files import write_structure
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.structures import Size

_ENERGIES = "energies.json"


def build_study(crystal: Atoms, arguments: argparse.Namespace, size: Size) -> int:
    """Build, write, compare; with energies, those that the folder holds already are not computed again.

    Returns
    -------
    int
        1 if a relaxation did not converge.
    """
    from betalps.reports.boundary_table import boundaries_table
    from betalps.structures import reference_study

    folder = _folder(arguments)
    energies = _read_energies(folder)
    key = _settings(arguments, crystal, size)

    def each() -> Iterator[tuple[str, Atoms]]:
        for name, build in reference_study(crystal, size=size).items():
            began = time.perf_counter()
            atoms = build()
            print(f"{name}: {len(atoms)} atoms in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
            path = folder / f"{file_name(name)}.extxyz"
            known = energies.get(name, {}).get("settings") == key and (path.exists() or not arguments.relax)
            is_boundary = None not in atoms.info["boundary"]["planes"]  # of a glass there is no γ
            if (arguments.energy or arguments.relax) and is_boundary and not known:
                found = find_energy(atoms, [crystal], arguments, name)
                atoms = found.atoms if arguments.relax else atoms
                energies[name] = {**found.to_dict(), "settings": key}
                _write_energies(folder, energies)
            if not (known and arguments.relax):
                write_structure(atoms, path, None, name)
            yield name, atoms

    print(boundaries_table(each()))
    wanted = {name: found for name, found in energies.items() if found["settings"] == key}
    for name, found in wanted.items() if arguments.energy or arguments.relax else ():
        state = "" if found["converged"] else "  NOT CONVERGED"
        print(f"{name:18} {found['energy']:8.4f} J/m²{state}")
    print(f"written: {folder}")
    return 0 if all(found["converged"] for found in wanted.values()) else 1


def file_name(name: str) -> str:
    """Σ5[001]/(120) as the name of a file: S5_001_120."""
    return "_".join(re.findall(r"[-\w]+", name.replace("Σ", "S")))


def _folder(arguments: argparse.Namespace) -> Path:
    if len(arguments.output) != 1 or arguments.output[0].suffix:
        raise ValueError("--reference-study all writes to a folder: expected one --output without a suffix")
    if arguments.picture is not None or arguments.scan is not None:
        raise ValueError("--picture and --scan are for one boundary: expected --reference-study NAME with them")
    folder: Path = arguments.output[0]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settings(arguments: argparse.Namespace, crystal: Atoms, size: Size) -> Json:
    """What an energy depends on: computed again when any of it has changed."""
    from dataclasses import asdict

    from betalps.potentials import load

    if not (arguments.energy or arguments.relax):
        return {}
    return {
        "potential": load(arguments.potential).sha256,
        "fmax": arguments.fmax,
        "steps": arguments.steps,
        "size": asdict(size),
        "crystal": [crystal.get_chemical_formula("metal"), crystal.cell.array.round(6).tolist()],
    }


def _read_energies(folder: Path) -> dict[str, Json]:
    path = folder / _ENERGIES
    if not path.exists():
        return {}
    try:
        found: dict[str, Json] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; delete it to compute all energies anew") from error
    return found


def _write_energies(folder: Path, energies: dict[str, Json]) -> None:
    from betalps.files import write_atomic

    write_atomic(folder / _ENERGIES, json.dumps(energies, indent=1, ensure_ascii=False).encode())
