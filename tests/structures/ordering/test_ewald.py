"""Ewald's sum against Madelung constants, and against what a sum over periodic charges must not depend on."""

import numpy as np
import pytest
from ase.build import bulk, make_supercell
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures.ordering.ewald import COULOMB, ewald_energy, ewald_matrix


@pytest.mark.parametrize(
    ("kind", "madelung", "nearest"),
    [  # per nearest-neighbour distance: D. Borwein et al., J. Math. Phys. 26, 2999 (1985); Y. Sakamoto (1958)
        ("rocksalt", 1.747564594633182, 0.5),
        ("cesiumchloride", 1.762674773070839, np.sqrt(3) / 2),
        ("zincblende", 1.638055053388789, np.sqrt(3) / 4),
    ],
)
def test_madelung_constants(kind, madelung, nearest):
    a = 4.1
    atoms = bulk("NaCl", kind, a=a)
    energy = ewald_energy(atoms, {"Na": 1, "Cl": -1})
    assert energy == pytest.approx(-COULOMB * madelung / (nearest * a), rel=1e-10)
    assert ewald_energy(atoms, {"Na": 2, "Cl": -2}) == pytest.approx(4 * energy, rel=1e-12)


def test_supercells_of_any_shape_hold_so_many_times_the_energy():
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    larger = make_supercell(atoms, [[2, 1, 0], [0, 1, -1], [1, 0, 3]])
    times = len(larger) / len(atoms)
    charges = {"Na": 1, "Cl": -1}
    assert ewald_energy(larger, charges) == pytest.approx(times * ewald_energy(atoms, charges), rel=1e-10)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 4))
def test_direct_sum_of_a_cell_without_dipole(seed, n):
    # Mirror images along each axis leave no dipole: then the plain sum over whole cells converges, and to the same.
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(4, 6, 3))
    signs = np.array([[a, b, c] for a in (1, -1) for b in (1, -1) for c in (1, -1)])
    scaled = (signs[None] * rng.uniform(0.1, 0.4, (n, 1, 3))).reshape(-1, 3)
    charge = rng.normal(size=n)
    charge = np.repeat(charge - charge.mean(), 8)
    positions = scaled @ cell
    near, far = direct_sum(cell, positions, charge, 4), direct_sum(cell, positions, charge, 8)
    limit = far + (far - near) / ((17 / 9) ** 2 - 1)  # quadrupoles: the rest falls as 1 / size²
    ours = 0.5 * charge @ ewald_matrix(cell, positions) @ charge
    assert ours == pytest.approx(limit, abs=0.02 * abs(far - near) + 1e-6)


def direct_sum(cell, positions, charge, shells):
    around = np.arange(-shells, shells + 1)
    images = np.stack(np.meshgrid(around, around, around), axis=-1).reshape(-1, 3) @ cell
    energy = 0.0
    for q, position in zip(charge, positions, strict=True):
        distance = np.linalg.norm(positions[None] + images[:, None] - position, axis=2)
        distance[distance < 1e-9] = np.inf
        energy += 0.5 * COULOMB * q * float((charge / distance).sum())
    return energy


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12))
def test_neither_origin_nor_images_nor_the_split_matter(seed, n):
    rng = np.random.default_rng(seed)
    cell = rng.normal(size=(3, 3)) + 5 * np.eye(3)
    positions = rng.random((n, 3)) @ cell
    charge = rng.normal(size=n)
    charge -= charge.mean()
    energy = 0.5 * charge @ ewald_matrix(cell, positions) @ charge
    moved = positions + [0.3, -1.7, 0.9] + rng.integers(-2, 3, (n, 3)) @ cell
    scale = np.abs(ewald_matrix(cell, positions)).max()
    assert 0.5 * charge @ ewald_matrix(cell, moved) @ charge == pytest.approx(energy, abs=1e-9 * scale)
    loose = 0.5 * charge @ ewald_matrix(cell, positions, tolerance=1e-8) @ charge  # other cutoffs of both sums
    assert loose == pytest.approx(energy, abs=1e-5 * scale)


def test_matrix_adds_up_to_energies_of_subsets():
    rng = np.random.default_rng(5)
    cell = np.array([[6.0, 0, 0], [1.0, 5.0, 0], [0.5, -1.0, 7.0]])
    positions = rng.random((6, 3)) @ cell
    matrix = ewald_matrix(cell, positions)
    charge = np.array([1.0, -2.0, 0.0, 1.0, 0.0, 0.0])
    kept = charge != 0
    part = ewald_matrix(cell, positions[kept])
    assert 0.5 * charge @ matrix @ charge == pytest.approx(0.5 * charge[kept] @ part @ charge[kept], abs=1e-9)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_what_cannot_be_summed_is_named():
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    with pytest.raises(StructureError, match=r"add up to \+1: expected 0"):
        ewald_energy(atoms, {"Na": 2, "Cl": -1})
    with pytest.raises(ValueError, match="no charge given for Cl; got charges of Na"):
        ewald_energy(atoms, {"Na": 1})
    with pytest.raises(StructureError, match=r"sites 0 and 1 are 0\.0000 Å apart"):
        ewald_matrix(np.eye(3) * 5, np.zeros((2, 3)))
    atoms.pbc = (True, True, False)
    with pytest.raises(StructureError, match="three periodic directions"):
        ewald_energy(atoms, {"Na": 1, "Cl": -1})
