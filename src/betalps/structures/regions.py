"""Regions of a cell: where an analysis looks. Slabs around boundaries, boxes around cores, and what is left.

A region answers which atoms of which frames are inside. It is kept in fractional coordinates, so that it moves with the
cell of a run at constant pressure, while its thickness stays what it is in Å.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from betalps.errors import StructureError
from betalps.structures.boundaries.record import boundary_record
from betalps.typing import Bools, Floats, Json

if TYPE_CHECKING:
    from ase import Atoms

THICKNESS = 10.0
"""Å; what the reference study takes for a boundary."""


class Region(ABC):
    """Part of a periodic cell. ``a | b``, ``a & b`` and ``~a`` combine regions."""

    @abstractmethod
    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:
        """Which atoms are inside.

        Parameters
        ----------
        fractional
            Coordinates in the cell, shape (..., atoms, 3), wrapped or not.
        cell
            Rows are the cell vectors in Å: (3, 3), or one cell for each frame, (..., 3, 3).

        Returns
        -------
        ndarray of bool, shape (..., atoms)
        """

    @abstractmethod
    def to_dict(self) -> Json:
        """JSON-able; `region_from_dict` makes the region of it again."""

    @property
    def thickness(self) -> float | None:
        """Of a slab, or of each of several slabs along the same axis, in Å; None for other regions."""
        return None

    @property
    def axis(self) -> int | None:
        """The cell vector that leaves a slab, or each of several; None for other regions."""
        return None

    def normal(self, cell: ArrayLike) -> Floats | None:
        """(3,) unit vector normal to a slab, or to each of several along the same axis; None for other regions."""
        if self.axis is None:
            return None
        vector = np.linalg.inv(np.asarray(cell, dtype=np.float64))[:, self.axis]
        return np.asarray(vector / np.linalg.norm(vector))

    def volume(self, cell: ArrayLike) -> float:
        """In Å³, exact also where parts overlap.

        Raises
        ------
        ValueError
            For regions that are a choice of atoms.
        """
        cell = np.asarray(cell, dtype=np.float64)
        heights = face_distances(cell)
        edges = [np.unique(np.concatenate([[0.0, 1.0], *found])) for found in zip(*self._edges(heights), strict=True)]
        middles = [(e[1:] + e[:-1]) / 2 for e in edges]
        grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 3)
        sizes = np.einsum("i,j,k->ijk", *(np.diff(e) for e in edges)).ravel()
        return float(abs(np.linalg.det(cell)) * sizes[self.contains(grid, cell)].sum())

    @abstractmethod
    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:
        """Fractional coordinates along each axis where membership may change, part by part."""

    def __or__(self, other: Region) -> Region:
        return Union(parts=(self, other))

    def __and__(self, other: Region) -> Region:
        return Intersection(parts=(self, other))

    def __invert__(self) -> Region:
        return Complement(part=self)


@dataclass(frozen=True, kw_only=True)
class Box(Region):
    """Everything near a point; or near a line or a plane, where it is unbounded. Periodic.

    Attributes
    ----------
    centre
        (3,) fractional coordinates.
    lengths
        (3,) in Å: distance between the box's faces, which are parallel to the cell's. None where it is unbounded: a
        slab has one length, a box along a dislocation line two.
    """

    centre: tuple[float, float, float]
    lengths: tuple[float | None, float | None, float | None]

    def __post_init__(self) -> None:
        centre = tuple(float(x) for x in self.centre)
        lengths = tuple(None if length is None else float(length) for length in self.lengths)
        if len(centre) != 3 or not all(math.isfinite(x) for x in centre):
            raise ValueError(f"box: centre {self.centre!r}: expected three fractional coordinates")
        if len(lengths) != 3 or not all(x is None or (math.isfinite(x) and x > 0) for x in lengths):
            raise ValueError(f"box: lengths {self.lengths!r}: expected three lengths above 0 Å, None where unbounded")
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "lengths", lengths)

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:
        """As `Region.contains`."""
        fractional = np.asarray(fractional)
        heights = face_distances(cell)
        inside: Bools = np.ones(fractional.shape[:-1], dtype=np.bool_)
        for k, (centre, length) in enumerate(zip(self.centre, self.lengths, strict=True)):
            if length is not None:
                away = fractional[..., k] - centre
                away -= np.rint(away)
                inside &= np.abs(away) * heights[..., k, None] <= length / 2
        return inside

    @property
    def thickness(self) -> float | None:
        """As `Region.thickness`."""
        return None if self.axis is None else self.lengths[self.axis]

    @property
    def axis(self) -> int | None:
        """As `Region.axis`."""
        bounded = [k for k, length in enumerate(self.lengths) if length is not None]
        return bounded[0] if len(bounded) == 1 else None

    def to_dict(self) -> Json:
        """As `Region.to_dict`."""
        return {"kind": "box", "centre": list(self.centre), "lengths": list(self.lengths)}

    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:
        first, second, third = (
            [] if length is None or length >= height else [(c + s * length / height / 2) % 1.0 for s in (-1, 1)]
            for c, length, height in zip(self.centre, self.lengths, heights.tolist(), strict=True)
        )
        return [(first, second, third)]


@dataclass(frozen=True, kw_only=True)
class Everywhere(Region):
    """The whole cell."""

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:  # noqa: ARG002
        """As `Region.contains`."""
        return np.ones(np.shape(fractional)[:-1], dtype=np.bool_)

    def to_dict(self) -> Json:
        """As `Region.to_dict`."""
        return {"kind": "everywhere"}

    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:  # noqa: ARG002
        return [([], [], [])]


@dataclass(frozen=True, kw_only=True)
class _Several(Region):
    parts: tuple[Region, ...]

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        if not parts or not all(isinstance(part, Region) for part in parts):
            raise ValueError(f"{type(self).__name__.lower()} of {self.parts!r}: expected at least one region")
        object.__setattr__(self, "parts", parts)

    def to_dict(self) -> Json:
        """As `Region.to_dict`."""
        return {"kind": type(self).__name__.lower(), "parts": [part.to_dict() for part in self.parts]}

    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:
        return [edges for part in self.parts for edges in part._edges(heights)]


@dataclass(frozen=True, kw_only=True)
class Union(_Several):
    """What is in any of several regions: ``a | b``."""

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:
        """As `Region.contains`."""
        inside = self.parts[0].contains(fractional, cell)
        for part in self.parts[1:]:
            inside |= part.contains(fractional, cell)
        return inside

    @property
    def thickness(self) -> float | None:
        """As `Region.thickness`."""
        found = {part.thickness for part in self.parts}
        return found.pop() if len(found) == 1 and self.axis is not None else None

    @property
    def axis(self) -> int | None:
        """As `Region.axis`."""
        found = {part.axis for part in self.parts}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Intersection(_Several):
    """What is in all of several regions: ``a & b``."""

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:
        """As `Region.contains`."""
        inside = self.parts[0].contains(fractional, cell)
        for part in self.parts[1:]:
            inside &= part.contains(fractional, cell)
        return inside


@dataclass(frozen=True, kw_only=True)
class Complement(Region):
    """What is not in a region: ``~a``, such as the grains of ``~around_boundaries(atoms)``."""

    part: Region

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:
        """As `Region.contains`."""
        return ~self.part.contains(fractional, cell)

    def to_dict(self) -> Json:
        """As `Region.to_dict`."""
        return {"kind": "complement", "part": self.part.to_dict()}

    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:
        return self.part._edges(heights)


@dataclass(frozen=True, kw_only=True, eq=False)
class AtomChoice(Region):
    """Atoms that were chosen, wherever they go: one grain, or any criterion, the same or anew for every frame.

    Attributes
    ----------
    mask : ndarray of bool, shape (atoms,) or (frames, atoms)
    """

    mask: Bools

    def __post_init__(self) -> None:
        mask = np.array(self.mask)
        if mask.dtype != np.bool_ or mask.ndim not in {1, 2} or not mask.size:
            raise ValueError(
                f"mask of shape {mask.shape}, {mask.dtype}: expected booleans, (atoms,) or (frames, atoms)"
            )
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    def contains(self, fractional: NDArray[np.floating[Any]], cell: ArrayLike) -> Bools:  # noqa: ARG002
        """As `Region.contains`; a mask by frame needs coordinates of as many frames, shape (frames, atoms, 3)."""
        shape = np.shape(fractional)[:-1]
        if shape[-self.mask.ndim :] != self.mask.shape:
            raise ValueError(
                f"a choice among {self.mask.shape} atoms: expected coordinates of these, got shape {shape}"
            )
        return np.broadcast_to(self.mask, shape).copy()

    def to_dict(self) -> Json:
        """As `Region.to_dict`."""
        return {"kind": "atoms", "mask": self.mask.astype(int).tolist()}

    def _edges(self, heights: Floats) -> list[tuple[list[float], list[float], list[float]]]:  # noqa: ARG002
        raise ValueError("a choice of atoms has no volume")


def region_from_dict(content: Mapping[str, Any]) -> Region:
    """Make a region of what `Region.to_dict` gave.

    Raises
    ------
    ValueError
        It is no region.
    """
    kind = content.get("kind")
    try:
        if kind == "box":
            first, second, third = content["centre"]
            along, across, up = content["lengths"]
            return Box(centre=(first, second, third), lengths=(along, across, up))
        if kind == "everywhere":
            return Everywhere()
        if kind == "complement":
            return Complement(part=region_from_dict(content["part"]))
        if kind in {"union", "intersection"}:
            parts = tuple(region_from_dict(part) for part in content["parts"])
            return Union(parts=parts) if kind == "union" else Intersection(parts=parts)
        if kind == "atoms":
            return AtomChoice(mask=np.array(content["mask"], dtype=np.bool_))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{kind}: not what a region's to_dict gives: {error}") from None
    raise ValueError(f"region of kind {kind!r}: expected box, union, intersection, complement, everywhere or atoms")


def slab_region(cell: ArrayLike, height: float, thickness: float = THICKNESS, axis: int = 2) -> Box:
    """A slab parallel to a face of the cell.

    Parameters
    ----------
    cell
        (3, 3) in Å.
    height
        Of its middle above the face through the origin, in Å.
    thickness
        In Å.
    axis
        The cell vector that leaves the face.
    """
    centre, lengths = [0.5, 0.5, 0.5], [None, None, None]
    values: list[float | None] = list(lengths)
    centre[axis] = height / float(face_distances(cell)[axis])
    values[axis] = thickness
    return Box(centre=(centre[0], centre[1], centre[2]), lengths=(values[0], values[1], values[2]))


def around_boundaries(atoms: Atoms, thickness: float = THICKNESS, *, which: Sequence[int] | None = None) -> Region:
    """The boundary regions of a structure of this package: a slab around each of its boundaries.

    Parameters
    ----------
    atoms
        With the record that the builders leave: the two boundaries of a bicrystal, or one of a slab.
    thickness
        Of each slab in Å.
    which
        Numbers of the boundaries, in the order of the record's ``boundaries``; all of them by default.

    Returns
    -------
    Region
        Its complement, ``~region``, is the inside of the grains.

    Raises
    ------
    StructureError
        The structure carries no record.
    ValueError
        No such boundary.
    """
    heights = boundary_record(atoms)["boundaries"]
    chosen = range(len(heights)) if which is None else which
    if not len(chosen) or any(not 0 <= n < len(heights) for n in chosen):
        raise ValueError(f"boundaries {list(chosen)}: expected numbers from 0 to {len(heights) - 1}")
    slabs = tuple(slab_region(atoms.cell.array, heights[n], thickness) for n in chosen)
    return slabs[0] if len(slabs) == 1 else Union(parts=slabs)


def grain_region(atoms: Atoms, grain: int) -> AtomChoice:
    """The atoms of a grain, wherever they go: of an interface 0 is the crystal and 1 the glass.

    Raises
    ------
    StructureError
        There is no array ``grain``, or nothing in it is of this grain.
    """
    grains = atoms.arrays.get("grain")
    if grains is None or not (grains == grain).any():
        raise StructureError(
            f"{atoms.get_chemical_formula()} has no atoms of grain {grain}: expected the array 'grain'"
        )
    return AtomChoice(mask=np.asarray(grains == grain))


def face_distances(cell: ArrayLike) -> Floats:
    """Distances between opposite faces of one or more cells, shape (..., 3), Å."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(np.asarray(cell, dtype=np.float64)), axis=-2))
