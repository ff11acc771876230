"""The calculator in ASE's own tools: files, composed calculators, optimizers, filters, phonon-like loops."""

import numpy as np
import pytest
from ase.calculators.calculator import all_properties
from ase.calculators.mixing import MixedCalculator, SumCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.eos import calculate_eos
from ase.filters import FrechetCellFilter
from ase.io import Trajectory, read, write
from ase.md.nptberendsen import NPTBerendsen
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS, FIRE
from ase.units import GPa, fs

from betalps import MTP
from betalps.calculators import Engine
from betalps.structures import beta_li3ps4, gamma_li3ps4
from calculators.cases import BUNDLED, arrays


@pytest.fixture
def atoms(crystal):
    crystal.calc = MTP(BUNDLED, threads=1)
    return crystal


@pytest.mark.parametrize(("form", "digits"), [("traj", 15), ("extxyz", 7)])
def test_files_keep_the_results(atoms, tmp_path, form, digits):
    """ASE writes what its own list of properties knows; extxyz with eight decimals."""
    atoms.get_forces()
    atoms.get_stress()
    path = tmp_path / f"frame.{form}"
    write(path, atoms)
    back = read(path)
    assert isinstance(back.calc, SinglePointCalculator)
    assert back.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=10.0**-digits * 100)
    np.testing.assert_allclose(back.get_forces(), atoms.get_forces(), atol=10.0**-digits)
    np.testing.assert_allclose(back.get_stress(), atoms.get_stress(), atol=10.0**-digits)
    np.testing.assert_allclose(back.get_potential_energies(), atoms.get_potential_energies(), atol=10.0**-digits)
    np.testing.assert_allclose(back.positions, atoms.positions, atol=10.0**-digits)
    assert back.symbols.get_chemical_formula() == "Li12P4S16"
    assert back.pbc.all()


@pytest.mark.parametrize("form", ["traj", "extxyz"])
def test_grades_do_not_disturb_writers(crystal, graded, tmp_path, form):
    """They are not among ASE's properties."""
    crystal.calc = MTP(graded, threads=1, grade=True)
    crystal.get_forces()
    write(tmp_path / f"frame.{form}", crystal)
    back = read(tmp_path / f"frame.{form}")
    np.testing.assert_allclose(back.get_forces(), crystal.get_forces(), atol=1e-7)
    assert set(back.calc.results) <= set(all_properties)


def test_a_trajectory_written_along_a_run(atoms, tmp_path):
    path = tmp_path / "run.traj"
    motion = VelocityVerlet(atoms, 1 * fs, trajectory=str(path), loginterval=2)
    motion.run(6)
    with Trajectory(path) as frames:
        assert len(frames) == 4
        for frame in frames:
            fresh = Engine(BUNDLED, threads=1).evaluate(*arrays(frame))
            assert frame.get_potential_energy() == pytest.approx(fresh.energy, rel=1e-12)
            np.testing.assert_allclose(frame.get_forces(), fresh.forces, atol=1e-11)


def test_composed_calculators(atoms):
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    one, two = MTP(BUNDLED, threads=1), MTP(BUNDLED, threads=2)
    twice = atoms.copy()
    twice.calc = SumCalculator([one, two])
    assert twice.get_potential_energy() == pytest.approx(2 * energy, rel=1e-12)
    np.testing.assert_allclose(twice.get_forces(), 2 * forces, atol=1e-11)
    np.testing.assert_allclose(twice.get_stress(), 2 * stress, atol=1e-12)
    mean = atoms.copy()
    mean.calc = MixedCalculator(one, two, 0.25, 0.75)
    assert mean.get_potential_energy() == pytest.approx(energy, rel=1e-12)
    np.testing.assert_allclose(mean.get_forces(), forces, atol=1e-11)


def test_relaxation_of_positions(atoms):
    start = atoms.get_potential_energy()
    with BFGS(atoms, logfile=None) as optimizer:
        assert optimizer.run(fmax=0.01, steps=200)
    assert np.abs(atoms.get_forces()).max() < 0.01
    assert atoms.get_potential_energy() < start - 1


def test_relaxation_of_the_cell():
    """From a strained cell back to where an unstrained one relaxes to."""
    volumes = []
    for factor in (1.0, 1.02):
        atoms = gamma_li3ps4()
        atoms.calc = MTP(BUNDLED, threads=1)
        atoms.set_cell(atoms.cell.array * factor, scale_atoms=True)
        with BFGS(FrechetCellFilter(atoms), logfile=None) as optimizer:
            assert optimizer.run(fmax=0.003, steps=400)
        assert np.abs(atoms.get_stress()).max() < 0.02 * GPa
        volumes.append(atoms.get_volume())
    assert volumes[1] == pytest.approx(volumes[0], rel=5e-3)


def test_constraints(atoms):
    atoms.set_constraint(FixAtoms([0, 5]))
    fixed = atoms.positions[[0, 5]].copy()
    assert np.abs(atoms.get_forces()[[0, 5]]).max() == 0
    assert np.abs(atoms.get_forces(apply_constraint=False)[[0, 5]]).max() > 0.01
    with FIRE(atoms, logfile=None) as optimizer:
        optimizer.run(fmax=0.2, steps=30)
    np.testing.assert_array_equal(atoms.positions[[0, 5]], fixed)


def test_equation_of_state():
    atoms = beta_li3ps4()
    atoms.calc = MTP(BUNDLED, threads=1)
    volume, energy, modulus = calculate_eos(atoms, eps=0.03, npoints=7).fit("birchmurnaghan")
    assert volume == pytest.approx(atoms.get_volume(), rel=0.05)
    assert energy == pytest.approx(atoms.get_potential_energy(), abs=0.5)
    assert 5 < modulus / GPa < 60


def test_a_moving_cell_keeps_the_list_right():
    """NPT far from equilibrium: after every step the results are those of a fresh list."""
    atoms = beta_li3ps4()
    atoms.set_cell(atoms.cell.array * 0.97, scale_atoms=True)
    atoms.calc = MTP(BUNDLED, threads=1)
    atoms.set_momenta(np.random.default_rng(0).normal(0, 1.0, (32, 3)))
    motion = NPTBerendsen(
        atoms,
        2 * fs,
        temperature_K=300,
        pressure_au=0,
        taut=100 * fs,
        taup=100 * fs,
        compressibility_au=0.05 / GPa,
    )
    before = atoms.get_volume()
    for _ in range(40):
        motion.run(1)
        fresh = Engine(BUNDLED, threads=1).evaluate(*arrays(atoms), virials=True)
        np.testing.assert_allclose(atoms.get_forces(), fresh.forces, atol=1e-10)
        np.testing.assert_allclose(atoms.get_stress(), -fresh.virials.sum(axis=0) / atoms.get_volume(), atol=1e-12)
    assert atoms.get_volume() > 1.01 * before
    assert 1 <= atoms.calc.engine.rebuilds < 20
