"""Relaxing a structure with any calculator, its cell as far as it is free."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from betalps.blas import one_blas_thread
from betalps.errors import StructureError
from betalps.typing import Floats
from betalps.units import EV_PER_ANGSTROM3_TO_GPA

if TYPE_CHECKING:
    from ase import Atoms

Optimizer: TypeAlias = Literal["FIRE", "LBFGS"]
Free: TypeAlias = Literal["cell", "shape", "out of plane", "normal", "nothing"]

# strains that go along, in Voigt order: xx yy zz yz xz xy
_MASKS: dict[str, tuple[bool, ...]] = {
    "cell": (True,) * 6,
    "shape": (True,) * 6,
    "out of plane": (False, False, True, True, True, False),
    "normal": (False, False, True, False, False, False),
}


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """How structures are relaxed.

    Attributes
    ----------
    fmax
        Converged when no force, the cell's among them, exceeds this, in eV/Å.
    steps
        At most so many; 0 leaves every structure as it was built.
    optimizer
        ``"FIRE"``, which stands bad starts, or ``"LBFGS"``, which needs fewer steps near the minimum.
    """

    fmax: float = 0.02
    steps: int = 500
    optimizer: Optimizer = "FIRE"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fmax) and self.fmax > 0):
            raise ValueError(f"fmax {self.fmax!r} eV/Å: expected a force above 0")
        if type(self.steps) is not int or self.steps < 0:
            raise ValueError(f"steps {self.steps!r}: expected a whole number, 0 for no relaxation")
        if self.optimizer not in get_args(Optimizer):
            raise ValueError(f"optimizer {self.optimizer!r}: expected one of {', '.join(get_args(Optimizer))}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Relaxed:
    """The end of a relaxation.

    Attributes
    ----------
    atoms
        A new structure, without calculator.
    start_energy, energy
        In eV, before and after.
    force
        The largest that is left on an atom, in eV/Å.
    stress : ndarray, shape (6,)
        In GPa, Voigt order; NaN where the calculator gives none.
    steps
        Done.
    converged
        Whether the largest force, the cell's among them, fell to the limit.
    """

    atoms: Atoms
    start_energy: float
    energy: float
    force: float
    stress: Floats
    steps: int
    converged: bool


def relax(
    atoms: Atoms,
    calculator: Any,
    relaxation: Relaxation | None = None,
    *,
    free: Free = "cell",
    observer: Callable[[int, float, float], None] | None = None,
) -> Relaxed:
    """Relax the atoms of a structure, and the strains of its cell that are free.

    Parameters
    ----------
    atoms
        It is not changed.
    calculator
        Any ASE calculator with forces; with stress, unless nothing of the cell is free.
    relaxation
        The default is `Relaxation()`.
    free
        ``"cell"``: all of it. ``"shape"``: lengths and angles, at fixed volume. ``"normal"``: its height along z.
        ``"out of plane"``: height and shears along z; the in-plane cell stays. ``"nothing"``.
    observer
        Called with steps done, energy in eV and the largest force in eV/Å, before the first step and after each.

    Returns
    -------
    Relaxed

    Raises
    ------
    StructureError
        The energy is not finite.
    ValueError
        An unknown `free`.
    """
    from ase import optimize
    from ase.calculators.calculator import PropertyNotImplementedError
    from ase.filters import FrechetCellFilter

    if free not in get_args(Free):
        raise ValueError(f"free {free!r}: expected one of {', '.join(get_args(Free))}")
    how = Relaxation() if relaxation is None else relaxation
    moving: Atoms = atoms.copy()
    moving.calc = calculator
    start = _energy(moving)
    target = (
        moving
        if free == "nothing"
        else FrechetCellFilter(moving, mask=list(_MASKS[free]), constant_volume=free == "shape")
    )
    with _small_matrices(), getattr(optimize, how.optimizer)(target, logfile=None) as optimizer:
        converged = False
        for reached in optimizer.irun(fmax=how.fmax, steps=how.steps):
            converged = bool(reached)
            energy = _energy(moving)
            if observer is not None:  # the forces of a free cell cost more than those of the atoms
                observer(optimizer.nsteps, energy, _largest_force(target))
        steps = optimizer.nsteps
    try:
        stress = EV_PER_ANGSTROM3_TO_GPA * np.asarray(moving.get_stress(), dtype=np.float64)
    except PropertyNotImplementedError:
        stress = np.full(6, np.nan)
    end = _energy(moving)
    force = _largest_force(moving)
    moving.calc = None
    return Relaxed(
        atoms=moving,
        start_energy=start,
        energy=end,
        force=force,
        stress=stress,
        steps=steps,
        converged=converged,
    )


@contextmanager
def _small_matrices() -> Iterator[None]:
    """Keep logarithms of 3 x 3 cells from starting the threads of BLAS and from warning of errors of 1e-13."""
    with one_blas_thread(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "logm result may be inaccurate", RuntimeWarning)
        yield


def _energy(atoms: Atoms) -> float:
    energy = float(atoms.get_potential_energy())
    if not math.isfinite(energy):
        raise StructureError(
            f"energy {energy} of {atoms.get_chemical_formula('metal')}: expected a finite one; atoms on top of each "
            "other need a larger gap or contact"
        )
    return energy


def _largest_force(target: Any) -> float:
    return float(np.linalg.norm(target.get_forces(), axis=1).max())
