"""What a run will cost: measured and counted, nothing written."""

import pytest

from betalps.dynamics import estimate_run, run
from dynamics import cases
from dynamics.cases import spec, stage


def test_counts_and_times(tmp_path):
    planned = spec(stage("a", 20), stage("b", 200))
    cost = estimate_run(planned, tmp_path, atoms=cases.argon(), calculator=cases.Morse, trial_steps=10)
    assert (cost.atoms, cost.engine, cost.steps, cost.steps_to_do, cost.frames) == (32, "ase", 220, 220, 44)
    assert cost.seconds == pytest.approx(220 * cost.seconds_per_step)
    assert cost.microseconds_per_atom == pytest.approx(1e6 * cost.seconds_per_step / 32)
    assert not list(tmp_path.iterdir())
    run(spec(stage("a", 20)), tmp_path, atoms=cases.argon(), calculator=cases.Morse)
    rest = estimate_run(planned, tmp_path, atoms=cases.argon(), calculator=cases.Morse, trial_steps=10)
    assert rest.steps_to_do == 200


def test_disk_is_what_it_becomes(tmp_path):
    planned = spec(stage("b", 300))
    cost = estimate_run(planned, atoms=cases.argon(), calculator=cases.Morse, trial_steps=5)
    run(planned, tmp_path, atoms=cases.argon(), calculator=cases.Morse)
    written = sum(path.stat().st_size for path in (tmp_path / "trajectory").rglob("*"))
    written += (tmp_path / "thermo.csv").stat().st_size
    assert 0.7 * written < cost.bytes_on_disk < 1.5 * written


def test_the_start_is_left_alone():
    atoms = cases.argon()
    before = atoms.positions.copy()
    estimate_run(spec(), atoms=atoms, calculator=cases.Morse, trial_steps=5)
    assert (atoms.positions == before).all()
    assert not atoms.has("momenta")
