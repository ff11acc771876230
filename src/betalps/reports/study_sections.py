"""What a study's report shows beside diffusion in whole cells: structure, rings, disorder and sites, by region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from betalps.analysis import (
    ConcentrationProfile,
    Disorder,
    Jumps,
    PlanarDensity,
    Polyanions,
    RadialDistributions,
    RegionalDiffusion,
    Reorientation,
    Result,
    Rings,
    SiteOccupancy,
)
from betalps.reports.disorder import plot_disorder
from betalps.reports.page import picture, unfolding
from betalps.reports.presentation import Quantity, present
from betalps.reports.presentation.transport import diffusivity, dimensionless
from betalps.reports.regional import plot_isotropy
from betalps.reports.rings import plot_persistence, plot_persistent_fraction, plot_ring_sizes
from betalps.reports.structure_plots import plot_planar_density, plot_profile
from betalps.reports.study_plots import plot_polyanion_regions, plot_rdf_regions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = TypeVar("Kind", bound=Result)

_CUT = 1.0  # Å


class Analysed(Protocol):
    """What `betalps.studies.analyse_study` gives for each run and region."""

    @property
    def system(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def temperature(self) -> float | None: ...  # noqa: D102
    @property
    def results(self) -> Mapping[str, Result]: ...  # noqa: D102
    @property
    def missing(self) -> Mapping[str, str]: ...  # noqa: D102


def study_sections(analyses: Sequence[Analysed]) -> str:
    """HTML of all sections; empty where there is nothing to show.

    Parameters
    ----------
    analyses
        What `betalps.studies.analyse_study` returned.
    """
    sections = (_structure, _normal, _regional, _sites)
    return "".join(section(analyses) for section in sections) + _missing(analyses)


def _named(analyses: Iterable[Analysed], kind: type[Kind]) -> dict[str, Kind]:
    """Results of a kind by system, region and temperature."""
    return {_label(one): result for one in analyses for result in one.results.values() if isinstance(result, kind)}


def _label(one: Analysed) -> str:
    region = "" if one.region == "whole cell" else f", {one.region}"
    return f"{one.system}{region}, {'all temperatures' if one.temperature is None else f'{one.temperature:g} K'}"


def _structure(analyses: Sequence[Analysed]) -> str:
    """What all regions have in common, side by side."""
    rows = [
        (label, *(_cell(one, name) for name in ("rdf", "polyanions", "disorder", "rings")))
        for label, one in ((_label(one), one) for one in analyses if "rdf" in one.results)
    ]
    if not rows:
        return ""
    head = ("", "Li–S, Å", "P in PS₄, %", "disorder S_j", "f_PD")
    figures = [
        (
            plot_rdf_regions,
            _named(analyses, RadialDistributions),
            "Radial distribution functions, with standard errors.",
        ),
        (plot_polyanion_regions, _named(analyses, Polyanions), "Which P–S units the phosphorus is in."),
        (
            plot_disorder,
            _named(analyses, Disorder),
            "Disorder of lithium about lithium: 0 is order, 2 is none.",
        ),
        (plot_persistent_fraction, _named(analyses, Rings), "Rings of lithium that persist, against the cut."),
        (plot_ring_sizes, _named(analyses, Rings), "How many lithium ions make a ring above the cut of 1 Å."),
    ]
    drawn = "".join(_pictured(draw(found), text) for draw, found, text in figures if found)  # type: ignore[operator]
    maps = "".join(
        _pictured(plot_persistence(found), f"Persistence diagram of lithium: {escape(name)}.")
        for name, found in _named(analyses, Rings).items()
        if len(found.births)
    )
    note = (
        "A boundary is 10 Å about its plane. Li–S: the first peak of g(r). f_PD: the fraction of lithium rings that "
        "persist for more than 1 Å. ± are standard errors."
    )
    lead = f'{_table(head, rows)}<p class="lead">{note}</p>'
    return f"<h2>Structure by region</h2>{lead}{drawn}{unfolding('Persistence diagrams', maps)}"


def _cell(one: Analysed, name: str) -> str:
    """The number of an analysis that the table shows."""
    result = one.results.get(name)
    if isinstance(result, RadialDistributions) and "Li-S" in result.partials:
        peaks = result["Li", "S"].peaks
        return f"{peaks[0]:.2f}" if peaks else "–"
    if isinstance(result, Polyanions):
        error = 100 * result.tetrahedral_error
        return Quantity(name="", value=100 * result.tetrahedral, error=error).text
    if isinstance(result, Disorder):
        return Quantity(name="", value=result.mean, error=result.error).text
    if isinstance(result, Rings):
        fraction, error = result.fraction_above(_CUT)
        return Quantity(name="", value=fraction, error=error).text
    return "–"


def _normal(analyses: Sequence[Analysed]) -> str:
    profiles, maps = _named(analyses, ConcentrationProfile), _named(analyses, PlanarDensity)
    if not profiles and not maps:
        return ""
    text = ""
    for name in dict.fromkeys([*profiles, *maps]):
        if name in profiles:
            told = f"Lithium along the normal of {escape(name)}; grey: the windows in which its excess Γ is counted."
            text += _pictured(plot_profile(profiles[name]), told)
        if name in maps:
            text += _pictured(plot_planar_density(maps[name]), f"Lithium in {escape(name)}; the normal is c.")
    return f"<h2>Lithium at the boundaries</h2>{text}"


def _regional(analyses: Sequence[Analysed]) -> str:
    found = _named(analyses, RegionalDiffusion)
    if not found:
        return ""
    head = ("", "D along, cm²/s", "D across, cm²/s", "ξ", "Li inside", "1/e of them stay for, ps")
    rows = []
    for name, one in found.items():
        stays = one.survival.residence_time
        rows.append(
            (
                name,
                *(("–" if part is None else diffusivity("", part).text) for part in (one.lateral, one.normal)),
                dimensionless("", one.xi, one.xi_interval).text,
                f"{one.survival.ions:.0f}",
                "longer than the run shows" if stays is None else f"{stays:.3g}",
            )
        )
    note = (
        "Of the lithium within 10 Å of a boundary, corrected for ions that leave; in brackets 95 % intervals. "
        "ξ = D across over the larger D along: 1 where all directions are alike."
    )
    short = {name.replace(", boundary", ""): one for name, one in found.items()}
    drawn = _pictured(plot_isotropy(short), "D of the boundary against ξ.") if _resolved(found) else ""
    return f'<h2>Diffusion at the boundaries</h2>{_table(head, rows)}<p class="lead">{note}</p>{drawn}'


def _resolved(found: Mapping[str, RegionalDiffusion]) -> bool:
    return any(one.xi is not None and one.xi == one.xi and one.total.resolved for one in found.values())


def _sites(analyses: Sequence[Analysed]) -> str:
    """Of the crystal: sites, jumps, and how often its tetrahedra turn; of boundaries the latter alone."""
    text = ""
    for kind in (SiteOccupancy, Jumps, Reorientation):
        for name, result in _named(analyses, kind).items():
            shown = present(result)
            rows = [(one.name, one.text, one.unit, one.note) for one in shown.quantities]
            figures = "".join(_pictured(draw(), "") for draw in shown.figures.values())
            text += unfolding(f"{shown.title}: {name}", _table(("", "", "", ""), rows) + figures)
    return f"<h2>Sites, jumps, rotation</h2>{text}" if text else ""


def _missing(analyses: Sequence[Analysed]) -> str:
    single = [one for one in analyses if one.temperature is not None]  # lines say it themselves
    told = [f"{_label(one)}, {name}: {why}" for one in single for name, why in one.missing.items()]
    rows = "".join(f"<li>{escape(line)}</li>" for line in told)
    return unfolding("What was left out, and why", f"<ul>{rows}</ul>") if rows else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head) if any(head) else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table class="wrap">{f"<tr>{top}</tr>" if top else ""}{body}</table></div>'


def _pictured(figure: Figure, caption: str) -> str:
    return picture(figure, caption, caption)
