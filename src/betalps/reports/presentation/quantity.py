"""A number as people read it, and what a presentation of a result is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING

from betalps.analysis import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL, _LARGE = 1e-3, 1e5  # beyond these a power of ten is easier to read


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number of a result.

    Attributes
    ----------
    name : str
    value : float, int or str
        A text where there is no number to give.
    unit : str
    error : float or None
        Standard error.
    interval : (2,) tuple or None
        95 % interval, in place of `error`.
    note : str
    """

    name: str
    value: float | int | str
    unit: str = ""
    error: float | None = None
    interval: tuple[float, float] | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The value with its uncertainty, without the unit."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int):
            return str(self.value)
        if self.interval is not None and all(map(math.isfinite, self.interval)):
            low, high = (f"{bound:.3g}" for bound in self.interval)
            return f"{self.value:.3g} ({low} to {high})"
        return with_error(self.value, self.error)


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """A result as people read it.

    Attributes
    ----------
    title : str
    quantities : tuple of Quantity
    figures : mapping of str to callable
        Each makes a matplotlib figure, by a word for the end of a file's name; none for the main one.
    notes : tuple of str
        By which definitions, and why to doubt.
    """

    title: str
    quantities: tuple[Quantity, ...]
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@singledispatch
def present(result: Result) -> Presentation:
    """Put a result as people read it.

    Parameters
    ----------
    result
        What an analysis of `betalps.analysis` returned.

    Returns
    -------
    Presentation

    Raises
    ------
    TypeError
        There is no presentation of such a result.
    """
    raise TypeError(f"no presentation of {type(result).__name__}: expected the result of an analysis")


def with_error(value: float, error: float | None) -> str:
    """Value ± standard error, both to the first two digits of the error; without error, four digits."""
    if not math.isfinite(value):
        return "–"
    if error is None or not (math.isfinite(error) and error > 0.0):
        return f"{value:.4g}"
    size = max(abs(value), error)
    if not _SMALL <= size < _LARGE:
        power = math.floor(math.log10(size))
        scale = 10.0**power
        return f"({with_error(value / scale, error / scale)})e{power:+03d}"
    digits = min(max(1 - math.floor(math.log10(error)), 0), 6)
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def lines(quantities: Iterable[Quantity]) -> list[str]:
    """A table of text: name, value with uncertainty, unit, note, each in its column."""
    rows = [(one.name, one.text, one.unit, one.note) for one in quantities]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(3)]
    return [
        f"{name:<{widths[0]}}  {text:<{widths[1]}}  {unit:<{widths[2]}}  {note}".rstrip()
        for name, text, unit, note in rows
    ]
