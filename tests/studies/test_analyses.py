"""The analyses of a study: by region, at one temperature, in a file and in the report."""

import json

import numpy as np
import pytest

from betalps.analysis import PaddleWheel, Rings, polyanions
from betalps.cli.main import main
from betalps.reports import render_report, write_report
from betalps.structures import around_boundaries
from betalps.studies import StudyConfig, analyse_study, build_systems, diffusion_study
from betalps.trajectories import open_trajectory

CONFIG = StudyConfig(
    temperatures=(700.0, 850.0),
    supercell=(1, 2, 2),
    equilibration=0.2,
    production=4.0,
    frame_interval=0.02,
    boundaries=("Σ5[001]/(2-10)",),
    boundary_temperatures=(850.0, 1000.0),
    boundary_production=2.4,
    glass_temperatures=(),
    workers=1,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    results = diffusion_study(CONFIG, folder)
    said = []
    return folder, results, analyse_study(CONFIG, folder, observer=said.append), said


def test_structure_is_compared_at_a_temperature_that_all_share(study):
    _, _, everything, said = study
    analyses = [one for one in everything if one.temperature is not None]
    assert [(one.system, one.region, one.temperature) for one in analyses] == [
        ("crystal", "whole cell", 850.0),
        ("Σ5[001]/(2-10)", "boundary", 850.0),
        ("Σ5[001]/(2-10)", "whole cell", 850.0),
        ("Σ5[001]/(2-10)", "boundary", 1000.0),
    ]
    for lines in (one for one in everything if one.temperature is None):  # where diffusion in a region was resolved
        assert (lines.system, lines.region) == ("Σ5[001]/(2-10)", "boundary")
        assert {name.partition(", ")[0] for name in (*lines.results, *lines.missing)} <= {"line", "conductivity"}
    crystal, boundary, whole, hot = analyses
    everywhere = {"rdf", "polyanions", "disorder", "rings"}
    assert everywhere | {"occupancy", "jumps", "reorientation"} == set(crystal.results)
    assert everywhere <= set(boundary.results)
    assert {"profile", "map", "reorientation"} == set(whole.results)
    # 120 frames of 2.4 ps: a region may be too short for a line, and then says so.
    assert set(hot.results) | set(hot.missing) == {"regional diffusion"}
    assert said == [f"{one.system}, {one.region}, {one.temperature:g} K" for one in analyses]
    assert not any(isinstance(result, PaddleWheel) for one in analyses for result in one.results.values())


def test_numbers_are_those_of_the_region(study):
    folder, _, analyses, _ = study
    system = build_systems(CONFIG)[1]
    trajectory = open_trajectory(folder / system.folder(850.0) / "trajectory")
    direct = polyanions(trajectory, region=around_boundaries(system.atoms))
    np.testing.assert_allclose(analyses[1].results["polyanions"].counts, direct.counts)
    assert isinstance(analyses[1].results["rings"], Rings)
    assert analyses[1].results["rings"].ions.mean() < analyses[2].results["map"].atoms


def test_the_file_holds_everything(study):
    folder, _, analyses, _ = study
    content = json.loads((folder / "analyses.json").read_text())
    assert content["kind"] == "betalps study analyses"
    assert content["provenance"]["betalps"]
    assert len(content["analyses"]) == len(analyses)
    crystal = content["analyses"][0]
    assert (crystal["system"], crystal["temperature_K"]) == ("crystal", 850.0)
    assert crystal["results"]["disorder"]["mean"] == analyses[0].results["disorder"].mean
    assert crystal["results"]["rdf"]["units"]["r"] == "angstrom"


def test_the_command_line_finds_the_boundary_of_a_study(study, capsys):
    folder, *_ = study
    run = folder / build_systems(CONFIG)[1].folder(850.0)
    assert main(["analyse", "map", str(run), "--region", "boundary"]) == 0
    assert "Map of Li along c, boundary" in capsys.readouterr().out


def test_the_report_shows_them(study, tmp_path):
    _, results, analyses, _ = study
    text = write_report(results, tmp_path / "report.html", analyses).read_text()
    for title in ("Structure by region", "Lithium at the boundaries", "Sites, jumps, rotation"):
        assert f"<h2>{title}</h2>" in text
    assert "crystal, 850 K" in text
    assert "Σ5[001]/(2-10), boundary, 850 K" in text
    share = 100 * analyses[0].results["polyanions"].tetrahedral
    assert f"<td>{share:.4g}" in text
    plain = render_report(results)
    assert "Structure by region" not in plain
    assert len(plain) < len(text)


def test_what_cannot_be_analysed_is_said(study, tmp_path):
    _, results, analyses, _ = study
    for one in analyses:
        one.missing["rings"] = "too <few> ions"
    text = write_report(results, tmp_path / "report.html", analyses).read_text()
    assert "What was left out, and why" in text
    assert "crystal, 850 K, rings: too &lt;few&gt; ions" in text


def test_runs_that_failed_are_left_out(study, tmp_path):
    """Only what is there is analysed."""
    folder, *_ = study
    (tmp_path / "850K").symlink_to(folder / "850K")
    found = analyse_study(CONFIG, tmp_path)
    assert [one.system for one in found] == ["crystal"]
