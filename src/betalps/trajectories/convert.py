"""From any format into any other, a frame at a time.

Text is slow to read and cannot be read in the middle: convert once into a store, then work on that.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from betalps.errors import FormatError
from betalps.trajectories.formats import (
    read_ase,
    read_extxyz,
    read_h5md,
    read_lammps_dump,
    write_ase,
    write_extxyz,
    write_h5md,
    write_lammps_dump,
)
from betalps.trajectories.frame import Frame
from betalps.trajectories.opening import open_trajectory
from betalps.trajectories.segments import HEADER
from betalps.trajectories.store import TrajectoryWriter
from betalps.trajectories.trajectory import Trajectory
from betalps.typing import PathLike

STORE, ASE, EXTXYZ, LAMMPS_DUMP, H5MD = FORMATS = ("store", "traj", "extxyz", "lammps-dump", "h5md")

_SUFFIXES = {
    "": STORE,
    ".store": STORE,
    ".traj": ASE,
    ".xyz": EXTXYZ,
    ".extxyz": EXTXYZ,
    ".dump": LAMMPS_DUMP,
    ".lammpstrj": LAMMPS_DUMP,
    ".lammpsdump": LAMMPS_DUMP,
    ".h5md": H5MD,
    ".h5": H5MD,
}
_READERS: dict[str, tuple[Callable[..., Iterator[Frame]], tuple[str, ...]]] = {
    ASE: (read_ase, ("interval", "unwrapped")),
    EXTXYZ: (read_extxyz, ("interval", "unwrapped")),
    LAMMPS_DUMP: (read_lammps_dump, ("specorder", "timestep", "rotation")),
    H5MD: (read_h5md, ("group", "specorder", "interval")),
}


@dataclass(frozen=True, kw_only=True)
class ConversionProgress:
    """How far a conversion is.

    Attributes
    ----------
    frames
        Written so far.
    done
        How much of the source has been read, 0 to 1.
    """

    frames: int
    done: float


def trajectory_format(path: PathLike) -> str:
    """The format of a file or folder by its name: one of `FORMATS`.

    Raises
    ------
    ValueError
        The name does not tell.
    """
    path = Path(path)
    if (path / HEADER).exists():
        return STORE
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = "".join(suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:])
    if suffix not in _SUFFIXES:
        known = ", ".join(filter(None, _SUFFIXES))
        raise ValueError(f"{path}: expected a name that ends in one of {known}, or a format: {', '.join(FORMATS)}")
    return _SUFFIXES[suffix]


def read_frames(path: PathLike, *, format: str | None = None, **options: Any) -> Iterator[Frame]:  # noqa: A002
    """Frames of a trajectory in any format, one in memory at a time.

    Parameters
    ----------
    path : path
    format : str, optional
        One of `FORMATS`; by default what the name says.
    **options
        Of the format's reader: ``interval``, ``unwrapped`` (`read_ase`, `read_extxyz`); ``specorder``, ``timestep``,
        ``rotation`` (`read_lammps_dump`); ``group``, ``specorder``, ``interval`` (`read_h5md`).

    Yields
    ------
    Frame

    Raises
    ------
    ValueError
        An option or a format that does not exist.
    FormatError
        The file cannot be understood, or its frames do not belong together.
    """
    kind = trajectory_format(path) if format is None else format
    if kind not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {kind!r}")
    reader, known = _READERS.get(kind, (_store_frames, ()))
    for name in options:
        if name not in known:
            raise ValueError(f"{path}: the format {kind} has no option {name!r}, only {', '.join(known) or 'none'}")
    given = {name: value for name, value in options.items() if value is not None}
    return _alike(reader(path, **given), str(path))


def read_trajectory(path: PathLike, *, format: str | None = None, **options: Any) -> Trajectory:  # noqa: A002
    """A trajectory in any format, as a whole in memory (a store: as `open_trajectory`).

    Parameters
    ----------
    path, format, **options
        As in `read_frames`.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError, FormatError
        As `read_frames`; times that do not increase.
    """
    if (trajectory_format(path) if format is None else format) == STORE:
        return open_trajectory(path)
    frames = list(read_frames(path, format=format, **options))
    first = frames[0]
    try:
        return Trajectory(
            symbols=first.symbols,
            pbc=first.pbc,
            fractional=np.stack([frame.fractional for frame in frames]),
            images=None if first.images is None else np.stack([_given(frame.images) for frame in frames]),
            momenta=None if first.momenta is None else np.stack([_given(frame.momenta) for frame in frames]),
            cells=np.stack([frame.cell for frame in frames]),
            times=np.array([frame.time for frame in frames]),
            scalars={name: np.array([frame.scalars[name] for frame in frames]) for name in first.scalars},
        )
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from error


def frames_of(trajectory: Trajectory) -> Iterator[Frame]:
    """The frames of a trajectory as a writer takes them."""
    for number in range(len(trajectory)):
        yield Frame(
            symbols=trajectory.symbols,
            pbc=trajectory.pbc,
            fractional=trajectory.fractional[number],
            cell=trajectory.cells[number],
            time=float(trajectory.times[number]),
            images=None if trajectory.images is None else trajectory.images[number],
            momenta=None if trajectory.momenta is None else trajectory.momenta[number],
            scalars={name: float(values[number]) for name, values in trajectory.scalars.items()},
            done=(number + 1) / len(trajectory),
        )


def convert(
    source: PathLike | Trajectory,
    target: PathLike,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    frames: slice = slice(None),
    overwrite: bool = False,
    progress: Callable[[ConversionProgress], None] | None = None,
    **options: Any,
) -> int:
    """Write a trajectory in another format, holding one frame in memory.

    Parameters
    ----------
    source : path or Trajectory
    target : path
        Appears when it is whole.
    source_format, target_format : str, optional
        One of `FORMATS`; by default what the names say (a target without suffix is a store).
    frames : slice
        Which frames of the source.
    overwrite : bool
        Replace a target that exists.
    progress : callable, optional
        Called with a `ConversionProgress` after every frame.
    **options
        Of the source's reader: see `read_frames`.

    Returns
    -------
    int
        How many frames were written.

    Raises
    ------
    FileExistsError
        The target exists.
    ValueError, FormatError
        As `read_frames`; no frame among those asked for; times that do not increase.
    """
    target = Path(target)
    kind = trajectory_format(target) if target_format is None else target_format
    if kind not in FORMATS:
        raise ValueError(f"target_format: expected one of {', '.join(FORMATS)}, got {kind!r}")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists")
    if isinstance(source, Trajectory):
        where = "the trajectory"
        found = _alike(frames_of(source), where)
    else:
        where = str(source)
        found = read_frames(source, format=source_format, **options)
    counted = _Counted(islice(found, frames.start, frames.stop, frames.step), progress)
    with _replacing(target) as temporary:
        _WRITERS[kind](counted, temporary)
        if not counted.frames:
            raise FormatError(
                f"{source if not isinstance(source, Trajectory) else 'the trajectory'}: no frame to write"
            )
    return counted.frames


class _Counted:
    """Frames on their way, counted and reported when the next is asked for: the one before is then written."""

    def __init__(self, frames: Iterable[Frame], progress: Callable[[ConversionProgress], None] | None) -> None:
        self._source, self._progress, self.frames = frames, progress, 0

    def __iter__(self) -> Iterator[Frame]:
        before = -np.inf
        for frame in self._source:
            if not frame.time > before:
                raise FormatError(f"frame {self.frames}: time {frame.time:g} ps does not follow {before:g} ps")
            before = frame.time
            yield frame
            self.frames += 1
            if self._progress is not None:
                self._progress(ConversionProgress(frames=self.frames, done=frame.done))


def _alike(frames: Iterable[Frame], where: str) -> Iterator[Frame]:
    """The frames, which must be of the same atoms and hold the same arrays as the first."""
    first: Frame | None = None
    for number, frame in enumerate(frames):
        first = first or frame
        if frame.symbols is not first.symbols and not np.array_equal(frame.symbols, first.symbols):
            raise FormatError(f"{where}, frame {number}: its atoms are not those of frame 0 in the same order")
        if not np.array_equal(frame.pbc, first.pbc):
            raise FormatError(f"{where}, frame {number}: pbc is {frame.pbc}, expected {first.pbc} as in frame 0")
        for name in ("images", "momenta"):
            if (getattr(frame, name) is None) != (getattr(first, name) is None):
                raise FormatError(f"{where}, frame {number}: {name} are in some frames only")
        yield replace(frame, scalars={name: frame.scalars.get(name, np.nan) for name in first.scalars})


def _given(array: Any) -> Any:
    return array


def _store_frames(path: PathLike) -> Iterator[Frame]:
    return frames_of(open_trajectory(path))


def _write_store(frames: Iterable[Frame], path: Path) -> None:
    writer: TrajectoryWriter | None = None
    try:
        for frame in frames:
            if writer is None:
                writer = TrajectoryWriter(
                    path,
                    frame.symbols,
                    frame.pbc,
                    images=frame.images is not None,
                    momenta=frame.momenta is not None,
                    scalars=tuple(frame.scalars),
                )
            writer.append_fractional(
                frame.fractional,
                frame.cell,
                frame.time,
                images=frame.images,
                momenta=frame.momenta,
                scalars=frame.scalars,
            )
    finally:
        if writer is not None:
            writer.close()


def _write_file(write: Callable[..., None], frames: Iterable[Frame], path: Path) -> None:
    with path.open("wb") as file:
        write(frames, file)


_WRITERS: dict[str, Callable[[Iterable[Frame], Path], None]] = {
    STORE: _write_store,
    ASE: write_ase,
    EXTXYZ: partial(_write_file, write_extxyz),
    LAMMPS_DUMP: partial(_write_file, write_lammps_dump),
    H5MD: write_h5md,
}


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A path beside the target that becomes the target when all has gone well."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        yield folder / target.name
        if target.is_dir():
            shutil.rmtree(target)
        (folder / target.name).replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
