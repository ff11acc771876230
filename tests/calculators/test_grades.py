"""Derivatives by coefficients and extrapolation grades, from the engine and from the calculator."""

import copy
import warnings

import numpy as np
import pytest
from ase.calculators.calculator import PropertyNotImplementedError

from betalps import MTP
from betalps.calculators import Engine
from betalps.errors import BetalpsError
from betalps.potentials import Potential, load
from betalps.structures import beta_li3ps4
from calculators.cases import BUNDLED, arrays, random_potential, with_active_set

# ----------------------------------------------------------------------------------------------------- engine


def test_site_gradients_are_derivatives(crystal):
    potential = random_potential(level=10)
    positions, *rest = arrays(crystal)
    rows = Engine(potential, threads=2).site_gradients(positions, *rest)
    assert rows.shape == (32, potential.coeffs_count)
    shapes = [potential.radial_coeffs.shape, potential.species_coeffs.shape, potential.moment_coeffs.shape]
    theta = np.concatenate([potential.radial_coeffs.ravel(), potential.species_coeffs, potential.moment_coeffs])
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    rng = np.random.default_rng(0)
    for _ in range(5):
        direction = rng.normal(size=theta.size)
        h = 1e-4 / np.linalg.norm(direction)
        energies = []
        for k in (-2, -1, 1, 2):
            parts = np.split(theta + k * h * direction, cuts)
            radial, species, moments = (p.reshape(shape) for p, shape in zip(parts, shapes, strict=True))
            moved = potential.replace(radial_coeffs=radial, species_coeffs=species, moment_coeffs=moments)
            energies.append(Engine(moved, threads=1).evaluate(positions, *rest, forces=False).energies)
        slope = np.tensordot([1, -8, 8, -1], energies, axes=1) / (12 * h)
        np.testing.assert_allclose(rows @ direction, slope, rtol=1e-8, atol=1e-8)


def test_grades_are_the_largest_component(crystal, graded):
    engine = Engine(graded, threads=2)
    rows = engine.site_gradients(*arrays(crystal))
    expected = np.abs(rows @ np.linalg.inv(graded.active_set.matrix)).max(axis=1)
    np.testing.assert_allclose(engine.evaluate(*arrays(crystal), grades=True).grades, expected, rtol=1e-9)
    assert engine.configuration_grade(*arrays(crystal)) == pytest.approx(expected.max(), rel=1e-9)
    mixed = Engine(graded, threads=1, precision="mixed").evaluate(*arrays(crystal), grades=True)
    np.testing.assert_allclose(mixed.grades, expected, rtol=1e-9)  # grades stay in double precision


@pytest.mark.parametrize("name", ["beta-lps", "lps14_as_nbh.almtp", "lps08_as200_nbh.almtp"])
@pytest.mark.parametrize("rattle", [0.05, 0.3])
def test_grades_of_real_active_sets(name, rattle, request):
    """Zeros of the active set are made use of; the result is that of the whole product to the inverse's rounding."""
    if name == "beta-lps":
        potential = load(name)
    else:
        path = request.getfixturevalue("shared") / "reference/mtp/grade" / name
        potential = Potential.read(path, species=["Li", "P", "S"])
    atoms = beta_li3ps4((1, 2, 2))
    atoms.rattle(rattle, seed=1)
    engine = Engine(potential, threads=1)
    rows = engine.site_gradients(*arrays(atoms)) * potential.active_set.site_energy_weight
    expected = np.abs(rows @ potential.active_set.inverse_transpose.T).max(axis=1)
    np.testing.assert_allclose(engine.evaluate(*arrays(atoms), grades=True).grades, expected, rtol=1e-8)


def test_grade_of_a_configuration_does_not_depend_on_its_size(crystal, graded_by_configuration):
    engine = Engine(graded_by_configuration, threads=1)
    rows = engine.site_gradients(*arrays(crystal))
    expected = np.abs(rows.mean(axis=0) @ np.linalg.inv(graded_by_configuration.active_set.matrix)).max()
    assert engine.configuration_grade(*arrays(crystal)) == pytest.approx(expected, rel=1e-9)
    double = crystal.repeat((1, 1, 2))
    assert engine.configuration_grade(*arrays(double)) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(BetalpsError, match=r"grades whole configurations: use configuration_grade"):
        engine.evaluate(*arrays(crystal), grades=True)


