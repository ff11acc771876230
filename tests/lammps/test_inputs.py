"""The script that LAMMPS gets."""

import numpy as np
import pytest

from betalps.errors import BetalpsError, CheckpointError, StructureError
from betalps.lammps.box import is_skewed, turn_of
from betalps.lammps.writing import write_run
from betalps.potentials import load
from betalps.protocols import Grading, RunSpec, Stage, amorphization


def script(folder, atoms, *stages, **settings):
    write_run(RunSpec(stages=stages, **settings), folder, atoms=atoms)
    return (folder / "in.lammps").read_text().splitlines()


def test_units_and_ensembles(distorted, tmp_path):
    stages = [
        Stage(name="a", time=1, temperature=300, final_temperature=600, pressure=1.0, final_pressure=2.0),
        Stage(name="b", time=1, temperature=600, free="cell"),
        Stage(name="c", time=1, temperature=600, free="xz", pressure=-0.5),
        Stage(name="d", time=1, temperature=600, ensemble="nvt"),
        Stage(name="e", time=1, temperature=600, ensemble="nve"),
    ]
    lines = script(tmp_path, distorted(), *stages)
    fixes = [line.split(maxsplit=3)[3] for line in lines if line.startswith("fix stage")]
    assert fixes == [
        "npt temp 300.0 600.0 0.1 iso 10000.0 20000.0 1.0",
        "npt temp 600.0 600.0 0.1 tri 0.0 0.0 1.0 flip no",
        "npt temp 600.0 600.0 0.1 x -5000.0 -5000.0 1.0 z -5000.0 -5000.0 1.0",
        "nvt temp 600.0 600.0 0.1",
        "nve",
    ]
    assert "timestep 0.002" in lines
    assert "xy xz yz" in (tmp_path / "structure.data").read_text()  # a stage shears the cell


def test_amorphization_counts_its_steps(distorted, tmp_path):
    lines = script(tmp_path, distorted(), *amorphization(0.001))
    ends = [int(line.split()[3].strip('"')) for line in lines if line.startswith('if "$(step) >=')]
    assert ends == [100, 300, 470, 1470, 5470]
    assert sum("dump_modify" in line and "element" in line for line in lines) == 1  # production alone
    assert "variable frames equal stride(1970,5470,500)" in lines


def test_grades_and_bounds(distorted, tmp_path):
    stage = Stage(name="a", time=1, temperature=300, ensemble="nvt")
    bare = tmp_path / "bare.almtp"
    load("beta-lps").without_active_set().write(bare)
    with pytest.raises(BetalpsError, match="expected a potential with an active set"):
        script(tmp_path / "run", distorted(), stage, grade=Grading(), potential=str(bare))
    lines = script(tmp_path, distorted(), stage, temperature_bounds=(10, 400), volume_bounds=(0.9, 1.1))
    volume = distorted().cell.volume
    assert 'variable temperature_out equal "(temp < 10) || (temp > 400)"' in lines
    assert any(f"(vol < {0.9 * volume:.8g}" in line for line in lines)


def test_the_turn_of_a_cell(distorted):
    straight, sheared = distorted(), distorted(sheared=True)
    assert not is_skewed(straight)
    assert is_skewed(sheared)
    turn, prism = turn_of(sheared)
    np.testing.assert_allclose(turn.matrix @ turn.matrix.T, np.eye(3), atol=1e-13)
    np.testing.assert_allclose(turn.back(prism.cell), sheared.cell.array, atol=1e-12)
    stress = np.random.default_rng(0).normal(size=(3, 3))
    vector = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(turn.tensor_back(stress) @ turn.back(vector), turn.back(stress @ vector), atol=1e-12)
    sheared.cell[1] = sheared.cell[0]
    with pytest.raises(StructureError, match="has no volume"):
        turn_of(sheared)


def test_a_folder_of_something_else(distorted, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CheckpointError, match="does not describe a run"):
        script(tmp_path, distorted(), Stage(name="a", time=1, temperature=300))
