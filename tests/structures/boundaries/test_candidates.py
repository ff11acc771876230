"""Candidates of twists and asymmetric boundaries: the known ones, as a table, and what to do where there is none."""

import time

import numpy as np
import pytest
from ase.build import bulk

from betalps.structures import beta_li3ps4, gamma_li3ps4
from betalps.structures.boundaries.candidates import asymmetric_candidates, choose, side, twist_candidates


@pytest.fixture(scope="module")
def beta():
    crystal = beta_li3ps4()
    crystal.set_cell([13.07, 8.13, 6.26], scale_atoms=True)
    return crystal


@pytest.mark.parametrize(
    ("plane", "cells", "area", "angle", "strain"),
    [
        ("(001)", 5, 531, 78.46, 1.53),
        ("(001)", 7, 744, 44.42, 1.10),
        ("(001)", 9, 956, 63.61, 0.27),
        ("(001)", 11, 1169, 35.10, 0.96),
        ("(100)", 4, 204, 75.52, 0.58),
        ("(100)", 8, 407, 28.96, 0.29),
        ("(100)", 24, 1221, 60.00, 0.02),
        ("(100)", 11, 560, 35.11, 1.52),
        ("(100)", 31, 1578, 36.25, 0.48),
        ("(100)", 15, 763, 53.14, 2.1),
        ("(100)", 19, 967, 54.62, 0.49),
        ("(010)", 8, 655, 51.32, 0.23),
        ("(010)", 2, 164, 90.0, 4.3),
        ("(010)", 19, 1555, 61.73, 0.16),
        ("(010)", 10, 818, 36.90, 2.58),
        ("(010)", 5, 409, 53.16, 3.44),
    ],
)
def test_the_table_of_twists(beta, plane, cells, area, angle, strain):
    listed = twist_candidates(beta, plane, angle, tolerance=0.05)
    entry = min((e for e in listed if e.multiplicity == (cells, cells)), key=lambda e: e.strain)
    assert entry.area == pytest.approx(area, abs=1)
    assert entry.angle == pytest.approx(angle, abs=0.01)
    assert 100 * entry.strain == pytest.approx(strain, abs=0.05)
    assert entry.atoms == (32 * cells, 32 * cells)


def test_no_twist_near_53_on_001(beta):
    assert len(twist_candidates(beta, "(001)", 53.13)) == 0


def test_a_list_prints_as_a_table(beta):
    listed = twist_candidates(beta, "(001)", max_area=800)
    lines = str(listed).splitlines()
    assert lines[0] == "twists on Li12P4S16 (001)"
    assert lines[1].split() == ["#", "area", "Å²", "angle", "°", "strain", "%", "cells", "atoms/plane"]
    assert len(lines) == 2 + len(listed)
    number, area, angle, *_ = lines[2 + 1].split()
    assert (int(number), float(area)) == (1, round(listed[1].area, 1))
    assert float(angle) == pytest.approx(listed[1].angle, abs=0.005)
    assert np.all(np.diff([entry.area for entry in listed]) > -1e-6)
    assert listed[0:2] == tuple(listed)[:2]


def test_best_leaves_out_what_is_worse(beta):
    everything, best = (twist_candidates(beta, "(100)", best=flag) for flag in (False, True))
    assert 0 < len(best) < len(everything)
    keys = {(entry.area, entry.angle, entry.strain) for entry in everything}
    assert {(entry.area, entry.angle, entry.strain) for entry in best} < keys
    assert min(entry.strain for entry in best) == min(entry.strain for entry in everything)


def test_candidates_are_fast(beta):
    start = time.process_time()
    for plane in ("(001)", "(100)", "(010)"):
        twist_candidates(beta, plane)
    assert time.process_time() - start < 3


def test_cubic_angles_come_out_exact():
    copper = bulk("Cu", a=3.6, cubic=True)
    exact = {round(e.angle, 2) for e in twist_candidates(copper, "(001)", max_area=30 * 3.6**2, max_strain=1e-6)}
    assert {22.62, 28.07, 36.87, 16.26, 43.60} <= exact


def test_two_crystals(beta):
    gamma = gamma_li3ps4()
    listed = asymmetric_candidates(beta, "(100)", gamma, "(010)", max_area=400)
    assert len(listed) > 0
    assert listed.title == "Li12P4S16 (100) against Li6P2S8 (010)"
    for entry in listed:
        assert entry.atoms == (32 * entry.multiplicity[0], 16 * entry.multiplicity[1])
        areas = 8.13 * 6.26 * entry.multiplicity[0], 7.797 * 6.226 * entry.multiplicity[1]
        assert np.log(areas[0] / areas[1]) == pytest.approx(0, abs=2 * entry.strain + 1e-3)


def test_choice_is_the_least_strained_near_the_angle(beta):
    one = side(beta, "(100)", None)
    limits = (0.05, 1600.0, 3.0, "both")
    assert choose(one, one, 36.87, None, *limits).multiplicity == (31, 31)
    assert choose(one, one, 36.87, None, 0.05, 1000.0, 3.0, "both").multiplicity == (11, 11)
    with pytest.raises(ValueError, match=r"no candidate within 0\.1°, 5 % strain and 600 Å²; the nearest are"):
        choose(one, one, 44.0, None, 0.05, 600.0, 0.1, "both")
    with pytest.raises(ValueError, match=r"the nearest are 0\.00° \(51 Å², 0\.00 %\)"):
        choose(one, one, 44.0, None, 1e-6, 60.0, 0.1, "both")


def test_bad_limits(beta):
    with pytest.raises(ValueError, match="max_area"):
        twist_candidates(beta, "(100)", max_area=10)
    with pytest.raises(ValueError, match="max_strain"):
        twist_candidates(beta, "(100)", max_strain=0)
