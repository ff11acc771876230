"""Settings: what they mean in steps, and what is refused."""

import dataclasses

import pytest

from betalps.analysis.window import MINIMUM_FRAMES
from betalps.studies import StudyConfig, config


def test_fewest_frames_are_those_of_the_analysis():
    assert config._FEWEST_FRAMES == MINIMUM_FRAMES


def test_lengths_become_whole_steps():
    settings = StudyConfig(equilibration=1.0, production=10.0, timestep=2.0, frame_interval=0.1)
    run = settings.run_settings(700.0)
    assert (run.equilibration, run.frame_interval, settings.steps) == (500, 50, 5500)
    assert (run.temperature, run.timestep, run.thermostat_time) == (700.0, 2.0, 0.1)


def test_production_is_a_whole_number_of_frames():
    settings = StudyConfig(equilibration=0.0, production=10.0, timestep=3.0, frame_interval=0.1)
    assert settings.steps % settings.run_settings(700.0).frame_interval == 0
    assert settings.steps * 3e-3 == pytest.approx(10.0, abs=0.1)


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
        ("equilibration", -1.0),
        ("production", 0.0),
        ("production", float("inf")),
        ("production", "long"),
        ("production", 1.0),  # too few frames
        ("timestep", 0.0),
        ("thermostat_time", -0.1),
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
