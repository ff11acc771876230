"""Which frames of a VASP run did not converge: ASE reads their energies as if they had."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

from ase import Atoms

from betalps.datasets.compression import read_unpacked

_REACHED = re.compile(r"aborting loop (because EDIFF is reached|EDIFF was not reached)")
_ENDED = "FREE ENERGIE OF THE ION-ELECTRON SYSTEM"


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
        return  # a run that was cut off in the middle of a step: the two cannot be matched
    for atoms, good in zip(frames, chosen, strict=True):
        if not good:
            atoms.info["converged"] = False


def converged_in_outcar(text: str) -> list[bool]:
    """For every ionic step of an OUTCAR, whether its electronic loop reached EDIFF."""
    flags = []
    reached = False
    for line in text.splitlines():
        found = _REACHED.search(line)
        if found:
            reached = found[1].startswith("because")
        elif _ENDED in line:
            flags.append(reached)
            reached = False
    return flags


def converged_in_vasprun(text: str) -> list[bool]:
    """For every ionic step of a vasprun.xml, whether its electronic loop took fewer than NELM iterations."""
    from xml.etree.ElementTree import fromstring  # the file of one's own calculation, as ASE reads it

    try:
        root = fromstring(text)  # noqa: S314
    except ParseError:
        return []  # cut off; ASE has warned
    nelm = root.find(".//i[@name='NELM']")
    most = int(nelm.text or 0) if nelm is not None else 60
    return [len(step.findall("scstep")) < most for step in root.iter("calculation")]


def _text(path: Path) -> str:
    return read_unpacked(path).decode("utf-8", errors="replace")
