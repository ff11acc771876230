"""Reading the structures that a verb is given."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
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


def numbering(potential: Potential) -> dict[int, str]:
    """Symbols of the types in ``.cfg`` files that belong to a potential, which need not be 0, 1, 2."""
    return dict(zip(potential.types, potential.species, strict=True))


def read_both(arguments: argparse.Namespace) -> tuple[Potential, Dataset]:
    """Load the potential and the structures; the types in ``.cfg`` files are those of the potential."""
    from betalps.datasets import read
    from betalps.potentials import load

    potential = load(arguments.potential, arguments.species)
    return potential, read(arguments.structures, species=numbering(potential))


def read_frames(paths: Sequence[Path], species: Sequence[str] | Mapping[int, str] | None) -> list[Atoms]:
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


def read_sourced(
    paths: Sequence[Path],
    species: Sequence[str] | Mapping[int, str] | None,
    sources: Sequence[str] | None,
    option: str,
) -> list[Atoms]:
    """All frames of the files, with the source of each file's labels where they do not name one themselves.

    Parameters
    ----------
    paths, species
        As for `read_frames`.
    sources
        One for each file, or None.
    option
        How errors call them.

    Raises
    ------
    ValueError
        There are more or fewer sources than files.
    """
    from betalps.training.labels import SOURCE_KEY

    if sources is None:
        return read_frames(paths, species)
    if len(sources) != len(paths):
        raise ValueError(f"{option} names {len(sources)} sources; expected one for each of {len(paths)} files")
    found = []
    for path, source in zip(paths, sources, strict=True):
        for atoms in read_frames([path], species):
            atoms.info.setdefault(SOURCE_KEY, source)
            found.append(atoms)
    return found
