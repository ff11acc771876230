"""The study's test set: what is run, what is kept of it, and what becomes of a run that breaks."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from betalps.active_learning.label_store import structure_key
from betalps.datasets import read, write
from betalps.dynamics import UnstableRunError, read_thermo
from betalps.errors import BetalpsError
from betalps.potentials import load
from betalps.protocols import Grading
from betalps.studies import HELD_OUT_BOUNDARIES, boundary_test_runs, draw_held_out

QUICK = {"times": (0.05, 0.05, 0.13), "temperatures": (300.0, 2000.0)}


def test_eighteen_runs_as_in_the_study():
    runs = boundary_test_runs()
    assert len({one.name for one in runs}) == 18
    assert [one.temperature for one in runs[:3]] == [300.0, 800.0, 2000.0]
    for one in runs:
        assert 100 <= len(one.atoms) <= 250
        assert [stage.name for stage in one.spec.stages] == ["heat", "equilibrate", "produce"]
        assert one.spec.frames == 5 + 5 + 13
        assert one.spec.stages[1].temperature == one.temperature
        assert one.spec.stages[2].free == ("isotropic" if one.temperature > 1200 else "xyz")
    assert len({one.spec.seed for one in runs}) == 18
    assert len(HELD_OUT_BOUNDARIES) == 6


def test_frames_say_where_they_come_from_and_survive_a_file(tmp_path):
    runs = boundary_test_runs(**QUICK)[:2]
    seen = Counter()
    drawn = draw_held_out(runs, tmp_path / "runs", observer=lambda name, progress: seen.update([name]))
    assert not drawn.broken
    assert len(drawn.frames) == 2 * 23
    assert set(seen) == {one.name for one in runs}
    counts = Counter((frame.info["source"], frame.info["stage"]) for frame in drawn.frames)
    assert counts == {
        (one.name, stage): n for one in runs for stage, n in (("heat", 5), ("equilibrate", 5), ("produce", 13))
    }
    assert {frame.info["temperature_K"] for frame in drawn.frames} == {300.0, 2000.0}
    assert all(np.diff([frame.info["time_ps"] for frame in drawn.frames[:23]]) > 0)
    write(drawn.frames, tmp_path / "frames.extxyz.xz")
    again = read(tmp_path / "frames.extxyz.xz")
    assert list(map(structure_key, again)) == list(map(structure_key, drawn.frames))
    seen.clear()
    twice = draw_held_out(runs, tmp_path / "runs", observer=lambda name, progress: seen.update([name]))
    assert not seen
    assert list(map(structure_key, twice.frames)) == list(map(structure_key, drawn.frames))


def test_a_run_that_breaks_is_drawn_anew_and_named(tmp_path):
    one = boundary_test_runs(**QUICK)[1]
    spec = replace(one.spec, grade=Grading(every=1, gamma_select=1e9, gamma_break=1e9), thermo_interval=0.002)
    draw_held_out([replace(one, spec=spec)], tmp_path / "whole")
    peaks = read_thermo(tmp_path / "whole" / one.name / "attempt-1")["grade"]
    limit = 0.999 * max(peaks)  # reached within the run, but not before its first frame
    spec = replace(spec, grade=Grading(every=1, gamma_select=limit, gamma_break=limit))
    broken = draw_held_out([replace(one, spec=spec)], tmp_path / "once", attempts=1)
    assert 0 < len(broken.frames) < 23
    assert "above gamma_break" in broken.broken[one.name]
    anew = draw_held_out([replace(one, spec=spec)], tmp_path / "more", attempts=12)  # other velocities may stay below
    assert not anew.broken
    (attempt,) = {frame.info["attempt"] for frame in anew.frames}
    assert attempt > 1
    assert len(anew.frames) == 23


def test_a_run_without_any_frame_is_an_error(tmp_path):
    one = boundary_test_runs(**QUICK, gamma_break=1e-6)[0]
    with pytest.raises(UnstableRunError, match="no attempt came to its first frame"):
        draw_held_out([one], tmp_path, attempts=1)


def test_bad_arguments(tmp_path):
    runs = boundary_test_runs(**QUICK)[:1]
    with pytest.raises(ValueError, match="attempts is 0"):
        draw_held_out(runs, tmp_path, attempts=0)
    with pytest.raises(ValueError, match="runs of one name"):
        draw_held_out([*runs, *runs], tmp_path)
    load("beta-lps").without_active_set().write(tmp_path / "bare.almtp")
    with pytest.raises(BetalpsError, match="active set"):
        draw_held_out(boundary_test_runs(**QUICK, potential=str(tmp_path / "bare.almtp"))[:1], tmp_path)
