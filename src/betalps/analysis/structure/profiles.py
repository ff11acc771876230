"""Concentration along the normal of a boundary, and how many ions the boundary holds in excess of the bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import FrameObserver, as_trajectory, block_numbers, positive, scatter
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.structures.boundaries.record import boundary_record
from betalps.trajectories import Trajectory
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_POINTS_PER_WIDTH = 8
_MOST_POINTS = 1 << 18
_WAY = 0.75  # to the middle between boundaries


@dataclass(frozen=True, kw_only=True, eq=False)
class ConcentrationProfile(Result):
    """Concentration of a species along the normal of a face of the cell.

    Parameters
    ----------
    species : str
    axis : int
        The cell vector that leaves the face.
    positions : (points,) array
        Distance from the face through the origin.
    concentration, concentration_error : (points,) array
        Smoothed, with the standard error from blocks of frames; NaN errors for a single frame.
    mean : float
        Of the whole cell.
    bulk, bulk_error : float
        Far from all boundaries; of the whole cell where there are none.
    boundaries : (k,) array
        Their positions.
    excess, excess_error : (k,) array
        Ions per area within a window about each boundary, beyond what the bulk would hold there: below zero the
        boundary is depleted.
    excess_mean, excess_mean_error : float or None
        Of all boundaries.
    window : float
        Thickness of the window.
    bandwidth : float
        Standard deviation of the Gaussian kernel.
    height, area : float
        Of the mean cell: distance between the faces, and area of one.
    parameters : dict
        ``covariance_factor`` (None where the bandwidth was given), ``bulk_distance`` (Å), ``frames``, ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {
        "positions": "angstrom",
        **dict.fromkeys(("concentration", "concentration_error", "mean", "bulk", "bulk_error"), "1/angstrom^3"),
        **dict.fromkeys(("excess", "excess_error", "excess_mean", "excess_mean_error"), "1/angstrom^2"),
        **dict.fromkeys(("boundaries", "window", "bandwidth", "height"), "angstrom"),
        "area": "angstrom^2",
    }
    species: str
    axis: int
    positions: Floats
    concentration: Floats
    concentration_error: Floats
    mean: float
    bulk: float
    bulk_error: float
    boundaries: Floats
    excess: Floats
    excess_error: Floats
    excess_mean: float | None
    excess_mean_error: float | None
    window: float
    bandwidth: float
    height: float
    area: float
    parameters: dict[str, Any]


