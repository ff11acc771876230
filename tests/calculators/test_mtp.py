"""The ASE calculator: properties, signs, caching, copies, species."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError

import betalps
from betalps import MTP
from betalps.calculators import Engine
from betalps.errors import SpeciesError, StructureError
from betalps.potentials import Potential, load
from betalps.structures import beta_li3ps4
from betalps.testing import check_calculator
from calculators.cases import BUNDLED, STRUCTURES, arrays
from conftest import SHARED

PERIODIC = ["crystal", "triclinic", "supercell", "self images", "far outside"]

# ------------------------------------------------------------------------------------------------- properties


@pytest.mark.parametrize("name", STRUCTURES)
def test_properties_are_those_of_the_engine(structures, calc, name):
    atoms = structures[name]
    atoms.calc = calc
    out = Engine(BUNDLED, threads=1).evaluate(*arrays(atoms), virials=True)
    assert atoms.get_potential_energy() == pytest.approx(out.energy, rel=1e-13)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_potential_energies(), out.energies, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(atoms.get_forces(), out.forces, atol=1e-11)
    if atoms.cell.rank == 3:
        stresses = -out.virials / atoms.get_volume()
        np.testing.assert_allclose(atoms.get_stresses(), stresses, atol=1e-12)
        np.testing.assert_allclose(atoms.get_stress(), stresses.sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(atoms.get_stresses().sum(axis=0), atoms.get_stress(), atol=1e-13)
    else:
        for ask in (atoms.get_stress, atoms.get_stresses):
            with pytest.raises(PropertyNotImplementedError):
                ask()
        assert atoms.get_potential_energy() == pytest.approx(out.energy, rel=1e-13)  # asking spoiled nothing


@pytest.mark.parametrize("name", PERIODIC)
def test_sign_and_voigt_order_of_the_stress(structures, calc, name):
    """One component at a time, with a small step: the second derivative jumps at the cutoff."""
    atoms = structures[name]
    atoms.calc = calc
    stress = atoms.get_stress()
    h = 2e-5
    for component, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        energies = []
        for sign in (-1, 1):
            strain = np.eye(3)
            strain[i, j] += sign * h / 2
            strain[j, i] += sign * h / 2
            moved = atoms.copy()
            moved.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            moved.calc = calc
            energies.append(moved.get_potential_energy())
        slope = (energies[1] - energies[0]) / (2 * h) / atoms.get_volume()
        assert stress[component] == pytest.approx(slope, abs=2e-6)
    assert np.ptp(stress) > 1e-3  # the components can be told apart


def test_stress_is_positive_under_tension(calc):
    for factor, sign in ((1.05, 1), (0.95, -1)):
        atoms = beta_li3ps4()
        atoms.set_cell(atoms.cell.array * factor, scale_atoms=True)
        atoms.calc = calc
        assert (sign * atoms.get_stress()[:3] > 0).all()


@pytest.mark.parametrize("name", ["crystal", "triclinic", "supercell", "slab", "molecule"])
def test_keeps_what_every_calculator_promises(structures, calc, name):
    # Second derivatives jump where a neighbour crosses the cutoff, which the differences of a strain see.
    report = check_calculator(calc, structures[name], derivative_tolerance=1e-4, invariance_tolerance=1e-11)
    names = {check.name for check in report.checks}
    assert {
        "forces",
        "site energies",
        "rotation",
        "permutation",
        "pickle",
        "isolation",
        "input unchanged",
    } <= names
    assert ("stress" in names) == bool(structures[name].pbc.all())


def test_graded_calculators_keep_them_too(crystal, graded):
    check_calculator(MTP(graded, threads=2, grade=True), crystal, derivative_tolerance=1e-4, invariance_tolerance=1e-9)


def test_what_is_not_there(crystal, calc):
    crystal.calc = calc
    for ask in (crystal.get_magnetic_moment, crystal.get_charges, crystal.get_dipole_moment):
        with pytest.raises(PropertyNotImplementedError):
            ask()


def test_no_atoms(calc):
    nothing = Atoms(calculator=calc)
    assert nothing.get_potential_energy() == 0
    assert nothing.get_forces().shape == (0, 3)
    assert nothing.get_potential_energies().shape == (0,)


# ---------------------------------------------------------------------------------- caching, in-place changes


def test_every_change_of_the_structure_counts(crystal, calc):
    crystal.calc = calc
    fresh = Engine(BUNDLED, threads=1)

    def right():
        return crystal.get_potential_energy() == pytest.approx(fresh.evaluate(*arrays(crystal)).energy, rel=1e-13)

    seen = set()
    for change in (
        lambda: None,
        lambda: crystal.positions.__iadd__(np.random.default_rng(0).normal(0, 0.05, (32, 3))),
        lambda: crystal.positions.__setitem__((4, 1), crystal.positions[4, 1] + 1e-7),
        lambda: crystal.cell.__imul__(1.01),
        lambda: crystal.set_cell(crystal.cell.array * 0.99, scale_atoms=True),
        lambda: crystal.pbc.__setitem__(2, False),
        lambda: crystal.numbers.__setitem__(0, 16),
        lambda: crystal.symbols.__setitem__(0, "Li"),
        lambda: crystal.set_pbc(True),
    ):
        change()
        assert right()
        seen.add(round(crystal.get_potential_energy(), 10))
    assert len(seen) == 7  # the last two go back to earlier ones
    del crystal[3]
    assert right()
    crystal.extend(Atoms("S", [[1, 2, 3.3]]))
    assert right()
    crystal.wrap()
    assert right()


def test_the_smallest_change_of_a_position_counts(crystal, calc):
    crystal.calc = calc
    crystal.get_forces()
    crystal.positions[0, 0] = np.nextafter(crystal.positions[0, 0], np.inf)
    assert calc.calculation_required(crystal, ["forces"])


def test_nothing_is_computed_twice(crystal, calc, counted):
    crystal.calc = calc
    crystal.get_forces()
    assert len(counted) == 1
    for ask in (
        crystal.get_forces,
        crystal.get_potential_energy,
        crystal.get_stress,
        crystal.get_potential_energies,
    ):
        ask()
    crystal.set_initial_charges(np.ones(32))  # means nothing to this potential
    crystal.set_velocities(np.ones((32, 3)))
    crystal.get_stresses()
    assert len(counted) == 1


def test_the_energy_alone_takes_the_short_path(crystal, calc, counted):
    crystal.calc = calc
    energy = crystal.get_potential_energy()
    crystal.get_potential_energies()
    assert [call["forces"] or call["virials"] for call in counted] == [False]
    crystal.get_forces()
    assert len(counted) == 2
    assert crystal.get_potential_energy() == pytest.approx(energy, rel=1e-14)


def test_structures_do_not_leak_into_each_other(structures, calc):
    """One calculator for all structures, asked for different things in turn."""
    expected = {name: Engine(BUNDLED, threads=1).evaluate(*arrays(a), virials=True) for name, a in structures.items()}
    rng = np.random.default_rng(2)
    for name in rng.choice(STRUCTURES, 60):
        atoms = structures[name]
        out = expected[name]
        match rng.integers(4):
            case 0:
                assert calc.get_potential_energy(atoms) == pytest.approx(out.energy, rel=1e-12)
            case 1:
                np.testing.assert_allclose(calc.get_forces(atoms), out.forces, atol=1e-10)
            case 2:
                assert set(calc.results) >= {"energy"} or not calc.results
                np.testing.assert_allclose(calc.get_potential_energies(atoms), out.energies, rtol=1e-12)
                assert len(calc.results["energies"]) == len(atoms)
                assert "stress" not in calc.results or atoms.cell.rank == 3
            case _ if atoms.cell.rank == 3:
                expected_stress = -out.virials.sum(axis=0) / atoms.get_volume()
                np.testing.assert_allclose(calc.get_stress(atoms), expected_stress, atol=1e-11)


def test_results_of_a_caller_are_their_own(crystal, calc):
    crystal.calc = calc
    forces = crystal.get_forces()
    forces[:] = 0
    crystal.get_stress()[:] = 0
    crystal.get_potential_energies()[:] = 0
    assert np.abs(crystal.get_forces()).max() > 1
    assert np.abs(crystal.get_stress()).max() > 1e-3
    kept = crystal.get_forces()
    copied = kept.copy()
    crystal.positions += 0.01
    crystal.positions[0] += 0.1
    crystal.get_forces()
    np.testing.assert_array_equal(kept, copied)


def test_a_failure_leaves_no_old_results(crystal, calc):
    crystal.calc = calc
    before = crystal.get_forces()
    positions = crystal.positions.copy()
    crystal.positions[5, 0] = np.nan
    for ask in (crystal.get_forces, crystal.get_potential_energy, crystal.get_stress):
        with pytest.raises(StructureError, match=r"position of atom 5 is \(nan"):
            ask()
    crystal.positions[:] = positions
    np.testing.assert_array_equal(crystal.get_forces(), before)


def test_reset_forgets_the_list(crystal, calc):
    crystal.calc = calc
    forces = crystal.get_forces()
    calc.reset()
    assert not calc.results
    np.testing.assert_array_equal(crystal.get_forces(), forces)
    assert calc.engine.rebuilds == 2


# ----------------------------------------------------------------------------------------------------- copies


def in_another_process(calc, atoms):
    atoms.calc = calc
    return atoms.get_potential_energy(), atoms.get_forces(), calc.engine.threads, dict(calc.parameters)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_pool_of_processes(crystal, method):
    """With fork the parent's threads exist already; the child's copy needs threads of its own."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    calc = MTP(BUNDLED, threads=2)
    energy, forces, _, parameters = in_another_process(calc, crystal.copy())
    with multiprocessing.get_context(method).Pool(1) as pool:
        got = pool.apply_async(in_another_process, (calc, crystal)).get(60)
    assert got[0] == energy
    np.testing.assert_array_equal(got[1], forces)
    assert got[2] == 2
    assert got[3] == parameters


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda calc: pickle.loads(pickle.dumps(calc))])
def test_copies_have_the_settings_and_lead_their_own_life(crystal, graded, duplicate):
    calc = MTP(graded, threads=2, precision="mixed", skin=0.5, grade=3)
    crystal.calc = calc
    forces = crystal.get_forces()
    twin = duplicate(calc)
    assert twin.parameters == calc.parameters
    assert twin.potential == calc.potential
    assert (twin.engine.threads, twin.grade_interval) == (2, 3)
    assert twin.engine is not calc.engine
    np.testing.assert_array_equal(twin.get_forces(crystal), forces)
    other = crystal.copy()
    other.positions[0] += 0.2
    twin.get_forces(other)
    np.testing.assert_array_equal(crystal.get_forces(), forces)


