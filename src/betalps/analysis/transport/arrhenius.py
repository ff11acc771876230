"""How diffusion depends on temperature, and what it is where nobody simulated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from betalps.analysis.result import Result
from betalps.analysis.transport._broken_line import FEWEST, BrokenLine, corrected_criterion, fit_broken_line
from betalps.analysis.transport.conductivity import Conductivity, conductivity
from betalps.typing import Floats, Seed
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S, thermal_energy

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrhenius(Result):
    """ln D = ln D0 - Ea / (k_B T), in one temperature regime or two that meet.

    Parameters
    ----------
    temperatures, diffusivities, standard_errors : (n,) array
        What the line was fitted to.
    model : str
        ``"one line"`` or ``"broken line"``. With the latter the activation energy and the prefactor are those of the
        colder regime, which is the one that reaches down to room temperature.
    activation_energy : float
    activation_energy_error : float
        Standard error, with the scatter about the line where that exceeds the errors.
    activation_energy_interval : (2,) tuple
        95 % interval.
    log_prefactor : float
        ln of D0 in Å²/ps.
    covariance : (2, 2) array
        Of (log_prefactor, activation_energy) from the errors of the diffusivities alone.
    break_temperature : float or None
        Where the two regimes meet.
    break_interval : (2,) tuple or None
        95 % interval.
    hot_activation_energy, hot_activation_energy_interval
        Of the hotter regime; None where there is one line.
    criteria : dict of str to float
        Corrected Akaike information criterion of each model; the lower is the better. None where the points are too
        few.
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
        ``level``, ``regimes`` as asked for, and how the interval was made.
    broken, draws : BrokenLine or None
        The broken line in 1/(k_B T), and those through resampled values, from which the intervals come.
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
        "break_temperature": "K",
        "break_interval": "K",
        "hot_activation_energy": "eV",
        "hot_activation_energy_interval": "eV",
        "target_temperature": "K",
        "target_diffusivity": "angstrom^2/ps",
        "target_interval": "angstrom^2/ps",
        "target_diffusivity_cm2_per_s": "cm^2/s",
        "target_interval_cm2_per_s": "cm^2/s",
    }
    temperatures: Floats
    diffusivities: Floats
    standard_errors: Floats
    model: str = "one line"
    activation_energy: float
    activation_energy_error: float
    activation_energy_interval: tuple[float, float]
    log_prefactor: float
    covariance: Floats
    break_temperature: float | None = None
    break_interval: tuple[float, float] | None = None
    hot_activation_energy: float | None = None
    hot_activation_energy_interval: tuple[float, float] | None = None
    criteria: dict[str, float] = field(default_factory=dict)
    chi2_reduced: float
    target_temperature: float
    target_diffusivity: float
    target_interval: tuple[float, float]
    target_diffusivity_cm2_per_s: float
    target_interval_cm2_per_s: tuple[float, float]
    extrapolated: bool
    excluded: list[dict[str, Any]]
    parameters: dict[str, Any]
    broken: BrokenLine | None = field(default=None, repr=False, metadata={"json": False})
    draws: BrokenLine | None = field(default=None, repr=False, metadata={"json": False})

    def conductivity(self, carrier_density: float, charge: float = 1.0) -> Conductivity:
        """Nernst-Einstein conductivity at the target temperature, with its interval.

        Parameters
        ----------
        carrier_density : float, 1/Å³
        charge : float
        """
        return conductivity(
            self.target_diffusivity,
            self.target_interval,
            carrier_density=carrier_density,
            temperature=self.target_temperature,
            charge=charge,
        )

    def at(self, temperatures: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """The line and its 95 % interval.

        Parameters
        ----------
        temperatures : (m,) array, K

        Returns
        -------
        values, low, high : (m,) arrays, Å²/ps
        """
        kelvin = np.asarray(temperatures, dtype=np.float64)
        design = _design(kelvin)
        if self.broken is not None and self.draws is not None:
            values, low, high = _spread(
                self.broken.at(design[:, 1]), self.draws.at(design[:, 1]), self.chi2_reduced, len(self.temperatures) - 4
            )
            return np.exp(values), np.exp(low), np.exp(high)
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
    regimes: Literal["auto", "one", "two"] = "auto",
    draws: int = 1000,
    rng: Seed = 0,
) -> Arrhenius:
    """Fit an Arrhenius line, straight or with one break, to diffusion coefficients.

    Parameters
    ----------
    temperatures : (n,) array, K
    diffusivities, standard_errors : (n,) array, Å²/ps
    resolved : (n,) array of bool
        Temperatures where this is false are excluded, and so are diffusivities or errors that are not
        positive and finite; the result names them.
    target_temperature : float, K
        Where the diffusivity is wanted.
    regimes : {"auto", "one", "two"}
        One line; two that meet at a temperature to be found; or whichever has the lower corrected Akaike information
        criterion. Two need six temperatures.
    draws : int
        Resampled sets of values for the intervals of a broken line.
    rng : int or numpy.random.Generator
        For these.

    Returns
    -------
    Arrhenius

    Raises
    ------
    ValueError
        Lengths that differ, a temperature that is not positive, fewer than three usable temperatures, or than six for
        two regimes.

    Notes
    -----
    Least squares of ln D over 1/(k_B T), weighted with (D / standard error)², with its covariance. Two
    intervals are made: one that takes the errors for what they claim (normal quantile), one that scales them
    to the scatter about the line, chi² over n - 2 (quantile of Student's t with n - 2 degrees of freedom);
    the wider one is given. With few temperatures the second guards against errors that are too small, and its
    width is the price of so few.

    The broken line is continuous. Its intervals come from fits to values that are drawn anew about it with the claimed
    errors (parametric bootstrap), widened in the same way, with n - 4 degrees of freedom. A target below the break is
    extrapolated with the colder regime. The criteria count the scatter beyond the claimed errors as such, so that
    errors that are too small do not make a break.
    """
    if regimes not in {"auto", "one", "two"}:
        raise ValueError(f"regimes: expected auto, one or two, got {regimes!r}")
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
    if regimes == "two" and len(np.unique(kelvin)) < FEWEST:
        raise ValueError(f"two regimes need {FEWEST} different temperatures, got {kelvin.tolist()}")
    points = _Points(kelvin, values, errors, excluded, target_temperature, regimes)
    one = _fit(points)
    if regimes == "one" or len(np.unique(kelvin)) < FEWEST:
        return one
    broken = fit_broken_line(_design(kelvin)[:, 1], np.log(values), errors / values)
    criteria = _criteria(one.chi2_reduced * (len(kelvin) - 2), float(broken.chi2), len(kelvin))
    if regimes == "auto" and criteria["one line"] <= criteria["broken line"]:
        return replace(one, criteria=criteria)
    return _fit_broken(points, broken, criteria, draws, np.random.default_rng(rng))


