"""The study's protocols hold the study's numbers."""

import pytest

from betalps.protocols import (
    AMORPHIZATION,
    RunSpec,
    amorphization,
    heating_equilibration_production,
    single_temperature,
)


def test_amorphization_is_the_study_s():
    stages = amorphization()
    assert tuple(stage.name for stage in stages) == AMORPHIZATION
    assert [stage.time for stage in stages] == [200.0, 400.0, 340.0, 2000.0, 8000.0]
    assert [(s.temperature, s.final_temperature) for s in stages] == [
        (300.0, 2000.0),
        (2000.0, None),
        (2000.0, 300.0),
        (300.0, None),
        (300.0, None),
    ]
    assert (stages[2].temperature - stages[2].final_temperature) / stages[2].time == 5.0  # K/ps
    assert [stage.production for stage in stages] == [False] * 4 + [True]
    assert {stage.ensemble for stage in stages} == {"npt"}
    assert RunSpec(stages=stages).steps == 5_470_000


def test_amorphization_is_scaled_as_a_whole_or_in_parts():
    assert sum(stage.time for stage in amorphization(0.01)) == pytest.approx(109.4)
    parts = amorphization(0.01, scales={"produce": 0.1, "cool": 2})
    assert [stage.time for stage in parts] == pytest.approx([2.0, 4.0, 6.8, 20.0, 8.0])
    assert amorphization(cooling_rate=1.0)[2].time == 1700.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scale": 0}, "scale is 0"),
        ({"scales": {"boil": 2}}, "scales names 'boil'; the stages are heat, melt, cool, relax, produce"),
        ({"scales": {"melt": -1}}, r"scales\['melt'\] is -1"),
        ({"melt": 200.0}, "melt is 200.0 K; expected more than final"),
        ({"cooling_rate": 0.0}, "cooling_rate is 0.0"),
        ({"free": "none"}, "free is 'none'"),
    ],
)
def test_amorphization_refuses(arguments, said):
    with pytest.raises(ValueError, match=said):
        amorphization(**arguments)


@pytest.mark.parametrize("temperature", [300.0, 800.0, 2000.0])
def test_test_set_has_5_5_13_frames(temperature):
    stages = heating_equilibration_production(temperature)
    run = RunSpec(stages=stages)
    counts = [steps // every for steps, every in zip(run.stage_steps, run.frame_steps, strict=True)]
    assert counts == [5, 5, 13]
    assert run.frames == 23
    assert stages[0].temperature_at(1.0) == stages[1].temperature == stages[2].temperature == temperature
    assert [stage.production for stage in stages] == [False, False, True]


def test_test_set_refuses():
    with pytest.raises(ValueError, match="times has 2 values; expected three"):
        heating_equilibration_production(300.0, times=(1.0, 2.0))
    with pytest.raises(ValueError, match=r"frames of produce is 1\.5"):
        heating_equilibration_production(300.0, frames=(1, 1, 1.5))
    no_heating_frames = RunSpec(stages=heating_equilibration_production(300.0, frames=(0, 5, 13)))
    assert no_heating_frames.frames == 18


def test_single_temperature():
    assert [s.name for s in single_temperature(300.0, production=5.0)] == ["produce"]
    both = single_temperature(300.0, production=5.0, equilibration=1.0, ensemble="nvt")
    assert [(s.name, s.time, s.production) for s in both] == [("equilibrate", 1.0, False), ("produce", 5.0, True)]
    with pytest.raises(ValueError, match="equilibration is -1"):
        single_temperature(300.0, production=5.0, equilibration=-1)
