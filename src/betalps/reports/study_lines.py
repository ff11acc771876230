"""Activation energies and conductivities of a study, by region and direction, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from betalps.analysis import Arrhenius, Conductivity
from betalps.reports.study_sections import Analysed
from betalps.reports.tables import interval, scientific, table
from betalps.typing import Json

_LINE, _CONDUCTIVITY = "line, ", "conductivity, "
_DIRECTIONS = ("all", "in plane", "normal")  # of a region, in this order


class Line(NamedTuple):
    """A line of a table: where, and what was found there; `missing` says why there is nothing."""

    system: str
    region: str
    direction: str
    arrhenius: Json | None
    conductivity: Json | None
    missing: str

    @property
    def why(self) -> str:
        """In few words why there is no line."""
        return "too few temperatures resolved" if "needs 3 different temperatures" in self.missing else self.missing


def by_direction(results: Json, analyses: Sequence[Analysed] = ()) -> tuple[str, str]:
    """Make the table of activation energies and conductivities, and the note below it.

    Parameters
    ----------
    results
        Content of ``results.json``.
    analyses
        What `betalps.studies.analyse_study` returned: the regions.
    """
    kelvin = f"{results['config']['target_temperature']:g} K"
    numbers = ("T, K", "E_a, eV", "95 % interval", f"σ({kelvin}), S/cm", "95 % interval")
    head = ("", "region", "direction", *numbers, "paper")
    rows = []
    before = ("", "")
    for line in lines_of(results, analyses):
        place = (line.system, line.region)
        system = "" if before[0] == line.system else escape(line.system)
        region = "" if before == place else escape(line.region)
        rows.append((system, region, escape(line.direction), *_numbers(line), _paper(results, line)))
        before = place
    note = (
        f"σ by Nernst–Einstein; at {kelvin} it is extrapolated from the temperatures of the fit, and its interval is "
        "statistical. Boundary: Li within 10 Å of a boundary, corrected for ions that leave. Paper: E_a and σ at 300 K "
        f"of {escape(results['reference']['source'])}."
    )
    return table(head, rows), note


def lines_of(results: Json, analyses: Sequence[Analysed] = ()) -> Iterator[Line]:
    """All lines of a study: of each system its whole cell, then its regions. Where no direction has one, the first."""
    for entry in ({"name": "crystal", **results}, *results["others"]):
        yield from _worth_showing(list(_whole(entry)))
        for one in analyses:
            if one.system == entry["name"] and one.temperature is None:
                yield from _worth_showing(list(_regional(one)))


def _worth_showing(lines: list[Line]) -> list[Line]:
    return lines if any(line.arrhenius for line in lines) else lines[:1]


def _whole(entry: Json) -> Iterator[Line]:
    for direction, found in {"all": entry, **entry["directions"]}.items():
        line, sigma = found["arrhenius"], found["target_conductivity"]
        yield Line(entry["name"], "whole cell", direction, line, sigma, found["arrhenius_missing"] or "")


def _regional(one: Analysed) -> Iterator[Line]:
    there = {name.removeprefix(_LINE) for name in (*one.results, *one.missing)}
    for direction in (name for name in _DIRECTIONS if name in there):
        line, sigma = one.results.get(_LINE + direction), one.results.get(_CONDUCTIVITY + direction)
        yield Line(
            one.system,
            one.region,
            direction,
            line.to_dict() if isinstance(line, Arrhenius) else None,
            sigma.to_dict() if isinstance(sigma, Conductivity) else None,
            one.missing.get(_LINE + direction, ""),
        )


def _numbers(line: Line) -> tuple[str, ...]:
    found, sigma = line.arrhenius, line.conductivity
    if found is None or sigma is None:
        return (f'<span class="flag">{escape(line.why)}</span>', *["–"] * 4)
    low, high = found["activation_energy_interval"]
    least, most = sigma["interval"]
    kelvin = sorted(found["temperatures"])
    return (
        f"{kelvin[0]:g} to {kelvin[-1]:g} ({len(kelvin)})",
        f"{found['activation_energy']:.2f} ± {found['activation_energy_error']:.2f}",
        f"{low:.2f} to {high:.2f}".replace("-", "−"),
        scientific(sigma["conductivity"], 1),
        interval(least, most, 1),
    )


def _paper(results: Json, line: Line) -> str:
    """What the paper has: of crystal and glass as a whole, of boundaries and interfaces about them."""
    if line.direction != "all":
        return ""
    reference = results["reference"]
    if line.system == "crystal":
        found = reference
    else:
        found = reference["others"].get(line.system)
        if found is None or line.region != ("whole cell" if line.system == "glass" else "boundary"):
            return ""
    sigma = scientific(found["conductivity_300K_S_per_cm"], 1)
    return f"{found['activation_energy_eV']:.2f} eV, {sigma} S/cm"
