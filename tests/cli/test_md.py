"""The verbs ``md`` and ``amorphize``: from options and files to a run, what it costs, and what is said about it."""

import argparse
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ase.io import write

from betalps.cli import amorphize, md
from betalps.dynamics import load_checkpoint, read_thermo
from betalps.potentials import load
from betalps.protocols import RunSpec
from betalps.structures import beta_li3ps4
from betalps.trajectories import open_trajectory


def call(verb, *arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(list(map(str, arguments))))


@pytest.fixture
def structure(tmp_path):
    write(tmp_path / "cell.extxyz", beta_li3ps4())
    return tmp_path / "cell.extxyz"


QUICK = ["--threads", 1, "--frame-interval", 0.02, "--thermo-interval", 0.02, "--checkpoint-interval", 0.1]


def described(folder):
    return RunSpec.from_dict(json.loads((folder / "run.json").read_text())["run"])


def test_a_structure_is_run_and_told_of(structure, tmp_path, capsys):
    out = tmp_path / "out"
    options = [structure, "--temperature", 500, "--time", 0.2, "--equilibration", 0.1, "--free", "xyz", *QUICK]
    assert call(md, *options, "--output", out) == 0
    told = capsys.readouterr()
    log = read_thermo(out)
    late = log["stage"] == 2
    assert f"production  {log['temperature_K'][late].mean():.1f} K" in told.out
    assert "g/cm³" in told.out
    assert str(out / "thermo.csv") in told.out
    assert "32 atoms, in process (32 atoms, fewer than 10000)" in told.err
    assert "100 % produce: 0.3 ps" in told.err
    assert len(open_trajectory(out / "trajectory")) == 10
    spec = described(out)
    assert [(s.name, s.time, s.temperature, s.ensemble, s.free) for s in spec.stages] == [
        ("equilibrate", 0.1, 500.0, "npt", "xyz"),
        ("produce", 0.2, 500.0, "npt", "xyz"),
    ]
    # The same command computes nothing, a longer one goes on.
    assert call(md, *options, "--output", out) == 0
    assert "100 %" not in capsys.readouterr().err
    options[4] = 0.3
    assert call(md, *options, "--output", out) == 0
    assert load_checkpoint(out / "checkpoint.npz").step == 200


def test_every_option_arrives(structure, tmp_path):
    call(
        md, structure, "--temperature", 300, "--final-temperature", 400, "--time", 0.02, "--ensemble", "npt",
        "--pressure", 0.5, "--free", "z", "--timestep", 1, "--thermostat-time", 0.2, "--barostat-time", 2,
        "--frame-interval", 0.01, "--thermo-interval", 0.005, "--checkpoint-interval", 0.02, "--seed", 4,
        "--engine", "ase", "--threads", 1, "--potential", "beta-lps", "--output", tmp_path / "out",
    )  # fmt: skip
    spec = described(tmp_path / "out")
    stage = spec.stages[0]
    assert (stage.temperature, stage.final_temperature, stage.pressure, stage.free) == (300.0, 400.0, 0.5, "z")
    assert (spec.timestep, spec.thermostat_time, spec.barostat_time, spec.seed) == (1.0, 0.2, 2.0, 4)
    assert (spec.frame_interval, spec.thermo_interval, spec.checkpoint_interval) == (0.01, 0.005, 0.02)
    assert (spec.engine, spec.threads) == ("ase", 1)


TOML = """
structure = "cell.extxyz"
frame_interval = 0.02
threads = 1
grade = { every = 5, gamma_select = 3.0 }
[[stages]]
name = "heat"
time = 0.02
temperature = 300
final_temperature = 400
production = false
[[stages]]
name = "hold"
ensemble = "nvt"
time = 0.04
temperature = 400
"""


def test_a_file_is_run_beside_its_structure(structure, tmp_path):
    (tmp_path / "run.toml").write_text(TOML.replace("grade", "# grade"))
    call(md, "--config", tmp_path / "run.toml", "--output", tmp_path / "out", "--seed", 7)
    spec = described(tmp_path / "out")
    assert ([s.name for s in spec.stages], spec.seed, spec.frames) == (["heat", "hold"], 7, 2)
    # Options go before the file; one run replaces its stages.
    call(md, "--config", tmp_path / "run.toml", "--temperature", 350, "--time", 0.02, "--output", tmp_path / "one")
    assert [s.name for s in described(tmp_path / "one").stages] == ["produce"]


