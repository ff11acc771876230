"""The verb ``active-learn``: a study from a file, its progress, its report, its errors."""

import re

import pytest

from active_learning.loop import cases
from betalps.active_learning import LoopProgress
from betalps.cli.learning_progress import bar, summary
from betalps.cli.main import main

STUDY = """
data = ["data/start.extxyz"]
test = ["data/test.extxyz"]
[[seeds]]
name = "beta"
structure = { builder = "beta_li3ps4" }
temperatures = [300, 900]
[exploration]
time = 0.1
heating = 0.0
[selection]
most = 3
[labels]
calculator = "mtp:beta-lps"
[fit]
level = 4
starts = 1
iterations = 4
refit_iterations = 3
threads = 1
[budget]
iterations = 1
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases.write_data(tmp_path / "data")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def test_a_study(here, capsys):
    assert main(["active-learn", "study.toml"]) == 1  # it has not converged
    out, err = capsys.readouterr()
    found = re.match(r"budget: 1 iterations\n([123]) of \1 structures sent got a label, ", out)
    assert found, out
    assert "note: The loop did not converge" in out
    lines = [line for line in err.splitlines() if "|" not in line]
    assert [line.split()[:2] for line in lines] == [
        ["0", "fit"],
        ["1", "runs"],
        ["1", "selection"],
        ["1", "labels"],
        ["1", "fit"],
        ["1", "fit"],  # anew
    ]
    assert f"{found[1]} labelled, 0 failed" in lines[3]
    assert "meV/Å" in lines[4]
    assert re.search(r"\n +anew +\d+ +[\d.]+ meV/atom", out)
    report = (here / "study" / "report.html").read_text(encoding="utf-8")
    assert "budget: 1 iterations" in report
    # nothing is left to do
    assert main(["active-learn", "study.toml"]) == 1
    assert capsys.readouterr().out == out


def test_a_dry_run_says_what_would_be_run(here, capsys):
    assert main(["active-learn", "study.toml", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "exploration.gamma_break" in out
    assert "8 labelled structures to begin with" in out
    assert "beta-900K                      32 atoms" in out
    assert "2 runs in every iteration, 0.2 ps together" in out
    assert not (here / "study").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data = ", "study.toml: Invalid value"),
        (STUDY.replace("level = 4", "levle = 4"), "study.toml: unknown setting levle in fit"),
        (STUDY.replace("data/start", "data/none"), "none.extxyz"),
        (STUDY.replace("mtp:beta-lps", "magic"), "calculator magic: expected one of sevennet"),
        (STUDY.replace('"beta_li3ps4"', '"nothing"'), "seed beta: structure: no builder 'nothing'"),
    ],
)
def test_errors_are_one_line(here, capsys, text, said):
    (here / "study.toml").write_text(text)
    assert main(["active-learn", "study.toml"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_progress_in_words():
    exploring = LoopProgress(
        iteration=2,
        stage="explore",
        fraction=0.5,
        seconds_left=30.0,
        runs=4,
        runs_done=1,
        worst_grade=12.3,
        words="beta-300K: 1 ps",
    )
    assert bar(exploring) == " 2 runs 1 of 4 done |##########          |, 30 s left, worst grade 12.3 beta-300K: 1 ps"
    assert summary(exploring) == " 2 runs      1 runs, worst grade 12.3"
    assert bar(LoopProgress(iteration=0, stage="fit")) == " 0 fit |                    | "
