"""Random packings: composition, units, density and contacts of the crystal, and none of its order."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list

from betalps.errors import StructureError
from betalps.structures.bonding import bonded_units
from betalps.structures.contacts import shortest_contacts
from betalps.structures.crystals import beta_li3ps4, gamma_li3ps4
from betalps.structures.glasses.glass import random_glass

CELL = np.diag([26.0, 24.0, 22.0])


def density(atoms):
    return atoms.get_masses().sum() / atoms.get_volume() * 1.66053906660


def test_packing_has_the_crystals_units_density_and_contacts():
    crystal = beta_li3ps4()
    glass = random_glass(crystal, CELL, rng=0)
    np.testing.assert_allclose(glass.cell.lengths()[:2], [26.0, 24.0])
    assert density(glass) == pytest.approx(density(crystal))
    count = len(glass) // 8
    units = bonded_units(glass)
    assert units.counts == {"Li": 3 * count, "PS4": count}
    i, distance = neighbor_list("id", glass, {("P", "S"): 2.6})
    assert np.bincount(i, minlength=len(glass))[glass.symbols == "P"].tolist() == [4] * count
    assert 2.03 < distance.min() < distance.max() < 2.10
    bulk_contacts = shortest_contacts([(crystal, bonded_units(crystal))])
    for pair, found in shortest_contacts([(glass, units)]).items():
        assert found >= 0.9 * bulk_contacts[pair], pair
    assert glass.info["glass"]["units"] == units.counts
    assert "not relaxed" in glass.info["glass"]["method"]


def test_nothing_of_the_crystals_order_is_left():
    crystal = beta_li3ps4((2, 3, 4))
    glass = random_glass(beta_li3ps4(), crystal.cell, rng=1)
    assert len(glass) == len(crystal)

    def structure_factor(atoms):
        phosphorus = atoms.get_scaled_positions()[atoms.symbols == "P"]
        waves = np.array([[x, y, z] for x in range(-8, 9) for y in range(-8, 9) for z in range(1, 9)])
        return (np.abs(np.exp(2j * np.pi * phosphorus @ waves.T).sum(axis=0)) ** 2).max() / len(phosphorus)

    assert structure_factor(crystal) > 50  # a Bragg peak: as large as there are atoms
    assert structure_factor(glass) < 15


def test_seeds_density_and_size():
    crystal = gamma_li3ps4()
    first, again, other = (random_glass(crystal, CELL, rng=seed).positions for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    light = random_glass(crystal, CELL, rng=0, density=1.5, atoms=500)
    assert density(light) == pytest.approx(1.5)
    assert len(light) == 504
    np.testing.assert_allclose(light.cell.lengths()[:2], [26.0, 24.0])


def test_five_thousand_atoms_in_a_few_seconds():
    start = time.process_time()
    glass = random_glass(beta_li3ps4(), np.diag([31.3, 27.4, 124.0]), rng=0)
    assert 5000 < len(glass) < 5250
    assert time.process_time() - start < 10


def test_any_crystal_and_any_cell():
    cell = [[12.0, 0, 0], [3.0, 11.0, 0], [2.0, -3.0, 10.0]]
    metal = random_glass(bulk("Cu", cubic=True), cell, rng=0, bonds={}, contact=0.85)
    assert len(metal) == round(abs(np.linalg.det(cell)) / 3.61**3 * 4)
    assert neighbor_list("d", metal, 2.5).min() >= 0.85 * 3.61 / np.sqrt(2)
    salt = random_glass(bulk("NaCl", "rocksalt", a=5.64), cell, rng=0, bonds={}, contact=0.8)
    assert (salt.symbols == "Na").sum() == (salt.symbols == "Cl").sum()


def test_what_cannot_be_packed_is_named():
    with pytest.raises(StructureError, match=r"no packing found: Cu-Cu .* ask for a lower density"):
        random_glass(bulk("Cu", cubic=True), np.eye(3) * 9, rng=0, bonds={}, contact=1.0, density=12.0)
    with pytest.raises(ValueError, match="cell: expected three vectors that span a volume"):
        random_glass(beta_li3ps4(), np.zeros((3, 3)), rng=0)
    with pytest.raises(ValueError, match="density -1: expected a number above 0"):
        random_glass(beta_li3ps4(), CELL, rng=0, density=-1)
    with pytest.raises(StructureError, match="no bonded units"):
        random_glass(Atoms("PS", positions=[[0, 0, 0], [4, 4, 4]], cell=[8] * 3, pbc=True), CELL, rng=0)
