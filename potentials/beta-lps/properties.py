"""Lattice, density, energies and elastic constants: ``python properties.py teacher|P.almtp --output x.json``."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE

from betalps import MTP
from betalps.structures import BETA_ORDERINGS, beta_li3ps4, gamma_li3ps4

_STRAIN, _FORCE = 0.005, 0.005  # finite strain; largest force after relaxation, eV/Å
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def relaxed(atoms: Atoms, calculator: BaseCalculator, *, cell: bool) -> Atoms:
    """Positions, and with `cell` the lattice vectors, relaxed."""
    found = atoms.copy()
    found.calc = calculator
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "logm result may be inaccurate")  # by 1e-13
        FIRE(FrechetCellFilter(found) if cell else found, logfile=None).run(fmax=_FORCE, steps=1000)
    return found


def crystal(atoms: Atoms, calculator: BaseCalculator) -> tuple[dict, Atoms]:
    """Cell, density and energy of a relaxed crystal."""
    found = relaxed(atoms, calculator, cell=True)
    mass = found.get_masses().sum() / units.kg * 1000
    return {
        "cell_A": [round(float(x), 4) for x in found.cell.lengths()],
        "angles_deg": [round(float(x), 3) for x in found.cell.angles()],
        "density_g_per_cm3": round(float(mass / (found.get_volume() * 1e-24)), 4),
        "energy_eV_per_atom": round(float(found.get_potential_energy() / len(found)), 6),
    }, found


def elastic(atoms: Atoms, calculator: BaseCalculator) -> dict:
    """Elastic constants with relaxed ions, by central differences of the stress; moduli after Voigt, Reuss, Hill."""
    constants = np.zeros((6, 6))
    for column, (a, b) in enumerate(_VOIGT):
        strain = np.zeros((3, 3))
        strain[a, b] = strain[b, a] = _STRAIN if a == b else _STRAIN / 2
        stresses = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.set_cell(atoms.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
            stresses.append(relaxed(moved, calculator, cell=False).get_stress())
        constants[:, column] = (stresses[0] - stresses[1]) / (2 * _STRAIN) / units.GPa
    constants = (constants + constants.T) / 2
    compliance = np.linalg.inv(constants)
    c, s = constants, compliance
    bulk_v = (c[0, 0] + c[1, 1] + c[2, 2] + 2 * (c[0, 1] + c[1, 2] + c[0, 2])) / 9
    bulk_r = 1 / (s[0, 0] + s[1, 1] + s[2, 2] + 2 * (s[0, 1] + s[1, 2] + s[0, 2]))
    shear_v = (np.trace(c[:3, :3]) - c[0, 1] - c[1, 2] - c[0, 2] + 3 * np.trace(c[3:, 3:])) / 15
    shear_r = 15 / (4 * (np.trace(s[:3, :3]) - s[0, 1] - s[1, 2] - s[0, 2]) + 3 * np.trace(s[3:, 3:]))
    return {
        "constants_GPa": [[round(float(x), 2) for x in row] for row in constants],
        "bulk_modulus_GPa": round(float((bulk_v + bulk_r) / 2), 2),
        "shear_modulus_GPa": round(float((shear_v + shear_r) / 2), 2),
    }


def properties(calculator: BaseCalculator) -> dict:
    """All of it."""
    found = {}
    for ordering in BETA_ORDERINGS:
        found[f"beta {ordering}"], atoms = crystal(beta_li3ps4(ordering=ordering), calculator)
        if ordering == "4b4":
            found["elastic beta 4b4"] = elastic(atoms, calculator)
    found["gamma"], _ = crystal(gamma_li3ps4(), calculator)
    gamma = found["gamma"]["energy_eV_per_atom"]
    for ordering in BETA_ORDERINGS:
        entry = found[f"beta {ordering}"]
        entry["above_gamma_meV_per_atom"] = round(1000 * (entry["energy_eV_per_atom"] - gamma), 2)
    return found


def main() -> None:
    """Write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.potential == "teacher":
        import torch

        from betalps.active_learning import sevennet

        torch.set_num_threads(1)
        calculator = sevennet()()
    else:
        calculator = MTP(arguments.potential, threads=1)
    arguments.output.write_text(json.dumps(properties(calculator), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
