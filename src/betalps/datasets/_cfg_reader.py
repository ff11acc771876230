"""The parser behind :func:`betalps.datasets.read_cfg`."""

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from betalps.datasets.stress import stress_from_plus_stress
from betalps.errors import FormatError, SpeciesError
from betalps.typing import Floats

_VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_POSITIONS = {"cartes": ("cartes_x", "cartes_y", "cartes_z"), "direct": ("direct_x", "direct_y", "direct_z")}
_FORCES = ("fx", "fy", "fz")
_SECTIONS = "Size, Supercell, AtomData:, Energy, PlusStress:, Feature or END_CFG"
_SHOWN = 40


class CfgReader:
    """Reads all configurations of a text; remembers the line for its errors.

    Parameters
    ----------
    text
        Content of the file.
    source
        Its name in errors.
    symbols
        Chemical symbol of every type.
    """

    def __init__(self, text: str, source: str, symbols: Mapping[int, str]) -> None:
        self._lines = text.split("\n")
        self._next = 0
        self._source = source
        self._symbols = symbols

    def images(self) -> list[Atoms]:
        """Every configuration, in the order of the file."""
        images = []
        while self._skip_empty():
            if self._take().strip() != "BEGIN_CFG":
                self._fail("BEGIN_CFG or the end of the file")
            images.append(self._image())
        return images

    # -- one configuration

    def _image(self) -> Atoms:
        fields: dict[str, Any] = {"info": {}}
        while True:
            words = self._words(f"a section: {_SECTIONS}")
            keyword = words[0].rstrip(":").lower()
            if keyword == "end_cfg":
                return self._assemble(fields)
            if keyword in fields:
                self._fail("each section once")
            if keyword == "size":
                fields["size"] = self._integer_line()
            elif keyword == "supercell":
                fields["supercell"] = self._supercell()
            elif keyword == "atomdata":
                fields["atomdata"] = self._atom_data(words[1:], fields.get("size"))
            elif keyword == "energy":
                fields["energy"] = self._number_line(1)[0]
            elif keyword == "plusstress":
                fields["plusstress"] = self._plus_stress(words[1:])
            elif keyword == "feature":
                self._feature(fields["info"])
            else:
                self._fail(_SECTIONS)

    def _supercell(self) -> Floats:
        rows: list[list[float]] = []
        while len(rows) < 3 and self._skip_empty() and _NUMBER.fullmatch(self._lines[self._next].split()[0]):
            rows.append(self._number_line(3))
        return np.array(rows, dtype=np.float64).reshape(len(rows), 3)

    def _atom_data(self, names: list[str], size: int | None) -> dict[str, Any]:
        if size is None:
            self._fail("Size before AtomData:")
        known = [kind for kind, columns in _POSITIONS.items() if set(columns) <= set(names)]
        if names[:2] != ["id", "type"] or len(set(names)) != len(names) or len(known) != 1:
            self._fail("AtomData: id type, then cartes_x cartes_y cartes_z or direct_x direct_y direct_z")
        if len(set(_FORCES) & set(names)) not in {0, 3}:
            self._fail("all of fx fy fz or none of them")
        ids, types, rows = [], [], []
        for _ in range(size):
            words = self._words(f"{size} rows of AtomData")
            if len(words) != len(names):
                self._fail(f"{len(names)} columns ({' '.join(names)})")
            ids.append(self._integer(words[0], 1, size))
            types.append(self._type(words[1]))
            rows.append([self._number(word) for word in words[2:]])
        if len(set(ids)) != size:
            self._fail(f"the ids 1 to {size}, each once")
        order = np.argsort(ids)
        numbers = np.array(rows, dtype=np.float64).reshape(size, len(names) - 2)[order]
        columns = {name: numbers[:, k].copy() for k, name in enumerate(names[2:])}
        return {"kind": known[0], "symbols": [types[k] for k in order], "columns": columns}

    def _plus_stress(self, labels: list[str]) -> Floats:
        if sorted(labels) != sorted(_VOIGT):
            self._fail(f"PlusStress: {' '.join(_VOIGT)}")
        values = dict(zip(labels, self._number_line(6), strict=True))
        return np.array([values[label] for label in _VOIGT])

    def _feature(self, info: dict[str, Any]) -> None:
        parts = self._lines[self._next - 1].strip().split(maxsplit=2)
        if len(parts) < 2:
            self._fail("Feature, a name and a value")
        info[parts[1]] = info.get(parts[1], "") + (parts[2] if len(parts) > 2 else "")

    def _assemble(self, fields: dict[str, Any]) -> Atoms:
        if "atomdata" not in fields:
            self._fail("Size and AtomData: before END_CFG")
        data, vectors = fields["atomdata"], fields.get("supercell", np.zeros((0, 3)))
        columns: dict[str, Floats] = data["columns"]
        positions = np.stack([columns.pop(name) for name in _POSITIONS[data["kind"]]], axis=1)
        if data["kind"] == "direct":
            if len(vectors) < 3:
                self._fail("three vectors in Supercell, which direct_x direct_y direct_z refer to")
            with np.errstate(all="ignore"):
                positions = positions @ vectors
            if not np.all(np.isfinite(positions)):
                self._fail("direct coordinates and vectors small enough to multiply")
        cell, pbc = np.zeros((3, 3)), np.arange(3) < len(vectors)
        cell[: len(vectors)] = vectors
        atoms = Atoms(data["symbols"], positions=positions, cell=cell, pbc=pbc, info=fields["info"])
        results: dict[str, Any] = {}
        if "fx" in columns:
            results["forces"] = np.stack([columns.pop(name) for name in _FORCES], axis=1)
        if "energy" in fields:
            results["energy"] = fields["energy"]
        if "plusstress" in fields and len(vectors) == 3:
            results["stress"] = self._stress(fields["plusstress"], vectors)
        for name, values in columns.items():
            if name in atoms.arrays:
                self._fail(f"a column of AtomData with another name than {name}")
            atoms.arrays[name] = values
        if results:
            atoms.calc = SinglePointCalculator(atoms, **results)
        return atoms

    def _stress(self, plus_stress: Floats, vectors: Floats) -> Floats:
        with np.errstate(all="ignore"):  # what overflows is caught here
            volume = abs(float(np.linalg.det(vectors)))
            stress = stress_from_plus_stress(plus_stress, volume)
        if volume == 0 or not np.all(np.isfinite([volume, *stress])):
            self._fail("three linearly independent vectors in Supercell, to divide PlusStress by the volume")
        return stress

    # -- lines, words and numbers

    def _skip_empty(self) -> bool:
        while self._next < len(self._lines) and not self._lines[self._next].strip():
            self._next += 1
        return self._next < len(self._lines)

    def _take(self) -> str:
        self._next += 1
        return self._lines[self._next - 1]

    def _words(self, expected: str) -> list[str]:
        if not self._skip_empty():
            self._next += 1
            self._fail(expected)
        return self._take().split()

    def _number_line(self, count: int) -> list[float]:
        words = self._words(f"{count} numbers")
        if len(words) != count:
            self._fail(f"{count} numbers")
        return [self._number(word) for word in words]

    def _integer_line(self) -> int:
        words = self._words("the number of atoms")
        if len(words) != 1:
            self._fail("the number of atoms")
        return self._integer(words[0], 1, 10**9)

    def _integer(self, word: str, low: int, high: int) -> int:
        if not _INTEGER.fullmatch(word) or not low <= int(word) <= high:
            self._fail(f"an integer from {low} to {high}", word)
        return int(word)

    def _number(self, word: str) -> float:
        if not _NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            self._fail("a finite number", word)
        return float(word)

    def _type(self, word: str) -> str:
        kind = self._integer(word, 0, 10**9)
        if kind not in self._symbols:
            known = ", ".join(f"{number} ({symbol})" for number, symbol in self._symbols.items())
            message = f"{self._source}, line {self._next}: type {kind} has no symbol; species names {known}"
            raise SpeciesError(message)
        return self._symbols[kind]

    def _fail(self, expected: str, found: str | None = None) -> NoReturn:
        if found is None and self._next > len(self._lines):
            what = "the end of the file"
        else:
            text = self._lines[self._next - 1].strip() if found is None else found
            what = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
        line = min(self._next, len(self._lines))
        message = f"{self._source}, line {line}: found {what}, expected {expected}"
        raise FormatError(message)
