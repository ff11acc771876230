"""Checkpoints of LAMMPS: which one is whole, and which files belong to the steps before it."""

import struct

import pytest

from betalps.errors import CheckpointError
from betalps.lammps.names import FIRST, FRAMES, LAST, LOG, SECOND, SELECTED
from betalps.lammps.restarts import forget_after, last_start, next_launch, restart_step, spans

_MAGIC = b"LammpS RestartT\0"


def restart_bytes(step, *, version=b"22 Jul 2025\0", unknown=False):
    """The beginning and end of a restart file, as LAMMPS lays it out."""
    entries = struct.pack("=ii", 0, len(version)) + version
    for number, size in ((1, 4), (48, 4), (2, 4), (3, 8)):
        entries += struct.pack("=ii", number, size)
    if unknown:
        entries += struct.pack("=ii", 77, 1)
    entries += struct.pack("=ii", 4, 6) + b"metal\0" + struct.pack("=iq", 5, step)
    return _MAGIC + struct.pack("=ii", 1, 3) + entries + bytes(500) + _MAGIC


def test_step(tmp_path):
    path = tmp_path / "restart"
    for step in (0, 950, 2**40):
        path.write_bytes(restart_bytes(step))
        assert restart_step(path) == step
    path.write_bytes(restart_bytes(7)[:-1])
    with pytest.raises(CheckpointError, match="not a whole restart file"):
        restart_step(path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        restart_step(path)
    path.write_bytes(restart_bytes(7, unknown=True))
    with pytest.raises(CheckpointError, match="entry 77 comes before the step"):
        restart_step(path)


def test_next_launch(tmp_path):
    launch = next_launch(tmp_path)
    assert (launch.step, launch.restart, launch.arguments) == (0, None, [])
    (tmp_path / FIRST).write_bytes(restart_bytes(100)[:50])  # killed in its very first checkpoint
    assert next_launch(tmp_path).step == 0
    (tmp_path / FIRST).write_bytes(restart_bytes(100))
    launch = next_launch(tmp_path)
    assert (launch.step, launch.first, launch.second) == (100, SECOND, FIRST)  # not over the only one
    (tmp_path / SECOND).write_bytes(restart_bytes(200))
    launch = next_launch(tmp_path)
    assert (launch.step, launch.first, launch.second) == (200, FIRST, SECOND)
    assert launch.arguments == [
        *("-var", "resumed", "1", "-var", "restart", SECOND, "-var", "first", FIRST, "-var", "second", SECOND)
    ]
    (tmp_path / SECOND).write_bytes(restart_bytes(300)[:-5])  # killed in the middle of it
    assert next_launch(tmp_path).step == 100
    (tmp_path / LAST).write_bytes(restart_bytes(400))
    launch = next_launch(tmp_path)
    assert (launch.step, launch.restart) == (400, tmp_path / LAST)
    for name in (FIRST, SECOND, LAST):
        (tmp_path / name).write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"restart\.a is not .* Remove them to start anew"):
        next_launch(tmp_path)


def test_files_of_launches(tmp_path):
    for start in (0, 100, 250):
        (tmp_path / LOG.format(start)).touch()
    for start in (0, 250):
        (tmp_path / FRAMES.format(start)).touch()
    (tmp_path / SELECTED.format(100)).touch()
    assert last_start(tmp_path) == 250
    assert spans(tmp_path, FRAMES) == [
        (tmp_path / FRAMES.format(0), 0, 100.0),
        (tmp_path / FRAMES.format(250), 250, float("inf")),
    ]
    forget_after(tmp_path, 100)
    names = [FRAMES.format(0), LOG.format(0), LOG.format(100), SELECTED.format(100)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
