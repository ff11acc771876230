"""Elastic constants that are known, by hand or by another code; symmetry, rotation, stability."""

import json
import math
import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from scipy.spatial.transform import Rotation

from betalps import MTP
from betalps.analysis.energetics._elastic_moduli import polycrystal
from betalps.analysis.energetics._elastic_symmetry import (
    invariant_tensors,
    point_group,
    rotation_of_strain,
    strain_patterns,
)
from betalps.analysis.energetics._strained import SCALE
from betalps.analysis.energetics.elasticity import elastic_tensor
from betalps.analysis.energetics.relaxation import Relaxation
from betalps.errors import StructureError
from betalps.structures import beta_li3ps4

A_CU = 3.5898  # Å; that of copper with EMT, within 1e-4


@pytest.fixture(scope="module")
def copper():
    return elastic_tensor(bulk("Cu", a=A_CU), EMT())


@pytest.fixture(scope="module")
def beta():
    return elastic_tensor(beta_li3ps4(), MTP("beta-lps", threads=1))


def energy_per_volume(atoms, strain):
    moved = atoms.copy()
    moved.calc = EMT()
    moved.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return moved.get_potential_energy() / atoms.get_volume() / units.GPa


def test_copper_is_what_second_derivatives_by_hand_say(copper):
    """C11, C12 and C44 from energies alone: no stress, no symmetry, no fit."""
    rest, h = copper.atoms, 2e-3

    def second(strain):
        e = [energy_per_volume(rest, k * h * strain) for k in (-2, -1, 0, 1, 2)]
        return np.dot(e, [-1, 16, -30, 16, -1]) / (12 * h**2)

    xx, yy = np.diag([1.0, 0, 0]), np.diag([0, 1.0, 0])
    yz = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]])
    c11, c44 = second(xx), second(yz)
    c12 = (second(xx + yy) - 2 * c11) / 2
    by_hand = np.zeros((6, 6))
    by_hand[:3, :3] = c12
    np.fill_diagonal(by_hand, [c11] * 3 + [c44] * 3)
    np.testing.assert_allclose(copper.constants, by_hand, atol=0.1)
    assert np.all(np.abs(copper.constants - by_hand) < 10 * copper.constants_error + 1e-6)


