"""Lattice, density, energies and elastic constants: ``python properties.py teacher|P.almtp --output x.json``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ase.calculators.calculator import BaseCalculator

from betalps import MTP
from betalps.analysis import Relaxation, elastic_tensor, relaxed_lattice
from betalps.structures import BETA_ORDERINGS, beta_li3ps4, gamma_li3ps4

_FINE = Relaxation(fmax=0.005, steps=1000)


def crystal(lattice) -> dict:
    """Cell, density and energy of a relaxed crystal."""
    return {
        "cell_A": [round(float(x), 4) for x in lattice.lengths],
        "angles_deg": [round(float(x), 3) for x in lattice.angles],
        "density_g_per_cm3": round(lattice.density, 4),
        "energy_eV_per_atom": round(lattice.energy, 6),
        "space_group": lattice.space_group,
    }


def elastic(atoms, calculator: BaseCalculator) -> dict:
    """Elastic constants with relaxed ions; moduli after Hill."""
    found = elastic_tensor(atoms, calculator, relax_cell=False, relaxation=_FINE)
    return {
        "constants_GPa": [[round(float(x), 2) for x in row] for row in found.constants],
        "bulk_modulus_GPa": round(found.bulk_modulus, 2),
        "shear_modulus_GPa": round(found.shear_modulus, 2),
    }


def properties(calculator: BaseCalculator) -> dict:
    """All of it."""
    found = {}
    for ordering in BETA_ORDERINGS:
        lattice = relaxed_lattice(beta_li3ps4(ordering=ordering), calculator, relaxation=_FINE)
        found[f"beta {ordering}"] = crystal(lattice)
        if ordering == "4b4":
            found["elastic beta 4b4"] = elastic(lattice.atoms, calculator)
    found["gamma"] = crystal(relaxed_lattice(gamma_li3ps4(), calculator, relaxation=_FINE))
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
