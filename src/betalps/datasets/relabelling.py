"""Labels under the names that a file has for them, moved to where ASE's are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from betalps.datasets.labels import LABELS, carried_labels, label_shapes, stored_labels, with_labels
from betalps.datasets.stress import stress_from_plus_stress, voigt
from betalps.errors import FormatError
from betalps.typing import Floats

KEYS = (*LABELS, "virial")


def relabelled(atoms: Atoms, keys: Mapping[str, str], where: str) -> tuple[Atoms, list[str]]:
    """A frame with its labels in a calculator.

    Parameters
    ----------
    atoms
        As it was read.
    keys
        Names of the file by what they are: energy, forces, stress, virial. A label that is named here is never
        taken from elsewhere: the two could come from different methods.
    where
        The file and the frame, for errors.

    Returns
    -------
    tuple of ase.Atoms and list of str
        The frame, and the labels of ASE's own names that were dropped because the frame lacks the names in `keys`.

    Raises
    ------
    FormatError
        A label is not numbers, or of the wrong shape.
    """
    try:
        stored = stored_labels(atoms)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{where}: {error}") from error
    labels = carried_labels(atoms)
    named = {name: _take(atoms, name, key, f"{where}: {key}") for name, key in keys.items()}
    wanted = {_label(name) for name in keys}
    own = wanted & labels.keys()
    found = {_label(name): value for name, value in named.items() if value is not None}
    labels = {name: value for name, value in labels.items() if name not in wanted} | found
    for name, shape in label_shapes(atoms).items():
        if name in labels and labels[name].shape != shape:
            raise FormatError(f"{where}: {name} has shape {labels[name].shape}, expected {shape}")
    if not keys and labels.keys() == stored.keys():
        return atoms, []
    return with_labels(atoms, labels), sorted(own - found.keys())


def _label(name: str) -> str:
    return "stress" if name == "virial" else name


def _take(atoms: Atoms, name: str, key: str, where: str) -> Floats | None:
    """The label under this key, taken out of ``info`` or ``arrays``; None where there is none."""
    own: Mapping[str, Any] = {} if atoms.calc is None else atoms.calc.results
    mutable = atoms.arrays if name == "forces" else atoms.info
    if key not in mutable and key not in own:
        return None
    found = mutable.pop(key) if key in mutable else own[key]
    try:
        value = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{where} is {found!r}, expected numbers") from error
    if name in {"stress", "virial"}:
        try:
            value = voigt(value)
        except ValueError as error:
            raise FormatError(f"{where} {error}") from error
    if name != "virial":
        return value
    if atoms.cell.rank < 3:
        raise FormatError(f"{where} needs three lattice vectors, to be divided by the volume")
    return stress_from_plus_stress(value, float(atoms.get_volume()))
