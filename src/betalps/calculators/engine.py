"""Evaluation of a potential on arrays: what the calculator and custom loops stand on."""

import math
import os
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from betalps import _core
from betalps.errors import BetalpsError, SpeciesError, StructureError
from betalps.potentials import Potential, load
from betalps.typing import Floats, Ints, PathLike

Precision: TypeAlias = Literal["double", "mixed"]


class Evaluation(NamedTuple):
    """What one evaluation gives, in the order of the atoms. None: was not asked for.

    Attributes
    ----------
    energy
        Total energy, eV.
    energies
        Site energies, shape (n,), eV.
    forces
        Shape (n, 3), eV/Å.
    virials
        Site virials -dE_i/dstrain, shape (n, 6), eV, in Voigt order xx yy zz yz xz xy. Their sum divided by
        minus the volume is ASE's stress.
    grades
        Extrapolation grades, shape (n,).
    """

    energy: float
    energies: Floats
    forces: Floats | None = None
    virials: Floats | None = None
    grades: Floats | None = None


def default_threads() -> int:
    """Threads used when nobody says: BETALPS_THREADS, else OMP_NUM_THREADS, else all cores it may use.

    Raises
    ------
    ValueError
        A variable is set to something that is not a positive number.
    """
    for variable in ("BETALPS_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(variable, "").split(",")[0].strip()
        if value:
            if not value.isdecimal() or int(value) < 1:
                message = f"environment variable {variable} is {value!r}; expected a positive number of threads"
                raise ValueError(message)
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def as_potential(potential: "Potential | PathLike") -> Potential:
    """Return a potential as it is, or load it by its name or path."""
    return potential if isinstance(potential, Potential) else load(potential)


class Engine:
    """A potential made ready to be evaluated again and again: compiled tables, neighbour list, threads.

    The neighbour list carries a skin and is rebuilt only when some pair could have crossed it, so successive
    structures of a trajectory are cheap; an unrelated structure just rebuilds it. One evaluation at a time.

    Parameters
    ----------
    potential
        A potential, the name of a bundled one, or the path of a file that names its species.
    threads
        None: see `default_threads`.
    precision
        "double", or "mixed": pairs and moments in single precision, sums over atoms in double.
    skin
        Å beyond the cutoff that the neighbour list holds.
    isa
        Instruction set; None takes the fastest that the processor has, or BETALPS_ISA.

    Raises
    ------
    SpeciesError
        The potential does not say which elements its species are.
    ValueError
        An argument is out of range, or the potential has no coefficients.
    """

    def __init__(
        self,
        potential: Potential | PathLike,
        *,
        threads: int | None = None,
        precision: Precision = "double",
        skin: float = 1.0,
        isa: str | None = None,
    ) -> None:
        self.potential = as_potential(potential)
        self.species = self.potential.species
        self._core = _core.Engine(
            self.potential.core,
            threads=default_threads() if threads is None else threads,
            precision=precision,
            skin=skin,
            isa=isa or "",
        )
        self._species_of_number = np.full(120, -1, dtype=np.int32)
        from ase.data import atomic_numbers

        for index, symbol in enumerate(self.species):
            self._species_of_number[atomic_numbers[symbol]] = index

    @property
    def threads(self) -> int:
        """Number of threads."""
        return self._core.threads

    @property
    def isa(self) -> str:
        """Instruction set that the inner loop was compiled for."""
        return self._core.isa

    @property
    def rebuilds(self) -> int:
        """How often the neighbour list was built."""
        return self._core.rebuilds

    @property
    def pairs(self) -> int:
        """Ordered pairs in the neighbour list, skin included."""
        return self._core.pairs

    def species_indices(self, numbers: ArrayLike) -> Ints:
        """Index of each atom's species in the potential.

        Parameters
        ----------
        numbers
            Atomic numbers, shape (n,).

        Raises
        ------
        SpeciesError
            An element that the potential does not know; names the first such atom.
        StructureError
            `numbers` are not whole numbers or have the wrong shape.
        """
        numbers = np.asarray(numbers)
        if not numbers.size:
            numbers = numbers.astype(np.int64)  # an empty list is an array of floats
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            found = f"{numbers.dtype} of shape {numbers.shape}"
            message = f"numbers: found {found}; expected atomic numbers, shape (n,)"
            raise StructureError(message)
        known = np.clip(numbers, 0, len(self._species_of_number) - 1)
        indices: Ints = self._species_of_number[known]
        if indices.size and indices.min() < 0:
            from ase.data import chemical_symbols

            atom = int(np.argmax(indices < 0))
            number = int(numbers[atom])
            symbol = chemical_symbols[number] if 0 <= number < len(chemical_symbols) else f"number {number}"
            message = f"atom {atom} is {symbol}; this potential knows {', '.join(self.species)}"
            raise SpeciesError(message)
        return indices

    def evaluate(
        self,
        positions: ArrayLike,
        numbers: ArrayLike,
        cell: ArrayLike | None = None,
        pbc: ArrayLike = False,
        *,
        forces: bool = True,
        virials: bool = False,
        grades: bool = False,
    ) -> Evaluation:
        """Evaluate one structure.

        Parameters
        ----------
        positions
            Shape (n, 3), Å; need not be inside the cell.
        numbers
            Atomic numbers, shape (n,).
        cell
            Lattice vectors as rows, shape (3, 3), or three lengths, Å. None: no cell.
        pbc
            Whether each lattice direction is periodic: one bool or three.
        forces, virials
            Without either, only the energy path runs.
        grades
            Extrapolation grades of all atoms; needs a potential with an active set of neighbourhoods.

        Raises
        ------
        SpeciesError
            An element that the potential does not know.
        StructureError
            A position or the cell is not finite or has the wrong shape, a periodic direction has no lattice
            vector, or two atoms are in the same place.
        BetalpsError
            Grades were asked of a potential without a suitable active set.
        """
        species = self.species_indices(numbers)
        arguments = (positions, species, _as_cell(cell), _as_pbc(pbc))
        if grades:
            self.require_active_set("neighbourhood")
        try:
            out = self._core.compute(*arguments, forces=forces, virials=virials, grades=grades)
        except (ValueError, TypeError) as error:
            raise StructureError(str(error)) from None
        if not math.isfinite(out["energy"]):
            atom = int(np.argmin(np.isfinite(out["energies"])))
            message = f"the energy of atom {atom} is not finite: it is in the same place as another, or almost"
            raise StructureError(message)
        return Evaluation(out["energy"], out["energies"], out.get("forces"), out.get("virials"), out.get("grades"))

    def site_gradients(
        self, positions: ArrayLike, numbers: ArrayLike, cell: ArrayLike | None = None, pbc: ArrayLike = False
    ) -> Floats:
        """Derivatives of the site energies by all coefficients of the potential.

        Returns
        -------
        Shape (n, `potential.coeffs_count`); columns are radial coefficients (z_i, z_j, mu, n), species
        coefficients, moment coefficients. Always in double precision.
        """
        species = self.species_indices(numbers)
        try:
            return self._core.site_gradients(positions, species, _as_cell(cell), _as_pbc(pbc))
        except (ValueError, TypeError) as error:
            raise StructureError(str(error)) from None

    def configuration_grade(
        self, positions: ArrayLike, numbers: ArrayLike, cell: ArrayLike | None = None, pbc: ArrayLike = False
    ) -> float:
        """Extrapolation grade of a whole configuration.

        With an active set of neighbourhoods the largest grade of its atoms; with one of configurations
        max_k |(b A⁻¹)_k| for b = Σ_i ∂E_i/∂θ / N^(weight_scaling/2) (Podryabinkin et al. 2023, eq. 8).
        """
        active_set = self.potential.active_set
        if active_set is not None and active_set.mode == "configuration":
            rows = self.site_gradients(positions, numbers, cell, pbc)
            if not len(rows):
                return 0.0
            row = rows.sum(axis=0) * active_set.energy_weight / len(rows) ** (active_set.weight_scaling / 2)
            return _core.configuration_grade(self.potential.core, row)
        grades = self.evaluate(positions, numbers, cell, pbc, forces=False, grades=True).grades
        assert grades is not None
        return float(grades.max(initial=0.0))

    def reset(self) -> None:
        """Forget the neighbour list: the next evaluation builds it anew.

        Sums run in the order of the list: a run that is to be repeated bitwise from a checkpoint resets here.
        """
        self._core.reset()

    def require_active_set(self, mode: str | None = None) -> None:
        """Check that grades can be computed.

        Parameters
        ----------
        mode
            "neighbourhood" for grades of single atoms; None for any.

        Raises
        ------
        BetalpsError
            The potential has no active set, or none of that mode.
        """
        active_set = self.potential.active_set
        if active_set is None:
            message = (
                "the extrapolation grade needs a potential with an active set (a '#MVS' section in its "
                f".almtp file); {self.potential!r} has none"
            )
            raise BetalpsError(message)
        if mode not in {None, active_set.mode}:
            message = (
                "site grades need an active set of neighbourhoods; this one grades whole configurations: use "
                "configuration_grade"
            )
            raise BetalpsError(message)

    def profile(self, *structure: Any, repeats: int = 10, **wanted: bool) -> dict[str, float]:
        """Seconds per evaluation spent in each stage of the kernel, summed over threads.

        Parameters
        ----------
        structure
            The arguments of `evaluate`.
        repeats
            Number of evaluations to average over.
        wanted
            The keyword arguments of `evaluate`.
        """
        self.evaluate(*structure, **wanted)
        self._core.profile(True)
        for _ in range(repeats):
            self.evaluate(*structure, **wanted)
        times = {stage: seconds / repeats for stage, seconds in self._core.stage_times.items()}
        self._core.profile(False)
        return times


def _as_cell(cell: ArrayLike | None) -> Floats:
    if cell is None:
        return np.zeros((3, 3))
    array = np.asarray(cell, dtype=np.float64)
    return np.diag(array) if array.shape == (3,) else array


def _as_pbc(pbc: ArrayLike) -> list[bool]:
    array = np.asarray(pbc, dtype=bool)
    if array.shape not in {(), (3,)}:
        message = f"pbc: found shape {array.shape}, expected one bool or three"
        raise StructureError(message)
    flags: list[bool] = np.broadcast_to(array, 3).tolist()
    return flags
