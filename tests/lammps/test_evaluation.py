"""LAMMPS computes what the calculator does: both ways, on one rank and two, in any cell."""

import numpy as np
import pytest

from betalps.errors import SpeciesError, StructureError
from betalps.lammps import LammpsError, compare, evaluate
from calculators.cases import BUNDLED, random_potential

pytestmark = pytest.mark.lammps


@pytest.mark.parametrize("way", ["plugin", "external"])
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("sheared", [False, True])
def test_agrees_with_the_calculator(lammps, distorted, way, ranks, sheared):
    found = compare(distorted((1, 2, 1), sheared=sheared), BUNDLED, ranks=ranks, way=way, installation=lammps)
    assert max(found) < 1e-11, found


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_cell_smaller_than_the_cutoff_and_left_handed(lammps, distorted, ranks):
    atoms = distorted()[:5]
    atoms.set_cell([[0, 4.1, 0.2], [3.9, 0, 0.1], [0.3, -0.2, 4.4]])
    atoms.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.1], [0.4, 0, 0.5], [0, 0.6, 0.5], [0.7, 0.3, 0.6]])
    assert np.linalg.det(atoms.cell.array) < 0
    assert max(compare(atoms, BUNDLED, ranks=ranks, installation=lammps)) < 1e-10


def test_a_slab_and_atoms_outside_the_cell(lammps, distorted):
    atoms = distorted()
    atoms.center(vacuum=6, axis=2)
    atoms.pbc = (True, True, False)
    atoms.positions[:, 0] += 100.0
    assert max(compare(atoms, BUNDLED, installation=lammps)[:2]) < 1e-11


def test_other_species_order_and_missing_species(lammps, distorted):
    potential = random_potential(species=("S", "Li", "Cl", "P"))
    assert max(compare(distorted(), potential, installation=lammps)) < 1e-9


def _foreign(atoms):
    atoms.symbols[0] = "Na"
    return atoms


def _flat(atoms):
    atoms.cell[2] = 0
    return atoms


def _isotopes(atoms):
    masses = atoms.get_masses()
    masses[0] = 6.0
    atoms.set_masses(masses)
    return atoms


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (_foreign, SpeciesError, "holds Na; the potential knows Li, P, S"),
        (_flat, StructureError, "has no volume"),
        (_isotopes, StructureError, "masses of Li range from 6 to"),
        (lambda atoms: atoms[:0], StructureError, "empty"),
    ],
)
def test_bad_structures(lammps, distorted, change, kind, message):
    with pytest.raises(kind, match=message):
        evaluate(change(distorted()), BUNDLED, installation=lammps)


@pytest.mark.parametrize("way", ["plugin", "external"])
def test_two_atoms_in_one_place(lammps, distorted, way):
    atoms = distorted()
    atoms.positions[1] = atoms.positions[0]
    with pytest.raises(LammpsError, match="not finite"):
        evaluate(atoms, BUNDLED, way=way, ranks=2, installation=lammps)
