"""check_calculator passes sound calculators, and each check catches its own kind of break."""

import copy

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from betalps.errors import BetalpsError
from betalps.testing import CalculatorCheckError, check_calculator


class Smooth(LennardJones):
    """Lennard-Jones as in ASE, smooth at its cutoff."""

    def __init__(self):
        super().__init__(epsilon=0.05, sigma=2.3, rc=4.5, ro=3.5, smooth=True)


@pytest.fixture
def alloy():
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.symbols[0] = "Au"
    return atoms


ALL = {
    "forces",
    "stress",
    "site energies",
    "translation",
    "periodic images",
    "rotation",
    "permutation",
    "supercell",
    "deepcopy",
    "pickle",
    "isolation",
    "results are copies",
    "input unchanged",
}


NO_PICKLE = {"pickle"}  # ASE's EMT holds a lambda once it has been used


@pytest.mark.parametrize(("calculator", "skip"), [(EMT, NO_PICKLE), (Smooth, set())])
def test_sound_calculators_pass(alloy, calculator, skip):
    before = alloy.copy()
    report = check_calculator(calculator(), alloy, skip=skip)
    assert {check.name for check in report.checks} == ALL - skip
    assert len(report.skipped) == len(skip)
    assert not report.failed
    # Not passed by measuring nothing: differences of energies leave a trace of rounding.
    assert 0 < report["forces"].deviation < 1e-6
    assert 0 < report["stress"].deviation < 1e-5
    assert before == alloy
    assert "forces: " in str(report)


def test_molecules_and_slabs_skip_what_does_not_apply():
    report = check_calculator(EMT(), molecule("H2O"), skip=NO_PICKLE)
    assert {name.split(" (")[0] for name in report.skipped} == {
        "stress",
        "periodic images",
        "supercell",
        "pickle",
    }
    slab = bulk("Cu", cubic=True)
    slab.pbc = (True, True, False)
    report = check_calculator(EMT(), slab, skip=NO_PICKLE)
    assert {name.split(" (")[0] for name in report.skipped} == {"stress", "pickle"}


