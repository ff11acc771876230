"""Mean squared displacements over all time origins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from betalps.analysis.result import Result
from betalps.trajectories import Trajectory, displacement_blocks, framework_drift
from betalps.typing import Floats

_AT_ONCE = 8  # atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanSquaredDisplacement(Result):
    """The mean squared displacement of a species.

    Parameters
    ----------
    species : str
    atoms : int
        How many of them.
    interval : float
        Time between frames.
    lags : (frames,) array
        From zero on.
    total : (frames,) array
        Sum of the three directions.
    directions : (frames, 3) array
        Along x, y and z.
    axes : (k, 3) array or None
        Unit vectors of the other directions that were asked for.
    along : (frames, k) array or None
        Along these.
    parameters : dict
        ``drift``: what was subtracted from every displacement.
    """

    units: ClassVar[dict[str, str]] = {
        "interval": "ps",
        "lags": "ps",
        "total": "angstrom^2",
        "directions": "angstrom^2",
        "along": "angstrom^2",
    }
    species: str
    atoms: int
    interval: float
    lags: Floats
    total: Floats
    directions: Floats
    axes: Floats | None = None
    along: Floats | None = None
    parameters: dict[str, Any]


def mean_squared_displacement(
    trajectory: Trajectory, species: str = "Li", *, remove_drift: bool = True, along: ArrayLike | None = None
) -> MeanSquaredDisplacement:
    """Mean squared displacement at every lag, averaged over all time origins and all atoms of a species.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames.
    species : str
    remove_drift : bool
        Subtract the motion of the centre of mass of the framework (every other species).
    along : (3,) or (k, 3) array, optional
        More directions, as Cartesian vectors of any length: ``trajectory.mean_cell[0]`` for that of the first cell
        vector.

    Returns
    -------
    MeanSquaredDisplacement

    Raises
    ------
    ValueError
        No atom of the species; frames that are not evenly spaced; a direction that is none.

    Warns
    -----
    UnwrapWarning
        A step between frames too long to unwrap.

    Notes
    -----
    The autocorrelation of the positions by Fourier transform makes it O(n log n) in the frames (Calandrini,
    Pellegrini, Calligari, Hinsen, Kneller, Collection SFN 2011, 12, 201). Atoms are taken in blocks; memory
    beyond the trajectory does not grow with their number.
    """
    none = np.empty(0, dtype=np.intp)
    result, _ = accumulate(trajectory, species, none, remove_drift=remove_drift, along=along)
    return result


def accumulate(
    trajectory: Trajectory,
    species: str,
    lags: NDArray[np.intp],
    *,
    remove_drift: bool,
    along: ArrayLike | None = None,
) -> tuple[MeanSquaredDisplacement, Floats]:
    """The mean squared displacement, and at some lags also its value at each time origin, in one pass.

    Parameters
    ----------
    trajectory, species, remove_drift, along
        As in `mean_squared_displacement`.
    lags : (n,) array of int, frames

    Returns
    -------
    MeanSquaredDisplacement
    (n, frames, 3 + k) array, Å²
        Squared displacement that starts at each frame, averaged over the atoms, along x, y, z and the other
        directions; zero where the lag runs past the end.
    """
    interval = trajectory.interval
    indices = trajectory.indices(species)
    frames = len(trajectory)
    axes = unit_vectors(along)
    drift = framework_drift(trajectory, species) if remove_drift else None
    blocks = displacement_blocks(trajectory, indices, drift)
    if len(axes):
        blocks = (np.concatenate([block, axes @ block], axis=1) for block in blocks)
    directions, origins = squared_displacements(blocks, frames, 3 + len(axes), lags)
    directions /= len(indices)
    result = MeanSquaredDisplacement(
        species=species,
        atoms=len(indices),
        interval=interval,
        lags=interval * np.arange(frames, dtype=np.float64),
        total=directions[:, :3].sum(axis=1),
        directions=directions[:, :3],
        axes=axes if len(axes) else None,
        along=directions[:, 3:] if len(axes) else None,
        parameters={"drift": "none" if drift is None else f"centre of mass of all but {species}"},
    )
    return result, origins / len(indices)


def squared_displacements(
    blocks: Iterable[Floats], frames: int, dimensions: int, lags: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Squared displacements of some paths: their mean over all time origins, and their values at each origin.

    Parameters
    ----------
    blocks : iterable of (atoms, dimensions, frames) arrays, Å
        Overwritten.
    frames, dimensions : int
    lags : (n,) array of int, frames

    Returns
    -------
    (frames, dimensions) array, Å²
        At every lag the mean over the origins of the sum over the atoms.
    (n, frames, dimensions) array, Å²
        At some lags the sum over the atoms at each origin; zero where the lag runs past the end.
    """
    size = fft.next_fast_len(2 * frames - 1, real=True)
    power = np.zeros((dimensions, 2 * (size // 2 + 1)))
    squares = np.zeros((dimensions, frames))
    origins = np.zeros((len(lags), dimensions, frames))
    # The same small piece of memory for every transform: it stays in the cache, and to make a new one takes as long as
    # the transform.
    padded = np.zeros((_AT_ONCE, dimensions, size))
    for block in blocks:
        # About the mean, so that the difference of large numbers below loses as little as possible.
        block -= block.mean(axis=2, keepdims=True)
        squares += np.einsum("ads,ads->ds", block, block)
        for start in range(0, len(block), _AT_ONCE):
            part = block[start : start + _AT_ONCE]
            padded[: len(part), :, :frames] = part
            # Real and imaginary parts side by side; both go squared into the power.
            transform = fft.rfft(padded[: len(part)], axis=2).view(np.float64)
            power += np.einsum("adw,adw->dw", transform, transform)
        for row, lag in enumerate(lags):
            step = block[:, :, lag:] - block[:, :, :-lag]
            origins[row, :, : frames - lag] += np.einsum("ads,ads->ds", step, step)
    correlation = fft.irfft(power[:, ::2] + power[:, 1::2], size, axis=1)[:, :frames]
    return _from_correlation(correlation, squares), origins.transpose(0, 2, 1)


def unit_vectors(along: ArrayLike | None) -> Floats:
    """(k, 3) array of unit vectors from one vector, several or none.

    Raises
    ------
    ValueError
        A shape that is not (3,) or (k, 3), a vector that is not finite or has no length.
    """
    if along is None:
        return np.empty((0, 3))
    vectors = np.atleast_2d(np.asarray(along, dtype=np.float64))
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise ValueError(f"along: expected vectors of shape (3,) or (k, 3), got shape {np.shape(along)}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(vectors).all() and (lengths > 0.0).all()):
        raise ValueError(f"along: expected finite vectors with a length, got {vectors.tolist()}")
    return np.asarray(vectors / lengths)


def _from_correlation(correlation: Floats, squares: Floats) -> Floats:
    """<|r(s + l) - r(s)|²> (frames, d) from the sums over origins of r(s)·r(s + l) and of r², (d, frames)."""
    frames = squares.shape[1]
    count = frames - np.arange(frames)
    cumulative = np.concatenate([np.zeros((len(squares), 1)), np.cumsum(squares, axis=1)], axis=1)
    # The first and the last n - l squares: each origin contributes both ends of its displacement.
    ends = cumulative[:, count] + cumulative[:, -1:] - cumulative[:, :frames]
    directions = (ends - 2.0 * correlation) / count
    directions[:, 0] = 0.0
    return np.ascontiguousarray(directions.T)
