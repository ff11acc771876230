"""Bad input, one by one: what is said, and that nothing is spoiled by it."""

import pickle

import numpy as np
import pytest

from betalps import MTP
from betalps.calculators import Engine
from betalps.errors import SpeciesError, StructureError
from betalps.potentials import Potential
from calculators.cases import BUNDLED, arrays, random_potential
from conftest import SHARED

# ----------------------------------------------------------------------------------------------------- engine


def changed(atoms, **arrays_):
    found = {
        "positions": atoms.positions,
        "numbers": atoms.numbers,
        "cell": atoms.cell.array,
        "pbc": True,
    } | arrays_
    return tuple(found.values())


def spoiled(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


BAD_STRUCTURES = [
    (
        lambda a: {"positions": spoiled(a.positions, (3, 1), np.nan)},
        r"position of atom 3 is \(.*nan.*\): expected finite",
    ),
    (lambda a: {"positions": spoiled(a.positions, (31, 2), -np.inf)}, r"position of atom 31 is .*-inf"),
    (lambda a: {"positions": spoiled(a.positions, (0, 0), 1e300)}, r"position of atom 0 is \(1e\+300"),
    (lambda a: {"positions": spoiled(a.positions, 7, a.positions[5])}, r"energy of atom [57] is not finite"),
    (lambda a: {"positions": a.positions[:, :2]}, r"positions: expected shape \(n, 3\)"),
    (lambda a: {"positions": a.positions[:5]}, r"found 32 numbers, expected one for each of 5 atoms"),
    (lambda a: {"numbers": a.numbers[:, None]}, r"numbers: found int64 of shape \(32, 1\)"),
    (
        lambda a: {"numbers": a.numbers + 0.0},
        r"numbers: found float64 of shape \(32,\); expected atomic numbers",
    ),
    (
        lambda a: {"cell": spoiled(a.cell.array, (1, 2), np.nan)},
        r"lattice vector 1 is \(0, .*, nan\): expected finite",
    ),
    (lambda a: {"cell": None}, r"direction 0 is periodic but its lattice vector is \(0, 0, 0\)"),
    (lambda a: {"cell": [13, 8, 0]}, r"direction 2 is periodic but its lattice vector is \(0, 0, 0\)"),
    (lambda a: {"cell": [[9, 0, 0], [18, 0, 0], [0, 0, 9]]}, r"linearly dependent"),
    (lambda a: {"cell": np.eye(2)}, r"cell: expected shape \(3, 3\)"),
    (lambda a: {"cell": [1e-2, 1e-2, 1e-2]}, r"cell is too small or too flat"),
    (lambda a: {"pbc": [True, False]}, r"pbc: found shape \(2,\), expected one bool or three"),
]


@pytest.mark.parametrize(("change", "message"), BAD_STRUCTURES)
def test_bad_structures(crystal, change, message):
    engine = Engine(BUNDLED, threads=2)
    before = engine.evaluate(*arrays(crystal))
    with pytest.raises(StructureError, match=message):
        engine.evaluate(*changed(crystal, **change(crystal)))
    after = engine.evaluate(*arrays(crystal))  # as if nothing had happened
    assert after.energy == before.energy
    np.testing.assert_array_equal(after.forces, before.forces)


@pytest.mark.parametrize(
    ("number", "name"),
    [(11, "Na"), (1, "H"), (0, "X"), (-1, "number -1"), (119, "number 119"), (5000, "number 5000")],
)
def test_unknown_species(crystal, number, name):
    engine = Engine(BUNDLED, threads=1)
    crystal.numbers[17] = number
    crystal.numbers[20] = 2
    for call in (engine.evaluate, engine.site_gradients):
        with pytest.raises(SpeciesError, match=rf"atom 17 is {name}; this potential knows Li, P, S"):
            call(*arrays(crystal))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"precision": "single"}, ValueError, r'precision: found "single", expected "double" or "mixed"'),
        (
            {"isa": "mmx"},
            ValueError,
            r'instruction set: found "mmx", expected one that this processor has: baseline',
        ),
        ({"threads": 0}, ValueError, r"threads is 0: expected 1 to 1024"),
        ({"threads": 5000}, ValueError, r"threads is 5000: expected 1 to 1024"),
        ({"threads": 1.5}, TypeError, r"threads"),
        ({"skin": -1}, ValueError, r"skin is -1: expected a finite length of at least 0"),
        ({"skin": float("nan")}, ValueError, r"skin is nan"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        Engine(BUNDLED, **settings)


def test_bad_potentials():
    with pytest.raises(FileNotFoundError, match=r"'nothing' is neither a file nor a bundled potential \(.*beta-lps"):
        Engine("nothing")
    untrained = Potential.from_level(8, ["Li"], cutoff=5.0, min_dist=1.5)
    with pytest.raises(ValueError, match=r"has no coefficients: found an untrained template"):
        Engine(untrained)
    with pytest.raises(ValueError, match=r"radial_basis_size: found 30, expected at most 20"):
        Engine(random_potential(radial_size=30))


@pytest.mark.skipif(SHARED is None, reason="reference data not found")
def test_a_file_that_does_not_name_its_species():
    with pytest.raises(SpeciesError, match=r"species"):
        Engine(SHARED / "reference/mtp/pots/lps_08.almtp")


def test_an_engine_itself_is_not_pickled():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Engine(BUNDLED, threads=1))


# ------------------------------------------------------------------------------------------------- calculator


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda a: a.positions.__setitem__((7, 2), np.inf),
            r"position of atom 7 is \(.*inf\): expected finite",
        ),
        (lambda a: a.cell.__setitem__((0, 1), np.nan), r"lattice vector 0 is .*nan"),
        (
            lambda a: a.cell.__setitem__(2, 0),
            r"direction 2 is periodic but its lattice vector is \(0, 0, 0\)",
        ),
        (lambda a: a.cell.__setitem__(1, 2 * a.cell[0]), r"linearly dependent"),
        (
            lambda a: a.positions.__setitem__(3, a.positions[2]),
            r"energy of atom [23] is not finite: .*same place",
        ),
    ],
)
def test_bad_structures_in_the_calculator(crystal, calc, spoil, message):
    crystal.calc = calc
    spoil(crystal)
    with pytest.raises(StructureError, match=message):
        crystal.get_forces()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "half"}, r'precision: found "half", expected "double" or "mixed"'),
        ({"threads": 0}, r"threads is 0: expected 1 to 1024"),
        ({"skin": -0.1}, r"skin is -0.1: expected a finite length of at least 0"),
    ],
)
def test_bad_settings_of_the_calculator(settings, message):
    with pytest.raises(ValueError, match=message):
        MTP(BUNDLED, **settings)
