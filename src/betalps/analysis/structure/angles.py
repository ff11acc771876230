"""Angles between bonds: S-P-S of a tetrahedron, P-S-P of a bridge, Li-S-Li of the sub-lattice in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import (
    FrameObserver,
    Snapshot,
    as_trajectory,
    block_numbers,
    described,
    per,
    scatter,
    snapshots,
)
from betalps.analysis.result import Result
from betalps.analysis.structure._cutoffs import shell_cutoff
from betalps.neighbors import neighbor_list
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, kw_only=True, eq=False)
class BondAngles(Result):
    """The distribution of a bond angle.

    Parameters
    ----------
    triplet : (3,) tuple of str
        Species of the first leg, of the centre, of the second leg.
    angles : (bins,) array
        Middles of the bins.
    density, density_error : (bins,) array
        Probability of an angle, per degree, with its standard error from blocks of frames; NaN errors for a single
        frame.
    per_solid_angle : (bins,) array
        The density over that of directions at random, sin θ / 2: 1 everywhere where there is no order.
    mean, mean_error, deviation : float
        Of the angles, and their standard deviation.
    per_centre : float
        Angles of a centre, on average: 6 in a tetrahedron.
    cutoffs : dict of str to float
        How far a leg may reach.
    cutoff_from : dict of str to str
        Where each cutoff came from.
    parameters : dict
        ``region``, ``frames``, ``blocks``.
    """

    units: ClassVar[dict[str, str]] = {
        "angles": "degree",
        "density": "1/degree",
        "density_error": "1/degree",
        "mean": "degree",
        "mean_error": "degree",
        "deviation": "degree",
        "cutoffs": "angstrom",
    }
    triplet: tuple[str, str, str]
    angles: Floats
    density: Floats
    density_error: Floats
    per_solid_angle: Floats
    mean: float
    mean_error: float
    deviation: float
    per_centre: float
    cutoffs: dict[str, float]
    cutoff_from: dict[str, str]
    parameters: dict[str, Any]


def bond_angles(
    structure: Trajectory | Atoms,
    triplet: Sequence[str] = ("S", "P", "S"),
    *,
    cutoff: float | Sequence[float] | None = None,
    bins: int = 180,
    region: Region | None = None,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> BondAngles:
    """Distribution of the angles between two neighbours of a centre.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
    triplet : (3,) sequence of str
        Species: leg, centre, leg.
    cutoff : float or (2,) sequence of float, Å, optional
        How far the legs may reach, or either. By default the first minimum of the radial distribution of the centre
        and the leg, in up to 20 frames.
    bins : int
        Between 0 and 180°.
    region : Region, optional
        Centres count while they are inside.
    blocks : int
        Blocks of consecutive frames from which errors are estimated.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    BondAngles

    Raises
    ------
    ValueError
        A species that is absent, a cutoff that is not positive, a radial distribution without first minimum, no angle
        at all.
    """
    trajectory = as_trajectory(structure)
    names = tuple(str(name) for name in triplet)
    if isinstance(triplet, str) or len(names) != 3:
        raise ValueError(f"triplet: expected three species such as ('S', 'P', 'S'), got {triplet!r}")
    if bins < 1:
        raise ValueError(f"bins: expected at least 1, got {bins}")
    for name in names:
        trajectory.indices(name)
    first, centre, second = names
    given = (None, None) if cutoff is None else tuple(np.broadcast_to(np.asarray(cutoff, dtype=np.float64), 2).tolist())
    legs = [shell_cutoff(trajectory, (centre, leg), reach) for leg, reach in zip((first, second), given, strict=True)]
    if first == second and legs[0] != legs[1]:
        raise ValueError(f"cutoff {cutoff!r}: expected one for two legs of {first}")
    sums = _accumulate(trajectory, (first, centre, second), (legs[0][0], legs[1][0]), bins, region, blocks, observer)
    if not sums.moments.sum():
        raise ValueError(
            f"no angle {'-'.join(names)}: no {centre}{'' if region is None else ' inside the region'} has both legs "
            f"within {legs[0][0]:.2f} and {legs[1][0]:.2f} Å"
        )
    number, total, squares = sums.moments.sum(axis=0)
    mean, width = total / number, 180.0 / bins
    edges = np.radians(np.linspace(0.0, 180.0, bins + 1))
    density = sums.counts.sum(axis=0) / number / width
    pairs = (f"{centre}-{first}", f"{centre}-{second}")
    return BondAngles(
        triplet=(first, centre, second),
        angles=width * (np.arange(bins, dtype=np.float64) + 0.5),
        density=density,
        density_error=scatter(per(sums.counts, sums.moments[:, 0]) / width),
        per_solid_angle=density * width / (np.cos(edges[:-1]) - np.cos(edges[1:])) * 2.0,
        mean=float(mean),
        mean_error=float(scatter(per(sums.moments[:, 1], sums.moments[:, 0]))),
        deviation=float(np.sqrt(max(squares / number - mean**2, 0.0))),
        per_centre=float(number / sums.centres),
        cutoffs={pair: leg[0] for pair, leg in zip(pairs, legs, strict=True)},
        cutoff_from={pair: leg[1] for pair, leg in zip(pairs, legs, strict=True)},
        parameters={"region": described(region), "frames": len(trajectory), "blocks": len(sums.counts)},
    )


class _Sums(NamedTuple):
    counts: Floats  # (blocks, bins)
    moments: Floats  # (blocks, 3): angles, their sum, the sum of their squares
    centres: int


def _accumulate(
    trajectory: Trajectory,
    names: tuple[str, str, str],
    reach: tuple[float, float],
    bins: int,
    region: Region | None,
    blocks: int,
    observer: FrameObserver | None,
) -> _Sums:
    from betalps.analysis.structure._kernels_pairs import count_angles

    block_of, number = block_numbers(len(trajectory), blocks)
    counts, moments, centres = np.zeros((number, bins)), np.zeros((number, 3)), 0
    chosen = np.flatnonzero(np.isin(trajectory.symbols, names))
    symbols = trajectory.symbols[chosen]
    for frame, snapshot in enumerate(snapshots(trajectory, region, observer)):
        about = snapshot.inside[chosen] & (symbols == names[1])
        centres += int(np.count_nonzero(about))
        firsts, vectors, left, right = _legs(snapshot, trajectory, chosen, symbols, about, names, reach)
        found = np.zeros(bins, dtype=np.int64)
        moments[block_of[frame]] += count_angles(firsts, vectors, left, right, names[0] == names[2], found)
        counts[block_of[frame]] += found
    return _Sums(counts, moments, centres)


def _legs(
    snapshot: Snapshot,
    trajectory: Trajectory,
    chosen: NDArray[np.intp],
    symbols: NDArray[np.str_],
    about: NDArray[np.bool_],
    names: tuple[str, str, str],
    reach: tuple[float, float],
) -> tuple[NDArray[np.int64], Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Bonds of the centres in their order, where those of each begin, and which leg each may be."""
    from ase import Atoms

    positions = snapshot.fractional[chosen] @ snapshot.cell
    atoms = Atoms(numbers=np.ones(len(chosen)), positions=positions, cell=snapshot.cell, pbc=trajectory.pbc)
    pairs = neighbor_list(atoms, max(reach))
    left = (symbols[pairs.j] == names[0]) & (pairs.distances < reach[0])
    right = (symbols[pairs.j] == names[2]) & (pairs.distances < reach[1])
    used = about[pairs.i] & (left | right)
    firsts = np.append(0, np.cumsum(np.bincount(pairs.i[used], minlength=len(chosen))))
    return firsts.astype(np.int64), np.ascontiguousarray(pairs.vectors[used]), left[used], right[used]
