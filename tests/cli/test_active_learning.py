"""The verbs ``select``, ``grade`` and ``label``, from structures to candidates."""

import sys

import numpy as np
import pytest

from betalps.active_learning import named_calculator
from betalps.cli.label import settings
from betalps.cli.main import main
from betalps.datasets import read, stored_labels, write
from betalps.potentials import Potential, load
from betalps.structures import beta_li3ps4
from cli.cases import with_types


def rattled(size, seed, cell=(1, 1, 1)):
    atoms = beta_li3ps4(cell)
    atoms.rattle(size, seed=seed)
    return atoms


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BETALPS_THREADS", "1")
    Potential.from_level(8, ["Li", "P", "S"], cutoff=4.5, min_dist=1.5, radial_size=4, rng=7).write("pot.almtp")
    write([rattled(0.03 * (1 + k), k) for k in range(6)], "train.extxyz.xz")
    return tmp_path


def test_select_then_grade(here, capsys):
    command = ["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "graded.almtp"]
    assert main([*command, "--selected", "chosen.cfg"]) == 0
    out, err = capsys.readouterr()
    potential = load("graded.almtp")
    assert potential.has_active_set
    chosen = read("chosen.cfg", species=potential.species)
    assert f"{len(chosen)} of 6 structures selected" in out
    assert f"{potential.active_set.unfilled} of {potential.coeffs_count} rows stay unfilled (radial P-P 8" in err

    assert main(["grade", "train.extxyz.xz", "--potential", "graded.almtp", "--threshold", "1.01"]) == 0
    assert capsys.readouterr().out.startswith("6 structures: 0 above 1.01, 0 with components never seen")

    source = rattled(0.05, 1, (2, 3, 3))
    source.positions[200] += [0.8, 0.7, -0.5]
    write([rattled(0.03, 0), source], "run.extxyz")
    wanted = ["--threshold", "1.5", "--output", "all.extxyz", "--cut", "cut.extxyz"]
    assert main(["grade", "run.extxyz", "--potential", "graded.almtp", *wanted]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 structures: 1 above 1.5")
    assert "run.extxyz frame 1, atom " in out
    told = read("all.extxyz")
    assert told[1].arrays["nbh_grades"].max() == told[1].info["grade"] > 1.5
    pieces = read("cut.extxyz")
    assert all(piece.info["cut_frame"] == 1 and piece.info["cut_charge"] == 0 for piece in pieces)
    assert f"{len(pieces)} neighbourhoods cut: cut.extxyz" in out

    again = ["select", "cut.extxyz", "--potential", "graded.almtp", "--output", "next.almtp", "--add"]
    assert main(again) == 0
    assert "configurations of the old active set were replaced" in capsys.readouterr().out


@pytest.mark.parametrize("types", [(2, 1, 0), (3, 15, 16)])
def test_cfg_files_have_the_types_of_the_potential(here, capsys, types):
    """What one verb writes, the next reads with the same potential, and finds the same elements."""
    with_types(load("pot.almtp"), types).write("pot.almtp")
    command = ["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "graded.almtp"]
    assert main([*command, "--selected", "chosen.cfg"]) == 0
    symbols = dict(zip(types, ["Li", "P", "S"], strict=True))
    assert all(str(atoms.symbols) == str(beta_li3ps4().symbols) for atoms in read("chosen.cfg", species=symbols))
    grade = ["grade", "--potential", "graded.almtp", "--threshold", "0.01"]
    assert main([*grade, "chosen.cfg", "--output", "all.cfg", "--cut", "cut.cfg"]) == 0
    once = read("all.cfg", species=symbols)
    assert read("cut.cfg", species=symbols)[0].get_chemical_symbols().count("P") > 0
    assert main([*grade, "all.cfg", "--output", "again.cfg"]) == 0
    for atoms, other in zip(once, read("again.cfg", species=symbols), strict=True):
        np.testing.assert_allclose(atoms.arrays["nbh_grades"], other.arrays["nbh_grades"], rtol=1e-9)
    assert main([*grade, "cut.cfg"]) == 0


def test_never_seen_instead_of_a_number(here, capsys):
    main(["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "graded.almtp"])
    atoms = beta_li3ps4()
    first, second = [k for k, symbol in enumerate(atoms.symbols) if symbol == "P"][:2]
    atoms.positions[second] = atoms.positions[first] + [0, 0, 3.0]
    write(atoms, "a.extxyz")
    capsys.readouterr()
    assert main(["grade", "a.extxyz", "--potential", "graded.almtp"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1 with components never seen" in lines[0]
    assert "rows of the active set were never filled: radial P-P 8" in lines[1]
    assert lines[2].split("  ")[0].strip() == "never seen"


def test_configurations(here, capsys):
    command = ["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "graded.almtp"]
    assert main([*command, "--mode", "configuration", "--start", "qr"]) == 0
    assert main(["grade", "train.extxyz.xz", "--potential", "graded.almtp", "--output", "g.extxyz"]) == 0
    assert "nbh_grades" not in read("g.extxyz")[0].arrays
    assert read("g.extxyz")[0].info["grade"] <= 1.001 * (1 + 1e-6)


class TestLabel:
    command = ("label", "train.extxyz.xz", "--calculator", "mtp:beta-lps", "--folder", "labels")

    def test_and_go_on(self, here, capsys):
        assert main([*self.command, "--output", "labelled.extxyz.xz"]) == 0
        out, err = capsys.readouterr()
        assert out == "6 labels computed, 0 were there, 0 failed\n"
        assert err.splitlines()[-1].startswith("6 of 6 (0 failed), ")
        found = read("labelled.extxyz.xz")
        assert found.report.complete
        for one, other in zip(found, read("train.extxyz.xz"), strict=True):
            np.testing.assert_array_equal(one.positions, other.positions)
        assert main([*self.command]) == 0
        assert capsys.readouterr().out == "0 labels computed, 6 were there, 0 failed\n"

    def test_with_two_workers(self, here, capsys):
        assert main([*self.command, "--workers", "2"]) == 0
        assert capsys.readouterr().out == "6 labels computed, 0 were there, 0 failed\n"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            ("raise RuntimeError('it diverged')", "RuntimeError: it diverged"),
            ("import os; os._exit(7)", "WorkerError: the process ended with exit code 7"),
            ("import time; time.sleep(600)", "TimeoutError: no label within 2 s"),
        ],
    )
    def test_failures_are_told(self, here, capsys, monkeypatch, body, reason):
        (here / "mine.py").write_text(
            "from ase.calculators.emt import EMT\n\n"
            "class Broken(EMT):\n"
            "    def calculate(self, *args):\n"
            f"        {body}\n"
        )
        monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
        monkeypatch.delitem(sys.modules, "mine", raising=False)
        command = ["label", "train.extxyz.xz", "--calculator", "mine:Broken", "--folder", "labels"]
        command += ["--timeout", "2"] if "sleep" in body else []
        write(read("train.extxyz.xz")[:2], "train.extxyz.xz")
        assert main(command) == 1
        out, err = capsys.readouterr()
        assert out == "0 labels computed, 0 were there, 2 failed\n"
        assert f"train.extxyz.xz frame 1, 1 attempts: {reason}" in err
        assert main([*command, "--retry"]) == 1
        assert "2 attempts" in capsys.readouterr().err

    def test_without_stress(self, here):
        assert main([*self.command, "--no-stress", "--output", "a.extxyz"]) == 0
        assert set(stored_labels(read("a.extxyz")[0])) == {"energy", "forces"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["grade", "train.extxyz.xz", "--potential", "pot.almtp"], "has no active set; `betalps select`"),
        (["select", "none.extxyz", "--potential", "pot.almtp", "--output", "a.almtp"], "none.extxyz"),
        (["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "a.mtp"], "no place for an active set"),
        (["select", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "no/a.almtp"], "'no/a.almtp'"),
        (["grade", "train.extxyz.xz", "--potential", "pot.almtp", "--output", "no/a.extxyz"], "'no/a.extxyz'"),
        (["label", "train.extxyz.xz", "--calculator", "gpaw", "--output", "no/a.extxyz"], "'no/a.extxyz'"),
        (["label", "train.extxyz.xz", "--calculator", "magic"], "calculator magic: expected one of sevennet, gpaw"),
        (["label", "train.extxyz.xz", "--calculator", "no.such:thing"], "calculator no.such:thing: No module named"),
        (["label", "train.extxyz.xz", "--calculator", "gpaw", "--set", "xc"], "--set xc: expected NAME=VALUE"),
        (["label", "train.extxyz.xz", "--calculator", "sevennet", "--set", "colour=1"], "unexpected keyword"),
        (["label", "train.extxyz.xz", "--calculator", "mtp:none"], "'none' is neither a file nor a bundled"),
        (["label", "train.extxyz.xz", "--calculator", "gpaw", "--workers", "0"], "workers is 0; expected at least 1"),
        (
            ["label", "train.extxyz.xz", "--calculator", "os:sep", "--set", "a=1"],
            "settings are for the ready",
        ),
    ],
)
def test_errors_are_one_line(here, capsys, command, said):
    assert main(command) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_settings_become_numbers():
    assert settings(["a=1", "b=0.5", "xc=PBE"]) == {"a": 1, "b": 0.5, "xc": "PBE"}
    made = named_calculator("vasp-single-point", **settings(["encut=400", "xc=PBE"]))
    assert (made.settings["encut"], made.settings["xc"], made.settings["ediff"]) == (400, "PBE", 1e-5)
