"""Random fillings: numbers exact, distances kept, seeded, and quick for large cells."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from ase.spacegroup import crystal
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.crystals import beta_li3ps4_sites
from betalps.structures.ordering.random_filling import random_filling
from betalps.structures.ordering.sites import SiteOrder, partial_occupancies


def on_kinds(order, atoms):
    sites = atoms.arrays["site"]
    kinds = np.array(order.kinds)[sites[sites >= 0]]
    return {kind: int((kinds == kind).sum()) for kind in dict.fromkeys(order.kinds)}


def test_large_beta_cell_by_its_occupancies():
    order = beta_li3ps4_sites((4, 8, 12))
    start = time.perf_counter()
    atoms = random_filling(order, 1, shortest=0)
    assert time.perf_counter() - start < 5
    assert len(atoms) == 12288
    assert atoms.get_chemical_formula() == "Li4608P1536S6144"
    assert on_kinds(order, atoms) == {"4b": 1075, "4c": 461}  # 0.7 and 0.3 of 1536


def test_no_two_ions_are_too_near():
    order = beta_li3ps4_sites((2, 4, 6))
    atoms = random_filling(order, 1, shortest=2.5)
    lithium = atoms[atoms.symbols == "Li"]
    assert len(lithium) == 12 * 48
    assert neighbor_list("d", lithium, 3.5).min() > 2.5
    counts = on_kinds(order, atoms)
    # Rows of eight sites along b are filled on 4b or on 4c as a whole.
    assert counts["4b"] % 8 == 0
    assert abs(counts["4b"] / 192 - 0.7) < 8 / 192


def test_seeds_decide():
    order = beta_li3ps4_sites((2, 2, 2))
    first, again, other = (random_filling(order, seed).arrays["site"].tolist() for seed in (3, 3, 4))
    assert first == again
    assert first != other
    generator = np.random.default_rng(3)
    assert random_filling(order, generator).arrays["site"].tolist() == first
    assert random_filling(order, generator).arrays["site"].tolist() != first


def test_without_a_rule_every_filling_is_equally_likely():
    framework = Atoms("S", cell=[8, 8, 8], pbc=True)
    order = SiteOrder(
        framework=framework,
        positions=[[2, 4, 4], [4, 4, 4], [6, 4, 4], [4, 2, 4]],
        kinds=("a", "a", "a", "a"),
        occupancy={"a": {"Li": 0.5}},
    )
    rng = np.random.default_rng(0)
    seen = np.zeros(4)
    for _ in range(200):
        sites = random_filling(order, rng, shortest=0).arrays["site"]
        seen[sites[sites >= 0]] += 1
    assert seen.sum() == 400
    assert np.abs(seen - 100).max() < 5 * np.sqrt(200 * 0.25)


def test_garnet_with_its_split_sites():
    # Li7La3Zr2O12, Ia-3d: a full 24d site blocks its 96h neighbours, and 96h sites come in pairs 0.8 Å apart.
    cell = crystal(
        ["Li", "Li", "La", "Zr", "O"],
        [(3 / 8, 0, 1 / 4), (0.0968, 0.6853, 0.5774), (1 / 8, 0, 1 / 4), (0, 0, 0), (0.28, 0.1058, 0.1993)],
        spacegroup=230,
        cellpar=[12.98] * 3 + [90] * 3,
        occupancies=[0.542, 0.448, 1, 1, 1],
        onduplicates="keep",
    )
    order = partial_occupancies(cell, numbers={"Li": 56})
    atoms = random_filling(order, 0, shortest=2.0)
    lithium = atoms[atoms.symbols == "Li"]
    assert len(lithium) == 56
    assert neighbor_list("d", lithium, 3.0).min() > 2.0
    assert on_kinds(order, atoms)["Li0"] == pytest.approx(24 * 0.542, abs=3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), shortest=st.floats(0.5, 3.0), number=st.integers(0, 12))
def test_rule_and_numbers_for_random_sites(seed, shortest, number):
    rng = np.random.default_rng(seed)
    framework = Atoms("S", cell=[7, 8, 9], pbc=True)
    order = SiteOrder(
        framework=framework,
        positions=rng.random((40, 3)) * [7, 8, 9],
        kinds=("a",) * 25 + ("b",) * 15,
        occupancy={"a": {"Li": 0.3}, "b": {"Li": 0.2, "Na": 0.2}},
        numbers={"Li": number, "Na": 3},
    )
    try:
        atoms = random_filling(order, seed, shortest=shortest, time_limit=5)
    except StructureError:
        assert shortest > 2  # at 2 Å there is always room for 15
        return
    placed = atoms[atoms.arrays["site"] >= 0]
    assert (placed.symbols == "Li").sum() == number
    assert (placed.symbols == "Na").sum() == 3
    assert neighbor_list("d", placed, 4.0).min(initial=4.0) >= shortest
    on_a = atoms.arrays["site"][atoms.symbols == "Na"]
    assert (on_a >= 25).all()


def test_like_ions_of_the_framework_count_too():
    framework = Atoms("Li", cell=[6, 6, 6], pbc=True)
    order = SiteOrder(
        framework=framework,
        positions=[[1.0, 0, 0], [3, 3, 3]],
        kinds=("a", "a"),
        occupancy={"a": {"Li": 0.5}},
    )
    for seed in range(5):
        assert random_filling(order, seed, shortest=2.0).arrays["site"].tolist() == [-1, 1]


def test_what_cannot_be_filled_is_named():
    with pytest.raises(
        StructureError, match=r"no filling of 16 Li on 32 sites that keeps 3\.7 Å \(at most \d+ ions fit"
    ):
        random_filling(beta_li3ps4_sites((1, 2, 2)), 0, shortest=3.7)
    with pytest.raises(StructureError, match="nearer than 9 Å to its own image"):
        random_filling(beta_li3ps4_sites(), 0, shortest=9.0)
