"""``betalps evaluate``: a potential against labels."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from betalps.cli.frames import add_keys_option, numbering, read_frames


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    add = parser.add_argument
    add("potential", metavar="NAME|FILE", help="a bundled potential, or a .almtp or .mtp file")
    add("data", metavar="FILE", type=Path, nargs="+", help="labelled: extxyz, MLIP .cfg, or what ASE reads")
    add(
        "--species", metavar="X", nargs="+", help="of the potential in the order of its types, if its file does not say"
    )
    add_keys_option(parser)
    add("--groups", metavar="KEY", nargs="+", default=[], help="info entries to report errors by")
    add("--shifts", metavar="FILE", type=Path, help="of other label sources: the JSON file of betalps train")
    add("--parity", metavar="FILE", type=Path, help="write parity plots there (.svg, .png, .pdf)")
    add("--output", metavar="FILE", type=Path, help="write the errors there as JSON")
    add("--threads", metavar="N", type=int, help="by default all cores")


def run(arguments: argparse.Namespace) -> int:
    """Print the table of errors."""
    from betalps.cli.error_table import error_table
    from betalps.files import require_writable, write_atomic
    from betalps.potentials import load
    from betalps.provenance import provenance
    from betalps.training import evaluate

    require_writable(arguments.output, arguments.parity)
    potential = load(arguments.potential, arguments.species)
    frames = read_frames(arguments.data, numbering(potential), arguments.keys)
    shifts = None if arguments.shifts is None else read_shifts(arguments.shifts)
    report = evaluate(potential, frames, groups=arguments.groups, shifts=shifts, threads=arguments.threads)
    if arguments.output is not None:
        content = {"potential": potential.sha256, **report.to_dict(), "provenance": provenance()}
        write_atomic(arguments.output, json.dumps(_known(content), indent=1, ensure_ascii=False).encode())
    if arguments.parity is not None:
        from betalps.reports import plot_parity

        plot_parity(report, arguments.potential).savefig(arguments.parity, dpi=150)
    print(error_table(report))
    return 0


def read_shifts(path: Path) -> dict[str, dict[str, float]]:
    """The shifts of label sources that a fit found.

    Raises
    ------
    FormatError
        The file is none that ``betalps train`` writes.
    """
    from betalps.errors import FormatError

    try:
        sources = json.loads(path.read_text(encoding="utf-8"))["sources"]
        found: dict[str, dict[str, float]] = sources["shifts_eV_per_atom"]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: found no shifts of sources ({error!r}), expected a JSON file of train") from None
    return found


def _known(content: object) -> object:
    """None for a number that is not finite, which JSON cannot say."""
    if isinstance(content, dict):
        return {name: _known(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_known(value) for value in content]
    return None if isinstance(content, float) and not abs(content) < float("inf") else content
