"""What the analyses of structure share: frames one by one, who is inside a region, means over blocks of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from betalps.structures.regions import AtomChoice, Complement, Intersection, Region, Union
from betalps.trajectories import Trajectory
from betalps.typing import Bools, Floats, Json

if TYPE_CHECKING:
    from ase import Atoms


FrameObserver: TypeAlias = Callable[[int, int], None]
"""Called with the number of frames done and their total."""


class Snapshot(NamedTuple):
    """One frame: fractional coordinates (atoms, 3), cell (3, 3) in Å, and which atoms are inside the region."""

    fractional: Floats
    cell: Floats
    inside: Bools


def as_trajectory(structure: Trajectory | Atoms) -> Trajectory:
    """A structure as a trajectory of one frame; a trajectory as it is.

    Raises
    ------
    ValueError
        It is neither, holds no atom, or has no cell.
    """
    if isinstance(structure, Trajectory):
        return structure
    if not hasattr(structure, "get_chemical_symbols"):
        raise ValueError(f"expected a Trajectory or ase.Atoms, got {type(structure).__name__}")
    if not len(structure):
        raise ValueError("expected atoms, got a structure of none")
    if structure.cell.rank < 3:
        raise ValueError(
            f"{structure.get_chemical_formula()}: expected a cell with a volume, got {structure.cell.array.tolist()}; "
            "atoms.center(vacuum=10.0) gives a molecule one"
        )
    return Trajectory.from_atoms([structure], [0.0])


def snapshots(
    trajectory: Trajectory, region: Region | None = None, observer: FrameObserver | None = None
) -> Iterator[Snapshot]:
    """The frames one by one, so that a trajectory on disk is never in memory as a whole.

    The observer hears of a frame when the next one is asked for.

    Raises
    ------
    ValueError
        The region is a choice among other atoms or frames.
    """
    everyone: Bools = np.ones(len(trajectory.symbols), dtype=np.bool_)
    for frame in range(len(trajectory)):
        fractional = np.asarray(trajectory.fractional[frame], dtype=np.float64)
        cell = trajectory.cells[frame]
        inside = everyone if region is None else at_frame(region, frame, len(trajectory)).contains(fractional, cell)
        yield Snapshot(fractional, cell, inside)
        if observer is not None:
            observer(frame + 1, len(trajectory))


def described(region: Region | None) -> Json | None:
    """The region as a result remembers it; of a choice made anew for every frame only how large it is."""
    if isinstance(region, AtomChoice) and region.mask.ndim == 2:
        frames, atoms = region.mask.shape
        return {"kind": "atoms", "frames": frames, "atoms": atoms, "fraction": float(region.mask.mean())}
    if isinstance(region, Union | Intersection):
        return {"kind": type(region).__name__.lower(), "parts": [described(part) for part in region.parts]}
    if isinstance(region, Complement):
        return {"kind": "complement", "part": described(region.part)}
    return None if region is None else region.to_dict()


def block_numbers(frames: int, blocks: int) -> tuple[list[int], int]:
    """The block of each frame, and how many blocks there are: no more than frames.

    Raises
    ------
    ValueError
        Not at least two blocks are asked for.
    """
    if blocks < 2:
        raise ValueError(f"blocks: expected at least 2, got {blocks}")
    count = min(blocks, frames)
    return (np.arange(frames) * count // frames).tolist(), count


def scatter(blocks: Floats) -> Floats:
    """Standard error of the mean of blocks (blocks, ...); NaN where there is one block.

    Blocks that are NaN had nothing to average.
    """
    known = np.isfinite(blocks)
    count = known.sum(axis=0)
    safe = np.maximum(count, 1)
    mean = np.where(known, blocks, 0.0).sum(axis=0) / safe
    squares = np.where(known, blocks - mean, 0.0) ** 2
    error = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1) / safe)
    return np.asarray(np.where(count > 1, error, np.nan))


def per(total: Floats, number: Floats) -> Floats:
    """`total` over `number`, NaN where there is none; the leading axes are those of `number`."""
    number = np.asarray(number, dtype=np.float64)
    shaped = number.reshape(number.shape + (1,) * (np.ndim(total) - number.ndim))
    return np.asarray(np.divide(total, shaped, out=np.full(np.shape(total), np.nan), where=shaped > 0))


def positive(name: str, value: float, unit: str = "Å") -> float:
    """Check a length.

    Raises
    ------
    ValueError
        It is not above zero and finite.
    """
    if not (np.isfinite(value) and value > 0.0):
        raise ValueError(f"{name}: expected a number above 0 {unit}, got {value!r}")
    return float(value)


def at_frame(region: Region, frame: int, frames: int) -> Region:
    """The region of one frame: a choice made anew for every frame has a mask for it.

    Raises
    ------
    ValueError
        A choice made for another number of frames.
    """
    if isinstance(region, AtomChoice) and region.mask.ndim == 2:
        if len(region.mask) != frames:
            raise ValueError(f"region: a choice of atoms for {len(region.mask)} frames, but there are {frames}")
        return AtomChoice(mask=region.mask[frame])
    if isinstance(region, Union | Intersection):
        return type(region)(parts=tuple(at_frame(part, frame, frames) for part in region.parts))
    if isinstance(region, Complement):
        return Complement(part=at_frame(region.part, frame, frames))
    return region
