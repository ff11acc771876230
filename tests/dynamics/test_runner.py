"""Runs in a folder: what they record, that a kill at any moment changes nothing, and why they stop."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units

from betalps.dynamics import Callback, StopRun, UnstableRunError, load_checkpoint, read_thermo, run
from betalps.dynamics.motion import thermal_momenta
from betalps.errors import CheckpointError, StructureError
from betalps.protocols import amorphization
from betalps.trajectories import open_trajectory
from dynamics import cases, killable
from dynamics.cases import spec, stage

NPT = {"ensemble": "npt", "free": "isotropic"}
RAMPED = spec(
    stage("heat", 30, temperature=20.0, final_temperature=60.0, production=False, **NPT),
    stage("hold", 42, ensemble="npt", free="cell"),
    stage("free", 20, ensemble="nve"),
)


def go(folder, run_spec=None, *, atoms=None, calculator=cases.Morse, **options):
    return run(run_spec or spec(), folder, atoms=atoms or cases.argon(), calculator=calculator, **options)


def content(folder):
    """Everything a run leaves behind that an analysis may read."""
    frames = open_trajectory(folder / "trajectory")
    state = load_checkpoint(folder / "checkpoint.npz")
    return {
        "fractional": np.asarray(frames.fractional),
        "images": np.asarray(frames.images),
        "times": frames.times,
        "cells": frames.cells,
        "energy": frames.scalars["energy"],
        "positions": state.positions,
        "momenta": state.momenta,
        "cell": state.cell,
        "thermo": np.array((folder / "thermo.csv").read_text()),
        **{f"motion/{name}": value for name, value in state.motion.items()},
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_frames_and_log_are_where_they_should_be(tmp_path):
    start = cases.argon()
    before = start.positions.copy()
    result = go(tmp_path, RAMPED, atoms=start)
    assert (result.step, result.steps, result.stopped) == (92, 92, None)
    frames = open_trajectory(tmp_path / "trajectory")
    # Every fifth step of a production stage, counted from its own start.
    steps = [35, 40, 45, 50, 55, 60, 65, 70, 77, 82, 87, 92]
    np.testing.assert_allclose(frames.times, np.array(steps) * 4e-3)
    np.testing.assert_array_equal(frames.scalars["stage"], [2.0] * 8 + [3.0] * 4)
    log = read_thermo(tmp_path)
    np.testing.assert_array_equal(log["step"], sorted({*range(0, 92, 5), 30, 72, 92}))
    np.testing.assert_allclose(log["time_ps"], log["step"] * 4e-3)
    np.testing.assert_array_equal(log["stage"], np.where(log["step"] <= 30, 1, np.where(log["step"] <= 72, 2, 3)))
    # The last frame, the returned atoms and the log tell of the same state.
    final = result.atoms
    np.testing.assert_allclose(frames[-1].cell.array, final.cell.array)
    offset = final.cell.scaled_positions(frames[-1].positions - final.positions)
    np.testing.assert_allclose(offset, np.rint(offset), atol=1e-6)
    n = len(start)
    assert log["kinetic_energy_eV"][-1] == pytest.approx(final.get_kinetic_energy(), rel=1e-12)
    assert log["temperature_K"][-1] == pytest.approx(final.get_temperature() * n / (n - 1), rel=1e-12)
    final.calc = cases.Morse()
    assert log["potential_energy_eV"][-1] == pytest.approx(final.get_potential_energy(), rel=1e-12)
    assert log["volume_A3"][-1] == pytest.approx(final.get_volume(), rel=1e-12)
    stress = final.get_stress(include_ideal_gas=True) / units.GPa
    assert log["stress_xy_GPa"][-1] == pytest.approx(stress[5], rel=1e-9)
    assert log["pressure_GPa"][-1] == pytest.approx(-stress[:3].mean(), rel=1e-9)
    assert np.isnan(log["grade"]).all()
    np.testing.assert_array_equal(start.positions, before)
    assert not start.has("momenta")


def test_the_folder_says_what_the_run_is(tmp_path):
    go(tmp_path, RAMPED)
    told = json.loads((tmp_path / "run.json").read_text())
    assert type(RAMPED).from_dict(told["run"]) == RAMPED
    assert told["identity"]["potential"].endswith("Morse")
    assert told["identity"]["engine"] == "ase"
    assert told["provenance"]["betalps"]


def test_same_seed_same_run_other_seed_other_run(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        go(tmp_path / name, spec(seed=seed))
    assert_same(content(tmp_path / "a"), content(tmp_path / "b"))
    assert not np.array_equal(content(tmp_path / "a")["positions"], content(tmp_path / "c")["positions"])


def test_velocities_are_drawn_or_kept(tmp_path):
    atoms = cases.argon()
    with pytest.raises(ValueError, match='velocities is "keep", but the structure has none'):
        go(tmp_path / "none", spec(velocities="keep"), atoms=atoms)
    rng = np.random.default_rng(4)
    momenta = thermal_momenta(atoms, 60.0, rng)
    atoms.set_momenta(momenta + atoms.get_masses()[:, None] * [0.1, 0.0, 0.0])  # drifts as a whole
    seen = []
    go(tmp_path / "kept", spec(velocities="keep"), atoms=atoms, observers=[Callback(every=40, call=keep(seen))])
    np.testing.assert_allclose(seen[0].get_momenta(), momenta, atol=1e-12)
    assert not np.allclose(seen[1].get_momenta(), momenta)


def keep(seen):
    return lambda atoms, step: seen.append(atoms)


def test_initial_momenta_are_maxwell_boltzmann():
    atoms = cases.argon().repeat(3)
    momenta = thermal_momenta(atoms, 120.0, np.random.default_rng(2))
    np.testing.assert_allclose(momenta.sum(axis=0), 0.0, atol=1e-9)
    kinetic = 0.5 * (momenta**2 / atoms.get_masses()[:, None]).sum()
    dof = 3 * len(atoms) - 3
    assert 2 * kinetic / dof / units.kB == pytest.approx(120.0, rel=5 * np.sqrt(2 / dof))


def test_global_random_state_is_left_alone(tmp_path):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    go(tmp_path)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


class Never(cases.Morse):
    def calculate(self, *args, **kwargs):
        raise AssertionError("a finished run asked for forces")


def test_finished_run_is_not_computed_again(tmp_path):
    final = go(tmp_path).atoms
    before = content(tmp_path)

    class Morse(Never):  # by its name the same potential
        pass

    Morse.__qualname__, Morse.__module__ = "Morse", cases.Morse.__module__
    again = go(tmp_path, calculator=Morse)
    np.testing.assert_array_equal(again.atoms.positions, final.positions)
    np.testing.assert_array_equal(again.atoms.get_momenta(), final.get_momenta())
    assert_same(before, content(tmp_path))


def test_a_run_can_be_made_longer_and_get_more_stages(tmp_path):
    more = (stage("hold", 80), stage("cool", 24, final_temperature=20.0))
    go(tmp_path / "a", spec(stage("hold", 40)))  # a multiple of the checkpoint's and of the log's interval
    go(tmp_path / "a", spec(stage("hold", 80)))
    result = go(tmp_path / "a", spec(*more))
    assert result.step == 104
    go(tmp_path / "b", spec(*more))
    assert_same(content(tmp_path / "b"), content(tmp_path / "a"))


def test_what_is_done_cannot_be_changed(tmp_path):
    go(tmp_path, spec(stage("a", 16), stage("b", 16)))
    for changed, named in (
        ((stage("a", 8), stage("b", 16)), r"stage 'a': time \(there 0\.064, asked for 0\.032\)"),
        ((stage("a", 16, temperature=61.0), stage("b", 16)), r"stage 'a': temperature \(there 60\.0, asked for 61"),
        ((stage("a", 16), stage("b", 16, ensemble="nve")), "stage 'b': ensemble"),
        ((stage("a", 16), stage("b", 16, final_temperature=10.0)), "stage 'b': final_temperature"),
        ((stage("a", 16),), r"stage 'b': .*asked for None"),
        ((stage("a", 16), stage("b", 12)), "is at step 16 of stage 'b', beyond the 12 asked for"),
    ):
        with pytest.raises(CheckpointError, match=named):
            go(tmp_path, spec(*changed))
    # A ramp that is under way has its length.
    cut = spec(stage("a", 40, final_temperature=20.0))
    with pytest.raises(Killed):
        go(tmp_path / "cut", cut, observers=[killer(25)])
    with pytest.raises(CheckpointError, match="stage 'a': time"):
        go(tmp_path / "cut", spec(stage("a", 48, final_temperature=20.0)))


class Killed(BaseException):
    pass


def killer(at):
    def observer(progress):
        if progress.step == at:
            raise Killed

    return observer


@pytest.mark.parametrize("at", [0, 5, 30, 35, 60, 72, 75, 92])
def test_resumes_bit_for_bit_after_an_exception_anywhere(tmp_path, at):
    """In ramps, at the ends of stages, under three ensembles; with a calculator whose rounding remembers."""
    go(tmp_path / "whole", RAMPED, calculator=cases.Remembering)
    with pytest.raises(Killed):
        go(tmp_path / "cut", RAMPED, calculator=cases.Remembering, observers=[killer(at)])
    go(tmp_path / "cut", RAMPED, calculator=cases.Remembering)
    assert_same(content(tmp_path / "whole"), content(tmp_path / "cut"))


def test_what_observers_do_changes_nothing(tmp_path):
    def meddle(atoms, step):
        atoms.positions += 1.0
        atoms.arrays["momenta"] *= 2.0
        atoms.calc.results["forces"][:] = 0.0

    go(tmp_path / "alone", RAMPED)
    go(tmp_path / "watched", RAMPED, observers=[Callback(every=3, call=meddle), lambda progress: None])
    assert_same(content(tmp_path / "alone"), content(tmp_path / "watched"))


def kills(folder, count, scale):
    """A real process, killed again and again; returns the steps that its checkpoints had reached."""
    rng = np.random.default_rng()  # other moments in every test run: the result must not depend on them
    reached = []
    while len(reached) < count:
        process = subprocess.Popen([sys.executable, killable.__file__, str(folder), str(scale)], stdout=subprocess.PIPE)
        for _ in range(rng.integers(0, 8)):  # it tells of every line of its log
            process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL, "the process finished before it could be killed"
        checkpoint = folder / "checkpoint.npz"
        reached.append(load_checkpoint(checkpoint).step if checkpoint.exists() else 0)
    return reached


@pytest.mark.slow
def test_sigkill_at_random_moments_changes_nothing(tmp_path):
    """Melt and quench in five stages; BETALPS_KILLS=20 kills twenty times."""
    count = int(os.environ.get("BETALPS_KILLS", "5"))
    scale = killable.SCALE * count
    result = killable.amorphize(tmp_path / "whole", scale)
    reached = kills(tmp_path / "cut", count, scale)
    assert reached == sorted(reached)
    assert len(set(reached)) >= count / 3, f"kills hit nothing in between: {reached}"
    assert 0 < reached[-1] < result.steps
    killable.amorphize(tmp_path / "cut", scale)
    assert_same(content(tmp_path / "whole"), content(tmp_path / "cut"))


def test_a_calculator_with_memory_would_show(tmp_path):
    """The guard of the tests above: without a fresh calculator at checkpoints the result would differ."""
    shared = cases.Remembering()
    go(tmp_path / "a", calculator=cases.Remembering)
    go(tmp_path / "b", calculator=lambda: shared)
    assert not np.array_equal(content(tmp_path / "a")["positions"], content(tmp_path / "b")["positions"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"timestep": 2.0}, r"timestep \(there 4\.0, asked for 2\.0\)"),
        ({"checkpoint_interval": 0.04}, r"checkpoint_interval \(there 0\.032, asked for 0\.04\)"),
        ({"thermostat_time": 0.2}, "thermostat_time"),
        ({"seed": 3}, r"seed \(there 1, asked for 3\)"),
    ],
)
def test_another_run_is_refused_and_named(tmp_path, change, named):
    go(tmp_path)
    # A shorter time step has more steps in the same time; the stage's own length is compared too.
    with pytest.raises(CheckpointError, match=f"belongs to another run; it differs in {named}"):
        go(tmp_path, replace(spec(), **change))


def test_another_structure_or_potential_is_refused(tmp_path):
    go(tmp_path)
    moved = cases.argon()
    moved.positions[0, 0] += 1e-9
    with pytest.raises(CheckpointError, match=r"differs in structure \(there '[0-9a-f]{64}'"):
        go(tmp_path, atoms=moved)
    with pytest.raises(CheckpointError, match=r"differs in potential \(there '.*Morse', asked for '.*Remembering'"):
        go(tmp_path, calculator=cases.Remembering)
    go(tmp_path, replace(spec(), temperature_bounds=(0.0, 1e4), threads=2))  # these do not decide what was done


def test_a_folder_in_use_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("betalps.dynamics.runner._PATIENCE", 0.2)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CheckpointError, match="another process is running in"):
            go(tmp_path)
    go(tmp_path)


@pytest.mark.parametrize("name", ["thermo.csv", "extrapolating.extxyz"])
def test_foreign_files_are_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("somebody else's")
    with pytest.raises(CheckpointError, match=rf"holds {name} but no checkpoint\.npz"):
        go(tmp_path)
    assert (tmp_path / name).read_text() == "somebody else's"


def test_damaged_checkpoint_is_named_and_the_data_stay(tmp_path):
    go(tmp_path)
    frames = len(open_trajectory(tmp_path / "trajectory"))
    os.truncate(tmp_path / "checkpoint.npz", 100)
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz is not a readable checkpoint"):
        go(tmp_path)
    assert len(open_trajectory(tmp_path / "trajectory")) == frames
    assert len(read_thermo(tmp_path)["step"]) == 9


def test_lost_frames_and_lines_are_named(tmp_path):
    go(tmp_path)
    os.truncate(tmp_path / "thermo.csv", 10)
    with pytest.raises(CheckpointError, match=r"thermo\.csv has 10 bytes where the checkpoint recorded"):
        go(tmp_path)
    go(tmp_path / "other")
    for part in (tmp_path / "other" / "trajectory").glob("[st]*"):
        part.unlink()
    with pytest.raises(CheckpointError, match="frames"):
        go(tmp_path / "other", spec(stage("hold", 80)))


FULL_DISK = """
import resource, sys
sys.path.insert(0, {tests!r})
from dynamics import cases, test_runner
folder = test_runner.Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    test_runner.go(folder, test_runner.LONG)
except OSError as error:
    print("OSError", error.filename or error)
