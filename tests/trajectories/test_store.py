"""The store: what goes in comes out, and what is broken is said."""

from pathlib import Path

import numpy as np
import pytest

from betalps.errors import CheckpointError, FormatError
from betalps.trajectories import ChunkWriter, read_chunks, unwrap

SYMBOLS = ["Li", "P", "S", "S"]
CELL = np.array([[40.0, 0.0, 0.0], [5.0, 35.0, 0.0], [0.0, -4.0, 50.0]])


def path_of(frames: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.cumsum(rng.normal(scale=2.0, size=(frames, 4, 3)), axis=0)


def write(folder: Path, frames: int, per_chunk: int = 10, first: int = 0) -> None:
    with ChunkWriter(folder, SYMBOLS, frames_per_chunk=per_chunk) as writer:
        for frame, positions in enumerate(path_of(frames)):
            if frame >= first:
                writer.append(positions, CELL, 0.1 * frame)


def chunks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("chunk-*"))


def test_a_trajectory_survives_the_disk(tmp_path: Path) -> None:
    write(tmp_path, 35)
    assert chunks(tmp_path) == [f"chunk-{k:06d}.npz" for k in range(4)]
    found = read_chunks(tmp_path)
    assert found.symbols.tolist() == SYMBOLS
    assert found.fractional.dtype == np.float32
    assert found.fractional.min() >= 0.0
    assert found.fractional.max() <= 1.0
    np.testing.assert_allclose(found.times, 0.1 * np.arange(35))
    np.testing.assert_allclose(found.cells, np.broadcast_to(CELL, (35, 3, 3)))
    moved = unwrap(found)
    np.testing.assert_allclose(moved - moved[0], path_of(35) - path_of(35)[0], atol=1e-4)
    assert not list(tmp_path.glob(".*")), "a temporary file was left behind"


def test_open_directions_are_not_wrapped(tmp_path: Path) -> None:
    with ChunkWriter(tmp_path, ["Li"], pbc=[True, True, False]) as writer:
        writer.append([[-1.0, 11.0, 25.0]], np.eye(3) * 10.0, 0.0)
    np.testing.assert_allclose(read_chunks(tmp_path).fractional, [[[0.9, 0.1, 2.5]]], atol=1e-6)


def test_a_reader_sees_whole_chunks_only(tmp_path: Path) -> None:
    writer = ChunkWriter(tmp_path, SYMBOLS, frames_per_chunk=10)
    for frame, positions in enumerate(path_of(25)):
        writer.append(positions, CELL, 0.1 * frame)
    assert len(writer) == 25
    assert len(read_chunks(tmp_path)) == 20
    (tmp_path / ".chunk-000002.npz.tmp").write_bytes(b"half a chunk")
    assert len(read_chunks(tmp_path)) == 20
    writer.flush()
    assert len(read_chunks(tmp_path)) == 25


@pytest.mark.parametrize("keep", [0, 1, 10, 17, 20, 35])
def test_a_resumed_run_is_the_run_that_was_never_killed(tmp_path: Path, keep: int) -> None:
    write(tmp_path / "whole", 50)
    write(tmp_path / "killed", 35)
    with ChunkWriter(tmp_path / "killed", SYMBOLS, frames_per_chunk=10) as writer:
        assert len(writer) == 35
        writer.truncate(keep)
        assert len(writer) == keep
        for frame in range(keep, 50):
            writer.append(path_of(50)[frame], CELL, 0.1 * frame)
    whole, resumed = read_chunks(tmp_path / "whole"), read_chunks(tmp_path / "killed")
    np.testing.assert_array_equal(resumed.fractional, whole.fractional)
    np.testing.assert_array_equal(resumed.times, whole.times)


def test_truncating_what_is_still_in_memory(tmp_path: Path) -> None:
    with ChunkWriter(tmp_path, SYMBOLS) as writer:
        for frame, positions in enumerate(path_of(5)):
            writer.append(positions, CELL, 0.1 * frame)
        writer.truncate(3)
        with pytest.raises(CheckpointError, match="cannot keep 4 frames, it holds 3"):
            writer.truncate(4)
    assert len(read_chunks(tmp_path)) == 3


