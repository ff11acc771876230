"""What a trajectory store is on disk: a header, whole segments, and a tail of single frames.

``header.json``
    Species, periodicity, which arrays there are, frames per segment T.
``segment-000000.h5``, ``segment-000001.h5``, ...
    T frames each, written under another name and renamed; HDF5 with ``fractional`` (float32, wrapped), ``images``
    (int16), ``momenta`` (float32), ``cells``, ``times``, ``scalars/<name>``. The per-atom arrays are chunked by
    time and 512 atoms, so that some atoms can be read through all frames.
``tail.bin``
    The frames after the last whole segment, one record each, closed by a checksum: what was cut short by a kill
    is seen and left out.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import FormatError
from betalps.files import write_atomic
from betalps.typing import Floats, Json

if TYPE_CHECKING:
    import h5py

HEADER, TAIL = "header.json", "tail.bin"
ATOMS_PER_CHUNK = 512
FRAMES_PER_CHUNK = 128
_FORMAT, _VERSION = "betalps trajectory", 1
_SEGMENT_SIZE = 32 * 2**20  # bytes: what a writer holds once per segment, and a reader of whole frames keeps
_CHECKSUM = 4  # bytes


@dataclass(frozen=True, kw_only=True, eq=False)
class Header:
    """What all frames of a store have in common."""

    symbols: NDArray[np.str_]
    pbc: NDArray[np.bool_]
    images: bool
    momenta: bool
    scalars: tuple[str, ...]
    frames_per_segment: int

    @property
    def per_atom(self) -> tuple[str, ...]:
        """Names of the per-atom arrays."""
        return ("fractional", *(["images"] * self.images), *(["momenta"] * self.momenta))

    @property
    def record(self) -> np.dtype[np.void]:
        """A frame in the tail."""
        kinds = {"fractional": "<f4", "images": "<i2", "momenta": "<f4"}
        return np.dtype(
            [
                ("frame", "<i8"),
                ("time", "<f8"),
                ("cell", "<f8", (3, 3)),
                ("scalars", "<f8", (len(self.scalars),)),
                *((name, kinds[name], (len(self.symbols), 3)) for name in self.per_atom),
                ("checksum", "<u4"),
            ]
        )

    def differences(self, other: Header) -> list[str]:
        """Why a writer for `other` must not go on here."""
        found = []
        if not np.array_equal(self.symbols, other.symbols):
            found.append(f"a trajectory of other atoms ({len(self.symbols)} of them)")
        if not np.array_equal(self.pbc, other.pbc):
            found.append(f"a trajectory with pbc {self.pbc.tolist()}, expected {other.pbc.tolist()}")
        return found + [
            f"a trajectory with {name} {getattr(self, name)}, expected {getattr(other, name)}"
            for name in ("images", "momenta", "scalars")
            if getattr(self, name) != getattr(other, name)
        ]


def segment_length(atoms: int) -> int:
    """Frames per segment that suit a number of atoms."""
    fitting = int(np.clip(_SEGMENT_SIZE // (18 * atoms), 16, 1024))
    return fitting if fitting < FRAMES_PER_CHUNK else fitting - fitting % FRAMES_PER_CHUNK


def write_header(folder: Path, header: Header) -> None:
    """Write the header, once."""
    content: Json = {
        "format": _FORMAT,
        "version": _VERSION,
        "symbols": header.symbols.tolist(),
        "pbc": header.pbc.tolist(),
        "images": header.images,
        "momenta": header.momenta,
        "scalars": list(header.scalars),
        "frames_per_segment": header.frames_per_segment,
    }
    write_atomic(folder / HEADER, json.dumps(content).encode())


def read_header(folder: Path) -> Header:
    """Read the header.

    Raises
    ------
    FormatError
        There is none, or it says something else.
    """
    path = folder / HEADER
    if not path.exists():
        raise FormatError(f"{folder}: holds no trajectory ({HEADER} is missing)")
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT or content["version"] != _VERSION:
            raise FormatError(
                f"{path}: expected {_FORMAT} version {_VERSION}, got {content['format']} version {content['version']}"
            )
        header = Header(
            symbols=np.array(content["symbols"], dtype=np.str_),
            pbc=np.array(content["pbc"], dtype=np.bool_),
            images=bool(content["images"]),
            momenta=bool(content["momenta"]),
            scalars=tuple(content["scalars"]),
            frames_per_segment=int(content["frames_per_segment"]),
        )
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(f"{path}: is no header of a trajectory ({error!r})") from error
    return header


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment is."""
    return folder / f"segment-{number:06d}.h5"


def count_segments(folder: Path) -> int:
    """How many segments there are.

    Raises
    ------
    FormatError
        One is missing in the middle.
    """
    paths = sorted(folder.glob("segment-*.h5"))
    for number, path in enumerate(paths):
        expected = segment_path(folder, number)
        if path != expected:
            raise FormatError(f"{folder}: expected {expected.name}, found {path.name}: a segment is missing")
    return len(paths)


