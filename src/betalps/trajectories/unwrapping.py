"""Displacements across periodic boundaries.

The minimum image is taken of the *fractional* step between frames, and the sum is multiplied by the
time-averaged cell: with a breathing cell, multiplying by the cell of the moment would turn the breathing of
the whole box into a displacement that grows with the number of boundaries crossed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from betalps.trajectories.trajectory import Trajectory
from betalps.typing import Floats

# No scheme survives a step of half a cell: a longer one and its image cannot be told apart.
LARGEST_STEP = 0.4
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
        A step between frames beyond 0.4 of the cell.
    """
    chosen = np.arange(len(trajectory.symbols)) if atoms is None else np.asarray(atoms)
    positions: Floats = np.concatenate(
        [block.transpose(2, 0, 1) for block in displacement_blocks(trajectory, chosen)], axis=1
    )
    positions += trajectory.fractional[0, chosen].astype(np.float64) @ trajectory.mean_cell
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
        A step between frames beyond 0.4 of the cell.
    """
    cell = trajectory.mean_cell
    worst = _Worst()
    for start in range(0, len(atoms), _BLOCK):
        part = atoms[start : start + _BLOCK]
        fractional = trajectory.fractional[:, part].transpose(1, 2, 0).astype(np.float64, order="C")
        steps = np.diff(fractional, axis=2)
        images = np.rint(steps)
        images[:, ~trajectory.pbc] = 0.0
        steps -= images
        worst.look(steps, part, trajectory.pbc)
        fractional -= fractional[:, :, :1].copy()
        fractional[:, :, 1:] -= np.cumsum(images, axis=2)
        block: Floats = np.einsum("ft,afs->ats", cell, fractional, optimize=True)
        if drift is not None:
            block -= drift.T
        yield block
    worst.warn(trajectory)


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
    worst = _Worst()
    drift = np.zeros((len(trajectory), 3))
    before = trajectory.fractional[0, framework]
    # Frame by frame: the framework is the larger part of the atoms and only its mean is wanted.
    for frame in range(1, len(trajectory)):
        after = trajectory.fractional[frame, framework]
        step = after - before
        step -= np.rint(step) * trajectory.pbc
        worst.look(step[:, :, None], framework, trajectory.pbc, frame - 1)
        drift[frame] = weights @ step
        before = after
    worst.warn(trajectory)
    return np.cumsum(drift, axis=0) @ trajectory.mean_cell


class _Worst:
    """The longest fractional step seen, and how many were too long."""

    def __init__(self) -> None:
        self.step, self.frame, self.atom, self.count = LARGEST_STEP, -1, -1, 0

    def look(
        self, steps: NDArray[np.floating], atoms: NDArray[np.intp], pbc: NDArray[np.bool_], first: int = 0
    ) -> None:
        """`steps` (atoms, 3, frames - 1); the step k ends at frame `first` + k + 1."""
        if pbc.all() and steps.max(initial=0.0) <= LARGEST_STEP and steps.min(initial=0.0) >= -LARGEST_STEP:
            return
        size = np.abs(steps) * pbc[:, None]
        self.count += int(np.count_nonzero(size > LARGEST_STEP))
        atom, _, frame = np.unravel_index(int(np.argmax(size)), size.shape)
        largest = float(size.max())
        if largest > self.step:
            self.step, self.frame, self.atom = largest, first + int(frame) + 1, int(atoms[atom])

    def warn(self, trajectory: Trajectory) -> None:
        if self.count:
            warnings.warn(
                f"{self.count} steps between frames are longer than {LARGEST_STEP} of the cell, the longest "
                f"({self.step:.3f}) at frame {self.frame}, atom {self.atom} "
                f"({trajectory.symbols[self.atom]}): its periodic image is uncertain; store frames oftener",
                UnwrapWarning,
                stacklevel=4,
            )