def test_copper_is_what_matcalc_says(copper):
    elasticity = pytest.importorskip("matcalc").ElasticityCalc
    small = (-1e-3, -5e-4, 5e-4, 1e-3)
    calc = elasticity(EMT(), norm_strains=small, shear_strains=small, fmax=1e-4, units_GPa=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it counts components that are zero as badly fitted
        theirs = calc.calc(copper.atoms.copy())
    found = np.array(theirs["elastic_tensor"].voigt)
    np.testing.assert_allclose(copper.constants, found, atol=0.3)
    assert theirs["bulk_modulus_vrh"] == pytest.approx(copper.bulk_modulus, rel=2e-3)
    assert theirs["shear_modulus_vrh"] == pytest.approx(copper.shear_modulus, rel=2e-3)


def test_cubic_symmetry_needs_two_strains(copper):
    assert copper.space_group == "Fm-3m (225)"
    assert copper.independent == 3
    assert len(copper.parameters["patterns"]) == 2
    assert copper.stable
    assert copper.converged
    assert copper.symmetry_residual < 1e-6
    np.testing.assert_allclose(copper.residual_stress, 0, atol=0.01)


def test_without_symmetry_the_same_constants_come_out(copper):
    free = elastic_tensor(copper.atoms, EMT(), symmetry=False, relax_cell=False)
    assert free.independent == 21
    assert free.space_group is None
    np.testing.assert_allclose(free.constants, copper.constants, atol=0.02)


def test_energies_say_the_same(copper):
    found = elastic_tensor(copper.atoms, EMT(), method="energy", relax_cell=False)
    np.testing.assert_allclose(found.constants, copper.constants, atol=0.1)
    assert math.isnan(found.symmetry_residual)
    free = elastic_tensor(copper.atoms, EMT(), method="energy", relax_cell=False, symmetry=False, points=1)
    assert len(free.parameters["patterns"]) == 21
    np.testing.assert_allclose(free.constants, copper.constants, atol=0.2)


@pytest.mark.parametrize("seed", [0, 1])
def test_rotation_of_the_crystal_rotates_the_tensor(copper, seed):
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    turned = copper.atoms.copy()
    turned.set_cell(turned.cell.array @ turn.T, scale_atoms=True)
    found = elastic_tensor(turned, EMT(), relax_cell=False)
    matrix, shape = rotation_of_strain(turn), np.outer(SCALE, SCALE)
    expected = matrix @ (copper.constants * shape) @ matrix.T / shape
    np.testing.assert_allclose(found.constants, expected, atol=0.05)
    assert found.independent == 3
    for name in ("bulk_modulus", "shear_modulus", "young_modulus", "poisson_ratio", "anisotropy"):
        assert getattr(found, name) == pytest.approx(getattr(copper, name), rel=5e-3)


def test_lennard_jones_of_nearest_neighbours():
    """C11 = √2 k / r0 and C12 = C44 = C11 / 2 with k = 72 ε / 2^(1/3) σ² and r0 = 2^(1/6) σ."""
    epsilon, sigma = 0.01, 2.5
    r0 = 2 ** (1 / 6) * sigma
    c11 = math.sqrt(2) * 72 * epsilon / 2 ** (1 / 3) / sigma**2 / r0 / units.GPa
    solid = bulk("Ar", "fcc", a=1.01 * math.sqrt(2) * r0)
    found = elastic_tensor(
        solid,
        LennardJones(epsilon=epsilon, sigma=sigma, rc=1.2 * r0),
        strain=2e-3,
        relaxation=Relaxation(fmax=1e-6, steps=500, optimizer="LBFGS"),
    )
    expected = np.zeros((6, 6))
    expected[:3, :3] = c11 / 2
    np.fill_diagonal(expected, [c11] * 3 + [c11 / 2] * 3)
    np.testing.assert_allclose(found.constants, expected, atol=2e-3 * c11)


def test_relaxed_ions_are_softer_than_clamped_ones():
    """In hcp the two atoms of a cell give way; by how much is known from the energy of relaxed cells."""
    solid = bulk("Cu", "hcp", a=2.54, c=4.15)
    how = Relaxation(fmax=1e-5, steps=500, optimizer="LBFGS")
    free = elastic_tensor(solid, EMT(), strain=2e-3, relaxation=how)
    clamped = elastic_tensor(
        free.atoms, EMT(), strain=2e-3, relax_cell=False, relaxation=Relaxation(steps=0), symprec=0.05
    )
    assert free.independent == clamped.independent == 5
    assert free.constants[0, 0] < clamped.constants[0, 0] - 1.0
    # hexagonal: C66 follows from C11 and C12
    for found in (free, clamped):
        assert found.constants[5, 5] == pytest.approx((found.constants[0, 0] - found.constants[0, 1]) / 2)
    energies = elastic_tensor(free.atoms, EMT(), strain=2e-3, relax_cell=False, relaxation=how, method="energy")
    np.testing.assert_allclose(energies.constants, free.constants, atol=0.5)


class TestBeta:
    def test_orthorhombic(self, beta):
        assert beta.space_group == "Pnma (62)"
        assert beta.independent == 9
        assert beta.converged
        assert beta.stable
        coupled = np.ones((6, 6), dtype=bool)
        coupled[:3, :3] = False
        np.fill_diagonal(coupled, val=False)
        np.testing.assert_allclose(beta.constants[coupled], 0, atol=1e-6)
        assert beta.symmetry_residual < 1e-3
        np.testing.assert_allclose(beta.constants, beta.constants.T, atol=1e-9)

    def test_moduli_of_the_study(self, beta):
        """Of the order of the study's MTP: 30.5 and 9.8 GPa; ours is another potential."""
        assert 15 < beta.bulk_modulus < 40
        assert 5 < beta.shear_modulus < 16
        assert beta.bulk_modulus_error < 0.1
        assert beta.bulk_reuss <= beta.bulk_modulus <= beta.bulk_voigt

    def test_central_difference_of_one_stress(self, beta):
        """C22 by hand: two strained cells, ions relaxed, their difference of stress."""
        from ase.optimize import LBFGS

        stress = []
        for sign in (1, -1):
            moved = beta.atoms.copy()
            moved.set_cell(moved.cell.array * np.array([1, 1 + sign * 2e-3, 1]), scale_atoms=True)
            moved.calc = MTP("beta-lps", threads=1)
            LBFGS(moved, logfile=None).run(fmax=2e-4, steps=1000)
            stress.append(moved.get_stress()[1] / units.GPa)
        assert beta.constants[1, 1] == pytest.approx((stress[0] - stress[1]) / 4e-3, rel=0.01)


class TestSymmetry:
    @pytest.mark.parametrize(
        ("atoms", "constants"),
        [
            (bulk("Cu"), 3),
            (bulk("Mg"), 5),
            (bulk("In", "bct", a=3.25, c=4.95), 6),  # 4/mmm
            (beta_li3ps4(), 9),
            (beta_li3ps4(ordering="4b3_4c1"), 21),
        ],
    )
    def test_number_of_constants(self, atoms, constants):
        basis = invariant_tensors(point_group(atoms, 0.02).rotations)
        assert len(basis) == constants
        np.testing.assert_allclose(basis, basis.transpose(0, 2, 1), atol=1e-12)

    def test_rotations_of_strain_are_orthogonal(self):
        turns = rotation_of_strain(Rotation.random(5, rng=np.random.default_rng(2)).as_matrix())
        np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(6), (5, 6, 6)), atol=1e-12)

    @pytest.mark.parametrize("observed", ["stress", "energy"])
    def test_triclinic_patterns(self, observed):
        basis = invariant_tensors(np.eye(3)[None])
        assert len(strain_patterns(basis, observed)) == (6 if observed == "stress" else 21)


