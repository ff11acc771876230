"""Diffusion, conductivity and their dependence on temperature."""

from __future__ import annotations

import math

from betalps.analysis import (
    Arrhenius,
    CollectiveDiffusion,
    Conductivity,
    Diffusion,
    Estimate,
    RegionalDiffusion,
    Replicas,
    Survival,
)
from betalps.reports.diffusion import plot_arrhenius_lines, plot_collective, plot_diffusion
from betalps.reports.presentation.quantity import Presentation, Quantity, present
from betalps.reports.regional import plot_regional, plot_survival
from betalps.units import ANGSTROM2_PER_PS_TO_CM2_PER_S

_ALONE = 2.0
_UNLIKELY = 0.05  # that runs of one system differ so much


def diffusivity(name: str, estimate: Estimate) -> Quantity:
    """A diffusion coefficient with its interval, or its upper bound and why it is no more."""
    if not estimate.resolved:
        bound = ANGSTROM2_PER_PS_TO_CM2_PER_S * estimate.upper_bound
        return Quantity(name=name, value=f"below {bound:.3g}", unit="cm²/s", note=f"not resolved: {estimate.why}")
    low, high = (ANGSTROM2_PER_PS_TO_CM2_PER_S * bound for bound in estimate.interval)
    value = ANGSTROM2_PER_PS_TO_CM2_PER_S * estimate.diffusivity
    # A mean of directions, or a sum of charges, is of one thing alone.
    several = estimate.effective_atoms > _ALONE
    note = f"{estimate.effective_atoms:.3g} independent ions, " if several else ""
    note += f"{estimate.hops:.3g} net hops"
    return Quantity(name=name, value=value, unit="cm²/s", interval=(low, high), note=note)


def dimensionless(name: str, value: float | None, interval: tuple[float, float] | None) -> Quantity:
    """A ratio of two diffusion coefficients."""
    if value is None or not math.isfinite(value):
        return Quantity(name=name, value="not resolved")
    return Quantity(name=name, value=value, interval=interval)


@present.register
def _(result: Diffusion) -> Presentation:
    window = result.window
    along = (
        diffusivity("D along ({:.2g}, {:.2g}, {:.2g})".format(*axis), estimate)
        for axis, estimate in zip([] if result.msd.axes is None else result.msd.axes, result.along, strict=True)
    )
    return Presentation(
        title=f"Diffusion of {result.species}",
        quantities=(
            diffusivity(f"D of {result.species}", result.total),
            *(diffusivity(f"D along {name}", getattr(result, name)) for name in "xyz"),
            *along,
            Quantity(name="fitted lags", value=f"{window.start:.3g} to {window.stop:.3g}", unit="ps", note=window.why),
        ),
        figures={"": lambda: plot_diffusion(result)},
        notes=(f"{result.frames} frames, {result.duration:.4g} ps, {result.atoms} {result.species}",),
    )


@present.register
def _(result: Replicas) -> Presentation:
    chance = result.p_values["total"]
    verdict = "they agree" if chance >= _UNLIKELY else "they differ by more than their errors"
    return Presentation(
        title=f"Diffusion of {result.species}, {result.replicas} runs together",
        quantities=(
            diffusivity(f"D of {result.species}", result.total),
            *(diffusivity(f"D along {name}", getattr(result, name)) for name in "xyz"),
            Quantity(name="chance of such a scatter", value=chance, note=verdict),
        ),
    )


@present.register
def _(result: CollectiveDiffusion) -> Presentation:
    quantities = [
        diffusivity("D of the charge", result.total),
        *(diffusivity(f"D of the charge along {name}", getattr(result, name)) for name in "xyz"),
        dimensionless("Haven ratio", result.haven_ratio, result.haven_interval),
    ]
    notes: tuple[str, ...] = ()
    if result.conductivity is not None and result.total.resolved:
        shown = present(result.conductivity)
        quantities += shown.quantities
        notes = shown.notes
    return Presentation(
        title=f"Diffusion of the charge of {result.species}",
        quantities=tuple(quantities),
        figures={"": lambda: plot_collective(result)},
        notes=notes,
    )


@present.register
def _(result: RegionalDiffusion) -> Presentation:
    quantities = [diffusivity(f"D of {result.species} inside", result.total)]
    if result.lateral is not None and result.normal is not None:
        quantities += [diffusivity("D along the slab", result.lateral), diffusivity("D across it", result.normal)]
    quantities += [
        diffusivity(f"D along {name}" + (" (across the border)" if crossing else ""), estimate)
        for name, crossing, estimate in zip(result.names, result.crossing, result.directions, strict=True)
    ]
    if result.xi is not None:
        quantities.append(dimensionless("ξ, across over along", result.xi, result.xi_interval))
    return Presentation(
        title=f"Diffusion of {result.species} in the region",
        quantities=(*quantities, *present(result.survival).quantities),
        figures={"": lambda: plot_regional(result)},
        notes=(f"method: {result.method}",),
    )


@present.register
def _(result: Survival) -> Presentation:
    stays = result.residence_time
    return Presentation(
        title=f"How long {result.species} stays in the region",
        quantities=(
            Quantity(
                name=f"{result.species} inside",
                value=result.ions,
                error=result.ions_error,
                note=f"{result.fraction:.1%} of all; {result.entered} different ones",
            ),
            Quantity(name="1/e of them stay for", value="longer than seen" if stays is None else stays, unit="ps"),
        ),
        figures={"": lambda: plot_survival(result)},
    )


@present.register
def _(result: Conductivity) -> Presentation:
    return Presentation(
        title="Conductivity",
        quantities=(
            Quantity(
                name=f"σ at {result.temperature:g} K",
                value=result.conductivity_mS_per_cm,
                interval=result.interval_mS_per_cm,
                unit="mS/cm",
                note=f"{result.conductivity:.3g} S/cm",
            ),
        ),
        notes=(result.assumptions,),
    )


@present.register
def _(result: Arrhenius) -> Presentation:
    quantities = [
        Quantity(
            name="activation energy",
            value=result.activation_energy,
            error=result.activation_energy_error,
            unit="eV",
            note="95 %: {:.3f} to {:.3f}".format(*result.activation_energy_interval),
        ),
        Quantity(
            name=f"D at {result.target_temperature:g} K",
            value=result.target_diffusivity_cm2_per_s,
            interval=result.target_interval_cm2_per_s,
            unit="cm²/s",
            note="extrapolated" if result.extrapolated else "",
        ),
        Quantity(name="χ² per degree of freedom", value=result.chi2_reduced, note=result.model),
    ]
    if result.break_temperature is not None:
        name = "the line breaks at"
        quantities.append(Quantity(name=name, value=result.break_temperature, interval=result.break_interval, unit="K"))
    return Presentation(
        title="Diffusion against temperature",
        quantities=tuple(quantities),
        figures={"": lambda: plot_arrhenius_lines(result)},
        notes=tuple(f"{item['temperature_K']:g} K is left out: {item['why']}" for item in result.excluded),
    )
