"""A study with a glass and its interface: made once, reused, resumable, honest where it fails."""

import json
from dataclasses import replace

import numpy as np
import pytest

from betalps.reports import write_report
from betalps.reports.study_lines import lines_of
from betalps.structures import boundary_record
from betalps.studies import StudyConfig, analyse_study, build_systems, diffusion_study, estimate_cost, steps_done
from betalps.studies.region_jobs import _sides
from betalps.trajectories import open_trajectory

CONFIG = StudyConfig(
    temperatures=(900.0,),
    supercell=(1, 1, 2),
    equilibration=0.2,
    production=2.4,
    frame_interval=0.02,
    boundaries=(),
    glass_temperatures=(700.0, 800.0, 900.0),
    glass_atoms=64,
    glass_scale=0.001,
    glass_production=2.4,
    workers=1,
)
MELT = ("melt for (001)", 2000.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    seen = []
    results = diffusion_study(CONFIG, folder, observer=lambda event: seen.append((event.system, event.temperature)))
    return folder, results, list(dict.fromkeys(seen))


def test_the_glass_is_made_first_and_once(study):
    folder, results, seen = study
    assert seen[0] == MELT
    assert [key for key in seen if key[0] == "glass"] == [("glass", t) for t in CONFIG.glass_temperatures]
    assert [entry["name"] for entry in results["others"]] == ["glass", "amorphous/(001)"]
    assert [len(entry["runs"]) for entry in results["others"]] == [3, 3]
    _, glass, interface = build_systems(CONFIG, folder)
    for system in (glass, interface):
        for temperature in system.specs:
            first = open_trajectory(folder / system.folder(temperature) / "trajectory")
            assert len(first.symbols) == len(system.atoms)
    (melt,) = results["melts"]
    assert melt["cooling_rate_K_per_ps"] == pytest.approx(5000.0)
    assert melt["failed"] is None
    lateral = build_systems(CONFIG)[1].atoms.cell.lengths()[:2]
    np.testing.assert_allclose(glass.atoms.cell.lengths()[:2], lateral, rtol=1e-9)


def test_called_again_nothing_is_computed(study):
    folder, results, _ = study
    names = ("glass.extxyz", "checkpoint.npz")
    kept = [(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.name in names]
    assert len(kept) == 1 + 1 + 1 + 3 + 3
    again = diffusion_study(CONFIG, folder)
    assert [(path, path.stat().st_mtime_ns) for path, _ in kept] == kept
    assert again["others"] == results["others"]
    assert estimate_cost(CONFIG, folder, trial_steps=5).steps_to_do == 0


def test_remarks_say_how_the_glass_was_made(study):
    _, results, _ = study
    text = "\n".join(results["remarks"])
    assert (
        "times 0.001: heat 0.2 ps, melt 0.4 ps, cool 0.34 ps, relax 2 ps; cooled at 5000 K/ps, for the study's 5"
        in text
    )
    assert "One glass of 128 atoms: another quench gives another glass" in text
    for entry in results["others"]:
        assert f"{entry['name']}, " in text


def test_interrupted_at_any_stage_it_comes_to_the_same(study, tmp_path):
    """In the melt, right after it, and in an interface."""
    _, results, _ = study
    for stop in (MELT, ("glass", 700.0), ("amorphous/(001)", 800.0)):

        def interrupt(event, stop=stop):
            if (event.system, event.temperature) == stop and event.progress.step > 100:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            diffusion_study(CONFIG, tmp_path, observer=interrupt)
        assert steps_done(CONFIG, tmp_path)[stop] < build_spec(stop).steps
    again = diffusion_study(CONFIG, tmp_path)
    assert again["others"] == results["others"]
    assert again["runs"] == results["runs"]


def build_spec(key):
    name, temperature = key
    if key == MELT:
        return CONFIG.melt_spec("(001)")
    return CONFIG.glass_spec(temperature, "(001)" if name.startswith("amorphous") else None)


def test_regions_of_the_interface_and_their_lines(study, tmp_path, monkeypatch):
    monkeypatch.setattr("betalps.studies.region_jobs._everywhere", lambda *_: {})  # the structure: test_analyses.py
    folder, results, _ = study
    analyses = analyse_study(CONFIG, folder)
    of_interface = [one for one in analyses if one.system == "amorphous/(001)"]
    assert {one.region for one in of_interface} == {"boundary", "whole cell"}  # too thin for sides
    assert {one.region for one in analyses if one.system == "glass"} == {"whole cell"}
    content = json.loads((folder / "analyses.json").read_text())
    assert {one["temperature_K"] for one in content["analyses"]} >= {None, 900.0}
    lines = list(lines_of(results, analyses))
    assert {line.system for line in lines} == {"crystal", "glass", "amorphous/(001)"}
    for line in lines:
        assert (line.arrhenius is None) == bool(line.missing)
    text = write_report(results, tmp_path / "report.html", analyses).read_text()
    assert "Activation energy and conductivity, by region and direction" in text
    assert "Glass, grain boundaries, interfaces" in text
    assert "0.32 eV" in text  # the paper's glass


def test_sides_of_an_interface_are_crystal_and_glass(tmp_path):
    from betalps.structures import Size, beta_li3ps4, packed_interface

    atoms = packed_interface(beta_li3ps4(), "(001)", 1, size=Size(atoms=512, separation=12.0, lateral=12.0))
    sides = _sides(atoms)
    assert list(sides) == ["crystal side", "glass side"]
    scaled, cell = atoms.get_scaled_positions(wrap=False), atoms.cell.array
    for number, region in enumerate(sides.values()):
        inside = region.contains(scaled, cell)
        assert inside.sum() > 100
        assert (atoms.arrays["grain"][inside] == number).mean() > 0.99
        assert atoms.arrays["boundary"][inside].min() >= 5.0 - 1e-6
    assert len(boundary_record(atoms)["boundaries"]) == 2


def test_a_melt_that_blows_up_leaves_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr("betalps.studies.config.MELT_PRESSURE", -60.0)
    config = replace(CONFIG, glass_temperatures=(900.0,))
    results = diffusion_study(config, tmp_path)
    assert len(results["runs"]) == 1
    for entry in results["others"]:
        assert entry["runs"] == []
        (failed,) = entry["failed"]
        assert failed["why"].startswith("the glass is not made: ")
        assert "lost" in failed["why"] or "exploded" in failed["why"] or "volume" in failed["why"]
    assert "volume" in results["melts"][0]["failed"]
    assert all(system.missing for system in build_systems(config, tmp_path)[1:])
    assert "no result" in write_report(results, tmp_path / "report.html").read_text()