class Broken(Smooth):
    """A sound calculator with one fault, applied to its results after the fact."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.spoil(atoms)

    def spoil(self, atoms):
        raise NotImplementedError


class WrongForce(Broken):
    def spoil(self, atoms):
        self.results["forces"][-1, 2] *= 1.001


class WrongForceSign(Broken):
    def spoil(self, atoms):
        self.results["forces"] = -self.results["forces"]


class WrongStressSign(Broken):
    def spoil(self, atoms):
        self.results["stress"] = -self.results["stress"]


class WrongVoigtOrder(Broken):
    def spoil(self, atoms):
        self.results["stress"] = self.results["stress"][[0, 1, 2, 5, 4, 3]]


class DoubledShear(Broken):
    def spoil(self, atoms):
        self.results["stress"][3:] *= 2.0


class WrongSiteEnergies(Broken):
    def spoil(self, atoms):
        self.results["energies"] = self.results["energies"] * 1.01


class OriginMatters(Broken):
    def spoil(self, atoms):
        self.results["energy"] += 1e-3 * np.cos(atoms.positions[0, 0])
        self.results["forces"][0, 0] += 1e-3 * np.sin(atoms.positions[0, 0])


class ImagesMatter(Broken):
    """Exact but for atoms outside the cell: translation by itself may also see it."""

    def spoil(self, atoms):
        inside = atoms.get_scaled_positions(wrap=False)
        self.results["energy"] += 1e-3 * np.any((inside < -1.0) | (inside > 2.0))


class AxesMatter(Broken):
    def spoil(self, atoms):
        self.results["forces"] = self.results["forces"] * [1.0, 1.0, 1.0001]


class OrderMatters(Broken):
    def spoil(self, atoms):
        self.results["forces"][0] += 1e-4
        self.results["forces"][1] -= 1e-4


class CellMatters(Broken):
    """Energy that is not extensive."""

    def spoil(self, atoms):
        self.results["energy"] += 1e-4 * len(atoms) ** 2


class NoPickle(Smooth):
    def __init__(self):
        super().__init__()
        self.handle = lambda: None


class ForgetsInPickle(Smooth):
    def __getstate__(self):
        state = self.__dict__.copy()
        state["parameters"] = copy.deepcopy(self.parameters)
        state["parameters"]["epsilon"] = 0.06
        return state


class ForgetsInCopy(Smooth):
    def __deepcopy__(self, memo):
        twin = Smooth()
        twin.parameters["epsilon"] = 0.06
        return twin


class NeverLooksAtSpecies(Broken):
    """Species counted from the first structure ever seen."""

    numbers = None

    def spoil(self, atoms):
        if self.numbers is None or len(self.numbers) != len(atoms):
            self.numbers = atoms.numbers.copy()
        self.results["energy"] += 1e-3 * float(self.numbers @ np.arange(len(atoms)))

    def reset(self):
        super().reset()
        self.numbers = None


class StaleResults(Smooth):
    """Misses small moves: a neighbour list whose cached energy is taken for the new one."""

    def check_state(self, atoms, tol=1e-3):
        return super().check_state(atoms, tol=tol)


class OneBuffer(Smooth):
    """Hands out its own buffer."""

    buffer = None

    def get_property(self, name, atoms=None, allow_calculation=True):
        value = super().get_property(name, atoms, allow_calculation)
        if name != "forces":
            return value
        if self.buffer is None or self.buffer.shape != value.shape:
            self.buffer = value.copy()
        self.buffer[:] = value
        return self.buffer


class HandsOutItsResults(Smooth):
    def get_property(self, name, atoms=None, allow_calculation=True):
        super().get_property(name, atoms, allow_calculation)
        return self.results[name]


class MovesTheInput(Smooth):
    def get_property(self, name, atoms=None, allow_calculation=True):
        value = super().get_property(name, atoms, allow_calculation)
        atoms.wrap()
        atoms.positions[0] += 0.25
        return value


class NotANumber(Broken):
    def spoil(self, atoms):
        self.results["forces"][0, 0] = np.nan


@pytest.mark.parametrize(
    ("calculator", "caught"),
    [
        (WrongForce, "forces"),
        (WrongForceSign, "forces"),
        (WrongStressSign, "stress"),
        (WrongVoigtOrder, "stress"),
        (DoubledShear, "stress"),
        (WrongSiteEnergies, "site energies"),
        (OriginMatters, "translation"),
        (ImagesMatter, "periodic images"),
        (AxesMatter, "rotation"),
        (OrderMatters, "permutation"),
        (CellMatters, "supercell"),
        (NoPickle, "pickle"),
        (ForgetsInPickle, "pickle"),
        (ForgetsInCopy, "deepcopy"),
        (NeverLooksAtSpecies, "isolation"),
        (StaleResults, "isolation"),
        (OneBuffer, "results are copies"),
        (HandsOutItsResults, "results are copies"),
        (MovesTheInput, "input unchanged"),
        (NotANumber, "forces"),
    ],
)
def test_every_break_is_caught_by_its_check(alloy, calculator, caught):
    with pytest.raises(CalculatorCheckError) as error:
        check_calculator(calculator(), alloy)
    failed = {check.name for check in error.value.report.failed}
    assert caught in failed, f"caught by {failed} only"
    assert f"{caught}: " in str(error.value)
    assert isinstance(error.value, AssertionError)
    assert isinstance(error.value, BetalpsError)


def test_small_faults_are_measured(alloy):
    with pytest.raises(CalculatorCheckError) as error:
        check_calculator(WrongStressSign(), alloy)
    assert [check.name for check in error.value.report.failed] == ["stress"]
    check = error.value.report["stress"]
    assert check.deviation > 10 * check.tolerance


class SixDigits(Smooth):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = np.round(self.results["forces"], 6)


def test_looser_tolerance_lets_pass(alloy):
    with pytest.raises(CalculatorCheckError):
        check_calculator(SixDigits(), alloy)
    check_calculator(SixDigits(), alloy, invariance_tolerance=1e-5)


def test_unknown_check_to_skip_is_named(alloy):
    with pytest.raises(ValueError, match="no check named colour; there are forces, stress"):
        check_calculator(Smooth(), alloy, skip={"colour"})


def test_is_reproducible(alloy):
    assert check_calculator(Smooth(), alloy, rng=3) == check_calculator(Smooth(), alloy, rng=3)


def test_single_atom_cell():
    report = check_calculator(EMT(), Atoms("Cu", cell=[2.6, 2.6, 2.6], pbc=True), skip=NO_PICKLE)
    assert not report.failed
