"""Nets: reduction, sublattices, symmetries and the polar decomposition."""

import math

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from scipy.linalg import polar as scipy_polar

from betalps.structures.lattices.nets import (
    adjugate,
    det,
    largest_strain,
    linear_map,
    polar,
    power,
    reduced,
    rotation,
    sublattices,
    symmetries,
    transposed,
)

OBLIQUE = np.array([[3.0, 0.0], [1.1, 4.2]])


def test_matrices_against_numpy():
    rng = np.random.default_rng(1)
    m = rng.integers(-9, 10, (20, 2, 2))
    assert det(m) == pytest.approx(np.linalg.det(m))
    assert (m @ adjugate(m) == det(m)[:, None, None] * np.eye(2)).all()


@pytest.mark.parametrize("index", range(1, 13))
def test_sublattices_are_all_there_are(index):
    found = sublattices(index, OBLIQUE)
    assert len(found) == sum(d for d in range(1, index + 1) if index % d == 0)
    assert (det(found) == index).all()
    # a lattice is known by which points of the torus Z² / index it holds
    points = np.stack(np.meshgrid(range(index), range(index)), axis=-1).reshape(-1, 2)
    inside = (points @ adjugate(found) % index == 0).all(axis=-1)
    assert len(np.unique(inside, axis=0)) == len(found)


def test_reduced_is_short():
    found = sublattices(12, OBLIQUE) @ OBLIQUE
    square = (found**2).sum(axis=-1)
    product = np.abs((found[:, 0] * found[:, 1]).sum(axis=-1))
    assert (square[:, 0] <= square[:, 1] * (1 + 1e-8)).all()
    assert (2 * product <= square[:, 0] * (1 + 1e-8)).all()


def test_reduced_keeps_the_net_and_the_handedness():
    rng = np.random.default_rng(2)
    vectors = rng.integers(-20, 20, (200, 2, 2))
    vectors = vectors[det(vectors) != 0]
    short = reduced(vectors, OBLIQUE)
    assert (det(short) == det(vectors)).all()
    change = np.linalg.solve(transposed(vectors), transposed(short))
    assert change == pytest.approx(change.round(), abs=1e-9)


@pytest.mark.parametrize(
    ("basis", "order"),
    [
        (OBLIQUE, 2),
        ([[3.0, 0], [0, 4.0]], 4),  # rectangular
        ([[3.0, 0], [1.5, 4.0]], 4),  # centred rectangular
        ([[3.0, 0], [0, 3.0]], 8),
        ([[3.0, 0], [-1.5, 1.5 * math.sqrt(3)]], 12),
    ],
)
def test_symmetries_of_the_five_nets(basis, order):
    basis = np.array(basis)
    found = symmetries(basis)
    assert len(found) == order
    assert (found[0] == np.eye(2)).all()
    assert sum(det(s) < 0 for s in found) == (order // 2 if order > 2 else 0)
    for s in found:
        orthogonal = np.linalg.solve(basis, s @ basis)
        assert orthogonal @ orthogonal.T == pytest.approx(np.eye(2), abs=1e-9)


def test_polar_and_powers_against_scipy():
    rng = np.random.default_rng(3)
    f = np.eye(2) + rng.uniform(-0.5, 0.5, (50, 2, 2))
    angle, high, low = polar(f)
    turns = rotation(angle)
    for i in range(len(f)):
        r, u = scipy_polar(f[i])
        assert turns[i] == pytest.approx(r, abs=1e-12)
        assert sorted([high[i], low[i]]) == pytest.approx(np.linalg.eigvalsh(u), abs=1e-12)
        for exponent in (0.5, -0.5, 1.0, 0.0):
            expected = fractional_matrix_power(u, exponent)
            assert power(u[None], high[i : i + 1], low[i : i + 1], exponent)[0] == pytest.approx(expected, abs=1e-12)
        expected = np.abs(np.log(np.linalg.svd(f[i])[1])).max()
        assert largest_strain(high[i], low[i]) == pytest.approx(expected, abs=1e-12)


def test_a_pure_rotation_has_no_strain():
    """To the last digit, not to its square root."""
    turns = rotation(np.linspace(-3, 3, 100))
    angle, high, low = polar(turns)
    assert angle == pytest.approx(np.linspace(-3, 3, 100))
    assert largest_strain(high, low).max() < 1e-15
    squeezed = power(transposed(turns) @ turns, high, low, 0.5)
    assert squeezed == pytest.approx(np.broadcast_to(np.eye(2), squeezed.shape), abs=1e-15)


def test_linear_map():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 5, 2, 2))
    f = linear_map(a, b)
    for i in range(5):
        assert f[i] @ a[i, 0] == pytest.approx(b[i, 0])
        assert f[i] @ a[i, 1] == pytest.approx(b[i, 1])
