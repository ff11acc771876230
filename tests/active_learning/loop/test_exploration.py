"""How a run of an iteration ends: what boils is not what breaks."""

import pytest

from betalps.active_learning.loop.config import Seed
from betalps.active_learning.loop.exploration import explore
from betalps.active_learning.loop.seeds import Start
from betalps.protocols import Grading, RunSpec, Stage
from betalps.structures import beta_li3ps4

SEED = Seed(name="beta", structure={"builder": "beta_li3ps4"}, temperatures=(900.0,))
START = Start(name="beta", seed=SEED, atoms=beta_li3ps4(), temperature=900.0, strain=0.0)


def ended(folder, pressure, **grading):
    """The outcome of a picosecond at so many GPa."""
    stage = Stage(
        name="explore",
        ensemble="npt",
        time=1.0,
        temperature=900.0,
        pressure=pressure,
        free="isotropic",
        production=False,
    )
    spec = RunSpec(stages=(stage,), potential="beta-lps", grade=Grading(every=5, **grading), thermo_interval=0.01)
    (outcome,) = explore({"beta": (START, spec)}, folder, 1, lambda *_: None)
    return outcome


@pytest.mark.parametrize(
    ("pressure", "gamma_select", "how"),
    [
        pytest.param(-8.0, 1e6, "boiled", id="it grows through what is known"),
        pytest.param(-8.0, 0.5, "unstable", id="it grows through what is not"),
        pytest.param(60.0, 1e6, "unstable", id="it shrinks"),
    ],
)
def test_a_volume_out_of_bounds(tmp_path, pressure, gamma_select, how):
    outcome = ended(tmp_path, pressure, gamma_select=gamma_select, gamma_break=1e7)
    assert outcome.ended == how
    assert outcome.broken == (how != "boiled")
    assert "the run lost its volume" in outcome.message
    assert 0 < outcome.time < outcome.length