def test_a_folder_of_another_run_is_not_continued(tmp_path: Path) -> None:
    write(tmp_path, 5)
    with pytest.raises(CheckpointError, match="trajectory of other atoms"):
        ChunkWriter(tmp_path, ["Li", "P", "S", "Li"])
    with pytest.raises(CheckpointError, match="trajectory with pbc"):
        ChunkWriter(tmp_path, SYMBOLS, pbc=False)


def test_frames_that_do_not_fit_are_named(tmp_path: Path) -> None:
    writer = ChunkWriter(tmp_path, SYMBOLS)
    writer.append(np.zeros((4, 3)), CELL, 0.0)
    with pytest.raises(ValueError, match=r"frame 1: expected positions \(4, 3\)"):
        writer.append(np.zeros((3, 3)), CELL, 0.1)
    with pytest.raises(ValueError, match=r"frame 1: positions, cell or time are not finite"):
        writer.append(np.full((4, 3), np.nan), CELL, 0.1)
    with pytest.raises(ValueError, match=r"frame 1: time 0 ps does not follow 0 ps"):
        writer.append(np.zeros((4, 3)), CELL, 0.0)
    with pytest.raises(ValueError, match=r"frame 1: the cell has no volume"):
        writer.append(np.zeros((4, 3)), np.zeros((3, 3)), 0.1)
    with pytest.raises(ValueError, match="frames_per_chunk"):
        ChunkWriter(tmp_path / "other", SYMBOLS, frames_per_chunk=0)


def test_the_last_time_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, 15)
    writer = ChunkWriter(tmp_path, SYMBOLS)
    with pytest.raises(ValueError, match=r"time 1\.4 ps does not follow 1\.4 ps"):
        writer.append(np.zeros((4, 3)), CELL, 0.1 * 14)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # The first byte of the first array: it follows the 128 bytes that describe it.
    content[content.index(b"\x93NUMPY") + 128] ^= 0xFF
    path.write_bytes(bytes(content))


def replace(path: Path) -> None:
    path.write_bytes(b"not an archive")


@pytest.mark.parametrize("damage", [cut, flip, replace])
@pytest.mark.parametrize("name", ["chunk-000001.npz", "header.npz"])
def test_a_damaged_file_is_named(tmp_path: Path, damage, name: str) -> None:
    write(tmp_path, 30)
    damage(tmp_path / name)
    for read in (read_chunks, lambda folder: ChunkWriter(folder, SYMBOLS)):
        with pytest.raises(FormatError, match=f"{name}: "):
            read(tmp_path)


def test_a_missing_chunk_is_named(tmp_path: Path) -> None:
    write(tmp_path, 30)
    (tmp_path / "chunk-000001.npz").unlink()
    with pytest.raises(FormatError, match=r"expected chunk-000001\.npz, found chunk-000002\.npz: a chunk is missing"):
        read_chunks(tmp_path)


def test_chunks_of_another_run_are_noticed(tmp_path: Path) -> None:
    write(tmp_path / "a", 30)
    write(tmp_path / "b", 30, per_chunk=7)
    (tmp_path / "b/chunk-000002.npz").replace(tmp_path / "a/chunk-000001.npz")
    with pytest.raises(FormatError, match=r"chunk-000001\.npz: starts at frame 14, expected 10"):
        read_chunks(tmp_path / "a")
    np.savez(
        tmp_path / "a/chunk-000001.npz",
        first=10,
        fractional=np.zeros((2, 3, 3)),
        cells=CELL,
        times=[1.0, 1.1],
    )
    with pytest.raises(FormatError, match=r"chunk-000001\.npz: fractional has shape \(2, 3, 3\), expected \(2, 4, 3\)"):
        read_chunks(tmp_path / "a")
    np.savez(tmp_path / "a/chunk-000001.npz", first=10)
    with pytest.raises(FormatError, match=r"holds \['first'\], expected"):
        read_chunks(tmp_path / "a")


def test_a_folder_without_a_trajectory(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"holds no trajectory \(header\.npz is missing\)"):
        read_chunks(tmp_path)
    ChunkWriter(tmp_path, SYMBOLS)
    with pytest.raises(FormatError, match="holds no frame yet"):
        read_chunks(tmp_path)
    write(tmp_path / "orphan", 5)
    (tmp_path / "orphan/header.npz").unlink()
    with pytest.raises(FormatError, match=r"holds chunks but no header\.npz"):
        ChunkWriter(tmp_path / "orphan", SYMBOLS)
