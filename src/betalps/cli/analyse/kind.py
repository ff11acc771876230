"""What the kinds of ``betalps analyse`` are made of."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from betalps.errors import BetalpsError

if TYPE_CHECKING:
    from betalps.analysis import Result
    from betalps.cli.analyse.source import Source

Watch: TypeAlias = Callable[[str], Callable[[int, int], None]]
"""Gives an observer of frames done and their total, for a job of this name."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An analysis of the command line.

    Attributes
    ----------
    summary : str
        In a line.
    examples : str
        Commands, a line each, for the end of its help.
    add : callable
        Adds its options to a parser.
    run : callable
        Makes results by name from sources, options and something to watch long jobs with.
    several : bool
        Whether it takes more than one trajectory.
    region : bool
        Whether it looks into regions.
    trajectory : bool
        Whether it reads trajectories at all.
    """

    summary: str
    examples: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Sequence[Source], argparse.Namespace, Watch], Mapping[str, Result]]
    several: bool = False
    region: bool = True
    trajectory: bool = True


def add_species(parser: argparse.ArgumentParser) -> None:
    """The option that most kinds have."""
    parser.add_argument("--species", default="Li", metavar="SYMBOL", help="(%(default)s)")


@contextmanager
def of_one_among(source: Source, sources: Sequence[Source]) -> Iterator[None]:
    """Say of which of several trajectories an error is."""
    try:
        yield
    except (BetalpsError, ValueError) as error:
        raise (ValueError(f"{source.path}: {error}") if len(sources) > 1 else error) from error


def one(sources: Sequence[Source]) -> Source:
    """The only source of a kind that takes one."""
    (source,) = sources
    return source
