"""Which ions are inside a region in which frame, and along which directions they can leave it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import at_frame
from betalps.structures.regions import AtomChoice, Box, Complement, Everywhere, Intersection, Region, Union
from betalps.trajectories import Trajectory
from betalps.typing import Bools, Floats

_PERPENDICULAR = 1e-6


class Directions(NamedTuple):
    """Orthonormal axes (rows of a (3, 3) array), and along which of them an ion may cross the border (3,)."""

    axes: Floats
    crossing: Bools
    names: tuple[str, str, str]


def membership(trajectory: Trajectory, region: Region, ions: NDArray[np.intp], drift: Floats | None) -> Bools:
    """Which ions are inside, frame by frame.

    Parameters
    ----------
    trajectory : Trajectory
    region : Region
        Where it is in the first frame; it moves with the framework.
    ions : (n,) array of int
    drift : (frames, 3) array, Å, optional
        Displacement of the framework.

    Returns
    -------
    (n, frames) array of bool

    Raises
    ------
    TypeError
        The region is none.
    ValueError
        It is a choice among other atoms or frames.
    """
    if not isinstance(region, Region):
        raise TypeError(f"region: expected a Region of betalps.structures, got {type(region).__name__}")
    here = _among(region, ions, len(trajectory.symbols))
    shift = np.zeros((len(trajectory), 3)) if drift is None else drift @ np.linalg.inv(trajectory.mean_cell)
    inside = np.empty((len(ions), len(trajectory)), dtype=np.bool_)
    for frame in range(len(trajectory)):
        fractional = np.asarray(trajectory.fractional[frame])[ions].astype(np.float64) - shift[frame]
        inside[:, frame] = at_frame(here, frame, len(trajectory)).contains(fractional, trajectory.cells[frame])
    return inside


def directions(region: Region, cell: Floats) -> Directions:
    """The axes that fit a region: two in the plane of a slab and its normal; x, y and z for any other region."""
    normal = region.normal(cell)
    if normal is not None and region.axis is not None:
        first = cell[(region.axis + 1) % 3] / np.linalg.norm(cell[(region.axis + 1) % 3])
        axes = np.array([first, np.cross(normal, first), normal])
        labels = _names(axes, ("lateral 1", "lateral 2", "normal"))
        return Directions(axes, np.array([False, False, True]), labels)
    # The faces that bound the region along a cell vector stand on the vectors of the reciprocal cell.
    faces = np.linalg.inv(cell).T[sorted(_bounded(region))].reshape(-1, 3)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    return Directions(np.eye(3), (np.abs(faces) > _PERPENDICULAR).any(axis=0), ("x", "y", "z"))


def thinner(region: Region, margin: float) -> Region:
    """A slab, or several, with less on both sides.

    Raises
    ------
    ValueError
        It is no slab, or nothing is left of it.
    """
    if isinstance(region, Union) and region.axis is not None:
        return Union(parts=tuple(thinner(part, margin) for part in region.parts))
    if not (isinstance(region, Box) and region.axis is not None and region.thickness is not None):
        raise ValueError(f"region: expected a slab, or several along the same cell vector, got {region!r}")
    if region.thickness <= 2 * margin:
        raise ValueError(f"region: nothing is left of {region.thickness:g} Å without {margin:g} Å on either side")
    lengths = list(region.lengths)
    lengths[region.axis] = region.thickness - 2 * margin
    return replace(region, lengths=(lengths[0], lengths[1], lengths[2]))


def density(region: Region, cell: Floats, ions: float) -> float | None:
    """Ions per volume of a region, 1/Å³; None where it has no volume."""
    try:
        volume = region.volume(cell)
    except (NotImplementedError, ValueError):
        return None
    return ions / volume if volume > 0.0 else None


def _among(region: Region, ions: NDArray[np.intp], atoms: int) -> Region:
    """The region as the ions alone see it."""
    if isinstance(region, AtomChoice):
        if region.mask.shape[-1] != atoms:
            raise ValueError(f"region: a choice among {region.mask.shape[-1]} atoms, but there are {atoms}")
        return AtomChoice(mask=region.mask[..., ions])
    if isinstance(region, Union | Intersection):
        return type(region)(parts=tuple(_among(part, ions, atoms) for part in region.parts))
    if isinstance(region, Complement):
        return Complement(part=_among(region.part, ions, atoms))
    return region


def _bounded(region: Region) -> set[int]:
    """The cell vectors along which an ion may leave; all of them where nobody knows."""
    if isinstance(region, Box):
        return {k for k, length in enumerate(region.lengths) if length is not None}
    if isinstance(region, Union | Intersection):
        return set().union(*(_bounded(part) for part in region.parts))
    if isinstance(region, Complement):
        return _bounded(region.part)
    if isinstance(region, Everywhere) or (isinstance(region, AtomChoice) and region.mask.ndim == 1):
        return set()
    return {0, 1, 2}


def _names(axes: Floats, otherwise: tuple[str, str, str]) -> tuple[str, str, str]:
    """x, y, z where the axes are these in some order."""
    largest = np.abs(axes).argmax(axis=1)
    if not np.allclose(np.abs(axes).max(axis=1), 1.0, atol=_PERPENDICULAR):
        return otherwise
    first, second, third = ("xyz"[k] for k in largest)
    return first, second, third
