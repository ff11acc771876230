"""The verbs ``train``, ``evaluate`` and ``grid``."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from betalps import MTP
from betalps.cli.main import main
from betalps.datasets import write as write_whole
from betalps.datasets import write_cfg
from betalps.potentials import Potential
from betalps.structures import beta_li3ps4
from betalps.training import FitSettings, evaluate, fit
from cli.cases import with_types

GRID = "import sys; from betalps.cli.main import main; sys.exit(main(['grid', *sys.argv[1:]]))"
QUICK = ["--level", "4", "--starts", "1", "--iterations", "3", "--threads", "1"]


def labelled(count, seed):
    rng = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        atoms = beta_li3ps4()
        atoms.positions += 0.1 * rng.normal(size=(32, 3))
        atoms.calc = MTP("beta-lps", threads=1)
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.info = {"kind": "odd" if index % 2 else "even"}
        frames.append(atoms)
    return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write(folder / "train.extxyz", labelled(8, 0))
    write(folder / "valid.extxyz", labelled(3, 1))
    write_cfg(labelled(2, 2), folder / "some.cfg", ["Li", "P", "S"])
    return folder


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_writes_what_the_library_finds(folder, here, capsys):
    arguments = ["--train", f"{folder}/train.extxyz", "--valid", f"{folder}/valid.extxyz", "--seed", "3"]
    assert main(["train", *QUICK, *arguments, "--groups", "kind", "--plots", "figures", "--force-scale", "0.5"]) == 0
    said = capsys.readouterr().out
    from betalps.training import Weights

    expected = fit(
        read(folder / "train.extxyz", ":"),
        4,
        validation=read(folder / "valid.extxyz", ":"),
        settings=FitSettings(starts=1, iterations=3),
        weights=Weights(force_scale=0.5),
        seed=3,
        threads=1,
    )
    potential = Potential.read("potential.almtp")
    assert potential == expected.potential
    content = json.loads((here / "potential.json").read_text())
    assert content["potential"]["sha256"] == potential.sha256
    assert set(content["held_out"]["groups"]["kind"]) == {"even", "odd"}
    assert "kind odd" in said
    assert f"{1e3 * expected.held_out.overall.force.mae:.3g} (" in said
    assert "note: the compositions span 1 of 3 dimensions" in said
    names = {path.name for path in (here / "figures").iterdir()}
    assert names == {"loss.svg", "parity-training.svg", "parity-held-out.svg"}
    assert {path.name for path in here.iterdir()} == {"figures", "potential.almtp", "potential.json"}


def test_sources_from_files_to_errors(folder, here, capsys):
    """The second file's energies are 3 eV per atom higher: the fit says so, and evaluate takes it from the fit."""
    shifted = read(folder / "valid.extxyz", ":")
    for atoms in shifted:
        atoms.calc.results["energy"] += 96.0
    write("other.extxyz", shifted)
    files = ["--train", f"{folder}/train.extxyz", "other.extxyz", "--sources", "here", "there"]
    more = ["--valid", "other.extxyz", "--valid-sources", "there", "--source-weights", "there=2"]
    assert main(["train", *QUICK, *files, *more, "--reference-source", "here"]) == 0
    said = capsys.readouterr().out
    assert "energies of there above those of here, eV per atom: Li 2.7" in said  # by least norm
    content = json.loads((here / "potential.json").read_text())
    total = sum(
        n * content["sources"]["shifts_eV_per_atom"]["there"][s] for s, n in {"Li": 12, "P": 4, "S": 16}.items()
    )
    assert total == pytest.approx(96, abs=1.0)
    assert content["provenance"]["sources"] == {"reference": "here", "weights": {"there": 2.0}}
    for atoms in shifted:
        atoms.info["label_source"] = "there"
    write("marked.extxyz", shifted)
    errors = []
    for more in ([], ["--shifts", "potential.json"]):
        assert main(["evaluate", "potential.almtp", "marked.extxyz", "--output", "e.json", *more]) == 0
        errors.append(json.loads((here / "e.json").read_text())["overall"]["energy_eV_per_atom"]["mae"])
    assert errors[0] == pytest.approx(3.0, abs=0.1)
    assert errors[1] == pytest.approx(content["held_out"]["overall"]["energy_eV_per_atom"]["mae"], rel=1e-6)
    assert main(["evaluate", "potential.almtp", "marked.extxyz", "--shifts", "e.json"]) == 2
    assert "e.json: found no shifts of sources" in capsys.readouterr().err


