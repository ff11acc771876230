"""Lattices along a plane: exact, for every lattice and plane."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from betalps.structures.lattices.planes import parse_indices, parse_plane, plane_lattice

LPS = np.diag([13.07, 8.13, 6.26])


@st.composite
def cells(draw):
    """Any cell, of either handedness, skewed at will."""
    number = st.floats(-8, 8, allow_subnormal=False)
    cell = np.array([[draw(number) for _ in range(3)] for _ in range(3)])
    lengths = np.linalg.norm(cell, axis=1)
    assume(lengths.min() > 1 and abs(np.linalg.det(cell)) > 0.1 * lengths.prod())
    return cell


@st.composite
def planes(draw, largest=7):
    indices = draw(st.tuples(*[st.integers(-largest, largest)] * 3).filter(any))
    factor = math.gcd(*indices)
    return tuple(i // factor for i in indices)


@st.composite
def unimodular(draw):
    """Another basis of the same lattice."""
    matrix = np.eye(3, dtype=int)
    for _ in range(draw(st.integers(1, 4))):
        i, j = draw(st.sampled_from(list(itertools.permutations(range(3), 2))))
        matrix[i] += draw(st.integers(-3, 3)) * matrix[j]
    return matrix[list(draw(st.permutations(range(3))))]


@given(cells(), planes())
@settings(deadline=None, max_examples=60, derandomize=True)
def test_the_basis_is_exact_and_of_the_whole_lattice(cell, plane):
    lattice = plane_lattice(cell, plane)
    assert (lattice.vectors @ plane == 0).all()
    assert lattice.stacking @ plane == 1
    assert round(np.linalg.det(lattice.integers)) == np.sign(np.linalg.det(cell))
    p1, p2 = lattice.vectors @ cell
    g = np.array(plane) @ np.linalg.inv(cell).T
    assert lattice.area == pytest.approx(np.linalg.norm(np.cross(p1, p2)), rel=1e-9)
    assert lattice.area == pytest.approx(abs(np.linalg.det(cell)) * np.linalg.norm(g), rel=1e-9)
    assert lattice.spacing == pytest.approx(1 / np.linalg.norm(g), rel=1e-9)
    assert lattice.normal @ g == pytest.approx(np.linalg.norm(g), rel=1e-9)
    assert np.cross(p1, p2) @ lattice.normal > 0


@given(cells(), planes())
@settings(deadline=None, max_examples=50, derandomize=True)
def test_the_basis_is_the_shortest(cell, plane):
    """Against every small combination."""
    lattice = plane_lattice(cell, plane)
    p1, p2 = lattice.vectors @ cell
    steps = [(i, j) for i, j in itertools.product(range(-4, 5), repeat=2) if (i, j) != (0, 0)]
    assert np.linalg.norm(p1) == pytest.approx(min(np.linalg.norm(i * p1 + j * p2) for i, j in steps), rel=1e-8)
    assert np.linalg.norm(p2) == pytest.approx(min(np.linalg.norm(i * p1 + j * p2) for i, j in steps if j), rel=1e-8)
    v3 = lattice.stacking @ cell
    sideways = [np.cross(v3 + i * p1 + j * p2, lattice.normal) for i, j in [*steps, (0, 0)]]
    assert np.linalg.norm(lattice.shift) == pytest.approx(min(map(np.linalg.norm, sideways)), rel=1e-8, abs=1e-9)


@given(cells(), planes())
@settings(deadline=None, max_examples=50, derandomize=True)
def test_the_frame(cell, plane):
    lattice = plane_lattice(cell, plane)
    frame, basis = lattice.frame, lattice.basis
    assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1)
    assert basis == pytest.approx(lattice.integers @ cell @ frame.T, abs=1e-9)
    assert (basis[np.triu_indices(3, 1)] == 0).all()
    assert (np.diag(basis) > 0).all()
    assert basis[2, 2] == lattice.spacing
    assert (lattice.shift == basis[2, :2]).all()


@given(cells(), planes(largest=4), unimodular())
@settings(deadline=None, max_examples=50, derandomize=True)
def test_the_choice_of_the_cell_does_not_matter(cell, plane, change):
    one = plane_lattice(cell, plane)
    other = plane_lattice(change @ cell, (change @ plane).tolist())
    assert other.area == pytest.approx(one.area, rel=1e-8)
    assert other.spacing == pytest.approx(one.spacing, rel=1e-8)
    assert other.normal == pytest.approx(one.normal, abs=1e-8)
    lengths = [np.linalg.norm(lattice.basis[:2, :2], axis=1) for lattice in (one, other)]
    assert lengths[1] == pytest.approx(lengths[0], rel=1e-7)
    shifts = [np.linalg.norm(lattice.shift) for lattice in (one, other)]
    assert shifts[1] == pytest.approx(shifts[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("plane", "lengths", "area", "spacing"),
    [
        ("(120)", (6.26, 27.38), 171.4, 3.882),
        ("(130)", (6.26, 40.04), 250.7, 2.654),
        ("(2-10)", (6.26, 20.86), 130.6, 5.093),
        ("(150)", (6.26, 65.85), 412.2, 1.614),
        ("(3-20)", (6.26, 35.75), 223.8, 2.972),
        ("(170)", (6.26, 91.85), 575.0, 1.157),
        ("(-250)", (6.26, 67.34), 421.6, 1.578),
        ("(111)", (10.26, 14.49), 143.4, 4.637),
        ("(201)", (8.13, 18.10), 147.1, 4.521),
    ],
)
def test_the_boundaries_of_beta_li3ps4(plane, lengths, area, spacing):
    lattice = plane_lattice(LPS, plane)
    assert np.linalg.norm(lattice.basis[:2], axis=1) == pytest.approx(lengths, abs=0.005)
    assert lattice.area == pytest.approx(area, abs=0.05)
    assert lattice.spacing == pytest.approx(spacing, abs=0.0005)


def test_the_angle_of_111_is_that_of_the_table_or_its_supplement():
    p1, p2 = plane_lattice(LPS, "(111)").basis[:2, :2]
    angle = math.degrees(math.acos(p1 @ p2 / np.linalg.norm(p1) / np.linalg.norm(p2)))
    assert angle == pytest.approx(180 - 74.7, abs=0.05)


def test_ties_go_to_simple_indices():
    for noise in (0.0, 1e-12, -1e-12):
        cubic = plane_lattice(np.diag([4.0, 4.0 + noise, 4.0]), "(001)")
        assert cubic.integers.tolist() == np.eye(3, dtype=int).tolist()
        hexagonal = [[3.0, 0, 0], [-1.5, 1.5 * math.sqrt(3) * (1 + noise), 0], [0, 0, 5.0]]
        assert plane_lattice(hexagonal, "(001)").vectors.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_a_badly_skewed_cell():
    skewed = np.array([[1, 0, 0], [117, 1, 0], [-37, 55, 1]]) @ LPS
    lattice = plane_lattice(skewed, (0, 0, 1))  # normal to a and b all the same
    assert np.abs(lattice.vectors @ skewed) == pytest.approx(np.array([[0, 8.13, 0], [13.07, 0, 0]]), abs=1e-9)
    assert lattice.basis[2] == pytest.approx([0, 0, 6.26], abs=1e-9)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 2, 0), (1, 2, 0)),
        ([1.0, np.int64(2), 0], (1, 2, 0)),
        (np.array([3, -2, 0]), (3, -2, 0)),
        ("(120)", (1, 2, 0)),
        ("(3-20)", (3, -2, 0)),
        ("3 -2 0", (3, -2, 0)),
        ("-250", (-2, 5, 0)),
        ("{1, 1, 1}", (1, 1, 1)),
        ("(10,1,0)", (10, 1, 0)),
        ("1−10", (1, -1, 0)),  # a minus sign
        ("(31\u03050)", (3, -1, 0)),  # a bar
    ],
)
def test_planes_are_read(given, expected):
    assert parse_plane(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("(000)", "expected at least one index that is not zero"),
        ((0, 0, 0), "expected at least one index that is not zero"),
        ("(2-40)", r"plane '\(2-40\)' has the common factor 2: \(1, -2, 0\) is probably meant"),
        ((1.5, 2, 0), r"plane \(1.5, 2, 0\): expected three integers"),
        ((1, float("nan"), 0), "expected three integers"),
        ((1, float("inf"), 0), "expected three integers"),
        ((1, None, 0), "expected three integers"),
        ("abc", "plane 'abc': expected three integers"),
        ("(12", "expected three integers"),
        ((1, 2), "has 2 indices: expected three"),
        ("(1 20)", "has 2 indices: expected three"),
        ("(11-20)", "has 4 indices: expected three integers; of four hexagonal indices leave out the third"),
    ],
)
def test_bad_planes(given, message):
    with pytest.raises(ValueError, match=message):
        parse_plane(given)


def test_messages_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"axis '\[002\]' has the common factor 2: \(0, 0, 1\)"):
        parse_indices("[002]", "axis")


def test_bad_cells():
    with pytest.raises(ValueError, match="span no volume"):
        plane_lattice([[1, 0, 0], [0, 1, 0], [1, 1, 0]], "(001)")
    with pytest.raises(ValueError, match="span no volume"):
        plane_lattice(np.diag([1.0, 1.0, 0.0]), "(001)")
    with pytest.raises(ValueError, match=r"cell of shape \(2, 2\)"):
        plane_lattice(np.eye(2), "(001)")
