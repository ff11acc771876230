"""Checks of settings: each error names the setting, its value, and what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any


def number(name: str, value: object, *, least: float | None = None, above: float | None = None) -> float:
    """A finite number, as a float.

    Parameters
    ----------
    name
        Of the setting, for the error.
    value
        What was given.
    least, above
        The value must be at least, or above, this.

    Raises
    ------
    ValueError
        It is not.
    """
    expected = "a finite number"
    if least is not None:
        expected += f" of at least {least:g}"
    if above is not None:
        expected += f" above {above:g}"
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or (least is not None and value < least)
        or (above is not None and value <= above)
    ):
        raise ValueError(f"{name} is {value!r}; expected {expected}")
    return float(value)


def whole(name: str, value: object, least: int) -> None:
    """Refuse what is not a whole number of at least `least`.

    Raises
    ------
    ValueError
        It is not.
    """
    if type(value) is not int or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}")


def choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Refuse what is not one of the allowed words.

    Raises
    ------
    ValueError
        It is not.
    """
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")


def pair(name: str, value: object) -> tuple[float, float]:
    """Two numbers, the first the lower.

    Raises
    ------
    ValueError
        They are not.
    """
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name} is {value!r}; expected two numbers, the lower and the upper bound")
    low, high = number(f"{name}[0]", value[0], least=0.0), number(f"{name}[1]", value[1], above=0.0)
    if not low < high:
        raise ValueError(f"{name} is {value!r}; expected the first below the second")
    return low, high


def known_names(what: str, values: object, cls: type) -> dict[str, Any]:
    """The values of a table, once every name in it is a setting of a dataclass.

    Raises
    ------
    ValueError
        It is not a table, or has a name that is not a setting.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{what} is {values!r}; expected a table of settings")  # noqa: TRY004 - a value in a file
    known = [field.name for field in fields(cls)]
    unknown = sorted(map(str, values.keys() - set(known)))
    if unknown:
        raise ValueError(f"unknown setting {', '.join(unknown)} in {what}; there are {', '.join(known)}")
    return dict(values)
