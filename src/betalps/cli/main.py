"""The command ``betalps``: finds the verb, and turns errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from betalps import __version__
from betalps.errors import BetalpsError

VERBS = {
    "study": "lithium diffusion in β-Li3PS4 and its grain boundaries: runs, Arrhenius lines, report",
    "build": "crystals, grain boundaries and amorphous/crystal interfaces, written and described",
    "md": "molecular dynamics of a structure, resumable, with its cost told before",
    "amorphize": "a glass by melting and quenching",
    "lammps": "runs in LAMMPS on many ranks: run, write for a cluster, check",
    "analyse": "what a trajectory says: diffusion, structure, rings, sites, and how sure that is",
    "convert": "trajectories of ASE, LAMMPS and H5MD into the store that analyses read, and back",
    "potentials": "the potentials that come with betalps, and their model cards",
    "check": "check a potential on a structure: derivatives, invariances, ASE's conventions",
    "train": "fit a potential to labelled structures",
    "evaluate": "compare a potential with labelled structures: tables of errors, parity plots",
    "grid": "fit potentials of several levels and cutoffs, and recommend one",
    "label": "compute energies, forces and stresses of structures with any calculator, resumable",
    "select": "select the active set of a potential from its training configurations",
    "active-learn": "explore, select, label, fit, until a potential no longer extrapolates",
    "grade": "how far structures are from what a potential was trained on",
}

_EPILOG = """\
Start here:
  betalps study --quick        about a minute: every step of a study, with large uncertainties
  betalps study                the default study, under ten minutes on two cores
  betalps VERB --help          what a verb does, with all its options
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of this process.

    Returns
    -------
    int
        Exit status: 0; 2 after an error that was explained on stderr; 130 after Ctrl-C; 1 if nobody reads the
        output.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(arguments[0] if arguments else "")
    parsed = parser.parse_args(arguments)
    if parsed.verb is None:
        parser.print_help()
        return 0
    try:
        status: int = _module(parsed.verb).run(parsed)
    except KeyboardInterrupt:
        print("betalps: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has left, as in: betalps potentials | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (BetalpsError, ValueError, OSError) as error:
        if parsed.debug:
            raise
        print(f"betalps {parsed.verb}: {error}", file=sys.stderr)
        return 2
    return status


def _parser(verb: str) -> argparse.ArgumentParser:
    """Make the parser; only the verb that was asked for is imported, so that help stays fast."""
    parser = argparse.ArgumentParser(
        prog="betalps",
        description="Moment tensor potentials for solid electrolytes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"betalps {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name, summary in VERBS.items():
        sub = verbs.add_parser(
            name, help=summary, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == verb:
            _module(name).add_arguments(sub)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _module(verb: str) -> ModuleType:
    return import_module(f"betalps.cli.{verb.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
