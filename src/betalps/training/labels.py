"""From ASE structures to checked labels: nothing is dropped without being counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.datasets import Dataset
from betalps.errors import BetalpsError
from betalps.typing import Floats, Ints

if TYPE_CHECKING:
    from ase import Atoms

WEIGHT_KEY = "config_weight"
SOURCE_KEY = "label_source"
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


class LabelError(BetalpsError, ValueError):
    """A structure or a label that cannot be trained on; names the frame."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One configuration and its labels; what it lacks is None.

    Attributes
    ----------
    index
        Position among the frames that were given.
    positions, cell
        Å, shapes (n, 3) and (3, 3).
    numbers
        Atomic numbers, shape (n,).
    pbc
        Three flags.
    energy
        eV.
    forces
        eV/Å, shape (n, 3).
    virial
        -∂E/∂strain = -V σ, eV, shape (6,), xx yy zz yz xz xy.
    weight
        Of the configuration: its ``info["config_weight"]``, or 1.
    info
        The frame's ``info``, to group by.
    """

    index: int
    positions: Floats
    cell: Floats
    numbers: Ints
    pbc: tuple[bool, bool, bool]
    energy: float | None
    forces: Floats | None
    virial: Floats | None
    weight: float
    info: dict[str, Any]

    @property
    def source(self) -> str:
        """Where the labels come from: ``info["label_source"]``, or "-"."""
        return str(self.info.get(SOURCE_KEY, "-"))

    @property
    def rows(self) -> int:
        """Number of labels."""
        forces = 0 if self.forces is None else self.forces.size
        return (self.energy is not None) + forces + (0 if self.virial is None else 6)

    @property
    def volume(self) -> float:
        """Of the cell, Å³."""
        return float(abs(np.linalg.det(self.cell)))


def read_labels(frames: Iterable[Atoms], name: str = "frames") -> list[Sample]:
    """Take positions and labels from structures.

    Energy, forces and stress are those that a structure's calculator holds for exactly this structure (no
    calculation is started), else ``info["energy"]``, ``arrays["forces"]`` and ``info["stress"]``, in ASE's
    units and sign. A stress without a volume is no label.

    Parameters
    ----------
    frames
        Labelled structures.
    name
        How errors call them, unless they are a `Dataset`, which knows the files they come from.

    Returns
    -------
    list of Sample
        One for each frame; what a frame lacks is None.

    Raises
    ------
    LabelError
        There are no frames; a position, cell, weight or label is not finite, or a label has the wrong shape.
    """
    places = (f"{name}: frame {index}" for index in count())
    if isinstance(frames, Dataset):
        places = (f"{file}, frame {number}" for file, number in frames.origins)
    samples = [_sample(atoms, index, place) for index, (atoms, place) in enumerate(zip(frames, places, strict=False))]
    if not samples:
        raise LabelError(f"{name}: there are none")
    return samples


def count_missing(samples: Sequence[Sample]) -> dict[str, int]:
    """How many samples lack each kind of label, and how many have a weight of 0."""
    return {
        "energy": sum(sample.energy is None for sample in samples),
        "forces": sum(sample.forces is None for sample in samples),
        "stress": sum(sample.virial is None for sample in samples),
        "weight": sum(sample.weight == 0 for sample in samples),
    }


def hash_samples(samples: Sequence[Sample]) -> str:
    """SHA-256 over structures, labels and weights, to name a data set."""
    digest = hashlib.sha256()
    for sample in samples:
        parts = (sample.numbers, sample.positions, sample.cell, np.array(sample.pbc), sample.forces, sample.virial)
        for part in parts:
            digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
        digest.update(f"{len(sample.numbers)} {sample.energy!r} {sample.weight!r};".encode())
        if SOURCE_KEY in sample.info:
            digest.update(f"{sample.source};".encode())
    return digest.hexdigest()


def _sample(atoms: Atoms, index: int, where: str) -> Sample:
    if not len(atoms):
        raise LabelError(f"{where} has no atoms")
    positions = _array(atoms.positions, (len(atoms), 3), f"{where}: positions")
    cell = _array(atoms.cell.array, (3, 3), f"{where}: cell")
    weight = float(_array(atoms.info.get(WEIGHT_KEY, 1.0), (), f"{where}: {WEIGHT_KEY}"))
    if weight < 0:
        raise LabelError(f"{where}: {WEIGHT_KEY} is {weight}, expected a number that is not negative")
    energy, forces, stress = (_label(atoms, name) for name in ("energy", "forces", "stress"))
    volume = float(abs(np.linalg.det(cell)))
    return Sample(
        index=index,
        positions=positions,
        cell=cell,
        numbers=atoms.numbers.astype(np.int32),
        pbc=(bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2])),
        energy=None if energy is None else float(_array(energy, (), f"{where}: energy")),
        forces=None if forces is None else _array(forces, (len(atoms), 3), f"{where}: forces"),
        virial=None if stress is None or volume == 0 else -volume * _voigt(stress, f"{where}: stress"),
        weight=weight,
        info=dict(atoms.info),
    )


def _label(atoms: Atoms, name: str) -> Any:
    calc = atoms.calc
    if calc is not None and calc.results.get(name) is not None and not calc.calculation_required(atoms, [name]):
        return calc.results[name]
    return atoms.arrays.get(name) if name == "forces" else atoms.info.get(name)


def _voigt(stress: Any, where: str) -> Floats:
    if np.shape(stress) == (3, 3):
        stress = [np.asarray(stress)[ab] for ab in _VOIGT]
    return _array(stress, (6,), where)


def _array(value: Any, shape: tuple[int, ...], where: str) -> Floats:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise LabelError(f"{where}: found {value!r}, expected numbers") from None
    if array.shape != shape:
        raise LabelError(f"{where}: found shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0].tolist()
        at = f" at {first}" if first else ""
        raise LabelError(f"{where}: found {array[tuple(first)]}{at}, expected finite numbers")
    return array
