"""The trajectory store: appended frame by frame, read atom by atom, whole after every kill.

Why segments of HDF5, and not one HDF5 file or zarr (``benchmarks/trajectories.py --formats``; 12,288 atoms in
chunks of 100 frames × 512 atoms, wrapped float32 and int16 images; MB of float32 per second of processor time, a run
being at 5 MB/s or less):

=======================  =====  ====  ====================  =======================  ============  ===============
layout                   write  size  files per 600 frames  all atoms through time   whole frames  killed, 8 times
=======================  =====  ====  ====================  =======================  ============  ===============
HDF5, one file (SWMR)      500  1.02                     1                      932          3231  3 whole
HDF5, segments             514  1.02                     6                      408          1444  8 whole
zarr, a file per chunk     126  0.81                   291                      328           657  2 whole
zarr, shards               173  0.81                    15                      222           616  1 whole
=======================  =====  ====  ====================  =======================  ============  ===============

Every one writes for a small part of the 2 % of a run that a store may cost, so speed of writing does not decide. A
writer's kill leaves one HDF5 file that is refused when it is opened to go on, or that is damaged; it leaves zarr
with an array that is longer than what was written (which a count of whole frames beside it would cure). Segments that
are renamed into place are whole or absent. They read as fast as zarr or faster, make few files, and need h5py
alone, which H5MD asks for anyway; zarr's 20 % smaller files are what speaks for it.

Between segments every frame goes to the end of ``tail.bin`` at once, so that nothing has to be held back in memory
or written twice for a checkpoint, and a kill takes no frame that `append` has returned from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.errors import CheckpointError, FormatError
from betalps.files import locked
from betalps.trajectories import segments
from betalps.trajectories.frame import to_fractional
from betalps.trajectories.segments import TAIL, Header, segment_path
from betalps.trajectories.tail import Tail
from betalps.typing import Floats, PathLike

_IMAGES = np.iinfo(np.int16)


class TrajectoryWriter:
    """Append frames to a trajectory in a folder; go on with what is already there.

    Parameters
    ----------
    path : path
        A folder; made when absent.
    symbols : (atoms,) sequence of str
    pbc : bool or (3,) array of bool
    images : bool
        Whether frames come unwrapped (as molecular dynamics has them), so that the store keeps how many cells each
        atom has travelled. Say False where coordinates may be wrapped: the path is then guessed at reading.
    momenta : bool
        Whether every frame brings momenta.
    scalars : sequence of str
        Names of the numbers that every frame brings, such as ``energy``.
    frames_per_segment : int, optional
        By default such that a segment is about 32 MB. A store that exists keeps its own.

    Raises
    ------
    CheckpointError
        The folder holds a trajectory of other atoms, of another periodicity, with other arrays; another process
        is writing it.
    FormatError
        The folder holds segments that cannot be read, or lacks one in the middle.
    """

    def __init__(
        self,
        path: PathLike,
        symbols: Sequence[str] | NDArray[np.str_],
        pbc: ArrayLike = True,
        *,
        images: bool = True,
        momenta: bool = False,
        scalars: Sequence[str] = (),
        frames_per_segment: int | None = None,
    ) -> None:
        names = np.asarray(symbols, dtype=np.str_)
        if names.ndim != 1 or not names.size:
            raise ValueError(f"symbols: expected one per atom, got shape {names.shape}")
        if frames_per_segment is not None and frames_per_segment < 1:
            raise ValueError(f"frames_per_segment: expected at least 1, got {frames_per_segment}")
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        wanted = Header(
            symbols=names,
            pbc=np.broadcast_to(np.asarray(pbc, dtype=np.bool_), (3,)),
            images=images,
            momenta=momenta,
            scalars=tuple(scalars),
            frames_per_segment=frames_per_segment or segments.segment_length(len(names)),
        )
        with ExitStack() as held:
            held.enter_context(locked(self.path, "writing"))
            self._header = self._take_up(wanted)
            self._segments = segments.count_segments(self.path)
            self._last_time = -np.inf
            for number in range(self._segments):
                self._last_time = self._info(number)[0][-1]
            self._tail = held.enter_context(Tail(self.path / TAIL, self._header, self._in_segments))
            self._last_time = self._tail.last_time(self._last_time)
            self._held = held.pop_all()
        self._closed = False

    @property
    def _in_segments(self) -> int:
        return self._segments * self._header.frames_per_segment

    def __len__(self) -> int:
        """Frames so far."""
        return self._in_segments + len(self._tail)

    def __enter__(self) -> TrajectoryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(
        self,
        positions: ArrayLike,
        cell: ArrayLike,
        time: float,
        *,
        momenta: ArrayLike | None = None,
        scalars: Mapping[str, float] | None = None,
    ) -> None:
        """One frame from Cartesian positions.

        Parameters
        ----------
        positions : (atoms, 3) array, Å
            Unwrapped, unless the writer was made with ``images=False``.
        cell : (3, 3) array, Å
        time : float, ps
        momenta : (atoms, 3) array, optional
            In ASE's unit.
        scalars : dict of str to float, optional

        Raises
        ------
        ValueError
            A wrong shape or name, a number that is not finite, a cell without volume, a time that does not
            increase, an atom more than 32,767 cells away.
        OSError
            The frame cannot be written; those before it stay.
        """
        matrix, values = self._checked(cell, positions, "positions")
        self._append(to_fractional(values, matrix), matrix, time, None, momenta, scalars)

    def append_fractional(
        self,
        fractional: ArrayLike,
        cell: ArrayLike,
        time: float,
        *,
        images: ArrayLike | None = None,
        momenta: ArrayLike | None = None,
        scalars: Mapping[str, float] | None = None,
    ) -> None:
        """One frame from fractional coordinates; else as `append`.

        Parameters
        ----------
        fractional : (atoms, 3) array
            Unwrapped, or wrapped with `images`, unless the writer was made with ``images=False``.
        cell, time, momenta, scalars
            As in `append`.
        images : (atoms, 3) array of int, optional
            Whole cells to add.
        """
        matrix, values = self._checked(cell, fractional, "fractional")
        if images is not None and not self._header.images:
            raise ValueError(f"frame {len(self)}: got images, but the store was made without")
        self._append(values, matrix, time, images, momenta, scalars)

    def flush(self) -> None:
        """Bring all frames onto the disk itself; call it with every checkpoint of the run."""
        self._tail.sync()

    def truncate(self, frames: int) -> None:
        """Keep the first `frames` frames, those of the checkpoint that the run resumes from.

        Raises
        ------
        CheckpointError
            There are fewer.
        """
        if not 0 <= frames <= len(self):
            raise CheckpointError(f"{self.path}: cannot keep {frames} frames, it holds {len(self)}")
        keep, inside = divmod(frames, self._header.frames_per_segment)
        if keep < self._segments:
            self._tail.replace(self._records(keep)[:inside])
            # From the end: a kill in between leaves a longer trajectory without a gap.
            while self._segments > keep:
                segment_path(self.path, self._segments - 1).unlink()
                self._segments -= 1
            self._tail.first = self._in_segments
        elif frames < len(self):
            self._tail.cut(inside)
        self._last_time = self._info(self._segments - 1)[0][-1] if self._segments else -np.inf
        self._last_time = self._tail.last_time(self._last_time)

    def close(self) -> None:
        """Bring all frames onto the disk and let others write."""
        if not self._closed:
            self._closed = True
            with self._held:
                self._tail.sync()

    def _take_up(self, wanted: Header) -> Header:
        if not (self.path / segments.HEADER).exists():
            left = [path.name for path in (*self.path.glob("segment-*.h5"), self.path / TAIL) if path.exists()]
            if left:
                raise FormatError(f"{self.path}: holds {left[0]} but no {segments.HEADER}")
            segments.write_header(self.path, wanted)
            return wanted
        for remnant in self.path.glob(".*.tmp"):
            remnant.unlink()  # of a writer that was killed; the lock says that it is gone
        header = segments.read_header(self.path)
        for difference in header.differences(wanted):
            raise CheckpointError(f"{self.path}: holds {difference}")
        return header

    def _info(self, number: int) -> tuple[Floats, Floats, Floats]:
        return segments.read_frames_info(self.path, self._header, number)

    def _records(self, number: int) -> NDArray[np.void]:
        """A segment as the records it was made from."""
        records = np.zeros(self._header.frames_per_segment, dtype=self._header.record)
        records["frame"] = number * self._header.frames_per_segment + np.arange(len(records))
        records["time"], records["cell"], records["scalars"] = self._info(number)
        with segments.open_segment(segment_path(self.path, number)) as h5:
            for name in self._header.per_atom:
                records[name] = segments.read_dataset(h5, name)
        return records

    def _checked(self, cell: ArrayLike, coordinates: ArrayLike, name: str) -> tuple[Floats, Floats]:
        if self._closed:
            raise ValueError(f"{self.path}: the writer is closed")
        cell, values = np.asarray(cell, dtype=np.float64), np.asarray(coordinates, dtype=np.float64)
        atoms = len(self._header.symbols)
        if values.shape != (atoms, 3) or cell.shape != (3, 3):
            raise ValueError(
                f"frame {len(self)}: expected {name} ({atoms}, 3) and cell (3, 3), got {values.shape} and {cell.shape}"
            )
        if not (np.isfinite(values).all() and np.isfinite(cell).all()):
            raise ValueError(f"frame {len(self)}: {name} or cell are not finite")
        if np.linalg.det(cell) == 0.0:
            raise ValueError(f"frame {len(self)}: the cell has no volume")
        return cell, values

    def _append(
        self,
        fractional: Floats,
        cell: Floats,
        time: float,
        images: ArrayLike | None,
        momenta: ArrayLike | None,
        scalars: Mapping[str, float] | None,
    ) -> None:
        if not np.isfinite(time) or time <= self._last_time:
            raise ValueError(f"frame {len(self)}: time {time:g} ps does not follow {self._last_time:g} ps")
        record = np.zeros((), dtype=self._header.record)
        record["frame"], record["time"], record["cell"] = len(self), time, cell
        self._put_coordinates(record, fractional, images)
        self._put_rest(record, momenta, dict(scalars or {}))
        if len(self._tail) >= self._header.frames_per_segment:
            self._close_segment()
        self._tail.append(record)
        self._last_time = float(time)

    def _close_segment(self) -> None:
        segments.write_segment(segment_path(self.path, self._segments), self._header, self._tail.records())
        self._segments += 1
        self._tail.first = self._in_segments
        self._tail.replace(np.empty(0, dtype=self._header.record))

    def _put_coordinates(self, record: NDArray[np.void], fractional: Floats, images: ArrayLike | None) -> None:
        whole = np.floor(fractional) * self._header.pbc
        wrapped = (fractional - whole).astype(np.float32)
        if self._header.images:
            # What rounds up to 1 in single precision is 0 in the next cell.
            over = (wrapped == 1.0) & self._header.pbc
            wrapped[over] = 0.0
            whole += over
            if images is not None:
                given = np.asarray(images)
                if given.shape != fractional.shape or not np.issubdtype(given.dtype, np.integer):
                    raise ValueError(
                        f"frame {len(self)}: expected images {fractional.shape} of int, "
                        f"got {given.shape} of {given.dtype}"
                    )
                whole += given * self._header.pbc
            if whole.min() < _IMAGES.min or whole.max() > _IMAGES.max:
                raise ValueError(
                    f"frame {len(self)}: an atom is more than {_IMAGES.max} cells away from where it began"
                )
            record["images"] = whole
        record["fractional"] = wrapped

    def _put_rest(self, record: NDArray[np.void], momenta: ArrayLike | None, scalars: dict[str, Any]) -> None:
        if set(scalars) != set(self._header.scalars):
            raise ValueError(
                f"frame {len(self)}: expected scalars {sorted(self._header.scalars)}, got {sorted(scalars)}"
            )
        record["scalars"] = [float(scalars[name]) for name in self._header.scalars]
        if (momenta is not None) != self._header.momenta:
            given = "got" if momenta is not None else "got no"
            raise ValueError(f"frame {len(self)}: {given} momenta, but the store has momenta={self._header.momenta}")
        if momenta is not None:
            values = np.asarray(momenta, dtype=np.float64)
            if values.shape != record["fractional"].shape or not np.isfinite(values).all():
                raise ValueError(
                    f"frame {len(self)}: expected finite momenta {record['fractional'].shape}, got {values.shape}"
                )
            record["momenta"] = values
