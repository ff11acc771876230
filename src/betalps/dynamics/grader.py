"""The extrapolation grade of a structure in motion, and the file of those that are beyond what was trained."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import BetalpsError
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

EXTRAPOLATING = "extrapolating.extxyz"


class Grader:
    """Grades structures with an engine of its own, so that the run's neighbour list knows nothing of it.

    Parameters
    ----------
    calculator
        A `betalps.MTP` whose potential has an active set.

    Raises
    ------
    BetalpsError
        It is another calculator, or its potential has no active set.

    Attributes
    ----------
    by_site
        Whether the active set grades single neighbourhoods.
    """

    def __init__(self, calculator: Calculator) -> None:
        from betalps.calculators import MTP, Engine

        if not isinstance(calculator, MTP):
            raise BetalpsError(
                f"grade: the extrapolation grade needs a moment tensor potential, found {type(calculator).__name__}"
            )
        self._engine = Engine(calculator.potential, threads=calculator.engine.threads)
        self._engine.require_active_set()
        active_set = calculator.potential.active_set
        self.by_site = active_set is not None and active_set.mode == "neighbourhood"

    def reset(self) -> None:
        """Forget the neighbour list, as at every checkpoint: grades do not depend on when a run was resumed."""
        self._engine.reset()

    def __call__(self, atoms: Atoms) -> tuple[float, Floats | None]:
        """The largest grade, and those of all atoms where the active set grades neighbourhoods."""
        structure = (atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        if not self.by_site:
            return self._engine.configuration_grade(*structure), None
        grades = self._engine.evaluate(*structure, forces=False, grades=True).grades
        assert grades is not None
        return float(grades.max(initial=0.0)), grades


def extrapolating_frame(atoms: Atoms, grade: float, sites: Floats | None, **info: object) -> str:
    """A structure with its grades as a frame of extended XYZ."""
    from ase.io import write

    frame = atoms.copy()
    frame.calc = None
    frame.info = {"grade": grade, **info}
    if sites is not None:
        frame.arrays["nbh_grades"] = np.asarray(sites)
    text = io.StringIO()
    write(text, frame, format="extxyz")
    return text.getvalue()
