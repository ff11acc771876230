"""The core's C interface from Python: evaluation of given neighbours, as a rank of LAMMPS has them."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.errors import BetalpsError, FormatError
from betalps.lammps.plugin import core_library
from betalps.typing import Floats, Ints, PathLike

_ABI = 1  # BETALPS_ABI of c_api.h
_MESSAGE = 1000


class _Pairs(ctypes.Structure):
    _fields_ = (
        ("centres", ctypes.c_size_t),
        ("atoms", ctypes.c_size_t),
        *((name, ctypes.c_void_p) for name in ("positions", "species", "first", "neighbours")),
    )


class _Output(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("site_energies", "forces", "site_virials", "grades"))


@cache
def _library() -> ctypes.CDLL:
    path = core_library()
    library = ctypes.CDLL(str(path))
    if library.betalps_abi() != _ABI:
        message = f"{path} has interface {library.betalps_abi()}, expected {_ABI}: install betalps again"
        raise BetalpsError(message)
    handle, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    signatures = {
        "open": (handle, [text, ctypes.c_int, ctypes.c_int, text, size]),
        "close": (None, [handle]),
        "cutoff": (ctypes.c_double, [handle]),
        "species_count": (ctypes.c_int, [handle]),
        "species": (text, [handle, ctypes.c_int]),
        "has_grades": (ctypes.c_int, [handle]),
        "evaluate": (ctypes.c_int, [handle, ctypes.POINTER(_Pairs), ctypes.POINTER(_Output), text, size]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"betalps_{name}")
        function.restype, function.argtypes = result, arguments
    return library


class Evaluated(NamedTuple):
    """What one evaluation gives.

    Attributes
    ----------
    energies
        Of the centres, eV.
    forces
        On all atoms, ghosts included, shape (atoms, 3), eV/Å.
    virials
        Of the centres, -dE_i/dstrain, shape (centres, 6), eV, xx yy zz yz xz xy.
    """

    energies: Floats
    forces: Floats
    virials: Floats


class Model:
    """A potential file, ready for evaluation.

    Parameters
    ----------
    path
        An ``.almtp`` or ``.mtp`` file.
    threads
        Of each evaluation.

    Raises
    ------
    FormatError
        The file cannot be read or understood.
    """

    def __init__(self, path: PathLike, threads: int = 1) -> None:
        self._core = _library()
        message = ctypes.create_string_buffer(_MESSAGE)
        self._handle = self._core.betalps_open(str(path).encode(), threads, 0, message, _MESSAGE)
        if not self._handle:
            raise FormatError(message.value.decode(errors="replace"))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._core.betalps_close(self._handle)

    @property
    def cutoff(self) -> float:
        """Cutoff radius, Å."""
        return float(self._core.betalps_cutoff(self._handle))

    @property
    def species(self) -> tuple[str, ...]:
        """Chemical symbols; empty where the file does not name them."""
        count = self._core.betalps_species_count(self._handle)
        return tuple(self._core.betalps_species(self._handle, z).decode() for z in range(count))

    @property
    def has_grades(self) -> bool:
        """Whether the file has an active set of neighbourhoods."""
        return bool(self._core.betalps_has_grades(self._handle))

    def evaluate(self, positions: Floats, species: Ints, first: NDArray[np.int64], neighbours: Ints) -> Evaluated:
        """Evaluate centres among all atoms.

        Parameters
        ----------
        positions
            Shape (atoms, 3), Å: the centres, then the ghosts.
        species
            Shape (atoms,).
        first, neighbours
            The neighbours of centre i are ``neighbours[first[i]:first[i + 1]]``.

        Raises
        ------
        BetalpsError
            What the core complains of.
        """
        positions = np.ascontiguousarray(positions, dtype=np.float64)
        species = np.ascontiguousarray(species, dtype=np.int32)
        first = np.ascontiguousarray(first, dtype=np.int64)
        neighbours = np.ascontiguousarray(neighbours, dtype=np.int32)
        centres, atoms = len(first) - 1, len(positions)
        out = Evaluated(np.empty(centres), np.empty((atoms, 3)), np.empty((centres, 6)))
        pairs = _Pairs(
            centres, atoms, positions.ctypes.data, species.ctypes.data, first.ctypes.data, neighbours.ctypes.data
        )
        output = _Output(out.energies.ctypes.data, out.forces.ctypes.data, out.virials.ctypes.data, None)
        message = ctypes.create_string_buffer(_MESSAGE)
        if self._core.betalps_evaluate(self._handle, pairs, output, message, _MESSAGE):
            raise BetalpsError(message.value.decode(errors="replace"))
        return out