def write_segment(path: Path, header: Header, records: NDArray[np.void]) -> None:
    """Write records as one segment."""
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w", libver="v110") as h5:
        h5.attrs.update({"format": _FORMAT, "version": _VERSION, "first": int(records["frame"][0])})
        for name in header.per_atom:
            # Coordinates and momenta are noise to a compressor; images hardly change.
            compression = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if name == "images" else {}
            h5.create_dataset(name, data=records[name], chunks=chunk_shape(header), fletcher32=True, **compression)
        h5["cells"], h5["times"] = records["cell"], records["time"]
        for column, name in enumerate(header.scalars):
            h5[f"scalars/{name}"] = records["scalars"][:, column]
    write_atomic(path, file.getvalue())


def chunk_shape(header: Header) -> tuple[int, int, int]:
    """(frames, atoms, 3) of what is read and written as a whole: even parts, for HDF5 stores the last one in full."""
    sizes = (header.frames_per_segment, FRAMES_PER_CHUNK), (len(header.symbols), ATOMS_PER_CHUNK)
    frames, atoms = (-(-size // -(-size // most)) for size, most in sizes)
    return frames, atoms, 3


def open_segment(path: Path) -> h5py.File:
    """Open a segment for reading.

    Raises
    ------
    FormatError
        It cannot be read.
    """
    import h5py

    try:
        # Without locks, which some file systems of clusters refuse: a segment never changes.
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read as a whole segment ({error})") from error


def read_dataset(h5: h5py.File, name: str, key: Any = ()) -> NDArray[Any]:
    """A part of an array of a segment.

    Raises
    ------
    FormatError
        The array is absent or damaged.
    """
    try:
        value: NDArray[Any] = h5[name][key]
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise FormatError(f"{h5.filename}: {name} cannot be read ({error})") from error
    return value


def read_frames_info(folder: Path, header: Header, number: int) -> tuple[Floats, Floats, Floats]:
    """Times (T,), cells (T, 3, 3) and scalars (T, names) of a segment, after a look at all its shapes.

    Raises
    ------
    FormatError
        The segment cannot be read or is not the one expected here.
    """
    path, frames = segment_path(folder, number), header.frames_per_segment
    with open_segment(path) as h5:
        first = h5.attrs.get("first", -1)
        if first != number * frames:
            raise FormatError(f"{path}: starts at frame {first}, expected {number * frames}")
        shapes: dict[str, tuple[int, ...]] = {"times": (frames,), "cells": (frames, 3, 3)}
        shapes |= {f"scalars/{name}": (frames,) for name in header.scalars}
        shapes |= {name: (frames, len(header.symbols), 3) for name in header.per_atom}
        for name, shape in shapes.items():
            found = h5[name].shape if name in h5 else None
            if found != shape:
                raise FormatError(f"{path}: {name} has shape {found}, expected {shape}")
        scalars = [read_dataset(h5, f"scalars/{name}") for name in header.scalars]
        columns = np.stack(scalars, axis=1) if scalars else np.empty((frames, 0))
        return read_dataset(h5, "times"), read_dataset(h5, "cells"), columns


def pack(record: NDArray[np.void]) -> bytes:
    """One record (shape ()) as bytes, closed by its checksum."""
    record["checksum"] = 0
    content = record.tobytes()[:-_CHECKSUM]
    return content + zlib.crc32(content).to_bytes(_CHECKSUM, "little")


def unpack(content: bytes, header: Header, first: int) -> tuple[NDArray[np.void], int]:
    """The whole records of a tail, from frame `first` on.

    Returns
    -------
    records : (frames,) structured array
    whole : int
        How many records at the beginning of `content` are whole.
    """
    kind = header.record
    records = np.frombuffer(content[: len(content) // kind.itemsize * kind.itemsize], dtype=kind)
    whole = len(records)
    for number in range(len(records)):
        if not _is_whole(records[number : number + 1]):
            whole = number
            break
    records = records[:whole]
    return records[records["frame"] >= first], whole


def damaged_inside(content: bytes, header: Header, whole: int) -> bool:
    """Whether a whole record follows one that is not: no kill does that."""
    kind = header.record
    records = np.frombuffer(content[: len(content) // kind.itemsize * kind.itemsize], dtype=kind)
    return any(_is_whole(records[number : number + 1]) for number in range(whole + 1, len(records)))


def _is_whole(record: NDArray[np.void]) -> bool:
    content = record.tobytes()
    return zlib.crc32(content[:-_CHECKSUM]) == int.from_bytes(content[-_CHECKSUM:], "little")


def join_info(parts: Sequence[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    """Times, cells and scalars of consecutive parts."""
    times, cells, scalars = zip(*parts, strict=True)
    return np.concatenate(times), np.concatenate(cells), np.concatenate(scalars)