"""
LONG = spec(stage("hold", 200))


@pytest.mark.parametrize("kilobytes", [4, 16])
def test_a_full_disk_is_an_error_and_the_data_stay(tmp_path, kilobytes):
    """No file may grow beyond some size, which writing meets as it meets a full disk; then there is room again."""
    tests = str(Path(__file__).resolve().parents[1])
    told = subprocess.run(
        [sys.executable, "-c", FULL_DISK.format(tests=tests), str(tmp_path / "a"), str(1024 * kilobytes)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("OSError"), told.stdout + told.stderr
    if (tmp_path / "a" / "thermo.csv").exists():
        read_thermo(tmp_path / "a")
    go(tmp_path / "a", LONG)
    go(tmp_path / "b", LONG)
    assert_same(content(tmp_path / "b"), content(tmp_path / "a"))


def test_explosion_leaves_data_and_says_so_again(tmp_path):
    atoms = cases.argon()
    atoms.positions[0] = atoms.positions[1] + [2.4, 0, 0]
    said = []
    for _ in range(2):
        with pytest.raises(UnstableRunError, match=r"stage 'hold', step .*: the run blew up") as caught:
            go(tmp_path, spec(stage("hold", 400, ensemble="nve")), atoms=atoms)
        said.append(str(caught.value))
        assert caught.value.cause == "temperature"
        assert read_thermo(tmp_path)["step"][0] == 0
    assert said[0] == said[1]


class Failing(cases.Morse):
    """Gives what is not a number after some calls."""

    what, after = "forces", 30

    def __init__(self):
        super().__init__()
        self.calls = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.calls += 1
        if self.calls > self.after:
            self.results[self.what] = self.results[self.what] * np.nan


class NoEnergy(Failing):
    what = "energy"


@pytest.mark.parametrize(("calculator", "said"), [(Failing, "temperature is nan"), (NoEnergy, "energy is nan")])
def test_nan_is_a_cause(tmp_path, calculator, said):
    one = calculator()
    with pytest.raises(UnstableRunError, match=said) as caught:
        go(tmp_path, calculator=lambda: one)
    assert caught.value.cause == "not finite"
    assert 0 < load_checkpoint(tmp_path / "checkpoint.npz").step < 40


def test_lost_volume_is_a_cause(tmp_path):
    stretched = spec(stage("hold", 400, pressure=-0.5, **NPT), barostat_time=1.0, volume_bounds=(0.9, 1.1))
    with pytest.raises(UnstableRunError, match=r"lost its volume: .* allowed are 0\.9 to 1\.1 times") as caught:
        go(tmp_path, stretched)
    assert caught.value.cause == "volume"
    assert read_thermo(tmp_path)["volume_A3"][-1] > cases.argon().get_volume()


def test_cold_is_out_of_bounds_too(tmp_path):
    with pytest.raises(UnstableRunError, match=r"temperature is .* K; allowed are 50 to 300 K"):
        go(tmp_path, spec(stage("cool", 400, final_temperature=5.0), temperature_bounds=(50.0, 300.0)))


def test_an_observer_can_stop_the_run(tmp_path):
    def stop(atoms, step):
        if step == 21:
            raise StopRun("seen enough")

    result = go(tmp_path, observers=[Callback(every=7, call=stop)])
    assert (result.step, result.stopped.step, result.stopped.cause) == (21, 21, "user")
    assert result.stopped.message == "stage 'hold', step 21: seen enough"
    assert load_checkpoint(tmp_path / "checkpoint.npz").stopped["cause"] == "user"
    assert len(open_trajectory(tmp_path / "trajectory")) == 4
    later = go(tmp_path)  # asked again, it goes on
    assert (later.step, later.stopped) == (40, None)
    np.testing.assert_array_equal(read_thermo(tmp_path)["step"], range(0, 41, 5))


def test_observers_see_progress(tmp_path):
    seen = []
    go(tmp_path, RAMPED, observers=[seen.append])
    log = read_thermo(tmp_path)
    assert [p.step for p in seen] == log["step"].tolist()
    assert all(p.steps == 92 and p.time == pytest.approx(p.step * 4e-3) for p in seen)
    np.testing.assert_array_equal([p.temperature for p in seen], log["temperature_K"])
    np.testing.assert_array_equal([p.volume for p in seen], log["volume_A3"])
    by_step = {p.step: p for p in seen}
    assert [by_step[k].stage for k in (30, 35, 92)] == ["heat", "hold", "free"]
    assert by_step[15].target == pytest.approx(40.0)
    assert seen[0].seconds_left == np.inf
    assert seen[-1].seconds_left == 0.0
    assert all(p.ns_per_day > 0 and p.seconds_left >= 0 and p.grade is None for p in seen[1:])


def test_callbacks_get_what_ase_would_give(tmp_path):
    seen = []

    def look(atoms, step):
        fresh = atoms.copy()
        fresh.calc = cases.Morse()
        np.testing.assert_array_equal(atoms.get_forces(), fresh.get_forces())
        np.testing.assert_array_equal(atoms.get_stress(), fresh.get_stress())
        assert atoms.get_potential_energy() == fresh.get_potential_energy()
        seen.append((step, atoms.get_kinetic_energy()))

    go(tmp_path, observers=[Callback(every=20, call=look)])
    log = read_thermo(tmp_path)
    assert seen == list(zip([0, 20, 40], log["kinetic_energy_eV"][[0, 4, 8]], strict=True))
    with pytest.raises(ValueError, match="every is 0"):
        Callback(every=0, call=look)


class WithoutStress(cases.Morse):
    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        del self.results["stress"]


def test_a_calculator_without_stress_has_no_pressure(tmp_path):
    go(tmp_path, calculator=WithoutStress)
    log = read_thermo(tmp_path)
    assert np.isnan(log["pressure_GPa"]).all()
    assert np.isfinite(log["conserved_energy_eV"]).all()


def test_bad_starts_are_named(tmp_path):
    atoms = cases.argon()
    atoms.positions[0] = np.nan
    with pytest.raises(StructureError, match="not finite"):
        go(tmp_path, atoms=atoms)
    atoms = cases.argon()
    atoms.cell[2] = 0.0
    with pytest.raises(StructureError, match="has no volume"):
        go(tmp_path, atoms=atoms)
    atoms = cases.argon()
    atoms.pbc = [True, True, False]
    with pytest.raises(StructureError, match="stage 'hold' is npt; expected a cell periodic in all directions"):
        go(tmp_path, spec(stage(**NPT)), atoms=atoms)
    assert not list(tmp_path.iterdir())


def test_engines_and_grades_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="engine is 'lammps'; this function runs in process"):
        go(tmp_path, spec(engine="lammps"))
    with pytest.raises(ValueError, match="engine is 'native'; it needs a moment tensor potential"):
        go(tmp_path, spec(engine="native"))
    with pytest.raises(Exception, match="grade needs a moment tensor potential, found Morse"):
        go(tmp_path, spec(grade={"every": 5}))
    with pytest.raises(ValueError, match="calculator is 3; expected an ASE calculator, or a function"):
        go(tmp_path, calculator=3)


def test_an_instance_of_a_calculator_will_do(tmp_path):
    go(tmp_path / "a", calculator=cases.Morse())
    go(tmp_path / "b")
    assert_same(content(tmp_path / "a"), content(tmp_path / "b"))


def test_the_study_s_protocol_runs(tmp_path):
    stages = amorphization(4e-5, initial=20.0, melt=80.0, final=30.0, cooling_rate=0.1)
    result = go(tmp_path, spec(*stages))
    log = read_thermo(tmp_path)
    assert result.step == sum(round(s.time / 4e-3) for s in stages)
    assert set(log["stage"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert set(open_trajectory(tmp_path / "trajectory").scalars["stage"]) == {5.0}
