"""Boundary energies: known answers of EMT copper, invariances, and the bulk at the same strain."""

import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from betalps.analysis.energetics._boundary_bulk import bulks_of
from betalps.analysis.energetics.boundary_energy import boundary_energies, boundary_energy, static_boundary_energy
from betalps.analysis.energetics.relaxation import Relaxation
from betalps.calculators import MTP
from betalps.datasets import read, write
from betalps.errors import StructureError
from betalps.structures import (
    Size,
    beta_li3ps4,
    boundary_record,
    packed_interface,
    tilt,
    translated,
    translations,
    twist,
    twist_candidates,
)

COPPER = bulk("Cu", a=3.5898, cubic=True)
AS_BUILT = Relaxation(steps=0)


def mtp():
    return MTP("beta-lps", threads=1)


def lowest(plane, planes, step):
    """The boundary with the least energy on a coarse grid of rigid translations."""
    atoms = tilt(COPPER, plane, lattice_planes=planes)
    found = translations(atoms, step=step, calculator=EMT(), contact=0.85)
    return translated(atoms, found.translation, found.gap)


def test_the_twin_of_copper_costs_nothing():
    found = boundary_energy(lowest("(111)", 4, 1.0), EMT, COPPER)
    assert abs(found.energy) < 0.005
    assert found.converged
    assert found.expansion == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(("plane", "planes", "known"), [("(210)", 6, 0.99), ("(310)", 8, 0.945)])
def test_known_energies_of_copper(plane, planes, known):
    """Σ5, started from the best of a coarse grid of rigid translations."""
    found = boundary_energy(lowest(plane, planes, 1.0), EMT, COPPER, relaxation=Relaxation(fmax=0.03))
    assert found.energy == pytest.approx(known, rel=0.1)
    assert found.unrelaxed > found.energy
    assert found.converged
    assert found.force <= 0.03
    assert 0.1 < found.expansion < 0.6
    assert found.equivalent


def test_no_boundary_no_energy():
    """At angle 0 the crystal comes out, whatever it was relaxed with."""
    crystal = beta_li3ps4()
    atoms = twist(crystal, "(100)", candidate=twist_candidates(crystal, "(100)")[0])
    found = boundary_energy(atoms, mtp, crystal, relaxation=AS_BUILT)
    assert found.energy == pytest.approx(0.0, abs=1e-8)
    assert found.expansion == pytest.approx(0.0, abs=1e-8)


def test_repeats_and_thickness_change_nothing():
    crystal = beta_li3ps4()
    built = {"translation": (0.5, 1 / 6), "termination": 0.25, "gap": 2.2}
    small = boundary_energy(tilt(crystal, "(120)", lattice_planes=5, **built), mtp, crystal, relaxation=AS_BUILT)
    wide = tilt(crystal, "(120)", lattice_planes=5, repeats=(2, 1), **built)
    thick = tilt(crystal, "(120)", lattice_planes=8, **built)
    assert boundary_energy(wide, mtp, crystal, relaxation=AS_BUILT).energy == pytest.approx(small.energy, abs=1e-8)
    assert boundary_energy(thick, mtp, crystal, relaxation=AS_BUILT).energy == pytest.approx(small.energy, abs=1e-8)


def test_the_bulk_is_the_strained_crystal():
    """The boundary's cell is a lattice vector of both bulks, though neither has it unstrained."""
    crystal = beta_li3ps4()
    atoms = twist(crystal, "(100)", candidate=1, size=Size(separation=13))
    record = boundary_record(atoms)
    assert record["strain"] > 0.003
    bulks = bulks_of(record, [crystal, crystal])
    assert len(bulks) == 2
    for one in bulks:
        assert len(one) == len(crystal)
        vectors = np.pad(np.array(record["cell"]), ((0, 0), (0, 1)))
        steps = np.linalg.solve(one.cell.array.T, vectors.T)
        assert steps == pytest.approx(np.rint(steps), abs=1e-9)
        strain = one.get_volume() / crystal.get_volume() - 1
        assert strain == pytest.approx(np.trace(record["strains"][bulks.index(one)]), abs=2e-5)


@pytest.mark.parametrize("plane", ["(120)", "(111)", "(3-20)"])
def test_the_bulk_of_a_tilt_is_the_crystal(plane):
    crystal = beta_li3ps4()
    bulks = bulks_of(boundary_record(tilt(crystal, plane, translation=(0, 0), gap=2.0)), [crystal, crystal])
    assert len(bulks) == 1
    (one,) = bulks
    crystal.calc, one.calc = mtp(), mtp()
    assert one.get_potential_energy() == pytest.approx(crystal.get_potential_energy(), abs=1e-9)
    one.calc = None


def test_strain_is_not_counted_as_boundary():
    """Against the strained bulk the energy is lower than against the crystal, by the strain energy."""
    crystal = beta_li3ps4()
    atoms = twist(crystal, "(100)", candidate=3, size=Size(separation=13))  # 3.3 %
    found = boundary_energy(atoms, mtp, crystal, relaxation=AS_BUILT)
    crystal.calc = mtp()
    free = crystal.get_potential_energy() / len(crystal)
    assert min(found.bulk_energies) > free
    assert found.strains == pytest.approx([0.0165, 0.0165], abs=1e-3)


