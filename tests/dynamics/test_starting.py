"""Structures and calculators that a description names."""

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import write

from betalps import MTP
from betalps.dynamics import build_structure, starting_structure
from betalps.dynamics.starting import calculator_maker, describe_potential, identity
from betalps.errors import FormatError
from betalps.potentials import load
from betalps.structures import Size, beta_li3ps4, boundary
from dynamics import cases
from dynamics.cases import spec


def test_a_file_is_read_with_its_velocities(tmp_path):
    atoms = cases.argon()
    atoms.set_momenta(np.random.default_rng(1).normal(size=(len(atoms), 3)))
    moved = atoms.copy()
    moved.positions += 0.5
    write(tmp_path / "frames.extxyz", [atoms, moved])
    found = starting_structure(spec(structure="frames.extxyz"), tmp_path)
    np.testing.assert_allclose(found.positions, moved.positions, atol=1e-7)
    np.testing.assert_allclose(found.get_momenta(), atoms.get_momenta(), atol=1e-7)
    first = starting_structure(spec(structure=str(tmp_path / "frames.extxyz@0")))
    np.testing.assert_allclose(first.positions, atoms.positions, atol=1e-7)


def test_a_builder_is_called():
    found = starting_structure(spec(structure={"builder": "beta_li3ps4", "supercell": [1, 1, 2]}))
    np.testing.assert_array_equal(found.positions, beta_li3ps4((1, 1, 2)).positions)


def test_builders_within_builders():
    table = {
        "builder": "boundary",
        "name": "Σ5[001]/(2-10)",
        "crystal": {"builder": "beta_li3ps4", "ordering": "4c4"},
        "size": {"atoms": 100, "separation": 5.0},
    }
    expected = boundary("Σ5[001]/(2-10)", beta_li3ps4(ordering="4c4"), size=Size(atoms=100, separation=5.0))
    np.testing.assert_array_equal(build_structure(table).positions, expected.positions)
    filling = {"builder": "random_filling", "order": {"builder": "beta_li3ps4_sites"}, "rng": 3}
    assert len(build_structure(filling)) == 32
    with pytest.raises(ValueError, match="unknown setting breadth in size"):
        build_structure({**table, "size": {"breadth": 3}})


@pytest.mark.parametrize(
    ("structure", "kind", "said"),
    [
        (None, ValueError, "the run names no structure"),
        ("none.extxyz", FileNotFoundError, r"none\.extxyz: no such file"),
        ("bad.extxyz", FormatError, r"bad\.extxyz: ASE cannot read a structure"),
        ({"builder": "os.system"}, ValueError, r"no builder 'os\.system'; betalps.structures has .*beta_li3ps4"),
        ({"builder": "BETA_LI3PS4"}, ValueError, "no builder 'BETA_LI3PS4'"),
        ({"builder": "beta_li3ps4", "cells": 3}, ValueError, "builder beta_li3ps4: got an unexpected keyword"),
        ({"builder": "check_distances"}, ValueError, "no builder 'check_distances'"),
    ],
)
def test_bad_structures_are_named(tmp_path, structure, kind, said):
    (tmp_path / "bad.extxyz").write_text("three\nof nothing\n")
    with pytest.raises(kind, match=said):
        starting_structure(spec(structure=structure), tmp_path)


def test_calculators_come_without_a_memory():
    made = calculator_maker(spec(potential="beta-lps", threads=1), None)
    assert made() is not made()
    assert made().engine.threads == 1
    one = LennardJones()
    again = calculator_maker(spec(), one)
    one.results = {"energy": 1.0}
    assert again() is one
    assert one.results == {}


def test_potentials_are_told_apart():
    potential = load("beta-lps")
    assert describe_potential(MTP(potential, threads=1)) == potential.sha256
    assert describe_potential(MTP(potential, threads=2)) == potential.sha256
    assert describe_potential(EMT()).startswith("ase.calculators.emt.EMT")
    assert describe_potential(LennardJones(rc=6.0)) != describe_potential(LennardJones(rc=7.0))
    assert describe_potential(LennardJones(rc=6.0)) == describe_potential(LennardJones(rc=6.0))


def test_identity_knows_what_moves():
    atoms = cases.argon()
    run = spec()
    first = identity(run, atoms, "pot", "ase")
    for change in (
        lambda other: other.positions.__iadd__(1e-12),
        lambda other: other.set_cell(other.cell.array * (1 + 1e-12)),
        lambda other: other.set_masses(other.get_masses() + 1e-9),
        lambda other: other.set_atomic_numbers([10] * len(other)),
        lambda other: other.set_pbc([True, True, False]),
    ):
        other = atoms.copy()
        change(other)
        assert identity(run, other, "pot", "ase")["structure"] != first["structure"]
    moving = atoms.copy()
    moving.set_momenta(np.ones((len(atoms), 3)))
    assert identity(run, moving, "pot", "ase") == first  # drawn afresh
    kept = spec(velocities="keep")
    assert identity(kept, moving, "pot", "ase")["structure"] != identity(kept, atoms, "pot", "ase")["structure"]
