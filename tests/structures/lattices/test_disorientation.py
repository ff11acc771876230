"""Disorientations: cubic answers, the tilts of β-Li3PS4, symmetry, and chirality."""

import itertools
import math

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from betalps.errors import StructureError
from betalps.structures import beta_li3ps4
from betalps.structures.lattices.disorientation import (
    direction_indices,
    disorientation,
    misorientation,
    point_operations,
    tilt_misorientation,
)
from betalps.structures.lattices.names import convert_indices
from betalps.structures.lattices.planes import plane_lattice

LPS = np.diag([13.07, 8.13, 6.26])
MMM = np.array([np.diag(signs) for signs in itertools.product((1.0, -1.0), repeat=3)])
D2 = MMM[np.linalg.det(MMM) > 0]
MM2 = MMM[MMM[:, 2, 2] > 0]
OCTAHEDRAL = Rotation.create_group("O").as_matrix()
CUBIC = np.concatenate([OCTAHEDRAL, -OCTAHEDRAL])
MIRROR = np.diag([1.0, 1.0, -1.0])

rotations = st.integers(0, 2**32 - 1).map(lambda seed: Rotation.random(rng=np.random.default_rng(seed)).as_matrix())


def about(axis, angle):
    axis = np.array(axis, dtype=float)
    return Rotation.from_rotvec(math.radians(angle) * axis / np.linalg.norm(axis)).as_matrix()


@pytest.mark.parametrize(
    ("axis", "angle", "smallest", "about_axis"),
    [
        ((0, 0, 1), 53.13010235, 36.86989765, (0, 0, 1)),
        ((1, 0, 0), 36.86989765, 36.86989765, (0, 0, 1)),
        ((1, 1, 0), 70.52877937, 60.0, (1, 1, 1)),
        ((1, 1, 1), 60.0, 60.0, (1, 1, 1)),
        ((0, 0, 1), 90.0, 0.0, (0, 0, 1)),
        ((1, 1, 1), 120.0, 0.0, (0, 0, 1)),
        ((0, 0, 1), 1e-3, 1e-3, (0, 0, 1)),
    ],
)
def test_cubic_answers(axis, angle, smallest, about_axis):
    found, found_axis = disorientation(about(axis, angle), CUBIC)
    assert found == pytest.approx(smallest, abs=1e-6)
    assert found_axis == pytest.approx(np.array(about_axis) / np.linalg.norm(about_axis), abs=1e-6)


@pytest.mark.parametrize("angle", [1e-3, 89.9999, 90.0001, 120.0, 179.999, 179.9999999, 180.0])
@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 2, 3), (-2, 0.5, 1), (1, -1, 0)])
def test_the_axis_of_any_angle(axis, angle):
    """Half turns too, where a rotation matrix is symmetric."""
    found, found_axis = disorientation(about(axis, angle), np.eye(3)[None])
    assert found == pytest.approx(angle, abs=1e-6)
    assert abs(found_axis @ axis) / np.linalg.norm(axis) == pytest.approx(1, abs=1e-9)


@given(rotations)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_against_scipy(rotation):
    group = Rotation.create_group("O")
    smallest = Rotation.from_matrix(rotation).reduce(left=group, right=group).magnitude()
    angle, axis = disorientation(rotation, OCTAHEDRAL)
    assert angle == pytest.approx(math.degrees(smallest), abs=1e-6)
    assert angle <= 62.8
    assert np.linalg.norm(axis) == pytest.approx(1)
    # the angle and axis found are those of an equivalent rotation
    ours = about(axis, angle)
    equivalent = OCTAHEDRAL[:, None] @ rotation @ OCTAHEDRAL[None]
    distance = [np.abs(equivalent - candidate).max(axis=(2, 3)).min() for candidate in (ours, ours.T)]
    assert min(distance) < 1e-6


@given(rotations, st.sampled_from([MMM, D2, MM2, CUBIC, OCTAHEDRAL]), st.data())
@settings(deadline=None, max_examples=40, derandomize=True)
def test_equivalent_relations_have_one_disorientation(rotation, group, data):
    first, second = (group[data.draw(st.integers(0, len(group) - 1))] for _ in range(2))
    expected = misorientation(rotation, group)
    for relation in (first @ rotation @ second, (first @ rotation @ second).T):
        found = misorientation(relation, group)
        assert found.angle == pytest.approx(expected.angle, abs=1e-6)
        assert np.abs(found.axis) == pytest.approx(np.abs(expected.axis), abs=1e-5)
        assert found.equivalent_rotation


