"""Whether ions jump when a tetrahedron next to them turns: the paddle wheel, put to the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import described, positive, scatter
from betalps.analysis.result import Result
from betalps.analysis.structure._cutoffs import bond_cutoffs
from betalps.analysis.structure._tetrahedra import Tetrahedra, bond_directions, find_tetrahedra
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory, displacement_blocks, framework_drift
from betalps.typing import Bools, Floats

_FEWEST_WINDOWS = 20
_MARGIN = 3  # windows: a shift by more than this leaves nothing of a coincidence
_GROUPS = 10  # of tetrahedra, whose scatter is the error
_LEVEL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class PaddleWheel(Result):
    """Whether ions jump while a tetrahedron next to them turns.

    Parameters
    ----------
    species : str
    correlation : float
        Pearson's coefficient between the angle by which a tetrahedron turns in a window of time and the number of ions
        near it that jump in the same window; each tetrahedron's own means are subtracted first.
    null_deviation : float
        Standard deviation of the same coefficient where the jumps are shifted in time against the rotations.
    p_value : float
        The fraction of these shifts, the true one among them, whose coefficient is at least as far from zero.
    correlated : bool
        Whether the p-value is below 5 %, and the coefficient is positive.
    shifts, shifted : (n,) array
        By how much jumps are later than rotations, and the coefficient for each shift; the jumps that a shift moves
        beyond the end come back at the beginning.
    angle_with, angle_with_error, angle_without, angle_without_error : float
        Mean angle of a window in which an ion near the tetrahedron jumps, and of the others; standard errors from the
        scatter between groups of tetrahedra.
    jumps : int
        Windows of ions with a jump, near a tetrahedron or not.
    near : float
        Share of these that are near a tetrahedron.
    tetrahedra, windows : int
    parameters : dict
        ``window`` (ps), ``jump_length`` (Å), ``reach`` (Å), ``centre``, ``ligand``, ``cutoff`` (Å), ``region``.
    """

    units: ClassVar[dict[str, str]] = {
        "shifts": "ps",
        **dict.fromkeys(("angle_with", "angle_with_error", "angle_without", "angle_without_error"), "degree"),
    }
    species: str
    correlation: float
    null_deviation: float
    p_value: float
    correlated: bool
    shifts: Floats
    shifted: Floats
    angle_with: float
    angle_with_error: float
    angle_without: float
    angle_without_error: float
    jumps: int
    near: float
    tetrahedra: int
    windows: int
    parameters: dict[str, Any]


def paddle_wheel(
    trajectory: Trajectory,
    species: str = "Li",
    *,
    window: float = 1.0,
    jump_length: float = 1.5,
    reach: float = 4.5,
    centre: str = "P",
    ligand: str = "S",
    cutoff: float | None = None,
    region: Region | None = None,
    observer: Callable[[int, int], None] | None = None,
) -> PaddleWheel:
    """Correlation in time between the rotation of tetrahedra and the jumps of the ions next to them.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames, at least 20 windows long.
    species : str
        Of the ions.
    window : float, ps
        Time in which the ion jumps and the tetrahedron turns: longer than a vibration, not longer than a jump takes.
    jump_length : float, Å
        An ion that is farther than this at the end of a window from where it was at its beginning has jumped: more than
        vibrations make, less than the distance between two sites.
    reach : float, Å
        An ion is near a tetrahedron if it is within this distance of its centre at the beginning or the end of the
        window.
    centre, ligand : str
        Of the tetrahedra.
    cutoff : float, Å, optional
        The longest bond; by default as in `betalps.analysis.polyanions`.
    region : Region, optional
        Tetrahedra whose centre is inside in the first frame.
    observer : callable, optional
        Called with the number of windows done and their total.

    Returns
    -------
    PaddleWheel

    Raises
    ------
    ValueError
        A species that is absent, frames that are not evenly spaced, too few windows, no ion that jumps near a
        tetrahedron, no tetrahedron that lasts, lengths that are not positive.

    Notes
    -----
    The angle of a rotation is that of a rigid tetrahedron, from the mean cosine (1 + 2 cos θ) / 3 between its bonds at
    the beginning and the end. A tetrahedron that always turns more, next to ions that always jump more, is no paddle
    wheel; subtracting its means takes that out, and so does the null hypothesis, which shifts the jumps of the whole
    trajectory against the rotations of the whole trajectory and keeps everything else: who is next to whom, and how
    either remembers itself. What is left, if anything is, is coincidence in time. It does not say which moves which.
    """
    steps = round(positive("window", window, "ps") / trajectory.interval)
    windows = (len(trajectory) - 1) // steps if steps else 0
    if steps < 1 or windows < _FEWEST_WINDOWS:
        raise ValueError(
            f"window of {window:g} ps: expected at least a frame interval ({trajectory.interval:g} ps) and "
            f"{_FEWEST_WINDOWS} windows in the trajectory, got {windows} in {len(trajectory)} frames"
        )
    own = (centre, ligand)
    for name in (species, *own):
        trajectory.indices(name)
    cutoffs, _ = bond_cutoffs(trajectory, cutoff, centre, ligand)
    frames = steps * np.arange(windows + 1)
    found = find_tetrahedra(trajectory, own, cutoffs[own], region)
    centres, angles = _angles(trajectory, found, cutoffs[own], frames)
    ions = trajectory.indices(species)
    jumped = _jumped(trajectory, species, ions, frames, positive("jump_length", jump_length))
    counts, close = _jumps_near(trajectory, centres, ions, jumped, frames, positive("reach", reach), observer)
    if not counts.any():
        raise ValueError(
            f"no {species} near a tetrahedron moves by {jump_length:g} Å in a window of {window:g} ps: "
            f"{int(jumped.sum())} jumps in all"
        )
    shifted = _by_shift(angles, counts)
    shifts = np.arange(windows) - (windows // 2)
    ordered = np.roll(shifted, windows // 2)
    away = np.abs(shifts) > _MARGIN
    others = ordered[away]
    value = float(shifted[0])
    p_value = float((1 + np.count_nonzero(np.abs(others) >= abs(value))) / (1 + len(others)))
    with_jump, with_error = _mean_angle(angles, counts > 0)
    without, without_error = _mean_angle(angles, counts == 0)
    return PaddleWheel(
        species=species,
        correlation=value,
        null_deviation=float(np.sqrt(np.mean(others**2))),
        p_value=p_value,
        correlated=bool(p_value < _LEVEL and value > 0.0),
        shifts=trajectory.interval * steps * shifts.astype(np.float64),
        shifted=ordered,
        angle_with=with_jump,
        angle_with_error=with_error,
        angle_without=without,
        angle_without_error=without_error,
        jumps=int(jumped.sum()),
        near=close / max(int(jumped.sum()), 1),
        tetrahedra=len(centres),
        windows=windows,
        parameters={
            "window": trajectory.interval * steps,
            "jump_length": jump_length,
            "reach": reach,
            "centre": centre,
            "ligand": ligand,
            "cutoff": cutoffs[own],
            "region": described(region),
        },
    )


def _angles(
    trajectory: Trajectory, found: Tetrahedra, cutoff: float, frames: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Floats]:
    """Centres (units,) of the tetrahedra that last, and by how many degrees each turns in each window."""
    centres, angles = [], []
    everyone = np.arange(len(found.centres))
    for numbers, directions in bond_directions(trajectory, found, everyone, cutoff):
        ends = directions[frames]
        cosine = 0.5 * (3.0 * np.einsum("fukx,fukx->fuk", ends[1:], ends[:-1]).mean(axis=2) - 1.0)
        centres.append(found.centres[numbers])
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).T)
    kept = np.concatenate(centres)
    if not kept.size:
        raise ValueError(f"no tetrahedron keeps its bonds within {cutoff:.2f} Å through the whole trajectory")
    return kept, np.concatenate(angles)


def _jumped(
    trajectory: Trajectory, species: str, ions: NDArray[np.intp], frames: NDArray[np.intp], length: float
) -> Bools:
    """(ions, windows): who is far from where it was."""
    drift = framework_drift(trajectory, species)
    parts = [
        (np.diff(block[:, :, frames], axis=2) ** 2).sum(axis=1) > length**2
        for block in displacement_blocks(trajectory, ions, drift)
    ]
    return np.concatenate(parts)


def _jumps_near(
    trajectory: Trajectory,
    centres: NDArray[np.intp],
    ions: NDArray[np.intp],
    jumped: Bools,
    frames: NDArray[np.intp],
    reach: float,
    observer: Callable[[int, int], None] | None,
) -> tuple[Floats, int]:
    """Jumps (units, windows) near each tetrahedron, and how many jumps are near any."""
    counts, close = np.zeros((len(centres), jumped.shape[1])), 0
    for number, (first, last) in enumerate(pairwise(frames.tolist())):
        who = ions[jumped[:, number]]
        near = np.zeros((len(centres), len(who)), dtype=np.bool_)
        for frame in (first, last):
            fractional = np.asarray(trajectory.fractional[frame], dtype=np.float64)
            away = fractional[who][None] - fractional[centres][:, None]
            away -= np.rint(away) * trajectory.pbc
            near |= ((away @ trajectory.cells[frame]) ** 2).sum(axis=2) < reach**2
        counts[:, number] = near.sum(axis=1)
        close += int(near.any(axis=0).sum())
        if observer is not None:
            observer(number + 1, jumped.shape[1])
    return counts, close


def _by_shift(angles: Floats, counts: Floats) -> Floats:
    """Pearson's coefficient for every circular shift of the counts (units, windows) against the angles."""
    from scipy import fft

    angles = angles - angles.mean(axis=1, keepdims=True)
    counts = counts - counts.mean(axis=1, keepdims=True)
    norm = np.sqrt((angles**2).sum() * (counts**2).sum())
    product = fft.rfft(counts, axis=1) * fft.rfft(angles, axis=1).conj()
    total = fft.irfft(product.sum(axis=0), angles.shape[1])
    return np.asarray(total / norm if norm else np.full(angles.shape[1], np.nan))


def _mean_angle(angles: Floats, chosen: Bools) -> tuple[float, float]:
    """Mean over windows that are chosen, with its standard error from groups of tetrahedra."""
    parts = np.array_split(np.arange(len(angles)), min(_GROUPS, len(angles)))
    means = np.array([angles[part][chosen[part]].mean() if chosen[part].any() else np.nan for part in parts])
    mean = float(angles[chosen].mean()) if chosen.any() else np.nan
    return mean, float(scatter(means))
