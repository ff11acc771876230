"""Kinds of ``betalps analyse``: diffusion, in regions too, and what it makes of conductivity and temperature."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from betalps.cli.analyse.kind import Kind, Watch, add_species, of_one_among
from betalps.cli.analyse.regions import region_of
from betalps.cli.analyse.source import Source

if TYPE_CHECKING:
    from betalps.analysis import Diffusion, Estimate, Result

_METHODS = ("border", "resident", "survival", "study")


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_species(parser)
    parser.add_argument("--charge", type=float, default=1.0, metavar="Z", help="of an ion (%(default)s)")
    parser.add_argument(
        "--fit-start", type=float, metavar="PS", help="where the line begins; by default a test finds it"
    )
    parser.add_argument("--hop-length", type=float, default=3.5, metavar="Å", help="of a jump (%(default)s)")
    parser.add_argument(
        "--method",
        choices=_METHODS,
        default="border",
        help="in a region: whose displacements count; study is that of the reference study (%(default)s)",
    )


def _add_diffusion(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument(
        "--along", type=float, nargs=3, action="append", metavar=("X", "Y", "Z"), help="one more direction; repeatable"
    )
    parser.add_argument(
        "--collective", action="store_true", help="also of the charge: Haven ratio, conductivity with correlations"
    )
    parser.add_argument(
        "--temperature", type=float, metavar="K", help="for a conductivity; by default what the run's folder says"
    )


def _diffusion(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    if arguments.region is not None:
        return _regional(sources, arguments, watch)
    from betalps.analysis import collective_diffusion, combine_runs, diffusion

    found: list[Diffusion] = []
    results: dict[str, Result] = {}
    tell = watch("diffusion")
    for number, source in enumerate(sources):
        label = _label(number, sources)
        options = _fit_options(arguments)
        with of_one_among(source, sources):
            one = diffusion(source.trajectory, arguments.species, along=arguments.along, **options)
        found.append(one)
        results |= {f"diffusion{label}": one, **_conductivity(source, arguments, one.total, label)}
        if arguments.collective:
            kelvin = arguments.temperature or source.temperature
            results[f"collective{label}"] = collective_diffusion(
                source.trajectory, arguments.species, charge=arguments.charge, temperature=kelvin, **options
            )
        tell(number + 1, len(sources))
    if len(found) > 1:
        results["replicas"] = combine_runs(found)
    return results


def _regional(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import regional_diffusion

    results: dict[str, Result] = {}
    tell = watch("diffusion in the region")
    for number, source in enumerate(sources):
        with of_one_among(source, sources):
            region = region_of(arguments.region, source)
            assert region is not None
            results[f"regional-diffusion{_label(number, sources)}"] = regional_diffusion(
                source.trajectory, region, arguments.species, method=arguments.method, **_fit_options(arguments)
            )
        tell(number + 1, len(sources))
    return results


def _conductivity(source: Source, arguments: argparse.Namespace, total: Estimate, label: str) -> dict[str, Result]:
    """By Nernst and Einstein, where there are a diffusion and a temperature."""
    from betalps.analysis import carrier_density, conductivity

    kelvin = arguments.temperature or source.temperature
    if kelvin is None or not total.resolved or not source.trajectory.pbc.all():
        return {}
    density = carrier_density(source.trajectory, arguments.species)
    sigma = conductivity(
        total.diffusivity, total.interval, carrier_density=density, temperature=kelvin, charge=arguments.charge
    )
    return {f"conductivity{label}": sigma}


def _add_arrhenius(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument(
        "--temperatures", type=float, nargs="+", metavar="K", help="of the runs; by default what their folders say"
    )
    parser.add_argument(
        "--target", type=float, default=300.0, metavar="K", help="where D and σ are wanted (%(default)s)"
    )
    parser.add_argument(
        "--regimes", choices=("auto", "one", "two"), default="auto", help="one line, or two that meet (%(default)s)"
    )


def _arrhenius(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.analysis import arrhenius, carrier_density, diffusion, regional_diffusion

    kelvins = _temperatures(sources, arguments.temperatures)
    results: dict[str, Any] = {}
    densities: list[float | None] = []
    tell = watch("diffusion")
    for number, (source, kelvin) in enumerate(zip(sources, kelvins, strict=True)):
        name = f"diffusion-{kelvin:g}K" + (f"-{number + 1}" if kelvins.count(kelvin) > 1 else "")
        options = _fit_options(arguments)
        with of_one_among(source, sources):
            region = region_of(arguments.region, source)
            if region is None:
                results[name] = diffusion(source.trajectory, arguments.species, **options)
                densities.append(carrier_density(source.trajectory, arguments.species))
            else:
                results[name] = inside = regional_diffusion(
                    source.trajectory, region, arguments.species, method=arguments.method, **options
                )
                densities.append(inside.carrier_density)
        tell(number + 1, len(sources))
    totals = [result.total for result in results.values()]
    line = arrhenius(
        kelvins,
        [total.diffusivity for total in totals],
        [total.standard_error for total in totals],
        resolved=[total.resolved for total in totals],
        target_temperature=arguments.target,
        regimes=arguments.regimes,
    )
    coldest = densities[kelvins.index(min(kelvins))]
    found: dict[str, Result] = {**results, "arrhenius": line}
    if coldest is not None:
        found["conductivity"] = line.conductivity(coldest, arguments.charge)
    return found


def _temperatures(sources: Sequence[Source], given: Sequence[float] | None) -> list[float]:
    """Of every run, in K.

    Raises
    ------
    ValueError
        Others than there are runs, or a run whose temperature nobody knows.
    """
    if given is not None:
        if len(given) != len(sources):
            raise ValueError(f"--temperatures: expected one for each of {len(sources)} trajectories, got {len(given)}")
        return [float(kelvin) for kelvin in given]
    found = []
    for source in sources:
        if source.temperature is None:
            raise ValueError(
                f"{source.path}: its temperature is not known; give --temperatures, one for each trajectory"
            )
        found.append(source.temperature)
    return found


def _fit_options(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"fit_start": arguments.fit_start, "hop_length": arguments.hop_length}


def _label(number: int, sources: Sequence[Source]) -> str:
    return f"-{number + 1}" if len(sources) > 1 else ""


KINDS = {
    "diffusion": Kind(
        summary="diffusion coefficients with their intervals; in a region along and across it; of the charge",
        examples="""\
  betalps analyse diffusion run --output figures
  betalps analyse diffusion run --along 1 1 0 --collective
  betalps analyse diffusion run --region boundary           lateral, normal, ξ and who stays
  betalps analyse diffusion run --region boundary --method study
  betalps analyse diffusion seed-1 seed-2 seed-3            do independent runs agree?
""",
        add=_add_diffusion,
        run=_diffusion,
        several=True,
    ),
    "arrhenius": Kind(
        summary="activation energy, D and conductivity at room temperature from runs at several temperatures",
        examples="""\
  betalps analyse arrhenius betalps-study/*K --output figures
  betalps analyse arrhenius a.dump b.dump c.dump --temperatures 600 700 800 --specorder Li,P,S --timestep 0.002
  betalps analyse arrhenius gb/600K gb/700K gb/750K --region boundary
""",
        add=_add_arrhenius,
        run=_arrhenius,
        several=True,
    ),
}
