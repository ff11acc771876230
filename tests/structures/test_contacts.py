"""Contacts in crystals, and the gap that two slabs need, against a search of every pair of atoms."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.structures import beta_li3ps4
from betalps.structures.bonding import bonded_units, default_bonds
from betalps.structures.contacts import contact_table, least_gaps, shortest_contacts


def described(crystal, bonds=None):
    return crystal, bonded_units(crystal, bonds)


def test_contacts_of_beta():
    contacts = shortest_contacts([described(beta_li3ps4())])
    expected = {
        ("Li", "Li"): 3.29,
        ("Li", "P"): 3.00,
        ("Li", "S"): 2.46,
        ("P", "P"): 5.08,
        ("P", "S"): 4.23,  # the bond is left out, the next PS4 counts
        ("S", "S"): 3.28,  # within a PS4: not bonded to each other
    }
    assert contacts == pytest.approx(expected, abs=0.005)


def test_images_of_a_bonded_partner_count():
    """N2 in a box so small that the next image of the partner is the nearest atom that is not bonded."""
    from ase import Atoms

    molecule = Atoms("N2", positions=[(0, 0, 0), (1.1, 0, 0)], cell=[3.0, 7, 7], pbc=True)
    assert shortest_contacts([described(molecule)])["N", "N"] == pytest.approx(1.9)


def test_species_that_never_meet_get_the_mean():
    copper, nickel = bulk("Cu", a=3.6, cubic=True), bulk("Ni", a=3.5, cubic=True)
    contacts = shortest_contacts([described(copper), described(nickel)])
    assert contacts["Cu", "Ni"] == pytest.approx((3.6 + 3.5) / 2 / np.sqrt(2))


def test_table_is_symmetric_and_checked():
    table = contact_table({("Li", "S"): 2.5, ("S", "S"): 3.3, ("Ag", "I"): 2.0}, [3, 16])
    np.testing.assert_array_equal(table, [[0, 2.5], [2.5, 3.3]])
    with pytest.raises(ValueError, match="contact Li-S: expected a distance above 0 Å, got -1"):
        contact_table({("Li", "S"): -1.0}, [3, 16])


def brute_force(below, above, cell, table, grid, floor):
    """Every atom against every image of every other, for every translation."""
    reach = 4
    images = np.array([(i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]) @ cell
    gaps = np.full(grid, floor, dtype=float)
    for i, j in np.ndindex(*grid):
        shift = np.array([i / grid[0], j / grid[1]]) @ cell
        for x, a in zip(*below, strict=True):
            for y, b in zip(*above, strict=True):
                square = ((y[:2] + shift + images - x[:2]) ** 2).sum(axis=1).min()
                if square < table[a, b] ** 2:
                    gaps[i, j] = max(gaps[i, j], np.sqrt(table[a, b] ** 2 - square) - (y[2] - x[2]))
    return gaps


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    skew=st.floats(-1.5, 1.5),
    floor=st.sampled_from([-1.0, 0.0]),
)
def test_least_gaps_against_brute_force(seed, grid, skew, floor):
    rng = np.random.default_rng(seed)
    cell = np.array([[3.0, 0.0], [skew, 4.0]])
    low, high = rng.uniform(0, 4, (5, 3)), rng.uniform(0, 4, (6, 3))
    low[:, 2] -= 4.5
    species = rng.integers(0, 2, 5), rng.integers(0, 2, 6)
    table = np.array([[2.0, 3.1], [3.1, 0.0]])
    below, above = (low, species[0]), (high, species[1])
    found = least_gaps(below, above, cell, table, grid, floor)
    np.testing.assert_allclose(found, brute_force(below, above, cell, table, grid, floor), atol=1e-9)


def test_nothing_to_touch_needs_no_gap():
    alone = np.zeros((1, 3)), np.zeros(1, dtype=np.int64)
    nobody = np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    assert least_gaps(alone, nobody, 3 * np.eye(2), np.array([[2.0]]))[0, 0] == 0
    assert least_gaps(alone, alone, 3 * np.eye(2), np.array([[0.0]]))[0, 0] == 0
    assert least_gaps(alone, alone, 3 * np.eye(2), np.array([[2.0]]))[0, 0] == 2


def test_what_the_crystal_never_brings_near_stays_apart_too():
    """Two CO of neighbouring grains must not become one unit because no two C of the crystal are within 8 Å."""
    crystal = Atoms("COLi", positions=[(0, 0, 0), (1.15, 0, 0), (5, 5, 5)], cell=[10, 10, 10], pbc=True)
    found = shortest_contacts([(crystal, bonded_units(crystal))])
    assert set(found) == {(a, b) for a in ("C", "Li", "O") for b in ("C", "Li", "O") if a <= b}
    for pair, longest in default_bonds({"C", "O"}).items():
        assert 0.9 * found[pair] > longest
