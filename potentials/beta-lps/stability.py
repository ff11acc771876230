"""Long runs that must not break: ``python stability.py P.almtp FOLDER [--only NAME]``; killed, it goes on.

β-Li3PS4 of 256 atoms at constant pressure: 1 ns at 300, 600 and 1000 K, 200 ps at 2000 K; 2,048 atoms for 100 ps at
600 K and 200 ps at 2000 K. Every 0.5 ps the temperature, density and the share of P in PS4 are looked at. By the native
loop, whose numbers are those of ASE's MTKNPT and IsotropicMTKNPT. Goes on from the last 20 ps: the thermostat and
barostat then begin anew.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from matscipy.neighbours import neighbour_list

from betalps import MTP
from betalps.dynamics import UnstableRunError, native
from betalps.potentials import Potential
from betalps.structures import beta_li3ps4

_BOND = 2.7  # Å, P-S; the second shell begins at 3.8
_BLOCK, _LOOK = 20.0, 0.5  # ps
RUNS = {
    "256 atoms, 300 K": ((2, 2, 2), "cell", 300, 1000.0),
    "256 atoms, 600 K": ((2, 2, 2), "cell", 600, 1000.0),
    "256 atoms, 1000 K": ((2, 2, 2), "cell", 1000, 1000.0),
    "256 atoms, 2000 K": ((2, 2, 2), "volume", 2000, 200.0),
    "2048 atoms, 600 K": ((4, 4, 4), "cell", 600, 100.0),
    "2048 atoms, 2000 K": ((4, 4, 4), "volume", 2000, 200.0),
}


def tetrahedra(atoms: Atoms) -> float:
    """Share of P with exactly four S, none of which another P has, and no P beside it."""
    i, j = neighbour_list("ij", atoms, _BOND)
    number = atoms.numbers
    bonds = (number[i] == 15) & (number[j] == 16)
    touching = (number[i] == 15) & (number[j] == 15)
    of_phosphorus = np.bincount(i[bonds], minlength=len(atoms))
    of_sulfur = np.bincount(j[bonds], minlength=len(atoms))
    shared = np.bincount(i[bonds], weights=of_sulfur[j[bonds]] > 1, minlength=len(atoms))
    paired = np.bincount(i[touching], minlength=len(atoms))
    whole = (of_phosphorus == 4) & (shared == 0) & (paired == 0)
    return float(whole[number == 15].mean())


def advance(name: str, potential: Path, folder: Path) -> dict:
    """A run, from where it is to its end."""
    cells, ensemble, temperature, length = RUNS[name]
    stem = folder / name.replace(", ", "-").replace(" ", "_")
    log, last = stem.with_suffix(".csv"), stem.with_suffix(".traj")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if last.exists():
        atoms = read(last)
        done = atoms.info["time_ps"]
    else:
        atoms, done = beta_li3ps4(cells), 0.0
        thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
        Stationary(atoms)
        log.write_text("time_ps,temperature_K,density_g_per_cm3,ps4,processor_s\n", encoding="utf-8")
    atoms.calc = MTP(potential, threads=1)
    kinds = {"cell": native.MTKNPT, "volume": native.IsotropicMTKNPT}
    motion = kinds[ensemble](
        atoms,
        2 * units.fs,
        temperature_K=temperature,
        pressure_au=1e5 * units.Pascal,
        tdamp=100 * units.fs,
        pdamp=1000 * units.fs,
    )
    mass = atoms.get_masses().sum() / units.kg * 1000
    while done < length - 1e-6:
        lines = []
        began = time.process_time()
        for look in range(1, round(_BLOCK / _LOOK) + 1):
            try:
                motion.run(round(500 * _LOOK))
            except UnstableRunError as error:
                return {"broken_after_ps": round(done + look * _LOOK, 2), "why": str(error)}
            density = mass / (atoms.get_volume() * 1e-24)
            state = f"{atoms.get_temperature():.1f},{density:.4f},{tetrahedra(atoms):.4f}"
            lines.append(f"{done + look * _LOOK:.2f},{state},{time.process_time() - began:.1f}\n")
        done += _BLOCK
        with log.open("a", encoding="utf-8") as file:
            file.writelines(lines)
        atoms.info["time_ps"] = done
        kept = atoms.copy()
        write(last.with_suffix(".new.traj"), kept)
        last.with_suffix(".new.traj").replace(last)
    return summary(log)


def summary(log: Path) -> dict:
    """What the log of a run says; means without the first tenth."""
    table = np.genfromtxt(log, delimiter=",", skip_header=1)
    late = table[len(table) // 10 :]
    return {
        "time_ps": round(float(table[-1, 0]), 1),
        "broken_after_ps": None,
        "temperature_K": round(float(late[:, 1].mean()), 1),
        "density_g_per_cm3": round(float(late[:, 2].mean()), 4),
        "ps4_least": round(float(table[:, 3].min()), 4),
        "ps4_mean": round(float(late[:, 3].mean()), 4),
    }


def main() -> None:
    """Run all, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=RUNS, nargs="+", default=list(RUNS))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sha256 = Potential.read(arguments.potential).sha256
    for name in arguments.only:
        found = advance(name, arguments.potential, arguments.folder)
        path = arguments.folder / "stability.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**known, name: found, "sha256": sha256}, indent=1) + "\n", encoding="utf-8")
        print(name, found, flush=True)


if __name__ == "__main__":
    main()
