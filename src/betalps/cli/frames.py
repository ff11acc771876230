"""Reading the structures that a verb is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betalps.datasets import Dataset
    from betalps.potentials import Potential


def read_for(potential: Potential, paths: Sequence[str]) -> Dataset:
    """Read structures; the types in ``.cfg`` files are those of the potential."""
    from betalps.datasets import read

    return read(paths, species=dict(zip(potential.types, potential.species, strict=True)))
