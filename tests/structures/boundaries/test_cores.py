"""Dislocation cores: as far apart as Frank's relation says, where the lattices misfit, for the crystal's own Burgers
vector."""

import math

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from betalps.errors import StructureError
from betalps.structures.boundaries.bicrystals import tilt, twist
from betalps.structures.boundaries.cores import dislocation_cores, frank_spacing
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.translations import translated
from betalps.structures.crystals import beta_li3ps4
from betalps.structures.glasses.interfaces import packed_interface


def simple_cubic(a=3.3):
    return Atoms("Po", cell=[a] * 3, pbc=True)


@pytest.mark.parametrize("k", [10, 15, 21])
@pytest.mark.parametrize("crystal", [simple_cubic(), bulk("Cu", cubic=True)], ids=["simple cubic", "copper"])
def test_small_angle_tilts_obey_frank(crystal, k):
    atoms = tilt(crystal, (1, k, 0), size=Size(separation=25), bonds={})
    cores = dislocation_cores(atoms)
    angle, a = 2 * math.degrees(math.atan(1 / k)), crystal.cell.lengths()[0]
    assert cores.spacing == pytest.approx(frank_spacing(a, angle))
    assert cores.burgers == pytest.approx(a)
    assert cores.axis == 1
    assert cores.boundaries == (0, 0, 1, 1)
    for box in cores.boxes:
        assert box.lengths[0] is None
        assert 2.0 < box.lengths[1] < 0.75 * cores.spacing
        assert box.lengths[2] == 10.0


@pytest.mark.parametrize(("plane", "angle"), [("(170)", 10.14), ("(150)", 14.16), ("(130)", 23.38)])
def test_tilts_of_beta_li3ps4_have_burgers_vector_b(plane, angle):
    atoms = tilt(beta_li3ps4(), plane, size=Size(separation=30))
    cores = dislocation_cores(atoms)
    assert cores.burgers == pytest.approx(8.120, abs=0.002)  # [010] of the crystal
    assert cores.spacing == pytest.approx(frank_spacing(8.12048, angle), rel=2e-3)
    assert atoms.cell.array[1, 1] == pytest.approx(2 * cores.spacing)


def test_cores_climb_sideways_when_the_grains_move_apart():
    # Bollmann: a translation t moves the O-points by t / (2 sin(θ/2)), at right angles to it. A gap of a tenth of the
    # Burgers vector moves the cores by a tenth of their spacing along the boundary.
    atoms = tilt(simple_cubic(), (1, 15, 0), size=Size(separation=25), gap=0.0, bonds={})
    record = atoms.info["boundary"]
    apart = translated(atoms, record["translation"]["fractions"], 0.33)
    before, after = dislocation_cores(atoms), dislocation_cores(apart)
    assert after.spacing == pytest.approx(before.spacing)
    moves = []
    for boundary in (0, 1):
        first, second = (
            min(box.centre[1] % 0.5 for box, n in zip(found.boxes, found.boundaries, strict=True) if n == boundary)
            for found in (before, after)
        )
        away = (second - first) * 2
        moves.append((away - round(away)) / 0.1)
    assert np.abs(moves) == pytest.approx([1, 1], abs=0.25)
    assert moves[0] * moves[1] > 0  # both the turn and the side that moves are opposite at the other boundary


def test_regions_hold_the_atoms_that_misfit():
    atoms = tilt(bulk("Cu", cubic=True), (1, 15, 0), size=Size(separation=25), bonds={})
    cores = dislocation_cores(atoms)
    inside = cores.region.contains(atoms.get_scaled_positions(), atoms.cell.array)
    assert 0 < inside.sum() < (atoms.arrays["boundary"] <= 5.0).sum()
    assert (atoms.arrays["boundary"][inside] <= 5.0 + 1e-9).all()
    # The profile is larger inside than outside of the boxes.
    for box, boundary in zip(cores.boxes, cores.boundaries, strict=True):
        along = cores.positions / atoms.cell.array[1, 1]
        within = box.contains(np.stack([0 * along, along, 0 * along + box.centre[2]], axis=1), atoms.cell.array)
        assert cores.misfit[boundary][within].mean() > cores.misfit[boundary].mean()


def test_relaxed_and_warm_boundaries_show_the_same_cores():
    from ase.calculators.emt import EMT
    from ase.optimize import FIRE

    atoms = tilt(bulk("Cu", cubic=True, a=3.59), (1, 10, 0), size=Size(separation=14), bonds={})
    expected = dislocation_cores(atoms)
    atoms.calc = EMT()
    FIRE(atoms, logfile=None).run(fmax=0.1, steps=30)
    atoms.rattle(0.1, seed=0)
    cores = dislocation_cores(atoms)
    assert cores.spacing == pytest.approx(expected.spacing)
    assert cores.burgers == pytest.approx(3.59, abs=0.01)


def test_a_twist_has_two_sets():
    # Σ101, 2 atan(1/10): the screw dislocations run along both vectors of the coincidence cell, two in each period.
    atoms = twist(simple_cubic(), "(001)", 11.42, tolerance=0.05, bonds={}, size=Size(separation=20))
    both = [dislocation_cores(atoms, axis=axis) for axis in (0, 1)]
    for cores in both:
        assert cores.burgers == pytest.approx(3.3)
        assert cores.spacing == pytest.approx(frank_spacing(3.3, 11.421), rel=1e-3)
    assert both[0].boxes[0].lengths[1] is None
    assert both[1].boxes[0].lengths[0] is None
    region = both[0].region | both[1].region
    assert region.volume(atoms.cell.array) > both[0].region.volume(atoms.cell.array)


def test_given_lengths_are_kept():
    atoms = tilt(simple_cubic(), (1, 15, 0), size=Size(separation=25), bonds={})
    cores = dislocation_cores(atoms, width=7.0, thickness=8.0)
    assert {box.lengths for box in cores.boxes} == {(None, 7.0, 8.0)}


def test_bad_input_is_named():
    with pytest.raises(StructureError, match="carries no boundary"):
        dislocation_cores(beta_li3ps4())
    interface = packed_interface(beta_li3ps4(), "(001)", 0)
    with pytest.raises(StructureError, match="amorphous/crystal: dislocations are between two crystals"):
        dislocation_cores(interface)
    high = tilt(simple_cubic(), (1, 2, 0), size=Size(separation=25), bonds={})
    with pytest.raises(StructureError, match="has no separate dislocation cores"):
        dislocation_cores(high)
    atoms = tilt(beta_li3ps4(), "(130)")
    with pytest.raises(ValueError, match=r"species \['Na'\]: expected some of Li, P, S"):
        dislocation_cores(atoms, species=["Na"])
    with pytest.raises(ValueError, match="width -1 Å: expected a length above 0"):
        dislocation_cores(atoms, width=-1)
    with pytest.raises(ValueError, match="axis 2: expected 0 or 1"):
        dislocation_cores(atoms, axis=2)
    with pytest.raises(ValueError, match="expected a length above 0 and 0 to 180"):
        frank_spacing(3.0, 0.0)
    melted = atoms.copy()
    melted.positions += np.random.default_rng(0).normal(scale=1.5, size=melted.positions.shape)
    with pytest.raises(StructureError, match="does not show the 4 sites of P"):
        dislocation_cores(melted, species=["P"])
