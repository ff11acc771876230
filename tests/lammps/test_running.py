"""Described runs in LAMMPS: the physics of the run in process, on several ranks, resumed after kills."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.io import read

from betalps.calculators import Engine
from betalps.dynamics import StopRun, UnstableRunError, read_thermo, thermal_momenta
from betalps.dynamics.motion import kinetic_temperature
from betalps.errors import BetalpsError, CheckpointError
from betalps.lammps import LammpsError, run_lammps, running
from betalps.lammps.names import FRAMES, LOG
from betalps.lammps.restarts import next_launch, starts
from betalps.potentials import load
from betalps.protocols import Grading, RunSpec, Stage
from betalps.trajectories import open_trajectory
from calculators.cases import BUNDLED, with_active_set

pytestmark = pytest.mark.lammps


def spec_of(*stages, **settings):
    defaults = {"frame_interval": 0.04, "thermo_interval": 0.02, "checkpoint_interval": 0.1, "engine": "lammps"}
    return RunSpec(stages=stages, **(defaults | settings))


def stage(name="produce", **settings):
    return Stage(name=name, **({"ensemble": "nve", "time": 0.2, "temperature": 600.0} | settings))


FIVE = (
    stage("heat", ensemble="npt", final_temperature=900.0, production=False),
    stage("isotropic", ensemble="npt", time=0.1),
    stage("cell", ensemble="npt", time=0.1, free="cell", pressure=0.1, final_pressure=0.3),
    stage("normal", ensemble="npt", time=0.1, free="z"),
    stage("fixed", ensemble="nvt", time=0.1),
)


def velocity_verlet(atoms, spec):
    """Positions after the run, by an integration of its own."""
    engine = Engine(spec.potential, threads=1)
    masses = atoms.get_masses()[:, None]
    momenta = thermal_momenta(atoms, spec.stages[0].temperature, np.random.default_rng(spec.seed))
    positions, dt = atoms.get_positions(), spec.timestep * units.fs

    def forces():
        return engine.evaluate(positions, atoms.numbers, atoms.cell.array, atoms.pbc).forces

    force = forces()
    for _ in range(spec.steps):
        momenta = momenta + 0.5 * dt * force
        positions = positions + dt * momenta / masses
        force = forces()
        momenta = momenta + 0.5 * dt * force
    return positions, momenta


@pytest.mark.parametrize(
    ("way", "ranks", "sheared"),
    [("plugin", 1, False), ("plugin", 2, True), ("external", 2, False), ("external", 1, True)],
)
def test_follows_velocity_verlet(lammps, distorted, tmp_path, way, ranks, sheared):
    atoms = distorted((1, 2, 1), sheared=sheared)
    spec = spec_of(stage())
    result = run_lammps(spec, tmp_path, atoms=atoms, ranks=ranks, way=way, installation=lammps)
    positions, momenta = velocity_verlet(atoms, spec)
    assert result.step == spec.steps == 100
    np.testing.assert_allclose(result.atoms.positions, positions, atol=1e-6)
    np.testing.assert_allclose(result.atoms.get_momenta(), momenta, atol=1e-5)
    last = open_trajectory(tmp_path / "trajectory")
    assert len(last) == spec.frames == 5
    np.testing.assert_allclose(last.times, 0.04 * np.arange(1, 6), rtol=1e-12)
    np.testing.assert_allclose(last.cells[-1], atoms.cell.array, atol=1e-9)
    turns = last.fractional[-1] - np.linalg.solve(atoms.cell.array.T, positions.T).T
    np.testing.assert_allclose(turns - np.rint(turns), 0, atol=1e-6)


def test_stages_log_and_frames(lammps, distorted, tmp_path):
    spec = spec_of(*FIVE)
    atoms = distorted(sheared=True)
    seen = []
    result = run_lammps(spec, tmp_path, atoms=atoms, ranks=2, installation=lammps, observers=[seen.append])
    assert result.stopped is None
    assert [progress.step for progress in seen] == list(range(0, 301, 10))
    assert seen[-1].seconds_left == 0
    loops = re.findall(r"^Loop time of (\S+) on", (tmp_path / LOG.format(0)).read_text(), re.MULTILINE)
    speed = 86400 * 1e-3 * spec.time / sum(map(float, loops))  # by LAMMPS's own clock
    assert all(progress.ns_per_day < 3 * speed for progress in seen)
    assert seen[-1].ns_per_day > 0
    assert {progress.stage for progress in seen} == {stage.name for stage in FIVE}
    assert seen[5].target == pytest.approx(750.0)

    thermo = read_thermo(tmp_path)
    assert thermo["step"].tolist() == list(range(0, 301, 10))
    np.testing.assert_allclose(thermo["time_ps"], 0.002 * thermo["step"])
    assert thermo["stage"].tolist() == [1] * 11 + [number for number in (2, 3, 4, 5) for _ in range(5)]
    fixed = thermo["stage"] == 5
    assert np.ptp(thermo["volume_A3"][fixed]) == pytest.approx(0, abs=1e-6)
    assert np.ptp(thermo["conserved_energy_eV"][fixed]) < 0.02

    frames = open_trajectory(tmp_path / "trajectory")
    assert len(frames) == spec.frames == 8
    np.testing.assert_allclose(frames.times, [0.24, 0.28, 0.34, 0.38, 0.44, 0.48, 0.54, 0.58])
    cells = frames.cells
    lengths = np.linalg.norm(cells, axis=2)
    np.testing.assert_allclose(lengths[1] / lengths[0], (lengths[1] / lengths[0])[0], rtol=1e-7)  # isotropic
    normal = cells[5] - cells[4]  # z alone: c keeps its direction, a and b stay
    np.testing.assert_allclose(normal[:2], 0, atol=1e-6)
    np.testing.assert_allclose(np.cross(cells[5][2], cells[4][2]), 0, atol=1e-5)
    assert abs(normal[2]).max() > 1e-4
    np.testing.assert_allclose(result.atoms.cell.array, cells[-1], atol=1e-6)


def test_log_is_that_of_the_structure(lammps, distorted, tmp_path):
    atoms = distorted(sheared=True)
    spec = spec_of(stage(ensemble="npt", time=0.04))
    run_lammps(spec, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    thermo = read_thermo(tmp_path)
    momenta = thermal_momenta(atoms, 600.0, np.random.default_rng(spec.seed))
    kinetic = 0.5 * (momenta**2 / atoms.get_masses()[:, None]).sum()
    assert thermo["temperature_K"][0] == pytest.approx(kinetic_temperature(kinetic, len(atoms)), rel=1e-5)
    out = Engine(BUNDLED).evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
    assert thermo["potential_energy_eV"][0] == pytest.approx(out.energy, rel=1e-10)
    moving = np.einsum("ia,ib,i->ab", momenta, momenta, 1 / atoms.get_masses())
    stress = -(out.virials.sum(axis=0) + moving[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]) / atoms.cell.volume
    names = [f"stress_{name}_GPa" for name in ("xx", "yy", "zz", "yz", "xz", "xy")]
    found = [thermo[name][0] for name in names]
    np.testing.assert_allclose(found, stress / units.GPa, rtol=1e-5, atol=1e-5)
    assert thermo["pressure_GPa"][0] == pytest.approx(-np.mean(found[:3]), rel=1e-6)


# ------------------------------------------------------------------------------------------------- kills and resumes


def processes_in(folder):
    """LAMMPS's processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").resolve() == folder.resolve():
                found += [int(entry.name)] if (entry / "exe").resolve().name in {"lmp", "hydra_pmi_proxy"} else []
        except OSError:  # ended meanwhile
            continue
    return found


