"""The verb ``study``: settings from every source, a whole small study, and what happens in between."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from betalps.cli.main import _parser, main
from betalps.cli.study import QUICK, configuration
from betalps.studies import StudyConfig, steps_done

SMALL = [
    "--temperatures",
    "800",
    "1000",
    "1200",
    "--supercell",
    "1",
    "1",
    "1",
    "--equilibration",
    "0.2",
    "--production",
    "6",
    "--frame-interval",
    "0.05",
    "--boundaries",
    "--glass-temperatures",
]


def config(*arguments):
    return configuration(_parser("study").parse_args(["study", *arguments]))


def test_without_options_it_is_the_default():
    assert config() == StudyConfig()


def test_quick_is_small_and_sound():
    assert config("--quick") == StudyConfig(**QUICK)
    assert config("--quick", "--production", "30").production == 30.0
    assert config("--quick", "--production", "30").temperatures == QUICK["temperatures"]


def test_every_setting_has_an_option(tmp_path):
    given = {
        "temperatures": (450.0, 550.0, 650.0),
        "supercell": (2, 1, 1),
        "ordering": "4c4",
        "boundaries": ("Σ5[001]/(130)",),
        "boundary_temperatures": (500.0, 600.0),
        "boundary_atoms": 200,
        "boundary_area": 500.0,
        "boundary_production": 20.0,
        "glass_temperatures": (450.0,),
        "interfaces": ("(120)", "(3-20)"),
        "glass_atoms": 300,
        "glass_scale": 0.5,
        "glass_production": 30.0,
        "potential": "other.almtp",
        "ensemble": "nvt",
        "free": "isotropic",
        "pressure": 0.2,
        "equilibration": 3.0,
        "production": 55.0,
        "timestep": 1.0,
        "thermostat_time": 0.2,
        "barostat_time": 0.5,
        "frame_interval": 0.05,
        "target_temperature": 350.0,
        "seed": 9,
        "workers": 3,
        "threads": 4,
        "engine": "lammps",
        "ranks": 5,
    }
    arguments = []
    for name, value in given.items():
        values = value if isinstance(value, tuple) else (value,)
        arguments += ["--" + name.replace("_", "-"), *map(str, values)]
    assert config(*arguments) == StudyConfig(**given)


def test_option_before_file_before_quick(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text("temperatures = [600, 700]\nsupercell = [1, 1, 2]\nseed = 5\n")
    made = config("--quick", "--config", str(file), "--seed", "6")
    assert made.temperatures == (600.0, 700.0)
    assert made.supercell == (1, 1, 2)
    assert made.seed == 6
    assert made.production == QUICK["production"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("temperatures = [", r"study\.toml: Invalid value \(at "),
        ("colour = 3", r"study\.toml: unknown setting colour; there are temperatures"),
        ("seed = 1.5", r"study\.toml: seed must be a whole number of at least 0, got 1\.5"),
    ],
)
def test_a_bad_file_is_named(tmp_path, capsys, text, said):
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        config("--config", str(file))
    assert main(["study", "--config", str(file), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_files_are_named(tmp_path, capsys):
    assert main(["study", "--config", str(tmp_path / "no.toml")]) == 2
    assert "no.toml" in capsys.readouterr().err
    out = str(tmp_path / "out")
    assert main(["study", *SMALL, "--potential", "no-such", "--output", out]) == 2
    assert "'no-such' is neither a file nor a bundled potential" in capsys.readouterr().err


def test_dry_run_counts_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["study", *SMALL, "--dry-run", "--output", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "temperatures         800.0 1000.0 1200.0" in shown
    assert "crystal: 32 atoms, 3100 steps at each of 3 temperatures" in shown
    assert "9300 steps are left to do" in shown
    assert "ms per step of the crystal measured now" in shown
    assert not out.exists()


def test_whole_study(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["study", *SMALL, "--output", str(out)]) == 0
    shown = capsys.readouterr()
    files = ["analyses.json", "report.html", "results.json", "structure.extxyz"]
    assert sorted(p.name for p in out.iterdir()) == ["1000K", "1200K", "800K", *files]
    results = json.loads((out / "results.json").read_text())
    for run in results["runs"]:
        estimate = run["diffusion"]["total"]
        line = next(line for line in shown.out.splitlines() if line.startswith(f"{run['temperature_K']:6g}"))
        assert (f"{estimate['diffusivity_cm2_per_s']:.2e}" in line) == estimate["resolved"]
    assert str(out / "report.html") in shown.out
    # No terminal: a line for every tenth, and no bar.
    assert shown.err.count("800 K: 50 % at") == 1
    said = "analysing crystal, whole cell, 800 K\n"
    assert shown.err.count("\n") == 30 + 1
    assert shown.err.endswith(said)
    assert "\r" not in shown.err
    # A second call computes nothing and says the same.
    assert main(["study", *SMALL, "--output", str(out)]) == 0
    again = capsys.readouterr()
    assert again.out == shown.out
    assert again.err == said


def test_another_study_in_the_folder_is_refused(tmp_path, capsys):
    out = str(tmp_path / "out")
    arguments = [*SMALL, "--workers", "1", "--output", out]
    assert main(["study", *arguments]) == 0
    capsys.readouterr()
    assert main(["study", *arguments, "--seed", "2"]) == 2
    assert "belongs to another run; it differs in seed" in capsys.readouterr().err


def start(out, *more, **options):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "betalps.cli.main",
            "study",
            *SMALL,
            "--production",
            "40",
            "--output",
            str(out),
            *more,
        ],
        **options,
    )


def wait_for(out, fraction, process):
    """Until a checkpoint of the running study is a good way in."""
    settings = config(*SMALL, "--production", "40")
    deadline = time.monotonic() + 60
    while sum(steps_done(settings, out).values()) < fraction * 3 * settings.steps:
        assert process.poll() is None, "the study ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_numbers(tmp_path):
    whole = start(tmp_path / "whole", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert whole.wait() == 0
    for fraction in (0.1, 0.4, 0.7):
        process = start(tmp_path / "cut", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(tmp_path / "cut", fraction, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = start(tmp_path / "cut", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    _, said = last.communicate()
    assert last.returncode == 0, said
    runs = [json.loads((tmp_path / name / "results.json").read_text())["runs"] for name in ("whole", "cut")]
    assert runs[0] == runs[1]


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(tmp_path):
    # whoever runs the tests in the background may have told their children to ignore Ctrl-C
    hear = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    process = start(tmp_path / "out", stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=hear)
    wait_for(tmp_path / "out", 0.1, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_terminal_gets_a_bar(tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = start(tmp_path / "out", "--production", "8", stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "\r" in text
    assert "ns/day" in text
    assert "800 K:" in text
    assert "100 %" in text
