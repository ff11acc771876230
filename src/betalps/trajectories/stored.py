"""An array of a trajectory that stays on disk until it is indexed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betalps.trajectories.segments import open_segment, read_dataset, segment_path


class StoredArray:
    """(frames, atoms, 3) numbers in the segments of a store.

    Indexed like a numpy array by frames first: a number or a slice, then anything numpy takes; or an array of
    frame numbers alone. What is indexed is read. Single frames are read with their neighbours in time, which are
    kept, so that going through the frames reads each once.

    Parameters
    ----------
    folder : Path
    name : str
        Of the array.
    segments, per_segment : int
        How many, and frames in each.
    tail : (n, atoms, 3) array
        The frames behind the last segment.
    frames : range, optional
        Which of the stored frames; all by default.
    chunk : (2,) tuple of int
        Frames and atoms that are stored together.
    """

    ndim = 3

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        segments: int,
        per_segment: int,
        tail: NDArray[Any],
        chunk: tuple[int, int],
        frames: range | None = None,
    ) -> None:
        self._folder, self._name = folder, name
        self._segments, self._per_segment, self._tail = segments, per_segment, tail
        self._frames = range(segments * per_segment + len(tail)) if frames is None else frames
        self.chunk = chunk
        self._slab: tuple[int, NDArray[Any]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, atoms, 3)."""
        return (len(self._frames), *self._tail.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return self._tail.dtype

    def __len__(self) -> int:
        return len(self._frames)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError(f"{self._name} is on disk: an array of it is always a copy")
        return self._read(self._frames, slice(None)).astype(self.dtype if dtype is None else dtype, copy=False)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        frames, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(frames, int | np.integer):
            return np.asarray(self._frame(self._frames[int(frames)])[tuple(rest)])
        if isinstance(frames, slice):
            atoms: Any = rest.pop(0) if rest else slice(None)
            if isinstance(atoms, int | np.integer):
                alone = np.array([range(self.shape[1])[int(atoms)]])
                return self._read(self._frames[frames], alone)[(slice(None), 0, *rest)]
            if not isinstance(atoms, slice):
                atoms = np.arange(self.shape[1])[atoms]
            return self._read(self._frames[frames], atoms)[(slice(None), slice(None), *rest)]
        if rest or frames is Ellipsis:
            raise TypeError(f"{self._name} is on disk: index its frames with a number or a slice first")
        chosen = np.arange(len(self))[np.asarray(frames)]
        return np.stack([self._frame(self._frames[int(number)]) for number in chosen])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_slab": None}

    def view(self, frames: slice) -> StoredArray:
        """Some of the frames, still on disk."""
        return StoredArray(
            self._folder,
            self._name,
            segments=self._segments,
            per_segment=self._per_segment,
            tail=self._tail,
            chunk=self.chunk,
            frames=self._frames[frames],
        )

    def _frame(self, number: int) -> NDArray[Any]:
        """A copy of one stored frame, all atoms."""
        segment, inside = divmod(number, self._per_segment)
        if segment >= self._segments:
            return np.array(self._tail[number - self._segments * self._per_segment])
        begin = inside - inside % self.chunk[0]
        start = segment * self._per_segment + begin
        if self._slab is None or self._slab[0] != start:
            with open_segment(segment_path(self._folder, segment)) as h5:
                self._slab = start, read_dataset(h5, self._name, slice(begin, begin + self.chunk[0]))
        return np.array(self._slab[1][number - start])

    def _read(self, frames: range, atoms: slice | NDArray[np.intp]) -> NDArray[Any]:
        if frames.step < 0:
            backwards: NDArray[Any] = self._read(frames[::-1], atoms)[::-1]
            return backwards
        width = len(range(self.shape[1])[atoms]) if isinstance(atoms, slice) else len(atoms)
        found = np.empty((len(frames), width, 3), dtype=self.dtype)
        done = 0
        while done < len(frames):
            segment = min(frames[done] // self._per_segment, self._segments)
            start = segment * self._per_segment
            stop = start + self._per_segment if segment < self._segments else frames.stop
            part = frames[done : done + len(range(frames[done], min(stop, frames.stop), frames.step))]
            inside = slice(part.start - start, part[-1] + 1 - start, frames.step)
            rows = found[done : done + len(part)]
            if segment < self._segments:
                self._read_segment(segment, inside, atoms, rows)
            else:
                rows[:] = self._tail[inside][:, atoms]
            done += len(part)
        return found

    def _read_segment(self, segment: int, inside: slice, atoms: slice | NDArray[np.intp], rows: NDArray[Any]) -> None:
        # HDF5 is slow where it has to step; numpy is not.
        every, inside = inside.step, slice(inside.start, inside.stop)
        with open_segment(segment_path(self._folder, segment)) as h5:
            if isinstance(atoms, slice):
                rows[:] = read_dataset(h5, self._name, inside)[::every, atoms]
                return
            chunks = atoms // self.chunk[1]
            for chunk in np.unique(chunks):
                where = np.flatnonzero(chunks == chunk)
                first, last = int(atoms[where].min()), int(atoms[where].max())
                block = read_dataset(h5, self._name, (inside, slice(first, last + 1)))
                rows[:, where] = block[::every, atoms[where] - first]
