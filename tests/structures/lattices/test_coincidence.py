"""Common cells of two planes: the cubic angles, the tables of β-Li3PS4, and what a match promises."""

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.structures.lattices.coincidence import Match, best_matches, near_coincidences
from betalps.structures.lattices.planes import plane_lattice

LPS = np.diag([13.07, 8.13, 6.26])
SQUARE = 4.0 * np.eye(2)


def twists(plane, cell=LPS, **arguments):
    lattice = plane_lattice(cell, plane)
    return near_coincidences(lattice, lattice, **{"max_area": 1600, "max_strain": 0.05, **arguments})


@pytest.fixture(scope="module")
def beta():
    return {plane: twists(plane) for plane in ("(001)", "(100)", "(010)")}


@pytest.mark.parametrize(
    ("plane", "n", "area", "angle", "strain"),
    [
        ("(001)", 5, 531, 78.46, 1.53),
        ("(001)", 7, 744, 44.42, 1.10),
        ("(001)", 9, 956, 63.61, 0.27),
        ("(100)", 4, 204, 75.52, 0.58),
        ("(100)", 8, 407, 28.96, 0.29),
        ("(100)", 24, 1221, 60.00, 0.02),
        ("(010)", 8, 655, 51.32, 0.23),
        ("(010)", 2, 164, 90.0, 4.3),
        ("(010)", 19, 1555, 61.73, 0.16),
    ],
)
def test_the_best_twists_of_beta_li3ps4(beta, plane, n, area, angle, strain):
    best = min((m for m in beta[plane] if m.multiplicity == (n, n)), key=lambda m: m.strain)
    assert best.area == pytest.approx(area, abs=0.6)
    assert best.area == pytest.approx(n * plane_lattice(LPS, plane).area, rel=1e-9)
    assert best.angle == pytest.approx(angle, abs=0.005)
    assert 100 * best.strain == pytest.approx(strain, abs=0.005 if strain < 4 else 0.05)


@pytest.mark.parametrize(
    ("plane", "near", "n", "area", "angle", "strain"),
    [
        ("(001)", 36.87, 11, 1169, 35.10, 0.96),
        ("(100)", 36.87, 11, 560, 35.11, 1.52),
        ("(100)", 36.87, 31, 1578, 36.25, 0.48),
        ("(100)", 53.13, 15, 763, 53.14, 2.1),
        ("(100)", 53.13, 19, 967, 54.62, 0.49),
        ("(010)", 36.87, 10, 818, 36.90, 2.58),
        ("(010)", 53.13, 5, 409, 53.16, 3.44),
    ],
)
def test_the_twists_near_the_cubic_angles(plane, near, n, area, angle, strain):
    found = [m for m in twists(plane, angle=near) if m.multiplicity == (n, n)]
    best = min(found, key=lambda m: m.strain)
    assert best.area == pytest.approx(area, abs=0.6)
    assert best.angle == pytest.approx(angle, abs=0.005)
    assert 100 * best.strain == pytest.approx(strain, abs=0.05 if strain == 2.1 else 0.005)


def test_the_one_angle_that_has_none():
    assert twists("(001)", angle=53.13) == []
    assert twists("(001)", angle=53.13, tolerance=12.0) != []


def test_the_square_net_has_the_cubic_angles():
    found = near_coincidences(SQUARE, SQUARE, max_area=16 * 37, max_strain=1e-6)
    assert [m.multiplicity[0] for m in found] == [1, 5, 13, 17, 25, 29, 37]
    assert [m.angle for m in found] == pytest.approx([0, 36.87, 22.62, 28.07, 16.26, 43.60, 18.92], abs=0.005)
    assert [m.area for m in found] == pytest.approx([16 * n for n in (1, 5, 13, 17, 25, 29, 37)])
    assert max(m.strain for m in found) < 1e-14
    for match in found:
        assert match.stretch_a == pytest.approx(np.eye(2), abs=1e-14)


@pytest.mark.parametrize(
    ("sigma", "angle"), [(5, 53.13), (13, 67.38), (17, 61.93), (25, 73.74), (29, 46.40), (5, -36.87), (5, 216.87)]
)
def test_the_equivalent_angles_are_found_when_asked_for(sigma, angle):
    found = near_coincidences(SQUARE, SQUARE, max_area=16 * sigma, max_strain=1e-6, angle=angle, tolerance=0.01)
    assert [m.multiplicity[0] for m in found] == [sigma]
    assert found[0].angle == pytest.approx(angle, abs=0.005)
    assert turned(found[0]) == pytest.approx((angle + 180) % 360 - 180, abs=0.005)


def test_the_hexagonal_net():
    """Σ7, 13, 19 about the six-fold axis."""
    net = 3.0 * np.array([[1, 0], [-0.5, 0.75**0.5]])
    found = near_coincidences(net, net, max_area=19.5 * np.linalg.det(net), max_strain=1e-6)
    assert [m.multiplicity[0] for m in found] == [1, 7, 13, 19]
    assert [m.angle for m in found] == pytest.approx([0, 21.787, 27.796, 13.174], abs=0.001)


