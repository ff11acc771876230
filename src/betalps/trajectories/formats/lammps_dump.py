"""LAMMPS text dumps.

Everything is read as fractional coordinates of the box of the moment, whose origin moves with a barostat. Unwrapped
columns (``xu``, ``xsu``) and image flags (``ix``) both tell the path of an atom; wrapped columns alone do not. When
LAMMPS flips a tilted box, the box before is kept: a lattice has many cells, and the path must be in one.

Format: https://docs.lammps.org/dump.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.errors import FormatError
from betalps.trajectories.formats.columns import Table
from betalps.trajectories.formats.lines import Lines, open_lines
from betalps.trajectories.frame import Frame, momentum_of_unit_velocity, to_fractional
from betalps.typing import Floats, PathLike

_COORDINATES = {  # columns: (scaled, unwrapped), best first
    ("xu", "yu", "zu"): (False, True),
    ("xsu", "ysu", "zsu"): (True, True),
    ("x", "y", "z"): (False, False),
    ("xs", "ys", "zs"): (True, False),
}
_IMAGES, _VELOCITIES = ("ix", "iy", "iz"), ("vx", "vy", "vz")
_PICOSECONDS = {"metal": 1.0, "real": 1e-3}  # per unit of time; lengths are Å in both


@dataclass(frozen=True, kw_only=True)
class _Box:
    cell: Floats
    origin: Floats
    pbc: NDArray[np.bool_]


@dataclass(kw_only=True)
class _Head:
    """What precedes the atoms of a frame."""

    step: int = -1
    time: float | None = None
    atoms: int = -1
    box: _Box | None = None
    columns: tuple[str, ...] = ()


def read_lammps_dump(
    path: PathLike,
    *,
    specorder: Sequence[str] | None = None,
    timestep: float | None = None,
    rotation: ArrayLike | None = None,
) -> Iterator[Frame]:
    """Frames of a LAMMPS text dump, one in memory at a time.

    Parameters
    ----------
    path : path
        May be compressed (``.gz``). Columns: ``id``; coordinates as ``xu``, ``xsu``, ``x`` or ``xs``; optionally
        ``ix iy iz``, ``vx vy vz``; ``element``, or ``type`` with `specorder`. Boxes may be orthogonal, triclinic or
        general triclinic. ``ITEM: UNITS`` may say metal (taken for granted otherwise) or real.
    specorder : sequence of str, optional
        Chemical symbols of the types 1, 2, ...; goes before ``element``.
    timestep : float, ps, optional
        Needed where the dump has no ``ITEM: TIME`` (``dump_modify time yes``).
    rotation : (3, 3) array, optional
        What turned the cell into LAMMPS's (``vectors @ rotation``): ``rot_mat`` of ASE's `Prism`, or
        `lammps_rotation`. Given, frames come back as they were before.

    Yields
    ------
    Frame
        Atoms sorted by id. A time step that is written twice, as restarts do, comes once.

    Raises
    ------
    FormatError
        What cannot be understood, with file and line; atoms that appear, vanish or change species; steps that go
        back.

    Warns
    -----
    CutFrameWarning
        The file ends within a frame.
    """
    turn = np.eye(3) if rotation is None else np.asarray(rotation, dtype=np.float64)
    if turn.shape != (3, 3) or not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6):
        raise ValueError("rotation: expected an orthogonal (3, 3) matrix")
    with open_lines(Path(path)) as lines:
        reader = _Reader(lines, specorder, timestep)
        number, last_step, cell = 0, None, None
        while not lines.at_end():
            began = lines.number + 1
            found = reader.frame(number)
            if found is None:
                lines.warn_cut(number, began)
                return
            step, frame = found
            if last_step is not None and step <= last_step:
                if step == last_step:
                    continue
                raise FormatError(f"{path}, line {began}: step {step} follows step {last_step}")
            last_step = step
            frame = _unflipped(frame, cell)
            cell = frame.cell
            yield _turned(frame, turn.T)
            number += 1
        if not number:
            raise FormatError(f"{path}: holds no frame")


class _Reader:
    def __init__(self, lines: Lines, specorder: Sequence[str] | None, timestep: float | None) -> None:
        self._lines, self._timestep = lines, timestep
        self._units = "metal"  # until the file says so, which it does once
        self._specorder = None if specorder is None else np.array(specorder, dtype=np.str_)
        self._ids: NDArray[np.int64] | None = None
        self._kinds: NDArray[Any] | None = None
        self._symbols: NDArray[np.str_] = np.empty(0, dtype=np.str_)

    def frame(self, number: int) -> tuple[int, Frame] | None:
        """The next frame and its step; None where the file ends within it."""
        head = self._head()
        if head is None:
            return None
        first = self._lines.number + 1
        text = self._lines.block(head.atoms)
        if text is None:
            return None
        where = f"{self._lines.path}, frame {number}"
        table = Table(text, head.atoms, len(head.columns), where, first)
        order = self._order(table, head, where)
        assert head.box is not None
        fractional, images = _coordinates(table, head, head.box, order, self._lines)
        momenta = None
        if set(_VELOCITIES) <= set(head.columns):
            momenta = self._momenta(table.floats([head.columns.index(v) for v in _VELOCITIES])[order])
        return head.step, Frame(
            symbols=self._symbols,
            pbc=head.box.pbc,
            fractional=fractional,
            cell=head.box.cell,
            time=self._time(head),
            images=images,
            momenta=momenta,
            done=self._lines.done,
        )

    def _head(self) -> _Head | None:
        head, lines = _Head(), self._lines
        while True:
            item = lines.next()
            if not item:
                return None
            if item.startswith("ITEM: ATOMS"):
                head.columns = tuple(item.split()[2:])
                if head.step < 0 or head.atoms < 1 or head.box is None:
                    raise lines.error("atoms before their time step, number or box")
                return head
            if item.startswith("ITEM: BOX BOUNDS"):
                rows = [lines.next() for _ in range(3)]
                if not all(rows):
                    return None
                head.box = _box(item.split()[3:], rows, lines)
            elif item.startswith("ITEM:"):
                value = lines.next()
                if not value:
                    return None
                self._note(head, item[5:].strip(), value)
            else:
                raise lines.error(f"expected ITEM: ..., got {item[:60]!r}")

    def _note(self, head: _Head, item: str, value: str) -> None:
        try:
            if item == "TIMESTEP":
                head.step = int(value)
            elif item == "NUMBER OF ATOMS":
                head.atoms = int(value)
            elif item == "TIME":
                head.time = float(value)
            elif item == "UNITS":
                self._units = value
        except ValueError:
            raise self._lines.error(f"expected a number below ITEM: {item}, got {value!r}") from None
        if self._units not in _PICOSECONDS:
            raise self._lines.error(f"expected units metal or real, got {self._units}")

    def _time(self, head: _Head) -> float:
        if head.time is not None:
            return head.time * _PICOSECONDS[self._units]
        if self._timestep is None:
            raise self._lines.error("the dump has steps but no times: give the timestep in ps")
        return head.step * self._timestep

    def _order(self, table: Table, head: _Head, where: str) -> NDArray[np.intp]:
        """What sorts the rows by id; the atoms must be those of the first frame."""
        if "id" not in head.columns:
            raise self._lines.error("the atoms have no id, and LAMMPS does not keep their order")
        ids = table.integers(head.columns.index("id"))
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        kinds = self._species(table, head)[order]
        if self._ids is None or self._kinds is None:
            if (np.diff(ids) == 0).any():
                raise FormatError(f"{where}: an id occurs twice")
            self._ids, self._kinds = ids, kinds
            self._symbols = self._names(kinds)
        elif not np.array_equal(ids, self._ids):
            raise FormatError(f"{where}: its atoms are not those of frame 0 ({len(ids)} and {len(self._ids)} of them)")
        elif not np.array_equal(kinds, self._kinds):
            changed = int(ids[np.flatnonzero(kinds != self._kinds)[0]])
            raise FormatError(f"{where}: atom {changed} is of another species than in frame 0")
        return order

    def _species(self, table: Table, head: _Head) -> NDArray[Any]:
        if self._specorder is not None and "type" in head.columns:
            return table.integers(head.columns.index("type"))
        if "element" in head.columns:
            return table.words(head.columns.index("element"))
        raise self._lines.error("no column says the species: give specorder with a column type, or dump element")

    def _names(self, kinds: NDArray[Any]) -> NDArray[np.str_]:
        if kinds.dtype.kind == "S":
            return kinds.astype(np.str_)
        assert self._specorder is not None
        if kinds.min() < 1 or kinds.max() > len(self._specorder):
            raise self._lines.error(f"types {kinds.min()} to {kinds.max()}, but specorder names {len(self._specorder)}")
        return np.asarray(self._specorder[kinds - 1], dtype=np.str_)

    def _momenta(self, velocities: Floats) -> Floats:
        per_ps = 1.0 / _PICOSECONDS[self._units]
        return velocities * (per_ps * momentum_of_unit_velocity(self._symbols)[:, None])


def _box(words: list[str], rows: list[str], lines: Lines) -> _Box:
    try:
        numbers = np.array([[float(word) for word in row.split()] for row in rows])
    except ValueError:
        raise lines.error("expected numbers for the bounds of the box") from None
    general, tilted = words[:2] == ["abc", "origin"], words[:3] == ["xy", "xz", "yz"]
    flags = words[2 * general + 3 * tilted :]
    if len(flags) != 3 or numbers.shape != (3, 4 if general else 2 + tilted):
        raise lines.error(f"expected the bounds of a box, got shape {numbers.shape} with {' '.join(words)!r}")
    pbc = np.array([flag == "pp" for flag in flags])
    if general:
        return _Box(cell=numbers[:, :3].copy(), origin=numbers[:, 3].copy(), pbc=pbc)
    low, high = numbers[:, 0].copy(), numbers[:, 1].copy()
    xy, xz, yz = numbers[:, 2] if tilted else np.zeros(3)
    # The bounds of a triclinic box are those of what it reaches, not of its corner.
    low -= [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high -= [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    x, y, z = high - low
    return _Box(cell=np.array([[x, 0.0, 0.0], [xy, y, 0.0], [xz, yz, z]]), origin=low, pbc=pbc)


def _coordinates(
    table: Table, head: _Head, box: _Box, order: NDArray[np.intp], lines: Lines
) -> tuple[Floats, NDArray[np.int64] | None]:
    """Fractional coordinates, and images where the path is known."""
    if np.linalg.det(box.cell) == 0.0:
        raise lines.error("the box has no volume")
    for names, (scaled, unwrapped) in _COORDINATES.items():
        if not set(names) <= set(head.columns):
            continue
        values = table.floats([head.columns.index(name) for name in names])[order]
        if not scaled:
            values = to_fractional(values - box.origin, box.cell)
        images = np.zeros(values.shape, dtype=np.int64) if unwrapped else None
        if not unwrapped and set(_IMAGES) <= set(head.columns):
            images = np.stack([table.integers(head.columns.index(name)) for name in _IMAGES], axis=1)[order]
        return values, images
    raise lines.error(f"no coordinates among the columns {' '.join(head.columns)}")


def _unflipped(frame: Frame, before: Floats | None) -> Frame:
    """The frame in that cell of its lattice which continues the cell before."""
    if before is None:
        return frame
    flip = np.rint(frame.cell @ np.linalg.inv(before))
    if np.array_equal(flip, np.eye(3)) or abs(abs(np.linalg.det(flip)) - 1.0) > 1e-6:
        return frame
    fractional, images = frame.continuous @ flip, None
    if frame.images is None:
        fractional -= np.where(frame.pbc, np.floor(fractional), 0.0)  # wrapped, as they were in the other cell
    else:
        images = np.zeros(frame.images.shape, dtype=np.int64)
    cell = np.asarray(np.linalg.solve(flip, frame.cell), dtype=np.float64)
    return replace(frame, fractional=fractional, images=images, cell=cell)


def _turned(frame: Frame, turn: Floats) -> Frame:
    momenta = None if frame.momenta is None else frame.momenta @ turn
    return replace(frame, cell=frame.cell @ turn, momenta=momenta)
