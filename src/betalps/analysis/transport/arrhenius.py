"""How diffusion depends on temperature, and what it is where nobody simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from betalps.analysis.result import Result
from betalps.typing import Floats
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S, thermal_energy

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrhenius(Result):
    """ln D = ln D0 - Ea / (k_B T).

    Parameters
    ----------
    temperatures, diffusivities, standard_errors : (n,) array
        What the line was fitted to.
    activation_energy : float
    activation_energy_error : float
        Standard error, with the scatter about the line where that exceeds the errors.
    activation_energy_interval : (2,) tuple
        95 % interval.
    log_prefactor : float
        ln of D0 in Å²/ps.
    covariance : (2, 2) array
        Of (log_prefactor, activation_energy) from the errors of the diffusivities alone.
    chi2_reduced : float
        Squared deviations from the line over their squared errors, per degree of freedom; far above 1 the
        line or the errors are wrong.
    target_temperature, target_diffusivity : float
    target_interval : (2,) tuple
        95 % interval of the diffusivity at the target temperature, made in ln D.
    target_diffusivity_cm2_per_s, target_interval_cm2_per_s
        The same in cm²/s.
    extrapolated : bool
        Whether the target is outside the fitted temperatures.
    excluded : list of dict
        Temperatures left out and the reason for each.
    parameters : dict
        ``level``, and how the interval was made.
    """

    units: ClassVar[dict[str, str]] = {
        "temperatures": "K",
        "diffusivities": "angstrom^2/ps",
        "standard_errors": "angstrom^2/ps",
        "activation_energy": "eV",
        "activation_energy_error": "eV",
        "activation_energy_interval": "eV",
        "log_prefactor": "ln(angstrom^2/ps)",
        "covariance": "[[1, eV], [eV, eV^2]]",
        "target_temperature": "K",
        "target_diffusivity": "angstrom^2/ps",
        "target_interval": "angstrom^2/ps",
        "target_diffusivity_cm2_per_s": "cm^2/s",
        "target_interval_cm2_per_s": "cm^2/s",
    }
    temperatures: Floats
    diffusivities: Floats
    standard_errors: Floats
    activation_energy: float
    activation_energy_error: float
    activation_energy_interval: tuple[float, float]
    log_prefactor: float
    covariance: Floats
    chi2_reduced: float
    target_temperature: float
    target_diffusivity: float
    target_interval: tuple[float, float]
    target_diffusivity_cm2_per_s: float
    target_interval_cm2_per_s: tuple[float, float]
    extrapolated: bool
    excluded: list[dict[str, Any]]
    parameters: dict[str, Any]

    def at(self, temperatures: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """The line and its 95 % interval.

        Parameters
        ----------
        temperatures : (m,) array, K

        Returns
        -------
        values, low, high : (m,) arrays, Å²/ps
        """
        design = _design(np.asarray(temperatures, dtype=np.float64))
        middle = design @ np.array([self.log_prefactor, self.activation_energy])
        error = np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        half = error * _quantile(self.chi2_reduced, len(self.temperatures) - 2)
        return np.exp(middle), np.exp(middle - half), np.exp(middle + half)


def arrhenius(
    temperatures: ArrayLike,
    diffusivities: ArrayLike,
    standard_errors: ArrayLike,
    *,
    resolved: ArrayLike = True,
    target_temperature: float = 300.0,
) -> Arrhenius:
    """Fit an Arrhenius line to diffusion coefficients.

    Parameters
    ----------
    temperatures : (n,) array, K
    diffusivities, standard_errors : (n,) array, Å²/ps
    resolved : (n,) array of bool
        Temperatures where this is false are excluded, and so are diffusivities or errors that are not
        positive and finite; the result names them.
    target_temperature : float, K
        Where the diffusivity is wanted.

    Returns
    -------
    Arrhenius

    Raises
    ------
    ValueError
        Lengths that differ, a temperature that is not positive, fewer than three usable temperatures.

    Notes
    -----
    Least squares of ln D over 1/(k_B T), weighted with (D / standard error)², with its covariance. Two
    intervals are made: one that takes the errors for what they claim (normal quantile), one that scales them
    to the scatter about the line, chi² over n - 2 (quantile of Student's t with n - 2 degrees of freedom);
    the wider one is given. With few temperatures the second guards against errors that are too small, and its
    width is the price of so few.
    """
    kelvin, values, errors, mask = (
        np.atleast_1d(np.asarray(item))
        for item in np.broadcast_arrays(temperatures, diffusivities, standard_errors, resolved)
    )
    if np.size(diffusivities) != np.size(temperatures) or np.size(standard_errors) != np.size(temperatures):
        raise ValueError(
            f"expected as many diffusivities and errors as temperatures ({np.size(temperatures)}), "
            f"got {np.size(diffusivities)} and {np.size(standard_errors)}"
        )
    if not (np.all(kelvin > 0.0) and target_temperature > 0.0):
        raise ValueError(f"temperatures: expected positive ones in K, got {kelvin} and the target {target_temperature}")
    reasons = [_why_not(*row) for row in zip(values, errors, mask, strict=True)]
    excluded = [{"temperature_K": float(t), "why": why} for t, why in zip(kelvin, reasons, strict=True) if why]
    use = np.array([not why for why in reasons])
    kelvin, values, errors = (item[use].astype(np.float64) for item in (kelvin, values, errors))
    if len(np.unique(kelvin)) < 3:
        raise ValueError(
            f"an Arrhenius line with an uncertainty needs 3 different temperatures, got {kelvin.tolist()}; "
            f"excluded: {excluded}"
        )
    return _fit(kelvin, values, errors, excluded, target_temperature)


def _fit(kelvin: Floats, values: Floats, errors: Floats, excluded: list[dict[str, Any]], target: float) -> Arrhenius:
    design = _design(kelvin)
    weights = (values / errors)[:, None]
    weighted = design * weights
    covariance: Floats = np.linalg.inv(weighted.T @ weighted).astype(np.float64)
    best = covariance @ weighted.T @ (weights[:, 0] * np.log(values))
    freedom = len(kelvin) - 2
    chi2 = float(np.sum((weights[:, 0] * (np.log(values) - design @ best)) ** 2)) / freedom
    error = float(np.sqrt(covariance[1, 1]))
    half = error * _quantile(chi2, freedom)
    row = _design(np.array([target]))[0]
    middle = float(row @ best)
    spread = float(np.sqrt(row @ covariance @ row)) * _quantile(chi2, freedom)
    wanted = np.exp([middle, middle - spread, middle + spread])
    in_cm = ANGSTROM2_PER_PS_TO_CM2_PER_S * wanted
    return Arrhenius(
        temperatures=kelvin,
        diffusivities=values,
        standard_errors=errors,
        activation_energy=float(best[1]),
        activation_energy_error=error * float(np.sqrt(max(1.0, chi2))),
        activation_energy_interval=(float(best[1]) - half, float(best[1]) + half),
        log_prefactor=float(best[0]),
        covariance=covariance,
        chi2_reduced=chi2,
        target_temperature=target,
        target_diffusivity=float(wanted[0]),
        target_interval=(float(wanted[1]), float(wanted[2])),
        target_diffusivity_cm2_per_s=float(in_cm[0]),
        target_interval_cm2_per_s=(float(in_cm[1]), float(in_cm[2])),
        extrapolated=bool(target < kelvin.min() or target > kelvin.max()),
        excluded=excluded,
        parameters={
            "level": _LEVEL,
            "interval": "wider of normal (errors as claimed) and t with n - 2 (errors scaled to the scatter)",
        },
    )


def _design(kelvin: Floats) -> Floats:
    return np.stack([np.ones(len(kelvin)), [-1.0 / thermal_energy(float(t)) for t in kelvin]], axis=1)


def _quantile(chi2_reduced: float, freedom: int) -> float:
    """By what to multiply the claimed error for half the interval."""
    tail = 0.5 * (1.0 - _LEVEL)
    normal, student = float(special.ndtri(tail)), float(special.stdtrit(freedom, tail))
    return max(-normal, -student * float(np.sqrt(chi2_reduced)))


def _why_not(value: float, error: float, resolved: bool) -> str:
    if not resolved:
        return "diffusion not resolved"
    if not (np.isfinite(value) and value > 0.0):
        return f"diffusivity {value:g} is not positive"
    if not (np.isfinite(error) and error > 0.0):
        return f"standard error {error:g} is not positive"
    return ""
