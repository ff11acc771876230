"""A killed fit goes on, and ends where it would have ended."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from betalps.errors import CheckpointError
from betalps.training import FitSettings, fit
from training import killable


@pytest.fixture(scope="module")
def uninterrupted():
    return killable.go(None)


def plain(history):
    """What does not depend on the clock."""
    return [replace(iteration, cpu_seconds=0.0) for iteration in history]


@pytest.mark.parametrize("part", [0.03, 0.5, 0.98])
def test_killed_and_resumed_is_the_same_bit_for_bit(tmp_path, uninterrupted, part):
    """Killed in the first start, in a later round, and on all data."""
    at = round(part * len(uninterrupted.history))
    assert uninterrupted.history[at - 1].leg.startswith("all" if part > 0.9 else "start")
    file = tmp_path / "fit.checkpoint"
    killed = subprocess.run([sys.executable, killable.__file__, file, str(at)], check=False)
    assert killed.returncode == -signal.SIGKILL
    told = []
    resumed = killable.go(file, told.append)
    assert len(told) == len(uninterrupted.history) - at  # nothing was done twice
    assert resumed.potential.to_bytes() == uninterrupted.potential.to_bytes()
    assert plain(resumed.history) == plain(uninterrupted.history)
    assert resumed.held_out.loss == uninterrupted.held_out.loss
    again = []
    assert killable.go(file, again.append).potential == uninterrupted.potential
    assert not again


def test_another_fit_is_refused(tmp_path, frames):
    file = tmp_path / "fit.checkpoint"
    small = FitSettings(starts=1, iterations=1)
    fit(frames[:3], 2, settings=small, threads=1, checkpoint=file)
    with pytest.raises(CheckpointError, match=r"another fit; it differs in .*seed \(there 0, asked for 1\)"):
        fit(frames[:3], 2, settings=small, seed=1, threads=1, checkpoint=file)
    with pytest.raises(CheckpointError, match="training_data"):
        fit(frames[:4], 2, settings=small, threads=1, checkpoint=file)
    with pytest.raises(CheckpointError, match="settings"):
        fit(frames[:3], 2, settings=replace(small, iterations=2), threads=1, checkpoint=file)


def test_an_unreadable_file_is_refused(tmp_path, frames):
    file = tmp_path / "fit.checkpoint"
    file.write_bytes(b"not this")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        fit(frames[:3], 2, threads=1, checkpoint=file)
    assert file.read_bytes() == b"not this"
    with file.open("wb") as handle:
        np.savez(handle, other=np.zeros(3))
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        fit(frames[:3], 2, threads=1, checkpoint=file)


def test_a_path_that_cannot_be_written_fails_at_once(tmp_path, frames):
    told = []
    with pytest.raises(OSError, match="absent"):
        fit(frames[:3], 2, threads=1, checkpoint=tmp_path / "absent" / "fit.checkpoint", observer=told.append)
    assert not told
