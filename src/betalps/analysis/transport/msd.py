"""Mean squared displacements over all time origins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from betalps.analysis.result import Result
from betalps.trajectories import Trajectory, displacement_blocks, framework_drift
from betalps.typing import Floats


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
    parameters : dict
        ``drift``: what was subtracted from every displacement.
    """

    units: ClassVar[dict[str, str]] = {
        "interval": "ps",
        "lags": "ps",
        "total": "angstrom^2",
        "directions": "angstrom^2",
    }
    species: str
    atoms: int
    interval: float
    lags: Floats
    total: Floats
    directions: Floats
    parameters: dict[str, Any]


def mean_squared_displacement(
    trajectory: Trajectory, species: str = "Li", *, remove_drift: bool = True
) -> MeanSquaredDisplacement:
    """Mean squared displacement at every lag, averaged over all time origins and all atoms of a species.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames.
    species : str
    remove_drift : bool
        Subtract the motion of the centre of mass of the framework (every other species).

    Returns
    -------
    MeanSquaredDisplacement

    Raises
    ------
    ValueError
        No atom of the species; frames that are not evenly spaced.

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
    result, _ = accumulate(trajectory, species, np.empty(0, dtype=np.intp), remove_drift=remove_drift)
    return result


def accumulate(
    trajectory: Trajectory, species: str, lags: NDArray[np.intp], *, remove_drift: bool
) -> tuple[MeanSquaredDisplacement, Floats]:
    """The mean squared displacement, and at some lags also its value at each time origin, in one pass.

    Parameters
    ----------
    trajectory, species, remove_drift
        As in `mean_squared_displacement`.
    lags : (k,) array of int, frames

    Returns
    -------
    MeanSquaredDisplacement
    (k, frames, 3) array, Å²
        Squared displacement that starts at each frame, averaged over the atoms; zero where the lag runs past
        the end.
    """
    interval = trajectory.interval
    indices = trajectory.indices(species)
    frames = len(trajectory)
    drift = framework_drift(trajectory, species) if remove_drift else None
    size = fft.next_fast_len(2 * frames - 1, real=True)
    power = np.zeros((3, 2 * (size // 2 + 1)))
    squares = np.zeros((3, frames))
    origins = np.zeros((len(lags), 3, frames))
    for block in displacement_blocks(trajectory, indices, drift):
        # About the mean, so that the difference of large numbers below loses as little as possible.
        block -= block.mean(axis=2, keepdims=True)
        squares += np.einsum("ads,ads->ds", block, block)
        # Real and imaginary parts side by side; both go squared into the power.
        transform = fft.rfft(block, size, axis=2).view(np.float64)
        power += np.einsum("adw,adw->dw", transform, transform)
        for row, lag in enumerate(lags):
            step = block[:, :, lag:] - block[:, :, :-lag]
            origins[row, :, : frames - lag] += np.einsum("ads,ads->ds", step, step)
    correlation = fft.irfft(power[:, ::2] + power[:, 1::2], size, axis=1)[:, :frames]
    directions = _from_correlation(correlation, squares) / len(indices)
    result = MeanSquaredDisplacement(
        species=species,
        atoms=len(indices),
        interval=interval,
        lags=interval * np.arange(frames, dtype=np.float64),
        total=directions.sum(axis=1),
        directions=directions,
        parameters={"drift": "none" if drift is None else f"centre of mass of all but {species}"},
    )
    return result, origins.transpose(0, 2, 1) / len(indices)


def _from_correlation(correlation: Floats, squares: Floats) -> Floats:
    """<|r(s + l) - r(s)|²> (frames, 3) from the sums over origins of r(s)·r(s + l) and of r², (3, frames)."""
    frames = squares.shape[1]
    count = frames - np.arange(frames)
    cumulative = np.concatenate([np.zeros((3, 1)), np.cumsum(squares, axis=1)], axis=1)
    # The first and the last n - l squares: each origin contributes both ends of its displacement.
    ends = cumulative[:, count] + cumulative[:, -1:] - cumulative[:, :frames]
    directions = (ends - 2.0 * correlation) / count
    directions[:, 0] = 0.0
    return np.ascontiguousarray(directions.T)
