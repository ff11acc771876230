"""Runs in a folder: what they write, and that a kill at any moment changes nothing."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.lj import LennardJones

from betalps.dynamics import NVT, UnstableRunError, load_checkpoint, read_thermo, run_nvt
from betalps.errors import CheckpointError, StructureError
from betalps.trajectories import read_chunks
from dynamics import killable


def calculator():
    return LennardJones(epsilon=0.0104, sigma=3.40, rc=6.5, ro=5.5, smooth=True)


SETTINGS = NVT(temperature=60.0, timestep=4.0, frame_interval=5, equilibration=10, checkpoint_interval=8)


def run(atoms, folder, settings=SETTINGS, **changes):
    arguments = {"steps": 40, "calculator": calculator, "potential": "lj", "rng": 1} | changes
    return run_nvt(atoms, folder, settings, **arguments)


def content(folder):
    """Everything a run leaves behind that an analysis may read."""
    frames = read_chunks(folder / "trajectory")
    state = load_checkpoint(folder / "checkpoint.npz")
    return {
        "fractional": frames.fractional,
        "times": frames.times,
        "cells": frames.cells,
        "positions": state.positions,
        "momenta": state.momenta,
        "heat": np.array(state.heat),
        "rng": np.array(str(state.rng_state)),
        "thermo": np.array((folder / "thermo.csv").read_text()),
    }


def assert_same(first, second):
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_frames_and_log_are_where_they_should_be(argon, tmp_path):
    before = argon.positions.copy()
    final = run(argon, tmp_path)
    frames = read_chunks(tmp_path / "trajectory")
    np.testing.assert_allclose(frames.times, np.arange(10, 41, 5) * 4e-3)
    log = read_thermo(tmp_path)
    np.testing.assert_array_equal(log["step"], np.arange(0, 41, 5))
    np.testing.assert_allclose(log["time_ps"], np.arange(0, 41, 5) * 4e-3)
    # The last frame, the returned atoms and the log tell of the same state.
    last = frames.fractional[-1].astype(float) @ frames.cells[-1]
    offset = np.linalg.solve(argon.cell[:].T, (last - final.positions).T).T
    np.testing.assert_allclose(offset, np.rint(offset), atol=1e-6)
    dof = 3 * len(argon) - 3
    assert log["kinetic_energy_eV"][-1] == pytest.approx(final.get_kinetic_energy(), rel=1e-12)
    assert log["temperature_K"][-1] == pytest.approx(final.get_temperature() * 3 * len(argon) / dof, rel=1e-12)
    final.calc = calculator()
    assert log["potential_energy_eV"][-1] == pytest.approx(final.get_potential_energy(), rel=1e-12)
    np.testing.assert_array_equal(argon.positions, before)
    assert not argon.has("momenta")


def test_same_seed_same_run_other_seed_other_run(argon, tmp_path):
    for name, seed in (("a", 1), ("b", np.random.default_rng(1)), ("c", 2)):
        run(argon, tmp_path / name, rng=seed)
    assert_same(content(tmp_path / "a"), content(tmp_path / "b"))
    assert not np.array_equal(content(tmp_path / "a")["positions"], content(tmp_path / "c")["positions"])


def test_global_random_state_is_left_alone(argon, tmp_path):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    run(argon, tmp_path)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_finished_run_is_not_computed_again(argon, tmp_path):
    final = run(argon, tmp_path)
    before = content(tmp_path)

    def never():
        raise AssertionError("a finished run asked for forces")

    again = run(argon, tmp_path, calculator=never)
    np.testing.assert_array_equal(again.positions, final.positions)
    np.testing.assert_array_equal(again.get_momenta(), final.get_momenta())
    assert_same(before, content(tmp_path))


def test_finished_run_can_be_made_longer(argon, tmp_path):
    run(argon, tmp_path / "a", steps=24)
    run(argon, tmp_path / "a", steps=40)
    run(argon, tmp_path / "b", steps=40)
    assert_same(content(tmp_path / "b"), content(tmp_path / "a"))


def test_shorter_than_done_is_refused(argon, tmp_path):
    run(argon, tmp_path)
    with pytest.raises(CheckpointError, match="is at step 40, beyond the 24 asked for"):
        run(argon, tmp_path, steps=24)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", [0, 5, 10, 15, 25, 40])
def test_resumes_bit_for_bit_after_an_exception_anywhere(argon, tmp_path, at):
    run(argon, tmp_path / "whole")

    def observer(progress):
        if progress.step == at:
            raise Killed

    with pytest.raises(Killed):
        run(argon, tmp_path / "cut", observer=observer)
    run(argon, tmp_path / "cut")
    assert_same(content(tmp_path / "whole"), content(tmp_path / "cut"))


@pytest.mark.slow
def test_sigkill_at_random_moments_changes_nothing(tmp_path):
    """A real process, killed again and again, with a calculator whose rounding depends on its past."""
    steps = 400
    killable.go(tmp_path / "whole", steps)
    rng = np.random.default_rng()  # other moments in every test run: the result must not depend on them
    kills, reached = 0, []
    while kills < 15:
        process = subprocess.Popen(
            [sys.executable, killable.__file__, str(tmp_path / "cut"), str(steps)], stdout=subprocess.PIPE
        )
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        if process.wait() == 0:
            break
        kills += 1
        checkpoint = tmp_path / "cut" / "checkpoint.npz"
        reached.append(load_checkpoint(checkpoint).step if checkpoint.exists() else 0)
    assert kills >= 3, "the process finished before it could be killed"
    assert len({step for step in reached if 0 < step < steps}) >= 2, f"kills hit nothing in between: {reached}"
    killable.go(tmp_path / "cut", steps)
    assert_same(content(tmp_path / "whole"), content(tmp_path / "cut"))


def test_a_calculator_with_memory_would_show(tmp_path):
    """The guard of the test above: without a fresh calculator at checkpoints the result would differ."""
    killable.go(tmp_path / "a", 60)
    atoms, shared = killable.crystal(), killable.Remembering()
    settings = killable.SETTINGS
    run_nvt(atoms, tmp_path / "b", settings, steps=60, calculator=lambda: shared, potential="lj", rng=7)
    assert not np.array_equal(content(tmp_path / "a")["positions"], content(tmp_path / "b")["positions"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": replace(SETTINGS, temperature=61.0)}, r"temperature \(there 60.0, asked for 61.0\)"),
        (
            {"settings": replace(SETTINGS, checkpoint_interval=9)},
            r"checkpoint_interval \(there 8, asked for 9\)",
        ),
        ({"potential": "other"}, r"potential \(there 'lj', asked for 'other'\)"),
        ({"rng": 3}, "rng"),
    ],
)
def test_another_run_is_refused_and_named(argon, tmp_path, change, named):
    run(argon, tmp_path)
    with pytest.raises(CheckpointError, match=f"belongs to another run; it differs in {named}"):
        run(argon, tmp_path, **change)


def test_another_structure_is_refused(argon, tmp_path):
    run(argon, tmp_path)
    argon.positions[0, 0] += 1e-9
    with pytest.raises(CheckpointError, match="differs in structure"):
        run(argon, tmp_path)


def test_a_folder_in_use_is_refused(argon, tmp_path, monkeypatch):
    monkeypatch.setattr("betalps.dynamics.runs._PATIENCE", 0.2)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CheckpointError, match="another process is running in"):
            run(argon, tmp_path)
    run(argon, tmp_path)


def test_foreign_files_are_not_overwritten(argon, tmp_path):
    (tmp_path / "thermo.csv").write_text("somebody else's")
    with pytest.raises(CheckpointError, match=r"holds thermo\.csv but no checkpoint\.npz"):
        run(argon, tmp_path)
    assert (tmp_path / "thermo.csv").read_text() == "somebody else's"


def test_damaged_checkpoint_is_named(argon, tmp_path):
    run(argon, tmp_path)
    os.truncate(tmp_path / "checkpoint.npz", 100)
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz is not a readable checkpoint"):
        run(argon, tmp_path)


def test_lost_frames_are_named(argon, tmp_path):
    run(argon, tmp_path)
    for chunk in (tmp_path / "trajectory").glob("chunk-*.npz"):
        chunk.unlink()
    with pytest.raises(CheckpointError, match="frames"):
        run(argon, tmp_path, steps=80)


def test_explosion_leaves_a_folder_that_says_so_again(argon, tmp_path):
    argon.positions[0] = argon.positions[1] + [1.2, 0, 0]
    for _ in range(2):
        with pytest.raises(UnstableRunError, match="blew up"):
            run(argon, tmp_path)


def test_not_finite_start_is_named(argon, tmp_path):
    argon.positions[0] = np.nan
    with pytest.raises(StructureError, match="not finite"):
        run(argon, tmp_path)


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_bad_steps_are_named(argon, tmp_path, steps):
    with pytest.raises(ValueError, match="steps must be a whole number"):
        run(argon, tmp_path, steps=steps)


def test_observer_sees_progress(argon, tmp_path):
    seen = []
    run(argon, tmp_path, observer=seen.append)
    assert [p.step for p in seen] == list(range(0, 41, 5))
    assert all(p.steps == 40 and p.time == pytest.approx(p.step * 4e-3) for p in seen)
    assert all(p.ns_per_day > 0 for p in seen[1:])
    np.testing.assert_allclose([p.temperature for p in seen], read_thermo(tmp_path)["temperature_K"])
