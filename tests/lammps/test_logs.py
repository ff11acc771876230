"""Lines of LAMMPS's log, while it is being written."""

import numpy as np
import pytest

from betalps.lammps.box import Turn
from betalps.lammps.logs import LogFollower, errors_in

ROW = "  - [10, 300.5, -7, 1.5, -5.25, 1000, 10000, 1e4, 2e4, 3e4, 4e4, 5e4, 6e4, ]\n"


def test_follows(tmp_path):
    path = tmp_path / "log"
    follower = LogFollower(path, Turn(matrix=np.eye(3)))
    assert follower.rows() == []
    path.write_text("keywords: ['Step', ]\ndata:\n" + ROW + ROW[:20])
    (row,) = follower.rows()
    assert (row.step, row.temperature, row.potential, row.conserved, row.volume) == (10, 300.5, -7, -5.25, 1000)
    assert row.pressure == pytest.approx(1.0)
    np.testing.assert_allclose(row.stress, [-1, -2, -3, -4, -5, -6])
    assert np.isnan(row.grade)
    with path.open("a") as file:
        file.write(ROW[20:] + ROW.replace("[10", "[20").replace(", ]", ", 2.5, ]"))
    assert [(row.step, row.grade) for row in follower.rows()] == [(10, pytest.approx(np.nan, nan_ok=True)), (20, 2.5)]
    assert follower.rows() == []


def test_stress_is_turned_back(tmp_path):
    path = tmp_path / "log"
    path.write_text(ROW)
    swap = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])  # x and y
    (row,) = LogFollower(path, Turn(matrix=swap)).rows()
    np.testing.assert_allclose(row.stress, [-2, -1, -3, -5, -4, -6])


def test_errors(tmp_path):
    log, output = tmp_path / "log", tmp_path / "out"
    log.write_text(ROW + "ERROR: Lost atoms: original 32 current 30 (src/src/thermo.cpp:501)\nLast input line: run 5\n")
    output.write_text("ERROR: Lost atoms: original 32 current 30 (src/src/thermo.cpp:501)\nAbort(1)\n")
    assert errors_in(log, output) == "ERROR: Lost atoms: original 32 current 30"
    log.write_text(ROW)
    output.write_text("mpiexec: something\n")
    assert errors_in(log, output, tmp_path / "absent") == "mpiexec: something"
