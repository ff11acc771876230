"""``betalps lammps``."""

import argparse
import shutil

import numpy as np
import pytest
from ase.io import write

from betalps.cli import lammps as verb
from betalps.lammps import LammpsError, find_lammps
from betalps.lammps.plugin import core_library
from betalps.structures import beta_li3ps4
from betalps.trajectories import open_trajectory

SPEC = """\
structure = "start.extxyz"
frame_interval = 0.02
thermo_interval = 0.01
checkpoint_interval = 0.05
[[stages]]
name = "produce"
ensemble = "nvt"
time = 0.1
temperature = 300
"""


@pytest.fixture
def spec(tmp_path):
    write(tmp_path / "start.extxyz", beta_li3ps4())
    path = tmp_path / "small.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def lammps(tmp_path_factory, monkeypatch):
    try:
        installed = find_lammps()
        core_library()
    except LammpsError as error:
        pytest.skip(str(error))
    if not any(map(shutil.which, ("c++", "g++", "clang++"))) or installed.mpiexec is None:
        pytest.skip("there is no C++ compiler, or no mpiexec")
    monkeypatch.setenv("BETALPS_CACHE", str(tmp_path_factory.getbasetemp() / "lammps-cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return installed


def call(*arguments):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.mark.lammps
def test_run_dry_run_and_again(lammps, spec, capsys):
    assert call("run", spec, "--ranks", 1, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "32 atoms, 50 steps, 50 of them left to do, lammps on 1 rank" in said
    measured = float(said.split(" µs per atom and step measured now")[0].split()[-1])
    assert 0.3 < measured < 3000  # a kernel's time, however slow the machine; and not that of reading a log
    assert "5 frames" in said
    folder = spec.with_suffix("")
    assert not folder.exists()
    assert call("run", spec, "--ranks", 1) == 0
    out, err = capsys.readouterr()
    assert "step 50 of 50" in out
    assert "100 % produce: 0.1 ps" in err
    assert len(open_trajectory(folder / "trajectory")) == 5
    before = (folder / "frames.0.dump").stat().st_mtime_ns
    assert call("run", spec, "--ranks", 1) == 0  # nothing is left to do
    assert (folder / "frames.0.dump").stat().st_mtime_ns == before
    assert call("collect", folder) == 0
    assert call("next", folder) == 0
    said = capsys.readouterr().out
    assert "5 frames in" in said
    assert "-var resumed 1 -var restart restart." in said


@pytest.mark.lammps
def test_check_build_and_program(lammps, tmp_path, capsys):
    assert call("build") == 0
    assert call("program") == 0
    plugin, program = capsys.readouterr().out.split()
    assert plugin.endswith("betalpsplugin.so")
    assert program == str(lammps.program)
    atoms = beta_li3ps4()
    atoms.rattle(0.1, rng=np.random.default_rng(0))
    write(tmp_path / "some.extxyz", atoms)
    assert call("check", tmp_path / "some.extxyz", "--ranks", 1) == 0
    assert "LAMMPS agrees with the calculator" in capsys.readouterr().out


def test_write_for_a_cluster(spec, tmp_path, capsys):
    folder = tmp_path / "cluster"
    assert call("write", spec, folder, "--ranks", 64, "--lammps", "/opt/lammps") == 0
    assert "sbatch submit.sh" in capsys.readouterr().out
    submit = (folder / "submit.sh").read_text()
    assert "#SBATCH --ntasks=64" in submit
    assert "export BETALPS_LAMMPS=/opt/lammps\n" in submit
    names = {path.name for path in folder.iterdir()}
    assert {"in.lammps", "structure.data", "potential.almtp", "run.json", "turn.json", "submit.sh"} <= names
    text = (folder / "in.lammps").read_text()
    assert "fix stage1 all nvt temp 300.0 300.0 0.1" in text
    assert call("next", folder) == 0
    assert capsys.readouterr().out.strip() == ""


def test_a_file_that_is_no_run(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("timestep = 2\n")
    with pytest.raises(ValueError, match=r"wrong\.toml: the run lacks stages"):
        call("run", path)
    path.write_text("= 2\n")
    with pytest.raises(ValueError, match=r"wrong\.toml: .*line 1"):
        call("write", path, tmp_path / "out")
