"""Rigid units pushed apart: they keep their shape, and every contact reaches its limit."""

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.glasses.packing import relieve


def limits_of(**lengths):
    limits = np.zeros((119, 119))
    for pair, length in lengths.items():
        a, b = Atoms(pair.replace("_", "")).numbers
        limits[a, b] = limits[b, a] = length
    return limits


def dumbbells(count, box, rng):
    """O-H at 1 Å, at random."""
    centres = rng.random((count, 3)) * box
    arms = rng.normal(size=(count, 3))
    arms *= 0.5 / np.linalg.norm(arms, axis=1)[:, None]
    positions = np.stack([centres - arms, centres + arms], axis=1).reshape(-1, 3)
    return Atoms("OH" * count, positions=positions, cell=[box] * 3, pbc=True), np.repeat(np.arange(count), 2)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 40))
def test_units_stay_rigid_and_contacts_are_kept(seed, count):
    rng = np.random.default_rng(seed)
    atoms, units = dumbbells(count, (count * 25.0) ** (1 / 3) + 2, rng)
    relieve(atoms, units, limits_of(O_O=2.4, O_H=1.8, H_H=1.6), most_steps=3000)
    bonds = atoms.positions[1::2] - atoms.positions[::2]
    np.testing.assert_allclose(np.linalg.norm(bonds, axis=1), 1.0, atol=1e-9)
    i, j, distance, shift = neighbor_list("ijdS", atoms, 2.4)
    other = (units[i] != units[j]) | shift.any(axis=1)
    symbols = np.array(atoms.get_chemical_symbols())
    for a, b, least in (("O", "O", 2.4), ("O", "H", 1.8), ("H", "H", 1.6)):
        chosen = other & (symbols[i] == a) & (symbols[j] == b)
        assert distance[chosen].min(initial=9.0) >= least


def test_what_is_far_apart_stays():
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [5, 0, 0]], cell=[12] * 3, pbc=True)
    before = atoms.positions.copy()
    assert relieve(atoms, np.array([0, 1]), limits_of(Ar_Ar=3.0), most_steps=10) == 0
    np.testing.assert_array_equal(atoms.positions, before)


def test_pairs_without_a_limit_may_overlap():
    atoms = Atoms("ArNe", positions=[[0, 0, 0], [0.1, 0, 0]], cell=[12] * 3, pbc=True)
    assert relieve(atoms, np.array([0, 1]), limits_of(Ar_Ar=3.0), most_steps=10) == 0


def test_atoms_on_top_of_each_other_come_apart():
    atoms = Atoms("Ar3", positions=[[0, 0, 0], [1e-4, 0, 0], [0, 0.5, 0]], cell=[12] * 3, pbc=True)
    relieve(atoms, np.arange(3), limits_of(Ar_Ar=3.0), most_steps=500)
    assert atoms.get_all_distances(mic=True)[np.triu_indices(3, 1)].min() >= 3.0


def test_what_cannot_be_packed_is_named():
    rng = np.random.default_rng(0)
    atoms = Atoms("Ar30", positions=rng.random((30, 3)) * 6, cell=[6] * 3, pbc=True)
    with pytest.raises(StructureError, match=r"no packing found: Ar-Ar \d\.\d\d Å, expected at least 3\.00 Å"):
        relieve(atoms, np.arange(30), limits_of(Ar_Ar=3.0), most_steps=5000)