def test_killed_train_goes_on(folder, here):
    """Killed when the first leg is in the checkpoint."""
    base = [sys.executable, "-m", "betalps.cli.main", "train", "--train", f"{folder}/train.extxyz", "--threads", "1"]
    command = [*base, "--level", "6", "--starts", "3", "--subset", "4", "--iterations", "20"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "--output", "whole.almtp"], check=True, capture_output=True, env=environment)
    process = subprocess.Popen([*command, "--output", "killed.almtp"], env=environment)
    checkpoint = here / "killed.almtp.checkpoint"
    while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_size > 10_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert checkpoint.exists()
    subprocess.run([*command, "--output", "killed.almtp"], check=True, capture_output=True, env=environment)
    assert (here / "killed.almtp").read_bytes() == (here / "whole.almtp").read_bytes()
    assert not checkpoint.exists()


def test_train_from_cfg_and_from_another_potential(folder, here, capsys):
    assert main(["train", *QUICK, "--train", f"{folder}/some.cfg", "--species", "Li", "P", "S"]) == 0
    first = Potential.read("potential.almtp")
    warm = ["train", "--form", "potential.almtp", "--warm-start", "--iterations", "2", "--output", "warm.mtp"]
    assert main([*warm, "--train", f"{folder}/train.extxyz", f"{folder}/valid.extxyz", "--threads", "1"]) == 0
    second = Potential.read("warm.mtp")
    assert (second.level, second.min_dist) == (first.level, first.min_dist)
    assert second != first
    assert json.loads((here / "warm.json").read_text())["provenance"]["training_frames"] == 11


def renamed(frames, prefix):
    """The labels under other names, the stress as a virial; half of the frames keep an energy 5 eV too high."""
    out = []
    for index, atoms in enumerate(frames):
        copy = atoms.copy()
        matrix = atoms.get_stress(voigt=False)
        copy.info[f"{prefix}_energy"] = atoms.get_potential_energy()
        copy.info[f"{prefix}_virial"] = (-atoms.get_volume() * matrix).ravel()
        copy.arrays[f"{prefix}_forces"] = atoms.get_forces()
        if index % 2:
            copy.info["energy"] = atoms.get_potential_energy() + 5
        out.append(copy)
    return out


def test_labels_of_other_names_are_told_and_taken(folder, here, capsys):
    for name in ("train", "valid"):
        write_whole(renamed(read(folder / f"{name}.extxyz", ":"), "REF"), f"{name}.extxyz")
    arguments = ["--train", "train.extxyz", "--valid", "valid.extxyz"]
    assert main(["train", *QUICK, *arguments]) == 0
    said = capsys.readouterr().err
    assert "note: labels of train.extxyz:\n" in said
    assert "note: energy: 4 present, 4 missing\n" in said
    assert "note: forces: 0 present, 8 missing\n" in said
    assert "note: REF_forces: in 8 configurations, not taken as a label" in said
    hint = "--keys energy=REF_energy virial=REF_virial forces=REF_forces"
    assert f"note: if these are the labels: {hint}\n" in said
    assert main(["train", *QUICK, *arguments, *hint.split()]) == 0
    assert "note: labels of" not in capsys.readouterr().err
    assert main(["evaluate", "beta-lps", "valid.extxyz", "--output", "e.json", *hint.split()]) == 0
    overall = json.loads((here / "e.json").read_text())["overall"]
    assert overall["energy_eV_per_atom"]["max"] < 1e-6
    assert overall["energy_eV_per_atom"]["count"] == 3
    assert max(overall["force_eV_per_A"]["max"], overall["stress_GPa"]["max"]) < 1e-6
    grid = ["grid", "--data", "train.extxyz", "--levels", "2", "--cutoffs", "4", "--starts", "0", "--iterations", "1"]
    assert main([*grid, "--valid", "valid.extxyz", *hint.split()]) == 0
    assert "note: labels of" not in capsys.readouterr().err


