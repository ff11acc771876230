"""Elastic constants of a crystal at 0 K, with any ASE calculator: small strains, relaxed ions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from betalps.analysis.energetics._elastic_moduli import MODULI, polycrystal
from betalps.analysis.energetics._elastic_symmetry import invariant_tensors, point_group, response, strain_patterns
from betalps.analysis.energetics._strained import (
    FINE,
    SCALE,
    TENSORS,
    Observer,
    check_crystal,
    deformed,
    how_relaxed,
    tell,
)
from betalps.analysis.energetics.relaxation import Relaxation, Relaxed, relax
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.typing import Floats
from betalps.units import EV_PER_ANGSTROM3_TO_GPA

if TYPE_CHECKING:
    from ase import Atoms

_STAGE = "elastic tensor"
_LARGEST = 0.05  # of a strain that is called small
_ZERO = 1e-9  # what a unit strain shows of a constant where symmetry lets it show nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class ElasticTensor(Result):
    """The elastic constants of a crystal, and the moduli of a polycrystal of it.

    Standard errors come from the residuals of the linear fit: what is not linear in the strain, and ions that are not
    quite relaxed. They say nothing about how good the calculator is.

    Attributes
    ----------
    constants, constants_error : (6, 6) array
        Voigt's notation, in the Cartesian axes of the structure; zero errors where symmetry fixes a constant.
    eigenvalues : (6,) array
        Of the stiffness in Mandel's notation, ascending.
    stable : bool
        Born's criterion, that all eigenvalues are positive (Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014)).
    bulk_voigt, bulk_reuss, shear_voigt, shear_reuss : float
        Upper and lower bounds of the moduli of a polycrystal. As everything that follows, NaN in an unstable crystal.
    bulk_modulus, bulk_modulus_error, shear_modulus, shear_modulus_error : float
        Hill's means of the bounds.
    young_modulus, young_modulus_error, poisson_ratio, poisson_ratio_error : float
        From Hill's means.
    anisotropy : float
        The universal index: zero for an isotropic crystal.
    space_group : str or None
        By which the constants were reduced; None where no symmetry was used.
    independent : int
        Constants that the symmetry leaves free.
    residual : float
        Root mean square deviation of the fit: stresses, or energies per volume.
    symmetry_residual : float
        The largest stress where the symmetry allows none: far above `residual`, the symmetry is not that of the
        calculator. NaN from energies.
    residual_stress : (6,) array
        Of the unstrained crystal, Voigt's order; NaN where the calculator gives none.
    converged : bool
        Whether every relaxation reached the limit.
    force : float
        The largest that any relaxation left on an atom.
    atoms : ase.Atoms
        The unstrained crystal, without calculator. Not part of `to_dict`.
    parameters : dict
        ``strains`` (amplitudes), ``patterns`` (Mandel's components), ``method``, ``symprec`` (Å), ``relax_cell``,
        ``fmax`` (eV/Å), ``steps``, ``optimizer``.
    """

    units: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("constants", "constants_error", "eigenvalues", "residual", "symmetry_residual"), "GPa"),
        **dict.fromkeys(MODULI[:7], "GPa"),
        **{f"{name}_modulus_error": "GPa" for name in ("bulk", "shear", "young")},
        "residual_stress": "GPa",
        "force": "eV/angstrom",
    }
    constants: Floats
    constants_error: Floats
    eigenvalues: Floats
    stable: bool
    bulk_voigt: float
    bulk_reuss: float
    bulk_modulus: float
    bulk_modulus_error: float
    shear_voigt: float
    shear_reuss: float
    shear_modulus: float
    shear_modulus_error: float
    young_modulus: float
    young_modulus_error: float
    poisson_ratio: float
    poisson_ratio_error: float
    anisotropy: float
    space_group: str | None
    independent: int
    residual: float
    symmetry_residual: float
    residual_stress: Floats
    converged: bool
    force: float
    atoms: Atoms
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As `Result.to_dict`, without the structure."""
        found = super().to_dict()
        del found["atoms"]
        return found


def elastic_tensor(
    atoms: Atoms,
    calculator: Any,
    *,
    strain: float = 0.005,
    points: int = 2,
    method: Literal["stress", "energy"] = "stress",
    relax_cell: bool = True,
    relaxation: Relaxation = FINE,
    symmetry: bool = True,
    symprec: float = 0.02,
    observer: Observer | None = None,
) -> ElasticTensor:
    """Elastic constants by finite strains, the ions relaxed under each.

    Parameters
    ----------
    atoms : ase.Atoms
        A periodic crystal in any orientation. It is not changed.
    calculator
        Any ASE calculator with energies and forces, and stresses but for ``method="energy"`` with
        ``relax_cell=False``.
    strain : float
        The largest, of either sign; of a shear √2 times the tensor component.
    points : int
        Amplitudes of each sign, evenly spaced up to `strain`.
    method : {"stress", "energy"}
        What the constants are fitted to. Energies need more and larger strains for the same precision.
    relax_cell : bool
        Relax the cell first. Constants of a crystal under stress are others.
    relaxation : Relaxation
        ``steps=0`` gives the constants of clamped ions.
    symmetry : bool
        Let spglib find the symmetry, strain no more than it needs, and keep to it. Without it all 21 constants are
        fitted, as in a glass.
    symprec : float, Å
        Tolerance of spglib.
    observer
        Called with a `BulkProgress` before the first relaxation and after each.

    Returns
    -------
    ElasticTensor

    Raises
    ------
    StructureError
        A structure that is not periodic, without symmetry, or of energy that is not finite.
    ValueError
        A strain that is not small, no amplitude, an unknown method.

    Notes
    -----
    Of a pair of strains ±e the odd part of the stress is C e + O(e³), and the even part of the energy, per volume,
    e C e / 2 + O(e⁴); all pairs are fitted together by the constants that the symmetry leaves free.
    """
    _check(atoms, strain, points, method)
    start = relax(atoms, calculator, relaxation, free="cell" if relax_cell else "nothing")
    group = point_group(start.atoms, symprec) if symmetry else None
    basis = invariant_tensors(np.eye(3)[None] if group is None else group.rotations)
    patterns = strain_patterns(basis, method)
    amplitudes = strain * np.arange(1, points + 1) / points
    pairs = _Pairs(start, calculator, relaxation, observer, len(patterns) * points)
    odd, even = [], []
    for pattern in patterns:
        for amplitude in amplitudes:
            stress, energy = pairs.measure(amplitude * pattern)
            odd.append(stress)
            even.append(energy)
    seen = np.concatenate(odd) if method == "stress" else np.array(even)
    powers = amplitudes if method == "stress" else 0.5 * amplitudes**2
    design = np.concatenate([power * response(basis, pattern, method) for pattern in patterns for power in powers])
    fit = _fit(design, seen)
    return ElasticTensor(
        **_constants(basis, fit),
        space_group=None if group is None else group.name,
        independent=len(basis),
        residual=fit.residual,
        symmetry_residual=fit.forbidden if method == "stress" else float("nan"),
        residual_stress=start.stress,
        converged=pairs.converged,
        force=pairs.force,
        atoms=start.atoms,
        parameters={
            "strains": amplitudes.tolist(),
            "patterns": np.array(patterns).tolist(),
            "method": method,
            "symprec": symprec,
            "relax_cell": relax_cell,
            **how_relaxed(relaxation),
        },
    )


def _check(atoms: Atoms, strain: float, points: int, method: str) -> None:
    check_crystal(atoms, "elastic constants")
    if not 0.0 < strain <= _LARGEST:
        raise ValueError(f"strain {strain!r}: expected a small one, above 0 and at most {_LARGEST}")
    if type(points) is not int or points < 1:
        raise ValueError(f"points {points!r}: expected at least 1 amplitude")
    if method not in get_args(Literal["stress", "energy"]):
        raise ValueError(f"method {method!r}: expected 'stress' or 'energy'")


class _Pairs:
    """Strains of both signs, with what the relaxations were like."""

    def __init__(self, start: Relaxed, calculator: Any, how: Relaxation, observer: Observer | None, total: int) -> None:
        self._start, self._calculator, self._how = start, calculator, how
        self._observer, self._done, self._total = observer, 0, 2 * total
        self.converged, self.force = start.converged or how.steps == 0, start.force
        tell(observer, _STAGE, 0, self._total)

    def measure(self, strain: Floats) -> tuple[Floats, float]:
        """The odd part of the stress (6,) and the even part of the energy per volume, GPa, in Mandel's components."""
        plus, minus = (self._relaxed(sign * strain) for sign in (1.0, -1.0))
        energy = 0.5 * (plus.energy + minus.energy) - self._start.energy
        stress = 0.5 * SCALE * (plus.stress - minus.stress)
        return stress, EV_PER_ANGSTROM3_TO_GPA * energy / float(self._start.atoms.get_volume())

    def _relaxed(self, strain: Floats) -> Relaxed:
        moved = deformed(self._start.atoms, np.einsum("a,aij->ij", strain, TENSORS))
        end = relax(moved, self._calculator, self._how, free="nothing")
        self.converged &= end.converged or self._how.steps == 0
        self.force = max(self.force, end.force)
        self._done += 1
        tell(self._observer, _STAGE, self._done, self._total)
        return end


class _Fit(NamedTuple):
    values: Floats  # (constants,) components along the invariant tensors
    covariance: Floats
    residual: float
    forbidden: float


def _fit(design: Floats, seen: Floats) -> _Fit:
    """Least squares; equations in which no constant takes part are not counted as if they had been fitted well.

    Raises
    ------
    StructureError
        What was seen is not finite, for want of stresses for example.
    """
    if not np.isfinite(seen).all():
        raise StructureError("the calculator gives no stress, or none that is finite: expected one; or method='energy'")
    told = np.linalg.norm(design, axis=1) > _ZERO * np.abs(design).max()
    values, *_ = np.linalg.lstsq(design[told], seen[told], rcond=None)
    misfit = seen[told] - design[told] @ values
    freedom = int(told.sum()) - len(values)
    variance = float(misfit @ misfit) / freedom if freedom else np.nan
    return _Fit(
        values=values,
        covariance=variance * np.linalg.inv(design[told].T @ design[told]),
        residual=float(np.sqrt(np.mean(misfit**2))),
        forbidden=float(np.abs(seen[~told]).max(initial=0.0)),
    )


def _constants(basis: Floats, fit: _Fit) -> dict[str, Any]:
    """Constants and moduli with their errors, and whether the crystal is stable."""
    shape = np.outer(SCALE, SCALE)
    mandel = np.einsum("k,kab->ab", fit.values, basis)
    variances = np.einsum("kl,kab,lab->ab", fit.covariance, basis, basis)
    eigenvalues = np.linalg.eigvalsh(mandel)
    stable = bool(eigenvalues[0] > 0.0)
    if stable:
        moduli = polycrystal(mandel / shape)
        step = 1e-4 * float(eigenvalues[0])
        slopes = np.array([polycrystal((mandel + step * one) / shape) - moduli for one in basis]) / step
        errors = np.sqrt(np.einsum("km,kl,lm->m", slopes, fit.covariance, slopes))
    else:
        moduli = errors = np.full(len(MODULI), np.nan)
    found = dict(zip(MODULI, moduli.tolist(), strict=True))
    told = dict(zip(MODULI, errors.tolist(), strict=True))
    return {
        "constants": mandel / shape,
        "constants_error": np.sqrt(np.maximum(variances, 0.0)) / shape,
        "eigenvalues": eigenvalues,
        "stable": stable,
        **found,
        **{f"{name}_error": told[name] for name in ("bulk_modulus", "shear_modulus", "young_modulus", "poisson_ratio")},
    }