class TestModuli:
    def test_isotropic(self):
        lame, shear = 50.0, 30.0
        c = np.full((6, 6), 0.0)
        c[:3, :3] = lame
        c += shear * np.diag([2, 2, 2, 1, 1, 1])
        bulk_v, bulk_r, hill, shear_v, shear_r, g, young, poisson, anisotropy = polycrystal(c)
        assert bulk_v == bulk_r == pytest.approx(hill) == pytest.approx(lame + 2 * shear / 3)
        assert shear_v == pytest.approx(shear) == pytest.approx(shear_r) == pytest.approx(g)
        assert poisson == pytest.approx(lame / (2 * (lame + shear)))
        assert young == pytest.approx(2 * shear * (1 + poisson))
        assert anisotropy == pytest.approx(0, abs=1e-12)

    def test_cubic_bounds(self):
        """Copper, measured: 168.4, 121.4 and 75.4 GPa; Voigt's shear modulus is 54.6, Reuss's 40.0."""
        c = np.zeros((6, 6))
        c[:3, :3] = 121.4
        np.fill_diagonal(c, [168.4] * 3 + [75.4] * 3)
        found = polycrystal(c)
        assert found[0] == pytest.approx((168.4 + 2 * 121.4) / 3)
        assert found[3] == pytest.approx((168.4 - 121.4 + 3 * 75.4) / 5)
        assert found[4] == pytest.approx(5 * 47.0 * 75.4 / (4 * 75.4 + 3 * 47.0))


class TestFlags:
    def test_unstable_crystal(self):
        """Simple cubic Lennard-Jones of nearest neighbours has no shear stiffness at all."""
        solid = Atoms("Ar", cell=[2.9] * 3, pbc=True)
        found = elastic_tensor(solid, LennardJones(epsilon=0.01, sigma=2.5, rc=4.5), relax_cell=False)
        assert not found.stable
        assert found.eigenvalues[0] < 0
        assert math.isnan(found.bulk_modulus)
        json.dumps(found.to_dict())

    def test_not_converged(self):
        found = elastic_tensor(
            beta_li3ps4(), MTP("beta-lps", threads=1), points=1, relaxation=Relaxation(fmax=1e-4, steps=2)
        )
        assert not found.converged
        assert found.force > 1e-4

    def test_progress(self, copper):
        told = []
        elastic_tensor(copper.atoms, EMT(), relax_cell=False, observer=told.append)
        assert [(p.stage, p.done, p.total) for p in told] == [("elastic tensor", n, 8) for n in range(9)]

    def test_structure_is_left_alone(self, copper):
        atoms = bulk("Cu", a=3.7)
        before = atoms.copy()
        elastic_tensor(atoms, EMT(), points=1)
        assert atoms == before
        assert atoms.calc is None
        assert copper.atoms.calc is None

    def test_is_json(self, copper):
        told = json.loads(json.dumps(copper.to_dict()))
        assert told["units"]["constants"] == "GPa"
        assert "atoms" not in told


class NoStress(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        emt = EMT()
        self.results = {"energy": emt.get_potential_energy(atoms), "forces": emt.get_forces(atoms)}


class TestErrors:
    def test_no_stress(self, copper):
        with pytest.raises(StructureError, match="gives no stress"):
            elastic_tensor(copper.atoms, NoStress(), relax_cell=False)
        found = elastic_tensor(copper.atoms, NoStress(), relax_cell=False, method="energy")
        assert found.constants[0, 0] == pytest.approx(copper.constants[0, 0], abs=0.1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"strain": 0.2}, r"strain 0\.2: expected a small one"),
            ({"strain": 0.0}, r"strain 0\.0: expected"),
            ({"points": 0}, "points 0: expected at least 1"),
            ({"method": "guess"}, "method 'guess': expected 'stress' or 'energy'"),
            ({"symprec": 0.0}, r"symprec 0\.0: expected a length"),
        ],
    )
    def test_bad_arguments(self, copper, arguments, message):
        with pytest.raises(ValueError, match=message):
            elastic_tensor(copper.atoms, EMT(), relax_cell=False, **arguments)

    def test_no_crystal(self):
        slab = bulk("Cu")
        slab.pbc = (True, True, False)
        with pytest.raises(StructureError, match="periodic in all three directions"):
            elastic_tensor(slab, EMT())
        with pytest.raises(StructureError, match="without atoms"):
            elastic_tensor(Atoms(cell=np.eye(3), pbc=True), EMT())