def test_hints_are_given_where_labels_are_lacking(here, capsys):
    """Complete labels need none; a hint names all of a kind, lest the labels of two methods mix."""
    frames = labelled(2, 0)
    write("complete.extxyz", frames)
    frames[0].info["DFT_energy"] = frames[1].info["DFT_energy"] = 1.0
    write("both.extxyz", frames)
    for atoms in frames:
        atoms.arrays["DFT_forces"] = atoms.calc.results.pop("forces")
    write("mixed.extxyz", frames)
    assert main(["evaluate", "beta-lps", "complete.extxyz", "--threads", "1"]) == 0
    assert not capsys.readouterr().err
    assert main(["evaluate", "beta-lps", "both.extxyz", "--threads", "1"]) == 0
    said = capsys.readouterr().err
    assert "note: DFT_energy: in 2 configurations, not taken as a label" in said
    assert "if these are the labels" not in said
    assert main(["evaluate", "beta-lps", "mixed.extxyz", "--threads", "1"]) == 0
    assert "note: if these are the labels: --keys energy=DFT_energy forces=DFT_forces\n" in capsys.readouterr().err


@pytest.mark.parametrize("types", [(2, 1, 0), (3, 15, 16)])
def test_cfg_files_have_the_types_of_the_potential(folder, here, capsys, types):
    """MLIP-3's types are any integers in any order; a potential says which of its species they are."""
    with_types(Potential.from_level(4, ["Li", "P", "S"], cutoff=4.0, min_dist=1.5, rng=3), types).write("other.almtp")
    assert Potential.read("other.almtp").types == types
    frames = labelled(2, 2)
    write("some.extxyz", frames)
    write_cfg(frames, "some.cfg", dict(zip(types, ["Li", "P", "S"], strict=True)))
    found = []
    for name in ("some.extxyz", "some.cfg"):
        assert main(["evaluate", "other.almtp", name, "--threads", "1", "--output", "e.json"]) == 0
        found.append(json.loads((here / "e.json").read_text())["overall"]["energy_eV_per_atom"]["mae"])
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    warm = ["--form", "other.almtp", "--warm-start", "--iterations", "1", "--threads", "1"]
    assert main(["train", "--train", "some.cfg", "--valid", "some.cfg", *warm]) == 0
    assert Potential.read("potential.almtp").types == types


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train", "some.cfg"], "the types of a .cfg file need their symbols: --species Li P S"),
        (["--train", "absent.extxyz"], "absent.extxyz"),
        (["--train", "train.extxyz", "--output", "absent/pot.almtp"], "absent"),
        (["--train", "train.extxyz", "--warm-start"], "--warm-start needs --form"),
        (["--train", "train.extxyz", "--level", "7"], "level"),
        (["--train", "train.extxyz", "--energy-weight", "-1"], "weight of energy is -1.0"),
        (["--train", "train.extxyz", "--sources", "a", "b"], "--sources names 2 sources; expected one for each of 1"),
        (
            ["--train", "train.extxyz", "--reference-source", "PBE"],
            "source PBE: the training data have - (8)",
        ),
        (["--train", "train.extxyz", "--source-weights", "a:2"], "--source-weights a:2: expected NAME=W"),
        (["--train", "train.extxyz", "--valid-fraction", "2"], "leaves frames on both sides"),
        (["--train", "train.extxyz", "--ridges", "1e-9", "1e-8"], "several ridges need validation data"),
        (["--train", "train.extxyz", "nan.extxyz"], "nan.extxyz, frame 1: forces: found nan"),
        (["--train", "train.extxyz", "--valid", "nan.extxyz"], "nan.extxyz, frame 1: forces: found nan"),
        (["--train", "train.extxyz", "--keys", "REF_energy"], "--keys REF_energy: expected LABEL=NAME"),
        (["--train", "train.extxyz", "--keys", "energy=a", "energy=b"], "expected each name once"),
        (["--train", "train.extxyz", "--keys", "magmoms=a"], "keys names magmoms; expected some of energy"),
        (["--train", "train.extxyz", "--keys", "energy=E", "forces=F", "stress=S"], "positive weight"),
        (["--train", "text.extxyz"], "text.extxyz: "),
        (["--train", "train.extxyz", "--output", "absent/a/pot.almtp"], "directory: 'absent/a/pot.almtp'"),
        (["--train", "train.extxyz", "--output", "pot.json"], "the report of the fit gets this name"),
        (["--train", "train.extxyz", "--species", "Li", "P", "Q"], "'Q' is no chemical symbol"),
        (["--train", "train.extxyz", "--seed", "-1"], "seed is -1; expected 0 or more"),
        (["--train", "zero.extxyz"], "every frame has a weight of 0 (config_weight)"),
    ],
)
def test_mistakes_are_one_line(folder, here, capsys, arguments, message):
    frames = labelled(2, 0)
    frames[1].calc.results["forces"][2, 1] = np.nan
    write("nan.extxyz", frames)
    (here / "text.extxyz").write_text("no structure\n")
    for atoms in frames:
        atoms.calc.results["forces"] = np.zeros((32, 3))
        atoms.info["config_weight"] = 0.0
    write("zero.extxyz", frames)
    for name in ("some.cfg", "train.extxyz"):
        (here / name).write_bytes((folder / name).read_bytes())
    assert main(["train", *QUICK, *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert message in said[-1]
    assert said[-1].startswith("betalps train: ")
    assert not (here / "potential.almtp").exists()


def test_evaluate_prints_and_writes_the_errors(folder, here, capsys):
    frames = [*read(folder / "train.extxyz", ":"), *read(folder / "valid.extxyz", ":")]
    frames[0].calc.results["energy"] += 0.64
    write("data.extxyz", frames)
    arguments = ["--groups", "kind", "--parity", "parity.svg", "--output", "errors.json", "--threads", "1"]
    assert main(["evaluate", "beta-lps", "data.extxyz", *arguments]) == 0
    said = capsys.readouterr().out
    report = evaluate("beta-lps", read("data.extxyz", ":"), threads=1)
    content = json.loads((here / "errors.json").read_text())
    assert content["overall"]["energy_eV_per_atom"]["max"] == pytest.approx(0.02, rel=1e-6)
    assert content["overall"]["energy_eV_per_atom"]["mae"] == report.overall.energy.mae
    assert f"{1e3 * report.overall.energy.mae:.3g} (" in said
    assert "kind even" in said
    assert "energy 0" in said
    assert (here / "parity.svg").read_text().startswith("<?xml")
    assert main(["evaluate", "beta-lps", f"{folder}/some.cfg", "--threads", "1"]) == 0


def test_grid_recommends_and_resumes(folder, here, capsys):
    arguments = ["--data", f"{folder}/train.extxyz", "--levels", "2", "4", "--cutoffs", "4", "--starts", "0"]
    command = ["grid", *arguments, "--iterations", "2", "--valid-fraction", "0.3"]
    assert main(command) == 0
    said = capsys.readouterr().out
    content = json.loads((here / "betalps-grid" / "grid.json").read_text())
    assert [point["level"] for point in content["points"]] == [2, 4]
    assert "take the cheapest" in said
    assert (here / said.splitlines()[-1]).exists()
    assert (here / "betalps-grid" / "grid.svg").exists()
    assert (here / "betalps-grid" / "cost.svg").exists()
    before = (here / "betalps-grid" / "level-2_cutoff-4_basis-8.json").stat().st_mtime_ns
    assert main(command) == 0
    assert (here / "betalps-grid" / "level-2_cutoff-4_basis-8.json").stat().st_mtime_ns == before
    assert main([*command, "--budget", "0.001"]) == 2
    assert "no point costs 0.001 µs/atom or less" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("dropped", "cells"),
    [(["energy", "stress"], [0, 2]), (["forces", "stress"], [1, 2]), (["energy", "forces"], [0, 1])],
)
def test_grid_of_labels_of_one_kind(folder, here, capsys, dropped, cells):
    """With stresses alone there are errors to look at, and nothing to recommend by."""
    frames = read(folder / "train.extxyz", ":")
    for atoms in frames:
        for name in dropped:
            atoms.calc.results.pop(name)
    write("some.extxyz", frames)
    arguments = ["--data", "some.extxyz", "--levels", "2", "4", "--cutoffs", "4", "--starts", "0", "--iterations", "2"]
    recommended = "forces" not in dropped or "energy" not in dropped
    assert main(["grid", *arguments, "--valid-fraction", "0.3"]) == (0 if recommended else 2)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert "nan" not in said.out + said.err
    for line in lines[1:3]:
        assert [k for k, word in enumerate(line.split()[3:6]) if word == "-"] == cells
    assert (here / "betalps-grid" / "grid.svg").exists()
    assert (here / "betalps-grid" / "cost.svg").exists()
    if recommended:
        assert "The held-out data have no labels of" in said.out
        assert (here / lines[-1]).exists()
    else:
        assert "the held-out data have neither energies nor forces" in said.err


@pytest.mark.parametrize("option", ["--workers", "--threads"])
@pytest.mark.parametrize("number", ["0", "-3"])
def test_grid_needs_something_to_work_with(folder, here, capsys, option, number):
    assert main(["grid", "--data", f"{folder}/train.extxyz", option, number]) == 2
    assert capsys.readouterr().err == f"betalps grid: {option} is {number}; expected at least 1\n"
    assert not list(here.iterdir())


def test_grid_in_processes(folder, here, capsys):
    arguments = ["--data", f"{folder}/train.extxyz", "--valid", f"{folder}/valid.extxyz", "--levels", "2", "3"]
    settings = ["--cutoffs", "4", "--starts", "0", "--iterations", "1", "--workers", "2"]
    assert main(["grid", *arguments, *settings]) == 0
    said = capsys.readouterr()
    assert "level-3_cutoff-4_basis-8: " in said.err
    assert "Level 2, cutoff 4 Å" in said.out


def children(pid):
    """Processes that a process has started and that are not over."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks at /proc")
def test_grid_whose_worker_is_killed_says_so_in_one_line(folder, here, capsys, monkeypatch):
    """The first one, as soon as a fit has begun."""
    killed = []

    def kill():
        while not killed:
            if begun := list(here.glob("betalps-grid/*.checkpoint")):
                killed.append(begun[0])
                for pid in children(os.getpid()):
                    if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
                        os.kill(pid, signal.SIGKILL)
                        return
            time.sleep(0.01)

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    arguments = ["--data", f"{folder}/train.extxyz", "--levels", "24", "26", "--cutoffs", "7", "--workers", "2"]
    try:
        assert main(["grid", *arguments]) == 2
    finally:
        killed.append(None)  # ends the thread, whatever happened
        thread.join()
    said = capsys.readouterr().err
    assert said.startswith("betalps grid: a process that fits was killed")
    assert "0 of 2 points are done and kept in betalps-grid: the same call goes on" in said


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_grid_in_processes_stops_with_all_of_them(folder, here, number, status):
    """While fits that take minutes are running and waiting."""
    base = [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + GRID]
    command = [*base, "--data", f"{folder}/train.extxyz", "--levels", "24", "26", "28", "--cutoffs", "7", "8"]
    with Path("said").open("w") as said:
        process = subprocess.Popen(
            [*command, "--workers", "2"], stderr=said, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        try:
            while len(list(here.glob("betalps-grid/*.checkpoint"))) < 2:
                assert process.poll() is None, Path("said").read_text()
                time.sleep(0.05)
            pids = children(process.pid)
            process.send_signal(number)
            assert process.wait(timeout=60) == status
        finally:
            process.kill()
            process.wait()
    assert len(pids) >= 2
    deadline = time.monotonic() + 30.0
    while any(map(running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(running, pids))
