"""A run's description: steps, frames, tables in and out, and what is refused."""

import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.protocols import Grading, RunSpec, Stage, amorphization

TEXT = """
structure = { builder = "beta_li3ps4", supercell = [1, 2, 2] }
timestep = 2.0
frame_interval = 0.1
temperature_bounds = [10, 3000]
grade = { every = 20, gamma_select = 2.0, gamma_break = 5.0 }

[[stages]]
name = "heat"
time = 1.0
temperature = 300
final_temperature = 600
production = false

[[stages]]
name = "hold"
time = 2.0
temperature = 600
"""


def spec(**changes):
    return replace(RunSpec.from_dict(tomllib.loads(TEXT)), **changes)


def test_toml_is_read():
    run = spec()
    assert run.stage_steps == (500, 1000)
    assert run.steps == 1500
    assert run.time == pytest.approx(3.0)
    assert run.frame_steps == (0, 50)
    assert run.frames == 20
    assert run.production_windows == ((1.0, 3.0),)
    assert run.grade == Grading(every=20, gamma_select=2.0, gamma_break=5.0)
    assert run.allowed_temperatures == (10.0, 3000.0)
    assert spec(temperature_bounds=None).allowed_temperatures == (0.0, 3000.0)


def test_dictionary_goes_through_json_and_comes_back():
    run = spec()
    assert RunSpec.from_dict(json.loads(json.dumps(run.to_dict()))) == run


def test_a_protocol_stands_for_its_stages():
    run = RunSpec.from_dict({"protocol": {"name": "amorphization", "scale": 0.001}})
    assert run.stages == amorphization(0.001)
    assert RunSpec.from_dict(run.to_dict()) == run


def test_identity_is_what_decides_the_trajectory():
    run = spec()
    same = [
        {"engine": "ase"},
        {"threads": 3},
        {"grade": None},
        {"temperature_bounds": (1.0, 5000.0)},
        {"structure": "elsewhere.extxyz"},
        {"potential": "copy-of-it.almtp"},
    ]
    assert all(spec(**change).identity() == run.identity() for change in same)
    other = [
        {"timestep": 1.0},
        {"seed": 2},
        {"thermostat_time": 0.2},
        {"barostat_time": 2.0},
        {"frame_interval": 0.2},
        {"thermo_interval": 0.2},
        {"checkpoint_interval": 1.0},
        {"velocities": "keep"},
    ]
    assert all(spec(**change).identity() != run.identity() for change in other)
    json.dumps(run.identity())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": ()}, "stages is empty"),
        ({"stages": "heat"}, "stages is 'heat'; expected a list"),
        ({"stages": spec().stages[:1] * 2}, "heat appears more than once"),
        ({"structure": ""}, "structure is ''"),
        ({"structure": {"supercell": [1, 1, 1]}}, "expected a path, or a table with a builder"),
        ({"potential": ""}, "potential is ''"),
        ({"timestep": 0.0}, "timestep is 0.0"),
        ({"timestep": "2 fs"}, "timestep is '2 fs'"),
        ({"thermostat_time": -1.0}, "thermostat_time is -1.0"),
        ({"frame_interval": 1e-4}, r"frame_interval is 0\.0001 ps; expected at least one time step \(0\.002 ps\)"),
        ({"checkpoint_interval": float("inf")}, "checkpoint_interval is inf"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"ranks": 1.5}, "ranks is 1.5"),
        ({"velocities": "zero"}, "velocities is 'zero'; expected one of maxwell-boltzmann, keep"),
        ({"engine": "gromacs"}, "engine is 'gromacs'; expected one of auto, native, ase, lammps"),
        ({"engine": "native", "ranks": 2}, "ranks is 2; engine 'native' is one process"),
        ({"grade": {"every": 0}}, r"grade\.every is 0"),
        ({"grade": {"gamma_select": 3.0, "gamma_break": 2.0}}, r"gamma_break is 2\.0; expected .* at least 3"),
        ({"grade": 3}, "grade is 3; expected a table"),
        ({"temperature_bounds": (500.0, 100.0)}, "temperature_bounds is .* expected the first below the second"),
        ({"volume_bounds": (0.5,)}, "volume_bounds is .* expected two numbers"),
        ({"stages": (Stage(name="a", time=5e-4, temperature=1.0),)}, "stage 'a': time is 0.0005 ps"),
        (
            {"stages": (Stage(name="a", time=1.0, temperature=1.0, frame_interval=1e-5),)},
            "stage 'a': frame_interval is 1e-05 ps",
        ),
    ],
)
def test_bad_settings_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        spec(**changes)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"colour": 1}, "unknown setting colour in the run; there are stages, structure"),
        ({}, "lacks stages"),
        ({"protocol": {"name": "melt"}}, "expected a table with a name: amorphization, heating-equil"),
        ({"protocol": "amorphization"}, "expected a table with a name"),
        ({"protocol": {"name": "amorphization", "scal": 1}}, "unexpected keyword argument 'scal'; it takes scale"),
        ({"protocol": {"name": "single-temperature"}}, "missing a required argument"),
        ({"protocol": {"name": "amorphization"}, "stages": []}, "both protocol and stages"),
    ],
)
def test_bad_tables_are_named(table, said):
    with pytest.raises(ValueError, match=said):
        RunSpec.from_dict(table)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    times=st.lists(st.floats(0.1, 50.0), min_size=1, max_size=4),
    timestep=st.floats(0.5, 5.0),
    interval=st.floats(0.01, 5.0),
    recorded=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_counts_fit_together(times, timestep, interval, recorded):
    stages = tuple(
        Stage(name=str(k), time=time, temperature=300.0, production=recorded[k]) for k, time in enumerate(times)
    )
    run = RunSpec(stages=stages, timestep=timestep, frame_interval=interval)
    assert run.steps == sum(run.stage_steps)
    assert run.time == pytest.approx(sum(times), abs=0.5e-3 * timestep * len(times) + 1e-9)
    frames, done = 0, 0
    for steps, every, stage in zip(run.stage_steps, run.frame_steps, stages, strict=True):
        assert (every > 0) == stage.production
        frames += sum(1 for k in range(1, steps + 1) if every and k % every == 0)
        done += steps
    assert run.frames == frames
    assert all(0 <= start < end <= run.time + 1e-9 for start, end in run.production_windows)
