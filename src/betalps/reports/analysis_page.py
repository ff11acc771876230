"""Analyses of a trajectory as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from betalps.analysis import Result
from betalps.files import write_atomic
from betalps.provenance import provenance
from betalps.reports.page import filled, image, page, settings
from betalps.reports.presentation import Presentation, Quantity, present
from betalps.typing import PathLike


def write_analyses(
    results: Mapping[str, Result],
    path: PathLike,
    *,
    title: str = "What the trajectory says",
    lead: str = "",
    places: Mapping[str, str] | None = None,
    missing: Mapping[str, str] | None = None,
) -> Path:
    """Write results of analyses as a page: of each its numbers and its figures.

    Parameters
    ----------
    results
        What analyses of `betalps.analysis` returned, by name.
    path
        The HTML file to write; replaced atomically.
    title, lead
        Of the page.
    places
        Where a result is from, to be said in its heading, by name.
    missing
        Why analyses are not there, by name.

    Returns
    -------
    Path
        The file.
    """
    path = Path(path)
    content = filled(
        "analyses.html",
        sections="".join(section(present(result), (places or {}).get(name, "")) for name, result in results.items()),
        missing=_missing(missing or {}),
        provenance=settings({"Where": provenance()}),
    )
    write_atomic(path, page(title, escape(lead), content).encode())
    return path


def section(shown: Presentation, place: str = "") -> str:
    """One result: heading, table, notes, figures."""
    title = f"{shown.title}, {place}" if place else shown.title
    figures = "".join(
        f'<figure><img alt="{escape(f"{title} {name}".strip())}" src="{image(draw())}"></figure>'
        for name, draw in shown.figures.items()
    )
    notes = f'<p class="lead">{escape("; ".join(shown.notes))}.</p>' if shown.notes else ""
    return f'<h2>{escape(title)}</h2><div class="scroll">{quantity_table(shown.quantities)}</div>{notes}{figures}'


def quantity_table(quantities: tuple[Quantity, ...]) -> str:
    """A table of name, value with uncertainty, unit and note."""
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{escape(one.text)}</td><td>{escape(one.unit)}</td>"
        f"<td>{escape(one.note)}</td></tr>"
        for one in quantities
    )
    return f'<table class="wrap quantities">{rows}</table>'


def _missing(missing: Mapping[str, str]) -> str:
    if not missing:
        return ""
    rows = "".join(f"<li>{escape(name)}: {escape(why)}</li>" for name, why in missing.items())
    return f"<h2>What is not here, and why</h2><ul>{rows}</ul>"