def test_grades_need_an_active_set(structure, tmp_path):
    (tmp_path / "run.toml").write_text(TOML)
    load("beta-lps").without_active_set().write(tmp_path / "bare.almtp")
    bare = ("--potential", tmp_path / "bare.almtp")
    for options in (["--grade", 1, 2], []):
        with pytest.raises(Exception, match="needs a potential with an active set"):
            call(md, "--config", tmp_path / "run.toml", "--output", tmp_path / "out", *bare, *options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say what to run: --temperature and --time"),
        (["--temperature", 300], "--temperature is given, but not --time"),
        (["--free", "z", "--time", 1], "--time is given, but not --temperature"),
        (["--temperature", 300, "--time", 1, "--ensemble", "nph"], "ensemble is 'nph'"),
        (["--temperature", 300, "--time", 1, "--frame-interval", 0], "frame_interval is 0"),
    ],
)
def test_what_is_missing_is_named(structure, tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        call(md, structure, *options, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_structure_is_named(tmp_path):
    with pytest.raises(ValueError, match="say what to run: a structure file"):
        call(md, "--temperature", 300, "--time", 1)
    with pytest.raises(FileNotFoundError, match=r"none\.cif: no such file"):
        call(md, "none.cif", "--temperature", 300, "--time", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages = [", r"run\.toml: Invalid value"),
        ("colour = 3", r"run\.toml: unknown setting colour"),
        (TOML.replace("time = 0.04", "time = -1"), r"run\.toml: stage 'hold': time is -1"),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, said):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ValueError, match=said):
        call(md, "--config", tmp_path / "run.toml")


def test_dry_run_counts_and_writes_nothing(structure, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--temperature", 500, "--time", 100, "--threads", 1, "--output", out, "--dry-run"]
    assert call(md, structure, *options) == 0
    told = capsys.readouterr().out
    assert "produce        npt        100 ps  500 K" in told
    assert "32 atoms, 50000 steps of 2 fs (0.1 ns); 50000 steps are left to do" in told
    assert "µs per atom and step measured now (native, " in told
    assert "100 frames: 0.0003" in told
    assert not out.exists()


def test_amorphization_has_its_five_stages(tmp_path, capsys):
    out = tmp_path / "glass"
    options = ["--supercell", 1, 1, 2, "--scale", 1e-4, "--scales", "produce=0.2", "cool=0.5", "--output", out]
    assert call(amorphize, *options, *QUICK) == 0
    log = read_thermo(out)
    assert set(log["stage"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    spec = described(out)
    assert [s.time for s in spec.stages] == pytest.approx([0.02, 0.04, 0.017, 0.2, 0.16])
    assert spec.structure == {"builder": "beta_li3ps4", "supercell": [1, 1, 2]}
    assert "produce: " in capsys.readouterr().err


def test_amorphization_of_the_study_is_described(capsys, tmp_path):
    options = ["--supercell", 1, 1, 1, "--threads", 1, "--output", tmp_path / "none", "--dry-run"]
    assert call(amorphize, *options) == 0
    told = capsys.readouterr().out
    assert "heat           npt        200 ps  300 to 2000 K" in told
    assert "cool           npt        340 ps  2000 to 300 K" in told
    assert "5470000 steps of 2 fs (10.94 ns)" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scales", "produce"], "--scales produce: expected STAGE=NUMBER"),
        (["--scales", "produce=x"], "--scales produce=x: expected STAGE=NUMBER"),
        (["--scales", "boil=2"], "scales names 'boil'"),
        (["--scale", 0], "scale is 0"),
        (["cell.cif", "--supercell", 1, 1, 1], "give one of them"),
    ],
)
def test_what_amorphization_refuses(options, said):
    with pytest.raises(ValueError, match=said):
        call(amorphize, *options)


MAIN = "import sys; from betalps.cli import md; from test_md import call; sys.exit(call(md, *sys.argv[1:]))"


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_a_kill_costs_nothing(structure, tmp_path):
    here = str(__file__).rsplit("/", 1)[0]
    options = [structure, "--temperature", 500, "--time", 20, *QUICK]

    def start(out):
        hear = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {here!r}); {MAIN}"]
        return subprocess.Popen(
            [*command, *map(str, options), "--output", str(out)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear,  # noqa: PLW1509
        )

    def wait(out, step, process):
        deadline = time.monotonic() + 60
        while not (out / "checkpoint.npz").exists() or load_checkpoint(out / "checkpoint.npz").step < step:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    process = start(tmp_path / "cut")
    wait(tmp_path / "cut", 500, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from" in said
    process = start(tmp_path / "cut")
    wait(tmp_path / "cut", 2000, process)
    process.kill()
    process.communicate()
    for out in ("cut", "whole"):
        process = start(tmp_path / out)
        process.communicate()
        assert process.returncode == 0
    cut, whole = (open_trajectory(tmp_path / out / "trajectory") for out in ("cut", "whole"))
    np.testing.assert_array_equal(np.asarray(cut.fractional), np.asarray(whole.fractional))
    assert (tmp_path / "cut" / "thermo.csv").read_text() == (tmp_path / "whole" / "thermo.csv").read_text()
