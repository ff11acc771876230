"""Small labelled data for the tests: rattled and strained β-Li3PS4, labelled by a bundled potential."""

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from betalps import MTP
from betalps.structures import beta_li3ps4

SPECIES = ("Li", "P", "S")


def label(atoms, calc):
    """A copy with the calculator's results."""
    atoms = atoms.copy()
    atoms.calc = calc
    results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(), "stress": atoms.get_stress()}
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def structures(count, seed=0, amplitude=0.07):
    rng = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        atoms = beta_li3ps4()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), scale_atoms=True)
        atoms.positions += amplitude * (0.5 + index % 2) * rng.normal(size=(len(atoms), 3))
        atoms.info = {"temperature_K": [300, 600][index % 2]}
        frames.append(atoms)
    return frames


def labelled(count, seed=0):
    calc = MTP("beta-lps", threads=1)
    return [label(atoms, calc) for atoms in structures(count, seed)]


def dimer(distance, energy, symbols="LiS"):
    atoms = Atoms(symbols, positions=[[0, 0, 0], [distance, 0, 0]], cell=[20, 20, 20], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.zeros((2, 3)), stress=np.zeros(6))
    return atoms
