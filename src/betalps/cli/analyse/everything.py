"""``betalps analyse all``: every analysis that applies to a trajectory, and one page of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from betalps.cli.analyse import energetics, homology, hopping, structure, transport
from betalps.cli.analyse.kind import Kind, Watch, one
from betalps.cli.analyse.output import AT_BOUNDARIES
from betalps.cli.analyse.source import Source
from betalps.errors import BetalpsError

if TYPE_CHECKING:
    from betalps.analysis import Result

_KINDS = {**transport.KINDS, **structure.KINDS, **homology.KINDS, **hopping.KINDS, **energetics.KINDS}

# In the order of the page; the second is that of boundaries, where the structure has any.
_WHOLE: tuple[tuple[str, ...], ...] = (
    ("diffusion",),
    ("rdf",),
    ("polyanions",),
    ("angles",),
    ("reorientation",),
    ("map", "--axis", "a"),
    ("map", "--axis", "c"),
    ("density",),
    ("profile",),
    ("rings",),
    ("disorder",),
    ("sites",),
    ("lattice",),
)
_AT_BOUNDARIES = ("diffusion", "rdf", "polyanions", "rings", "disorder")
_OF_CRYSTALS = ("sites",)


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--species", default="Li", metavar="SYMBOL", help="of the ions (%(default)s)")
    parser.add_argument("--supercell", type=int, nargs=3, default=(1, 1, 1), metavar=("A", "B", "C"), help="(1 1 1)")
    parser.add_argument("--snapshots", type=int, default=100, metavar="N", help="for the rings (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes for the rings (%(default)s)")


def _all(sources: Sequence[Source], arguments: argparse.Namespace, watch: Watch) -> Mapping[str, Result]:
    from betalps.reports import write_analyses

    source = one(sources)
    results: dict[str, Result] = {}
    places: dict[str, str] = {}
    missing: dict[str, str] = {}
    for words in _jobs(source, arguments):
        where = f"region {words[-1]}" if "--region" in words else ""
        name = f"{words[0]}, {where}" if where else words[0]
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found = _run(words, arguments, source, watch)
        except (BetalpsError, ValueError) as error:
            missing[name] = str(error)
            continue
        for key, result in found.items():
            file = f"{key}{AT_BOUNDARIES}" if where and arguments.region is None else key
            results[file], places[file] = result, where
    arguments.output.mkdir(parents=True, exist_ok=True)
    page = write_analyses(
        results,
        arguments.output / "report.html",
        title=f"Analyses of {source.path}",
        lead=_lead(source),
        places=places,
        missing=missing,
    )
    for name, why in missing.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    print(f"report {page}\n")
    return results


def _lead(source: Source) -> str:
    about = source.describe()
    kelvin = "" if about["temperature_K"] is None else f", {about['temperature_K']:g} K"
    return (
        f"{about['atoms']} atoms, {about['formula']}{kelvin}; {about['frames']} frames from {about['first_ps']:g} to "
        f"{about['last_ps']:g} ps."
    )


def _jobs(source: Source, arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """The words of each analysis' command line."""
    bicrystal = arguments.region is None and source.bicrystal() is not None
    for words in _WHOLE:
        if bicrystal and words[0] in _OF_CRYSTALS:
            continue
        inside = arguments.region is not None and _KINDS[words[0]].region
        yield (*words, "--region", arguments.region) if inside else words
    if bicrystal:
        for name in _AT_BOUNDARIES:
            yield name, "--region", "boundary"


def _run(words: tuple[str, ...], arguments: argparse.Namespace, source: Source, watch: Watch) -> Mapping[str, Result]:
    kind = _KINDS[words[0]]
    parser = argparse.ArgumentParser()
    if kind.region:
        parser.add_argument("--region")
    kind.add(parser)
    parsed = parser.parse_args(words[1:])
    for name in ("species", "supercell", "workers", "snapshots"):
        if hasattr(parsed, name):
            setattr(parsed, name, getattr(arguments, name))
    return kind.run([source], parsed, watch)


KINDS = {
    "all": Kind(
        summary="every analysis that applies, their files and a report.html",
        examples="""\
  betalps analyse all run --output analysis
  betalps analyse all run --region slab:c,0,10
""",
        add=_add,
        run=_all,
    ),
}
