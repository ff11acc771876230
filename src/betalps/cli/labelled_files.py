"""Labelled structures named on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.errors import FormatError

if TYPE_CHECKING:
    from ase import Atoms


def read_frames(paths: Sequence[Path], species: Sequence[str] | None) -> list[Atoms]:
    """All frames of the files, in order.

    Parameters
    ----------
    paths
        MLIP ``.cfg``, or anything that ASE reads.
    species
        Symbols of the types of ``.cfg`` files.

    Raises
    ------
    FormatError
        A file cannot be understood; names it.
    ValueError
        A ``.cfg`` file without `species`.
    """
    from ase.io import read

    from betalps.datasets import read_cfg

    frames: list[Atoms] = []
    for path in paths:
        if path.suffix == ".cfg":
            if species is None:
                raise ValueError(f"{path}: the types of a .cfg file need their symbols: --species Li P S")
            frames += read_cfg(path, species)
            continue
        try:
            frames += read(path, ":")
        except Exception as error:  # ASE's readers raise whatever they come across
            if isinstance(error, OSError) and error.errno is not None:  # of the system
                raise
            raise FormatError(f"{path}: {type(error).__name__}: {error}") from error
    return frames
