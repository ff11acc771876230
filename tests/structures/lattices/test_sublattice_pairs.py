"""The search for common sublattices finds every one: against a search by brute force."""

import itertools

import numpy as np
import pytest

from betalps.structures.lattices.nets import adjugate, det
from betalps.structures.lattices.sublattice_pairs import sublattice_pairs

UNIMODULAR = np.array(
    [
        [[p, q], [r, s]]
        for p, q, r, s in itertools.product(range(-9, 10), repeat=4)
        if p * s - q * r == 1 and (p, q) > (0, 0)
    ]
)


def normal_forms(n):
    return [np.array([[d, j], [0, n // d]]) for d in range(1, n + 1) if n % d == 0 for j in range(n // d)]


def maps(a, b):
    """Each map in lattice coordinates, a⁻¹ b, as fractions in lowest terms; F and -F are one."""
    numerators, denominators = (adjugate(a) @ b).reshape(-1, 4), det(a)
    factor = np.gcd(np.gcd.reduce(numerators, axis=1), denominators)
    reduced = np.column_stack([numerators // factor[:, None], denominators // factor])
    leading = np.array([next(x for x in row if x) for row in reduced[:, :4]], dtype=int)
    reduced[:, :4] *= np.sign(leading)[:, None]
    return [tuple(row) for row in reduced.tolist()]


def by_force(net_a, net_b, max_area, max_strain, equal):
    """Every pair of normal forms and every change of basis with entries up to 9."""
    found = set()
    most = [int(max_area * np.exp(2 * max_strain) / det(net)) for net in (net_a, net_b)]
    for n_a, n_b in itertools.product(range(1, most[0] + 1), range(1, most[1] + 1)):
        if (equal and n_a != n_b) or min(n_a * det(net_a), n_b * det(net_b)) > max_area:
            continue
        for h_a, h_b in itertools.product(normal_forms(n_a), normal_forms(n_b)):
            b = UNIMODULAR @ h_b
            stretch = np.linalg.svd(np.linalg.inv(h_a @ net_a) @ b @ net_b, compute_uv=False)
            good = np.abs(np.log(stretch)).max(axis=-1) <= max_strain
            found |= set(maps(np.broadcast_to(h_a, b[good].shape), b[good]))
    return found


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("max_strain", [0.05, 0.2])
@pytest.mark.parametrize(
    ("net_a", "net_b"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]),
        ([[1.0, 0.0], [-0.5, 3**0.5 / 2]], [[1.0, 0.0], [-0.5, 3**0.5 / 2]]),
        ([[1.0, 0.0], [0.0, 1.3]], [[1.0, 0.0], [0.0, 1.3]]),
        ([[1.0, 0.0], [0.41, 1.7]], [[1.1, 0.0], [-0.3, 1.25]]),
    ],
)
def test_nothing_is_missed_and_each_comes_once(net_a, net_b, max_strain, equal):
    net_a, net_b = np.array(net_a), np.array(net_b)
    max_area = 4.3 * det(net_a)
    a, b = sublattice_pairs(net_a, net_b, max_area, max_strain, equal=equal)
    found = maps(a, b)
    assert len(found) == len(set(found))
    assert set(found) == by_force(net_a, net_b, max_area, max_strain, equal)
    assert max_strain < 0.1 or len(found) > 5


def test_a_thin_net_needs_many_steps():
    """Of a net of aspect 12 a strain of 0.2 makes bases that are far from reduced."""
    net = np.array([[1.0, 0.0], [0.3, 12.0]])
    a, b = sublattice_pairs(net, net, 1.01 * det(net), 0.2, equal=True)
    assert set(maps(a, b)) == by_force(net, net, 1.01 * det(net), 0.2, True)
    assert np.abs(b).max() >= 4
