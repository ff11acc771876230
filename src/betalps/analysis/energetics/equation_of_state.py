"""The energy of a crystal against its volume, with any ASE calculator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from betalps.analysis.energetics._strained import FINE, Observer, check_crystal, deformed, how_relaxed, tell
from betalps.analysis.energetics.relaxation import Relaxation, relax
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.typing import Floats
from betalps.units import EV_PER_ANGSTROM3_TO_GPA

if TYPE_CHECKING:
    from ase import Atoms

_STAGE = "equation of state"
_PARAMETERS = 4  # energy, bulk modulus, its derivative, volume
_WIDEST = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class EquationOfState(Result):
    """Third-order Birch–Murnaghan equation of state.

    Standard errors come from the residuals of the fit.

    Attributes
    ----------
    volumes, energies : (points,) array
        Of the whole structure.
    cells : (points, 3, 3) array
        After relaxation of the shape, where that was asked for.
    volume, volume_error : float
        At the minimum.
    energy : float
        At the minimum.
    bulk_modulus, bulk_modulus_error : float
        B = V d²E/dV² at the minimum.
    derivative, derivative_error : float
        dB/dP at the minimum.
    residual : float
        Root mean square deviation of the fit.
    atoms : int
    converged : bool
        Whether every relaxation reached the limit.
    parameters : dict
        ``span``, ``points``, ``relax_shape``, ``fmax`` (eV/Å), ``steps``, ``optimizer``.
    """

    units: ClassVar[dict[str, str]] = {
        "volumes": "angstrom^3",
        "energies": "eV",
        "cells": "angstrom",
        "volume": "angstrom^3",
        "volume_error": "angstrom^3",
        "energy": "eV",
        "bulk_modulus": "GPa",
        "bulk_modulus_error": "GPa",
        "residual": "eV",
    }
    volumes: Floats
    energies: Floats
    cells: Floats
    volume: float
    volume_error: float
    energy: float
    bulk_modulus: float
    bulk_modulus_error: float
    derivative: float
    derivative_error: float
    residual: float
    atoms: int
    converged: bool
    parameters: dict[str, Any]

    def at(self, volumes: Floats) -> Floats:
        """The fitted energy (n,) in eV at volumes (n,) in Å³."""
        from ase.eos import birchmurnaghan

        modulus = self.bulk_modulus / EV_PER_ANGSTROM3_TO_GPA
        return np.asarray(birchmurnaghan(np.asarray(volumes), self.energy, modulus, self.derivative, self.volume))


def equation_of_state(
    atoms: Atoms,
    calculator: Any,
    *,
    span: float = 0.06,
    points: int = 9,
    relax_shape: bool = False,
    relaxation: Relaxation = FINE,
    observer: Observer | None = None,
) -> EquationOfState:
    """Energies of a crystal stretched and compressed evenly, its ions relaxed, and a fit through them.

    Parameters
    ----------
    atoms : ase.Atoms
        A periodic crystal, about as large as it is at rest. It is not changed.
    calculator
        Any ASE calculator with energies and forces; with stresses for `relax_shape`.
    span : float
        Volumes from 1 - `span` to 1 + `span` times that of `atoms`, evenly spaced.
    points : int
        How many volumes, at least 5.
    relax_shape : bool
        Relax the shape of the cell at each volume. Only then is the bulk modulus of a crystal that is not cubic that of
        hydrostatic pressure (Reuss's); with the shape kept it is Voigt's.
    relaxation : Relaxation
        ``steps=0`` leaves the ions where the strain puts them.
    observer
        Called with a `BulkProgress` before the first relaxation and after each.

    Returns
    -------
    EquationOfState

    Raises
    ------
    StructureError
        A structure that is not periodic; energies without a minimum between the volumes.
    ValueError
        A span or a number of points that cannot be fitted.

    Notes
    -----
    F. Birch, Phys. Rev. 71, 809 (1947); fitted by `ase.eos`.
    """
    check_crystal(atoms, _STAGE)
    if not 0.0 < span <= _WIDEST:
        raise ValueError(f"span {span!r}: expected a fraction of the volume, above 0 and at most {_WIDEST}")
    if type(points) is not int or points <= _PARAMETERS:
        raise ValueError(f"points {points!r}: expected at least {_PARAMETERS + 1} volumes")
    volumes, energies, cells, converged = [], [], [], True
    tell(observer, _STAGE, 0, points)
    for number, factor in enumerate(np.cbrt(np.linspace(1.0 - span, 1.0 + span, points))):
        stretched = deformed(atoms, (factor - 1.0) * np.eye(3))
        end = relax(stretched, calculator, relaxation, free="shape" if relax_shape else "nothing")
        volumes.append(end.atoms.get_volume())
        energies.append(end.energy)
        cells.append(end.atoms.cell.array)
        converged &= end.converged or relaxation.steps == 0
        tell(observer, _STAGE, number + 1, points)
    return EquationOfState(
        **_fit(np.array(volumes), np.array(energies)),
        cells=np.array(cells),
        atoms=len(atoms),
        converged=converged,
        parameters={"span": span, "points": points, "relax_shape": relax_shape, **how_relaxed(relaxation)},
    )


def _fit(volumes: Floats, energies: Floats) -> dict[str, Any]:
    from ase import eos

    inside = energies.argmin()
    if inside in {0, len(volumes) - 1}:
        raise StructureError(
            f"the energy is lowest at the {'smallest' if inside == 0 else 'largest'} of the volumes, "
            f"{volumes[inside]:.2f} Å³: expected a minimum between {volumes[0]:.2f} and {volumes[-1]:.2f} Å³; relax "
            "the cell first, or take a wider span"
        )
    fitted = eos.EquationOfState(volumes, energies, eos="birchmurnaghan")
    fitted.fit(warn=False)
    values = np.asarray(fitted.eos_parameters, dtype=np.float64)
    misfit = energies - eos.birchmurnaghan(volumes, *values)
    steps = 1e-5 * np.abs(values)
    slopes = np.array(
        [
            (eos.birchmurnaghan(volumes, *(values + step)) - eos.birchmurnaghan(volumes, *(values - step)))
            for step in np.diag(steps)
        ]
    ).T / (2.0 * steps)
    scale = np.linalg.norm(slopes, axis=0)
    covariance = np.linalg.inv((slopes / scale).T @ (slopes / scale)) / np.outer(scale, scale)
    errors = np.sqrt(np.diag(covariance) * (misfit @ misfit) / (len(volumes) - _PARAMETERS))
    return {
        "volumes": volumes,
        "energies": energies,
        "energy": float(values[0]),
        "bulk_modulus": EV_PER_ANGSTROM3_TO_GPA * float(values[1]),
        "bulk_modulus_error": EV_PER_ANGSTROM3_TO_GPA * float(errors[1]),
        "derivative": float(values[2]),
        "derivative_error": float(errors[2]),
        "volume": float(values[3]),
        "volume_error": float(errors[3]),
        "residual": float(np.sqrt(np.mean(misfit**2))),
    }
