"""Which frames of a VASP run did not converge: ASE reads their energies as if they had."""

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import ParseError

from ase import Atoms

from betalps.datasets.compression import read_unpacked

_REACHED = re.compile(r"aborting loop (because EDIFF is reached|EDIFF was not reached)")
_ENDED = "FREE ENERGIE OF THE ION-ELECTRON SYSTEM"
_AFTER_END = 4  # lines with the energies; ASE leaves out a step that was cut off before them
_DEFAULT_NELM = 60


def mark_unconverged(path: Path, frames: Sequence[Atoms], index: slice) -> None:
    """Set ``info["converged"] = False`` in frames of an OUTCAR or vasprun.xml that did not converge.

    Parameters
    ----------
    path
        The file; of another kind, nothing happens. Compressed files (``.gz``, ``.bz2``, ``.xz``) are read too.
    frames
        Those that ASE has read.
    index
        Which of the file's frames they are.
    """
    name = path.name.lower()
    if "outcar" in name:
        converged = converged_in_outcar(_text(path))
    elif "vasprun" in name and ".xml" in name:
        converged = converged_in_vasprun(_text(path))
    else:
        return
    chosen = converged[index]
    if len(chosen) != len(frames):
        return  # ASE sees other steps than we do: which is which cannot be told
    for atoms, good in zip(frames, chosen, strict=True):
        if not good:
            atoms.info["converged"] = False


def converged_in_outcar(text: str) -> list[bool]:
    """For every ionic step of an OUTCAR that ASE reads, whether its electronic loop reached EDIFF."""
    flags = []
    reached = False
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        found = _REACHED.search(line)
        if found:
            reached = found[1].startswith("because")
        elif _ENDED in line and number + _AFTER_END <= len(lines):
            flags.append(reached)
            reached = False
    return flags


def converged_in_vasprun(text: str) -> list[bool]:
    """For every ionic step of a vasprun.xml, whether its electronic loop took fewer than NELM iterations.

    Parameters
    ----------
    text
        Of the file; one that was cut off is read as far as it goes. Like ASE, the last step then counts if it has come
        to its energy, and its electronic loop is behind it.
    """
    from xml.etree.ElementTree import Element, iterparse

    steps: list[Element] = []
    most = _DEFAULT_NELM
    try:  # the file of one's own calculation, as ASE reads it
        for event, element in iterparse(BytesIO(text.encode()), events=("start", "end")):  # noqa: S314
            if event == "start" and element.tag == "calculation":
                steps.append(element)
            elif event == "end" and element.get("name") == "NELM":
                most = int(element.text or 0)
    except ParseError:
        if steps and steps[-1].find("energy") is None:
            steps.pop()
    return [len(step.findall("scstep")) < most for step in steps]


def _text(path: Path) -> str:
    return read_unpacked(path).decode("utf-8", errors="replace")
