"""The ASE calculator."""

import warnings
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from betalps.calculators.engine import Engine, Precision, as_potential
from betalps.errors import StructureError
from betalps.potentials import Potential
from betalps.typing import Bools, Floats, Ints, PathLike

_WITHOUT_GRADIENT = {"energy", "free_energy", "energies"}
_NEVER_SEEN = 1e4  # a grade that only rows which were never filled give
_GRADES = {"grade", "site_grades"}


def ase_results(
    energy: float, energies: Floats, forces: Floats | None, virials: Floats | None, cell: Floats
) -> dict[str, Any]:
    """What was evaluated, by ASE's names and in its signs; virials of shape (n, 6), cell of shape (3, 3)."""
    results: dict[str, Any] = {"energy": energy, "free_energy": energy, "energies": energies}
    if forces is not None:
        results["forces"] = forces
    volume = abs(np.linalg.det(cell))
    if virials is not None and volume > 0:  # else there is no stress; ASE says so when asked
        stresses = virials / -volume
        results.update(stresses=stresses, stress=stresses.sum(axis=0))
    return results


class MTP(Calculator):
    """A moment tensor potential as an ASE calculator.

    Gives ``energy, free_energy, energies, forces, stress, stresses`` in ASE's units and sign (stress =
    dE/dstrain / volume, Voigt order xx yy zz yz xz xy; positive under tension), and with `grade` the
    extrapolation grades ``grade`` (the largest) and ``site_grades``.

    Parameters
    ----------
    potential
        A `betalps.potentials.Potential`, the name of a bundled one such as ``"beta-lps"``, or the
        path of an ``.almtp`` or ``.mtp`` file that names its species (for others: ``Potential.read(path,
        species=[...])``).
    threads
        None takes BETALPS_THREADS, OMP_NUM_THREADS or all cores this process may use.
    precision
        "double", or "mixed": pairs and moments in single precision (see the docs for its error).
    skin
        Å that the neighbour list holds beyond the cutoff. A larger one is rebuilt more rarely.
    grade
        True: extrapolation grades of every structure. A number n: of every n-th structure, the others leave
        them out of `results`. False: only when asked for by ``get_grade(atoms)``.

    Raises
    ------
    SpeciesError
        The potential does not name its species, or (when calculating) lacks one of the structure's.
    BetalpsError
        Grades were asked of a potential without an active set.
    StructureError
        When calculating: a position or the cell is not finite, or a periodic direction has no lattice vector.

    Examples
    --------
    >>> from betalps import MTP
    >>> from betalps.structures import beta_li3ps4
    >>> atoms = beta_li3ps4()
    >>> atoms.calc = MTP("beta-lps", threads=1)
    >>> round(atoms.get_potential_energy() / len(atoms), 1)
    -4.4
    """

    implemented_properties = [  # noqa: RUF012  # as ASE declares them
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "stresses",
        "grade",
        "site_grades",
    ]
    ignored_changes = {"initial_charges", "initial_magmoms"}  # noqa: RUF012

    def __init__(
        self,
        potential: Potential | PathLike,
        *,
        threads: int | None = None,
        precision: Precision = "double",
        skin: float = 1.0,
        grade: bool | int = False,
    ) -> None:
        if not isinstance(grade, int) or grade < 0:  # True and False are 1 and 0
            message = f"grade is {grade!r}; expected True, False or a positive number of calculations"
            raise ValueError(message)
        super().__init__()  # type: ignore[no-untyped-call]
        self.potential = as_potential(potential)
        self.grade_interval = int(grade)
        self._settings: dict[str, Any] = {"threads": threads, "precision": precision, "skin": skin}
        self._structures = 0  # calculated so far
        self._grade_this = False
        self._warned = False
        self.engine = Engine(self.potential, **self._settings)
        self.parameters.update(
            potential=self.potential.name,
            sha256=self.potential.sha256,
            grade=self.grade_interval,
            **self._settings,
        )
        if grade:
            self.engine.require_active_set()

    def set(self, **settings: Any) -> dict[str, Any]:
        """ASE's way to change settings; here they are fixed.

        Raises
        ------
        TypeError
            There is something to set.
        """
        if settings:
            message = f"the settings of an MTP are fixed ({', '.join(settings)}): make another MTP"
            raise TypeError(message)
        return {}

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Fill `results`; called by ASE."""
        wanted = set(properties or ["energy"])
        if atoms is not None:
            self.atoms = atoms.copy()
        structure = self._structure()
        if system_changes:
            self.results = {}
            self._grade_this = bool(self.grade_interval) and self._structures % self.grade_interval == 0
            self._structures += 1
        gradient = not wanted <= _WITHOUT_GRADIENT | _GRADES
        grades = "grade" not in self.results and (self._grade_this or bool(wanted & _GRADES))
        active_set = self.potential.active_set if grades else None
        by_configuration = active_set is not None and active_set.mode == "configuration"
        out = self.engine.evaluate(
            *structure, forces=gradient, virials=gradient, grades=grades and not by_configuration
        )
        self.results.update(ase_results(out.energy, out.energies, out.forces, out.virials, structure[2]))
        if by_configuration:
            self.results["grade"] = self.engine.configuration_grade(*structure)
        elif out.grades is not None:
            self.results.update(grade=float(out.grades.max(initial=0.0)), site_grades=out.grades)
        if grades:
            self._warn_of_unfilled_rows(self.results["grade"])

    def _structure(self) -> tuple[Floats, Ints, Floats, Bools]:
        """The last structure as arrays."""
        atoms = self.atoms
        if atoms is None:
            message = "no structure: calculate(atoms) needs one the first time"
            raise StructureError(message)
        return atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:  # noqa: ARG002  # ASE passes it
        """What changed since the last calculation. Exact: any change of a position counts, whatever `tol`."""
        last = self.atoms
        if last is None:
            return list(all_changes)
        changes = []
        if len(last) != len(atoms) or not np.array_equal(last.numbers, atoms.numbers):
            changes.append("numbers")
        if len(last) != len(atoms) or not np.array_equal(last.positions, atoms.positions):
            changes.append("positions")
        if not np.array_equal(last.cell.array, atoms.cell.array):
            changes.append("cell")
        if not np.array_equal(last.pbc, atoms.pbc):
            changes.append("pbc")
        return changes

    def reset(self) -> None:
        """Forget the last structure, its results and the neighbour list."""
        super().reset()  # type: ignore[no-untyped-call]
        self.engine.reset()

    def get_grade(self, atoms: Atoms | None = None) -> float:
        """Extrapolation grade of the structure: the largest of its atoms (or of the configuration)."""
        return float(self.get_property("grade", atoms))  # type: ignore[no-untyped-call]

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the compiled engine, which is made anew."""
        return {name: value for name, value in self.__dict__.items() if name not in {"engine", "get_spin_polarized"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.engine = Engine(self.potential, **self._settings)

    def _warn_of_unfilled_rows(self, grade: float) -> None:
        active_set = self.potential.active_set
        if self._warned or grade < _NEVER_SEEN or active_set is None or not active_set.unfilled:
            return
        self._warned = True
        message = (
            f"{active_set.unfilled} of the {self.potential.coeffs_count} rows of the active set were never "
            f"filled: this structure's grade of {grade:.1e} says 'never seen', not how far off"
        )
        warnings.warn(message, stacklevel=3)
