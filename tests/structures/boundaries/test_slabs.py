"""Cuts leave units whole, and a slab that goes on for ever is the crystal again."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures import beta_li3ps4
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.slabs import cut_slab, slab, terminations
from betalps.structures.lattices.planes import plane_lattice
from structures.random_crystals import assert_same_crystal, crystals, planes


@settings(deadline=None, max_examples=30)
@given(crystal=crystals(), plane=planes, count=st.integers(1, 4), offset=st.floats(-2, 2), left=st.integers(-2, 2))
def test_a_slab_without_end_is_the_crystal(crystal, plane, count, offset, left):
    cut = slab(crystal, plane, planes=count, repeats=(1, 2), offset=offset)
    assert_same_crystal(crystal, cut, 2 * count)
    units = bonded_units(crystal)
    again = bonded_units(cut)
    assert again.counts == {kind: 2 * count * n for kind, n in units.counts.items()}


@settings(deadline=None, max_examples=30)
@given(
    crystal=crystals(),
    plane=planes,
    count=st.integers(1, 3),
    offset=st.floats(-2, 2),
    entries=st.tuples(*[st.integers(-2, 2)] * 4),
)
def test_supercells_hold_every_atom_once(crystal, plane, count, offset, entries):
    matrix = np.array(entries).reshape(2, 2)
    multiple = abs(round(float(np.linalg.det(matrix))))
    lattice, units = plane_lattice(crystal.cell.array, plane), bonded_units(crystal)
    if not multiple:
        with pytest.raises(ValueError, match="spans no area"):
            cut_slab(crystal, lattice, units, planes=count, offset=offset, matrix=matrix)
        return
    cut = cut_slab(crystal, lattice, units, planes=count, offset=offset, matrix=matrix)
    assert len(cut) == count * multiple * len(crystal)
    assert cut.area == pytest.approx(multiple * lattice.area)
    # whole units within the window, which is half open
    assert cut.points[:, 2].min() > -1e-4
    assert cut.points[:, 2].max() < cut.thickness
    for unit in range(len(cut.kinds)):
        kind = units.kinds[unit % len(units)]
        assert cut.kinds[unit] == kind
        assert (cut.units == unit).sum() == (units.labels == unit % len(units)).sum()
    box = np.zeros((3, 3))
    box[:2, :2], box[2] = cut.cell, [*cut.shift, cut.thickness]
    assert_same_crystal(crystal, Atoms(cut.numbers, cut.positions, cell=box, pbc=True), count * multiple)


@settings(deadline=None, max_examples=20)
@given(crystal=crystals(), plane=planes, offset=st.floats(0, 1))
def test_mirrored_twice_is_the_same_and_once_is_a_mirror(crystal, plane, offset):
    cut = cut_slab(crystal, plane_lattice(crystal.cell.array, plane), bonded_units(crystal), planes=2, offset=offset)
    mirror = cut.mirrored()
    np.testing.assert_allclose(mirror.positions[:, 2], cut.thickness - cut.positions[:, 2])
    np.testing.assert_array_equal(mirror.positions[:, :2], cut.positions[:, :2])
    back = mirror.mirrored()
    for name in ("positions", "points", "start", "shift"):
        np.testing.assert_allclose(getattr(back, name), getattr(cut, name), atol=1e-12)


def test_fitted_units_turn_but_do_not_stretch():
    crystal = beta_li3ps4()
    cut = cut_slab(crystal, plane_lattice(crystal.cell.array, "(001)"), bonded_units(crystal), planes=1)
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    moved = cut.fitted(cut.cell @ np.diag([1.04, 0.98]) @ turn)
    before, after = (s.positions - s.points[s.units] for s in (cut, moved))
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1))
    np.testing.assert_allclose(after[:, :2], before[:, :2] @ turn, atol=1e-9)
    np.testing.assert_allclose(
        np.linalg.solve(moved.cell.T, moved.points[:, :2].T),
        np.linalg.solve(cut.cell.T, cut.points[:, :2].T),
        atol=1e-9,
    )


@pytest.mark.parametrize(
    ("plane", "count"),
    [
        *((p, 14) for p in ("(120)", "(130)", "(150)", "(3-20)", "(170)", "(111)")),
        *((p, 10) for p in ("(201)", "(001)", "(100)")),
        *((p, 8) for p in ("(2-10)", "(-250)", "(010)")),
    ],
)
def test_terminations_of_beta(plane, count):
    found = terminations(beta_li3ps4(), plane)
    assert len(found) == count
    spacing = plane_lattice(beta_li3ps4().cell.array, plane).spacing
    assert sum(cut.width for cut in found) == pytest.approx(spacing, abs=0.01 * count)
    assert np.all(np.diff([cut.offset for cut in found]) > 0)
    layers = [kind for cut in found for kind in cut.above.split()]
    assert "PS4" in layers
    assert "Li" in layers


def test_terminations_are_in_the_middle_between_layers():
    """Four Cu layers of (100) in the conventional cell are two of its half spacing."""
    found = terminations(bulk("Cu", a=3.6, cubic=True), (1, 0, 0))
    assert [cut.offset for cut in found] == [0.25, 0.75]
    assert [cut.height for cut in found] == pytest.approx([0.9, 2.7])
    assert [cut.width for cut in found] == pytest.approx([1.8, 1.8])
    assert found[0].above == found[0].below == "2 Cu"


def test_one_layer_has_one_termination():
    (found,) = terminations(bulk("Cu", a=3.6), (1, 0, 0))
    assert (found.offset, found.width) == pytest.approx((0.5, 3.6 / np.sqrt(3)))


def test_slab_with_vacuum():
    cut = slab(beta_li3ps4(), "(120)", planes=4, repeats=(2, 1), vacuum=8.0)
    assert cut.pbc.tolist() == [True, True, False]
    assert cut.cell[2, 2] == pytest.approx(4 * 3.8777 + 16, abs=0.001)
    assert bonded_units(cut).counts == {"Li": 96, "PS4": 32}
    assert cut.positions[:, 2].min() > 8 - 2.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"planes": 0}, r"planes \[0\]: expected 1 whole number of at least 1"),
        ({"planes": 2, "repeats": (1, 0)}, r"repeats \(1, 0\): expected 2 whole numbers"),
        ({"planes": 2, "offset": np.inf}, "offset inf: expected a finite number"),
    ],
)
def test_bad_numbers(arguments, message):
    with pytest.raises(ValueError, match=message):
        slab(beta_li3ps4(), "(120)", **arguments)


def test_bad_crystals():
    with pytest.raises(StructureError, match="expected a crystal, periodic in three directions"):
        slab(Atoms("Cu", cell=[4, 4, 4]), "(100)", planes=1)
    with pytest.raises(StructureError, match="no atoms"):
        slab(Atoms(cell=[4, 4, 4], pbc=True), "(100)", planes=1)
    with pytest.raises(StructureError, match="overlap"):
        slab(Atoms("Cu2", positions=[(0, 0, 0), (0, 0, 0.5)], cell=[4, 4, 4], pbc=True), "(100)", planes=1)
