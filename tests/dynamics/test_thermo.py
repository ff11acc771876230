"""The log keeps every digit, and what lies beyond a checkpoint is cut."""

import os

import numpy as np
import pytest

from betalps.dynamics.thermo import COLUMNS, GrowingFile, read_thermo, thermo_header, thermo_line
from betalps.errors import CheckpointError

VALUES = (0.1 + 0.2, 1 / 3, -2.0, 1e-300, 5.0, float("nan"), *range(6), 7.5)


def test_round_trip_and_cut(tmp_path):
    path = tmp_path / "thermo.csv"
    log = GrowingFile(path, 0)
    log.write(thermo_header() + thermo_line(0, 0.0, 1, VALUES))
    size = log.sync()
    log.write(thermo_line(5, 0.01, 2, VALUES))
    assert len(read_thermo(tmp_path)["step"]) == 1
    log.flush()
    assert len(read_thermo(tmp_path)["step"]) == 2
    again = GrowingFile(path, size)
    back = read_thermo(tmp_path)
    assert list(back) == list(COLUMNS)
    assert (back["step"].tolist(), back["stage"].tolist()) == ([0.0], [1.0])
    assert back["temperature_K"][0] == 0.1 + 0.2
    assert back["potential_energy_eV"][0] == 1 / 3
    assert np.isnan(back["pressure_GPa"][0])
    assert back["grade"][0] == 7.5
    again.write(thermo_line(6, 0.02, 2, VALUES))
    again.sync()
    assert read_thermo(tmp_path)["step"].tolist() == [0.0, 6.0]


def test_a_line_that_a_kill_cut_is_left_out(tmp_path):
    path = tmp_path / "thermo.csv"
    line = thermo_line(5, 0.01, 1, VALUES)
    for keep in (0, 1, 10, len(line) - 1):
        path.write_text(thermo_header() + thermo_line(0, 0.0, 1, VALUES) + line[:keep])
        assert read_thermo(tmp_path)["step"].tolist() == [0.0]
    path.write_text(thermo_header())
    assert read_thermo(tmp_path)["step"].size == 0


def test_nothing_written_makes_no_file(tmp_path):
    assert GrowingFile(tmp_path / "none", 0).sync() == 0
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "thermo.csv"
    log = GrowingFile(path, 0)
    log.write(thermo_header())
    log.sync()
    write = os.write

    def full(handle, data):
        if len(data) > 10:
            return write(handle, data[:10])
        raise OSError(28, "No space left on device")

    log.write("x" * 15 + "\n")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*thermo\.csv'"):
        log.sync()
    assert path.read_text() == thermo_header()
    monkeypatch.undo()
    log.sync()
    assert path.read_text() == thermo_header() + "x" * 15 + "\n"


def test_short_file_is_named(tmp_path):
    (tmp_path / "thermo.csv").write_text("step\n")
    with pytest.raises(CheckpointError, match="has 5 bytes where the checkpoint recorded 99"):
        GrowingFile(tmp_path / "thermo.csv", 99)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", r"thermo\.csv:1: found 'a,b', expected 'step,time_ps"),
        (thermo_header() + "1,2\n", r"thermo\.csv:2: found 2 columns, expected 16"),
        (thermo_header() + thermo_line(0, 0.0, 1, VALUES) + "x\n", r"thermo\.csv:3: could not convert"),
    ],
)
def test_what_is_no_log_is_named(tmp_path, text, said):
    (tmp_path / "thermo.csv").write_text(text)
    with pytest.raises(CheckpointError, match=said):
        read_thermo(tmp_path)


def test_a_line_has_all_columns():
    with pytest.raises(ValueError, match="found 2 values; expected 13"):
        thermo_line(0, 0.0, 1, (1.0, 2.0))
