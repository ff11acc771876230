"""The two boundaries of a bicrystal are compared atom by atom."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from betalps.structures import beta_li3ps4
from betalps.structures.boundaries.bicrystals import tilt, twist
from betalps.structures.boundaries.equivalence import equivalent_boundaries
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.slabs import terminations
from betalps.structures.boundaries.translations import translated

ODD = ["(120)", "(130)", "(150)", "(3-20)", "(170)"]


@pytest.mark.parametrize("plane", ODD)
def test_cut_on_the_screw_axis_makes_equal_boundaries(plane):
    """z0 = d/4 of (hk0), h odd, lies on the 2_1 axis along c: all atoms equal without translation."""
    atoms = tilt(beta_li3ps4(), plane, termination=0.25, translation=(0, 0), gap=0.0)
    found = equivalent_boundaries(atoms)
    assert found.equivalent
    assert found.deviation < 1e-5
    assert found.atoms > 20
    assert found.operation
    assert atoms.info["boundary"]["equivalent"] == found.as_dict()


@pytest.mark.parametrize("plane", ODD[:2])
def test_other_cuts_do_not(plane):
    crystal = beta_li3ps4()
    for cut in terminations(crystal, plane, tolerance=0.02):
        same = tilt(crystal, plane, termination=cut.offset, translation=(0, 0), gap=0.0).info["boundary"]["equivalent"]
        assert same["equivalent"] is (abs(cut.offset % 0.5 - 0.25) < 1e-6)
        assert (same["deviation"] is None) is not same["equivalent"]


def test_it_is_the_structure_that_is_tested():
    """Different gaps, a displaced atom, an exchanged species: no longer equal; a displacement within tolerance is."""
    atoms = tilt(beta_li3ps4(), "(120)", termination=0.25, translation=(0, 0), gap=0.5)
    assert equivalent_boundaries(atoms).equivalent
    assert not equivalent_boundaries(translated(atoms, (0, 0), (0.5, 0.7))).equivalent
    near = int(np.argmin(atoms.arrays["boundary"]))
    moved = atoms.copy()
    moved.positions[near] += (0.2, 0, 0)
    assert not equivalent_boundaries(moved).equivalent
    assert equivalent_boundaries(moved, tolerance=0.3).equivalent
    other = atoms.copy()
    other.symbols[near] = "Na"
    assert not equivalent_boundaries(other).equivalent
    far = atoms.copy()
    far.positions[int(np.argmax(atoms.arrays["boundary"]))] += (0.2, 0, 0)
    assert equivalent_boundaries(far).equivalent


def test_repeats_and_wrapping_do_not_matter():
    atoms = tilt(beta_li3ps4(), "(120)", termination=0.25, translation=(0.5, 0.5), repeats=(3, 1))
    assert atoms.info["boundary"]["equivalent"]["equivalent"]
    atoms.wrap()
    found = equivalent_boundaries(atoms)
    assert found.equivalent
    assert found.atoms == atoms.info["boundary"]["equivalent"]["atoms"]


@pytest.mark.parametrize(
    ("turn", "up", "name"),
    [
        ([[1, 0], [0, 1]], 1, "translation"),
        ([[-1, 0], [0, -1]], 1, "half turn about the normal"),
        ([[0, 1], [-1, 0]], 1, "rotation about the normal"),
        ([[1, 0], [0, -1]], 1, "mirror plane normal to the boundary"),
        ([[1, 0], [0, 1]], -1, "mirror in the plane"),
        ([[-1, 0], [0, -1]], -1, "inversion"),
        ([[0, -1], [1, 0]], -1, "rotoinversion about the normal"),
        ([[0, 1], [1, 0]], -1, "half turn about an axis in the plane"),
    ],
)
def test_every_operation_is_found_and_named(turn, up, name):
    """Atoms at random near one boundary, their image near the other, somewhere else in the plane."""
    rng = np.random.default_rng(1)
    here = np.column_stack([rng.uniform(0, 7, (25, 2)), rng.uniform(-6, 6, 25)])
    there = np.column_stack([here[:, :2] @ np.array(turn) + (2.2, 4.7), up * here[:, 2]])
    atoms = Atoms(
        ["Cu", "Ag", "Au", "Au", "Au"] * 10,
        positions=np.concatenate([here, there + np.array([0, 0, 15.0])]),
        cell=[7, 7, 30],
        pbc=True,
    )
    atoms.arrays["grain"] = (atoms.positions[:, 2] > 15).astype(int)
    atoms.info["boundary"] = {"boundaries": [0.0, 15.0], "repeats": [1, 1]}
    atoms.wrap()
    found = equivalent_boundaries(atoms, depth=7.0)
    assert found.equivalent
    assert found.operation == name
    assert found.deviation < 1e-9
    assert found.atoms == 25


def test_a_twist_can_be_equal_or_not():
    """On (010) a mirror normal to the boundary exchanges the grains, if the translation lies on it."""
    crystal = beta_li3ps4()
    for translation, equal in (((0, 0), True), ((0.1, 0.2), True), ((0.3, 0.7), False)):
        record = twist(crystal, "(010)", 51.32, termination=0.142, translation=translation).info["boundary"]
        assert record["equivalent"]["equivalent"] is equal


def test_a_slab_has_nothing_to_compare():
    atoms = tilt(bulk("Cu", cubic=True), "(210)", vacuum=5.0, size=Size(separation=8))
    found = equivalent_boundaries(atoms)
    assert found.equivalent is None
    assert found.atoms == 0
