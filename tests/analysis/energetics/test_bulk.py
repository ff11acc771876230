"""Lattices and densities that are known, at rest and breathing, and the study's Table 1."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from scipy.signal import lfilter

from betalps import MTP
from betalps.analysis.energetics.bulk import TABLE_1, bulk_properties, lattice_parameters, relaxed_lattice
from betalps.errors import StructureError
from betalps.structures import beta_li3ps4
from betalps.trajectories import Trajectory

LENGTHS = np.array([13.0, 16.4, 12.6])


def breathing(seed=0, frames=2000, sigma=0.03, memory=10.0, trend=0.0, *, whole=False):
    """A cell, with or without its 128 atoms, whose lengths fluctuate, correlated over some frames."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-1.0 / memory)
    noise = lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.normal(size=(frames + 100, 3)), axis=0)[100:]
    lengths = LENGTHS + sigma * noise + trend * np.arange(frames)[:, None] / frames
    atoms = beta_li3ps4((1, 2, 2)) if whole else Atoms("Li")
    return Trajectory(
        symbols=np.array(atoms.get_chemical_symbols()),
        fractional=np.broadcast_to(np.zeros((len(atoms), 3)), (frames, len(atoms), 3)),
        cells=lengths[:, :, None] * np.eye(3),
        times=np.arange(frames) * 0.1,
        pbc=np.ones(3, bool),
    )


class TestTrajectory:
    def test_means(self):
        found = lattice_parameters(breathing(whole=True), supercell=(1, 2, 2))
        np.testing.assert_allclose(found.lengths, LENGTHS / [1, 2, 2], atol=0.01)
        np.testing.assert_allclose(found.angles, 90.0)
        assert found.volume == pytest.approx(LENGTHS.prod() / 4, rel=1e-3)
        # Li12 P4 S16 in u, and 1 u/Å³ = 1.66054 g/cm³
        mass = 12 * 6.94 + 4 * 30.973762 + 16 * 32.06
        assert found.density == pytest.approx(1.66054 * mass / found.volume, rel=1e-4)
        np.testing.assert_allclose(found.lengths_spread, 0.03 / np.array([1, 2, 2]), rtol=0.1)
        assert found.equilibrated
        assert found.frames == 2000

    def test_errors_cover_the_truth(self):
        """Student's t of four degrees of freedom: 95 % within 2.78 standard errors."""
        away = []
        for seed in range(100):
            found = lattice_parameters(breathing(seed, frames=500))
            away += list(np.abs(found.lengths - LENGTHS) / found.lengths_error)
        assert 0.90 < np.mean(np.array(away) < 2.78) < 0.99

    def test_drift_is_flagged(self):
        found = lattice_parameters(breathing(frames=1000, trend=0.3), blocks=10)
        assert found.drift > 3.36  # Student's t of eight degrees of freedom, 1 %
        assert found.equilibrated is False

    def test_no_drift_is_rarely_flagged(self):
        flagged = [not lattice_parameters(breathing(seed, frames=500)).equilibrated for seed in range(100)]
        assert sum(flagged) <= 5

    def test_triclinic(self):
        cell = np.array([[4.0, 0, 0], [1.0, 5.0, 0], [0.5, 0.7, 6.0]])
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(cell)
        found = lattice_parameters(Trajectory.from_atoms([atoms], [0.0]))
        np.testing.assert_allclose(found.lengths, atoms.cell.lengths())
        np.testing.assert_allclose(found.angles, atoms.cell.angles())
        assert np.isnan(found.density_error)
        assert found.equilibrated is None

    def test_constant_volume(self):
        with pytest.raises(StructureError, match="the same in all 50 frames: expected a run at constant pressure"):
            lattice_parameters(breathing(frames=50, sigma=0.0))

    @pytest.mark.parametrize("supercell", [(1, 2), (0, 1, 1), (1.5, 1, 1), (True, 1, 1)])
    def test_bad_supercell(self, supercell):
        with pytest.raises(ValueError, match="three whole numbers of at least 1"):
            lattice_parameters(breathing(frames=10), supercell=supercell)

    def test_bad_blocks(self):
        with pytest.raises(ValueError, match="blocks: expected at least 2"):
            lattice_parameters(breathing(frames=10), blocks=1)


def test_copper():
    """EMT's copper: a = 3.59 Å; 63.546 u."""
    told = []
    found = relaxed_lattice(bulk("Cu", cubic=True).repeat((2, 1, 1)), EMT(), supercell=(2, 1, 1), observer=told.append)
    np.testing.assert_allclose(found.lengths, 3.5898, atol=1e-3)
    np.testing.assert_allclose(found.angles, 90, atol=1e-3)
    assert found.density == pytest.approx(4 * 63.546 * 1.66054 / 3.5898**3, rel=1e-3)
    assert found.energy == pytest.approx(-0.007, abs=1e-3)
    assert found.space_group == "Fm-3m (225)"
    assert found.converged
    assert [(p.stage, p.done, p.total) for p in told] == [("cell", 0, 1), ("cell", 1, 1)]
    with pytest.raises(StructureError, match="periodic in all three"):
        relaxed_lattice(Atoms("Cu", cell=[3, 3, 3]), EMT())


def test_table_1_of_beta():
    told = []
    found = bulk_properties(beta_li3ps4(), MTP("beta-lps", threads=1), observer=told.append)
    assert found.formula == "Li3PS4"
    assert found.lattice.space_group == "Pnma (62)"
    table = found.table_1
    assert set(table) == set(TABLE_1["experiment"])
    for name in ("a", "b", "c", "density"):
        assert table[name] == pytest.approx(TABLE_1["optB88-vdW"][name], rel=0.02)
    assert table["bulk"] == found.elastic.bulk_modulus
    assert table["shear"] == found.elastic.shear_modulus
    assert {progress.stage for progress in told} == {"cell", "elastic tensor"}
    assert found.equation_of_state is None
    assert json.loads(json.dumps(found.to_dict()))["lattice"]["units"]["density"] == "g/cm^3"


def test_with_equation_of_state():
    found = bulk_properties(bulk("Cu", a=3.6), EMT(), with_equation_of_state=True)
    state = found.equation_of_state
    assert state.parameters["relax_shape"]
    assert state.bulk_modulus == pytest.approx(found.elastic.bulk_modulus, rel=0.02)
    assert state.volume == pytest.approx(found.lattice.volume, rel=1e-3)


def test_densities_of_the_study_are_those_of_its_cells():
    mass = 12 * 6.94 + 4 * 30.973762 + 16 * 32.06
    for entry in TABLE_1.values():
        assert entry["density"] == pytest.approx(1.66054 * mass / (entry["a"] * entry["b"] * entry["c"]), abs=0.006)
