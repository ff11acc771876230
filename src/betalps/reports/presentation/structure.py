"""Distributions, polyanions, angles, rotation, maps, profiles, disorder."""

from __future__ import annotations

from betalps.analysis import (
    BondAngles,
    ConcentrationProfile,
    Correlation,
    DensityGrid,
    Disorder,
    PaddleWheel,
    PlanarDensity,
    Polyanions,
    RadialDistributions,
    Reorientation,
)
from betalps.reports.density import plot_density
from betalps.reports.disorder import plot_disorder
from betalps.reports.presentation.quantity import Presentation, Quantity, present
from betalps.reports.structure_plots import (
    plot_bond_angles,
    plot_paddle_wheel,
    plot_planar_density,
    plot_polyanions,
    plot_profile,
    plot_rdf,
    plot_reorientation,
)


@present.register
def _(result: RadialDistributions) -> Presentation:
    quantities = []
    for name, one in result.partials.items():
        first, _, second = name.partition("-")
        text = ", ".join(f"{peak:.2f}" for peak in one.peaks[:3]) or "none"
        note = "" if one.first_minimum is None else f"first minimum {one.first_minimum:.2f} Å"
        quantities.append(Quantity(name=f"peaks of {first}–{second}", value=text, unit="Å", note=note))
        if one.coordination_number is not None:
            within = f"within {one.first_minimum:.2f} Å"
            quantities.append(Quantity(name=f"{second} about {first}", value=one.coordination_number, note=within))
    return Presentation(
        title="Radial distribution functions",
        quantities=tuple(quantities),
        figures={"": lambda: plot_rdf(result)},
        notes=(f"{result.frames} frames, bins of {result.parameters['width']:.3g} Å",),
    )


@present.register
def _(result: Polyanions) -> Presentation:
    centre = result.parameters["centre"]
    shares = [
        Quantity(name=f"{centre} in {kind}", value=100.0 * float(share), error=100.0 * float(error), unit="%")
        for kind, share, error in zip(result.kinds, result.fractions, result.fraction_errors, strict=True)
        if share > 0.0
    ]
    bonds = tuple(
        f"longest {pair.replace('-', '–')} bond {value:.2f} Å: {result.cutoff_from[pair]}"
        for pair, value in result.cutoffs.items()
    )
    return Presentation(
        title="Polyanions", quantities=tuple(shares), figures={"": lambda: plot_polyanions(result)}, notes=bonds
    )


@present.register
def _(result: BondAngles) -> Presentation:
    name = "–".join(result.triplet)
    reach = " and ".join(f"{pair.replace('-', '–')} {value:.2f} Å" for pair, value in result.cutoffs.items())
    return Presentation(
        title=f"Bond angle {name}",
        quantities=(
            Quantity(name=f"mean {name}", value=result.mean, error=result.mean_error, unit="°"),
            Quantity(name="standard deviation", value=result.deviation, unit="°"),
            Quantity(name=f"angles of a {result.triplet[1]}", value=result.per_centre),
        ),
        figures={"": lambda: plot_bond_angles(result)},
        notes=(f"legs up to {reach}",),
    )


@present.register
def _(result: Reorientation) -> Presentation:
    low, high = (1e3 * bound for bound in result.rotation_interval)
    excluded = f"; {result.excluded} do not last" if result.excluded else ""
    return Presentation(
        title=f"Rotation of {result.parameters['centre']}{result.parameters['ligand']}4",
        quantities=(
            Quantity(name="tetrahedra", value=result.tetrahedra, note=f"followed{excluded}"),
            Quantity(name="rotations onto themselves", value=result.rotations),
            Quantity(
                name="rotation rate", value=1e3 * result.rotation_rate, interval=(low, high), unit="1/ns", note="each"
            ),
            _decay("decay of C1", result.bond_first),
            _decay("decay of C2", result.bond_second),
            _decay("decay of C3", result.shape),
        ),
        figures={"": lambda: plot_reorientation(result)},
        notes=(f"bonds up to {result.parameters['cutoff']:.2f} Å",),
    )


