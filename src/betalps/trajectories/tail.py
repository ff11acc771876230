"""The end of a store while it grows: one record per frame, written at once."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.files import write_atomic
from betalps.trajectories.segments import Header, pack, unpack


class Tail:
    """The file with the frames behind the last whole segment.

    Parameters
    ----------
    path : Path
        Made when absent; what a kill cut short at its end is removed.
    header : Header
    first : int
        Frame that follows the last segment; records before it are left-overs.

    Raises
    ------
    FormatError
        Its frames do not follow the last segment.
    """

    def __init__(self, path: Path, header: Header, first: int) -> None:
        self._path, self._header = path, header
        self.first = first
        content = path.read_bytes() if path.exists() else b""
        records, whole = unpack(content, header, first)
        if len(records) and records["frame"][0] != first:
            raise FormatError(f"{path}: starts at frame {records['frame'][0]}, expected {first}")
        self._count = 0
        if not path.exists() or len(records) != whole or whole * header.record.itemsize != len(content):
            self._rewrite(records)
        self._count = len(records)
        self._file = path.open("ab", buffering=0)

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> Tail:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, record: NDArray[np.void]) -> None:
        """Write one record; what cannot be written whole is taken back."""
        content = memoryview(pack(record))
        size = self._count * self._header.record.itemsize
        try:
            while content:
                content = content[self._file.write(content) :]
        except BaseException:
            os.ftruncate(self._file.fileno(), size)
            raise
        self._count += 1

    def records(self) -> NDArray[np.void]:
        """All of them."""
        records, _ = unpack(self._path.read_bytes(), self._header, self.first)
        if len(records) != self._count:
            raise FormatError(f"{self._path}: holds {len(records)} whole frames, expected {self._count}")
        return records

    def replace(self, records: NDArray[np.void]) -> None:
        """Hold these records and no others."""
        self._rewrite(records)
        self._count = len(records)
        self._file.close()
        self._file = self._path.open("ab", buffering=0)

    def cut(self, frames: int) -> None:
        """Keep the first so many."""
        self.replace(self.records()[:frames])

    def last_time(self, otherwise: float) -> float:
        """Time of the last record, ps."""
        return float(self.records()["time"][-1]) if self._count else otherwise

    def sync(self) -> None:
        """Wait until the disk has it."""
        os.fsync(self._file.fileno())

    def _rewrite(self, records: NDArray[np.void]) -> None:
        # In a new file: a reader that has the old one open goes on reading that.
        write_atomic(self._path, b"".join(pack(np.array(record)) for record in records))