def test_atoms_with_the_calculator_are_copied_with_it(crystal, calc):
    crystal.calc = calc
    energy = crystal.get_potential_energy()
    for twin in (copy.deepcopy(crystal), pickle.loads(pickle.dumps(crystal))):
        assert twin.calc is not calc
        twin.positions[0] += 0.1
        assert twin.get_potential_energy() != energy
    assert crystal.get_potential_energy() == energy
    assert crystal.copy().calc is None


def test_parameters_say_what_it_is(calc):
    assert calc.name == "mtp"
    assert calc.todict() == {
        "potential": load(BUNDLED).name,
        "sha256": load(BUNDLED).sha256,
        "grade": 0,
        "threads": 1,
        "precision": "double",
        "skin": 1.0,
    }
    with pytest.raises(TypeError, match=r"settings of an MTP are fixed \(threads\)"):
        calc.set(threads=2)
    assert calc.parameters.threads == 1
    with pytest.raises(TypeError, match="precicion"):
        MTP(BUNDLED, precicion="mixed")
    with pytest.raises(TypeError):
        MTP(BUNDLED, 2)  # settings have names


def test_potentials_by_object_name_and_path(crystal, tmp_path):
    expected = MTP(BUNDLED, threads=1).get_potential_energy(crystal)
    path = tmp_path / "copy.almtp"
    load(BUNDLED).write(path)
    for potential in (load(BUNDLED), path, str(path)):
        assert MTP(potential, threads=1).get_potential_energy(crystal) == expected


