"""Rings of known point sets, and of random ones against ripser and gudhi used directly."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import pdist, squareform

from betalps.analysis.homology.persistence import persistence_diagram
from betalps.errors import BetalpsError


def circle(number, radius=3.0, centre=(0.0, 0.0, 0.0)):
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.array(centre) + radius * np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)


def square_lattice(number, edge=3.0):
    grid = edge * np.stack(np.meshgrid(np.arange(number), np.arange(number), indexing="ij"), axis=-1).reshape(-1, 2)
    return np.pad(grid, ((0, 0), (0, 1)))


def liquid(number, cell, seed, apart=2.0):
    """Random points that keep a distance."""
    rng = np.random.default_rng(seed)
    chosen = np.empty((0, 3))
    while len(chosen) < number:
        trial = rng.random(3)
        away = chosen - trial
        if not (np.linalg.norm((away - np.rint(away)) @ cell, axis=1) < apart).any():
            chosen = np.vstack([chosen, trial])
    return chosen @ cell


def in_order(table):
    """Rows by death and birth, as far as these differ by more than rounding."""
    return table[np.lexsort(np.round(table, 5).T)]


def ordered(found):
    return in_order(np.stack([found.births, found.deaths], axis=1))


def rings_of(found):
    return [found.members[a:b] for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]


def alpha_or_rips(name):
    if name == "alpha":
        pytest.importorskip("gudhi", reason="the alpha filtration needs gudhi")
    return name


@pytest.mark.parametrize(("filtration", "death"), [("rips", 3.0 * np.sqrt(3.0)), ("alpha", 6.0)])
def test_a_circle_is_one_ring(filtration, death):
    found = persistence_diagram(circle(12), filtration=alpha_or_rips(filtration))
    np.testing.assert_allclose(found.births, [6.0 * np.sin(np.pi / 12)])
    np.testing.assert_allclose(found.deaths, [death])
    np.testing.assert_array_equal(found.sizes, [12])
    around = np.diff(found.members) % 12  # the points in order, one way or the other
    assert (around == 1).all() or (around == 11).all()


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_a_square_lattice_is_a_ring_for_each_square(filtration):
    found = persistence_diagram(square_lattice(4), filtration=alpha_or_rips(filtration))
    np.testing.assert_allclose(ordered(found), np.tile([3.0, 3.0 * np.sqrt(2.0)], (9, 1)))
    np.testing.assert_array_equal(found.sizes, 4)


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_a_square_lattice_on_a_torus(filtration):
    """64 squares of which one is the sum of the others; and the two ways around the torus never close."""
    cell = np.diag([24.0, 24.0, 20.0])
    found = persistence_diagram(square_lattice(8), cell, (True, True, False), filtration=alpha_or_rips(filtration))
    np.testing.assert_allclose(ordered(found), np.tile([3.0, 3.0 * np.sqrt(2.0)], (63, 1)))
    assert (found.unclosed, found.winding, found.copies) == (2, 0, 1)
    assert np.count_nonzero(found.sizes == 4) >= 40  # the last squares may be closed by others


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_two_rings(filtration):
    points = np.concatenate([circle(6, 2.5), circle(9, 3.5, (0.0, 0.0, 20.0))])
    found = persistence_diagram(points, filtration=alpha_or_rips(filtration))
    order = np.argsort(found.sizes)
    np.testing.assert_array_equal(found.sizes[order], [6, 9])
    np.testing.assert_allclose(found.births[order], [2.5, 7.0 * np.sin(np.pi / 9)])
    rings = rings_of(found)
    assert set(rings[order[0]]) == set(range(6))
    assert set(rings[order[1]]) == set(range(6, 15))


def test_a_triangle_is_a_ring_for_alpha_alone():
    triangle = circle(3)
    assert not len(persistence_diagram(triangle).births)
    found = persistence_diagram(triangle, filtration=alpha_or_rips("alpha"))
    np.testing.assert_allclose(ordered(found), [[3.0 * np.sqrt(3.0), 6.0]])
    np.testing.assert_array_equal(found.sizes, [3])


def test_a_square_of_four_is_one_ring_and_fewer_points_are_none():
    assert len(persistence_diagram(square_lattice(2)).births) == 1
    for few in (1, 2, 3):
        assert not len(persistence_diagram(square_lattice(2)[:few]).births)
    assert not len(persistence_diagram(10.0 * square_lattice(3)).births)  # no two within the threshold


@pytest.mark.parametrize("seed", [0, 1])
def test_equals_ripser_dense(seed):
    from ripser import ripser

    points = liquid(120, 20.0 * np.eye(3), seed)
    expected = ripser(points, maxdim=1, thresh=8.0)["dgms"][1]
    found = persistence_diagram(points)
    assert found.unclosed == np.isinf(expected[:, 1]).sum()
    expected = expected[np.isfinite(expected[:, 1])]
    np.testing.assert_allclose(ordered(found), in_order(expected), rtol=3e-7)


@pytest.mark.parametrize("pbc", [(True, True, True), (True, True, False)])
def test_periodic_equals_ripser_dense_with_the_nearest_images(pbc):
    from ripser import ripser

    lengths = np.array([16.0, 15.0, 17.0])
    points = liquid(150, np.diag(lengths), 2)
    away = points[:, None] - points
    away -= np.rint(away / lengths) * lengths * pbc
    expected = ripser(np.linalg.norm(away, axis=2), maxdim=1, thresh=5.0, distance_matrix=True)["dgms"][1]
    found = persistence_diagram(points, np.diag(lengths), pbc, threshold=5.0)
    assert found.unclosed == np.isinf(expected[:, 1]).sum() >= sum(pbc)
    expected = expected[np.isfinite(expected[:, 1])]
    np.testing.assert_allclose(ordered(found), in_order(expected), rtol=3e-7)


def test_equals_gudhi_alpha():
    gudhi = pytest.importorskip("gudhi", reason="compares with gudhi")
    points = liquid(150, 18.0 * np.eye(3), 3)
    tree = gudhi.AlphaComplex(points=points).create_simplex_tree()
    tree.compute_persistence(homology_coeff_field=2)
    expected = 2.0 * np.sqrt(tree.persistence_intervals_in_dimension(1))
    expected = expected[(expected[:, 1] < 9.0) & (expected[:, 1] - expected[:, 0] > 1e-4)]
    found = persistence_diagram(points, threshold=9.0, filtration="alpha")
    np.testing.assert_allclose(ordered(found), in_order(expected), rtol=1e-9)


def test_periodic_alpha_equals_gudhi_with_explicit_images():
    """In a block of 27 cells, those of the rings that close in the middle one are those of the periodic cell."""
    gudhi = pytest.importorskip("gudhi", reason="compares with gudhi")
    cell = np.array([[13.0, 0.0, 0.0], [1.0, 13.0, 0.0], [-1.0, 2.0, 13.0]])
    points = liquid(100, cell, 4)
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    images = (points + (shifts @ cell)[:, None]).reshape(-1, 3)
    tree = gudhi.AlphaComplex(points=images).create_simplex_tree(max_alpha_square=4.0)
    tree.compute_persistence(homology_coeff_field=2)
    expected = []
    for edge, filler in tree.persistence_pairs():
        if len(edge) == 2 and filler:
            middle = images[edge].mean(axis=0) @ np.linalg.inv(cell)
            values = 2.0 * np.sqrt([tree.filtration(edge), tree.filtration(filler)])
            if (np.floor(middle) == 0).all() and values[1] - values[0] > 1e-4:
                expected.append(values)
    expected = np.array(expected)
    found = persistence_diagram(points, cell, threshold=4.0, filtration="alpha")
    near = (np.abs(ordered(found)[:, None] - expected) < 1e-7).all(axis=2)
    assert found.copies == 1
    # Around the torus there are relations between rings that the block does not have, and three ways never close.
    assert len(found.births) >= 150
    assert np.count_nonzero(~near.any(axis=1)) <= 3
    assert np.count_nonzero(~near.any(axis=0)) <= 3


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_a_short_cell_is_that_of_its_copies(filtration):
    cell = np.array([[9.0, 0.0, 0.0], [1.0, 11.0, 0.0], [0.0, 0.0, 14.0]])
    points = liquid(30, cell, 5)
    found = persistence_diagram(points, cell, threshold=4.0, filtration=alpha_or_rips(filtration))
    assert found.copies == 4
    assert found.members.max() < 30
    copies = points + np.array([[0, 0, 0], cell[0], cell[1], cell[0] + cell[1]])[:, None]
    large = persistence_diagram(
        copies.reshape(-1, 3), np.array([[2], [2], [1]]) * cell, threshold=4.0, filtration=filtration
    )
    assert large.copies == 1
    np.testing.assert_allclose(ordered(found), ordered(large), atol=1e-9)
    np.testing.assert_array_equal(np.sort(found.sizes), np.sort(large.sizes))


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_rings_are_shortest_and_made_of_what_was_there(filtration):
    points = liquid(100, 18.0 * np.eye(3), 6)
    distances = squareform(pdist(points))
    found = persistence_diagram(points, filtration=alpha_or_rips(filtration))
    assert (found.sizes >= (4 if filtration == "rips" else 3)).all()
    for birth, ring in zip(found.births, rings_of(found), strict=True):
        steps = distances[ring, np.roll(ring, 1)]
        assert len(set(ring)) == len(ring)
        assert steps.max() == pytest.approx(birth)
        assert {steps[0]} == {steps.max()}  # from the last to the first: the edge that closes it
        if filtration == "rips":
            older = coo_array(np.triu(distances < birth - 1e-9, 1))
            hops = shortest_path(older, directed=False, unweighted=True, indices=ring[0])
            assert hops[ring[-1]] == len(ring) - 1


def test_a_ring_does_not_wind_around_the_cell():
    """A chain through the cell's faces; a loop beside it is longer than the way around."""
    cell = np.diag([9.0, 60.0, 60.0])
    loop = circle(30, 10.0, (4.5, 30.0, 30.0))[:, [2, 0, 1]]
    found = persistence_diagram(loop, cell, (False, True, True), threshold=20.0)
    assert sorted(found.sizes) == [30]
    points = liquid(150, np.diag([15.0, 15.0, 15.0]), 7)
    found = persistence_diagram(points, np.diag([15.0, 15.0, 15.0]), threshold=5.0)
    assert found.winding == 0
    for birth, ring in zip(found.births, rings_of(found), strict=True):
        steps = points[ring] - points[np.roll(ring, 1)]
        steps -= 15.0 * np.rint(steps / 15.0)
        assert np.abs(steps.sum(axis=0)).max() < 1e-9
        assert np.linalg.norm(steps, axis=1).max() == pytest.approx(birth)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), number=st.integers(4, 60), cut=st.floats(0.0, 1.5))
