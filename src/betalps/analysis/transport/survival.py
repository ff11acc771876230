"""How long ions stay in a region, and how fast they must move to leave it that soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import described
from betalps.analysis.result import Result
from betalps.analysis.transport._blocks import Origins, scatter_of_blocks
from betalps.analysis.transport._membership import membership
from betalps.analysis.transport.window import MINIMUM_FRAMES, lag_grid
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory, framework_drift
from betalps.typing import Bools, Floats, Ints

_BLOCKS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Survival(Result):
    """How ions stay in a region.

    Parameters
    ----------
    species : str
    ions : float
        How many are inside at a time, on average.
    ions_error : float
        Its standard error, from blocks of time.
    fraction : float
        Of all atoms of the species.
    entered : int
        How many different ions were inside at any time.
    occupancy : (frames,) array
        Ions inside in each frame.
    lags : (k,) array
    probability, probability_error : (k,) array
        P(τ): an ion that is inside never leaves in τ, as far as the frames show.
    present : (k,) array
        An ion that is inside is inside again, or still, behind τ.
    residence_time : float or None
        Where P falls to 1/e; None where it does not.
    parameters : dict
        ``region``, ``allowed_absence`` (ps), ``drift``.
    """

    units: ClassVar[dict[str, str]] = {"lags": "ps", "residence_time": "ps"}
    species: str
    ions: float
    ions_error: float
    fraction: float
    entered: int
    occupancy: Floats
    lags: Floats
    probability: Floats
    probability_error: Floats
    present: Floats
    residence_time: float | None
    parameters: dict[str, Any]


def survival(
    trajectory: Trajectory,
    region: Region,
    species: str = "Li",
    *,
    allowed_absence: float = 0.0,
    remove_drift: bool = True,
) -> Survival:
    """Occupancy of a region, and the probability that an ion stays in it.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames, at least 100.
    region : Region
    species : str
    allowed_absence : float, ps
        Absences up to this long do not end a stay (Impey, Madden and McDonald, J. Phys. Chem. 1983, 87, 5071): an
        ion that rattles at the border has not left.
    remove_drift : bool
        Let the region move with the centre of mass of the framework (every other species).

    Returns
    -------
    Survival

    Raises
    ------
    ValueError
        Too few frames, frames that are not evenly spaced, no atom of the species, a region that no ion is ever in.
    """
    if not allowed_absence >= 0.0:
        raise ValueError(f"allowed_absence: expected a time of at least 0 ps, got {allowed_absence}")
    stays = find_stays(trajectory, region, species, allowed_absence, remove_drift)
    return summarise(trajectory, stays, species, {"region": described(region), "allowed_absence": allowed_absence})


@dataclass(frozen=True, kw_only=True, eq=False)
class Stays:
    """Who is inside when: all ions (atoms of the species) that ever are, and what an analysis of them shares."""

    ions: NDArray[np.intp]
    of: int
    inside: Bools  # (ions, frames)
    last: Ints
    drift: Floats | None
    grid: NDArray[np.intp]  # of lags
    stayed: Floats  # (lags, frames)
    started: Floats
    ended: Floats

    def probability(self) -> Floats:
        """P(τ), (lags,)."""
        return np.asarray(self.stayed.sum(axis=1) / np.maximum(self.started.sum(axis=1), 1.0))

    def in_blocks(self, lags: NDArray[np.intp], blocks: int) -> Floats:
        """P(τ) in each block of time, (n, k), see `Origins.block_means`."""
        return Origins(self.grid, self.stayed[:, :, None], self.started).block_means(lags, blocks)[:, :, 0]


def find_stays(
    trajectory: Trajectory, region: Region, species: str, allowed_absence: float = 0.0, remove_drift: bool = True
) -> Stays:
    """Go through the frames once and note who is inside.

    Raises
    ------
    ValueError
        As `survival`.
    """
    from betalps.analysis.transport._kernels_regions import count_survivors, ends_of_stays, fill_absences

    if len(trajectory) < MINIMUM_FRAMES:
        raise ValueError(f"region: expected at least {MINIMUM_FRAMES} frames, got {len(trajectory)}")
    interval, everyone = trajectory.interval, trajectory.indices(species)
    drift = framework_drift(trajectory, species) if remove_drift else None
    inside = membership(trajectory, region, everyone, drift)
    ever = inside.any(axis=1)
    if not ever.any():
        raise ValueError(f"region: no {species} is ever inside {region!r}; where is it in the cell, in fractions?")
    inside = np.ascontiguousarray(inside[ever])
    if allowed_absence:
        fill_absences(inside, int(allowed_absence / interval + 1e-9))
    last = ends_of_stays(inside)
    grid = lag_grid(len(trajectory))
    stayed, started, ended = np.zeros((3, len(grid), len(trajectory)))
    count_survivors(inside, last, grid, stayed, started, ended)
    return Stays(
        ions=everyone[ever],
        of=len(everyone),
        inside=inside,
        last=last,
        drift=drift,
        grid=grid,
        stayed=stayed,
        started=started,
        ended=ended,
    )


def summarise(trajectory: Trajectory, stays: Stays, species: str, parameters: dict[str, Any]) -> Survival:
    """Occupancy and probabilities of stays that have been found."""
    probability = stays.probability()
    occupancy = stays.inside.sum(axis=0).astype(np.float64)
    blocks = occupancy[: len(occupancy) // _BLOCKS * _BLOCKS].reshape(_BLOCKS, -1).mean(axis=1)
    length = len(trajectory) // 5
    short = stays.grid[stays.grid < length]
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.full(len(stays.grid), np.nan)
        error[: len(short)] = scatter_of_blocks(stays.in_blocks(short, 5), 5) / np.sqrt(5.0)
        present = stays.ended.sum(axis=1) / stays.started.sum(axis=1)
    lags = np.asarray(trajectory.interval * stays.grid, dtype=np.float64)
    drift = "none" if stays.drift is None else f"centre of mass of all but {species}"
    return Survival(
        species=species,
        ions=float(occupancy.mean()),
        ions_error=float(np.std(blocks, ddof=1) / np.sqrt(_BLOCKS)),
        fraction=float(occupancy.mean()) / stays.of,
        entered=len(stays.ions),
        occupancy=occupancy,
        lags=lags,
        probability=probability,
        probability_error=error,
        present=present,
        residence_time=_falls_to(probability, lags, float(np.exp(-1.0))),
        parameters={**parameters, "drift": drift},
    )


def _falls_to(probability: Floats, lags: Floats, level: float) -> float | None:
    below = np.flatnonzero(probability <= level)
    if not below.size:
        return None
    k = int(below[0])
    if k == 0:
        return float(lags[0])
    logs = np.log(np.maximum(probability[k - 1 : k + 1], 1e-300))
    return float(lags[k - 1] + (lags[k] - lags[k - 1]) * (logs[0] - np.log(level)) / (logs[0] - logs[1]))
