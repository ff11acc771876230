"""Reading labelled configurations: whatever ASE reads, with an account of every label."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import overload

from ase import Atoms

from betalps.datasets.cfg import Species, read_cfg
from betalps.datasets.compression import kind_of, read_unpacked
from betalps.datasets.relabelling import KEYS, relabelled
from betalps.datasets.report import ReadReport, report_on
from betalps.datasets.vasp import mark_unconverged
from betalps.errors import FormatError
from betalps.typing import PathLike


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset(Sequence[Atoms]):
    """Labelled configurations in the order of their files: a sequence of Atoms.

    Attributes
    ----------
    frames
        Labels are in a SinglePointCalculator: eV, eV/Å, and eV/Å³ with ASE's sign.
    origins
        For every frame its file and its number in it.
    report
        What was read, and what is missing.
    """

    frames: tuple[Atoms, ...]
    origins: tuple[tuple[str, int], ...]
    report: ReadReport

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Atoms: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Atoms, ...]: ...
    def __getitem__(self, index: int | slice) -> Atoms | tuple[Atoms, ...]:
        return self.frames[index]

    def __iter__(self) -> Iterator[Atoms]:
        return iter(self.frames)


def read(
    paths: PathLike | Iterable[PathLike],
    *,
    species: Species | None = None,
    keys: Mapping[str, str] | None = None,
    index: str = ":",
) -> Dataset:
    """Read labelled configurations from files of any kind.

    Parameters
    ----------
    paths
        One file or several: extxyz (``.xz``, ``.gz``, ``.bz2`` too), MLIP ``.cfg``, and whatever ASE reads, VASP's
        OUTCAR and vasprun.xml among it.
    species
        Chemical symbols of the types in ``.cfg`` files, see :func:`read_cfg`.
    keys
        Names under which the files keep labels, where they are not ASE's own: of ``energy`` (eV), ``forces``
        (eV/Å), ``stress`` (eV/Å³, ASE's sign) and ``virial`` (-∂E/∂ε = -V σ, eV), for example
        ``{"energy": "REF_energy", "forces": "REF_forces", "virial": "REF_virial"}``. A label that is named here is
        taken from nowhere else: a frame without the name lacks the label, whatever ASE finds, since the two may come
        from different methods. The report counts it as missing, and what was dropped as ignored.
    index
        Which frames of each file, as ASE's index: ``":"``, ``"::10"``, ``"-1"``.

    Returns
    -------
    Dataset
        A sequence of Atoms with its `report`. Nothing is dropped: a frame without labels is there, and counted.
        Frames of VASP that did not converge carry ``info["converged"] = False``.

    Raises
    ------
    FormatError
        A file cannot be understood, is empty, or a label is not numbers or has the wrong shape; names the file and
        the frame.
    ValueError
        `keys` names no label, or a ``.cfg`` file is read without `species`.
    OSError
        A file cannot be opened.
    """
    keys = dict(keys or {})
    unknown = sorted(set(keys) - set(KEYS))
    if unknown:
        raise ValueError(f"keys names {', '.join(unknown)}; expected some of {', '.join(KEYS)}")
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    frames: list[Atoms] = []
    origins: list[tuple[str, int]] = []
    files: dict[str, int] = {}
    dropped: list[str] = []
    for path in several:
        found = _read_file(Path(path), species, index)
        for k, atoms in enumerate(found):
            frame, others = relabelled(atoms, keys, f"{path}, frame {k}")
            frames.append(frame)
            dropped += others
        origins += [(str(path), k) for k in range(len(found))]
        files[str(path)] = len(found)
    return Dataset(frames=tuple(frames), origins=tuple(origins), report=report_on(frames, files, dropped))


def _read_file(path: Path, species: Species | None, index: str) -> list[Atoms]:
    where = _index(index)
    if kind_of(path) == ".cfg":
        if species is None:
            raise ValueError(f"{path}: .cfg files name species by numbers; give species, as ['Li', 'P', 'S']")
        frames = read_cfg(path, species)[where]
    else:
        frames = _read_with_ase(path, index)
        mark_unconverged(path, frames, where)
    if not frames:
        raise FormatError(f"{path}: found no configuration, expected at least one (frames {index!r})")
    return frames


def _index(index: str) -> slice:
    """ASE's index as a slice."""
    try:
        parts = [int(part) if part.strip() else None for part in index.split(":")]
        if len(parts) > 1:
            return slice(*parts)
        number = int(index)
    except (ValueError, TypeError) as error:
        raise ValueError(f"index is {index!r}; expected frames such as ':', '::10' or '-1'") from error
    return slice(number, number + 1 or None)


def _read_with_ase(path: Path, index: str) -> list[Atoms]:
    from ase.io import read as ase_read

    with path.open("rb"):  # an error of the system names the path; the readers' often do not
        pass
    try:
        if kind_of(path) in {".extxyz", ".xyz"}:
            # ASE's reader jumps back and forth, which takes minutes in a compressed file
            text = read_unpacked(path).decode("utf-8")
            images = ase_read(StringIO(text), index, format="extxyz")
        else:
            images = ase_read(path, index)
    except Exception as error:  # each of ASE's readers has errors of its own
        raise FormatError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
    return [images] if isinstance(images, Atoms) else list(images)
