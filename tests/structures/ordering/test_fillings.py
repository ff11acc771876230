"""Distinct fillings: the known counts of β-Li3PS4, and orbits counted by brute force."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.crystals import beta_li3ps4_sites
from betalps.structures.ordering.fillings import fillings, site_permutations
from betalps.structures.ordering.sites import SiteOrder


def test_sixteen_fillings_of_the_beta_cell():
    found = fillings(beta_li3ps4_sites())
    assert len(found) == 16
    assert sum(one.degeneracy for one in found) == math.comb(8, 4)
    assert [Counter(one.counts["4c"]["Li"] for one in found)[n] for n in range(5)] == [1, 2, 10, 2, 1]
    assert found[0].labels == (1, 1, 1, 1, 0, 0, 0, 0)
    assert found[0].degeneracy == 1


@pytest.mark.parametrize(("repeats", "count"), [((2, 1, 1), 900), ((1, 2, 1), 874), ((1, 1, 2), 900)])
def test_doubled_beta_cells(repeats, count):
    found = fillings(beta_li3ps4_sites(repeats))
    assert len(found) == count
    assert sum(one.degeneracy for one in found) == math.comb(16, 8)


def test_operations_keep_distances_between_sites():
    order = beta_li3ps4_sites((1, 2, 1))
    atoms = Atoms("X16", positions=order.positions, cell=order.framework.cell, pbc=True)
    distance = atoms.get_all_distances(mic=True)
    permutations = site_permutations(order)
    assert len(permutations) > 1
    for permutation in permutations:
        np.testing.assert_allclose(distance[np.ix_(permutation, permutation)], distance, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)),
    lengths=st.sampled_from([(4.0, 4.0, 4.0), (4.0, 4.0, 5.0), (4.0, 4.5, 5.0)]),
    data=st.data(),
)
def test_orbits_of_lattices_by_brute_force(size, lengths, data):
    # One site in the middle of each cell of a simple lattice: Burnside and brute force must agree with the orbits.
    cells = math.prod(size)
    number = data.draw(st.integers(0, cells))
    framework = Atoms("S", cell=lengths, pbc=True).repeat(size)
    order = SiteOrder(
        framework=framework,
        positions=framework.positions + np.array(lengths) / 2,
        kinds=("a",) * cells,
        occupancy={"a": {"Li": 0.5}},
        numbers={"Li": number},
    )
    permutations = site_permutations(order)
    fixed = 0
    for permutation in permutations:
        for chosen in itertools.combinations(range(cells), number):
            row = np.zeros(cells, dtype=int)
            row[list(chosen)] = 1
            fixed += bool((row[permutation] == row).all())
    found = fillings(order)
    assert len(found) * len(permutations) == fixed  # Burnside's lemma
    assert sum(one.degeneracy for one in found) == math.comb(cells, number)
    assert all(sum(one.labels) == number for one in found)


def test_two_species_and_no_vacancies():
    framework = Atoms("S", cell=[4, 4, 4], pbc=True).repeat((2, 2, 1))
    order = SiteOrder(
        framework=framework,
        positions=framework.positions + 2.0,
        kinds=("a",) * 4,
        occupancy={"a": {"Ge": 0.25, "P": 0.75}},
    )
    (one,) = fillings(order)
    assert one.degeneracy == 4
    assert one.counts == {"a": {"Ge": 1, "P": 3}}
    half = SiteOrder(
        framework=framework,
        positions=framework.positions + 2.0,
        kinds=("a",) * 4,
        occupancy={"a": {"Li": 0.25, "Na": 0.25}},
    )
    found = fillings(half)
    assert sum(one.degeneracy for one in found) == 12
    assert len(found) == 2  # side by side, and across


def test_too_many_are_refused_at_once():
    with pytest.raises(StructureError, match=r"96 sites can lie in 6\.44e\+27 ways or more: .* random_filling"):
        fillings(beta_li3ps4_sites((2, 2, 3)))
