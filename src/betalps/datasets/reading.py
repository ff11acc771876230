"""Reading labelled configurations: whatever ASE reads, with an account of every label."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import overload

import numpy as np
from ase import Atoms

from betalps.datasets.cfg import Species, read_cfg
from betalps.datasets.compression import kind_of, read_unpacked
from betalps.datasets.labels import LABELS, stored_labels, with_labels
from betalps.datasets.stress import stress_from_plus_stress
from betalps.datasets.vasp import mark_unconverged
from betalps.errors import FormatError
from betalps.typing import Floats, PathLike

_WORDS = ("energy", "force", "stress", "virial")
_KEYS = (*LABELS, "virial")


@dataclass(frozen=True, kw_only=True)
class LabelCount:
    """How many configurations carry a label.

    Attributes
    ----------
    present, missing
        Configurations with it and without.
    not_finite
        Of those that are present, how many hold a number that is NaN or infinite.
    """

    present: int
    missing: int
    not_finite: int


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """What was found in the files.

    Attributes
    ----------
    files
        Frames per file.
    frames, atoms
        Configurations, and atoms in all of them.
    labels
        By name: energy, forces, stress.
    ignored
        Entries of the files that are named like a label but were not taken as one, with the number of frames
        that have them. Give `keys` to :func:`read` if they are the labels.
    unconverged
        Frames whose electronic structure did not converge, as far as the files tell.
    """

    files: Mapping[str, int]
    frames: int
    atoms: int
    labels: Mapping[str, LabelCount]
    ignored: Mapping[str, int]
    unconverged: int

    @property
    def complete(self) -> bool:
        """Whether every frame has every label, and all numbers are finite."""
        return not any(count.missing or count.not_finite for count in self.labels.values())

    def __str__(self) -> str:
        lines = [f"{self.frames} configurations, {self.atoms} atoms, from {len(self.files)} files"]
        for name, count in self.labels.items():
            line = f"{name}: {count.present} present, {count.missing} missing"
            lines.append(line + (f", {count.not_finite} not finite" if count.not_finite else ""))
        if self.unconverged:
            lines.append(f"unconverged: {self.unconverged}")
        lines += [
            f"{name}: in {count} configurations, not taken as a label (keys= names those that are)"
            for name, count in self.ignored.items()
        ]
        return "\n".join(lines)


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
        ``{"energy": "REF_energy", "forces": "REF_forces", "virial": "REF_virial"}``. They go before ASE's own.
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
        A file cannot be understood, is empty, or a label has the wrong shape; names the file and the frame.
    ValueError
        `keys` names no label, or a ``.cfg`` file is read without `species`.
    OSError
        A file cannot be opened.
    """
    keys = dict(keys or {})
    unknown = sorted(set(keys) - set(_KEYS))
    if unknown:
        raise ValueError(f"keys names {', '.join(unknown)}; expected some of {', '.join(_KEYS)}")
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    frames: list[Atoms] = []
    origins: list[tuple[str, int]] = []
    files: dict[str, int] = {}
    for path in several:
        found = _read_file(Path(path), species, index)
        frames += [_relabelled(atoms, keys, f"{path}, frame {k}") for k, atoms in enumerate(found)]
        origins += [(str(path), k) for k in range(len(found))]
        files[str(path)] = len(found)
    return Dataset(frames=tuple(frames), origins=tuple(origins), report=_report(frames, files))


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
    from ase.io.formats import UnknownFileTypeError

    with path.open("rb"):  # an error of the system names the path; the readers' often do not
        pass
    try:
        if kind_of(path) in {".extxyz", ".xyz"}:
            # ASE's reader jumps back and forth, which takes minutes in a compressed file
            text = read_unpacked(path).decode("utf-8")
            images = ase_read(StringIO(text), index, format="extxyz")
        else:
            images = ase_read(path, index)
    except (UnknownFileTypeError, OSError, ValueError, KeyError, IndexError, StopIteration) as error:
        raise FormatError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
    return [images] if isinstance(images, Atoms) else list(images)


def _relabelled(atoms: Atoms, keys: Mapping[str, str], where: str) -> Atoms:
    """The same frame with the labels under `keys` in its calculator; a wrong shape is an error."""
    labels = stored_labels(atoms)
    for name, key in keys.items():
        source = atoms.arrays if name == "forces" else atoms.info
        if key not in source and atoms.calc is not None and key in atoms.calc.results:
            source = atoms.calc.results
        if key not in source:
            continue
        value = np.asarray(source[key], dtype=np.float64)
        if source is not (atoms.calc.results if atoms.calc else None):
            del source[key]
        if name in {"stress", "virial"}:
            value = _voigt(value, f"{where}: {key}")
        labels["stress" if name == "virial" else name] = (
            stress_from_plus_stress(value, _volume(atoms, key, where)) if name == "virial" else value
        )
    for name, shape in {"energy": (), "forces": (len(atoms), 3), "stress": (6,)}.items():
        if name in labels and labels[name].shape != shape:
            raise FormatError(f"{where}: {name} has shape {labels[name].shape}, expected {shape}")
    return with_labels(atoms, labels) if keys else atoms


def _voigt(value: Floats, where: str) -> Floats:
    if value.shape == (9,):
        value = value.reshape(3, 3)
    if value.shape == (3, 3):
        return value[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    if value.shape != (6,):
        raise FormatError(f"{where} has shape {value.shape}, expected (6,), (9,) or (3, 3)")
    return value


def _volume(atoms: Atoms, key: str, where: str) -> float:
    if atoms.cell.rank < 3:
        raise FormatError(f"{where}: {key} needs three lattice vectors, to be divided by the volume")
    return float(atoms.get_volume())


def _ignored(atoms: Atoms) -> list[str]:
    """Entries that look like labels and are not."""
    keys = [str(key) for key in [*atoms.info, *atoms.arrays]]
    found = [key for key in keys if any(word in key.lower() for word in _WORDS)]
    results = {} if atoms.calc is None else atoms.calc.results
    if "free_energy" in results and "energy" not in results:
        found.append("free_energy")
    return found


def _report(frames: Sequence[Atoms], files: Mapping[str, int]) -> ReadReport:
    present = dict.fromkeys(LABELS, 0)
    broken = dict.fromkeys(LABELS, 0)
    ignored: dict[str, int] = {}
    for atoms in frames:
        for name, value in stored_labels(atoms).items():
            present[name] += 1
            broken[name] += not np.all(np.isfinite(value))
        for key in _ignored(atoms):
            ignored[key] = ignored.get(key, 0) + 1
    counts = {
        name: LabelCount(present=present[name], missing=len(frames) - present[name], not_finite=broken[name])
        for name in LABELS
    }
    return ReadReport(
        files=files,
        frames=len(frames),
        atoms=sum(map(len, frames)),
        labels=counts,
        ignored=ignored,
        unconverged=sum(atoms.info.get("converged") is False for atoms in frames),
    )
