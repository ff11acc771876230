"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from betalps.files import write_atomic
from betalps.reports.boundary_diffusion import plot_boundary_diffusion
from betalps.reports.page import filled, image, page, picture, read_results, require_kind, settings, unfolding
from betalps.reports.plots import plot_arrhenius, plot_msd, plot_thermodynamics
from betalps.reports.study_lines import by_direction
from betalps.reports.study_sections import Analysed, study_sections
from betalps.reports.tables import boundary_diffusion, by_temperature, cards, comparison, health
from betalps.typing import Json, PathLike

_KIND, _VERSION = "betalps lithium diffusion study", 3


def write_report(results: Json | PathLike, path: PathLike, analyses: Sequence[Analysed] = ()) -> Path:
    """Write the HTML report of a diffusion study.

    Parameters
    ----------
    results
        The dictionary that `betalps.studies.diffusion_study` returned, or the path of its ``results.json``.
    path
        The HTML file to write; replaced atomically.
    analyses
        What `betalps.studies.analyse_study` returned: structure, rings, disorder and sites, by region.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormatError
        If `results` is not what a diffusion study writes.
    """
    path = Path(path)
    write_atomic(path, render_report(read_results(results), analyses).encode())
    return path


def render_report(results: Json, analyses: Sequence[Analysed] = ()) -> str:
    """Make the text of the report.

    Parameters
    ----------
    results
        Content of ``results.json``.
    analyses
        As in `write_report`.

    Returns
    -------
    str
        HTML with style and images inside.

    Raises
    ------
    FormatError
        If `results` is not what a diffusion study writes.
    """
    require_kind(results, _KIND, _VERSION)
    table, table_note = by_temperature(results)
    against, against_note = comparison(results)
    content = filled(
        "study.html",
        cards=cards(results),
        remarks="".join(f"<li>{escape(remark)}</li>" for remark in results["remarks"]),
        arrhenius=image(plot_arrhenius(results)),
        arrhenius_alt="Diffusion coefficient of lithium against inverse temperature, with Arrhenius line.",
        arrhenius_caption=_arrhenius_caption(results),
        table=table,
        table_note=table_note,
        msd=image(plot_msd(results)),
        boundaries=_boundaries(results),
        lines=_lines(results, analyses),
        analyses=study_sections(analyses),
        comparison=against,
        comparison_note=against_note,
        health=health(results),
        thermodynamics=image(plot_thermodynamics(results)),
        details=_details(results),
    )
    return page("Lithium diffusion in β-Li₃PS₄", _lead(results), content)


def _boundaries(results: Json) -> str:
    """The section on glass, grain boundaries and interfaces, empty where the study has none."""
    if not results["others"]:
        return ""
    table, note = boundary_diffusion(results)
    drawn = picture(
        plot_boundary_diffusion(results),
        "Diffusion coefficient of lithium in glass and in cells with boundaries.",
        "D of all Li in the cell, with 95 % intervals; diamonds: along the boundary's normal. "
        "The line is the crystal's Arrhenius fit.",
    )
    title = "Glass, grain boundaries, interfaces"
    return f'<h2>{title}</h2><div class="scroll">{table}</div><p class="lead">{note}</p>{drawn}'


def _lines(results: Json, analyses: Sequence[Analysed]) -> str:
    table, note = by_direction(results, analyses)
    title = "Activation energy and conductivity, by region and direction"
    return f'<h2>{title}</h2><div class="scroll">{table}</div><p class="lead">{note}</p>'


def _lead(results: Json) -> str:
    config, system = results["config"], results["system"]
    cell = " × ".join(f"{length:.2f}" for length in system["cell_A"])
    return escape(
        f"{system['atoms']} atoms ({cell} Å, {system['density_g_per_cm3']:.3f} g/cm³), potential "
        f"{results['potential']['name']}, {config['ensemble'].upper()}, {config['production']:g} ps at each of "
        f"{len(config['temperatures'])} temperatures after {config['equilibration']:g} ps of equilibration."
    )


def _arrhenius_caption(results: Json) -> str:
    line = results["arrhenius"]
    text = "Points: diffusion coefficients with 95 % intervals; arrows: upper bounds where none is resolved. "
    if line is None:
        return escape(f"{text}No line: {results['arrhenius_missing']}.")
    text += (
        "Line: weighted least squares of ln D with its 95 % band, dashed where it is extrapolated. "
        f"Scatter about the line against the errors, chi² per degree of freedom: {line['chi2_reduced']:.2f}. "
        "The diamond is the conductivity of the reference study turned into D by Nernst–Einstein."
    )
    left_out = "; ".join(f"{item['temperature_K']:g} K ({item['why']})" for item in line["excluded"])
    return escape(text + (f" Not in the fit: {left_out}." if left_out else ""))


def _details(results: Json) -> str:
    text = settings({"Settings": results["config"], "Crystal": results["system"], "Where": results["provenance"]})
    potential = results["potential"]
    card = potential.get("card") or "This potential is not one of those that come with betalps."
    heading = f"{potential['name']}  sha256 {potential['sha256']}"
    return text + unfolding("Potential", f"<pre>{escape(heading)}\n\n{escape(card)}</pre>")
