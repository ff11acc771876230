"""Writing labelled configurations so that every number is read back bit by bit."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from ase import Atoms

from betalps.datasets.cfg import Species, write_cfg
from betalps.datasets.compression import ENDINGS, kind_of, pack
from betalps.datasets.labels import carried_labels
from betalps.files import write_atomic
from betalps.typing import Floats, PathLike

_FORMATS = (".extxyz", ".xyz", ".cfg")
_COLUMNS = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S"}


def write(images: Atoms | Iterable[Atoms], path: PathLike, species: Species | None = None) -> None:
    """Write labelled configurations to a file, through a temporary one.

    Parameters
    ----------
    images
        Energy, forces and stress are taken from their calculators where these have them without a calculation, else
        from ``info`` and ``arrays``, where they have ASE's names.
    path
        Ends in ``.extxyz``, ``.xyz`` (also extended) or ``.cfg``, with ``.xz``, ``.gz`` or ``.bz2`` behind it or
        not.
    species
        Chemical symbols in the order of types: for ``.cfg``, see :func:`write_cfg`.

    Raises
    ------
    ValueError
        The name ends in something else, `species` are missing, an array of the atoms has more than two dimensions, or
        an entry of ``info`` is called energy or stress and is none.
    OSError
        The file cannot be written; an old one is then untouched.
    """
    target = Path(path)
    kind = kind_of(target)
    if kind not in _FORMATS:
        raise ValueError(
            f"{target}: expected a name that ends in {', '.join(_FORMATS)}, with {', '.join(ENDINGS)} or not"
        )
    if kind == ".cfg":
        if species is None:
            raise ValueError(f"{target}: .cfg files name species by numbers; give species, as ['Li', 'P', 'S']")
        write_cfg(images, target, species)
    else:
        write_atomic(target, pack(format_extxyz(images).encode("utf-8"), target))


def format_extxyz(images: Atoms | Iterable[Atoms]) -> str:
    """Configurations as extended XYZ text, with the digits that each number needs (ASE writes eight).

    Parameters
    ----------
    images
        With labels, ``info`` and ``arrays``; constraints are left out.

    Raises
    ------
    ValueError
        As for `write`.
    """
    return "".join(map(_frame, [images] if isinstance(images, Atoms) else images))


def _frame(atoms: Atoms) -> str:
    from ase.io.extxyz import key_val_dict_to_str

    labels = carried_labels(atoms)
    for name in ("energy", "stress"):
        found = None if name in labels else atoms.info.get(name)
        if found is not None:
            raise ValueError(f"info[{name!r}] is {found!r}; expected the {name} in numbers, or another name for it")
    arrays = {name: array for name, array in atoms.arrays.items() if name not in {"numbers", "positions"}}
    if "forces" in labels:
        arrays["forces"] = labels["forces"]
    columns = [("species", np.array(atoms.get_chemical_symbols(), dtype=str)), ("pos", atoms.positions)]
    columns += list(arrays.items())
    info = {key: value for key, value in atoms.info.items() if key not in {"energy", "stress"}}
    head = {}
    if atoms.cell.rank:
        head["Lattice"] = atoms.cell.array.T  # the format's matrix has the vectors as columns
    head["Properties"] = ":".join(f"{name}:{_kind(name, array)}" for name, array in columns)
    head["pbc"] = atoms.pbc
    if "energy" in labels:
        head["energy"] = float(labels["energy"])
    if "stress" in labels:
        head["stress"] = _matrix(labels["stress"])
    texts = [_texts(array) for _, array in columns]
    rows = "".join(" ".join(chain.from_iterable(row)) + "\n" for row in zip(*texts, strict=True))
    return f"{len(atoms)}\n{key_val_dict_to_str({**head, **info})}\n{rows}"


def _kind(name: str, array: Floats) -> str:
    if array.ndim > 2 or array.dtype.kind not in _COLUMNS:
        raise ValueError(
            f"array {name!r} is {array.dtype} of shape {array.shape}; expected numbers or text, one row per atom"
        )
    return f"{_COLUMNS[array.dtype.kind]}:{1 if array.ndim == 1 else array.shape[1]}"


def _texts(array: Floats) -> list[list[str]]:
    """Every row as words; `repr` gives the shortest text that reads back as the same double."""
    to_text = {"f": repr, "b": lambda value: "T" if value else "F"}.get(array.dtype.kind, str)
    return [list(map(to_text, row)) for row in array.reshape(len(array), -1).tolist()]


def _matrix(voigt: Floats) -> Floats:
    xx, yy, zz, yz, xz, xy = voigt
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
