"""MaxVol: the rows that span a set of rows best.

Goreinov, Oseledets, Savostyanov, Tyrtyshnikov and Zamarashkin, How to find a good submatrix (2010); as the active set
of moment tensor potentials: Podryabinkin and Shapeev, Comput. Mater. Sci. 140, 171 (2017), sections 2.2 and 2.3.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from betalps.typing import Floats, Integers

REGULARIZATION = 1e-6
THRESHOLD = 1.001
UNFILLED = -1

_REFRESH = 150  # swaps after which the inverse is computed anew: each swap adds rounding
_BLOCK = 16384  # numbers: 128 KB
_NEGLIGIBLE = 1e-10  # of the first pivot: rows below add nothing to the start, the swaps may still take them


class MaxVol:
    """A square matrix A that takes up rows as long as its determinant grows.

    The coordinates of a row b in the rows of A are b A⁻¹; exchanging row k of A for b multiplies |det A| by
    |(b A⁻¹)_k|. So the largest coordinate says by how much b extrapolates, and where it belongs.

    Parameters
    ----------
    size
        Number of rows and columns n.
    threshold
        Rows are exchanged while a coordinate is larger than this.
    regularization
        A is this multiple of the unit matrix at first, so that it can be inverted however few rows there are.

    Raises
    ------
    ValueError
        `threshold` is not larger than 1, or `regularization` not larger than 0.
    """

    def __init__(self, size: int, *, threshold: float = THRESHOLD, regularization: float = REGULARIZATION) -> None:
        if not threshold > 1:
            raise ValueError(f"threshold is {threshold}; expected more than 1, or the exchange need not end")
        if not regularization > 0:
            raise ValueError(f"regularization is {regularization}; expected more than 0")
        self.threshold = threshold
        self.regularization = regularization
        self.swaps = 0
        self._matrix = regularization * np.eye(size)
        self._inverse = np.eye(size) / regularization
        self._labels = np.full(size, UNFILLED, dtype=np.int64)

    @classmethod
    def from_matrix(cls, matrix: Floats, labels: ArrayLike, *, threshold: float = THRESHOLD) -> Self:
        """Go on from a matrix; `labels` are those of its rows, -1 for rows that were never filled."""
        made = cls(len(matrix), threshold=threshold)
        made._matrix = np.array(matrix, dtype=np.float64)
        made._labels = np.array(labels, dtype=np.int64)
        made._invert()
        return made

    @property
    def matrix(self) -> Floats:
        """A, shape (n, n); a copy."""
        return self._matrix.copy()

    @property
    def inverse(self) -> Floats:
        """A⁻¹, shape (n, n); a copy."""
        return self._inverse.copy()

    @property
    def labels(self) -> Integers:
        """The label of each row, shape (n,); -1 for a row that was never filled. A copy."""
        return self._labels.copy()

    @property
    def unfilled(self) -> Integers:
        """Rows that were never filled. Row k still is `regularization` times the k-th unit vector."""
        return np.flatnonzero(self._labels == UNFILLED)

    @property
    def log_determinant(self) -> float:
        """The logarithm of |det A|."""
        return float(np.linalg.slogdet(self._matrix)[1])

    def grades(self, rows: ArrayLike) -> Floats:
        """Largest coordinate of each row, max_k |(b A⁻¹)_k|: shape (m,) for rows of shape (m, n)."""
        coordinates = self._checked(rows) @ self._inverse
        largest: Floats = np.abs(coordinates).max(axis=1, initial=0.0)
        return largest

    def start(self, rows: ArrayLike, labels: ArrayLike) -> int:
        """Fill an empty matrix by QR with column pivoting: a shortcut, after which few swaps are left.

        Parameters
        ----------
        rows
            Shape (m, n).
        labels
            Shape (m,), 0 or more.

        Returns
        -------
        int
            Rows filled: those that are linearly independent of each other by more than rounding. Each is put where
            Gaussian elimination with full pivoting puts it, which leaves the unit vectors of the other rows as far
            out of their span as possible.

        Raises
        ------
        ValueError
            The matrix is not empty, or a shape is wrong.
        """
        from scipy.linalg import qr

        rows = self._checked(rows)
        labels = self._checked_labels(labels, len(rows))
        if len(self.unfilled) < len(self._labels):
            raise ValueError("the matrix has rows already; a start by QR needs an empty one")
        if not len(rows):
            return 0
        triangle, order = qr(rows.T, mode="r", pivoting=True, check_finite=False)
        pivots = np.abs(np.diag(triangle))
        least = max(_NEGLIGIBLE * pivots[0], 10 * self.regularization)
        chosen = order[: int(np.sum(pivots > least))]
        places = _pivot_columns(rows[chosen])
        self._matrix[places] = rows[chosen]
        self._labels[places] = labels[chosen]
        self._invert()
        return len(chosen)

    def update(self, rows: ArrayLike, labels: ArrayLike) -> int:
        """Exchange rows of A for given ones, the largest coordinate first, until none exceeds the threshold.

        Parameters
        ----------
        rows
            Shape (m, n).
        labels
            Shape (m,), 0 or more: what :attr:`labels` shall say of them.

        Returns
        -------
        int
            Number of exchanges. |det A| has grown by more than the threshold with each.

        Raises
        ------
        ValueError
            A shape is wrong, a number is not finite, or a label is negative.
        """
        rows = self._checked(rows)
        labels = self._checked_labels(labels, len(rows))
        before = self.swaps
        if not rows.size:
            return 0
        while self._exchange(rows, labels):
            self._invert()  # and look again with coordinates free of rounding
        return self.swaps - before

    def _exchange(self, rows: Floats, labels: Integers) -> int:
        """Up to `_REFRESH` exchanges; returns how many."""
        coordinates = _Coordinates(rows @ self._inverse)
        for count in range(_REFRESH):
            row, k = coordinates.largest
            pivot = coordinates.values[row, k]
            if abs(pivot) <= self.threshold:
                return count
            step = coordinates.values[row] / pivot
            step[k] -= 1.0 / pivot
            coordinates.exchange(k, step)
            self._inverse -= self._inverse[:, k, None] * step
            self._matrix[k] = rows[row]
            self._labels[k] = labels[row]
            self.swaps += 1
        return _REFRESH

    def _invert(self) -> None:
        self._inverse = np.ascontiguousarray(np.linalg.inv(self._matrix))

    def _checked(self, rows: ArrayLike) -> Floats:
        array = np.ascontiguousarray(rows, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self._labels):
            raise ValueError(f"rows have shape {array.shape}, expected (m, {len(self._labels)})")
        if not np.isfinite(array).all():
            raise ValueError(f"row {int(np.argmin(np.isfinite(array).all(axis=1)))} holds a number that is not finite")
        return array

    def _checked_labels(self, labels: ArrayLike, count: int) -> Integers:
        array = np.asarray(labels, dtype=np.int64)
        if array.shape != (count,) or (array.size and array.min() < 0):
            raise ValueError(f"labels have shape {array.shape}, expected ({count},) and numbers of 0 or more")
        return array


class _Coordinates:
    """A matrix whose columns mix when a row of A is exchanged (the formula of Sherman and Morrison).

    It is worked through in blocks that stay in the cache, and without BLAS, whose threads cost more than they give
    for products as small as these (a hundred times more on a busy machine).
    """

    def __init__(self, values: Floats) -> None:
        self.values = values
        width = max(1, values.shape[1])
        size = min(len(values), max(1, _BLOCK // width))
        self._blocks = [values[start : start + size] for start in range(0, len(values), size)]
        self._scratch = np.empty((size, width))
        self._peaks = [self._peak(block) for block in self._blocks]
        self._size = size

    @property
    def largest(self) -> tuple[int, int]:
        """Row and column of the element with the largest magnitude."""
        number = max(range(len(self._peaks)), key=lambda k: self._peaks[k][0])
        row, column = divmod(self._peaks[number][1], self.values.shape[1])
        return number * self._size + row, column

    def exchange(self, k: int, step: Floats) -> None:
        """Subtract from every row its k-th element times `step`."""
        for number, block in enumerate(self._blocks):
            scratch = self._scratch[: len(block)]
            np.multiply(block[:, k, None], step, out=scratch)
            np.subtract(block, scratch, out=block)
            self._peaks[number] = self._peak(block)

    def _peak(self, block: Floats) -> tuple[float, int]:
        scratch = self._scratch[: len(block)]
        place = int(np.abs(block, out=scratch).argmax())
        return float(scratch.flat[place]), place


def _pivot_columns(rows: Floats) -> Integers:
    """For independent rows of shape (r, n), the column that each is pivot of in Gaussian elimination."""
    left = rows / np.abs(rows).max(axis=1, keepdims=True)
    columns = np.full(len(rows), -1, dtype=np.int64)
    for _ in range(len(rows)):
        row, column = divmod(int(np.abs(left).argmax()), left.shape[1])
        columns[row] = column
        left -= np.outer(left[:, column] / left[row, column], left[row])
        left[row] = 0.0
        left[:, column] = 0.0
    return columns
