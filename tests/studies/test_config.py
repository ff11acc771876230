"""Settings: what they mean in steps, and what is refused."""

import dataclasses

import pytest

from betalps.analysis.transport.window import MINIMUM_FRAMES
from betalps.studies import StudyConfig, config


def test_fewest_frames_are_those_of_the_analysis():
    assert config._FEWEST_FRAMES == MINIMUM_FRAMES


def test_lengths_become_whole_steps():
    settings = StudyConfig(equilibration=1.0, production=10.0, timestep=2.0, frame_interval=0.1)
    run = settings.run_spec(700.0)
    assert (run.stage_steps, run.frame_steps, settings.steps) == ((500, 5000), (0, 50), 5500)
    assert (run.thermo_steps, run.checkpoint_steps) == (50, config._CHECKPOINT_STEPS)
    assert (run.timestep, run.thermostat_time, run.barostat_time) == (2.0, 0.1, 1.0)
    assert {stage.temperature for stage in run.stages} == {700.0}


def test_production_is_a_whole_number_of_frames():
    settings = StudyConfig(equilibration=0.0, production=10.0, timestep=3.0, frame_interval=0.1)
    run = settings.run_spec(700.0)
    assert run.steps == settings.steps
    assert run.steps == run.frames * run.frame_steps[0]
    assert settings.steps * 3e-3 == pytest.approx(10.0, abs=0.1)


def test_ensemble():
    expanding = StudyConfig(pressure=0.1).run_spec(700.0).stages[-1]
    assert (expanding.ensemble, expanding.free, expanding.pressure) == ("npt", "xyz", 0.1)
    assert StudyConfig(ensemble="nvt", pressure=0.1).run_spec(700.0).stages[-1].ensemble == "nvt"


def test_seeds_are_of_seed_and_temperature():
    seeds = [StudyConfig(seed=s).run_spec(t).seed for s in (1, 2) for t in (600.0, 600.5, 700.0)]
    assert len(set(seeds)) == 6
    assert StudyConfig(temperatures=(600.0,)).run_spec(600.0).seed == seeds[0]
    assert StudyConfig().run_spec(600.0, "Σ5[001]/(120)").seed not in seeds


def test_the_glass_is_made_as_in_the_study_but_shorter():
    settings = StudyConfig(glass_scale=0.1, pressure=0.2)
    heat, melt, cool, relax = settings.melt_spec("(001)").stages
    assert [stage.time for stage in (heat, melt, cool, relax)] == pytest.approx([20.0, 40.0, 34.0, 200.0])
    assert (cool.temperature - cool.final_temperature) / cool.time == pytest.approx(50.0)
    assert {stage.free for stage in (heat, melt, cool, relax)} == {"z"}  # the lateral cell is the crystal's
    pressures = [(stage.pressure, stage.final_pressure) for stage in (heat, melt, cool, relax)]
    assert pressures == [(1.2, None), (1.2, None), (1.2, 0.2), (0.2, None)]
    assert not any(stage.production for stage in (heat, melt, cool, relax))
    alone, on_crystal = settings.glass_spec(600.0), settings.glass_spec(600.0, "(001)")
    assert (alone.stages[-1].free, on_crystal.stages[-1].free) == ("isotropic", settings.free)
    assert alone.time == pytest.approx(settings.equilibration + settings.glass_production)
    assert len({alone.seed, on_crystal.seed, settings.glass_spec(600.0, "(120)").seed}) == 3


def test_an_interface_without_a_plane_is_an_error():
    with pytest.raises(ValueError, match="five"):
        StudyConfig(interfaces=("five",))


def test_from_dict_is_what_toml_gives():
    settings = StudyConfig.from_dict({"temperatures": [600, 700], "supercell": [1, 1, 2], "production": 20})
    assert settings.temperatures == (600.0, 700.0)
    assert settings.supercell == (1, 1, 2)
    again = StudyConfig.from_dict(dataclasses.asdict(settings))
    assert again == settings


def test_unknown_setting_is_named():
    with pytest.raises(ValueError, match=r"unknown setting colour, tempratures; there are temperatures, .*seed"):
        StudyConfig.from_dict({"tempratures": [300], "colour": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperatures", ()),
        ("temperatures", (300.0, -1.0)),
        ("temperatures", ("hot",)),
        ("temperatures", (True,)),
        ("temperatures", (float("nan"),)),
        ("temperatures", 300.0),
        ("temperatures", (300.0, 300.0)),
        ("supercell", (1, 2)),
        ("supercell", (1, 2, 0)),
        ("supercell", (1, 2, 1.5)),
        ("supercell", "123"),
        ("ordering", "5a"),
        ("boundaries", "Σ5[001]/(120)"),
        ("boundaries", (120,)),
        ("boundaries", ("Σ5[001]/(120)", "S5[001]/(120)")),
        ("boundary_temperatures", (600.0, 0.0)),
        ("boundary_atoms", 0),
        ("boundary_area", -1.0),
        ("boundary_production", 1.0),  # too few frames
        ("glass_temperatures", (0.0,)),
        ("glass_temperatures", 500.0),
        ("interfaces", "(001)"),
        ("interfaces", (1,)),
        ("interfaces", ("(001)", "001")),
        ("glass_atoms", 0),
        ("glass_scale", 0.0),
        ("glass_production", 1.0),  # too few frames
        ("equilibration", -1.0),
        ("production", 0.0),
        ("production", float("inf")),
        ("production", "long"),
        ("production", 1.0),  # too few frames
        ("timestep", 0.0),
        ("thermostat_time", -0.1),
        ("barostat_time", 0.0),
        ("ensemble", "nve"),
        ("free", "none"),
        ("pressure", float("nan")),
        ("frame_interval", 1e-4),  # shorter than a step
        ("target_temperature", 0.0),
        ("seed", -1),
        ("seed", 1.5),
        ("workers", 0),
        ("threads", True),
    ],
)
def test_bad_value_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        StudyConfig(**{name: value})


def test_a_boundary_that_has_no_name_is_an_error():
    with pytest.raises(ValueError, match=r"Σ5"):
        StudyConfig(boundaries=("five",))