class _Points(NamedTuple):
    """What a line is fitted to, and what for."""

    kelvin: Floats
    values: Floats
    errors: Floats
    excluded: list[dict[str, Any]]
    target: float
    regimes: str


def _fit(points: _Points) -> Arrhenius:
    kelvin, values, errors, excluded, target, regimes = points
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
            "regimes": regimes,
            "interval": "wider of normal (errors as claimed) and t with n - 2 (errors scaled to the scatter)",
        },
    )


def _fit_broken(
    points: _Points, broken: BrokenLine, criteria: dict[str, float], draws: int, rng: np.random.Generator
) -> Arrhenius:
    kelvin, values, errors, excluded, target, regimes = points
    x, relative = _design(kelvin)[:, 1], errors / values
    freedom = len(kelvin) - 4
    chi2 = float(broken.chi2) / freedom
    drawn = fit_broken_line(x, broken.at(x) + relative * rng.normal(size=(draws, len(x))), relative)
    wanted = _design(np.array([target]))[:, 1]
    middle, low, high = (np.exp(found[0]) for found in _spread(broken.at(wanted), drawn.at(wanted), chi2, freedom))
    # x = -1 / (k_B T) grows with the temperature: the colder regime is the one below the knot.
    (cold, cold_low, cold_high), (hot, hot_low, hot_high), knots = (
        tuple(float(end) for end in _spread(best, many, chi2, freedom))
        for best, many in (*zip(broken.slopes, drawn.slopes, strict=True), (broken.knot, drawn.knot))
    )
    at_break = [float(-1.0 / thermal_energy(knot)) for knot in np.clip(knots, x.min(), x.max())]
    pairs = np.stack([drawn.coefficients[:, 0], drawn.coefficients[:, 1]])
    return Arrhenius(
        temperatures=kelvin,
        diffusivities=values,
        standard_errors=errors,
        model="broken line",
        activation_energy=cold,
        activation_energy_error=float(np.std(pairs[1], ddof=1) * np.sqrt(max(1.0, chi2))),
        activation_energy_interval=(cold_low, cold_high),
        log_prefactor=float(broken.coefficients[0]),
        covariance=np.cov(pairs),
        break_temperature=at_break[0],
        break_interval=(at_break[1], at_break[2]),
        hot_activation_energy=hot,
        hot_activation_energy_interval=(hot_low, hot_high),
        criteria=criteria,
        chi2_reduced=chi2,
        target_temperature=target,
        target_diffusivity=float(middle),
        target_interval=(float(low), float(high)),
        target_diffusivity_cm2_per_s=ANGSTROM2_PER_PS_TO_CM2_PER_S * float(middle),
        target_interval_cm2_per_s=(
            ANGSTROM2_PER_PS_TO_CM2_PER_S * float(low),
            ANGSTROM2_PER_PS_TO_CM2_PER_S * float(high),
        ),
        extrapolated=bool(target < kelvin.min() or target > kelvin.max()),
        excluded=excluded,
        parameters={
            "level": _LEVEL,
            "regimes": regimes,
            "draws": draws,
            "interval": "quantiles of resampled fits, widened to t with n - 4 where the scatter exceeds the errors",
        },
        broken=broken,
        draws=drawn,
    )


def _criteria(one: float, two: float, points: int) -> dict[str, float]:
    excess = max(1.0, two / (points - 4))
    return {
        "one line": corrected_criterion(one, 2, points, excess),
        "broken line": corrected_criterion(two, 4, points, excess),
    }


def _spread(best: Floats, drawn: Floats, chi2: float, freedom: int) -> tuple[Floats, Floats, Floats]:
    """The best value and the ends of its interval, from drawn ones along the first axis."""
    tail = 0.5 * (1.0 - _LEVEL)
    wider = _quantile(chi2, freedom) / -float(special.ndtri(tail))
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return best, np.asarray(best - wider * (best - low)), np.asarray(best + wider * (high - best))


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
