"""What GPAW says about the relaxed crystals of a corrected potential: ``python check.py FOLDER corrected.almtp``.

A better lattice has a lower energy. Labels go to FOLDER/check, the comparison to FOLDER/check.json.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase.spacegroup.symmetrize import refine_symmetry
from label import SETTINGS

from betalps import MTP
from betalps.active_learning import gpaw, label
from betalps.analysis import Relaxation, relaxed_lattice
from betalps.structures import beta_li3ps4, gamma_li3ps4
from structures import crystal


def main() -> None:
    """Relax, label, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("corrected", type=Path)
    parser.add_argument("--crystals", nargs="+", default=["gamma", "beta"])
    arguments = parser.parse_args()
    builders = {"gamma": gamma_li3ps4, "beta": beta_li3ps4}
    found = {}
    for name in arguments.crystals:
        found[name] = {}
        for when, potential in (("before", "beta-lps"), ("after", arguments.corrected)):
            calc = MTP(potential, threads=1)
            atoms = relaxed_lattice(builders[name](), calc, relaxation=Relaxation(fmax=0.005, steps=1000)).atoms
            refine_symmetry(atoms, symprec=0.01)
            labelled = label([crystal(name, atoms)], gpaw(**SETTINGS), folder=arguments.folder / "check").frames[0]
            found[name][when] = {
                "cell_A": atoms.cell.lengths().round(4).tolist(),
                "energy_eV_per_atom": round(labelled.get_potential_energy() / len(atoms), 6),
                "largest_force_eV_per_A": round(float(np.linalg.norm(labelled.get_forces(), axis=1).max()), 3),
            }
            print(name, when, found[name][when], flush=True)
    (arguments.folder / "check.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
