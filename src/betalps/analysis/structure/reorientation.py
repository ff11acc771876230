"""Whether, and how fast, PS4 tetrahedra turn: what the paddle-wheel of sulphide conductors would need them to do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import described, scatter
from betalps.analysis.result import Result
from betalps.analysis.structure._cutoffs import bond_cutoffs
from betalps.analysis.structure._tetrahedra import LIGANDS, Tetrahedra, bond_directions, find_tetrahedra
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats

_GROUPS = 10  # of tetrahedra, whose scatter is the error
_LOWEST = 0.2  # a correlation is fitted down to this
_CHANCE = 0.001  # that noise alone passes for a decay
# The proper rotations of a tetrahedron are the even permutations of its corners.
_ROTATIONS = np.array([p for p in permutations(range(LIGANDS)) if round(np.linalg.det(np.eye(LIGANDS)[list(p)])) == 1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Correlation(Result):
    """How long a direction is remembered.

    Parameters
    ----------
    values, errors : (lags,) array
        1 at lag zero; standard errors from the scatter between groups of tetrahedra, NaN where there is one.
    rate, rate_error : float
        Of the exponential decay fitted between `start` and `stop`; NaN where three lags were not left to fit.
    resolved : bool
        Whether there is a decay at all: by chance a rate this far above zero would be seen once in a thousand
        (Student's t).
    start, stop : float
        Lags of the fit: libration has died away, and the correlation is not yet below 0.2 or half of the lags.
    """

    units: ClassVar[dict[str, str]] = {"rate": "1/ps", "rate_error": "1/ps", "start": "ps", "stop": "ps"}
    values: Floats
    errors: Floats
    rate: float
    rate_error: float
    resolved: bool
    start: float
    stop: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Reorientation(Result):
    """The rotation of tetrahedra.

    Parameters
    ----------
    lags : (lags,) array
    bond_first, bond_second : Correlation
        Of the unit vectors u of the bonds: C1 = <u(0)·u(t)>, C2 = <3 (u(0)·u(t))² - 1> / 2. For rigid tetrahedra C1 is
        also that of the whole orientation, (1 + 2 <cos θ>) / 3 with the angle θ of the rotation.
    shape : Correlation
        C3 = <Σ_kl P3(u_k(0)·u_l(t))>, normalised: of the tetrahedron whose corners are not told apart. A tetrahedron
        that turns by 120° onto itself loses C1 and keeps this.
    tetrahedra : int
        Analysed.
    excluded : int
        Centres that do not hold the same four ligands, shared with no other centre, from the first frame to the last.
    rotations : int
        How often a tetrahedron came to stand on another set of its own corners.
    rotation_rate : float
        Per tetrahedron.
    rotation_interval : (2,) tuple
        95 % interval of the rate, of a Poisson count.
    rotation_times, rotation_centres : (rotations,) array
        When, and the number of the centre.
    parameters : dict
        ``centre``, ``ligand``, ``cutoff`` (Å) and ``cutoff_from``, ``tolerance`` (degree), ``fit_start`` (ps),
        ``region``, ``frames``, ``groups``.
    """

    units: ClassVar[dict[str, str]] = {
        "lags": "ps",
        "rotation_rate": "1/ps",
        "rotation_interval": "1/ps",
        "rotation_times": "ps",
    }
    lags: Floats
    bond_first: Correlation
    bond_second: Correlation
    shape: Correlation
    tetrahedra: int
    excluded: int
    rotations: int
    rotation_rate: float
    rotation_interval: tuple[float, float]
    rotation_times: Floats
    rotation_centres: NDArray[np.intp]
    parameters: dict[str, Any]


def reorientation(
    trajectory: Trajectory,
    *,
    centre: str = "P",
    ligand: str = "S",
    cutoff: float | None = None,
    fit_start: float = 0.5,
    tolerance: float = 40.0,
    region: Region | None = None,
) -> Reorientation:
    """Reorientation of PS4 tetrahedra: correlation functions, decay rates, and rotations onto themselves.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames.
    centre, ligand : str
        Of the tetrahedra.
    cutoff : float, Å, optional
        The longest bond; by default as in `betalps.analysis.polyanions`.
    fit_start : float, ps
        Lag from which the decay is fitted: longer than libration lasts.
    tolerance : float, degree
        A tetrahedron stands on another set of corners when it is within this angle of the orientation that it had in
        the first frame, turned by one of the eleven rotations of a tetrahedron other than none. Half of the smallest of
        them is 60°; smaller values keep libration from being counted.
    region : Region, optional
        Tetrahedra whose centre is inside in the first frame.

    Returns
    -------
    Reorientation

    Raises
    ------
    ValueError
        A species that is absent, frames that are not evenly spaced, a cell thinner than two bonds, no tetrahedron that
        lasts, a tolerance outside 0 to 60°, a start of the fit beyond the lags.

    Notes
    -----
    All time origins, by Fourier transform, up to half of the trajectory. With rotational diffusion, C_l decays at the
    rate l (l + 1) D_r (Debye; Berne and Pecora, Dynamic Light Scattering, 7.3). The lowest function that all rotations
    of a tetrahedron leave alone has l = 3.
    """
    interval = trajectory.interval
    lags = interval * np.arange((len(trajectory) + 1) // 2, dtype=np.float64)
    if not 0.0 < tolerance < 60.0:
        raise ValueError(f"tolerance: expected an angle between 0 and 60 degrees, got {tolerance!r}")
    if not 0.0 <= fit_start < lags[-1]:
        raise ValueError(
            f"fit_start: expected less than half of the trajectory ({lags[-1]:g} ps), got {fit_start!r} ps"
        )
    for species in (centre, ligand):
        trajectory.indices(species)
    own = (centre, ligand)
    cutoffs, origin = bond_cutoffs(trajectory, cutoff, centre, ligand)
    found = find_tetrahedra(trajectory, own, cutoffs[own], region)
    parts = np.array_split(np.arange(len(found.centres)), min(_GROUPS, len(found.centres)))
    groups = [_accumulate(trajectory, found, part, cutoffs[own], len(lags), tolerance) for part in parts]
    kept = sum(group.kept for group in groups)
    if not kept:
        raise ValueError(
            f"no {centre} keeps its {LIGANDS} {ligand} within {cutoffs[own]:.2f} Å through the whole trajectory"
        )
    frames, at = np.concatenate([group.events for group in groups], axis=1)
    exposure = kept * float(trajectory.times[-1] - trajectory.times[0])
    first, second, third = (
        _correlation([g.sums[k] / g.norms[k] for g in groups if g.kept], lags, fit_start) for k in range(3)
    )
    return Reorientation(
        lags=lags,
        bond_first=first,
        bond_second=second,
        shape=third,
        tetrahedra=kept,
        excluded=found.considered - kept,
        rotations=len(frames),
        rotation_rate=len(frames) / exposure,
        rotation_interval=_poisson(len(frames), exposure),
        rotation_times=trajectory.times[frames],
        rotation_centres=at,
        parameters={
            "centre": centre,
            "ligand": ligand,
            "cutoff": cutoffs[own],
            "cutoff_from": origin[own],
            "tolerance": tolerance,
            "fit_start": fit_start,
            "region": described(region),
            "frames": len(trajectory),
            "groups": len(groups),
        },
    )


class _Sums(NamedTuple):
    sums: Floats  # (3, lags): of the three correlation functions over the tetrahedra of a group
    norms: Floats  # (3,)
    kept: int
    events: NDArray[np.intp]  # (2, rotations): frame and centre


def _accumulate(
    trajectory: Trajectory, found: Tetrahedra, part: NDArray[np.intp], cutoff: float, lags: int, tolerance: float
) -> _Sums:
    sums, norms, kept = np.zeros((3, lags)), np.zeros(3), 0
    events = [np.zeros((2, 0), dtype=np.intp)]
    for numbers, directions in bond_directions(trajectory, found, part, cutoff):
        if len(numbers):
            values, norm = _correlate(directions, lags)
            sums += values
            norms += norm
            kept += len(numbers)
            frames, which = _rotations(directions, tolerance)
            events.append(np.stack([frames, found.centres[numbers][which]]))
    return _Sums(sums, norms, kept, np.concatenate(events, axis=1))


def _correlate(directions: Floats, lags: int) -> tuple[Floats, Floats]:
    """Sums over tetrahedra of C1, C2 and C3 (3, lags), and what to divide each by."""
    u = np.moveaxis(directions, 0, -1)  # (units, 4, 3, frames)
    x, y, z = u[:, :, 0], u[:, :, 1], u[:, :, 2]
    first = _weighted([(1, x), (1, y), (1, z)], lags)
    squares = _weighted([(1, x * x), (1, y * y), (1, z * z), (2, x * y), (2, y * z), (2, z * x)], lags)
    mixed = [(3, a * a * b) for a, b in ((x, y), (x, z), (y, x), (y, z), (z, x), (z, y))]
    cubes = [(1, x**3), (1, y**3), (1, z**3), (6, x * y * z), *mixed]
    third = _weighted([(n, c.sum(axis=1)) for n, c in cubes], lags)
    vector = _weighted([(1, c.sum(axis=1)) for c in (x, y, z)], lags)
    # P2 and P3 of a cosine, whose powers are products of tensors: (u·v)² = Σ (u_i u_j)(v_i v_j).
    bonds = float(u.shape[0] * LIGANDS)
    shape = 2.5 * third - 1.5 * vector
    return np.stack([first, 1.5 * squares - 0.5 * bonds, shape]), np.array([bonds, bonds, shape[0]])


def _weighted(terms: list[tuple[int, Floats]], lags: int) -> Floats:
    return np.asarray(sum(n * _autocorrelation(series, lags) for n, series in terms))


def _autocorrelation(series: Floats, lags: int) -> Floats:
    """<a(s) a(s + lag)> over all origins s, summed over all but the last axis."""
    from scipy import fft

    frames = series.shape[-1]
    size = fft.next_fast_len(2 * frames - 1, real=True)
    power = np.abs(fft.rfft(series, size, axis=-1)) ** 2
    total = fft.irfft(power.reshape(-1, power.shape[-1]).sum(axis=0), size)[:lags]
    return np.asarray(total / (frames - np.arange(lags)))


def _rotations(directions: Floats, tolerance: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frames in which a tetrahedron is first found on other corners than before, and which tetrahedron."""
    cosines = np.einsum("fukx,ulx->fukl", directions, directions[0], optimize=True)
    corners = np.arange(LIGANDS)
    # A rigid tetrahedron that is θ away from an orientation has the mean cosine (1 + 2 cos θ) / 3 with it.
    overlap = np.stack([cosines[:, :, corners, p].mean(axis=2) for p in _ROTATIONS], axis=-1)
    near = overlap.max(axis=-1) > (1.0 + 2.0 * np.cos(np.radians(tolerance))) / 3.0
    last = np.maximum.accumulate(np.where(near, np.arange(len(near))[:, None], 0), axis=0)
    state = np.take_along_axis(overlap.argmax(axis=-1), last, axis=0)
    frames, units = np.nonzero(np.diff(state, axis=0))
    return frames + 1, units


def _correlation(groups: list[Floats], lags: Floats, fit_start: float) -> Correlation:
    """The mean of groups of tetrahedra, with the decay fitted; the error of the rate by leaving groups out."""
    from scipy import special

    values = np.array(groups)
    mean = values.mean(axis=0)
    low = np.flatnonzero(mean < _LOWEST)
    stop = min(int(low[0]) if low.size else len(lags), (len(lags) + 1) // 2)
    window = np.arange(int(np.searchsorted(lags, fit_start - 1e-9)), stop)
    rate, error = np.nan, np.nan
    if len(window) >= 3:
        rate = _decay(lags[window], mean[window])
        count = len(values)
        if count > 1:
            left_out = [_decay(lags[window], (values.sum(axis=0) - one)[window] / (count - 1)) for one in values]
            error = float(np.std(left_out) * np.sqrt(count - 1))
    ends = (float(lags[window[0]]), float(lags[window[-1]])) if len(window) else (np.nan, np.nan)
    return Correlation(
        values=mean,
        errors=scatter(values),
        rate=rate,
        rate_error=error,
        resolved=bool(rate > -special.stdtrit(max(len(values) - 1, 1), _CHANCE) * error),
        start=ends[0],
        stop=ends[1],
    )


def _decay(lags: Floats, values: Floats) -> float:
    return float(-np.polyfit(lags, np.log(np.maximum(values, 1e-6)), 1)[0])


def _poisson(count: int, exposure: float) -> tuple[float, float]:
    """95 % interval of a rate."""
    from scipy import special

    low = float(special.gammaincinv(count, 0.025)) if count else 0.0
    return low / exposure, float(special.gammaincinv(count + 1, 0.975)) / exposure
