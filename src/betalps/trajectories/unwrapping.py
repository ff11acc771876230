"""Displacements across periodic boundaries.

Where the trajectory knows how many cells each atom has travelled (`Trajectory.images`), the path is known. Otherwise
the minimum image is taken of the *fractional* step between frames. Either way the fractional path is multiplied by
the time-averaged cell: with a breathing cell, multiplying by the cell of the moment would turn the breathing of
the whole box into a displacement that grows with the number of boundaries crossed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from betalps.trajectories.stored import StoredArray
from betalps.trajectories.trajectory import Trajectory
from betalps.typing import Floats

# No scheme survives a step of half a cell: a longer one and its image cannot be told apart.
LARGEST_STEP = 0.4
# Wrapped coordinates stay within one cell, but for the skin of a program that wraps when it rebuilds its neighbours.
_WRAPPED_RANGE = 1.5
_BLOCK = 32


class UnwrapWarning(UserWarning):
    """An atom moved so far between two frames that its periodic image is no longer certain."""


def unwrap(trajectory: Trajectory, atoms: NDArray[np.intp] | None = None) -> Floats:
    """Unwrapped Cartesian positions in the time-averaged cell.

    Parameters
    ----------
    trajectory : Trajectory
    atoms : (n,) array of int, optional
        Which atoms; all by default.

    Returns
    -------
    (frames, n, 3) array, Å
        The first frame is where the trajectory has it, with the time-averaged cell.

    Warns
    -----
    UnwrapWarning
        As `displacement_blocks`.
    """
    chosen = np.arange(len(trajectory.symbols)) if atoms is None else np.asarray(atoms)
    positions: Floats = np.concatenate(
        [block.transpose(2, 0, 1) for block in displacement_blocks(trajectory, chosen)], axis=1
    )
    start = trajectory.fractional[0, chosen].astype(np.float64)
    if trajectory.images is not None:
        start += trajectory.images[0, chosen]
    positions += start @ trajectory.mean_cell
    return positions


def displacement_blocks(
    trajectory: Trajectory, atoms: NDArray[np.intp], drift: Floats | None = None
) -> Iterator[Floats]:
    """Unwrapped displacements from the first frame, a block of atoms at a time, so that memory stays bounded.

    Parameters
    ----------
    trajectory : Trajectory
    atoms : (n,) array of int
    drift : (frames, 3) array, Å, optional
        Subtracted from every atom (see `framework_drift`).

    Yields
    ------
    (block, 3, frames) array, Å
        Time runs fastest, which is the order that Fourier transforms and lags want.

    Warns
    -----
    UnwrapWarning
        Where the images are not known: a step between frames beyond 0.4 of the cell, or a path that has left the cell
        for good and is cut, because it had been unwrapped already. Where they are said to be known: a path that jumps
        through the cell but never leaves it.
    """
    cell = trajectory.mean_cell
    worst = _Worst(trajectory)
    for part, coordinates, images in _read_blocks(trajectory, np.asarray(atoms)):
        fractional = coordinates.transpose(1, 2, 0).astype(np.float64, order="C")
        if images is not None:
            fractional += images.transpose(1, 2, 0)
            worst.look_for_wrapped(fractional, images, part)
            fractional -= fractional[:, :, :1].copy()
        else:
            steps = np.diff(fractional, axis=2)
            crossed = np.rint(steps)
            crossed[:, ~trajectory.pbc] = 0.0
            steps -= crossed
            worst.look(steps, part)
            worst.look_for_unwrapped(fractional, crossed, part)
            fractional -= fractional[:, :, :1].copy()
            fractional[:, :, 1:] -= np.cumsum(crossed, axis=2)
        block: Floats = cell.T @ fractional
        if drift is not None:
            block -= drift.T
        yield block
    worst.warn()


def framework_drift(trajectory: Trajectory, mobile: str) -> Floats | None:
    """Displacement of the centre of mass of every species but the mobile one.

    Parameters
    ----------
    trajectory : Trajectory
    mobile : str
        The species whose diffusion is asked for.

    Returns
    -------
    (frames, 3) array, Å, or None where there is no other species
    """
    from ase.data import atomic_masses, atomic_numbers

    framework = np.flatnonzero(trajectory.symbols != mobile)
    if not framework.size:
        return None
    masses = np.array([atomic_masses[atomic_numbers[str(s)]] for s in trajectory.symbols[framework]])
    weights = masses / masses.sum()
    worst = _Worst(trajectory)
    drift = np.zeros((len(trajectory), 3))
    before = None
    # Frame by frame: the framework is the larger part of the atoms and only its mean is wanted.
    for frame, (coordinates, images) in enumerate(_read_frames(trajectory)):
        after = coordinates[framework]
        shift = None if images is None else images[framework]
        if before is not None:
            step = after - before[0]
            if shift is not None:
                step += shift - before[1]
            else:
                step -= np.rint(step) * trajectory.pbc
                worst.look(step[:, :, None], framework, frame - 1)
            drift[frame] = weights @ step
        before = after, shift
    worst.warn()
    return np.cumsum(drift, axis=0) @ trajectory.mean_cell


_Numbers = NDArray[Any]


def _read_blocks(trajectory: Trajectory, atoms: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], _Numbers, Any]]:
    """Atoms in small blocks with their (frames, block, 3) coordinates and images, each part of the disk read once."""
    coordinates, images = trajectory.fractional, trajectory.images
    groups = [atoms]
    if isinstance(coordinates, StoredArray):
        width = coordinates.chunk[1]
        ordered = bool((np.diff(atoms) >= 0).all())
        ends = np.flatnonzero(np.diff(atoms // width)) + 1 if ordered else np.arange(width, len(atoms), width)
        groups = np.split(atoms, ends)
    for group in groups:
        here: list[Any] = [coordinates, images]
        inside = group
        if isinstance(coordinates, StoredArray):
            here = [None if array is None else array[:, group] for array in here]
            inside = np.arange(len(group))
        for start in range(0, len(group), _BLOCK):
            part = inside[start : start + _BLOCK]
            found: list[Any] = [None if array is None else array[:, part] for array in here]
            yield group[start : start + _BLOCK], found[0], found[1]


def _read_frames(trajectory: Trajectory) -> Iterator[tuple[_Numbers, _Numbers | None]]:
    for frame in range(len(trajectory)):
        images = trajectory.images
        yield trajectory.fractional[frame], None if images is None else images[frame]


class _Worst:
    """The longest fractional step seen, and how many were too long."""

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self.step, self.frame, self.atom, self.count = LARGEST_STEP, -1, -1, 0
        self.wrapped = self.unwrapped = -1

    def look(self, steps: NDArray[np.floating], atoms: NDArray[np.intp], first: int = 0) -> None:
        """`steps` (atoms, 3, frames - 1); the step k ends at frame `first` + k + 1."""
        pbc = self._trajectory.pbc
        if pbc.all() and steps.max(initial=0.0) <= LARGEST_STEP and steps.min(initial=0.0) >= -LARGEST_STEP:
            return
        size = np.abs(steps) * pbc[:, None]
        self.count += int(np.count_nonzero(size > LARGEST_STEP))
        atom, _, frame = np.unravel_index(int(np.argmax(size)), size.shape)
        largest = float(size.max())
        if largest > self.step:
            self.step, self.frame, self.atom = largest, first + int(frame) + 1, int(atoms[atom])

    def look_for_wrapped(self, path: Floats, images: _Numbers, atoms: NDArray[np.intp]) -> None:
        """Whether a path (atoms, 3, frames) jumps although it never leaves the cell: then it has been wrapped."""
        if self.wrapped >= 0 or images.any() or path.min() < 0.0 or path.max() > 1.0:
            return
        jumps = (np.abs(np.diff(path, axis=2)) > 0.5).any(axis=2) & self._trajectory.pbc
        if jumps.any():
            self.wrapped = int(atoms[jumps.any(axis=1).argmax()])

    def look_for_unwrapped(self, path: Floats, crossed: Floats, atoms: NDArray[np.intp]) -> None:
        """Whether a path (atoms, 3, frames) that was cut into minimum images had not been wrapped at all."""
        if self.unwrapped >= 0:
            return
        atom, axis = np.nonzero(crossed.any(axis=2))
        far = np.ptp(path[atom, axis], axis=1) > _WRAPPED_RANGE
        if far.any():
            self.unwrapped = int(atoms[atom[far.argmax()]])

    def warn(self) -> None:
        symbols = self._trajectory.symbols
        if self.count:
            warnings.warn(
                f"{self.count} steps between frames are longer than {LARGEST_STEP} of the cell, the longest "
                f"({self.step:.3f}) at frame {self.frame}, atom {self.atom} "
                f"({symbols[self.atom]}): its periodic image is uncertain; store frames oftener",
                UnwrapWarning,
                stacklevel=4,
            )
        if self.wrapped >= 0:
            warnings.warn(
                f"atom {self.wrapped} ({symbols[self.wrapped]}) jumps through the cell but never leaves it: "
                "wrapped coordinates were stored as unwrapped ones (write them with images=False)",
                UnwrapWarning,
                stacklevel=4,
            )
        if self.unwrapped >= 0:
            warnings.warn(
                f"atom {self.unwrapped} ({symbols[self.unwrapped]}) runs through more than {_WRAPPED_RANGE} cells and "
                "is cut to minimum images: unwrapped coordinates were taken for wrapped ones (images of zeros in the "
                "Trajectory say that they are unwrapped)",
                UnwrapWarning,
                stacklevel=4,
            )
