"""Options of the form NAME=NUMBER or NAME=TEXT."""

from __future__ import annotations

from collections.abc import Sequence


def numbers_by_name(option: str, pairs: Sequence[str], expected: str) -> dict[str, float]:
    """Take NAME=NUMBER pairs apart; a name may hold ``=``.

    Parameters
    ----------
    option
        How errors call them, such as ``--scales``.
    pairs
        What was given.
    expected
        What errors say a pair should be.

    Raises
    ------
    ValueError
        A pair has no ``=``, no name, or no number.
    """
    found = {}
    for pair in pairs:
        name, _, text = pair.rpartition("=")
        try:
            found[name] = float(text)
        except ValueError:
            name = ""
        if not name:
            raise ValueError(f"{option} {pair}: expected {expected}")
    return found


def texts_by_name(option: str, pairs: Sequence[str], expected: str) -> dict[str, str]:
    """Take NAME=TEXT pairs apart; a text may hold ``=``.

    Parameters
    ----------
    option, pairs, expected
        As for `numbers_by_name`.

    Raises
    ------
    ValueError
        A pair has no ``=``, no name or no text, or a name is given twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if not name or not text:
            raise ValueError(f"{option} {pair}: expected {expected}")
        if name in found:
            raise ValueError(f"{option} {pair}: {name} is {found[name]} already; expected each name once")
        found[name] = text
    return found
