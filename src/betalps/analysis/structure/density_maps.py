"""Where the ions are: maps seen along a cell vector, and densities in space for VESTA and the like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import FrameObserver, as_trajectory, block_numbers, described, positive, snapshots
from betalps.analysis.result import Result
from betalps.files import write_atomic
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats, Json, PathLike

if TYPE_CHECKING:
    from ase import Atoms

_MOST_VOXELS = 50_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class PlanarDensity(Result):
    """Atoms of a species seen along a cell vector.

    Parameters
    ----------
    species : str
    axis : int
        The cell vector along which the cell is looked through.
    counts : (n, m) array of int
        Atoms found in each pixel, over all frames.
    density, density_error : (n, m) array
        Atoms per area in a frame, with the standard error from blocks of frames; NaN errors for a single frame.
    vectors : (2, 2) array
        Rows: the two other cell vectors, projected, in the plane of the map; the first lies along x.
    vector_names : (2,) tuple of str
        Theirs: two of a, b, c.
    thickness : float
        Of the cell along the line of sight.
    atoms : float
        On the map, on average.
    parameters : dict
        ``spacing`` (Å), ``region``, ``frames``, ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {
        "density": "1/angstrom^2",
        "density_error": "1/angstrom^2",
        "vectors": "angstrom",
        "thickness": "angstrom",
    }
    species: str
    axis: int
    counts: NDArray[np.int64]
    density: Floats
    density_error: Floats
    vectors: Floats
    vector_names: tuple[str, str]
    thickness: float
    atoms: float
    parameters: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityGrid(Result):
    """Number density of a species in space.

    Parameters
    ----------
    species : str
    density, density_error : (n, m, l) array of float32
        In voxels centred on the points i/n, j/m, k/l of the cell; the standard error is that from blocks of frames, NaN
        for a single frame. Not part of `to_dict`: `write_density` writes files of it.
    cell : (3, 3) array
        Averaged over the frames.
    structure : ase.Atoms
        The first frame in that cell, to be drawn with the density. Not part of `to_dict`.
    atoms : float
        In the density, on average.
    parameters : dict
        ``shape``, ``spacing`` (Å), ``region``, ``frames``, ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {"density": "1/angstrom^3", "density_error": "1/angstrom^3", "cell": "angstrom"}
    species: str
    density: NDArray[np.float32]
    density_error: NDArray[np.float32]
    cell: Floats
    structure: Atoms
    atoms: float
    parameters: dict[str, Any]

    def to_dict(self) -> Json:
        """As `Result.to_dict`, without the arrays in space and the structure."""
        nothing = np.zeros(0, dtype=np.float32)  # not first a list of millions
        found = Result.to_dict(replace(self, density=nothing, density_error=nothing))
        return {name: value for name, value in found.items() if name not in {"density", "density_error", "structure"}}


def planar_density(
    structure: Trajectory | Atoms,
    species: str = "Li",
    *,
    axis: int = 2,
    spacing: float = 0.25,
    region: Region | None = None,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> PlanarDensity:
    """Map of the atoms of a species, seen along a cell vector.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
        Its coordinates are wrapped into the cell, also along directions that are not periodic.
    species : str
    axis : int
        The cell vector to look along: 0, 1 or 2.
    spacing : float, Å
        Of the pixels; made a little smaller, so that whole pixels fill the cell.
    region : Region, optional
        Atoms count while they are inside.
    blocks : int
        Blocks of consecutive frames from which errors are estimated.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    PlanarDensity
        With a cell that changes, the pixels change with it; lengths and areas are those of the mean cell.

    Raises
    ------
    ValueError
        A species that is absent, an axis that is none, a spacing that is not positive or too fine, a region in which
        the species never is.
    """
    trajectory = as_trajectory(structure)
    if axis not in {0, 1, 2}:
        raise ValueError(f"axis: expected 0, 1 or 2, got {axis!r}")
    cell = trajectory.mean_cell
    along = cell[axis] / np.linalg.norm(cell[axis])
    across = [k for k in range(3) if k != axis]
    flat = cell[across] - np.outer(cell[across] @ along, along)
    x = flat[0] / np.linalg.norm(flat[0])
    y = np.cross(along, x)
    y *= np.sign(flat[1] @ y)
    vectors = flat @ np.stack([x, y], axis=1)
    shape = _shape(np.linalg.norm(vectors, axis=1), spacing)
    sums = _count(trajectory, species, across, shape, 0.0, region, blocks, observer)
    area = abs(float(np.linalg.det(vectors))) / float(np.prod(shape))
    names = ["abc"[k] for k in across]
    return PlanarDensity(
        species=species,
        axis=axis,
        counts=sums.counts.sum(axis=0, dtype=np.int64),
        density=sums.mean() / area,
        density_error=sums.error() / area,
        vectors=vectors,
        vector_names=(names[0], names[1]),
        thickness=float(np.linalg.norm(cell[axis])),
        atoms=float(sums.counts.sum() / len(trajectory)),
        parameters=_parameters(spacing, region, trajectory, sums),
    )


def density_grid(
    structure: Trajectory | Atoms,
    species: str = "Li",
    *,
    spacing: float = 0.4,
    region: Region | None = None,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> DensityGrid:
    """Number density of a species on a grid that fills the cell.

    Parameters
    ----------
    structure, species, region, blocks, observer
        As in `planar_density`.
    spacing : float, Å
        Between the points; made a little smaller, so that whole voxels fill the cell.

    Returns
    -------
    DensityGrid

    Raises
    ------
    ValueError
        A species that is absent, a spacing that is not positive or too fine, a region in which the species never is.
    """
    trajectory = as_trajectory(structure)
    cell = trajectory.mean_cell
    shape = _shape(np.linalg.norm(cell, axis=1), spacing)
    sums = _count(trajectory, species, [0, 1, 2], shape, 0.5, region, blocks, observer)
    voxel = abs(float(np.linalg.det(cell))) / float(np.prod(shape))
    first = trajectory.atoms(0)
    first.calc, first.info = None, {}
    first.set_cell(cell, scale_atoms=True)
    return DensityGrid(
        species=species,
        density=(sums.mean() / voxel).astype(np.float32),
        density_error=(sums.error() / voxel).astype(np.float32),
        cell=cell,
        structure=first,
        atoms=float(sums.counts.sum() / len(trajectory)),
        parameters={"shape": list(shape), **_parameters(spacing, region, trajectory, sums)},
    )


def write_density(grid: DensityGrid, path: PathLike) -> None:
    """Write a density with its structure, for VESTA, XCrySDen or OVITO.

    Parameters
    ----------
    grid : DensityGrid
    path : path
        Ends in ``.cube`` (Gaussian cube, lengths in bohr) or ``.xsf`` (XCrySDen, lengths in Å). The density is in
        atoms per Å³ in both.

    Raises
    ------
    ValueError
        Another ending.
    OSError
        The file cannot be written.
    """
    from ase.io.cube import write_cube
    from ase.io.xsf import write_xsf

    ending = Path(path).suffix
    with TemporaryFile("w+", encoding="utf-8") as text:  # the cube writer needs a file of the system
        if ending == ".cube":
            write_cube(text, grid.structure, grid.density, comment=f"{grid.species} density in atoms/angstrom^3")
        elif ending == ".xsf":
            # A grid of this format holds the points of both borders.
            closed = np.pad(grid.density, (0, 1), mode="wrap")
            whole = grid.structure.copy()
            whole.pbc = True
            write_xsf(text, [whole], closed, origin=np.zeros(3), span_vectors=grid.cell)
        else:
            raise ValueError(f"{path}: expected a name that ends in .cube or .xsf, got {ending!r}")
        text.seek(0)
        write_atomic(path, text.read().encode())


class _Sums(NamedTuple):
    counts: NDArray[np.int32]  # (blocks, ...)
    frames: NDArray[np.int64]  # (blocks,)

    def mean(self) -> Floats:
        return np.asarray(self.counts.sum(axis=0, dtype=np.int64) / self.frames.sum())

    def error(self) -> Floats:
        """Block by block: all of them as floating point numbers would be several times the counts."""
        if len(self.counts) < 2:
            return np.full(self.counts.shape[1:], np.nan)
        mean = self.mean()
        squares = np.zeros_like(mean)
        for counts, frames in zip(self.counts, self.frames, strict=True):
            squares += (counts / frames - mean) ** 2
        return np.asarray(np.sqrt(squares / (len(self.counts) - 1) / len(self.counts)))


def _count(
    trajectory: Trajectory,
    species: str,
    axes: list[int],
    shape: tuple[int, ...],
    shift: float,
    region: Region | None,
    blocks: int,
    observer: FrameObserver | None,
) -> _Sums:
    """Count atoms in cells of a fractional grid; with a shift of 0.5 these are centred on its points."""
    chosen = trajectory.indices(species)
    block_of, number = block_numbers(len(trajectory), blocks)
    counts = np.zeros((number, int(np.prod(shape))), dtype=np.int32)
    for frame, (fractional, _, inside) in enumerate(snapshots(trajectory, region, observer)):
        here = fractional[chosen[inside[chosen]]][:, axes]
        place = np.floor(here * shape + shift).astype(np.int64) % shape
        np.add.at(counts[block_of[frame]], np.ravel_multi_index(tuple(place.T), shape), 1)
    if not counts.any():
        raise ValueError(f"region: no {species} is inside it in any frame")
    return _Sums(counts.reshape(number, *shape), np.bincount(block_of, minlength=number))


def _shape(lengths: Floats, spacing: float) -> tuple[int, ...]:
    shape = tuple(int(np.ceil(length / positive("spacing", spacing) - 1e-9)) for length in lengths)
    if np.prod(np.array(shape, dtype=np.float64)) > _MOST_VOXELS:
        raise ValueError(f"spacing {spacing} Å: expected at most {_MOST_VOXELS:,} points, got {shape}")
    return shape


def _parameters(spacing: float, region: Region | None, trajectory: Trajectory, sums: _Sums) -> dict[str, Any]:
    return {
        "spacing": spacing,
        "region": described(region),
        "frames": len(trajectory),
        "blocks": len(sums.counts),
    }
