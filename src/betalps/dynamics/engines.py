"""Which engine moves the atoms of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from betalps.dynamics.ase_motion import AseMotion
from betalps.dynamics.motion import Conditions, Motion
from betalps.protocols import RunSpec

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

InProcess = Literal["native", "ase"]


def choose_engine(spec: RunSpec, calculator: Calculator) -> InProcess:
    """The engine of a run in this process.

    Parameters
    ----------
    spec
        Its `engine`; "auto" takes the core's own loop for a moment tensor potential, and ASE's for the rest.
    calculator
        What the run computes forces with.

    Raises
    ------
    ValueError
        The engine is "lammps", or "native" with another calculator.
    """
    if spec.engine == "lammps":
        raise ValueError("engine is 'lammps'; this function runs in process, expected auto, native or ase")
    from betalps.calculators import MTP

    if spec.engine == "native" and not isinstance(calculator, MTP):
        found = type(calculator).__name__
        raise ValueError(f"engine is 'native'; it needs a moment tensor potential, the calculator is {found}")
    if spec.engine == "ase" or not isinstance(calculator, MTP):
        return "ase"
    return "native"


def set_in_motion(engine: InProcess, atoms: Atoms, conditions: Conditions) -> Motion:
    """Atoms with momenta and a calculator, moving under a stage's conditions from its start."""
    if engine == "ase":
        return AseMotion(atoms, conditions)
    from betalps.dynamics.native_motion import NativeMotion

    return NativeMotion(atoms, conditions)
