"""The pair style: compiled once, refused where it does not fit, and what it offers inside LAMMPS."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from betalps.calculators import Engine
from betalps.lammps import LammpsError, build_plugin, evaluate
from betalps.lammps.inputs import DATA, POTENTIAL, pair_lines, preamble, write_structure
from betalps.potentials import load
from calculators.cases import BUNDLED, with_active_set

pytestmark = pytest.mark.lammps


def run_lines(lammps, folder, lines, ranks=1):
    """What LAMMPS prints."""
    (folder / "in.test").write_text("\n".join(lines) + "\n")
    command = lammps.command(ranks, ["-in", "in.test", "-log", "none", "-var", "plugin", str(build_plugin(lammps))])
    done = subprocess.run(
        command,
        cwd=folder,
        env=lammps.environment(),
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout


def test_compiled_once(lammps, cache):
    path = build_plugin(lammps)
    assert str(path).startswith(cache)
    before = path.stat().st_mtime_ns
    assert build_plugin(lammps) == path
    assert path.stat().st_mtime_ns == before
    assert [entry.name for entry in path.parent.iterdir() if entry.name != "lock"] == [path.name]


def test_refused_by_another_lammps(lammps, distorted, tmp_path, monkeypatch):
    """Compiled for a library whose bytes differ, though it calls itself the same."""
    other = tmp_path / "liblammps.so"
    shutil.copy(lammps.library, other)
    with other.open("ab") as file:
        file.write(b"another build")
    monkeypatch.setenv("BETALPS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(LammpsError, match=r"not loaded: it was compiled for another LAMMPS than .*liblammps"):
        evaluate(distorted(), BUNDLED, installation=replace(lammps, library=other))


def test_refused_with_headers_of_another_version(lammps, distorted, tmp_path, monkeypatch):
    headers = tmp_path / "headers"
    shutil.copytree(lammps.headers, headers)
    pair = headers / "pair.h"
    pair.write_text(pair.read_text().replace("double eng_vdwl, eng_coul;", "double eng_vdwl, eng_coul, eng_new;"))
    monkeypatch.setenv("BETALPS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(LammpsError, match="headers and its library are of different versions"):
        evaluate(distorted(), BUNDLED, installation=replace(lammps, headers=headers))


def test_nothing_to_compile_with(lammps, tmp_path, monkeypatch):
    monkeypatch.setenv("BETALPS_CACHE", str(tmp_path))
    with pytest.raises(LammpsError, match="came without its headers"):
        build_plugin(replace(lammps, headers=None))
    with pytest.raises(LammpsError, match=r"found no mpi\.h for the MPI of LAMMPS"):
        build_plugin(replace(lammps, mpi_headers=None))
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(LammpsError, match="the compiler failed on the pair style for LAMMPS"):
        build_plugin(lammps)
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LammpsError, match=r"found no C\+\+ compiler"):
        build_plugin(lammps)


@pytest.mark.parametrize(
    ("settings", "coefficients", "message"),
    [
        ("grade", None, "grade lacks its value"),
        ("threads 0", None, "threads is 0, expected at least 1"),
        ("precision half", None, "found precision half, expected threads N, precision double"),
        ("select 2", None, "select, break and file need grade N"),
        ("grade 5 select 3 break 2", None, "expected 0 < select <= break"),
        ("grade 5", None, "has no active set of neighbourhoods, which grade needs"),
        ("", "* * nowhere.almtp Li P S", "nowhere.almtp"),
        ("", f"* * {POTENTIAL} Li P", "the elements of all 3 atom types"),
        ("", f"* * {POTENTIAL} Li P Se", "found element Se, the potential knows Li P S"),
    ],
)
def test_wrong_settings(lammps, distorted, tmp_path, settings, coefficients, message):
    potential = load(BUNDLED).without_active_set()
    write_structure(tmp_path, distorted(), potential)
    lines = [*preamble(distorted()), f"read_data {DATA}", *pair_lines(potential, settings), "run 0"]
    if coefficients:
        lines = [f"pair_coeff {coefficients}" if line.startswith("pair_coeff") else line for line in lines]
    said = " ".join(run_lines(lammps, tmp_path, lines).split())
    assert message in said


def test_wrong_surroundings(lammps, distorted, tmp_path):
    potential = load(BUNDLED)
    write_structure(tmp_path, distorted(), potential)
    lines = [*preamble(distorted()), f"read_data {DATA}", *pair_lines(potential), "run 0"]
    assert "units are real, expected metal" in run_lines(lammps, tmp_path, ["units real", *lines[1:]])
    off = [line.replace("newton on", "newton off") for line in lines]
    assert "newton is off, expected newton on" in run_lines(lammps, tmp_path, off)


def test_energies_and_stresses_of_atoms(lammps, distorted, tmp_path):
    """What compute pe/atom and stress/atom see, on two ranks, beside another pair style, with threads."""
    atoms, potential = distorted((1, 2, 1)), load(BUNDLED)
    write_structure(tmp_path, atoms, potential)
    lines = [
        *preamble(atoms),
        f"read_data {DATA}",
        "plugin load ${plugin}",
        "pair_style hybrid/overlay zero 3.0 betalps threads 2",
        "pair_coeff * * zero",
        f"pair_coeff * * betalps {POTENTIAL} {' '.join(potential.species)}",
        "compute e all pe/atom",
        "compute s all stress/atom NULL pair",
        "dump d all custom 1 atoms.txt id c_e c_s[*]",
        "dump_modify d sort id format float %.16g",
        "run 0",
    ]
    said = run_lines(lammps, tmp_path, lines, ranks=2)
    assert "ERROR" not in said, said
    table = np.loadtxt(tmp_path / "atoms.txt", skiprows=9)
    out = Engine(potential).evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, virials=True)
    np.testing.assert_allclose(table[:, 1], out.energies, rtol=1e-12)
    virials = -table[:, 2:8][:, [0, 1, 2, 5, 4, 3]] / 1.6021765e6
    np.testing.assert_allclose(virials, out.virials, rtol=1e-9, atol=1e-11)


_INSIDE = """
import json, sys
from betalps.lammps import LammpsError, load_plugin, new_lammps
folder, lines, plugin = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
import os; os.chdir(folder)
for attempt in range(2):
    lmp = new_lammps()
    if attempt == 0:
        try:
            load_plugin(lmp, "nowhereplugin.so")
        except LammpsError as error:
            print(json.dumps(str(error)))
    load_plugin(lmp, plugin)
    lmp.commands_list(lines)
    grades = lmp.numpy.extract_fix("g", 1, 1)
    tags = lmp.numpy.extract_atom("id")
    print(json.dumps(sorted(zip(tags.tolist(), grades.ravel().tolist()))))
    lmp.close()
"""


def test_inside_a_process_with_grades_of_atoms(lammps, distorted, tmp_path):
    atoms, potential = distorted(), with_active_set(load(BUNDLED))
    write_structure(tmp_path, atoms, potential)
    lines = [
        *preamble(atoms),
        f"read_data {DATA}",
        "pair_style betalps",
        f"pair_coeff * * {POTENTIAL} {' '.join(potential.species)}",
        "fix g all pair 1 betalps grade 1",
        "run 0",
    ]
    arguments = [str(tmp_path), json.dumps(lines), str(build_plugin(lammps))]
    done = subprocess.run(
        [sys.executable, "-c", _INSIDE, *arguments], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    refused, first, second = (json.loads(line) for line in done.stdout.splitlines() if line[:1] in '["')
    assert "nowhereplugin.so does not fit the LAMMPS that runs here" in refused
    out = Engine(potential).evaluate(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, grades=True)
    for found in (first, second):
        assert [tag for tag, _ in found] == list(range(1, len(atoms) + 1))
        np.testing.assert_allclose([grade for _, grade in found], out.grades, rtol=1e-9)