def test_neither_order_nor_place_nor_turn_matters(seed, number, cut):
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(12.0, 16.0, 3)) + rng.uniform(-1.0, 1.0, (3, 3))
    points = rng.random((number, 3)) @ cell
    options = {"threshold": 4.5, "cut": cut}
    expected = persistence_diagram(points, cell, **options)
    np.testing.assert_array_equal(expected.sizes > 0, expected.deaths - expected.births > cut)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = (points + rng.uniform(-40.0, 40.0, 3))[rng.permutation(number)]
    found = persistence_diagram(moved @ turn, cell @ turn, **options)
    np.testing.assert_allclose(ordered(found), ordered(expected), atol=1e-9)
    np.testing.assert_array_equal(np.sort(found.sizes), np.sort(expected.sizes))


def test_rounding_makes_no_rings():
    lattice = np.stack(np.meshgrid(*[np.arange(6)] * 3), axis=-1).reshape(-1, 3) * 4.0
    exact = persistence_diagram(lattice, 24.0 * np.eye(3))
    stored = lattice + np.random.default_rng(8).uniform(-5e-6, 5e-6, lattice.shape)
    found = persistence_diagram(stored, 24.0 * np.eye(3))
    assert len(found.births) == len(exact.births) > 0
    np.testing.assert_allclose(ordered(found), ordered(exact), atol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positions": np.zeros((0, 3))}, r"positions: expected shape \(points, 3\), got \(0, 3\)"),
        ({"positions": np.zeros((4, 2))}, r"positions: expected shape \(points, 3\), got \(4, 2\)"),
        ({"positions": [[0, 0, 0], [0, np.nan, 0]]}, "positions: point 1 is not finite"),
        ({"filtration": "cech"}, "filtration: expected 'rips' or 'alpha', got 'cech'"),
        ({"threshold": 0.0}, "threshold: expected a number above 0 Å"),
        ({"cell": np.zeros((3, 3))}, "cell: expected three vectors that span a volume"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        persistence_diagram(**{"positions": circle(5), **arguments})


def test_without_gudhi_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gudhi", None)
    with pytest.raises(BetalpsError, match=r"alpha filtration needs gudhi .* pip install gudhi"):
        persistence_diagram(circle(5), filtration="alpha")
