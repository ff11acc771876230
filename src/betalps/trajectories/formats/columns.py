"""Tables of blanks-separated text, as dumps and extended XYZ hold them, by whole columns at once.

Reading numbers one by one is what makes text trajectories slow (2 MB/s and up). Here every column is a matrix of
characters, and its numbers are built digit by digit for all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.typing import Floats

_MOST_DIGITS = 18  # that fit a 64-bit integer
_POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)
_MINUS, _PLUS, _POINT = (ord(sign) for sign in "-+.")
# Of a character: its value as a digit, 10 for what is none; and what a digit does to the number before it.
_VALUE = np.full(256, 10, dtype=np.uint8)
_VALUE[ord("0") : ord("9") + 1] = np.arange(10)
_FACTOR = np.array([10] * 10 + [1], dtype=np.int64)
_TERM = np.array([*range(10), 0], dtype=np.int64)
_PAD = b" " * 512  # so that a window on the last token stays inside the buffer


class Table:
    """The rows of one frame.

    Parameters
    ----------
    text : bytes
        Lines with the same number of blank-separated tokens.
    rows, columns : int
    where : str
        File and frame, for errors.
    first_line : int
        Line number of the first row in the file, for errors.

    Raises
    ------
    FormatError
        A line has another number of tokens; names the line.
    """

    def __init__(self, text: bytes, rows: int, columns: int, where: str, first_line: int) -> None:
        self._text = text
        self._data = np.frombuffer(text + _PAD, dtype=np.uint8)
        self._where, self._first_line = where, first_line
        blank = self._data <= ord(" ")
        edges = np.flatnonzero(blank[1:] != blank[:-1]) + 1
        if not blank[0]:
            edges = np.concatenate([[0], edges])
        self._shape = (rows, columns)
        if len(edges) != 2 * rows * columns:
            self._blame()
        starts, ends = edges.reshape(rows, columns, 2).transpose(2, 0, 1)
        lines = np.flatnonzero(self._data == ord("\n"))[: rows - 1]
        if len(lines) < rows - 1 or (ends[:-1, -1] > lines).any() or (starts[1:, 0] < lines).any():
            self._blame()
        self._starts, self._lengths = starts, ends - starts
        longest = int(self._lengths.max())
        if longest >= len(_PAD):
            row = int(self._lengths.max(axis=1).argmax())
            raise FormatError(f"{where}, line {first_line + row}: a token of {longest} characters is no number")

    def floats(self, columns: Sequence[int]) -> Floats:
        """(rows, len(columns)) array, each number within one unit in the last place.

        Raises
        ------
        FormatError
            A token that is no number; names the line.
        """
        values = [self._numbers(column) for column in columns]
        return np.stack(values, axis=1)

    def integers(self, column: int) -> NDArray[np.int64]:
        """(rows,) array.

        Raises
        ------
        FormatError
            A token that is no whole number; names the line.
        """
        values = self._numbers(column)
        wrong = np.flatnonzero((values != np.rint(values)) | (np.abs(values) > 2.0**53))
        if wrong.size:
            raise self._error(int(wrong[0]), column, "a whole number")
        return values.astype(np.int64)

    def words(self, column: int) -> NDArray[np.bytes_]:
        """(rows,) array of bytes."""
        characters = self._characters(column)
        return characters.view(f"S{characters.shape[1]}").ravel()

    def _characters(self, column: int) -> NDArray[np.uint8]:
        """(rows, width): each row begins with the token; what follows it is zero."""
        lengths = self._lengths[:, column]
        width = int(lengths.max())
        # Windows of `width` bytes as one item each: numpy then copies whole tokens.
        windows = np.ndarray(len(self._data) - width + 1, dtype=f"V{width}", buffer=self._data, strides=(1,))
        characters: NDArray[np.uint8] = windows[self._starts[:, column]].view(np.uint8).reshape(-1, width)
        characters *= np.arange(width) < lengths[:, None]
        return characters

    def _numbers(self, column: int) -> Floats:
        plain, digits, after = _decimals(self._characters(column), self._lengths[:, column])
        # Both exact below 2^53 and 10^22, so that the quotient is correctly rounded.
        values: Floats = digits / _POWERS[after]
        values[self._data[self._starts[:, column]] == _MINUS] *= -1.0
        for row in np.flatnonzero(~plain):
            # Exponents, more digits than fit, and what is no number at all.
            try:
                values[row] = float(self._token(int(row), column))
            except ValueError:
                raise self._error(int(row), column, "a number") from None
        return values

    def _token(self, row: int, column: int) -> str:
        start = int(self._starts[row, column])
        return self._text[start : start + int(self._lengths[row, column])].decode(errors="replace")

    def _error(self, row: int, column: int, expected: str) -> FormatError:
        return FormatError(
            f"{self._where}, line {self._first_line + row}: expected {expected} in column {column + 1}, "
            f"got {self._token(row, column)!r}"
        )

    def _blame(self) -> None:
        rows, columns = self._shape
        lines = self._text.splitlines()
        for number, line in enumerate(lines):
            found = len(line.split())
            if found != columns:
                raise FormatError(
                    f"{self._where}, line {self._first_line + number}: expected {columns} columns, got {found}"
                )
        raise FormatError(f"{self._where}: expected {rows} lines, got {len(lines)}")


def _decimals(
    characters: NDArray[np.uint8], lengths: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.intp]]:
    """Which tokens are plain decimals, and for those: all their digits as one number, and how many follow the point."""
    characters = np.ascontiguousarray(characters.T)
    values = _VALUE.take(characters)
    is_digit = (values < 10).view(np.uint8)
    is_point = (characters == _POINT).view(np.uint8)
    signed = (characters[0] == _MINUS) | (characters[0] == _PLUS)
    counts, points = (np.add.reduce(kind, axis=0, dtype=np.uint8) for kind in (is_digit, is_point))
    plain = (counts + points + signed == lengths) & (points <= 1) & (counts >= 1) & (counts <= _MOST_DIGITS)
    places = (np.arange(len(characters)) % 256).astype(np.uint8)  # the point of a plain decimal is among the first
    point = np.add.reduce(is_point * places[:, None], axis=0, dtype=np.uint8)
    after = np.where(plain & (points == 1), lengths - 1 - point, 0)
    digits = np.zeros(len(lengths), dtype=np.int64)
    for value in values:
        digits *= _FACTOR.take(value)
        digits += _TERM.take(value)
    return plain, digits, after
