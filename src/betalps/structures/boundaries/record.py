"""The provenance that every boundary carries: ``atoms.info["boundary"]`` and the arrays ``grain`` and ``boundary``.

The record is one dict of plain numbers, ASCII texts and lists, so that it survives a file. Its keys:

================ =====================================================================================================
kind             ``"tilt"``, ``"twist"`` or ``"asymmetric"``
name, setting    the literature's name (``"Sigma5[001]/(120)"``) and its axis setting, if it was built by name
nominal          Σ, angle in degrees, axis and plane of the name, as cubic theory has them
notes            what in the name does not fit together
planes           Miller indices of the boundary plane in the lower and the upper grain
operation        what makes the upper grain of the lower one: mirror or rotation, with its angle in degrees
disorientation   true angle in degrees and axis (Cartesian in the crystal, and [u v w]) between grains of one crystal
chirality        whether a rotation relates the grains or only a mirror, in words; in short `equivalent_rotation`
orientations     of either grain the (3, 3) matrix from the crystal's Cartesian axes to the bicrystal's, unstrained
strain, strains  largest logarithmic strain between the grains; of either grain its (2, 2) strain U - 1 in x and y
cell, area       in-plane cell of the boundary in Å before repeats, and its area in Å²
coincidence      of either grain the (2, 2) integers of that cell in the plane's own basis, where it is not the unit
repeats          how often that cell is repeated
lattice_planes   thickness of either grain in lattice planes
spacings         of these planes in either grain, in Å
separations      thickness of either grain in Å
terminations     where either grain is cut, in spacings (as `terminations` lists them)
translation      of the upper grain, in fractions of the boundary's cell, and in Å
gaps             by how much the grains are apart beyond the bulk's spacing, in Å, in the order of `boundaries`
contacts         the crystal's shortest distances of atoms that are not bonded, the fraction of them to be kept, and how
                 many pairs of atoms of different grains are nearer
bonds            longest bonds of the units, as given, else None
removed          neutral groups that were taken out: how many, and their formula
vacuum           in Å, or None
boundaries       heights of the boundary planes along z in Å; two in a periodic bicrystal, one in a slab
equivalent       whether the two boundaries are the same, by which operation, and how that was tested
crystals         formula, cell, number of atoms, units and ``info`` of each grain's crystal
betalps          version
================ =====================================================================================================
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.errors import StructureError
from betalps.structures.bonding import Units
from betalps.typing import Floats, Json

if TYPE_CHECKING:
    from ase import Atoms

KEY = "boundary"

_SPELT = {"Σ": "Sigma", "°": " deg", "Å": "A", "α": "alpha", "β": "beta", "γ": "gamma", "\\": "/", "\n": " "}


def boundary_record(atoms: Atoms) -> Json:
    """The provenance of a boundary: see this module.

    Raises
    ------
    StructureError
        The structure carries none, or its arrays are missing.
    """
    record = atoms.info.get(KEY)
    if not isinstance(record, dict) or "boundaries" not in record or "grain" not in atoms.arrays:
        raise StructureError(
            f"{atoms.get_chemical_formula()} carries no boundary: expected atoms.info['boundary'] and the array "
            "'grain', as betalps.structures.tilt, twist and asymmetric give and extxyz files keep"
        )
    return record


def mark(atoms: Atoms, record: Json) -> None:
    """Store a record with the structure, and each atom's distance to the nearest boundary."""
    atoms.info[KEY] = plain(record)
    atoms.arrays[KEY] = distances(atoms, record["boundaries"])


def distances(atoms: Atoms, heights: list[float]) -> Floats:
    """Distance of each atom to the nearest of some planes z = height in Å, periodic where the structure is."""
    away = atoms.positions[:, 2, None] - np.array(heights)
    if atoms.pbc[2]:
        height = float(atoms.cell.array[2, 2])
        away -= height * np.rint(away / height)
    return np.asarray(np.abs(away).min(axis=1), dtype=np.float64)


def pairs_of(lengths: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Lengths by pair of species, as a record keeps them, ``{"Li-S": 2.46}``, back as ``{("Li", "S"): 2.46}``."""
    pairs = {}
    for name, length in lengths.items():
        first, second = name.split("-")
        pairs[first, second] = float(length)
    return pairs


def named_pairs(lengths: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Lengths by pair of species for a record, which cannot have pairs for keys."""
    return {f"{first}-{second}": float(length) for (first, second), length in lengths.items()}


def describe_crystal(crystal: Atoms, units: Units) -> Json:
    """What a record says of a crystal."""
    return {
        "formula": crystal.get_chemical_formula("metal"),
        "atoms": len(crystal),
        "units": units.counts,
        "cell": crystal.cell.array,
        "info": {key: value for key, value in crystal.info.items() if _is_plain(plain(value))},
    }


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts only: arrays become lists, tuples too, and texts are spelt in ASCII."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {_ascii(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return _ascii(value) if isinstance(value, str) else value


def _ascii(text: str) -> str:
    """ASE writes other characters to extxyz with backslashes, and loses these when it reads them."""
    for character, spelt in _SPELT.items():
        text = text.replace(character, spelt)
    return unicodedata.normalize("NFKD", text).encode("ascii", "replace").decode()


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_is_plain(entry) for entry in value)
    return value is None or isinstance(value, str | int | float | bool)