class Killer:
    """An observer that kills LAMMPS at a step."""

    def __init__(self, folder, step):
        self.folder, self.step, self.seen = folder, step, 0

    def __call__(self, progress):
        self.seen = progress.step
        if progress.step >= self.step:
            for process in processes_in(self.folder):
                os.kill(process, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
def test_killed_and_resumed_is_one_run(lammps, distorted, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_POLL", 0.002)
    spec = spec_of(*FIVE)
    atoms = distorted((2, 2, 2))
    straight = run_lammps(spec, tmp_path / "straight", atoms=atoms, ranks=1, installation=lammps)
    folder = tmp_path / "killed"
    kills = 0
    for step in (20, 60, 110, 160, 210):
        before = next_launch(folder).step if folder.exists() else 0
        killer = Killer(folder, max(step, before + 10))
        try:
            run_lammps(spec, folder, atoms=atoms, ranks=1, installation=lammps, observers=[killer])
        except LammpsError as error:
            said = str(error)
            kills += 1
            read_thermo(folder)  # the data are readable in between
        else:
            continue  # it was too late to kill
        assert "The same call goes on" in said
        assert "ERROR" not in said
        assert next_launch(folder).step >= 50 * ((killer.seen - 1) // 50)  # all but the steps since the last checkpoint
    assert kills >= 2
    resumed = run_lammps(spec, folder, atoms=atoms, ranks=1, installation=lammps)
    assert len(starts(folder, LOG)) > 1
    np.testing.assert_allclose(resumed.atoms.positions, straight.atoms.positions, atol=1e-6)
    np.testing.assert_allclose(resumed.atoms.cell.array, straight.atoms.cell.array, atol=1e-7)
    one, other = (open_trajectory(tmp_path / name / "trajectory") for name in ("straight", "killed"))
    np.testing.assert_array_equal(one.times, other.times)
    np.testing.assert_allclose(one.cells, other.cells, atol=1e-7)
    apart = np.asarray(one.fractional[:]) - np.asarray(other.fractional[:])
    np.testing.assert_allclose(apart - np.rint(apart), 0, atol=1e-6)
    logs = [read_thermo(tmp_path / name) for name in ("straight", "killed")]
    for name in ("step", "stage", "temperature_K", "conserved_energy_eV", "volume_A3"):
        np.testing.assert_allclose(logs[1][name], logs[0][name], rtol=1e-6)
    finished = run_lammps(spec, folder, atoms=atoms, ranks=1, installation=lammps)
    assert finished.step == spec.steps
    np.testing.assert_array_equal(finished.atoms.positions, resumed.atoms.positions)


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
def test_lammps_outlives_the_process_that_watches_it(lammps, distorted, tmp_path):
    folder = tmp_path / "run"
    program = Path(__file__).with_name("watcher.py")
    first = subprocess.Popen([sys.executable, str(program), str(folder)])
    deadline = time.monotonic() + 60
    while not processes_in(folder) or not starts(folder, LOG):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.kill()
    first.wait()
    assert processes_in(folder)
    command = [sys.executable, str(program), str(folder), "0"]
    second = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "LAMMPS is still running in" in second.stderr
    for process in processes_in(folder):
        os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("way", ["plugin", "external"])
def test_a_longer_run_goes_on_and_another_is_refused(lammps, distorted, tmp_path, way):
    atoms = distorted()
    short = spec_of(stage(time=0.1))
    run_lammps(short, tmp_path, atoms=atoms, ranks=1, way=way, installation=lammps)
    longer = spec_of(stage(time=0.2))
    result = run_lammps(longer, tmp_path, atoms=atoms, ranks=1, way=way, installation=lammps)
    assert result.step == 100
    assert starts(tmp_path, FRAMES) == [0, 50]
    assert len(open_trajectory(tmp_path / "trajectory")) == longer.frames
    np.testing.assert_allclose(result.atoms.positions, velocity_verlet(atoms, longer)[0], atol=1e-6)
    with pytest.raises(CheckpointError, match=r"belongs to another run; it differs in timestep \(there 2.0"):
        run_lammps(replace(longer, timestep=1.0), tmp_path, atoms=atoms, ranks=1, installation=lammps)
    with pytest.raises(CheckpointError, match=r"belongs to another run; it differs in structure"):
        run_lammps(longer, tmp_path, atoms=distorted(seed=1), ranks=1, installation=lammps)
    other = load(BUNDLED).replace(species_coeffs=[0.0, 0.0, 0.0])
    other.write(tmp_path / "other.almtp")
    changed = replace(longer, potential=str(tmp_path / "other.almtp"))
    with pytest.raises(CheckpointError, match=r"differs in potential \(there '[0-9a-f]{64}', asked for"):
        run_lammps(changed, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    with pytest.raises(CheckpointError, match="beyond the 50 asked for"):
        run_lammps(short, tmp_path, atoms=atoms, ranks=1, installation=lammps)


def test_damaged_checkpoints(lammps, distorted, tmp_path):
    atoms, spec = distorted(), spec_of(stage(time=0.2))
    run_lammps(spec, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    whole = (tmp_path / "restart.end").read_bytes()
    (tmp_path / "restart.end").write_bytes(whole[:-100])  # a full disk
    assert next_launch(tmp_path).step == 100  # from one of the two before
    for name in ("restart.a", "restart.b"):
        (tmp_path / name).write_bytes(whole[:1000])
    with pytest.raises(CheckpointError, match=r"restart\.a is not a whole restart file"):
        run_lammps(spec, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    assert len(open_trajectory(tmp_path / "trajectory")) == spec.frames


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(lammps, distorted, tmp_path):
    """A checkpoint that cannot be written ends the run; once there is room, it goes on from the one before."""
    atoms, spec = distorted((1, 2, 1)), spec_of(stage(time=0.4))
    (tmp_path / "restart.b").symlink_to("/dev/full")
    with pytest.raises(LammpsError, match=r"I/O error while writing restart \(is the disk full\?\)\. The same call"):
        run_lammps(spec, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    assert read_thermo(tmp_path)["step"][-1] >= 50
    assert len(open_trajectory(tmp_path / "trajectory")) >= 2
    assert next_launch(tmp_path).step == 50
    (tmp_path / "restart.b").unlink()
    result = run_lammps(spec, tmp_path, atoms=atoms, ranks=1, installation=lammps)
    assert len(open_trajectory(tmp_path / "trajectory")) == spec.frames == 10
    np.testing.assert_allclose(result.atoms.positions, velocity_verlet(atoms, spec)[0], atol=1e-6)


# --------------------------------------------------------------------------------------------------------- what fails


def test_an_observer_ends_it(lammps, distorted, tmp_path):
    def stop(progress):
        if progress.step >= 60:
            raise StopRun("enough")

    spec = spec_of(stage(time=20.0))
    result = run_lammps(spec, tmp_path, atoms=distorted(), ranks=2, installation=lammps, observers=[stop])
    assert result.stopped is not None
    assert (result.stopped.cause, result.stopped.step) == ("user", 60)
    assert "enough" in result.stopped.message
    assert processes_in(tmp_path) == []
    assert len(open_trajectory(tmp_path / "trajectory")) >= 1


def test_an_exploding_system(lammps, distorted, tmp_path):
    atoms = distorted()
    hot = spec_of(stage(time=0.4, temperature=300.0), temperature_bounds=(0.0, 310.0), seed=3)
    atoms.positions[1] = atoms.positions[0] + 0.6
    with pytest.raises(UnstableRunError, match=r"temperature left \(0.0, 310.0\) K") as caught:
        run_lammps(hot, tmp_path / "hot", atoms=atoms, ranks=1, installation=lammps)
    assert caught.value.cause == "temperature"
    assert len(read_thermo(tmp_path / "hot")["step"]) >= 1
    squeezed = spec_of(stage(ensemble="npt", time=2.0, pressure=80.0), volume_bounds=(0.97, 2.0))
    with pytest.raises(UnstableRunError, match=r"volume left \(0.97, 2.0\)") as caught:
        run_lammps(squeezed, tmp_path / "squeezed", atoms=distorted(), ranks=1, installation=lammps)
    assert caught.value.cause == "volume"
    blind = spec_of(stage(time=0.4), temperature_bounds=(0.0, 1e300), thermo_interval=0.2)
    atoms.positions[1] = atoms.positions[0] + 0.2  # flies out of its rank's reach between two looks
    with pytest.raises(UnstableRunError, match=r"Lost atoms: original 32 current \d+. A shorter time step") as caught:
        run_lammps(blind, tmp_path / "lost", atoms=atoms, ranks=2, installation=lammps)
    assert caught.value.cause == "displacement"
    assert read_thermo(tmp_path / "lost")["step"].tolist() == [0]
    atoms.positions[1] = atoms.positions[0]
    with pytest.raises(UnstableRunError, match="not finite") as caught:
        run_lammps(spec_of(stage()), tmp_path / "same", atoms=atoms, ranks=2, installation=lammps)
    assert caught.value.cause == "not finite"


# ------------------------------------------------------------------------------------------------------------- grades


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    path = tmp_path_factory.mktemp("graded") / "graded.almtp"
    with_active_set(load(BUNDLED)).write(path)
    return path


@pytest.mark.parametrize("ranks", [1, 2])
def test_extrapolating_structures(lammps, distorted, graded, tmp_path, ranks):
    atoms = distorted((1, 2, 1), sheared=True)
    engine = Engine(graded, threads=1)

    def grades(frame):
        return engine.evaluate(frame.positions, frame.numbers, frame.cell.array, frame.pbc, grades=True).grades

    start = grades(atoms).max()
    limits = Grading(every=10, gamma_select=0.5 * start, gamma_break=1e6)
    spec = spec_of(stage(time=0.06), potential=str(graded), grade=limits)
    seen = []
    run_lammps(spec, tmp_path, atoms=atoms, ranks=ranks, installation=lammps, observers=[seen.append])
    frames = read(tmp_path / "extrapolating.extxyz", ":")
    assert [frame.info["step"] for frame in frames] == [0, 10, 20, 30]
    assert {frame.info["stage"] for frame in frames} == {"produce"}
    for frame, progress in zip(frames, seen, strict=True):
        np.testing.assert_allclose(frame.arrays["nbh_grades"], grades(frame), rtol=1e-6)
        assert progress.grade == pytest.approx(frame.info["grade"], rel=1e-7)
        np.testing.assert_array_equal(frame.numbers, atoms.numbers)
        np.testing.assert_allclose(frame.cell.array, atoms.cell.array, atol=1e-7)
    np.testing.assert_allclose(frames[0].get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-6)

    broken = replace(spec, grade=replace(limits, gamma_break=0.9 * start))
    result = run_lammps(broken, tmp_path / "broken", atoms=atoms, ranks=ranks, installation=lammps)
    assert result.stopped is not None
    assert (result.stopped.cause, result.stopped.step) == ("grade", 0)
    assert result.stopped.value == pytest.approx(start, rel=1e-3)
    assert len(read(tmp_path / "broken" / "extrapolating.extxyz", ":")) == 1


def test_grades_that_cannot_be(lammps, distorted, graded, tmp_path):
    load("beta-lps").without_active_set().write(tmp_path / "bare.almtp")
    spec = spec_of(stage(), grade=Grading(), potential=str(tmp_path / "bare.almtp"))
    with pytest.raises(BetalpsError, match="expected a potential with an active set of them, found no active set"):
        run_lammps(spec, tmp_path / "run", atoms=distorted(), ranks=1, installation=lammps)
    spec = replace(spec, potential=str(graded))
    with pytest.raises(LammpsError, match="expected way 'plugin', found 'external'"):
        run_lammps(spec, tmp_path / "run", atoms=distorted(), ranks=1, way="external", installation=lammps)


def test_description_names_the_run(lammps, distorted, tmp_path):
    spec = spec_of(stage(time=0.02))
    run_lammps(spec, tmp_path, atoms=distorted(), ranks=1, installation=lammps)
    content = json.loads((tmp_path / "run.json").read_text())
    assert RunSpec.from_dict(content["run"]) == spec
    assert content["identity"]["potential"] == load(BUNDLED).sha256