def turned(match):
    """The angle from A to B, from the rotations alone."""
    turn = match.rotation_b @ match.rotation_a.T
    return math.degrees(math.atan2(turn[1, 0], turn[0, 0]))


def check(match: Match, net_a, net_b, share):
    """Everything that a match promises, without the code that made it."""
    for rows, net, stretch, rotation in (
        (match.a, net_a, match.stretch_a, match.rotation_a),
        (match.b, net_b, match.stretch_b, match.rotation_b),
    ):
        size = np.abs(match.cell).max()
        assert np.abs(rows @ net @ stretch @ rotation.T - match.cell).max() < 1e-12 * size
        assert rotation @ rotation.T == pytest.approx(np.eye(2), abs=1e-12)
        assert np.linalg.det(rotation) > 0
        assert (stretch == stretch.T).all() or stretch == pytest.approx(stretch.T, abs=1e-14)
        assert np.linalg.eigvalsh(stretch).min() > 0
    assert (round(np.linalg.det(match.a)), round(np.linalg.det(match.b))) == match.multiplicity
    assert match.area == pytest.approx(abs(np.linalg.det(match.cell)), rel=1e-12)
    assert match.cell[0, 1] == 0
    assert match.cell[0, 0] > 0
    assert match.cell[1, 1] > 0
    assert 2 * abs(match.cell[1, 0]) <= match.cell[0, 0] * (1 + 1e-8)
    # the strain between the two as they were, by an independent decomposition
    f = np.linalg.solve(match.a @ net_a, match.b @ net_b)
    logs = np.log(np.linalg.svd(f, compute_uv=False))
    assert match.strain == pytest.approx(np.abs(logs).max(), abs=1e-12)
    part = {"both": 0.5, "a": 1.0, "b": 0.0}[share]
    of_a, of_b = (np.log(np.linalg.eigvalsh(s)) for s in (match.stretch_a, match.stretch_b))
    assert sorted(of_a) == pytest.approx(sorted(part * logs), abs=1e-12)
    assert sorted(of_b) == pytest.approx(sorted((part - 1) * logs), abs=1e-12)
    assert math.remainder(turned(match) - match.angle, 360) == pytest.approx(0, abs=1e-9)


nets = st.tuples(st.floats(0.6, 1.6), st.floats(-0.5, 0.5), st.floats(0.6, 1.6), st.floats(-1.0, 1.0)).map(
    lambda t: np.array([[2 * t[0], t[3]], [t[1], 2 * t[2]]])
)


@given(nets, nets, st.sampled_from(["both", "a", "b"]), st.booleans(), st.one_of(st.none(), st.floats(-180, 180)))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_a_match_keeps_its_promises(net_a, net_b, share, equal, angle):
    found = near_coincidences(
        net_a, net_b, max_area=30, max_strain=0.1, angle=angle, tolerance=10, share=share, equal_multiplicity=equal
    )
    keys = [(round(m.area, 6), round(m.strain, 9)) for m in found]
    assert keys == sorted(keys)
    for match in found:
        check(match, net_a, net_b, share)
        assert match.area <= 30 * (1 + 1e-9)
        assert match.strain <= 0.1 + 1e-9
        assert match.multiplicity[0] == match.multiplicity[1] or not equal
        assert abs(match.angle - (0 if angle is None else angle)) <= (180 if angle is None else 10 + 1e-9)


@given(nets, st.sampled_from(["both", "a", "b"]))
@settings(deadline=None, max_examples=30, derandomize=True)
def test_a_net_matches_itself(net, share):
    area = float(np.linalg.det(net))
    found = near_coincidences(net, net, max_area=3 * area, max_strain=0.02, share=share)
    assert found[0].multiplicity == (1, 1)
    assert found[0].angle == pytest.approx(0, abs=1e-9)
    assert found[0].strain < 1e-12
    assert found[0].rotation_a == pytest.approx(found[0].rotation_b, abs=1e-12)
    assert sum(m.strain < 1e-9 and abs(m.angle) < 1e-6 for m in found) == 1  # and not again in larger cells
    with_half_turn = near_coincidences(net, net, max_area=area, max_strain=1e-6, angle=180, tolerance=0.01)
    assert [m.angle for m in with_half_turn] == pytest.approx([180])


@given(nets, nets, st.integers(-2, 2), st.floats(0, 360))
@settings(deadline=None, max_examples=15, derandomize=True)
def test_the_choice_of_the_basis_does_not_matter(net_a, net_b, step, turn):
    """A sheared basis, and another frame of A, which is all that shifts the angle."""
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    sheared = np.array([[1, step], [0, 1]]) @ net_a @ np.array([[c, s], [-s, c]])
    arguments = {"max_area": 15, "max_strain": 0.08, "equal_multiplicity": False, "tolerance": 5}
    one = near_coincidences(net_a, net_b, angle=10, **arguments)
    other = near_coincidences(sheared, net_b, angle=10 + turn, **arguments)
    numbers = [sorted((round(m.area, 5), round(m.strain, 7)) for m in matches) for matches in (one, other)]
    assert numbers[0] == numbers[1]