def _decay(name: str, found: Correlation) -> Quantity:
    if not found.resolved:
        return Quantity(name=name, value="not resolved", unit="1/ns")
    note = f"fitted from {found.start:.3g} to {found.stop:.3g} ps"
    return Quantity(name=name, value=1e3 * found.rate, error=1e3 * found.rate_error, unit="1/ns", note=note)


@present.register
def _(result: PaddleWheel) -> Presentation:
    told = result.parameters
    verdict = "jumps and rotations coincide" if result.correlated else "no coincidence in time resolved"
    return Presentation(
        title=f"Jumps of {result.species} and rotation of {told['centre']}{told['ligand']}4",
        quantities=(
            Quantity(
                name="correlation at the same time",
                value=result.correlation,
                error=result.null_deviation,
                note=f"± of shifted times; p = {result.p_value:.2g}: {verdict}",
            ),
            Quantity(
                name="rotation with a jump near", value=result.angle_with, error=result.angle_with_error, unit="°"
            ),
            Quantity(name="rotation without", value=result.angle_without, error=result.angle_without_error, unit="°"),
            Quantity(name="jumps", value=result.jumps, note=f"{result.near:.0%} near one of {result.tetrahedra}"),
        ),
        figures={"": lambda: plot_paddle_wheel(result)},
        notes=(
            f"{result.windows} windows of {told['window']:g} ps",
            f"a jump is above {told['jump_length']:g} Å, near is within {told['reach']:g} Å",
        ),
    )


@present.register
def _(result: PlanarDensity) -> Presentation:
    return Presentation(
        title=f"Map of {result.species} along {'abc'[result.axis]}",
        quantities=(
            Quantity(name=f"{result.species} on the map", value=result.atoms, note="on average"),
            Quantity(name="highest density", value=float(result.density.max()), unit="Å⁻²"),
            Quantity(name="pixel", value=result.parameters["spacing"], unit="Å"),
        ),
        figures={"": lambda: plot_planar_density(result)},
        notes=(f"{result.parameters['frames']} frames",),
    )


@present.register
def _(result: DensityGrid) -> Presentation:
    shape = " × ".join(map(str, result.parameters["shape"]))
    return Presentation(
        title=f"Density of {result.species}",
        quantities=(
            Quantity(name=f"{result.species} in the grid", value=result.atoms, note="on average"),
            Quantity(name="highest density", value=float(result.density.max()), unit="Å⁻³"),
            Quantity(name="grid", value=shape, note=f"points, {result.parameters['spacing']:g} Å apart"),
        ),
        figures={"": lambda: plot_density(result)},
        notes=(f"{result.parameters['frames']} frames",),
    )


@present.register
def _(result: ConcentrationProfile) -> Presentation:
    species = result.species
    quantities = [
        Quantity(name=f"bulk {species}", value=result.bulk, error=result.bulk_error, unit="Å⁻³"),
        Quantity(name=f"mean {species}", value=result.mean, unit="Å⁻³"),
    ]
    for place, excess, error in zip(result.boundaries, result.excess, result.excess_error, strict=True):
        kind = "enrichment" if excess > 0.0 else "depletion"
        quantities.append(
            Quantity(name=f"excess at {place:.1f} Å", value=float(excess), error=float(error), unit="Å⁻²", note=kind)
        )
    return Presentation(
        title=f"Concentration of {species} along {'abc'[result.axis]}*",
        quantities=tuple(quantities),
        figures={"": lambda: plot_profile(result)},
        notes=(
            f"kernel of {result.bandwidth:.2g} Å",
            f"excess within {result.window:.3g} Å",
            f"bulk beyond {result.parameters['bulk_distance']:.3g} Å",
        ),
    )


@present.register
def _(result: Disorder) -> Presentation:
    undefined = (f"{result.undefined} atoms, frame by frame, have no parameter",) if result.undefined else ()
    return Presentation(
        title=f"Disorder parameter of {', '.join(result.species)}",
        quantities=(
            Quantity(name="mean S_j", value=result.mean, error=result.error, note="0 is order, 2 is none"),
            Quantity(name="standard deviation", value=result.deviation),
        ),
        figures={"": lambda: plot_disorder(result)},
        notes=(result.definition, *undefined),
    )
