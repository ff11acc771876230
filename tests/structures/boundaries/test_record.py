"""Records are plain, and a structure without one says so."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from betalps.errors import StructureError
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.record import (
    boundary_record,
    describe_crystal,
    distances,
    mark,
    named_pairs,
    pairs_of,
    plain,
)


def test_plain_values_pass_through_json():
    value = {
        "a": np.arange(3),
        "b": (np.float64(1.5), np.int64(2), np.bool_(True)),
        1: {"c": np.eye(2)},
        "Σ5": "β at 300 °C\nand \\ more: é 中",
    }
    expected = {
        "a": [0, 1, 2],
        "b": [1.5, 2, True],
        "1": {"c": [[1.0, 0.0], [0.0, 1.0]]},
        "Sigma5": "beta at 300  degC and / more: e? ?",
    }
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value))) == expected


def test_crystals_are_described_without_what_is_not_plain():
    crystal = bulk("Cu", cubic=True)
    crystal.info = {"source": "a test", "supercell": (1, 2, 3), "calculator": object()}
    found = describe_crystal(crystal, bonded_units(crystal))
    assert plain(found["info"]) == {"source": "a test", "supercell": [1, 2, 3]}
    assert (found["formula"], found["atoms"], found["units"]) == ("Cu4", 4, {"Cu": 4})


def test_distances_are_periodic_where_the_structure_is():
    atoms = Atoms("H3", positions=[(0, 0, 0.5), (0, 0, 9.5), (0, 0, 6)], cell=[5, 5, 10], pbc=True)
    np.testing.assert_allclose(distances(atoms, [0.0, 5.0]), [0.5, 0.5, 1.0])
    atoms.pbc = (True, True, False)
    np.testing.assert_allclose(distances(atoms, [0.0, 5.0]), [0.5, 4.5, 1.0])


def test_pairs_there_and_back():
    pairs = {("Li", "S"): 2.46, ("P", "P"): 5.08}
    assert pairs_of(named_pairs(pairs)) == pairs


def test_structures_without_a_record():
    atoms = bulk("Cu", cubic=True)
    with pytest.raises(StructureError, match=r"Cu4 carries no boundary: expected atoms\.info\['boundary'\]"):
        boundary_record(atoms)
    mark(atoms, {"boundaries": [0.0]})
    with pytest.raises(StructureError, match="the array 'grain'"):
        boundary_record(atoms)
    atoms.arrays["grain"] = np.zeros(4, dtype=int)
    assert boundary_record(atoms) == {"boundaries": [0.0]}
