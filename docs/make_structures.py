"""Draws the pictures of the pages on structures, and computes their table of the reference study.

python docs/make_structures.py
"""

from __future__ import annotations

import re
from pathlib import Path

from betalps.files import write_atomic
from betalps.reports.boundary_table import boundaries_table
from betalps.reports.candidates import plot_candidates
from betalps.reports.structures import plot_boundary
from betalps.structures import (
    REFERENCE_SIZE,
    Size,
    beta_li3ps4,
    boundary,
    packed_interface,
    reference_study,
    twist,
    twist_candidates,
)

HERE = Path(__file__).parent
DPI = 90


def draw() -> None:
    """Every picture, into docs/images."""
    crystal = beta_li3ps4()
    candidates = twist_candidates(crystal, "(100)")
    figures = {
        "tilt": plot_boundary(boundary("Σ5[001]/(120)", crystal, size=REFERENCE_SIZE)),
        "twist": plot_boundary(twist(crystal, "(100)", candidate=5, size=Size(separation=30))),
        "candidates": plot_candidates(candidates, 5),
        "interface": plot_boundary(packed_interface(crystal, "(120)", 1, size=Size(separation=30, lateral=12))),
    }
    for name, figure in figures.items():
        figure.savefig(HERE / "images" / f"{name}.png", dpi=DPI)


def tabulate() -> None:
    """The table between the markers of boundaries.md."""
    page = HERE / "boundaries.md"
    table = boundaries_table(((name, build()) for name, build in reference_study().items()), markdown=True)
    text = re.sub(
        r"(<!-- study -->\n).*?(\n<!-- end -->)",
        lambda found: f"{found[1]}{table}{found[2]}",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    write_atomic(page, text.encode())


if __name__ == "__main__":
    draw()
    tabulate()
