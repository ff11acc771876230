"""The raw call: arrays in, arrays out."""

import os
from functools import lru_cache
from pathlib import Path

from numpy.typing import ArrayLike

from betalps.calculators.engine import Engine, Evaluation, Precision
from betalps.potentials import Potential
from betalps.typing import PathLike


@lru_cache(maxsize=4)
def _shared_engine(
    potential: Potential | str,
    stamp: tuple[int, ...],  # noqa: ARG001  # of the key: a file written again is another potential
    threads: int | None,
    precision: Precision,
    skin: float,
) -> Engine:
    return Engine(potential, threads=threads, precision=precision, skin=skin)


def _stamp(path: PathLike) -> tuple[int, ...]:
    status = Path(path).stat() if Path(path).is_file() else None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else ()


def evaluate(
    potential: Potential | Engine | PathLike,
    positions: ArrayLike,
    numbers: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: ArrayLike = False,
    *,
    forces: bool = True,
    virials: bool = False,
    grades: bool = False,
    threads: int | None = None,
    precision: Precision = "double",
    skin: float = 1.0,
) -> Evaluation:
    """Energies, forces and virials from arrays: the raw call for loops of one's own.

    Successive calls with the same potential and settings share one `Engine`, and with it the neighbour list;
    a loop that wants one of its own makes an `Engine` and passes it in place of the potential.

    Parameters
    ----------
    potential
        A potential, the name of a bundled one, a path, or an `Engine` (which has its own settings: those
        given here are then ignored).
    positions
        Shape (n, 3), Å.
    numbers
        Atomic numbers, shape (n,).
    cell
        Lattice vectors as rows, shape (3, 3), or three lengths, Å. None: no cell.
    pbc
        Whether each lattice direction is periodic: one bool or three.
    forces, virials, grades
        What to compute beside the energies.
    threads, precision, skin
        As for `Engine`.

    Returns
    -------
    An `Evaluation`: energy (eV), energies (eV), forces (eV/Å), virials (eV), grades.

    Examples
    --------
    >>> import betalps
    >>> from betalps.structures import beta_li3ps4
    >>> atoms = beta_li3ps4()
    >>> out = betalps.evaluate("beta-lps", atoms.positions, atoms.numbers, atoms.cell, True)
    >>> out.forces.shape
    (32, 3)
    """
    if not isinstance(potential, Engine):
        if isinstance(potential, Potential):
            key: Potential | str = potential
            stamp: tuple[int, ...] = ()
        else:
            key, stamp = os.fspath(potential), _stamp(potential)
        potential = _shared_engine(key, stamp, threads, precision, skin)
    return potential.evaluate(positions, numbers, cell, pbc, forces=forces, virials=virials, grades=grades)
