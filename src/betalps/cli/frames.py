"""Reading the structures that a verb is given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from betalps.cli.pairs import texts_by_name

if TYPE_CHECKING:
    from betalps.datasets import Dataset, ReadReport
    from betalps.potentials import Potential

_LOOKS = {"energy": "energy", "force": "forces", "virial": "virial", "stress": "stress"}
_SHOWN = 3


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Options of the verbs that put structures to a potential."""
    parser.add_argument(
        "--species", nargs="+", metavar="SYMBOL", help="of the potential, if its file does not name them"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")


def add_keys_option(parser: argparse.ArgumentParser) -> None:
    """The names of labels in the files, for verbs that need labels."""
    parser.add_argument(
        "--keys",
        metavar="LABEL=NAME",
        nargs="+",
        default=[],
        help="names of the files' labels, as energy=REF_energy forces=REF_forces virial=REF_virial",
    )


def numbering(potential: Potential) -> dict[int, str]:
    """Symbols of the types in ``.cfg`` files that belong to a potential, which need not be 0, 1, 2."""
    return dict(zip(potential.types, potential.species, strict=True))


def read_both(arguments: argparse.Namespace) -> tuple[Potential, Dataset]:
    """Load the potential and the structures; the types in ``.cfg`` files are those of the potential."""
    from betalps.datasets import read
    from betalps.potentials import load

    potential = load(arguments.potential, arguments.species)
    return potential, read(arguments.structures, species=numbering(potential))


def read_frames(
    paths: Sequence[Path], species: Sequence[str] | Mapping[int, str] | None, keys: Sequence[str] = ()
) -> Dataset:
    """All frames of the files, in order; what they lack of labels is told on stderr.

    Parameters
    ----------
    paths
        Whatever `betalps.datasets.read` reads.
    species
        Symbols of the types of ``.cfg`` files.
    keys
        What ``--keys`` was given.

    Raises
    ------
    FormatError
        A file cannot be understood; names it.
    ValueError
        A ``.cfg`` file without `species`, or `keys` that name no label.
    """
    from betalps.datasets import read

    if species is None:
        for path in paths:
            if ".cfg" in path.suffixes:
                raise ValueError(f"{path}: the types of a .cfg file need their symbols: --species Li P S")
    names = texts_by_name("--keys", keys, "LABEL=NAME, as energy=REF_energy")
    found = read(paths, species=species, keys=names)
    _tell(found.report)
    return found


def read_sourced(
    paths: Sequence[Path],
    species: Sequence[str] | Mapping[int, str] | None,
    sources: Sequence[str] | None,
    option: str,
    keys: Sequence[str] = (),
) -> Dataset:
    """All frames of the files, with the source of each file's labels where they do not name one themselves.

    Parameters
    ----------
    paths, species, keys
        As for `read_frames`.
    sources
        One for each file, or None.
    option
        How errors call them.

    Raises
    ------
    ValueError
        There are more or fewer sources than files.
    """
    from betalps.training.labels import SOURCE_KEY

    if sources is not None and len(sources) != len(paths):
        raise ValueError(f"{option} names {len(sources)} sources; expected one for each of {len(paths)} files")
    found = read_frames(paths, species, keys)
    file = -1
    for atoms, (_, number) in zip(found, found.origins, strict=True):
        file += number == 0
        if sources is not None:
            atoms.info.setdefault(SOURCE_KEY, sources[file])
    return found


def _tell(report: ReadReport) -> None:
    """Say what was read if anything is missing or was passed over."""
    if report.complete and not report.ignored and not report.unconverged:
        return
    files = list(report.files)
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    print(f"note: labels of {', '.join(files[:_SHOWN])}{more}:", file=sys.stderr)
    for line in str(report).splitlines():
        print(f"note: {line}", file=sys.stderr)
    keys = _likely_keys(report)
    if keys:
        pairs = " ".join(f"{label}={key}" for label, key in keys.items())
        print(f"note: if these are the labels: --keys {pairs}", file=sys.stderr)


def _likely_keys(report: ReadReport) -> dict[str, str]:
    """If labels are lacking, the first entry that is named like each label, those that are there included.

    Forces of a file's own name beside energies of ASE's would be a mixture of methods.
    """
    if not any(count.missing for count in report.labels.values()):
        return {}
    found: dict[str, str] = {}
    for key in report.ignored:
        name = next((name for word, name in _LOOKS.items() if word in key.lower()), "")
        rival = {"stress": "virial", "virial": "stress"}.get(name, name)
        if name and key not in _LOOKS.values() and name not in found and rival not in found:
            found[name] = key
    return found
