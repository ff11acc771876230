"""ASE's own trajectories (.traj) and extended XYZ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.trajectories.formats.columns import Table
from betalps.trajectories.formats.lines import Lines, open_lines
from betalps.trajectories.frame import Frame, to_fractional
from betalps.typing import Floats, PathLike

if TYPE_CHECKING:
    from ase import Atoms

# Keys beside a frame: its time in ps; whether its positions are unwrapped.
_TIME, _UNWRAPPED = "time", "unwrapped"


def read_ase(path: PathLike, *, interval: float | None = None, unwrapped: bool | None = None) -> Iterator[Frame]:
    """Frames of an ASE trajectory (.traj), one in memory at a time.

    Parameters
    ----------
    path : path
    interval : float, ps, optional
        Between frames; needed where their ``info`` has no ``time``.
    unwrapped : bool, optional
        Whether positions follow the atoms through cell boundaries, as ASE's dynamics leave them. By default what
        ``info`` says under ``unwrapped``, else unknown.

    Yields
    ------
    Frame
        With momenta, and the energy where every frame has one.

    Raises
    ------
    FormatError
        The file cannot be read; other atoms than in frame 0; no times.
    """
    from ase.io.trajectory import TrajectoryReader
    from ase.io.ulm import InvalidULMFileError

    try:
        reader = TrajectoryReader(str(path))
    except (InvalidULMFileError, OSError, EOFError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: is no ASE trajectory ({error})") from error
    with reader:
        for number in range(len(reader)):
            try:
                atoms = reader[number]
            except (OSError, EOFError, ValueError, KeyError) as error:
                raise FormatError(f"{path}, frame {number}: cannot be read ({error})") from error
            info = dict(atoms.info)
            if atoms.calc is not None and "energy" in atoms.calc.results:
                info["energy"] = float(atoms.calc.results["energy"])
            yield _frame(
                np.array(atoms.get_chemical_symbols()),
                atoms.pbc,
                atoms.positions,
                atoms.cell.array,
                info,
                momenta=atoms.arrays.get("momenta"),
                time=None if interval is None else number * interval,
                unwrapped=unwrapped,
                done=(number + 1) / len(reader),
                where=f"{path}, frame {number}",
            )


def read_extxyz(path: PathLike, *, interval: float | None = None, unwrapped: bool | None = None) -> Iterator[Frame]:
    """Frames of an extended XYZ file, one in memory at a time.

    Parameters
    ----------
    path : path
        May be compressed (``.gz``). Needs ``Lattice`` and the columns ``species`` and ``pos``; ``momenta`` and the
        numbers of the comment line are taken too.
    interval, unwrapped
        As in `read_ase`.

    Yields
    ------
    Frame

    Raises
    ------
    FormatError
        What cannot be understood, with file and line.

    Warns
    -----
    CutFrameWarning
        The file ends within a frame.
    """
    with open_lines(Path(path)) as lines:
        number = 0
        while not lines.at_end():
            began = lines.number + 1
            head = lines.next(), lines.next()
            count = head[0]
            if head[0] and not count.isdigit():
                raise FormatError(f"{path}, line {began}: expected the number of atoms, got {count[:60]!r}")
            text = lines.block(int(count)) if all(head) else None
            if text is None:
                lines.warn_cut(number, began)
                return
            time = None if interval is None else number * interval
            yield _extxyz_frame(lines, began, head[1], text, int(count), number, time, unwrapped)
            number += 1
        if not number:
            raise FormatError(f"{path}: holds no frame")


def _extxyz_frame(
    lines: Lines,
    began: int,
    comment: str,
    text: bytes,
    count: int,
    number: int,
    time: float | None,
    unwrapped: bool | None,
) -> Frame:
    from ase.io.extxyz import key_val_str_to_dict

    where = f"{lines.path}, frame {number}"
    try:
        info = key_val_str_to_dict(comment)
    except ValueError as error:
        raise FormatError(f"{lines.path}, line {began + 1}: {error}") from error
    columns, width = _properties(str(info.pop("Properties", "species:S:1:pos:R:3")), f"{lines.path}, line {began + 1}")
    lattice = np.asarray(info.pop("Lattice", np.empty(0)), dtype=np.float64)
    if lattice.shape != (3, 3):
        raise FormatError(f"{lines.path}, line {began + 1}: expected Lattice, nine numbers of the cell")
    pbc = np.broadcast_to(np.asarray(info.pop("pbc", True), dtype=np.bool_), (3,))
    table = Table(text, count, width, where, began + 2)
    return _frame(
        table.words(columns["species"][0]).astype(np.str_),
        pbc,
        table.floats(columns["pos"]),
        lattice.T,
        info,
        momenta=table.floats(columns["momenta"]) if "momenta" in columns else None,
        time=time,
        unwrapped=unwrapped,
        done=lines.done,
        where=where,
    )


def _properties(text: str, where: str) -> tuple[dict[str, list[int]], int]:
    """Which columns hold what, and how many there are."""
    fields = text.split(":")
    if len(fields) % 3 or not all(size.isdigit() for size in fields[2::3]):
        raise FormatError(f"{where}: Properties are name:type:columns, got {text!r}")
    columns: dict[str, list[int]] = {}
    width = 0
    for name, size in zip(fields[::3], map(int, fields[2::3]), strict=True):
        columns[name] = list(range(width, width + size))
        width += size
    for name, size in (("species", 1), ("pos", 3), ("momenta", 3)):
        if len(columns.get(name, range(size) if name == "momenta" else ())) != size:
            raise FormatError(f"{where}: expected {size} columns of {name} in the Properties {text!r}")
    return columns, width


def _frame(
    symbols: NDArray[np.str_],
    pbc: NDArray[np.bool_],
    positions: Floats,
    cell: Floats,
    info: Mapping[str, Any],
    *,
    momenta: Floats | None,
    time: float | None,
    unwrapped: bool | None,
    done: float,
    where: str,
) -> Frame:
    if time is None:
        time = info.get(_TIME)
        if isinstance(time, bool) or not isinstance(time, int | float | np.number):
            raise FormatError(f"{where}: has no time in ps: give the interval between frames")
    if abs(np.linalg.det(cell)) == 0.0:
        raise FormatError(f"{where}: the cell has no volume")
    known = bool(info.get(_UNWRAPPED, False)) if unwrapped is None else unwrapped
    scalars = {
        name: float(value)
        for name, value in info.items()
        if isinstance(value, int | float | np.number) and not isinstance(value, bool) and name != _TIME
    }
    return Frame(
        symbols=symbols,
        pbc=np.array(pbc, dtype=np.bool_),
        fractional=to_fractional(positions, cell),
        cell=cell,
        time=float(time),
        images=np.zeros(positions.shape, dtype=np.int64) if known else None,
        momenta=momenta,
        scalars=scalars,
        done=done,
    )


def write_ase(frames: Iterable[Frame], path: Path) -> None:
    """Write frames as an ASE trajectory, unwrapped where the images are known."""
    from ase.io.trajectory import TrajectoryWriter

    with TrajectoryWriter(str(path), "w") as writer:
        for frame in frames:
            writer.write(_atoms(frame))


def _atoms(frame: Frame) -> Atoms:
    from ase import Atoms

    atoms = Atoms(frame.symbols, positions=frame.positions, cell=frame.cell, pbc=frame.pbc)
    atoms.info = {**frame.scalars, _TIME: frame.time, _UNWRAPPED: frame.images is not None}
    if frame.momenta is not None:
        atoms.set_momenta(frame.momenta)
    return atoms


def write_extxyz(frames: Iterable[Frame], file: IO[bytes]) -> None:
    """Write frames as extended XYZ, unwrapped where the images are known."""
    for frame in frames:
        columns: list[Any] = [frame.symbols.tolist(), *frame.positions.T.tolist()]
        properties, kinds = "species:S:1:pos:R:3", "%s %.9f %.9f %.9f"
        if frame.momenta is not None:
            columns += [*frame.momenta.T.tolist()]
            properties, kinds = properties + ":momenta:R:3", kinds + " %.9f %.9f %.9f"
        cell = " ".join(repr(value) for value in frame.cell.ravel().tolist())
        numbers = {**frame.scalars, _TIME: frame.time}
        words = [f'Lattice="{cell}"', f"Properties={properties}"]
        words += [f"{_key(name)}={float(value)!r}" for name, value in numbers.items()]
        words.append('pbc="' + " ".join("FT"[int(periodic)] for periodic in frame.pbc) + '"')
        if frame.images is not None:
            words.append(f"{_UNWRAPPED}=T")
        rows = (kinds + "\n") * len(frame.symbols) % tuple(chain.from_iterable(zip(*columns, strict=True)))
        file.write(f"{len(frame.symbols)}\n{' '.join(words)}\n{rows}".encode())


def _key(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else '"' + name.replace('"', r"\"") + '"'
