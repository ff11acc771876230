"""Amorphous/crystal interfaces: both sides whole and exact, the contacts kept, the record complete."""

import json
from io import StringIO

import numpy as np
import pytest
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.overlaps import find_overlaps
from betalps.structures.boundaries.record import boundary_record
from betalps.structures.boundaries.sizes import Size
from betalps.structures.crystals import beta_li3ps4
from betalps.structures.glasses.glass import random_glass
from betalps.structures.glasses.interfaces import amorphous_crystal, glass_cell, packed_interface
from betalps.structures.lattices.planes import plane_lattice

SMALL = Size(atoms=600, separation=15.0, lateral=12.0)


@pytest.fixture(scope="module")
def glass():
    return random_glass(beta_li3ps4(), glass_cell(beta_li3ps4(), "(001)", size=SMALL).cell, rng=0)


def checked(atoms):
    """Units whole, exactly Li3PS4 on either side, no contact too short at either interface."""
    grains = atoms.arrays["grain"]
    for grain in (0, 1):
        counts = bonded_units(atoms[grains == grain], {("P", "S"): 2.6}).counts
        assert counts["Li"] == 3 * counts["PS4"]
        assert set(counts) == {"Li", "PS4"}
    assert bonded_units(atoms, {("P", "S"): 2.6}).counts["PS4"] == len(atoms) // 8
    assert not find_overlaps(atoms, contact=0.9)
    return boundary_record(atoms)


@pytest.mark.parametrize("plane", ["(120)", "(001)", "(100)", "(111)"])
def test_interfaces_of_any_plane(plane):
    atoms = packed_interface(beta_li3ps4(), plane, 0, size=SMALL)
    record = checked(atoms)
    lattice = plane_lattice(beta_li3ps4().cell.array, plane)
    first, second = record["repeats"]
    np.testing.assert_allclose(atoms.cell.array[0, :2], first * lattice.basis[0, :2], atol=1e-9)
    np.testing.assert_allclose(atoms.cell.array[1, :2], second * lattice.basis[1, :2], atol=1e-9)
    assert len(atoms) >= SMALL.atoms
    assert record["strain"] == pytest.approx(0, abs=1e-12)
    assert record["kind"] == "amorphous/crystal"
    assert all(2.0 <= gap < 4.5 for gap in record["gaps"])
    assert record["glass"]["same_composition"]
    assert "not relaxed" in record["glass"]["info"]["glass"]["method"]
    height = atoms.cell.array[2, 2]
    assert height == pytest.approx(sum(record["separations"]) + sum(record["gaps"]))


def test_crystal_side_is_the_crystal():
    crystal = beta_li3ps4()
    atoms = packed_interface(crystal, "(001)", 0, size=SMALL)
    slab = atoms[atoms.arrays["grain"] == 0]
    lattice = plane_lattice(crystal.cell.array, "(001)")
    scaled = slab.positions @ lattice.frame @ np.linalg.inv(crystal.cell.array)
    ours = crystal.get_scaled_positions()
    shift = None
    for start in range(32):  # the origin is free: find it by the first atom
        if crystal.numbers[start] == slab.numbers[0]:
            shift = ours[start] - scaled[0]
            delta = scaled[:, None] + shift - ours
            delta -= np.rint(delta)
            if np.linalg.norm(delta @ crystal.cell.array, axis=2).min(axis=1).max() < 1e-6:
                return
    pytest.fail("no origin makes the crystal's atoms those of the crystal")


def test_record_survives_extxyz_and_marks_the_atoms(glass):
    atoms = amorphous_crystal(glass, beta_li3ps4(), "(001)")
    text = StringIO()
    write(text, atoms, format="extxyz")
    again = read(StringIO(text.getvalue()), format="extxyz")
    assert boundary_record(again) == json.loads(json.dumps(boundary_record(atoms)))
    np.testing.assert_array_equal(again.arrays["grain"], atoms.arrays["grain"])
    height = atoms.cell.array[2, 2]
    away = (atoms.positions[:, 2, None] - boundary_record(atoms)["boundaries"]) / height
    nearest = np.abs(away - np.rint(away)).min(axis=1) * height
    np.testing.assert_allclose(atoms.arrays["boundary"], nearest, atol=1e-9)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_how_the_glass_lies_in_its_cell_does_not_matter(glass, seed):
    # The same periodic glass, rotated as a whole, shifted and wrapped: nothing is lost, nothing broken.
    rng = np.random.default_rng(seed)
    moved = glass.copy()
    moved.positions += rng.random(3) @ moved.cell.array
    moved.wrap()
    moved.rotate(float(rng.uniform(0, 360)), rng.normal(size=3), rotate_cell=True)
    atoms = amorphous_crystal(moved, beta_li3ps4(), "(001)", lattice_planes=2, step=3.0)
    checked(atoms)
    ours = atoms[atoms.arrays["grain"] == 1]
    pairs = [np.sort(a.get_all_distances()[0, :]) for a in (ours[:1], glass[:1])]
    assert len(ours) == len(glass)
    assert pairs[0] == pairs[1]
    np.testing.assert_array_equal(np.sort(ours.numbers), np.sort(glass.numbers))


