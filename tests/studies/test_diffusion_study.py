"""A study from the crystal to its numbers: complete, resumable, honest."""

import json
from dataclasses import replace

import numpy as np
import pytest

from betalps.analysis import diffusion
from betalps.dynamics import read_thermo
from betalps.errors import CheckpointError
from betalps.studies import StudyConfig, diffusion_study, estimate_cost, steps_done
from betalps.trajectories import open_trajectory
from studies.stand_ins import Einstein, Explosive, ExplosiveWhenHot, NotANumber

SMALL = StudyConfig(
    temperatures=(700.0, 850.0, 1000.0),
    supercell=(1, 1, 2),
    equilibration=0.5,
    production=8.0,
    frame_interval=0.05,
    boundaries=(),
    glass_temperatures=(),
    workers=1,
)
EINSTEIN = replace(  # springs have no stress
    SMALL,
    temperatures=(800.0, 1000.0, 1200.0),
    ensemble="nvt",
    equilibration=0.1,
    production=2.2,
    frame_interval=0.02,
)


def einstein(folder, config=EINSTEIN, calculator=Einstein, **changes):
    return diffusion_study(config, folder, calculator=calculator, **changes)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A real study with the bundled potential, a second or two long."""
    folder = tmp_path_factory.mktemp("study")
    return folder, diffusion_study(SMALL, folder)


def test_results_are_those_of_the_runs(study):
    folder, results = study
    assert [run["temperature_K"] for run in results["runs"]] == [700.0, 850.0, 1000.0]
    assert results["failed"] == []
    for run in results["runs"]:
        trajectory = open_trajectory(folder / run["folder"] / "trajectory")
        assert run["frames"] == len(trajectory) == 160
        assert trajectory.times[0] == pytest.approx(0.55)
        direct = diffusion(trajectory, "Li")
        found = run["diffusion"]["total"]
        assert found["diffusivity"] == direct.total.diffusivity
        assert found["interval"] == list(direct.total.interval)
        assert found["resolved"] == direct.total.resolved
        log = read_thermo(folder / run["folder"])
        late = log["time_ps"] >= 0.5
        thermo = run["thermodynamics"]
        assert thermo["mean_temperature_K"] == pytest.approx(log["temperature_K"][late].mean())
        assert thermo["mean_temperature_K"] == pytest.approx(run["temperature_K"], rel=0.1)
        assert thermo["mean_volume_A3"] == pytest.approx(log["volume_A3"][late].mean())
        assert run["mean_cell_A"] == pytest.approx(np.linalg.norm(trajectory.mean_cell, axis=1))
        # the mean of a product is not the product of means: a cell of 64 atoms flows at 1000 K
        assert thermo["mean_volume_A3"] == pytest.approx(np.prod(run["mean_cell_A"]), rel=0.03)
        assert np.ptp(log["volume_A3"]) > 5.0  # it breathes
        assert run["framework"]["whole_PS4_least"] == 1.0
        assert 0 < run["framework"]["P_msd_half_run_A2"] < 5


def test_results_name_what_they_came_from(study):
    _, results = study
    from betalps.potentials import load

    assert results["potential"]["sha256"] == load(SMALL.potential).sha256
    assert results["potential"]["card"]
    assert StudyConfig.from_dict(results["config"]) == SMALL
    assert results["provenance"]["betalps"]
    assert results["system"]["formula"] == "Li24P8S32"
    assert results["system"]["density_g_per_cm3"] == pytest.approx(1.797, abs=1e-3)
    assert results["reference"]["activation_energy_eV"] == 0.29
    assert "Jalem" in results["reference"]["source"]


def test_the_file_is_strict_json_of_the_same(study):
    folder, results = study
    text = (folder / "results.json").read_text(encoding="utf-8")

    def no_constants(name):
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(text, parse_constant=no_constants) == results
    assert not list(folder.glob(".results*"))


def test_arrhenius_and_extrapolation_are_flagged(study):
    _, results = study
    line = results["arrhenius"]
    if line is None:
        assert results["arrhenius_missing"]
        assert any("No Arrhenius line" in remark for remark in results["remarks"])
        return
    assert line["extrapolated"]
    assert any("extrapolated from" in remark for remark in results["remarks"])
    # The drawn line passes through the value at the target.
    drawn = line["line"]
    cold = int(np.argmin(drawn["temperature_K"]))
    assert drawn["temperature_K"][cold] == pytest.approx(300.0)
    assert drawn["diffusivity_angstrom2_per_ps"][cold] == pytest.approx(line["target_diffusivity"])
    assert drawn["low_angstrom2_per_ps"][cold] == pytest.approx(line["target_interval"][0])


def test_finished_temperatures_are_not_computed_again(study, monkeypatch):
    folder, results = study

    def never(*arguments):
        raise AssertionError("a finished run was set in motion")

    monkeypatch.setattr("betalps.dynamics.runner.set_in_motion", never)
    again = diffusion_study(SMALL, folder)
    assert again["runs"] == results["runs"]


def test_workers_change_nothing_but_the_time(study, tmp_path):
    _, results = study
    config = replace(SMALL, workers=2)
    seen = set()
    parallel = diffusion_study(config, tmp_path, observer=lambda event: seen.add(event.temperature))
    assert parallel["runs"] == results["runs"]
    assert seen == set(SMALL.temperatures)


def test_temperatures_can_be_added_and_leave_the_others_alone(tmp_path):
    first = einstein(tmp_path / "a", replace(EINSTEIN, temperatures=(900.0,)))
    more = einstein(tmp_path / "a", replace(EINSTEIN, temperatures=(500.0, 900.0)))
    both = einstein(tmp_path / "b", replace(EINSTEIN, temperatures=(500.0, 900.0)))
    assert more["runs"][1] == first["runs"][0]
    assert more["runs"] == both["runs"]


def test_an_interrupted_study_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("betalps.studies.config._CHECKPOINT_STEPS", 300)
    whole = einstein(tmp_path / "whole")

    def interrupt(event):
        if event.temperature == 1000.0 and event.progress.step > 800:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        einstein(tmp_path / "cut", observer=interrupt)
    assert not (tmp_path / "cut" / "results.json").exists()
    done = steps_done(EINSTEIN, tmp_path / "cut")
    assert done["crystal", 800.0] == EINSTEIN.steps
    assert 0 < done["crystal", 1000.0] < EINSTEIN.steps
    assert done["crystal", 1200.0] == 0
    assert einstein(tmp_path / "cut")["runs"] == whole["runs"]


def test_another_seed_is_another_trajectory(tmp_path):
    one = einstein(tmp_path / "a")
    with pytest.raises(CheckpointError, match="belongs to another run; it differs in seed"):
        einstein(tmp_path / "a", replace(EINSTEIN, seed=2))
    two = einstein(tmp_path / "b", replace(EINSTEIN, seed=2))
    assert one["runs"][0]["thermodynamics"] != two["runs"][0]["thermodynamics"]


def test_no_diffusion_is_not_made_into_a_number(tmp_path):
    results = einstein(tmp_path)
    for run in results["runs"]:
        assert not run["diffusion"]["total"]["resolved"]
        assert run["diffusion"]["total"]["interval"][0] == 0.0
        assert run["diffusion"]["total"]["upper_bound"] > 0.0
    assert results["arrhenius"] is None
    assert results["target_conductivity"] is None
    assert "3 different temperatures" in results["arrhenius_missing"]
    remarks = "\n".join(results["remarks"])
    assert "800 K: diffusion is not resolved" in remarks
    assert "No Arrhenius line" in remarks


def test_a_run_that_blows_up_is_listed_and_the_others_count(tmp_path):
    config = replace(EINSTEIN, temperatures=(300.0, 600.0, 2500.0))
    results = einstein(tmp_path, config, ExplosiveWhenHot)
    assert [run["temperature_K"] for run in results["runs"]] == [300.0, 600.0]
    assert [entry["temperature_K"] for entry in results["failed"]] == [2500.0]
    assert "blew up" in results["failed"][0]["why"]
    assert any(remark.startswith("2500 K: no result") for remark in results["remarks"])


@pytest.mark.parametrize("calculator", [Explosive, NotANumber])
def test_all_runs_blow_up(tmp_path, calculator):
    results = einstein(tmp_path, calculator=calculator)
    assert results["runs"] == []
    assert len(results["failed"]) == 3
    assert results["arrhenius_missing"] == "no run finished"


def test_the_cell_is_told_of(study, tmp_path):
    _, results = study
    assert "The cell follows a pressure of 0 GPa (NPT; free: lengths along xyz)" in results["remarks"][0]
    assert "(NVT): thermal expansion is left out" in einstein(tmp_path)["remarks"][0]


def test_estimate_counts_what_is_left(tmp_path):
    fresh = estimate_cost(EINSTEIN, tmp_path, calculator=Einstein, trial_steps=20)
    assert fresh.atoms == {"crystal": 64}
    assert set(fresh.steps.values()) == {EINSTEIN.steps} == {1150}
    assert fresh.steps_to_do == 3450
    assert fresh.seconds == pytest.approx(3450 * fresh.seconds_per_step)
    assert list(tmp_path.iterdir()) == []
    einstein(tmp_path, replace(EINSTEIN, temperatures=(800.0,)))
    rest = estimate_cost(replace(EINSTEIN, workers=2), tmp_path, calculator=Einstein, trial_steps=20)
    assert rest.steps_to_do == 2300
    assert rest.seconds == pytest.approx(1150 * rest.seconds_per_step)
