"""A trajectory on disk, in chunks that are whole or absent.

A folder holds ``header.npz`` (species, periodicity) and ``chunk-000000.npz``, ``chunk-000001.npz``, ... Each
chunk carries the number of its first frame, wrapped fractional coordinates (float32), cells and times
(float64). float32 resolves a wrapped fractional coordinate to 6e-8, which is 1e-4 Å or better in cells up to
1600 Å. Files are written under another name and renamed, so a run that is killed leaves whole chunks only.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.errors import CheckpointError, FormatError
from betalps.trajectories.trajectory import Trajectory
from betalps.typing import PathLike

_HEADER = "header.npz"
_KEYS = {"first", "fractional", "cells", "times"}


class ChunkWriter:
    """Append frames to a folder; go on with what is already there.

    Parameters
    ----------
    folder : path
        Created when absent.
    symbols : (atoms,) sequence of str
    pbc : bool or (3,) array of bool
    frames_per_chunk : int
        Frames that are held in memory until they are written together.

    Raises
    ------
    CheckpointError
        The folder holds a trajectory of other atoms or of another periodicity.
    FormatError
        The folder holds a chunk that cannot be read, or lacks one in the middle.
    """

    def __init__(
        self, folder: PathLike, symbols: Sequence[str], pbc: ArrayLike = True, frames_per_chunk: int = 100
    ) -> None:
        if frames_per_chunk < 1:
            raise ValueError(f"frames_per_chunk: expected at least 1, got {frames_per_chunk}")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._symbols = np.asarray(symbols, dtype=np.str_)
        self._pbc = np.broadcast_to(np.asarray(pbc, dtype=np.bool_), (3,))
        self._per_chunk = frames_per_chunk
        self._buffer: list[tuple[NDArray[np.float32], NDArray[np.float64], float]] = []
        self._starts: list[int] = []
        self._on_disk = 0
        self._last_time = -np.inf
        if (self.folder / _HEADER).exists():
            self._resume()
        else:
            if any(self.folder.glob("chunk-*.npz")):
                raise FormatError(f"{self.folder}: holds chunks but no {_HEADER}")
            _write(self.folder / _HEADER, symbols=self._symbols, pbc=self._pbc)

    def __len__(self) -> int:
        """Frames appended so far, those in memory included."""
        return self._on_disk + len(self._buffer)

    def __enter__(self) -> ChunkWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def append(self, positions: ArrayLike, cell: ArrayLike, time: float) -> None:
        """One frame.

        Parameters
        ----------
        positions : (atoms, 3) array, Å
            Cartesian, wrapped or not.
        cell : (3, 3) array, Å
        time : float, ps

        Raises
        ------
        ValueError
            A wrong shape, a number that is not finite, a cell without volume, a time that does not increase.
        """
        cell = np.array(cell, dtype=np.float64)
        positions = np.asarray(positions, dtype=np.float64)
        if positions.shape != (len(self._symbols), 3) or cell.shape != (3, 3):
            raise ValueError(
                f"frame {len(self)}: expected positions ({len(self._symbols)}, 3) and cell (3, 3), "
                f"got {positions.shape} and {cell.shape}"
            )
        if not (np.isfinite(positions).all() and np.isfinite(cell).all() and np.isfinite(time)):
            raise ValueError(f"frame {len(self)}: positions, cell or time are not finite")
        if np.linalg.det(cell) == 0.0:
            raise ValueError(f"frame {len(self)}: the cell has no volume")
        if time <= self._last_time:
            raise ValueError(f"frame {len(self)}: time {time:g} ps does not follow {self._last_time:g} ps")
        fractional = np.linalg.solve(cell.T, positions.T).T
        fractional -= np.floor(fractional) * self._pbc
        self._buffer.append((fractional.astype(np.float32), cell, float(time)))
        self._last_time = float(time)
        if len(self._buffer) >= self._per_chunk:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory as one chunk; call it with every checkpoint of the run."""
        if not self._buffer:
            return
        fractional, cells, times = zip(*self._buffer, strict=True)
        _write(
            self.folder / _name(len(self._starts)),
            first=np.int64(self._on_disk),
            fractional=np.stack(fractional),
            cells=np.stack(cells),
            times=np.array(times),
        )
        self._starts.append(self._on_disk)
        self._on_disk += len(self._buffer)
        self._buffer.clear()

    def truncate(self, frames: int) -> None:
        """Keep the first `frames` frames, those of the checkpoint that the run resumes from.

        Raises
        ------
        CheckpointError
            There are fewer.
        """
        if not 0 <= frames <= len(self):
            raise CheckpointError(f"{self.folder}: cannot keep {frames} frames, it holds {len(self)}")
        self.flush()
        # From the end: a kill in between leaves a shorter trajectory without a gap.
        while self._starts and self._starts[-1] >= frames:
            (self.folder / _name(len(self._starts) - 1)).unlink()
            self._on_disk = self._starts.pop()
        if self._on_disk > frames:
            path = self.folder / _name(len(self._starts) - 1)
            keep = frames - self._starts[-1]
            chunk = _read(path, _KEYS)
            _write(path, first=chunk["first"], **{k: chunk[k][:keep] for k in ("fractional", "cells", "times")})
            self._on_disk = frames
        self._last_time = self._time_of_last()

    def _resume(self) -> None:
        symbols, pbc = _read_header(self.folder)
        if not np.array_equal(symbols, self._symbols):
            raise CheckpointError(f"{self.folder}: holds a trajectory of other atoms ({len(symbols)} of them)")
        if not np.array_equal(pbc, self._pbc):
            raise CheckpointError(f"{self.folder}: holds a trajectory with pbc {pbc}, expected {self._pbc}")
        for path in _chunk_paths(self.folder):
            chunk = _read_chunk(path, self._on_disk, len(symbols))
            self._starts.append(self._on_disk)
            self._on_disk += len(chunk["times"])
        self._last_time = self._time_of_last()

    def _time_of_last(self) -> float:
        if not self._starts:
            return -np.inf
        return float(_read(self.folder / _name(len(self._starts) - 1), _KEYS)["times"][-1])