def test_a_turned_glass_is_turned_back(glass):
    turned = glass.copy()
    cell = glass.cell.array[[1, 0, 2]] * [[1], [-1], [1]]
    turned.set_cell(cell)  # the same lattice, other vectors
    atoms = amorphous_crystal(turned, beta_li3ps4(), "(001)", lattice_planes=2, step=3.0)
    checked(atoms)
    assert boundary_record(atoms)["strain"] == pytest.approx(0, abs=1e-9)


def test_polyanions_of_a_glass_stay_whole(glass):
    # Two PS4 made one P2S7: a cluster that must go where its middle goes, wherever the glass is opened.
    changed = glass.copy()
    units = bonded_units(changed)
    ends = [n for n, kind in enumerate(units.kinds) if kind == "PS4"][:1]
    del changed[[int(a) for a in units.atoms_of(ends[0])[1:2]]]
    found = bonded_units(changed, {("P", "S"): 2.6}).counts
    atoms = amorphous_crystal(changed, beta_li3ps4(), "(001)", lattice_planes=2, step=3.0, bonds={("P", "S"): 2.6})
    assert bonded_units(atoms[atoms.arrays["grain"] == 1], {("P", "S"): 2.6}).counts == found
    assert not boundary_record(atoms)["glass"]["same_composition"]


def test_strain_is_refused_or_stated(glass):
    wide = glass.copy()
    wide.set_cell(wide.cell.array * [[1.02], [1.0], [1.0]], scale_atoms=False)
    with pytest.raises(ValueError, match=r"a strain of 1\.98 %, expected at most 0\.10 %; melt the cell of glass_cell"):
        amorphous_crystal(wide, beta_li3ps4(), "(001)")
    atoms = amorphous_crystal(wide, beta_li3ps4(), "(001)", max_strain=0.03, lattice_planes=2, step=3.0)
    record = checked(atoms)
    assert record["strain"] == pytest.approx(np.log(1.02))
    np.testing.assert_allclose(record["strains"][1], [[1 / 1.02 - 1, 0], [0, 0]], atol=1e-9)


def test_gaps_and_translations_as_asked(glass):
    asked = amorphous_crystal(glass, beta_li3ps4(), "(001)", translation=(0.25, 0.5), gap=5.0, termination=0.1)
    record = checked(asked)
    assert record["gaps"] == [5.0, 5.0]
    assert record["translation"]["fractions"] == [0.25, 0.5]
    assert record["terminations"][0] == 0.1
    auto = boundary_record(amorphous_crystal(glass, beta_li3ps4(), "(001)", gap="auto"))
    assert max(auto["gaps"]) < 5.0
    assert auto["contacts"]["overlaps"] == 0


def test_cell_to_melt_is_the_crystal():
    crystal = beta_li3ps4()
    cell = glass_cell(crystal, "(120)", size=Size(atoms=10_000, separation=30, lateral=26))
    assert len(cell) == 5120
    np.testing.assert_allclose(cell.cell.lengths()[:2], [31.33, 27.39], atol=0.01)
    assert cell.get_volume() / len(cell) == pytest.approx(crystal.get_volume() / 32)
    small = glass_cell(crystal, "(001)", repeats=(2, 1), lattice_planes=3)
    assert len(small) == 32 * 6


def test_bad_input_is_named(glass):
    open_glass = glass.copy()
    open_glass.pbc = (True, True, False)
    with pytest.raises(StructureError, match="expected one that is periodic in three directions"):
        amorphous_crystal(open_glass, beta_li3ps4(), "(001)")
    left = glass.copy()
    left.set_cell(left.cell.array * [[1], [1], [-1]])
    with pytest.raises(StructureError, match="left-handed"):
        amorphous_crystal(left, beta_li3ps4(), "(001)")
    with pytest.raises(ValueError, match="common factor"):
        amorphous_crystal(glass, beta_li3ps4(), "(240)")


@pytest.mark.parametrize(
    ("plane", "cell"), [("(120)", (31.3, 27.4, 254)), ("(001)", (32.5, 26.1, 257)), ("(100)", (31.3, 32.5, 213))]
)
def test_interfaces_of_the_reference_study(plane, cell):
    atoms = packed_interface(beta_li3ps4(), plane, 0, size=Size(atoms=10_000, separation=30, lateral=26))
    checked(atoms)
    assert len(atoms) == 10_240
    np.testing.assert_allclose(atoms.cell.lengths(), cell, rtol=0.02)
