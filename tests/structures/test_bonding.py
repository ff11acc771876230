"""Units are found whole wherever they lie, and what cannot be cut says so."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures import beta_li3ps4, gamma_li3ps4
from betalps.structures.bonding import bonded_units, check_overlaps, default_bonds


def dimer(left=(0.0, 0.0, 0.0), box=20.0):
    """P2S6 without its lithium: two P 2.2 Å apart, each with three S."""
    ring = [(0.6, 1.9 * np.cos(t), 1.9 * np.sin(t)) for t in (0.3, 0.3 + 2 * np.pi / 3, 0.3 + 4 * np.pi / 3)]
    half = np.array([(1.1, 0, 0), *[(1.1 + x, y, z) for x, y, z in ring]])
    positions = np.concatenate([half, -half]) + left
    return Atoms("PS3PS3", positions=positions, cell=[box] * 3, pbc=True)


def test_beta_is_ps4_and_lithium():
    crystal = beta_li3ps4()
    units = bonded_units(crystal)
    assert units.counts == {"Li": 12, "PS4": 4}
    assert {crystal.symbols[k] for k, kind in zip(units.references, units.kinds, strict=True) if kind == "PS4"} == {"P"}
    np.testing.assert_allclose(units.points, crystal.positions[units.references])
    assert len(units.bonds) == 16
    assert np.all(units.bonds[:, 0] < units.bonds[:, 1])
    phosphorus = units.kinds.index("PS4")
    assert sorted(crystal.symbols[units.atoms_of(phosphorus)]) == ["P", "S", "S", "S", "S"]


@settings(deadline=None, max_examples=25)
@given(
    shift=st.tuples(*[st.floats(-3, 3)] * 3),
    repeats=st.tuples(*[st.integers(1, 2)] * 3),
    seed=st.integers(0, 1000),
    gamma=st.booleans(),
)
def test_units_do_not_depend_on_wrapping_or_order(shift, repeats, seed, gamma):
    crystal = gamma_li3ps4(repeats) if gamma else beta_li3ps4(repeats)
    moved = crystal[np.random.default_rng(seed).permutation(len(crystal))]
    moved.positions += shift
    moved.wrap()
    units = bonded_units(moved)
    assert units.counts == {"Li": 3 * len(crystal) // 8, "PS4": len(crystal) // 8}
    reach = np.linalg.norm(units.offsets, axis=1)
    sulphur = moved.numbers == 16
    assert reach[sulphur].max() < 2.15
    assert reach[~sulphur].max() == 0
    # where the offsets say an atom is, it is, up to a lattice translation
    away = moved.positions[units.references][units.labels] + units.offsets - moved.positions
    turns = away @ np.linalg.inv(moved.cell.array)
    np.testing.assert_allclose(turns, turns.round(), atol=1e-9)


@pytest.mark.parametrize("left", [(10.0, 10.0, 10.0), (0.0, 0.0, 0.0), (19.9, 3.0, 20.1)])
def test_the_point_of_a_dimer_is_its_middle(left):
    atoms = dimer(left)
    atoms.wrap()
    units = bonded_units(atoms)
    assert units.kinds == ("P2S6",)
    assert atoms.symbols[units.references[0]] == "P"
    away = (units.points[0] - left) / 20
    np.testing.assert_allclose(away, away.round(), atol=1e-9)
    assert np.linalg.norm(units.offsets, axis=1).max() == pytest.approx(np.hypot(2.8, 1.9))


def test_reference_of_equal_counts_is_the_heavier():
    units = bonded_units(Atoms("OC", positions=[(0, 0, 0), (1.13, 0, 0)], cell=[9, 9, 9], pbc=True))
    assert units.kinds == ("CO",)
    assert units.references.tolist() == [0]


def test_kinds_name_the_rarest_first():
    water = molecule("H2O", vacuum=4, pbc=True)
    assert bonded_units(water).kinds == ("OH2",)


def test_metals_are_cut_atom_by_atom():
    for metal in ("Cu", "Al", "Na"):
        units = bonded_units(bulk(metal, cubic=True))
        assert set(units.kinds) == {metal}
        assert np.all(units.offsets == 0)


def test_user_chooses_the_bonds():
    atoms = dimer((10, 10, 10))
    assert bonded_units(atoms, {("S", "P"): 2.1}).counts == {"PS3": 2}
    assert bonded_units(atoms, {}).counts == {"P": 2, "S": 6}


def test_default_bonds_leave_out_cations():
    assert set(default_bonds({"Li", "P", "S"})) == {("P", "P"), ("P", "S"), ("S", "S")}
    assert default_bonds({"P", "S"})["P", "S"] == pytest.approx(1.25 * (1.07 + 1.05))
    assert set(default_bonds({"Al", "O", "Na"})) == {("Al", "O"), ("O", "O")}


def test_networks_cannot_be_cut():
    with pytest.raises(StructureError, match=r"Si\) is bonded to its own periodic image.*pass bonds=\{\}"):
        bonded_units(bulk("Si", cubic=True))
    assert len(bonded_units(bulk("Si", cubic=True), {})) == 8


def test_nothing_bonded_says_what_to_do():
    salt = bulk("NaCl", "rocksalt", a=5.64)
    with pytest.raises(StructureError, match=r"no bonded units found in NaCl.*Cl-Cl 2\.55 Å; pass bonds=\{\}"):
        bonded_units(salt)
    assert len(bonded_units(salt, {})) == 2


@pytest.mark.parametrize(
    ("bonds", "message"),
    [
        ({("P", "O"): 2.0}, "expected two of the species Li, P, S"),
        ({("P", "S"): 0.0}, "expected a length above 0 Å, got 0.0"),
        ({("P", "S"): np.nan}, "expected a length above 0 Å"),
    ],
)
def test_bad_bonds(bonds, message):
    with pytest.raises(ValueError, match=message):
        bonded_units(beta_li3ps4(), bonds)


def test_overlapping_atoms_are_named():
    crystal = beta_li3ps4()
    check_overlaps(crystal)
    crystal.positions[3] = crystal.positions[8] + (0.9, 0, 0)
    with pytest.raises(
        StructureError, match=r"atoms 3 \(Li\) and 8 \(Li\) overlap: 0\.900 Å apart, expected at least 1\.54"
    ):
        check_overlaps(crystal)
