"""A stage: what it refuses, and where its targets are along the way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.protocols import Stage

GOOD = {"name": "hold", "time": 10.0, "temperature": 300.0}


def test_targets_go_linearly_and_arrive():
    stage = Stage(**GOOD, final_temperature=900.0, pressure=1.0, final_pressure=0.0)
    assert [stage.temperature_at(f) for f in (0.0, 0.5, 1.0)] == [300.0, 600.0, 900.0]
    assert [stage.pressure_at(f) for f in (0.0, 0.25, 1.0)] == [1.0, 0.75, 0.0]
    assert stage.ramped
    constant = Stage(**GOOD)
    assert constant.temperature_at(0.3) == 300.0
    assert not constant.ramped


@pytest.mark.parametrize(
    ("free", "axes"),
    [("isotropic", None), ("cell", None), ("z", (False, False, True)), ("xy", (True, True, False))],
)
def test_axes(free, axes):
    assert Stage(**GOOD, free=free).axes == axes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "stage name is ''; expected a word"),
        ({"name": "a,b"}, "stage name is 'a,b'"),
        ({"time": 0.0}, r"stage 'hold': time is 0\.0; expected a finite number above 0"),
        ({"time": "long"}, "stage 'hold': time is 'long'"),
        ({"temperature": -3.0}, "temperature is -3.0"),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": None}, "temperature is None"),
        ({"final_temperature": float("nan")}, "final_temperature is nan"),
        ({"pressure": float("inf")}, "pressure is inf"),
        ({"pressure": None}, "pressure is None"),
        ({"frame_interval": 0}, "frame_interval is 0"),
        ({"ensemble": "npx"}, "ensemble is 'npx'; expected one of nve, nvt, npt"),
        ({"free": "zy"}, "free is 'zy'; expected one of isotropic, cell, x, y"),
        ({"production": 1}, "production is 1; expected true or false"),
        ({"ensemble": "nve", "final_temperature": 400.0}, "final_temperature is for nvt and npt"),
        ({"ensemble": "nvt", "pressure": 1.0}, "pressure is for npt; the cell is fixed in nvt"),
        ({"ensemble": "nve", "free": "z"}, "free is for npt"),
    ],
)
def test_bad_settings_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        Stage(**{**GOOD, **changes})


def test_tables_are_read_and_mistakes_named():
    stage = Stage.from_dict({**GOOD, "free": "z"})
    assert Stage.from_dict(stage.to_dict()) == stage
    with pytest.raises(ValueError, match=r"unknown setting temprature in stage 'hold'; there are name, ensemble"):
        Stage.from_dict({**GOOD, "temprature": 3})
    with pytest.raises(ValueError, match="stage 'hold' lacks time, temperature"):
        Stage.from_dict({"name": "hold"})
    with pytest.raises(ValueError, match="stage is 3; expected a table"):
        Stage.from_dict(3)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    first=st.floats(1.0, 3000.0),
    last=st.floats(1.0, 3000.0),
    fraction=st.floats(0.0, 1.0),
)
def test_a_ramp_stays_between_its_ends(first, last, fraction):
    stage = Stage(name="ramp", time=1.0, temperature=first, final_temperature=last)
    low, high = min(first, last), max(first, last)
    assert low * (1 - 1e-12) <= stage.temperature_at(fraction) <= high * (1 + 1e-12)
    assert stage.temperature_at(0.0) == first
    assert stage.temperature_at(1.0) == last
