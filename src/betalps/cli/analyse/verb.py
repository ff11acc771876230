"""The verb ``analyse``: finds the kind, reads, runs, prints and writes."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from betalps.cli.analyse import energetics, everything, homology, hopping, structure, transport
from betalps.cli.analyse.kind import Kind
from betalps.cli.analyse.output import add_output_options, save, tell, watching
from betalps.cli.analyse.regions import HELP, add_region_options
from betalps.cli.analyse.source import add_source_options, read_sources

_KINDS: dict[str, Kind] = {
    **transport.KINDS,
    **structure.KINDS,
    **homology.KINDS,
    **hopping.KINDS,
    **energetics.KINDS,
    **everything.KINDS,
}

_DESCRIPTION = """\
Computes what a trajectory says, with its uncertainty: prints a table, and with --output writes the numbers as JSON
and the figures as PNG. A trajectory is the folder of a run (of betalps md, study or lammps), a store, or a file of
another program. Each kind has options of its own: betalps analyse KIND --help.
"""

_EPILOG = f"""\
Examples:
  betalps analyse all run                             everything that applies, in one report.html
  betalps analyse diffusion run
  betalps analyse diffusion run --region boundary     along and across the boundaries, and who stays
  betalps analyse arrhenius 600K 700K 800K            activation energy and conductivity at 300 K
  betalps analyse rdf run.lammpstrj --specorder Li,P,S --timestep 0.002 --output figures
  betalps analyse rings run --region boundary --every 20
{HELP}
Numbers come with ± standard errors, or with 95 % intervals in brackets.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", title="kinds", required=True)
    for name, kind in _KINDS.items():
        epilog = f"Examples:\n{kind.examples.rstrip()}\n" + (f"{HELP}\n" if kind.region else "")
        sub = kinds.add_parser(
            name,
            help=kind.summary,
            description=kind.summary,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if kind.trajectory:
            add_source_options(sub, several=kind.several)
        if kind.region:
            add_region_options(sub)
        kind.add(sub)
        add_output_options(sub, Path("betalps-analysis") if name == "all" else None)


def run(arguments: argparse.Namespace) -> int:
    """Analyse, print, write."""
    kind = _KINDS[arguments.kind]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sources = read_sources(arguments) if kind.trajectory else []
        with watching() as watch:
            results = kind.run(sources, arguments, watch)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"betalps analyse: {message}", file=sys.stderr)
    tell(results, getattr(arguments, "region", None))
    if arguments.output is not None:
        for path in save(results, sources, arguments.output, getattr(arguments, "region", None)):
            print(f"written {path}")
    return 0