@given(rotations, st.integers(0, len(CUBIC) - 1), st.integers(0, len(MMM) - 1))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_two_crystals(rotation, of_cubic, of_orthorhombic):
    """The operations of each act on its own side, and the axis has a sign: there is no exchanging the two."""
    angle, axis = disorientation(rotation, MMM, CUBIC)
    left, right = Rotation.create_group("O"), Rotation.create_group("D2")
    assert angle == pytest.approx(
        math.degrees(Rotation.from_matrix(rotation).reduce(left, right).magnitude()), abs=1e-6
    )
    assert np.abs(CUBIC[:, None] @ rotation @ MMM[None] - about(axis, angle)).max(axis=(2, 3)).min() < 1e-6
    found = disorientation(CUBIC[of_cubic] @ rotation @ MMM[of_orthorhombic], MMM, CUBIC)
    assert found[0] == pytest.approx(angle, abs=1e-6)
    assert found[1] == pytest.approx(axis, abs=1e-5)


TABLE = [
    ("(120)", 34.55, (0, 0, 1), 66.00, (0, 0, 1)),
    ("(130)", 23.43, (0, 0, 1), 46.82, (0, 0, 1)),
    ("(2-10)", 77.59, (0, 0, 1), 42.11, (0, 0, 1)),
    ("(150)", 14.18, (0, 0, 1), 29.12, (0, 0, 1)),
    ("(3-20)", 86.03, (0, 0, 1), 54.35, (0, 0, 1)),
    ("(170)", 10.16, (0, 0, 1), 21.02, (0, 0, 1)),
    ("(-250)", 27.94, (0, 0, 1), 54.90, (0, 0, 1)),
    ("(111)", 84.40, (1, -1, 0), 84.40, (0, -1, 1)),
    ("(201)", 87.54, (0, 1, 0), 26.94, (0, 1, 0)),
]


@pytest.mark.parametrize(("plane", "angle", "axis", "sorted_angle", "sorted_axis"), TABLE)
def test_the_tilts_of_beta_li3ps4(plane, angle, axis, sorted_angle, sorted_axis):
    """In the axes as given, and with the indices taken to be those of axes sorted by length."""
    for given_plane, expected, expected_axis, setting in (
        (plane, angle, axis, "crystal"),
        (convert_indices(plane, LPS, "sorted"), sorted_angle, sorted_axis, "sorted"),
    ):
        found = tilt_misorientation(plane_lattice(LPS, given_plane), MMM)
        assert found.angle == pytest.approx(expected, abs=0.005)
        indices = direction_indices(LPS, found.axis)
        assert convert_indices(indices, LPS, "crystal", setting) == expected_axis
        assert np.dot(indices, convert_indices(given_plane, LPS, "crystal")) == 0  # the axis lies in the plane
        assert found.mirror
        assert found.equivalent_rotation


@pytest.mark.parametrize(("plane", "angle"), [((1, 1, 1), 60.0), ((2, 1, 0), 36.8699), ((3, 1, 0), 36.8699)])
def test_cubic_tilts(plane, angle):
    copper = bulk("Cu", cubic=True)
    found = tilt_misorientation(plane_lattice(copper.cell.array, plane), point_operations(copper))
    assert found.angle == pytest.approx(angle, abs=1e-4)


def test_the_axis_of_the_twin_is_its_normal():
    lattice = plane_lattice(4 * np.eye(3), "(111)")
    assert np.abs(tilt_misorientation(lattice, CUBIC).axis @ lattice.normal) == pytest.approx(1)


def test_the_mirror_of_a_mirror_plane_is_no_boundary():
    found = tilt_misorientation(plane_lattice(LPS, "(100)"), MMM)
    assert found.angle == 0
    assert found.axis.tolist() == [0, 0, 1]


