"""Reading the structures that a verb is given."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.datasets import Dataset
    from betalps.potentials import Potential


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Options of the verbs that put structures to a potential."""
    parser.add_argument(
        "--species", nargs="+", metavar="SYMBOL", help="of the potential, if its file does not name them"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")


def read_both(arguments: argparse.Namespace) -> tuple[Potential, Dataset]:
    """Load the potential and the structures; the types in ``.cfg`` files are those of the potential."""
    from betalps.datasets import read
    from betalps.potentials import load

    potential = load(arguments.potential, arguments.species)
    types = dict(zip(potential.types, potential.species, strict=True))
    return potential, read(arguments.structures, species=types)


def read_frames(paths: Sequence[Path], species: Sequence[str] | None) -> list[Atoms]:
    """All frames of the files, in order.

    Parameters
    ----------
    paths
        Whatever `betalps.datasets.read` reads.
    species
        Symbols of the types of ``.cfg`` files.

    Raises
    ------
    FormatError
        A file cannot be understood; names it.
    ValueError
        A ``.cfg`` file without `species`.
    """
    from betalps.datasets import read

    if species is None:
        for path in paths:
            if ".cfg" in path.suffixes:
                raise ValueError(f"{path}: the types of a .cfg file need their symbols: --species Li P S")
    return list(read(paths, species=species))
