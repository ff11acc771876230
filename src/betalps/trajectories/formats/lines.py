"""Text files frame by frame: blocks of lines, their numbers, how far the file has been read."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, cast

from betalps.errors import FormatError


class CutFrameWarning(UserWarning):
    """The last frame of a file is not whole, as a writer leaves it that was stopped."""


class Lines:
    """A text file, compressed (``.gz``) or not.

    Attributes
    ----------
    path : Path
    number : int
        Of the line that was read last, from 1.
    """

    def __init__(self, path: Path, file: IO[bytes], raw: IO[bytes]) -> None:
        self.path, self.number = path, 0
        self._file, self._raw = file, raw
        self._ahead = b""  # a line that has been read but not given out
        self._size = max(path.stat().st_size, 1)

    @property
    def done(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(self._raw.tell() / self._size, 1.0)

    def next(self) -> str:
        """The next line without its end; empty at the end of the file, and where the file ends within the line."""
        line, self._ahead = self._ahead or self._file.readline(), b""
        self.number += 1
        return line.decode(errors="replace").strip() if line.endswith(b"\n") else ""

    def block(self, count: int) -> bytes | None:
        """The next `count` lines together; None where the file ends before."""
        block = list(islice(self._file, count))
        self.number += len(block)
        return b"".join(block) if len(block) == count and block[-1].endswith(b"\n") else None

    def at_end(self) -> bool:
        """Whether nothing but blank lines follows; these are passed."""
        while not self._ahead:
            line = self._file.readline()
            if not line:
                return True
            if line.strip():
                self._ahead = line
            else:
                self.number += 1
        return False

    def error(self, message: str) -> FormatError:
        """An error at the line that was read last."""
        return FormatError(f"{self.path}, line {self.number}: {message}")

    def warn_cut(self, frame: int, began: int) -> None:
        """Say that the file ends within a frame; refuse where it is the first."""
        if not frame:
            raise FormatError(f"{self.path}: holds no whole frame")
        warnings.warn(
            f"{self.path}: ends within frame {frame}, which began in line {began}; it is left out",
            CutFrameWarning,
            stacklevel=4,
        )


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """Open a text file by its frames."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.open(raw, "rb") as file:
                yield Lines(path, cast(IO[bytes], file), raw)
        else:
            yield Lines(path, raw, raw)