def test_grades_without_an_active_set(crystal):
    engine = Engine(load(BUNDLED).without_active_set(), threads=1)
    for grade in (
        lambda: engine.evaluate(*arrays(crystal), grades=True),
        lambda: engine.configuration_grade(*arrays(crystal)),
    ):
        with pytest.raises(BetalpsError, match=r"needs a potential with an active set .* has none"):
            grade()


# ------------------------------------------------------------------------------------------------- calculator


def is_graded(calc):
    return {"grade", "site_grades"} <= calc.results.keys()


def test_grade_with_every_calculation(crystal, graded):
    calc = MTP(graded, threads=1, grade=True)
    crystal.calc = calc
    expected = Engine(graded, threads=1)
    for _ in range(3):
        crystal.positions[0, 0] += 0.05
        crystal.get_forces()
        right = expected.evaluate(*arrays(crystal), grades=True).grades
        np.testing.assert_allclose(calc.results["site_grades"], right, rtol=1e-9)
        assert calc.results["grade"] == pytest.approx(right.max(), rel=1e-9)


@pytest.mark.parametrize("interval", [2, 5])
def test_grade_every_nth_calculation(crystal, graded, interval):
    calc = MTP(graded, threads=1, grade=interval)
    crystal.calc = calc
    seen = []
    for _ in range(11):
        crystal.positions[0, 0] += 0.01
        crystal.get_forces()
        seen.append(is_graded(calc))
    assert seen == [k % interval == 0 for k in range(11)]
    assert calc.get_grade(crystal) == calc.results["grade"]


def test_grade_on_request(crystal, graded, counted):
    calc = MTP(graded, threads=1)
    crystal.calc = calc
    forces = crystal.get_forces()
    assert not is_graded(calc)
    grade = calc.get_grade(crystal)
    assert isinstance(grade, float)
    assert calc.get_property("site_grades", crystal).shape == (32,)
    assert calc.get_property("site_grades", crystal).max() == grade
    np.testing.assert_array_equal(crystal.get_forces(), forces)
    assert [call["grades"] for call in counted] == [False, True]
    crystal.positions[0] += 0.1
    crystal.get_forces()
    assert not is_graded(calc)  # the old grade went with the old structure
    assert calc.get_grade() != grade


def test_grade_of_configurations(crystal, graded_by_configuration):
    calc = MTP(graded_by_configuration, threads=1, grade=True)
    crystal.calc = calc
    crystal.get_forces()
    expected = Engine(graded_by_configuration, threads=1).configuration_grade(*arrays(crystal))
    assert calc.results["grade"] == pytest.approx(expected, rel=1e-12)
    assert "site_grades" not in calc.results
    with pytest.raises(PropertyNotImplementedError):
        calc.get_property("site_grades", crystal)


def test_grade_without_an_active_set(crystal):
    bare = load(BUNDLED).without_active_set()
    crystal.calc = calc = MTP(bare, threads=1)
    with pytest.raises(BetalpsError, match=r"needs a potential with an active set"):
        calc.get_grade(crystal)
    assert np.isfinite(crystal.get_potential_energy())
    with pytest.raises(ValueError, match=r"grade is -1; expected True, False or a positive number"):
        MTP(BUNDLED, grade=-1)
    with pytest.raises(ValueError, match=r"grade is 2.5; expected"):
        MTP(BUNDLED, grade=2.5)
    with pytest.raises(BetalpsError, match=r"needs a potential with an active set"):
        MTP(bare, grade=True)


def test_unfilled_rows_are_said_once(crystal):
    potential = with_active_set(random_potential(), unfilled=3)
    message = rf"3 of the {potential.coeffs_count} rows of the active set were never filled: .*'never seen'"
    crystal.calc = MTP(potential, threads=1, grade=True)
    with pytest.warns(UserWarning, match=message) as caught:
        crystal.get_forces()
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crystal.rattle(0.01, seed=1)
        crystal.get_forces()
        copy.deepcopy(crystal.calc)
        crystal.calc = MTP(potential, threads=1)  # nobody asked for grades
        crystal.get_forces()


def test_unfilled_rows_that_no_structure_needs_are_not_said(crystal):
    crystal.calc = MTP(BUNDLED, threads=1, grade=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crystal.get_forces()
    assert load(BUNDLED).active_set.unfilled > 0
    assert crystal.calc.results["grade"] < 2.0
