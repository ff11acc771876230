"""What is chosen where the user leaves it open."""

import numpy as np
import pytest
from ase.build import bulk

from betalps.structures import beta_li3ps4
from betalps.structures.boundaries.assembly import Assembly
from betalps.structures.boundaries.bicrystals import tilt, twist
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.slabs import terminations


def test_nothing_is_moved_where_nothing_is_in_the_way():
    record = twist(beta_li3ps4(), "(001)", 0.0, max_area=110).info["boundary"]
    assert record["translation"]["fractions"] == [0.0, 0.0]
    assert record["gaps"] == [0.0, 0.0]


@pytest.mark.parametrize("plane", ["(120)", "(130)", "(3-20)"])
def test_equal_boundaries_are_preferred_if_they_cost_little(plane):
    crystal = beta_li3ps4()
    record = tilt(crystal, plane).info["boundary"]
    assert record["equivalent"]["equivalent"]
    assert record["gaps"][0] == pytest.approx(record["gaps"][1], abs=0.01)
    assert record["terminations"][0] % 0.5 == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize("plane", ["(2-10)", "(201)"])
def test_the_larger_gap_is_the_least_of_all_terminations(plane):
    crystal = beta_li3ps4()
    chosen = max(tilt(crystal, plane).info["boundary"]["gaps"])
    others = [
        max(tilt(crystal, plane, termination=c.offset).info["boundary"]["gaps"]) for c in terminations(crystal, plane)
    ]
    assert chosen == pytest.approx(min(others), abs=0.011)
    assert max(others) > chosen + 0.3


def test_search_beats_the_untranslated_mirror():
    crystal = beta_li3ps4()
    found = tilt(crystal, "(120)").info["boundary"]["gaps"]
    mirror = tilt(crystal, "(120)", translation=(0, 0)).info["boundary"]["gaps"]
    assert max(found) < max(mirror) - 2


def test_either_grain_can_be_cut_at_its_own_height_and_thickness():
    record = tilt(beta_li3ps4(), "(120)", termination=(0.25, 0.75), lattice_planes=(4, 6), translation=(0, 0)).info[
        "boundary"
    ]
    assert record["terminations"] == [0.25, 0.75]
    assert record["lattice_planes"] == [4, 6]
    assert record["separations"][1] == pytest.approx(1.5 * record["separations"][0])


def test_a_given_gap_is_taken_as_it_is():
    crystal = bulk("Cu", a=3.6, cubic=True)
    atoms = tilt(crystal, "(210)", gap=(0.25, 1.5), size=Size(separation=8))
    assert atoms.info["boundary"]["gaps"] == [0.25, 1.5]
    thickness = 2 * np.ceil(8 / (3.6 / np.sqrt(5))) * 3.6 / np.sqrt(5)
    assert atoms.cell[2, 2] == pytest.approx(thickness + 1.75)


def test_contacts_zero_asks_for_no_gap():
    record = tilt(beta_li3ps4(), "(120)", contact=0.0).info["boundary"]
    assert record["gaps"] == [0.0, 0.0]
    assert record["contacts"]["overlaps"] == 0


def test_defaults():
    how = Assembly()
    assert how.size == Size(atoms=1, separation=20.0, lateral=0.0)
    assert (how.termination, how.translation, how.gap) == ("auto", "auto", "auto")