def test_structures_as_they_are_have_the_energy_that_was_found(tmp_path):
    """Of a strained twist, whose grains have a bulk each; from a file too; and of another calculator by hand."""
    crystal = beta_li3ps4()
    atoms = twist(crystal, "(100)", candidate=3, size=Size(separation=13))
    found = boundary_energy(atoms, mtp, crystal, relaxation=Relaxation(steps=4))
    write([found.atoms, *found.bulks], tmp_path / "boundary.extxyz")
    again, *bulks = read(tmp_path / "boundary.extxyz")
    assert static_boundary_energy(again, bulks, mtp()) == pytest.approx(found.energy, abs=1e-6)
    assert static_boundary_energy(again, bulks, mtp()) != pytest.approx(found.unrelaxed, abs=1e-3)
    with pytest.raises(ValueError, match="3 bulks: expected one"):
        static_boundary_energy(again, [*bulks, bulks[0]], mtp())
    with pytest.raises(StructureError, match=r"the lower grain holds .* expected a multiple of Cu"):
        static_boundary_energy(again, [COPPER], mtp())
    with pytest.raises(ValueError, match="is a slab"):
        static_boundary_energy(tilt(crystal, "(120)", vacuum=10.0), [crystal], mtp())


def test_one_bulk_stands_for_both_grains():
    atoms = tilt(COPPER, "(210)", lattice_planes=8)
    found = boundary_energy(atoms, EMT, COPPER, relaxation=AS_BUILT)
    assert static_boundary_energy(atoms, found.bulks[:1], EMT()) == pytest.approx(found.unrelaxed, abs=1e-9)


def test_what_the_result_says(tmp_path):
    crystal = beta_li3ps4()
    atoms = tilt(crystal, "(120)")
    before = atoms.copy()
    seen = []
    found = boundary_energy(atoms, mtp, crystal, relaxation=Relaxation(steps=3), observer=seen.append)
    assert np.array_equal(atoms.positions, before.positions)
    assert atoms.info == before.info
    assert (found.steps, found.converged) == (3, False)
    assert {told.stage for told in seen} == {"bulk", "boundary"}
    last = seen[-1]
    assert last.boundary_energy == pytest.approx(found.energy)
    assert last.step == 3
    assert seen[0].boundary_energy is None
    content = json.loads(json.dumps(found.to_dict()))
    assert content["units"]["energy"] == "J/m^2"
    assert "atoms" not in content
    assert "bulks" not in content
    assert content["name"] == "tilt (1 2 0)"
    heights = boundary_record(found.atoms)["boundaries"]
    stretch = found.atoms.cell.array[2, 2] / before.cell.array[2, 2]
    assert heights == pytest.approx([stretch * z for z in before.info["boundary"]["boundaries"]])
    write(found.atoms, tmp_path / "relaxed.extxyz")
    assert boundary_record(next(iter(read(tmp_path / "relaxed.extxyz"))))["boundaries"] == pytest.approx(heights)


def test_several_one_after_the_other():
    built, seen = [], []

    def build(plane):
        built.append(plane)
        return tilt(COPPER, plane, lattice_planes=8)

    each = boundary_energies(
        {"first": lambda: build("(210)"), "second": tilt(COPPER, "(310)", lattice_planes=8)},
        EMT,
        COPPER,
        relaxation=Relaxation(steps=1),
        observer=lambda name, told: seen.append((name, told.stage)),
    )
    assert not built
    assert next(each)[0] == "first"
    assert {name for name, _ in seen} == {"first"}
    name, found = next(each)
    assert name == "second"
    assert found.name == "tilt (3 1 0)"
    assert next(each, None) is None


def test_what_has_no_boundary_energy():
    crystal = beta_li3ps4()
    atoms = tilt(crystal, "(120)")
    with pytest.raises(StructureError, match="carries no boundary"):
        boundary_energy(crystal, mtp, crystal)
    with pytest.raises(ValueError, match=r"tilt \(1 2 0\) is a slab, whose surfaces cost energy too"):
        boundary_energy(tilt(crystal, "(120)", vacuum=10.0), mtp, crystal)
    with pytest.raises(ValueError, match="has a glass on one side: expected two crystals"):
        boundary_energy(packed_interface(crystal, "(001)", 1), mtp, crystal)
    with pytest.raises(ValueError, match="is not what the lower grain was cut from: Li12P4S16"):
        boundary_energy(atoms, mtp, beta_li3ps4(ordering="4c4"))
    with pytest.raises(ValueError, match="3 crystals: expected one"):
        boundary_energy(atoms, mtp, [crystal] * 3)
    short = atoms.copy()
    del short[0]
    with pytest.raises(StructureError, match=r"the lower grain holds .* expected a multiple of Li3PS4"):
        boundary_energy(short, mtp, crystal)
