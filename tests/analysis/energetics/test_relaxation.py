"""Relaxation with any calculator: what is free relaxes, the rest stays."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT

from betalps.analysis.energetics.relaxation import Relaxation, relax
from betalps.errors import StructureError

LATTICE_CONSTANT = 3.5898  # EMT copper's own, Å


def stretched(strain):
    atoms = bulk("Cu", a=LATTICE_CONSTANT, cubic=True)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + np.diag(strain)), scale_atoms=True)
    return atoms


def test_the_whole_cell_relaxes_to_the_minimum():
    start = stretched([0.02, -0.01, 0.015])
    end = relax(start, EMT(), Relaxation(fmax=1e-3, optimizer="LBFGS"), free="cell")
    assert end.converged
    assert end.atoms.cell.lengths() == pytest.approx([LATTICE_CONSTANT] * 3, abs=2e-3)
    assert np.abs(end.stress).max() < 0.05
    assert end.energy < end.start_energy
    assert end.atoms.calc is None
    assert np.array_equal(start.cell.array, stretched([0.02, -0.01, 0.015]).cell.array)


def test_the_shape_relaxes_at_its_volume():
    start = stretched([0.02, -0.01, 0.015])
    end = relax(start, EMT(), Relaxation(fmax=1e-3, optimizer="LBFGS"), free="shape")
    assert end.converged
    assert end.atoms.get_volume() == pytest.approx(start.get_volume(), rel=1e-6)
    assert np.ptp(end.atoms.cell.lengths()) < 2e-3  # cubic again
    assert np.ptp(end.stress[:3]) < 0.05
    assert abs(end.stress[:3].mean()) > 0.5  # but under pressure


@pytest.mark.parametrize("free", ["normal", "out of plane"])
def test_the_plane_stays(free):
    start = stretched([0.02, 0.02, 0.0])
    end = relax(start, EMT(), Relaxation(fmax=1e-3), free=free)
    assert end.converged
    assert end.atoms.cell.array[:2] == pytest.approx(start.cell.array[:2], abs=1e-6)
    assert end.atoms.cell.array[2, 2] < start.cell.array[2, 2]  # wider, so thinner
    assert abs(end.stress[2]) < 0.05
    assert abs(end.stress[0]) > 0.5


def test_out_of_plane_frees_the_shears():
    sheared = stretched([0.0, 0.0, 0.0])
    cell = sheared.cell.array
    cell[2, 0] += 0.1
    sheared.set_cell(cell, scale_atoms=True)
    kept = relax(sheared, EMT(), Relaxation(fmax=1e-3), free="normal")
    freed = relax(sheared, EMT(), Relaxation(fmax=1e-3), free="out of plane")
    assert abs(kept.stress[4]) > 0.5
    assert abs(freed.stress[4]) < 0.05
    assert freed.energy < kept.energy


def test_nothing_of_the_cell_and_no_steps():
    start = stretched([0.01, 0.0, 0.0])
    start.rattle(0.05, seed=1)
    end = relax(start, EMT(), Relaxation(fmax=0.01), free="nothing")
    assert np.array_equal(end.atoms.cell.array, start.cell.array)
    assert end.force <= 0.01
    still = relax(start, EMT(), Relaxation(steps=0))
    assert (still.steps, still.converged) == (0, False)
    assert still.energy == still.start_energy
    assert np.array_equal(still.atoms.positions, start.positions)


def test_the_observer_sees_every_step():
    seen = []
    start = stretched([0.0, 0.0, 0.0])
    start.rattle(0.05, seed=1)
    end = relax(start, EMT(), Relaxation(steps=4, fmax=1e-9), observer=lambda *told: seen.append(told))
    assert [step for step, _, _ in seen] == [0, 1, 2, 3, 4]
    assert seen[0][1] == pytest.approx(end.start_energy)
    assert seen[-1][1] == pytest.approx(end.energy)
    assert (end.steps, end.converged) == (4, False)


class WithoutStress(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        self.results = {"energy": self.parameters["energy"], "forces": np.zeros((len(atoms), 3))}


def test_a_calculator_without_stress():
    end = relax(stretched([0, 0, 0]), WithoutStress(energy=1.0), free="nothing")
    assert np.isnan(end.stress).all()
    assert end.converged


def test_bad_input():
    with pytest.raises(StructureError, match=r"energy nan of Cu4: expected a finite one"):
        relax(stretched([0, 0, 0]), WithoutStress(energy=float("nan")), free="nothing")
    with pytest.raises(ValueError, match="free 'height': expected one of cell, shape, out of plane, normal, nothing"):
        relax(stretched([0, 0, 0]), EMT(), free="height")
    with pytest.raises(ValueError, match=r"fmax 0\.0 eV/Å: expected a force above 0"):
        Relaxation(fmax=0.0)
    with pytest.raises(ValueError, match=r"steps -1: expected a whole number"):
        Relaxation(steps=-1)
    with pytest.raises(ValueError, match="optimizer 'CG': expected one of FIRE, LBFGS"):
        Relaxation(optimizer="CG")