def test_is_what_the_package_hands_out():
    assert betalps.MTP is MTP


# ---------------------------------------------------------------------------------------------------- species


def test_species_are_matched_by_symbol(crystal):
    """Whatever the order of the atoms, of the species in the file, or of their first appearance."""
    calc = MTP(BUNDLED, threads=1)
    order = np.argsort(-crystal.numbers, kind="stable")  # S first
    energies = calc.get_potential_energies(crystal)
    np.testing.assert_allclose(calc.get_potential_energies(crystal[order]), energies[order], rtol=1e-12)
    sulfur = crystal[crystal.numbers == 16]  # one species only, not the first of the file
    expected = Engine(BUNDLED, threads=1).evaluate(*arrays(sulfur)).energy
    assert calc.get_potential_energy(sulfur) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("symbol", "atom"), [("Na", 17), ("O", 0), ("Og", 31), ("X", 4)])
def test_a_species_that_the_potential_lacks(crystal, calc, symbol, atom):
    crystal.calc = calc
    crystal.get_forces()
    crystal.symbols[atom] = symbol
    for ask in (crystal.get_forces, crystal.get_potential_energy):
        with pytest.raises(SpeciesError, match=rf"atom {atom} is {symbol}; this potential knows Li, P, S"):
            ask()


@pytest.mark.skipif(SHARED is None, reason="reference data not found")
def test_species_must_be_named():
    path = SHARED / "reference/mtp/pots/lps_08.almtp"
    with pytest.raises(SpeciesError, match="species"):
        MTP(path)
    MTP(Potential.read(path, species=["Li", "P", "S"]), threads=1)
