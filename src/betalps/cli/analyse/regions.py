"""Regions by name, as ``--region`` takes them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from betalps.cli.analyse.source import Source
    from betalps.structures.regions import Region

_FORMS = """boundary, boundary:THICKNESS, grains, grain:NUMBER, slab:AXIS,CENTRE,WIDTH, box:X,Y,Z,A,B,C"""

HELP = f"""\
Regions: {_FORMS}
  boundary        10 Å about every boundary that the builders left a record of; boundary:14 for another thickness
  grains          the rest of the cell; grain:0 the atoms of one grain (of an interface: 0 crystal, 1 glass)
  slab:c,17.7,10  10 Å about the height of 17.7 Å above the face that the cell vector c leaves
  box:0.5,0.5,0.5,12,12,-   centre in fractions, edges in Å; - is unbounded, as along a dislocation
  ~REGION         what is outside; REGION+REGION both together"""


def add_region_options(parser: argparse.ArgumentParser) -> None:
    """Where to look."""
    group = parser.add_argument_group("region")
    group.add_argument("--region", metavar="REGION", help=f"where to look: {_FORMS}")
    add_structure_option(group)


def add_structure_option(group: argparse._ActionsContainer) -> None:
    """The structure whose record says where boundaries are."""
    group.add_argument(
        "--structure",
        type=Path,
        metavar="FILE",
        help="what the run started from, with the record of its builder; by default what the run's folder names",
    )


def region_of(text: str | None, source: Source) -> Region | None:
    """The region that a text means.

    Parameters
    ----------
    text
        As `HELP` says; None for everything.
    source
        Of the trajectory.

    Raises
    ------
    ValueError
        The text means no region, or needs a structure that nobody knows.
    StructureError
        The structure has no record of boundaries, or no such grain.
    """
    if text is None:
        return None
    parts = [_single(part.strip(), source) for part in text.split("+")]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    return whole


def _single(text: str, source: Source) -> Region:
    from betalps.structures import around_boundaries, grain_region, slab_region
    from betalps.structures.regions import Box

    if text.startswith("~"):
        return ~_single(text[1:], source)
    kind, _, rest = text.partition(":")
    if kind == "boundary":
        return around_boundaries(source.structure(), *([_number(text, rest)] if rest else []))
    if text == "grains":
        return ~around_boundaries(source.structure())
    if kind == "grain":
        return grain_region(source.structure(), int(_number(text, rest)))
    values = rest.split(",")
    if kind == "slab" and len(values) == 3:
        axis, centre, width = _axis(text, values[0]), _number(text, values[1]), _number(text, values[2])
        return slab_region(source.trajectory.cells[0], centre, width, axis)
    if kind == "box" and len(values) == 6:
        x, y, z = (_number(text, value) for value in values[:3])
        a, b, c = (None if value.strip() == "-" else _number(text, value) for value in values[3:])
        return Box(centre=(x, y, z), lengths=(a, b, c))
    raise ValueError(f"--region {text!r}: expected {_FORMS}")


def _axis(text: str, name: str) -> int:
    if name.strip() not in {"a", "b", "c"}:
        raise ValueError(f"--region {text!r}: expected a, b or c for the cell vector, got {name!r}")
    return "abc".index(name.strip())


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"--region {text!r}: expected a number, got {value!r}") from None
