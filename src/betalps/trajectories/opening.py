"""Opening a trajectory store."""

from __future__ import annotations

from pathlib import Path

from betalps.errors import EmptyTrajectoryError, FormatError
from betalps.trajectories import segments
from betalps.trajectories.segments import TAIL
from betalps.trajectories.stored import StoredArray
from betalps.trajectories.trajectory import Trajectory
from betalps.typing import PathLike


def open_trajectory(path: PathLike) -> Trajectory:
    """Open a trajectory store; what is being written can be read as far as it is.

    Parameters
    ----------
    path : path
        The folder that a `TrajectoryWriter` fills.

    Returns
    -------
    Trajectory
        The frames there are now; per-atom arrays are read when they are indexed.

    Raises
    ------
    FormatError
        The folder holds no trajectory or no frame yet, a segment is missing in the middle, or something cannot
        be read.
    """
    folder = Path(path)
    header = segments.read_header(folder)
    # The tail first: what moves from there into a segment meanwhile is then seen twice, not missed.
    content = (folder / TAIL).read_bytes() if (folder / TAIL).exists() else b""
    count = segments.count_segments(folder)
    first = count * header.frames_per_segment
    tail, whole = segments.unpack(content, header, first)
    if segments.damaged_inside(content, header, whole):
        raise FormatError(f"{folder / TAIL}: record {whole} is damaged")
    if len(tail) and tail["frame"][0] != first:
        raise FormatError(f"{folder / TAIL}: starts at frame {tail['frame'][0]}, expected {first}")
    if not count and not len(tail):
        raise EmptyTrajectoryError(f"{folder}: holds no frame yet")
    info = [segments.read_frames_info(folder, header, number) for number in range(count)]
    times, cells, scalars = segments.join_info([*info, (tail["time"], tail["cell"], tail["scalars"])])
    arrays = {
        name: StoredArray(
            folder,
            name,
            segments=count,
            per_segment=header.frames_per_segment,
            tail=tail[name],
            chunk=segments.chunk_shape(header)[:2],
        )
        for name in header.per_atom
    }
    try:
        return Trajectory(
            symbols=header.symbols,
            pbc=header.pbc,
            cells=cells,
            times=times,
            scalars=dict(zip(header.scalars, scalars.T, strict=True)),
            **arrays,
        )
    except ValueError as error:
        raise FormatError(f"{folder}: {error}") from error