@given(nets, nets)
@settings(deadline=None, max_examples=25, derandomize=True)
def test_exchanging_the_grains_turns_the_angle_around(net_a, net_b):
    arguments = {"max_area": 15, "max_strain": 0.08, "equal_multiplicity": False, "tolerance": 180}
    one = near_coincidences(net_a, net_b, share="a", angle=0, **arguments)
    other = near_coincidences(net_b, net_a, share="b", angle=0, **arguments)
    assert len(one) == len(other)
    numbers = [
        sorted((round(m.area, 5), round(m.strain, 7), round(abs(m.angle), 5)) for m in matches)
        for matches in (one, other)
    ]
    assert np.array(numbers[0]) == pytest.approx(np.array(numbers[1]), abs=2e-5)


def orbit(match, lattice_operations):
    """The maps of all equivalent matches of a twist, exactly."""
    found = set()
    for first, second in ((match.a, match.b), (match.b, match.a)):
        for s, t in itertools.product(lattice_operations, repeat=2):
            if np.linalg.det(s) * np.linalg.det(t) < 0:
                continue
            (p, q), (r, u) = (first @ s).tolist()
            det = p * u - q * r
            inverse = [[Fraction(u, det), Fraction(-q, det)], [Fraction(-r, det), Fraction(p, det)]]
            found.add(tuple(itertools.chain.from_iterable((inverse @ (second @ t)).tolist())))
    return found


def test_no_two_matches_are_equivalent(beta):
    """Rectangular nets: no two are related by mirrors, half turns, or the exchange of the grains."""
    operations = [np.diag([i, j]) for i, j in itertools.product((1, -1), repeat=2)]
    for matches in beta.values():
        seen = set()
        for match in matches:
            equivalent = orbit(match, operations)
            assert not equivalent & seen
            seen |= equivalent
            assert 0 <= match.angle <= 90 + 1e-9


def test_cells_are_primitive(beta):
    """No smaller cell has the same map: the vectors of the common cell divide by nothing in both nets at once."""
    for match in itertools.chain(*beta.values()):
        joined = np.hstack([match.a, match.b])
        minors = [
            int(joined[0, i] * joined[1, j] - joined[0, j] * joined[1, i])
            for i, j in itertools.combinations(range(4), 2)
        ]
        assert math.gcd(*minors) == 1


def test_two_different_planes():
    """An asymmetric boundary: (100) on (010) at unequal numbers of cells."""
    a, b = plane_lattice(LPS, "(100)"), plane_lattice(LPS, "(010)")
    found = near_coincidences(a, b, max_area=900, max_strain=0.03, equal_multiplicity=False)
    assert near_coincidences(a, b, max_area=900, max_strain=0.03) == []
    assert (8, 5) in {m.multiplicity for m in found}
    for match in found:
        check(match, a.basis[:2, :2], b.basis[:2, :2], "both")
        assert match.multiplicity[0] * a.area == pytest.approx(match.multiplicity[1] * b.area, rel=0.062)


def test_sharing_leaves_the_other_grain_alone():
    for share, untouched in (("a", "stretch_b"), ("b", "stretch_a")):
        for match in twists("(001)", share=share, max_area=600):
            assert getattr(match, untouched) == pytest.approx(np.eye(2), abs=1e-14)


def test_fast_enough():
    start = time.perf_counter()
    twists("(100)")  # the smallest of the three cells
    assert time.perf_counter() - start < 3


def test_best_matches(beta):
    matches = beta["(100)"]
    best = best_matches(matches)
    assert 0 < len(best) < len(matches)
    assert [m for m in matches if m in best] == best  # the same order
    for match in matches:
        better = [
            m
            for m in best
            if abs(m.angle - match.angle) <= 1 and m.area <= match.area + 1e-6 and m.strain <= match.strain + 1e-9
        ]
        assert better  # at least itself
        assert match not in best or better == [match]
    assert best_matches([]) == []
    assert len(best_matches(matches, resolution=90)) < len(best)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_strain": 0.0}, "max_strain 0.0: expected more than 0 and at most 0.25"),
        ({"max_strain": 0.3}, "max_strain 0.3: expected"),
        ({"max_area": 10.0}, r"max_area 10.0 Å²: expected at least the in-plane cells, 106.3 and 106.3 Å²"),
        ({"max_area": math.inf}, "max_area inf"),
        ({"tolerance": -1.0}, "tolerance -1.0°: expected 0 or more"),
        ({"share": "c"}, "share 'c': expected one of"),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        twists("(001)", **change)


def test_bad_nets():
    with pytest.raises(ValueError, match=r"in-plane basis of shape \(3, 3\)"):
        near_coincidences(np.eye(3), SQUARE, max_area=100, max_strain=0.1)
    with pytest.raises(ValueError, match="expected a right-handed one"):
        near_coincidences(SQUARE, SQUARE[::-1], max_area=100, max_strain=0.1)
