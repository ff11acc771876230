"""Overlaps are found as a plain distance table finds them, and only whole neutral groups go."""

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.structures import beta_li3ps4
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.bicrystals import tilt
from betalps.structures.boundaries.overlaps import find_overlaps, neutral_group, remove_overlaps
from betalps.structures.boundaries.sizes import Size
from structures.random_crystals import crystals, planes


def test_overlaps_against_a_table_of_all_distances():
    atoms = tilt(beta_li3ps4(), "(2-10)", translation=(0, 0), gap=0.3, size=Size(separation=15))
    found = find_overlaps(atoms)
    shortest = atoms.info["boundary"]["contacts"]["shortest"]
    symbols, grain = np.array(atoms.get_chemical_symbols()), atoms.arrays["grain"]
    expected = {}
    images = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    for i in np.flatnonzero(grain == 0):
        away = np.stack([atoms.positions - atoms.positions[i] + np.array(n) @ atoms.cell.array for n in images])
        distances = np.linalg.norm(away, axis=2)
        for j in np.flatnonzero(grain == 1):
            least = 0.9 * shortest["-".join(sorted((symbols[i], symbols[j])))]
            if (distances[:, j] < least - 1e-6).any():
                expected[int(i), int(j)] = distances[:, j].min()
    assert {tuple(pair) for pair in found.pairs.tolist()} == set(expected)
    assert len(found) > 0
    for pair, distance in zip(found.pairs.tolist(), found.distances, strict=True):
        assert distance >= expected[tuple(pair)] - 1e-9
    assert np.all(found.distances < found.allowed)


def test_only_whole_groups_go():
    crystal = beta_li3ps4()
    atoms = tilt(crystal, "(120)", translation=(0.5, 0.5), gap=0.8, overlaps="remove", repeats=(2, 1))
    record = atoms.info["boundary"]
    groups = record["removed"]["groups"]
    assert groups > 0
    assert record["removed"]["formula"] == "3 Li 1 PS4"
    full = 2 * len(crystal) * sum(record["lattice_planes"])
    assert len(atoms) == full - 2 * 8 * groups  # of one cell, and there are two
    assert bonded_units(atoms).counts == {"Li": 3 * len(atoms) // 8, "PS4": len(atoms) // 8}
    assert len(find_overlaps(atoms)) == 0
    assert record["contacts"]["overlaps"] == 0


def test_no_overlap_nothing_removed():
    atoms = tilt(beta_li3ps4(), "(120)", step=2.0)
    left = remove_overlaps(atoms)
    assert len(left) == len(atoms)
    assert left.info["boundary"]["removed"]["groups"] == 0


def test_overlaps_are_kept_if_so_wished():
    record = tilt(beta_li3ps4(), "(120)", translation=(0, 0), gap=0.0).info["boundary"]
    assert record["removed"]["groups"] == 0
    assert record["contacts"]["overlaps"] > 0


def test_in_a_metal_a_group_is_an_atom():
    atoms = tilt(bulk("Cu", a=3.6, cubic=True), "(210)", translation=(0, 0), gap=0.0, overlaps="remove")
    record = atoms.info["boundary"]
    assert record["removed"] == {"groups": 4 * sum(record["lattice_planes"]) - len(atoms), "formula": "1 Cu"}
    assert record["removed"]["groups"] > 0
    assert len(find_overlaps(atoms)) == 0


@settings(deadline=None, max_examples=15)
@given(crystal=crystals(), plane=planes, gap=st.floats(0, 2), shift=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_composition_survives_in_any_crystal(crystal, plane, gap, shift):
    spacing = 1 / np.linalg.norm(np.array(plane) @ np.linalg.inv(crystal.cell.array).T)
    thick = int(np.ceil(20 / spacing))
    atoms = tilt(crystal, plane, lattice_planes=thick, gap=gap, translation=shift, termination=0.0, overlaps="remove")
    groups = atoms.info["boundary"]["removed"]["groups"]
    per_crystal = bonded_units(crystal).counts
    group = neutral_group(per_crystal)
    counts = bonded_units(atoms).counts
    assert counts == {kind: 2 * thick * n - groups * group[kind] for kind, n in per_crystal.items()}
    assert len(find_overlaps(atoms)) == 0


def test_neutral_group():
    assert neutral_group({"Li": 12, "PS4": 4}) == {"Li": 3, "PS4": 1}
    assert neutral_group({"Li": 14, "P2S7": 2, "PS4": 2}) == {"Li": 7, "P2S7": 1, "PS4": 1}


def test_an_empty_grain_is_an_error():
    """Contacts of 27 Å cannot be had by removal: nothing would be left."""
    atoms = tilt(bulk("Cu", a=3.6, cubic=True), "(210)", size=Size(separation=8))
    atoms.info["boundary"]["contacts"]["shortest"] = {"Cu-Cu": 30.0}
    with pytest.raises(StructureError, match="no atom is left of a grain"):
        remove_overlaps(atoms)


def test_a_group_that_the_boundary_no_longer_has():
    """All Li near the boundaries of one grain are gone, so that no group with an overlapping PS4 is complete."""
    atoms = tilt(beta_li3ps4(), "(120)", translation=(0, 0), gap=0.0, size=Size(separation=12))
    poor = atoms[(atoms.numbers != 3) | (np.arange(len(atoms)) == 0)]
    with pytest.raises(StructureError, match=r"3 Li to remove at a boundary, but the grain has [01] there"):
        remove_overlaps(poor)
