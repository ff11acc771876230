"""What was built, in words."""

import pytest

from betalps.errors import StructureError
from betalps.reports.boundary_table import boundaries_table, boundary_table
from betalps.structures import beta_li3ps4, boundary, packed_interface, reference_study, tilt, twist


@pytest.fixture(scope="module")
def crystal():
    return beta_li3ps4()


def rows(atoms):
    found = {}
    for line in boundary_table(atoms).splitlines():
        found.setdefault(line[:15].strip(), line[16:])
    return found


def test_a_named_tilt(crystal):
    said = rows(boundary("Σ5[001]/(120)", crystal))
    assert said["boundary"] == "Σ5[001]/(120), tilt"
    assert said["nominal"].startswith("Σ5, 53.13° about [0 0 1]")
    assert said["disorientation"] == "34.49° about [0 0 1], the true one"
    assert said["strain"] == "none"
    assert said["lower grain"].startswith("Li12P4S16 (1 2 0), 6 planes of 3.878 Å = 23.3 Å, cut at 0.2500")
    assert said["boundary cell"] == "6.27 × 27.39 Å, 171.6 Å², repeated 1 × 1"
    assert said["two boundaries"].startswith("the same by a ")
    assert said["contacts"] == "0 pairs below 90 % of the crystal's shortest"
    assert said["units"] == "144 Li 48 PS4"
    assert said["atoms"] == "384, Li3PS4"


def test_what_else_can_be_said(crystal):
    strained = rows(twist(crystal, "(100)", candidate=1))
    assert strained["strain"] == "0.381 % between the grains: 0.191 % in the lower, 0.191 % in the upper"
    slab = rows(tilt(crystal, "(120)", vacuum=9.0, gap=0.0, translation=(0, 0), termination=0.25))
    assert slab["cell"].endswith("9 Å of vacuum on either side")
    assert slab["two boundaries"] == "one only: a slab with two surfaces"
    assert slab["contacts"] != "0 pairs below 90 % of the crystal's shortest"
    removed = rows(tilt(crystal, "(120)", gap=0.0, translation=(0, 0), termination=0.25, overlaps="remove"))
    assert removed["removed"].endswith("(3 Li 1 PS4)")
    assert removed["contacts"].startswith("0 pairs")
    glass = rows(packed_interface(crystal, "(120)", 1))
    assert glass["upper side"].startswith("glass, 72 Li 24 PS4")
    assert glass["two boundaries"] == "not compared: on one side is a glass"
    noted = rows(boundary("Σ3[110]/(111)", crystal))
    assert "note" in noted


def test_different_boundaries_are_said_to_be(crystal):
    said = rows(tilt(crystal, "(120)", translation=(0.0, 0.21), termination=0.1, gap=3.0))
    assert said["two boundaries"].startswith("different within 6.0 Å")


def test_several_in_one_table(crystal):
    some = {"one": tilt(crystal, "(120)"), "other": packed_interface(crystal, "(001)", 1)}
    head, first, second = boundaries_table(some).splitlines()
    assert len(head) == len(first) == len(second)
    assert first.split()[:2] == ["one", "34.49"]
    assert first.endswith("384")
    assert second.split()[1] == "–"
    markdown = boundaries_table(some.items(), markdown=True).splitlines()
    assert [line.count("|") for line in markdown] == [10] * 4


def test_what_is_no_boundary(crystal):
    with pytest.raises(StructureError, match="carries no boundary"):
        boundary_table(crystal)
    with pytest.raises(StructureError, match="carries no boundary"):
        boundaries_table({"one": crystal})


@pytest.mark.slow
def test_the_table_of_the_documentation(root):
    """Made by docs/make_structures.py; still what the code builds."""
    page = (root / "docs" / "boundaries.md").read_text(encoding="utf-8")
    written = page.split("<!-- study -->\n")[1].split("\n<!-- end -->")[0]
    table = boundaries_table(((name, build()) for name, build in reference_study().items()), markdown=True)
    assert written == table
