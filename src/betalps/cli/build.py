"""``betalps build``: crystals, grain boundaries and interfaces, written to files and described."""

from __future__ import annotations

import argparse
from importlib import import_module

_KINDS = {
    "bulk": "a crystal: supercell, lithium order, relaxed with a potential or as it comes",
    "gb": "a grain boundary: tilt, twist or asymmetric, by planes or by its name in the literature",
    "interface": "a glass on a crystal",
}

_DESCRIPTION = """\
Builds structures whose units (PS4) stay whole and whose stoichiometry is exact, writes them, and says what they are.
Each kind has options of its own: betalps build KIND --help.
"""

_EPILOG = """\
Examples:
  betalps build bulk --supercell 2 3 4 --output beta.extxyz
  betalps build gb --name "Σ5[001]/(120)" --atoms 10000 --separation 30 --lateral 25 --output gb.extxyz
  betalps build gb --plane 100 --list
  betalps build gb --plane 100 --angle 36.87 --output twist.data --picture twist.png
  betalps build gb --reference-study all --output boundaries/
  betalps build interface --plane 120 --packed 1 --output interface.extxyz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", title="kinds", required=True)
    for name, summary in _KINDS.items():
        sub = kinds.add_parser(
            name, help=summary, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        import_module(f"betalps.cli.build_{name}").add_arguments(sub)


def run(arguments: argparse.Namespace) -> int:
    """Build what was asked for."""
    status: int = import_module(f"betalps.cli.build_{arguments.kind}").run(arguments)
    return status
