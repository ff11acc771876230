"""The table of activation energies and conductivities by region and direction."""

from types import SimpleNamespace

import pytest

from betalps.analysis import arrhenius
from betalps.reports.study_lines import by_direction, lines_of
from reports import variants

VALUES = [0.1, 0.2, 0.4]


def regional(**changes):
    line = arrhenius([700.0, 850.0, 1000.0], VALUES, [0.1 * value for value in VALUES])
    found = {
        "system": "Σ5[001]/(2-10)",
        "region": "boundary",
        "temperature": None,
        "results": {"line, all": line, "conductivity, all": line.conductivity(0.018)},
        "missing": {"line, normal": "an Arrhenius line with an uncertainty needs 3 different temperatures, got []"},
    }
    return SimpleNamespace(**(found | changes))


def test_where_no_direction_has_a_line_one_row_says_so(results):
    lines = list(lines_of(variants.without_line(results)))
    others = [line for line in lines if line.system != "crystal"]
    assert [line.system for line in others] == ["Σ5[001]/(2-10)", "glass", "amorphous/(001)"]
    assert all(line.direction == "all" and line.arrhenius is None for line in others)
    assert all(line.why == "too few temperatures resolved" for line in others)


def test_regions_follow_their_system(results):
    single = regional(temperature=850.0)  # of one temperature: no line
    lines = list(lines_of(results, [regional(), single]))
    places = [(line.system, line.region, line.direction) for line in lines]
    at = places.index(("Σ5[001]/(2-10)", "boundary", "all"))
    assert places[at - 1] == ("Σ5[001]/(2-10)", "whole cell", "all")
    assert places[at + 1] == ("Σ5[001]/(2-10)", "boundary", "normal")
    assert len(lines) == len(list(lines_of(results))) + 2
    found = lines[at]
    assert found.arrhenius["activation_energy"] == pytest.approx(regional().results["line, all"].activation_energy)
    assert lines[at + 1].arrhenius is None


def test_the_paper_stands_beside(results):
    text, note = by_direction(variants.with_line(results), [regional()])
    crystal = text[text.index("<td>crystal</td>") :].partition("</tr>")[0]
    line = variants.with_line(results)["arrhenius"]
    assert f"{line['activation_energy']:.2f} ± {line['activation_energy_error']:.2f}" in crystal
    assert "700 to 1000 (3)" in crystal
    assert "0.29 eV" in crystal
    glass = text[text.index("<td>glass</td>") :].partition("</tr>")[0]
    assert "0.32 eV" in glass
    assert "too few temperatures resolved" in glass
    interface = text[text.index("<td>amorphous/(001)</td>") :].partition("</tr>")[0]
    assert "0.32 eV" not in interface  # the paper's is of the Li about the interface, not of the cell
    assert "Jalem et al." in note
