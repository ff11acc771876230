"""The engine against MLIP-3's values (reference data beside the checkout), and motep where installed."""

import json
from functools import cache

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from betalps import _core
from betalps.calculators import MTP, Engine
from betalps.potentials import Potential
from conftest import SHARED

ISAS = _core.available_isas()
SPECIES = ["Li", "P", "S"]
LEVELS = ["06", "08", "10", "12", "14", "14_repuls", "16", "18", "20", "22", "24"]
WITH_VALUES = ["08", "14", "14_repuls", "20"]
NUMBER_OF_TYPE = np.array([3, 15, 16])

pytestmark = pytest.mark.skipif(SHARED is None, reason="reference data not found: see tests/conftest.py")


@cache
def potential(name):
    return Potential.read(SHARED / "reference/mtp" / f"{name}.almtp", species=SPECIES)


@cache
def structures(name="cfgs/inputs"):
    return read(SHARED / "reference/mtp" / f"{name}.extxyz", ":")


@cache
def reference(name):
    return json.loads((SHARED / "reference/mtp" / f"{name}.json").read_text())


def arrays(atoms):
    return atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc


def evaluate(engine, atoms, **wanted):
    return engine.evaluate(*arrays(atoms), virials=True, **wanted)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", WITH_VALUES)
def test_energies_forces_virials(level, isa, threads):
    engine = Engine(potential(f"pots/lps_{level}"), isa=isa, threads=threads)
    values = reference("efs")["levels"][level]
    assert len(values) == len(structures()) == 13
    for atoms, right in zip(structures(), values, strict=True):
        out = evaluate(engine, atoms)
        forces = np.array(right["forces"])
        assert out.energy == pytest.approx(right["energy"], rel=1e-12, abs=0), right["name"]
        np.testing.assert_allclose(out.energies, right["site"], rtol=1e-12, atol=1e-12, err_msg=right["name"])
        strong = np.abs(forces).max() > 1e3
        np.testing.assert_allclose(out.forces, forces, rtol=0, atol=1e-8 if strong else 1e-10)
        virial = out.virials.sum(axis=0)[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
        np.testing.assert_allclose(virial, right["plusstress"], rtol=0, atol=1e-8 if strong else 1e-9)


@pytest.mark.parametrize("level", WITH_VALUES)
def test_the_calculator_has_ase_sign_and_order_of_the_stress(level):
    for atoms, right in zip(structures(), reference("efs")["levels"][level], strict=True):
        if not atoms.pbc.all() or right["name"] == "rattle0.30_32":
            continue
        atoms = atoms.copy()
        atoms.calc = MTP(potential(f"pots/lps_{level}"), threads=1)
        expected = -np.array(right["plusstress"]) / atoms.get_volume()
        np.testing.assert_allclose(atoms.get_stress(voigt=False), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("level", [level for level in LEVELS if level != "14_repuls"])  # motep lacks that basis
def test_every_level_agrees_with_motep(level, isa):
    motep = pytest.importorskip("motep.calculator")
    from motep.io.mlip.mtp import read_mtp

    data = read_mtp(SHARED / f"reference/mtp/pots/lps_{level}.almtp")
    data.species = NUMBER_OF_TYPE.tolist()
    engine = Engine(potential(f"pots/lps_{level}"), isa=isa, threads=1)
    for index in (1, 7, 9, 11):  # rattled, triclinic, self images, below min_dist
        atoms = structures()[index].copy()
        atoms.calc = motep.MTP(data)
        out = evaluate(engine, atoms)
        assert out.energy == pytest.approx(atoms.get_potential_energy(), rel=1e-12, abs=0)
        np.testing.assert_allclose(out.forces, atoms.get_forces(), rtol=0, atol=1e-10)
        stress = -out.virials.sum(axis=0) / atoms.get_volume()
        np.testing.assert_allclose(stress, atoms.get_stress(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_has_the_forces_of_its_energy(level):
    """Differences along two random directions of all atoms and one strain.

    The step is small because the second derivative jumps where a neighbour crosses the cutoff.
    """
    engine = Engine(potential(f"pots/lps_{level}"), threads=1)
    rng = np.random.default_rng(int(level[:2]))
    atoms = structures()[7]
    out = evaluate(engine, atoms)
    h = 2e-5

    def slope(moved):
        def energy(s):
            return engine.evaluate(*moved(s), atoms.pbc, forces=False).energy

        return (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)

    for _ in range(2):
        u = rng.normal(size=(len(atoms), 3))
        u /= np.linalg.norm(u)
        measured = slope(lambda s, u=u: (atoms.positions + s * u, atoms.numbers, atoms.cell.array))
        assert -measured == pytest.approx((out.forces * u).sum(), rel=1e-6, abs=1e-6)
    strain = rng.normal(size=(3, 3)) / 5
    strain += strain.T

    def strained(s):
        deformation = np.eye(3) + s * strain
        return atoms.positions @ deformation, atoms.numbers, atoms.cell.array @ deformation

    expected = out.virials.sum(axis=0) @ (strain[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] * [1, 1, 1, 2, 2, 2])
    assert -slope(strained) == pytest.approx(expected, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("file", "values"), [("lps08_as200_nbh", "lps08_grades_nbh"), ("lps14_as_nbh", "lps14_grades_nbh")]
)
def test_grades_of_neighbourhoods(file, values, isa, threads):
    engine = Engine(potential(f"grade/{file}"), isa=isa, threads=threads)
    for atoms, right in zip(structures("grade/eval20"), reference(f"grade/{values}")["configs"], strict=True):
        grades = evaluate(engine, atoms, grades=True).grades
        np.testing.assert_allclose(grades, right["nbh_grades"], rtol=1e-8, atol=0, err_msg=right["name"])
        assert engine.configuration_grade(*arrays(atoms)) == pytest.approx(right["MV_grade"], rel=1e-8)
        assert grades.max() == pytest.approx(right["MV_grade"], rel=1e-8)


def selected_configurations(active_set):
    """The configurations that an active set was selected from, out of its .cfg text."""
    found = []
    for block in active_set.configurations.split("BEGIN_CFG")[1:]:
        lines = [line.split() for line in block.splitlines() if line.strip()]
        size = int(lines[lines.index(["Size"]) + 1][0])
        at = lines.index(["Supercell"]) + 1
        header = next(k for k, words in enumerate(lines) if words[0] == "AtomData:")
        table = np.array(lines[header + 1 : header + 1 + size], dtype=float)
        numbers = NUMBER_OF_TYPE[table[:, 1].astype(int)]
        found.append(Atoms(numbers, table[:, 2:5], cell=np.array(lines[at : at + 3], dtype=float), pbc=True))
    return found


@pytest.mark.parametrize("file", ["lps08_as200_nbh", "lps14_as_nbh"])
def test_rows_of_neighbourhoods_are_the_stored_ones(file):
    """MLIP-3's matrix A is what our site gradients give for the equations that it names; their grade is 1."""
    chosen = potential(f"grade/{file}")
    engine = Engine(chosen, threads=1)
    active_set = chosen.active_set
    configurations = selected_configurations(active_set)
    filled = np.flatnonzero(active_set.configuration >= 0)
    assert len(filled) == chosen.coeffs_count - active_set.unfilled > 100
    for c in np.unique(active_set.configuration[filled]):
        atoms = configurations[c]
        rows = engine.site_gradients(*arrays(atoms))
        grades = engine.evaluate(*arrays(atoms), grades=True).grades
        for k in filled[active_set.configuration[filled] == c]:
            atom = active_set.equation[k] - 3 * len(atoms) - 10
            np.testing.assert_allclose(rows[atom], active_set.matrix[k], rtol=1e-9, atol=1e-9)
            assert grades[atom] == pytest.approx(1, abs=1e-6)


def test_rows_of_configurations_are_the_stored_ones():
    chosen = potential("grade/lps08_as200_cfg")
    engine = Engine(chosen, threads=1)
    active_set = chosen.active_set
    assert active_set.mode == "configuration"
    configurations = selected_configurations(active_set)
    filled = np.flatnonzero(active_set.configuration >= 0)
    assert len(filled) == chosen.coeffs_count - active_set.unfilled > 100
    for k in filled:
        assert active_set.equation[k] == 0
        atoms = configurations[active_set.configuration[k]]
        row = engine.site_gradients(*arrays(atoms)).sum(axis=0) / len(atoms)
        np.testing.assert_allclose(row, active_set.matrix[k], rtol=1e-9, atol=1e-9)
        assert engine.configuration_grade(*arrays(atoms)) == pytest.approx(1, abs=1e-5)
