"""Fillings by energy: Ewald's against structure by structure, and any ASE calculator."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from betalps.errors import StructureError
from betalps.structures.crystals import beta_li3ps4_sites
from betalps.structures.ordering.ewald import ewald_energy
from betalps.structures.ordering.fillings import fillings
from betalps.structures.ordering.ranking import ewald_energies, rank_fillings
from betalps.structures.ordering.sites import SiteOrder

LPS = {"Li": 1, "P": 5, "S": -2}


def test_ewald_energies_are_those_of_the_structures():
    order = beta_li3ps4_sites()
    found = fillings(order)
    energies = ewald_energies(order, found, LPS)
    for one, energy in zip(found, energies, strict=True):
        assert energy == pytest.approx(ewald_energy(order.atoms(one.labels), LPS), abs=1e-8)


def test_ewald_ranking_spreads_lithium():
    ranked = rank_fillings(beta_li3ps4_sites(), fillings(beta_li3ps4_sites()), "ewald", charges=LPS)
    assert [one.energy for one in ranked] == sorted(one.energy for one in ranked)
    assert ranked[0].above_lowest == 0
    assert ranked[-1].above_lowest == pytest.approx((ranked[-1].energy - ranked[0].energy) / 32)

    # Neighbouring sites, 2.1 Å apart, both filled cost most; none is filled so in the lowest.
    def nearest(one):
        lithium = one.atoms[one.atoms.symbols == "Li"]
        distance = lithium.get_all_distances(mic=True)
        return distance[np.triu_indices(len(lithium), 1)].min()

    assert nearest(ranked[0]) > 2.5
    assert nearest(ranked[-1]) < 2.2


def pair_order():
    framework = Atoms("Ar", cell=[20, 20, 20], pbc=True)
    return SiteOrder(
        framework=framework,
        positions=[[3.0, 0, 0], [6.0, 0, 0], [4.2, 0, 0]],
        kinds=("a", "b", "c"),
        occupancy={"a": {"Ar": 0.3}, "b": {"Ar": 0.3}, "c": {"Ar": 0.4}},
    )


def test_any_calculator_and_its_factory():
    order = pair_order()
    found = fillings(order)
    progress = []
    ranked = rank_fillings(order, found, LennardJones(sigma=3.4, epsilon=0.01, rc=12), observer=progress.append)
    made = rank_fillings(order, found, lambda: LennardJones(sigma=3.4, epsilon=0.01, rc=12))
    assert [one.energy for one in ranked] == [one.energy for one in made]
    assert ranked[0].filling.counts["c"] == {"Ar": 1}  # nearest to the minimum at 3.82 Å
    assert [one.done for one in progress] == [1, 2, 3]
    assert progress[-1].total == 3
    assert ranked[0].atoms.calc is None


def test_relaxation_finds_the_minimum():
    order = pair_order()
    ranked = rank_fillings(order, fillings(order), LennardJones(sigma=3.4, epsilon=0.01, rc=9), fmax=1e-4)
    assert all(one.converged for one in ranked)
    assert ranked[0].atoms.get_distance(0, 1, mic=True) == pytest.approx(3.4 * 2 ** (1 / 6), abs=0.02)
    (short,) = rank_fillings(order, fillings(order)[:1], LennardJones(sigma=3.4, epsilon=0.01), fmax=1e-9, max_steps=1)
    assert not short.converged


def test_bad_input_is_named():
    order = beta_li3ps4_sites()
    found = fillings(order)
    with pytest.raises(ValueError, match="no fillings to rank"):
        rank_fillings(order, [], "ewald", charges=LPS)
    with pytest.raises(ValueError, match="expected 'ewald' with charges"):
        rank_fillings(order, found, "ewald")
    with pytest.raises(ValueError, match="fmax 0 eV/Å: expected more than 0"):
        rank_fillings(order, found, LennardJones(), fmax=0)
    with pytest.raises(StructureError, match=r"add up to -4"):
        rank_fillings(order, found, "ewald", charges={"Li": 1, "P": 4, "S": -2})
