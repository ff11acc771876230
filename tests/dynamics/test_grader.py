"""Extrapolation grades along a run: thresholds, the structures beyond them, and what follows."""

from dataclasses import replace

import numpy as np
import pytest
from ase.io import read

from betalps import MTP
from betalps.calculators import Engine
from betalps.dynamics import load_checkpoint, read_thermo, run
from betalps.errors import BetalpsError
from betalps.potentials import load
from betalps.protocols import Grading, RunSpec, Stage
from betalps.structures import beta_li3ps4
from betalps.trajectories import open_trajectory
from calculators.cases import with_active_set

SPEC = RunSpec(
    stages=(Stage(name="hold", ensemble="nvt", time=0.12, temperature=600.0),),
    frame_interval=0.02,
    thermo_interval=0.02,
    checkpoint_interval=0.03,
)


@pytest.fixture(scope="module", params=["neighbourhood", "configuration"])
def potential(request):
    return with_active_set(load("beta-lps"), mode=request.param)


def go(folder, potential, grade, **options):
    spec = replace(SPEC, grade=grade, **options.pop("changes", {}))
    return run(spec, folder, atoms=beta_li3ps4(), calculator=MTP(potential, threads=1), **options)


def grades_along(folder, potential):
    """Grades of all steps that are multiples of 5, from a run that looks at them and does nothing."""
    go(folder, potential, Grading(every=5, gamma_select=1e-9, gamma_break=1e9))
    return {int(atoms.info["step"]): atoms for atoms in read(folder / "extrapolating.extxyz", ":")}


def test_grades_are_written_and_right(tmp_path, potential):
    frames = grades_along(tmp_path, potential)
    assert list(frames) == list(range(0, 61, 5))
    engine = Engine(potential, threads=1)
    for step, atoms in frames.items():
        direct = engine.configuration_grade(atoms.positions, atoms.numbers, atoms.cell.array, True)
        assert atoms.info["grade"] == pytest.approx(direct, rel=1e-5)
        assert atoms.info["time_ps"] == pytest.approx(step * 2e-3)
        assert atoms.info["stage"] == "hold"
        if potential.active_set.mode == "neighbourhood":
            assert atoms.arrays["nbh_grades"].max() == pytest.approx(atoms.info["grade"], rel=1e-7)
    log = read_thermo(tmp_path)
    largest = [max(frames[s].info["grade"] for s in (step - 5, step) if s in frames) for step in log["step"]]
    np.testing.assert_allclose(log["grade"], largest, rtol=1e-7)


def test_looking_changes_nothing(tmp_path, potential):
    grades_along(tmp_path / "graded", potential)
    go(tmp_path / "plain", potential, None)
    plain, graded = (open_trajectory(tmp_path / name / "trajectory") for name in ("plain", "graded"))
    np.testing.assert_array_equal(np.asarray(plain.fractional), np.asarray(graded.fractional))


def test_select_and_break(tmp_path, potential):
    grades = {step: atoms.info["grade"] for step, atoms in grades_along(tmp_path / "all", potential).items()}
    values = sorted(grades.values())
    select, stop = values[4], 0.5 * (values[-3] + values[-2])
    first = min(step for step, grade in grades.items() if grade > stop)
    limits = Grading(every=5, gamma_select=select, gamma_break=stop)
    for _ in range(2):  # asked again, it says the same and computes nothing
        result = go(tmp_path / "run", potential, limits)
        assert (result.step, result.stopped.step, result.stopped.cause) == (first, first, "grade")
        assert result.stopped.value == pytest.approx(grades[first], rel=1e-6)
        assert f"step {first}: extrapolation grade" in result.stopped.message
        assert "above gamma_break" in result.stopped.message
        kept = [int(atoms.info["step"]) for atoms in read(tmp_path / "run" / "extrapolating.extxyz", ":")]
        assert kept == [step for step, grade in grades.items() if grade > select and step <= first]
    # With a higher threshold it goes on.
    later = go(tmp_path / "run", potential, replace(limits, gamma_break=1e9))
    assert (later.step, later.stopped) == (60, None)


def test_a_start_beyond_the_threshold_is_kept(tmp_path, potential):
    limits = Grading(every=5, gamma_select=1e-9, gamma_break=1e-9)
    for _ in range(2):
        result = go(tmp_path, potential, limits)
        assert (result.step, result.stopped.cause) == (0, "grade")
        assert [int(atoms.info["step"]) for atoms in read(tmp_path / "extrapolating.extxyz", ":")] == [0]
        assert read_thermo(tmp_path)["step"].tolist() == [0]
    assert go(tmp_path, potential, replace(limits, gamma_break=1e9)).step == 60
    steps = [int(atoms.info["step"]) for atoms in read(tmp_path / "extrapolating.extxyz", ":")]
    assert steps == list(range(0, 61, 5))


def test_stages_share_one_count_of_looks(tmp_path, potential):
    """Steps are counted from the start of the run: a stage of 12 steps does not shift the looks of the next."""
    stages = tuple(Stage(name=name, ensemble="nvt", time=0.024, temperature=600.0) for name in ("a", "b", "c"))
    go(tmp_path, potential, Grading(every=5, gamma_select=1e-9, gamma_break=1e9), changes={"stages": stages})
    frames = read(tmp_path / "extrapolating.extxyz", ":")
    assert [int(atoms.info["step"]) for atoms in frames] == list(range(0, 36, 5))
    assert [atoms.info["stage"] for atoms in frames] == ["a"] * 3 + ["b"] * 2 + ["c"] * 3
    assert [atoms.info["time_ps"] for atoms in frames] == pytest.approx([0.01 * k for k in range(8)])


def test_both_ways_to_look_see_the_same(tmp_path):
    """The core's own loop and an engine beside ASE's: the same structures, so the same grades."""
    potential = load("beta-lps")
    for engine in ("native", "ase"):
        limits = Grading(every=10, gamma_select=1e-9, gamma_break=1e9)
        changes = {"engine": engine, "checkpoint_interval": 1.0}
        go(tmp_path / engine, potential, limits, changes=changes)
    ours, theirs = (read(tmp_path / engine / "extrapolating.extxyz", ":") for engine in ("native", "ase"))
    assert len(ours) == len(theirs) == 7
    for one, other in zip(ours, theirs, strict=True):
        assert one.info["grade"] == pytest.approx(other.info["grade"], rel=1e-6)
        np.testing.assert_allclose(one.arrays["nbh_grades"], other.arrays["nbh_grades"], rtol=1e-5)


class Killed(BaseException):
    pass


def test_the_file_is_cut_at_the_checkpoint(tmp_path, potential):
    def kill(progress):
        if progress.step == 40:
            raise Killed

    everything = Grading(every=3, gamma_select=1e-9, gamma_break=1e9)
    with pytest.raises(Killed):
        go(tmp_path / "cut", potential, everything, observers=[kill])
    go(tmp_path / "cut", potential, everything)
    go(tmp_path / "whole", potential, everything)
    for name in ("extrapolating.extxyz", "thermo.csv"):
        assert (tmp_path / "cut" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert load_checkpoint(tmp_path / "cut" / "checkpoint.npz").grade is None  # the last line took it


def test_a_potential_without_an_active_set_is_named(tmp_path):
    with pytest.raises(BetalpsError, match="needs a potential with an active set"):
        go(tmp_path, load("beta-lps").without_active_set(), Grading())
    assert not (tmp_path / "checkpoint.npz").exists()
