"""The log keeps every digit, and what lies beyond a checkpoint is cut."""

import pytest

from betalps.dynamics.thermo import ThermoLog, read_thermo
from betalps.errors import CheckpointError


def test_round_trip_and_cut(tmp_path):
    path = tmp_path / "thermo.csv"
    log = ThermoLog(path, 0)
    log.write(0, 0.0, (0.1 + 0.2, 1 / 3, -2.0, 1e-300))
    size = log.sync()
    log.write(5, 0.01, (1.0, 2.0, 3.0, 4.0))
    log.close()
    assert len(read_thermo(tmp_path)["step"]) == 2
    ThermoLog(path, size).close()
    back = read_thermo(tmp_path)
    assert back["step"].tolist() == [0.0]
    assert back["temperature_K"][0] == 0.1 + 0.2
    assert back["potential_energy_eV"][0] == 1 / 3


def test_short_file_is_named(tmp_path):
    (tmp_path / "thermo.csv").write_text("step\n")
    with pytest.raises(CheckpointError, match="has 5 bytes where the checkpoint recorded 99"):
        ThermoLog(tmp_path / "thermo.csv", 99)


def test_other_columns_are_named(tmp_path):
    (tmp_path / "thermo.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CheckpointError, match=r"thermo.csv:1: found 'a,b', expected 'step,time_ps"):
        read_thermo(tmp_path)
