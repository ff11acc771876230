"""The store: what goes in comes out, whole after every kill, and what is broken is said."""

import pickle
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.analysis import mean_squared_displacement
from betalps.errors import CheckpointError, FormatError
from betalps.trajectories import (
    Trajectory,
    TrajectoryWriter,
    UnwrapWarning,
    convert,
    framework_drift,
    open_trajectory,
    segments,
    unwrap,
)
from betalps.trajectories.tail import Tail
from trajectories import killable
from trajectories.cases import CELL, SYMBOLS, assert_same, path_of, wandering

NAMES = ("energy", "grade")


def write(folder: Path, trajectory: Trajectory, per_segment: int = 4, start: int = 0) -> None:
    """Append the frames of a trajectory from `start` on, by their unwrapped positions."""
    with TrajectoryWriter(
        folder,
        trajectory.symbols,
        trajectory.pbc,
        images=trajectory.images is not None,
        momenta=trajectory.momenta is not None,
        scalars=tuple(trajectory.scalars),
        frames_per_segment=per_segment,
    ) as writer:
        paths = path_of(trajectory)
        for number in range(start, len(trajectory)):
            writer.append(
                paths[number] @ trajectory.cells[number],
                trajectory.cells[number],
                trajectory.times[number],
                momenta=None if trajectory.momenta is None else trajectory.momenta[number],
                scalars={name: values[number] for name, values in trajectory.scalars.items()},
            )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 14),
    per_segment=st.integers(1, 6),
    images=st.booleans(),
    momenta=st.booleans(),
    named=st.integers(0, 2),
    pbc=st.tuples(*[st.booleans()] * 3),
)
def test_what_goes_in_comes_out(tmp_path_factory, seed, frames, per_segment, images, momenta, named, pbc) -> None:
    folder = tmp_path_factory.mktemp("store")
    expected = wandering(seed, frames, images=images, momenta=momenta, scalars=NAMES[:named], pbc=pbc)
    write(folder, expected, per_segment)
    found = open_trajectory(folder)
    assert_same(found, expected, 2e-7)
    wrapped = np.asarray(found.fractional)[..., found.pbc]
    assert wrapped.size == 0 or (wrapped.min() >= 0.0 and wrapped.max() <= 1.0)
    if frames > 1 and all(pbc):
        np.testing.assert_allclose(unwrap(found), unwrap(expected), atol=1e-5)
        np.testing.assert_allclose(framework_drift(found, "Li"), framework_drift(expected, "Li"), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_indexing_is_that_of_an_array(indexed, data) -> None:
    stored, array = indexed
    frames, atoms = array.shape[:2]
    numbers = st.integers(-frames, frames - 1)
    parts = st.slices(frames).filter(lambda part: len(range(frames)[part]) > 0)
    some = st.lists(st.integers(-atoms, atoms - 1), min_size=1, max_size=8).map(np.array)
    first = data.draw(numbers | parts)
    key = data.draw(
        st.sampled_from(["frames", "slice", "one", "some", "mask", "all three"]).map(
            lambda kind: {
                "frames": first,
                "slice": (first, slice(1, None, 2)),
                "one": (first, -2),
                "some": (first, data.draw(some)),
                "mask": (first, np.arange(atoms) % 3 == 1),
                "all three": (first, slice(None), 1),
            }[kind]
        )
    )
    np.testing.assert_array_equal(stored[key], array[key])
    part = data.draw(parts)
    np.testing.assert_array_equal(np.asarray(stored.view(part)), array[part])


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A stored array of several segments, chunks and a tail, and the same in memory."""
    folder = tmp_path_factory.mktemp("indexed") / "s"
    rng = np.random.default_rng(0)
    frames, atoms = 310, 1100
    with TrajectoryWriter(folder, ["Li"] * atoms, frames_per_segment=150, images=False) as writer:
        for number in range(frames):
            writer.append_fractional(rng.random((atoms, 3)), CELL, float(number))
    stored = open_trajectory(folder).fractional
    assert stored.chunk == (75, 367)
    return stored, np.asarray(stored)


def test_a_list_of_frames_and_what_is_not_understood(indexed) -> None:
    stored, array = indexed
    np.testing.assert_array_equal(stored[[3, -1, 200]], array[[3, -1, 200]])
    np.testing.assert_array_equal(stored[np.arange(310) % 100 == 7], array[7::100])
    with pytest.raises(TypeError, match="index its frames with a number or a slice first"):
        stored[[3, 4], [0, 1]]
    with pytest.raises(IndexError):
        stored[310]
    with pytest.raises(ValueError, match="always a copy"):
        np.array(stored, copy=False)
    again = pickle.loads(pickle.dumps(stored))
    np.testing.assert_array_equal(again[5], array[5])


def test_reading_changes_nothing_that_is_kept(indexed) -> None:
    stored, array = indexed
    stored[0][:] = 7.0
    stored[309][:] = 7.0
    np.testing.assert_array_equal(stored[0], array[0])
    np.testing.assert_array_equal(stored[309], array[309])


def test_a_stored_trajectory_is_one(tmp_path: Path) -> None:
    expected = wandering(1, 11, momenta=True, scalars=("energy",))
    write(tmp_path, expected)
    found = open_trajectory(tmp_path)
    last = found[-1]
    assert list(last.symbols) == SYMBOLS.tolist()
    np.testing.assert_allclose(last.positions, expected.fractional[-1] @ expected.cells[-1], atol=1e-5)
    np.testing.assert_allclose(last.get_momenta(), expected.momenta[-1], atol=1e-6)
    assert last.info == {"time": expected.times[-1], "energy": expected.scalars["energy"][-1]}
    assert len(list(found)) == 11
    part = found[2:9:3]
    assert_same(part, expected[2:9:3], 2e-7)
    np.testing.assert_allclose(next(iter(part)).positions, found[2].positions)
    for block in found.blocks(found.indices("S")):
        assert block.shape == (2, 3, 11)
    with pytest.raises(IndexError):
        found[11]


def test_blocks_do_not_depend_on_where_the_arrays_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frames, atoms = 30, 1300
    path = rng.random((atoms, 3)) + np.cumsum(rng.normal(scale=0.05, size=(frames, atoms, 3)), axis=0)
    symbols = np.array(["Li", "S"])[(np.arange(atoms) % 3 == 0).astype(int)]
    with TrajectoryWriter(tmp_path, symbols, frames_per_segment=8) as writer:
        for number in range(frames):
            writer.append_fractional(path[number], CELL, float(number))
    stored = open_trajectory(tmp_path)
    memory = Trajectory(symbols=symbols, fractional=path, cells=CELL, times=stored.times, pbc=True)
    for atoms_asked in (stored.indices("Li"), rng.permutation(atoms)[:100]):
        np.testing.assert_allclose(unwrap(stored, atoms_asked), unwrap(memory, atoms_asked), atol=1e-4)
        drift = rng.normal(size=(frames, 3))
        ours, theirs = (np.concatenate(list(t.blocks(atoms_asked, drift))) for t in (stored, memory))
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_jump_of_a_whole_cell_is_known(tmp_path: Path) -> None:
    """Between two frames an atom travels 1.3 cells: only the images can tell."""
    path = np.array([0.1, 1.4, 2.7, 2.8])[:, None, None] * np.ones((1, 5, 3))
    with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
        for number, coordinates in enumerate(path):
            writer.append_fractional(coordinates, CELL, float(number))
    np.testing.assert_allclose(unwrap(open_trajectory(tmp_path)), path @ CELL, atol=1e-5)


def test_wrapped_coordinates_that_are_stored_as_unwrapped_are_noticed(tmp_path: Path) -> None:
    walk = wandering(2, 40)
    with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
        for number in range(40):
            writer.append_fractional(walk.fractional[number], CELL, float(number))
    with pytest.warns(UnwrapWarning, match=r"jumps through the cell but never leaves it.*images=False"):
        unwrap(open_trajectory(tmp_path))


# ------------------------------------------------------------------------------------------------ kills and restarts


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 5, 8, 10, 11])
def test_a_resumed_run_is_the_run_that_was_never_killed(tmp_path: Path, keep: int) -> None:
    whole = wandering(4, 15, momenta=True, scalars=("energy",))
    write(tmp_path, whole[:11])
    with TrajectoryWriter(tmp_path, SYMBOLS, momenta=True, scalars=("energy",)) as writer:
        assert len(writer) == 11
        writer.truncate(keep)
        assert len(writer) == keep
    if keep:
        assert_same(open_trajectory(tmp_path), whole[:keep], 2e-7)
    write(tmp_path, whole, start=keep)
    assert_same(open_trajectory(tmp_path), whole, 2e-7)


def test_truncating_to_more_than_there_is(tmp_path: Path) -> None:
    write(tmp_path, wandering(4, 6))
    with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
        with pytest.raises(CheckpointError, match="cannot keep 7 frames, it holds 6"):
            writer.truncate(7)
        writer.truncate(6)
    assert len(open_trajectory(tmp_path)) == 6


def test_a_reader_follows_the_writer(tmp_path: Path) -> None:
    expected = wandering(5, 10)
    with TrajectoryWriter(tmp_path, SYMBOLS, frames_per_segment=4) as writer:
        for number in range(10):
            writer.append(
                path_of(expected)[number] @ expected.cells[number], expected.cells[number], expected.times[number]
            )
            assert_same(open_trajectory(tmp_path), expected[: number + 1], 2e-7)


def test_a_tail_cut_anywhere_loses_only_what_is_cut(tmp_path: Path) -> None:
    expected = wandering(6, 6)
    write(tmp_path, expected)
    tail = tmp_path / segments.TAIL
    content = tail.read_bytes()
    size = len(content) // 2
    for length in [*range(0, len(content), 37), size - 1, size, size + 1, len(content) - 1]:
        tail.write_bytes(content[:length])
        frames = 4 + length // size
        assert_same(open_trajectory(tmp_path), expected[:frames], 2e-7)
        with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
            assert len(writer) == frames
        write(tmp_path, expected, start=frames)
        assert_same(open_trajectory(tmp_path), expected, 2e-7)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", ["segment", "tail", "unlink"])
def test_stopped_between_any_two_files(tmp_path: Path, monkeypatch, step: str, before: bool) -> None:
    """Each file operation of closing a segment and of truncating is the last one once."""
    expected = wandering(7, 13)
    owner, name = {
        "segment": (segments, "write_segment"),
        "tail": (Tail, "replace"),
        "unlink": (Path, "unlink"),
    }[step]
    real = getattr(owner, name)

    def stop(*arguments, **keywords):
        if not before:
            real(*arguments, **keywords)
        raise Killed

    for frames, keep in ((9, None), (13, 6)):
        folder = tmp_path / f"{frames}"
        write(folder, expected[:8] if keep is None else expected[:13])
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stop)
            try:
                if keep is None:
                    write(folder, expected[:9], start=8)
                else:
                    with TrajectoryWriter(folder, SYMBOLS) as writer:
                        writer.truncate(keep)
            except Killed:
                pass
        found = open_trajectory(folder)
        assert len(found) >= (8 if keep is None else keep)
        assert_same(found, expected[: len(found)], 2e-7)
        with TrajectoryWriter(folder, SYMBOLS) as writer:
            writer.truncate(8 if keep is None else keep)
            length = len(writer)
        write(folder, expected, start=length)
        assert_same(open_trajectory(folder), expected, 2e-7)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """SIGKILL while frames, segments and truncations are written: what append has returned from is there, exactly."""
    rng = np.random.default_rng(8)
    said = -1
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, killable.__file__, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the writer did not start"
        try:
            process.wait(float(rng.uniform(0.0, 0.12)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        numbers = [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]
        # A truncation by three frames that are then written again may be under way.
        said = max(said, *numbers)
        found = open_trajectory(tmp_path)
        assert len(found) >= said + 1 - 3 * (len(found) % 11 >= 8 or len(found) % 11 == 0)
        for number in {0, len(found) - 1, *rng.integers(0, len(found), 6).tolist()}:
            positions, cell, time = killable.frame(number)
            assert found.times[number] == time
            np.testing.assert_array_equal(found.cells[number], cell)
            path = found.fractional[number].astype(float) + found.images[number]
            np.testing.assert_allclose(path @ cell, positions, atol=1e-5)
        said = len(found) - 1
    assert said > 3 * killable.SEGMENT


def test_a_full_disk_leaves_what_was_written(tmp_path: Path, monkeypatch) -> None:
    expected = wandering(9, 9)
    paths = path_of(expected)

    def append(writer, number):
        writer.append(paths[number] @ expected.cells[number], expected.cells[number], expected.times[number])

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with TrajectoryWriter(tmp_path, SYMBOLS, frames_per_segment=4) as writer:
        for number in range(3):
            append(writer, number)
        real = writer._tail._file

        class HalfFull:
            def __init__(self):
                self.left = 50

            def write(self, content):
                if not self.left:
                    full()
                written = real.write(bytes(content[: self.left]))
                self.left = 0
                return written

            def __getattr__(self, name):
                return getattr(real, name)

        writer._tail._file = HalfFull()
        with pytest.raises(OSError, match="No space left"):
            append(writer, 3)
        assert_same(open_trajectory(tmp_path), expected[:3], 2e-7)
        writer._tail._file = real
        append(writer, 3)
        with monkeypatch.context() as patch:
            patch.setattr(segments, "write_atomic", full)
            with pytest.raises(OSError, match="No space left"):
                append(writer, 4)
        assert_same(open_trajectory(tmp_path), expected[:4], 2e-7)
        for number in range(4, 9):
            append(writer, number)
    assert_same(open_trajectory(tmp_path), expected, 2e-7)


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    write(tmp_path, wandering(4, 6))
    (tmp_path / ".segment-000001.h5.abc.tmp").write_bytes(b"half")
    assert len(open_trajectory(tmp_path)) == 6
    TrajectoryWriter(tmp_path, SYMBOLS).close()
    assert not list(tmp_path.glob(".*"))


# --------------------------------------------------------------------------------------------------- what is refused


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    writer = TrajectoryWriter(tmp_path, SYMBOLS)
    with pytest.raises(CheckpointError, match="another process is writing"):
        TrajectoryWriter(tmp_path, SYMBOLS)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="the writer is closed"):
        writer.append(np.zeros((5, 3)), CELL, 0.0)
    TrajectoryWriter(tmp_path, SYMBOLS).close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbols": ["Li"] * 5}, r"holds a trajectory of other atoms \(5 of them\)"),
        ({"pbc": False}, r"holds a trajectory with pbc \[True, True, True\], expected \[False, False, False\]"),
        ({"images": False}, "holds a trajectory with images True, expected False"),
        ({"momenta": True}, "holds a trajectory with momenta False, expected True"),
        ({"scalars": ["energy"]}, r"holds a trajectory with scalars \(\), expected \('energy',\)"),
    ],
)
def test_the_store_of_another_run_is_not_continued(tmp_path: Path, changes, message: str) -> None:
    write(tmp_path, wandering(4, 6))
    with pytest.raises(CheckpointError, match=message):
        TrajectoryWriter(tmp_path, **({"symbols": SYMBOLS} | changes))
    with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
        assert len(writer) == 6


def test_frames_that_do_not_fit_are_named(tmp_path: Path) -> None:
    good = np.zeros((5, 3))
    with TrajectoryWriter(tmp_path / "a", SYMBOLS) as writer:
        writer.append(good, CELL, 0.0)
        with pytest.raises(ValueError, match=r"frame 1: expected positions \(5, 3\) and cell \(3, 3\), got \(4, 3\)"):
            writer.append(np.zeros((4, 3)), CELL, 0.1)
        with pytest.raises(ValueError, match=r"frame 1: positions or cell are not finite"):
            writer.append(np.full((5, 3), np.nan), CELL, 0.1)
        with pytest.raises(ValueError, match=r"frame 1: time 0 ps does not follow 0 ps"):
            writer.append(good, CELL, 0.0)
        with pytest.raises(ValueError, match=r"frame 1: time nan ps"):
            writer.append(good, CELL, np.nan)
        with pytest.raises(ValueError, match=r"frame 1: the cell has no volume"):
            writer.append(good, np.zeros((3, 3)), 0.1)
        with pytest.raises(ValueError, match=r"frame 1: an atom is more than 32767 cells away"):
            writer.append_fractional(np.full((5, 3), 40000.0), CELL, 0.1)
        with pytest.raises(ValueError, match=r"frame 1: expected images \(5, 3\) of int, got \(5, 3\) of float64"):
            writer.append_fractional(good, CELL, 0.1, images=good)
        with pytest.raises(ValueError, match=r"frame 1: got momenta, but the store has momenta=False"):
            writer.append(good, CELL, 0.1, momenta=good)
        with pytest.raises(ValueError, match=r"frame 1: expected scalars \[\], got \['energy'\]"):
            writer.append(good, CELL, 0.1, scalars={"energy": 1.0})
        assert len(writer) == 1
    with TrajectoryWriter(tmp_path / "b", SYMBOLS, images=False, momenta=True, scalars=["energy"]) as writer:
        with pytest.raises(ValueError, match="frame 0: got images, but the store was made without"):
            writer.append_fractional(good, CELL, 0.0, images=good.astype(int), momenta=good, scalars={"energy": 1.0})
        with pytest.raises(ValueError, match="frame 0: got no momenta"):
            writer.append(good, CELL, 0.0, scalars={"energy": 1.0})
        with pytest.raises(ValueError, match=r"frame 0: expected finite momenta \(5, 3\), got \(2, 3\)"):
            writer.append(good, CELL, 0.0, momenta=good[:2], scalars={"energy": 1.0})
    with pytest.raises(ValueError, match="frames_per_segment: expected at least 1"):
        TrajectoryWriter(tmp_path / "c", SYMBOLS, frames_per_segment=0)
    with pytest.raises(ValueError, match="symbols: expected one per atom"):
        TrajectoryWriter(tmp_path / "c", [])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # A byte of the coordinates of the first frame.
    coordinates = open_trajectory(path.parent).fractional[0].tobytes()
    content[content.index(coordinates[:24]) + 5] ^= 0xFF
    path.write_bytes(bytes(content))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def replace(path: Path) -> None:
    path.write_bytes(b"not what it was")


@pytest.mark.parametrize(
    ("damage", "name"),
    [(flip, "segment-000000.h5"), (cut, "segment-000000.h5"), (replace, "segment-000001.h5"), (replace, "header.json")],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage, name: str) -> None:
    write(tmp_path, wandering(4, 10))
    damage(tmp_path / name)
    with pytest.raises(FormatError, match=f"{name}: "):
        np.asarray(open_trajectory(tmp_path).fractional)
    if damage is not flip:
        with pytest.raises(FormatError, match=f"{name}: "):
            TrajectoryWriter(tmp_path, SYMBOLS)


def test_a_tail_damaged_inside_is_named_and_resumed_before(tmp_path: Path) -> None:
    write(tmp_path, wandering(4, 7))
    tail = tmp_path / segments.TAIL
    content = bytearray(tail.read_bytes())
    content[len(content) // 2] ^= 0xFF
    tail.write_bytes(bytes(content))
    with pytest.raises(FormatError, match=r"tail\.bin: record 1 is damaged"):
        open_trajectory(tmp_path)
    with TrajectoryWriter(tmp_path, SYMBOLS) as writer:
        assert len(writer) == 5


def test_segments_that_are_missing_or_of_another_run(tmp_path: Path) -> None:
    write(tmp_path / "a", wandering(4, 10))
    (tmp_path / "a/segment-000000.h5").rename(tmp_path / "a/segment-000002.h5")
    with pytest.raises(FormatError, match=r"expected segment-000000\.h5, found segment-000001\.h5"):
        open_trajectory(tmp_path / "a")
    write(tmp_path / "b", wandering(4, 10))
    (tmp_path / "b/segment-000000.h5").replace(tmp_path / "b/segment-000001.h5")
    write(tmp_path / "c", wandering(4, 10))
    (tmp_path / "c/segment-000001.h5").replace(tmp_path / "b/segment-000000.h5")
    with pytest.raises(FormatError, match=r"segment-000000\.h5: starts at frame 4, expected 0"):
        open_trajectory(tmp_path / "b")
    write(tmp_path / "e", wandering(4, 7), per_segment=5)
    (tmp_path / "e/segment-000000.h5").replace(tmp_path / "c/segment-000000.h5")
    (tmp_path / "c/tail.bin").unlink()
    with pytest.raises(FormatError, match=r"segment-000000\.h5: times has shape \(5,\), expected \(4,\)"):
        open_trajectory(tmp_path / "c")
    (tmp_path / "a/segment-000002.h5").unlink()
    (tmp_path / "a/segment-000001.h5").unlink()
    with pytest.raises(FormatError, match=r"tail\.bin: starts at frame 8, expected 0"):
        open_trajectory(tmp_path / "a")


def test_a_folder_without_a_trajectory(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"holds no trajectory \(header\.json is missing\)"):
        open_trajectory(tmp_path)
    TrajectoryWriter(tmp_path, SYMBOLS).close()
    with pytest.raises(FormatError, match="holds no frame yet"):
        open_trajectory(tmp_path)
    write(tmp_path / "orphan", wandering(4, 6))
    (tmp_path / "orphan/header.json").unlink()
    with pytest.raises(FormatError, match=r"holds segment-000000\.h5 but no header\.json"):
        TrajectoryWriter(tmp_path / "orphan", SYMBOLS)
    header = tmp_path / "header.json"
    header.write_text(header.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(FormatError, match="expected betalps trajectory version 1, got betalps trajectory version 9"):
        open_trajectory(tmp_path)


def test_a_store_can_be_moved_and_copied(tmp_path: Path) -> None:
    expected = wandering(4, 10)
    write(tmp_path / "a", expected)
    (tmp_path / "a").rename(tmp_path / "b")
    assert convert(tmp_path / "b", tmp_path / "c", frames=slice(1, None, 2)) == 5
    assert_same(open_trajectory(tmp_path / "c"), expected[1::2], 2e-7)


def test_displacements_of_many_atoms_take_no_more_memory(tmp_path: Path) -> None:
    """`benchmarks/trajectories.py --store` does this with 4608 Li of 12,288 atoms x 4000 frames: 189 MB at most."""
    frames, peaks = 400, []
    rng = np.random.default_rng(0)
    for atoms in (500, 2000):
        position, folder = rng.random((atoms, 3)), tmp_path / str(atoms)
        with TrajectoryWriter(folder, ["Li"] * atoms) as writer:
            for frame in range(frames):
                position += 0.003 * rng.normal(size=position.shape)
                writer.append_fractional(position, 20 * np.eye(3), 0.1 * frame)
        trajectory = open_trajectory(folder)
        tracemalloc.start()
        mean_squared_displacement(trajectory, "Li")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 0.5 * 2000 * frames * 3 * 8  # all of it, unwrapped