def test_a_polar_crystal_has_a_rotation_for_its_mirror():
    """No inversion centre, but mirror planes."""
    found = tilt_misorientation(plane_lattice(LPS, "(120)"), MM2)
    assert found.equivalent_rotation
    assert found.angle == pytest.approx(34.55, abs=0.005)
    assert "since the crystal has a mirror plane also by a rotation" in found.reason
    assert "an inversion centre" in tilt_misorientation(plane_lattice(LPS, "(120)"), MMM).reason


def test_a_rotoinversion_axis_does_as_well():
    fourfold = about((0, 0, 1), 90) @ MIRROR
    group = np.array([np.linalg.matrix_power(fourfold, k) for k in range(4)])
    found = tilt_misorientation(plane_lattice(LPS, "(120)"), group)
    assert found.equivalent_rotation
    assert "a rotoinversion axis" in found.reason


def test_a_chiral_crystal_has_none():
    lattice = plane_lattice(LPS, "(120)")
    found = tilt_misorientation(lattice, D2)
    assert not found.equivalent_rotation
    assert found.mirror
    assert "opposite hand" in found.reason
    assert found.angle == pytest.approx(34.55, abs=0.005)  # of the lattices
    with pytest.raises(ValueError, match=r"expected grains related by a rotation: .*chiral"):
        disorientation(MIRROR, D2)
    half_turn = 2 * np.outer(lattice.normal, lattice.normal) - np.eye(3)
    assert disorientation(half_turn, D2)[0] == pytest.approx(found.angle)


def test_point_groups():
    assert len(point_operations(bulk("Cu"))) == 48
    assert len(point_operations(bulk("GaAs", "zincblende", a=5.65))) == 24
    assert len(point_operations(beta_li3ps4())) == 8
    assert (point_operations(bulk("Cu"))[0] == pytest.approx(np.eye(3), abs=1e-12)) is True


def test_operations_are_those_of_the_cell_as_it_lies():
    atoms = beta_li3ps4()
    atoms.rotate(37, (1, 2, 3), rotate_cell=True)
    found = point_operations(atoms)
    assert found @ np.swapaxes(found, 1, 2) == pytest.approx(np.broadcast_to(np.eye(3), found.shape), abs=1e-12)
    mapped = np.array([np.linalg.solve(atoms.cell.array.T, operation @ atoms.cell.array.T) for operation in found])
    assert mapped == pytest.approx(mapped.round(), abs=1e-6)
    plane = plane_lattice(atoms.cell.array, "(120)")
    upright = beta_li3ps4()
    expected = tilt_misorientation(plane_lattice(upright.cell.array, "(120)"), point_operations(upright))
    assert tilt_misorientation(plane, found).angle == pytest.approx(expected.angle, abs=1e-6)


def test_lithium_may_be_ignored():
    """An order of lower symmetry, with the framework of the crystal."""
    atoms = beta_li3ps4(ordering="4b3_4c1")
    assert len(point_operations(atoms)) < 8
    assert len(point_operations(atoms, ignore=["Li"], symprec=0.5)) == 8
    with pytest.raises(StructureError, match="without Li: no atom is left"):
        point_operations(bulk("Li"), ignore=["Li"])


def test_two_atoms_in_one_place():
    with pytest.raises(StructureError, match="do two atoms share a place"):
        point_operations(Atoms("Cu2", positions=np.zeros((2, 3)), cell=[3, 3, 3], pbc=True))


def test_directions():
    assert direction_indices(LPS, [13.07, 2 * 8.13, 0]) == (1, 2, 0)
    assert direction_indices(LPS, [-13.07 / 3, 0, 6.26]) == (-1, 0, 3)
    assert direction_indices(LPS, [1, 1, 0]) is None
    assert direction_indices(LPS, [1, 1, 0], tolerance=5) is not None


def test_bad_matrices():
    with pytest.raises(ValueError, match="rotation: expected orthogonal matrices"):
        disorientation(2 * np.eye(3), MMM)
    with pytest.raises(ValueError, match=r"rotation of shape \(2, 2\): expected \(3, 3\)"):
        disorientation(np.eye(2), MMM)
    with pytest.raises(ValueError, match=r"operations_a of shape \(3, 3\): expected \(m, 3, 3\)"):
        disorientation(np.eye(3), np.eye(3))