def concentration_profile(
    structure: Trajectory | Atoms,
    species: str = "Li",
    *,
    axis: int = 2,
    boundaries: Sequence[float] | Atoms | None = None,
    window: float = 10.0,
    bulk_distance: float | None = None,
    bandwidth: float | None = None,
    covariance_factor: float = 1e-4,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> ConcentrationProfile:
    """Concentration along the normal, with its bulk value and the excess at boundaries.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
        The direction is taken to be periodic.
    species : str
    axis : int
        The cell vector that leaves the boundaries' plane.
    boundaries : sequence of float, Å, or ase.Atoms, optional
        Positions along the normal, in the mean cell; or the structure of a builder of this package, that the
        trajectory started from, whose record has them. By default the record of `structure`, where it has one.
    window : float, Å
        Thickness about each boundary in which ions are counted.
    bulk_distance : float, Å, optional
        What is farther than this from every boundary is bulk. By default the window's thickness, so that half a window
        lies between the two; where boundaries are near each other, three quarters of the way to the middle between
        them, but no less than half a window.
    bandwidth : float, Å, optional
        Standard deviation of the kernel, in place of `covariance_factor`.
    covariance_factor : float
        Variance of the kernel over that of a coordinate spread evenly over the cell, L²/12: with 1e-4, the study's,
        0.2 Å in a cell of 75 Å.
    blocks : int
        Blocks of consecutive frames from which errors are estimated.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    ConcentrationProfile

    Raises
    ------
    ValueError
        A species that is absent, lengths that are not positive, windows that overlap, or no bulk between them.

    Notes
    -----
    A Gaussian kernel density estimate, periodic, evaluated by Fourier transform on a grid of an eighth of the kernel's
    width. The excess is counted before smoothing: Γ = N_window / A - c_bulk w. The study (Fig. 7) states its covariance
    factor but not of what; scipy's `gaussian_kde` has an attribute of this name that is the ratio of widths, not of
    variances, and would make the kernel 0.002 Å wide, below any vibration.
    """
    trajectory = as_trajectory(structure)
    chosen = trajectory.indices(species)
    if axis not in {0, 1, 2}:
        raise ValueError(f"axis: expected 0, 1 or 2, got {axis!r}")
    cell = trajectory.mean_cell
    height = float(1.0 / np.linalg.norm(np.linalg.inv(cell)[:, axis]))
    area = abs(float(np.linalg.det(cell))) / height
    if bandwidth is None:
        width = float(np.sqrt(positive("covariance_factor", covariance_factor, "") / 12.0)) * height
    else:
        width = positive("bandwidth", bandwidth)
    points = int(np.clip(np.ceil(_POINTS_PER_WIDTH * height / width), 16, _MOST_POINTS))
    places = _places(structure if boundaries is None else boundaries, axis, height, boundaries is None)
    inside, far, distance = _weights(places, points, height, positive("window", window), bulk_distance)
    raw = _histogram(trajectory, chosen, axis, points, blocks, observer) / (area * height / points)
    smooth = _smoothed(raw, width / height)
    bulk = raw @ far / far.sum()
    excess = (raw @ inside.T - np.outer(bulk, inside.sum(axis=1))) * height / points
    # Blocks differ by a frame at most; the mean of all frames is that of the blocks weighted with their frames.
    weights = np.bincount(block_numbers(len(trajectory), blocks)[0]) / len(trajectory)
    several = len(places) > 0
    return ConcentrationProfile(
        species=species,
        axis=axis,
        positions=height * (np.arange(points) + 0.5) / points,
        concentration=weights @ smooth,
        concentration_error=scatter(smooth),
        mean=len(chosen) / (area * height),
        bulk=float(weights @ bulk),
        bulk_error=float(scatter(bulk)),
        boundaries=places,
        excess=weights @ excess,
        excess_error=scatter(excess),
        excess_mean=float(weights @ excess.mean(axis=1)) if several else None,
        excess_mean_error=float(scatter(excess.mean(axis=1))) if several else None,
        window=window,
        bandwidth=width,
        height=height,
        area=area,
        parameters={
            "covariance_factor": covariance_factor if bandwidth is None else None,
            "bulk_distance": distance,
            "frames": len(trajectory),
            "blocks": len(raw),
        },
    )


def _places(source: Any, axis: int, height: float, optional: bool) -> Floats:
    """Positions of the boundaries in the mean cell, Å."""
    if not hasattr(source, "get_chemical_symbols"):
        return np.zeros(0) if optional else np.atleast_1d(np.asarray(source, dtype=np.float64)) % height
    if axis != 2:
        if optional:
            return np.zeros(0)
        raise ValueError(f"axis {axis}: expected 2, the boundaries of this structure are normal to the third direction")
    try:
        record = boundary_record(source)
    except StructureError:
        if optional:
            return np.zeros(0)
        raise
    own = 1.0 / float(np.linalg.norm(np.linalg.inv(source.cell.array)[:, 2]))
    return np.asarray(record["boundaries"], dtype=np.float64) / own % 1.0 * height


def _weights(
    places: Floats, points: int, height: float, window: float, bulk_distance: float | None
) -> tuple[Floats, Floats, float]:
    """How much of each bin (points,) is inside the window of each boundary, and in the bulk."""
    if bulk_distance is not None:
        distance = positive("bulk_distance", bulk_distance)
    else:
        distance = max(window / 2.0, min(window, _WAY * _half_gap(places, height)))
    inside, near = (
        np.array([_covered(place, 2.0 * half, points, height) for place in places]).reshape(-1, points)
        for half in (window / 2.0, distance)
    )
    if (inside.sum(axis=0) > 1.0 + 1e-9).any() or (len(places) and window > height):
        raise ValueError(
            f"window {window:g} Å: the windows about boundaries at {places.round(2).tolist()} Å overlap in a cell of "
            f"{height:.2f} Å"
        )
    far = 1.0 - np.minimum(near.sum(axis=0), 1.0)
    if far.sum() * height / points < 1e-6:
        raise ValueError(
            f"no bulk: nothing is farther than {distance:g} Å from the boundaries at {places.round(2).tolist()} Å in a "
            f"cell of {height:.2f} Å; give a smaller bulk_distance"
        )
    return inside, far, distance


def _half_gap(places: Floats, height: float) -> float:
    """From a boundary to the middle between it and the next, where that is farthest, Å."""
    if not len(places):
        return height
    ordered = np.sort(places)
    return float(np.diff(ordered, append=ordered[0] + height).max()) / 2.0


def _covered(place: float, width: float, points: int, height: float) -> Floats:
    """Share of each bin that a periodic interval covers."""
    edges = np.linspace(0.0, height, points + 1)
    low, high = place - width / 2.0, place + width / 2.0
    step = height / points
    total = np.zeros(points)
    for image in (-height, 0.0, height):
        total += np.clip(np.minimum(edges[1:], high + image) - np.maximum(edges[:-1], low + image), 0.0, None) / step
    return np.minimum(total, 1.0)


def _histogram(
    trajectory: Trajectory,
    chosen: NDArray[np.intp],
    axis: int,
    points: int,
    blocks: int,
    observer: FrameObserver | None,
) -> Floats:
    """Atoms in each bin of the fractional coordinate, in a frame, for each block (blocks, points)."""
    block_of, number = block_numbers(len(trajectory), blocks)
    counts = np.zeros((number, points))
    for frame, block in enumerate(block_of):
        fractional = np.asarray(trajectory.fractional[frame], dtype=np.float64)[chosen, axis]
        place = np.floor(fractional * points).astype(np.int64) % points
        counts[block] += np.bincount(place, minlength=points)
        if observer is not None:
            observer(frame + 1, len(trajectory))
    return np.asarray(counts / np.bincount(block_of)[:, None])


def _smoothed(values: Floats, width: float) -> Floats:
    """Convolved along the last axis with a periodic Gaussian whose width is a fraction of the period."""
    from scipy import fft

    waves = np.arange(values.shape[-1] // 2 + 1)
    kernel = np.exp(-2.0 * (np.pi * width * waves) ** 2)
    smooth: Floats = fft.irfft(fft.rfft(values, axis=-1) * kernel, values.shape[-1], axis=-1)
    return np.maximum(smooth, 0.0)  # rounding
