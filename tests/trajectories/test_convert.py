"""Round trips through every format."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import FormatError
from betalps.trajectories import (
    FORMATS,
    convert,
    lammps_rotation,
    open_trajectory,
    read_frames,
    read_trajectory,
    trajectory_format,
)
from trajectories.cases import assert_same, path_of, wandering

NAMES = {"store": "run", "traj": "run.traj", "extxyz": "run.extxyz", "lammps-dump": "run.dump", "h5md": "run.h5md"}
PRECISION = {"store": 2e-7, "traj": 1e-12, "extxyz": 1e-9, "lammps-dump": 1e-8, "h5md": 1e-6}


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 9),
    images=st.booleans(),
    momenta=st.booleans(),
    scalars=st.sampled_from([(), ("energy",), ("energy", "max grade")]),
    pbc=st.tuples(*[st.booleans()] * 3),
)
def test_every_format_keeps_the_trajectory(tmp_path_factory, kind, seed, frames, images, momenta, scalars, pbc) -> None:
    folder = tmp_path_factory.mktemp("convert")
    scalars = () if kind == "lammps-dump" else scalars  # it has no place for them
    expected = wandering(seed, frames, images=images, momenta=momenta, scalars=scalars, pbc=pbc)
    if kind == "lammps-dump":  # it turns every cell: take those that need no turning
        expected = replace(expected, cells=np.array([cell @ lammps_rotation(cell) for cell in expected.cells]))
    assert convert(expected, folder / NAMES[kind]) == frames
    assert [path.name for path in folder.iterdir()] == [NAMES[kind]]
    assert_same(read_trajectory(folder / NAMES[kind]), expected, PRECISION[kind])


def test_through_all_formats_in_turn(tmp_path: Path) -> None:
    expected = wandering(1, 10)
    source: object = expected
    for kind in [*FORMATS, "store"]:
        target = tmp_path / f"last{NAMES[kind]}"
        convert(source, target, overwrite=True)
        source = target
    found = open_trajectory(tmp_path / "lastrun")
    np.testing.assert_allclose(path_of(found), path_of(expected), atol=1e-6)


def test_formats_by_name(tmp_path: Path) -> None:
    names = {
        "a.xyz": "extxyz",
        "a.b.EXTXYZ.gz": "extxyz",
        "a.lammpstrj": "lammps-dump",
        "a.dump.gz": "lammps-dump",
        "a": "store",
    }
    assert {name: trajectory_format(tmp_path / name) for name in names} == names
    with pytest.raises(ValueError, match=r"a\.pdb: expected a name that ends in one of .*\.traj.* or a format: store"):
        trajectory_format("a.pdb")
    convert(wandering(1), tmp_path / "run.dump", target_format="store")
    assert trajectory_format(tmp_path / "run.dump") == "store"


def test_progress_and_a_part_of_the_frames(tmp_path: Path) -> None:
    convert(wandering(1, 12), tmp_path / "run.extxyz")
    for name in ("run.traj", "run.dump", "run.h5md", "part"):
        seen = []
        assert convert(tmp_path / "run.extxyz", tmp_path / name, frames=slice(2, None, 3), progress=seen.append) == 4
        assert [step.frames for step in seen] == [1, 2, 3, 4]
        assert all(0.0 < step.done <= 1.0 for step in seen)
        assert sorted(step.done for step in seen) == [step.done for step in seen]
        np.testing.assert_allclose(read_trajectory(tmp_path / name).times, wandering(1, 12).times[2::3])


def test_a_target_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    good = wandering(1, 6)
    convert(good, tmp_path / "run.extxyz")
    text = (tmp_path / "run.extxyz").read_text()
    (tmp_path / "run.extxyz").write_text(text.replace("Li", "Na", 7).replace("Na", "Li", 6))
    for kind, name in NAMES.items():
        if kind == "extxyz":
            continue
        with pytest.raises(FormatError, match="frame 3: its atoms are not those of frame 0"):
            convert(tmp_path / "run.extxyz", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["run.extxyz"]


def test_a_target_that_exists(tmp_path: Path) -> None:
    for name in NAMES.values():
        convert(wandering(1, 6), tmp_path / name)
        with pytest.raises(FileExistsError, match=name):
            convert(wandering(2, 5), tmp_path / name)
        assert len(read_trajectory(tmp_path / name)) == 6
        convert(wandering(2, 5), tmp_path / name, overwrite=True)
        assert len(read_trajectory(tmp_path / name)) == 5


def test_scalars_that_come_and_go(tmp_path: Path) -> None:
    file = tmp_path / "run.extxyz"
    frame = '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 time={} {}\nLi 0 0 0\n'
    file.write_text(frame.format(0, "energy=1.5") + frame.format(1, "grade=2") + frame.format(2, "energy=3 grade=1"))
    convert(file, tmp_path / "run")
    scalars = open_trajectory(tmp_path / "run").scalars
    assert list(scalars) == ["energy"]
    np.testing.assert_array_equal(scalars["energy"], [1.5, np.nan, 3.0])
    file.write_text(frame.format(0, "unwrapped=T") + frame.format(1, ""))
    with pytest.raises(FormatError, match="frame 1: images are in some frames only"):
        convert(file, tmp_path / "other")


def test_what_is_asked_wrongly(tmp_path: Path) -> None:
    convert(wandering(1, 6), tmp_path / "run.traj")
    with pytest.raises(ValueError, match="the format traj has no option 'timestep', only interval, unwrapped"):
        read_trajectory(tmp_path / "run.traj", timestep=0.1)
    with pytest.raises(ValueError, match="format: expected one of store, traj"):
        list(read_frames(tmp_path / "run.traj", format="pdb"))
    with pytest.raises(ValueError, match="target_format: expected one of"):
        convert(wandering(1), tmp_path / "x", target_format="pdb")
    with pytest.raises(FormatError, match=r"run\.traj: no frame to write"):
        convert(tmp_path / "run.traj", tmp_path / "x", frames=slice(6, None))
    times = tmp_path / "run.extxyz"
    frame = '1\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 time={}\nLi 0 0 0\n'
    times.write_text(frame.format(1) + frame.format(0))
    for name in ("x", "x.dump"):
        with pytest.raises(FormatError, match="frame 1: time 0 ps does not follow 1 ps"):
            convert(times, tmp_path / name)
    with pytest.raises(FormatError, match=r"run\.extxyz: times: expected increasing"):
        read_trajectory(times)
