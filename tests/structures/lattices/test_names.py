"""Names of boundaries: reading them, cubic coincidence theory, and the two settings of the axes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from betalps.structures.lattices.disorientation import disorientation, tilt_misorientation
from betalps.structures.lattices.names import (
    boundary_kind,
    convert_indices,
    csl_angles,
    parse_name,
    tilt_angle,
    tilt_sigma,
)
from betalps.structures.lattices.planes import plane_lattice

LPS = np.diag([13.07, 8.13, 6.26])
OCTAHEDRAL = Rotation.create_group("O").as_matrix()
CUBIC = np.concatenate([OCTAHEDRAL, -OCTAHEDRAL])


@pytest.mark.parametrize(
    ("text", "sigma", "axis", "plane", "kind", "angle"),
    [
        ("Σ5[001]/(120)", 5, (0, 0, 1), (1, 2, 0), "tilt", 53.13),
        ("Σ5[001]/(130)", 5, (0, 0, 1), (1, 3, 0), "tilt", 36.87),
        ("S5[001]/(2-10)", 5, (0, 0, 1), (2, -1, 0), "tilt", 53.13),
        ("Sigma13[001]/(150)", 13, (0, 0, 1), (1, 5, 0), "tilt", 22.62),
        ("sigma 13 [001] (3-20)", 13, (0, 0, 1), (3, -2, 0), "tilt", 67.38),
        ("Σ25[001]/(170) tilt", 25, (0, 0, 1), (1, 7, 0), "tilt", 16.26),
        ("  ∑29 [0 0 1] / (-2 5 0) ", 29, (0, 0, 1), (-2, 5, 0), "tilt", 43.60),
        ("Σ3[1-10]/(111)", 3, (1, -1, 0), (1, 1, 1), "tilt", 70.53),
        ("Σ5[010]/(201)", 5, (0, 1, 0), (2, 0, 1), "tilt", 53.13),
        ("Σ5[001]/(001)", 5, (0, 0, 1), (0, 0, 1), "twist", 36.87),
        ("Σ5[010]/(010) twist", 5, (0, 1, 0), (0, 1, 0), "twist", 36.87),
        ("Σ17[100]/(-100)", 17, (1, 0, 0), (-1, 0, 0), "twist", 28.07),
        ("Σ7[111]/(111) Twist", 7, (1, 1, 1), (1, 1, 1), "twist", 38.21),
        ("Σ5[001]/(111) mixed", 5, (0, 0, 1), (1, 1, 1), "mixed", 36.87),
        ("Σ101[001]/(10,1,0)", 101, (0, 0, 1), (10, 1, 0), "tilt", 11.42),
    ],
)
def test_names_are_read(text, sigma, axis, plane, kind, angle):
    name = parse_name(text)
    assert (name.sigma, name.axis, name.plane, name.kind) == (sigma, axis, plane, kind)
    assert name.angle == pytest.approx(angle, abs=0.005)
    assert name.notes == ()
    assert parse_name(str(name)) == name


def test_names_that_are_not_what_they_say():
    wrong_axis = parse_name("Σ3[110]/(111)")
    assert wrong_axis.kind == "mixed"
    assert wrong_axis.angle == pytest.approx(70.53, abs=0.005)
    assert wrong_axis.notes == ("[110] does not lie in (111): Σ3[1-10]/(111), a tilt, is probably meant",)
    assert parse_name("Σ5[100]/(112)").notes == ()  # truly mixed
    wrong_kind = parse_name("Σ5[010]/(201) twist")
    assert wrong_kind.kind == "tilt"
    assert wrong_kind.notes == (
        "Σ5[010]/(201) twist is called a twist boundary but is a tilt boundary: [010] lies in (201)",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5[001]/(120)", "boundary name '5\\[001\\]/\\(120\\)': expected the form 'Σ5"),
        ("Σ5(120)", "expected the form"),
        ("Σ5[001]/(120) grain", "ends in 'grain': expected the form"),
        ("Σ5[001]/(240)", r"plane '\(240\)' has the common factor 2"),
        ("Σ5[002]/(120)", r"axis '\[002\]' has the common factor 2"),
        ("Σ4[001]/(120)", "Σ4 is not possible, Σ of a cubic crystal is odd"),
        ("Σ7[001]/(120)", r"the symmetric tilt on \(120\) has Σ5, and no plane of \[001\] has Σ7"),
        ("Σ5[001]/(100)", r"on \(100\) has Σ1, and Σ5\[001\] has \(120\), \(210\), \(1-20\), \(2-10\)"),
        ("Σ7[001]/(001)", r"no rotation about \[001\] gives Σ7"),
        ("Σ3[123]/(11-1)", r"no two-fold axis of a cubic crystal is perpendicular to \[123\]"),
    ],
)
def test_bad_names(text, message):
    with pytest.raises(ValueError, match=message):
        parse_name(text)


@pytest.mark.parametrize(
    ("sigma", "axis", "angles"),
    [
        (1, (0, 0, 1), (0.0,)),
        (5, (0, 0, 1), (36.87, 53.13)),
        (13, (0, 1, 0), (22.62, 67.38)),
        (17, (0, 0, 1), (28.07, 61.93)),
        (25, (0, 0, 1), (16.26, 73.74)),
        (29, (0, 0, -1), (43.60, 46.40)),
        (37, (0, 0, 1), (18.92, 71.08)),
        (3, (1, 1, 0), (70.53, 109.47)),
        (9, (1, -1, 0), (38.94, 141.06)),
        (11, (1, 1, 0), (50.48, 129.52)),
        (3, (1, 1, 1), (60.0,)),
        (7, (1, 1, 1), (38.21, 81.79)),
        (3, (0, 0, 1), ()),
    ],
)
def test_angles_of_the_coincidence_lattices(sigma, axis, angles):
    assert csl_angles(sigma, axis) == pytest.approx(angles, abs=0.005)


def sigma_of(matrix):
    """Σ is the least number that makes a rotation matrix whole."""
    for sigma in range(1, 200, 2):
        if np.abs(sigma * matrix - (sigma * matrix).round()).max() < 1e-9 * sigma:
            return sigma
    return None


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 1, 0), (1, 1, 1), (1, 1, 2), (0, 1, 2)])
def test_sigma_of_the_rotations(axis):
    """Of every angle, from the matrix itself; and none is left out."""
    unit = np.array(axis) / np.linalg.norm(axis)
    for sigma in range(1, 60, 2):
        for angle in csl_angles(sigma, axis):
            assert sigma_of(Rotation.from_rotvec(math.radians(angle) * unit).as_matrix()) == sigma
    square = sum(i * i for i in axis)
    period = {(0, 0, 1): 90, (1, 1, 0): 180, (1, 1, 1): 120}.get(axis, 360)
    for m, n in itertools.product(range(6), repeat=2):
        if math.gcd(m, n) == 1:
            angle = math.degrees(2 * math.atan2(n * math.sqrt(square), m))
            sigma = sigma_of(Rotation.from_rotvec(math.radians(angle) * unit).as_matrix())
            found = csl_angles(sigma, axis)
            assert min(abs(math.remainder(one - sign * angle, period)) for one in found for sign in (1, -1)) < 1e-6


tilts = [
    (axis, plane)
    for axis in ((0, 0, 1), (0, 1, 0), (1, -1, 0), (1, 1, 0), (1, 1, 1), (1, 1, -2))
    for plane in itertools.product(range(-3, 4), repeat=3)
    if math.gcd(*plane) == 1 and np.dot(axis, plane) == 0
]


def test_tilts_are_rotations_about_their_axis():
    """The mirror in the plane is the nominal rotation, up to the symmetry of the crystal, and has that Σ."""
    assert len(tilts) > 100
    for axis, plane in tilts:
        angle = tilt_angle(axis, plane)
        unit = np.array(axis) / np.linalg.norm(axis)
        rotation = Rotation.from_rotvec(math.radians(angle) * unit).as_matrix()
        assert sigma_of(rotation) == tilt_sigma(plane)
        mirror = tilt_misorientation(plane_lattice(np.eye(3), plane), CUBIC)
        assert disorientation(rotation, CUBIC)[0] == pytest.approx(mirror.angle, abs=1e-6)


def test_tilt_needs_an_axis_in_the_plane():
    with pytest.raises(ValueError, match=r"\[001\] does not lie in the plane \(111\)"):
        tilt_angle((0, 0, 1), (1, 1, 1))


def test_kinds():
    assert boundary_kind((0, 0, 1), (1, 2, 0)) == "tilt"
    assert boundary_kind((1, 1, 2), (-1, -1, -2)) == "twist"
    assert boundary_kind((1, 1, 0), (1, 1, 1)) == "mixed"


@pytest.mark.parametrize(
    ("cell", "given_indices", "expected"),
    [
        (LPS, "(120)", (0, 2, 1)),  # a > b > c: first and last change places
        (LPS, "[001]", (1, 0, 0)),
        (LPS, "(201)", (1, 0, 2)),
        (np.diag([8.0, 13.0, 6.0]), "(123)", (2, 3, 1)),  # sorted: c, a, b
        (np.eye(3), "(123)", (1, 2, 3)),
        (np.diag([6.0, 6.0 - 1e-9, 6.0]), "(123)", (1, 2, 3)),
    ],
)
def test_sorted_axes(cell, given_indices, expected):
    assert convert_indices(given_indices, cell, "sorted") == expected
    assert convert_indices(expected, cell, "crystal", "sorted") == convert_indices(given_indices, cell, "crystal")


@given(st.permutations([4.0, 7.0, 9.0]), st.tuples(*[st.integers(-5, 5)] * 3).filter(lambda t: math.gcd(*t) == 1))
@settings(deadline=None, max_examples=50, derandomize=True)
def test_the_sorted_cell_has_the_sorted_indices(lengths, indices):
    """The direction, and the plane, are the same whichever way they are written."""
    cell = np.array([[lengths[0], 0, 0], [0.3, lengths[1], 0], [-0.2, 0.4, lengths[2]]])
    by_length = cell[np.argsort(np.linalg.norm(cell, axis=1))]
    converted = convert_indices(indices, cell, "crystal", "sorted")
    assert np.dot(converted, by_length) == pytest.approx(np.dot(indices, cell))
    ours, theirs = plane_lattice(cell, indices), plane_lattice(by_length, converted)
    assert theirs.normal == pytest.approx(ours.normal)
    assert theirs.spacing == pytest.approx(ours.spacing)


def test_bad_settings():
    with pytest.raises(ValueError, match="setting 'aimsgb': expected one of"):
        convert_indices("(120)", LPS, "aimsgb")
