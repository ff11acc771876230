"""MLIP's ``.cfg`` files of labelled configurations."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from betalps.datasets._cfg_reader import CfgReader
from betalps.datasets.compression import pack, read_unpacked
from betalps.datasets.labels import carried_labels
from betalps.datasets.stress import plus_stress_from_stress
from betalps.errors import FormatError, SpeciesError
from betalps.files import write_atomic
from betalps.typing import Floats, PathLike

Species = Sequence[str] | Mapping[int, str]

_SITE_ARRAYS = ("site_en", "nbh_grades")


def read_cfg(path_or_text: PathLike, species: Species) -> list[Atoms]:
    """Read configurations from an MLIP ``.cfg`` file.

    Parameters
    ----------
    path_or_text
        A path (``.xz``, ``.gz`` and ``.bz2`` are decompressed), or the content of a file: a str that holds a line
        break.
    species
        Chemical symbol of each type: a sequence for types 0, 1, …, or a mapping from type to symbol.

    Returns
    -------
    list of ase.Atoms
        Energy (eV), forces (eV/Å) and stress (eV/Å³, ASE's sign, see :mod:`betalps.datasets.stress`) in a
        SinglePointCalculator, as far as the file has them; a PlusStress without three lattice vectors has
        no volume to be divided by and is left out. Columns of AtomData other than these, such as
        ``site_en`` (eV) and ``nbh_grades``, are in ``arrays`` under their names, Features in ``info``.
        Periodic along the lattice vectors that are given.

    Raises
    ------
    FormatError
        The file cannot be understood; names the line, what was found and what was expected.
    SpeciesError
        A type has no symbol in `species`, or a symbol is not that of an element.
    """
    symbols = _symbols(species)
    if isinstance(path_or_text, str) and "\n" in path_or_text:
        return CfgReader(path_or_text, "<text>", symbols).images()
    data = read_unpacked(Path(path_or_text))
    source = os.fspath(path_or_text)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        message = f"{source}, line {line}: found the byte 0x{data[error.start]:02x}, expected UTF-8 text"
        raise FormatError(message) from error
    return CfgReader(text, source, symbols).images()


def format_cfg(images: Atoms | Iterable[Atoms], species: Species) -> str:
    """Configurations as the text of an MLIP ``.cfg`` file.

    Numbers are written so that they are read back bit by bit; only the stress is multiplied by the volume.

    Parameters
    ----------
    images
        Energy, forces and stress are taken from their calculators where these have them without a calculation,
        else from ``info`` and ``arrays``, where they have ASE's names; ``site_en`` and ``nbh_grades`` from
        ``arrays``; Features from those entries of ``info`` that are numbers or one line of text (others are
        left out).
    species
        As in :func:`read_cfg`.

    Raises
    ------
    SpeciesError
        An element has no type in `species`.
    ValueError
        A number is not finite, or a structure is periodic along other cell vectors than the first ones,
        which the format cannot say.
    """
    types = {symbol: number for number, symbol in _symbols(species).items()}
    return "".join(_block(atoms, types) for atoms in ([images] if isinstance(images, Atoms) else images))


def write_cfg(images: Atoms | Iterable[Atoms], path: PathLike, species: Species) -> None:
    """Write configurations to an MLIP ``.cfg`` file, through a temporary file.

    Parameters
    ----------
    images, species
        As in :func:`format_cfg`, with its errors.
    path
        The file; compressed if its name ends in ``.xz``, ``.gz`` or ``.bz2``.
    """
    write_atomic(path, pack(format_cfg(images, species).encode("utf-8"), Path(path)))


def _symbols(species: Species) -> dict[int, str]:
    from ase.data import atomic_numbers

    if isinstance(species, str):
        message = f"species is the text {species!r}; expected symbols such as ['Li', 'P', 'S'], in type order"
        raise SpeciesError(message)
    symbols = dict(species) if isinstance(species, Mapping) else dict(enumerate(species))
    for symbol in symbols.values():
        if atomic_numbers.get(symbol, 0) < 1:
            message = f"{symbol!r} is not the symbol of a chemical element"
            raise SpeciesError(message)
    if len(set(symbols.values())) != len(symbols):
        message = f"species {list(symbols.values())} names an element twice"
        raise SpeciesError(message)
    return symbols


def _row(values: Iterable[float]) -> str:
    row = [float(value) for value in values]
    if not np.all(np.isfinite(row)):
        message = f"a configuration holds a number that is not finite: {row}"
        raise ValueError(message)
    return " ".join(map(repr, row))


def _supercell(atoms: Atoms) -> Floats:
    periodic = int(np.sum(atoms.pbc))
    if not np.all(atoms.pbc[:periodic]):
        message = f"pbc {atoms.pbc.tolist()}: the format can only say that the first cell vectors are periodic"
        raise ValueError(message)
    return np.asarray(atoms.cell[:periodic], dtype=np.float64)


def _type_of(symbol: str, types: Mapping[str, int]) -> int:
    if symbol not in types:
        message = f"{symbol} is not among the species {list(types)}"
        raise SpeciesError(message)
    return types[symbol]


def _block(atoms: Atoms, types: Mapping[str, int]) -> str:
    results, cell = carried_labels(atoms), _supercell(atoms)
    names, columns = ["cartes_x", "cartes_y", "cartes_z"], [atoms.positions]
    for name in _SITE_ARRAYS[:1]:
        if name in atoms.arrays:
            names.append(name)
            columns.append(atoms.arrays[name][:, None])
    if "forces" in results:
        names += ["fx", "fy", "fz"]
        columns.append(results["forces"])
    for name in _SITE_ARRAYS[1:]:
        if name in atoms.arrays:
            names.append(name)
            columns.append(atoms.arrays[name][:, None])
    numbers = np.concatenate(columns, axis=1)
    lines = ["BEGIN_CFG", " Size", f"    {len(atoms)}"]
    if len(cell):
        lines += [" Supercell", *(f"    {_row(vector)}" for vector in cell)]
    lines.append(f" AtomData:  id type {' '.join(names)}")
    kinds = [_type_of(symbol, types) for symbol in atoms.get_chemical_symbols()]
    lines += [
        f"    {index} {kind} {_row(row)}" for index, (kind, row) in enumerate(zip(kinds, numbers, strict=True), 1)
    ]
    if "energy" in results:
        lines += [" Energy", f"    {_row([float(results['energy'])])}"]
    if "stress" in results and len(cell) == 3:
        virial = plus_stress_from_stress(results["stress"], atoms.get_volume())
        lines += [" PlusStress:  xx yy zz yz xz xy", f"    {_row(virial)}"]
    lines += [
        f" Feature   {key}\t{value}"
        for key, value in atoms.info.items()
        if key not in results and _is_feature(key, value)
    ]
    return "\n".join([*lines, "END_CFG", "", ""])


def _is_feature(key: object, value: object) -> bool:
    if not isinstance(key, str) or not isinstance(value, str | int | float | np.integer | np.floating):
        return False
    return len(key.split()) == 1 and len(str(value).split()) > 0 and len(str(value).splitlines()) == 1
