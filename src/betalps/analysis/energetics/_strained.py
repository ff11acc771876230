"""What the bulk properties share: progress, strains in a form that keeps lengths, and structures relaxed under them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from betalps.analysis.energetics.relaxation import Relaxation
from betalps.errors import StructureError
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

# The stress of a strained crystal is of first order in the forces that are left on its ions.
FINE = Relaxation(fmax=5e-4, steps=2000, optimizer="LBFGS")

_HALF = math.sqrt(0.5)
_TENSORS = np.zeros((6, 3, 3))
for _row, (_i, _j) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
    _TENSORS[_row, _i, _j] = _TENSORS[_row, _j, _i] = 1.0 if _i == _j else _HALF

TENSORS: Floats = _TENSORS
"""(6, 3, 3): orthonormal symmetric tensors, in Voigt's order. Components along these are Mandel's, in which a rotation
of space is a rotation of six dimensions; Voigt's own stretch the shears."""

SCALE: Floats = np.array([1.0, 1.0, 1.0, math.sqrt(2.0), math.sqrt(2.0), math.sqrt(2.0)])
"""(6,): Mandel's component of a stress over Voigt's; the square root of that of a stiffness."""


@dataclass(frozen=True, kw_only=True)
class BulkProgress:
    """How far a bulk property is.

    Attributes
    ----------
    stage
        ``"cell"``, ``"equation of state"`` or ``"elastic tensor"``.
    done, total
        Relaxations done, and how many the stage has.
    """

    stage: str
    done: int
    total: int


Observer: TypeAlias = Callable[[BulkProgress], None]


def tell(observer: Observer | None, stage: str, done: int, total: int) -> None:
    """Report progress, if somebody listens."""
    if observer is not None:
        observer(BulkProgress(stage=stage, done=done, total=total))


def deformed(atoms: Atoms, strain: Floats) -> Atoms:
    """A copy of the structure with the small strain (3, 3) applied; its atoms go along."""
    moved: Atoms = atoms.copy()
    moved.calc = None
    moved.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return moved


def check_crystal(atoms: Atoms, what: str) -> None:
    """Check that a structure is periodic and has atoms.

    Raises
    ------
    StructureError
        It is not periodic in all directions, or holds no atom.
    """
    if not len(atoms):
        raise StructureError(f"{what}: expected a crystal, got a structure without atoms")
    if not all(atoms.pbc):
        raise StructureError(
            f"{what} of {atoms.get_chemical_formula('metal')}: expected a structure that is periodic in all three "
            f"directions, got pbc {atoms.pbc.tolist()}"
        )


def how_relaxed(how: Relaxation) -> dict[str, Any]:
    """The relaxation as a result remembers it."""
    return {"fmax": how.fmax, "steps": how.steps, "optimizer": how.optimizer}