def read_chunks(folder: PathLike) -> Trajectory:
    """The trajectory that a `ChunkWriter` wrote, as far as its whole chunks go.

    Parameters
    ----------
    folder : path

    Raises
    ------
    FormatError
        The folder holds no trajectory or no frame yet, a chunk is missing in the middle, or one cannot be
        read.
    """
    folder = Path(folder)
    symbols, pbc = _read_header(folder)
    chunks: list[dict[str, NDArray[Any]]] = []
    frames = 0
    for path in _chunk_paths(folder):
        chunks.append(_read_chunk(path, frames, len(symbols)))
        frames += len(chunks[-1]["times"])
    if not chunks:
        raise FormatError(f"{folder}: holds no frame yet")
    joined = {key: np.concatenate([c[key] for c in chunks]) for key in ("fractional", "cells", "times")}
    try:
        return Trajectory(symbols=symbols, pbc=pbc, **joined)
    except ValueError as error:
        raise FormatError(f"{folder}: {error}") from error


def _name(number: int) -> str:
    return f"chunk-{number:06d}.npz"


def _chunk_paths(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("chunk-*.npz"))
    for number, path in enumerate(paths):
        if path.name != _name(number):
            raise FormatError(f"{folder}: expected {_name(number)}, found {path.name}: a chunk is missing")
    return paths


def _read_header(folder: Path) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    path = folder / _HEADER
    if not path.exists():
        raise FormatError(f"{folder}: holds no trajectory ({_HEADER} is missing)")
    header = _read(path, {"symbols", "pbc"})
    return header["symbols"], header["pbc"]


def _read_chunk(path: Path, first: int, atoms: int) -> dict[str, NDArray[Any]]:
    chunk = _read(path, _KEYS)
    frames = len(np.atleast_1d(chunk["times"]))
    shapes = {"first": (), "fractional": (frames, atoms, 3), "cells": (frames, 3, 3), "times": (frames,)}
    for key, shape in shapes.items():
        if chunk[key].shape != shape:
            raise FormatError(f"{path}: {key} has shape {chunk[key].shape}, expected {shape}")
    if int(chunk["first"]) != first:
        raise FormatError(f"{path}: starts at frame {int(chunk['first'])}, expected {first}: a chunk is missing")
    return chunk


def _read(path: Path, keys: set[str]) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {key: archive[key] for key in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise FormatError(f"{path}: cannot be read as a whole chunk ({error})") from error
    if set(found) != keys:
        raise FormatError(f"{path}: holds {sorted(found)}, expected {sorted(keys)}")
    return found


def _write(path: Path, **arrays: Any) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
