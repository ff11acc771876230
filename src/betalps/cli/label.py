"""``betalps label``: energies, forces and stresses of structures, resumable."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betalps.active_learning import LabelProgress

_CALCULATORS = {
    "sevennet": "SevenNet 7net-l3i5, a universal PBE-like potential (pip install 'betalps[sevennet]')",
    "gpaw": "GPAW, plane waves, PBE, k-points by density (pip install 'betalps[gpaw]')",
    "vasp-single-point": "VASP as in the study: optB88-vdW, 520 eV, Γ (ASE_VASP_COMMAND, VASP_PP_PATH)",
    "mtp:FILE|NAME": "a moment tensor potential",
    "MODULE:FUNCTION": "a function of your own that returns an ASE calculator; MODULE.py may be in this folder",
}

_DESCRIPTION = """\
Computes labels with an ASE calculator, one structure at a time per worker. Each label is stored in the folder when it
arrives. Stopped or killed at any moment, the same command goes on; what has a label is not computed again. Failures,
crashes of the calculator among them, are kept with their reason, and tried again with --retry. Calculators:
""" + "\n".join(f"  {name:18s} {text}" for name, text in _CALCULATORS.items())

_EPILOG = """\
Examples:
  betalps label candidates.extxyz.xz --calculator sevennet --folder labels --output labelled.extxyz.xz --workers 2
  betalps label candidates.extxyz.xz --calculator gpaw --set xc=optB88-vdW cutoff=400 --folder dft
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the verb."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("structures", nargs="+", help="files: extxyz, MLIP .cfg (--species), or whatever ASE reads")
    parser.add_argument("--calculator", required=True, metavar="NAME", help="see above")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the calculator, numbers or text"
    )
    parser.add_argument("--folder", type=Path, default=Path("betalps-labels"), help="of the labels (%(default)s)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write all labelled structures (.extxyz[.xz])")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--timeout", type=float, metavar="S", help="a structure that takes longer counts as failed")
    parser.add_argument("--no-stress", action="store_true", help="for calculators without stress")
    parser.add_argument("--source", metavar="NAME", help="label_source of the structures in --output")
    parser.add_argument("--retry", action="store_true", help="try again what failed before")
    parser.add_argument("--species", nargs="+", metavar="SYMBOL", help="of the types in .cfg files")


def run(arguments: argparse.Namespace) -> int:
    """Label; status 1 if a structure failed."""
    from betalps.active_learning import LabelWorkers, label, named_calculator
    from betalps.active_learning.labelling import offered
    from betalps.datasets import read, write
    from betalps.files import require_writable
    from betalps.training.labels import SOURCE_KEY

    require_writable(arguments.output)
    factory = named_calculator(arguments.calculator, **settings(arguments.set))
    dataset = read(arguments.structures, species=arguments.species)
    with LabelWorkers(arguments.workers, arguments.timeout) as workers:
        labelled = label(
            dataset,
            factory,
            folder=arguments.folder,
            executor=workers,
            properties=[name for name in offered(factory) if name != "stress" or not arguments.no_stress],
            retry=arguments.retry,
            observer=_tell,
        )
    print(f"{labelled.computed} labels computed, {labelled.reused} were there, {len(labelled.failures)} failed")
    for number, failure in labelled.failures.items():
        file, frame = dataset.origins[number]
        print(f"{file} frame {frame}, {failure.attempts} attempts: {failure.reason}", file=sys.stderr)
    if "stress" not in offered(factory):
        print(f"note: {arguments.calculator} gives no stress with these settings", file=sys.stderr)
    if arguments.source is not None:
        for atoms in labelled.frames:
            atoms.info[SOURCE_KEY] = arguments.source
    if arguments.output is not None:
        write(labelled.frames, arguments.output, species=arguments.species)
    return 1 if labelled.failures else 0


def settings(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs; a value that is a number becomes one.

    Raises
    ------
    ValueError
        A pair has no ``=``.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equal, text = pair.partition("=")
        if not equal or not name:
            raise ValueError(f"--set {pair}: expected NAME=VALUE")
        found[name] = text
        for number in (float, int):  # an int where both fit
            try:
                found[name] = number(text)
            except ValueError:
                continue
    return found


def _tell(progress: LabelProgress) -> None:
    print(
        f"{progress.done + progress.failed} of {progress.total} ({progress.failed} failed), {progress.seconds:.0f} s",
        file=sys.stderr,
        flush=True,
    )
