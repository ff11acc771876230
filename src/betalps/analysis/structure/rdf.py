"""Radial distribution functions: how far neighbours of each species are, and how many there are within a distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from betalps.analysis._frames import (
    FrameObserver,
    as_trajectory,
    block_numbers,
    described,
    per,
    positive,
    scatter,
    snapshots,
)
from betalps.analysis.result import Result
from betalps.structures.regions import Region
from betalps.trajectories import Trajectory
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms

_SMOOTHING = 0.05  # Å; below the width of any peak at room temperature
_PROMINENCE = 0.1  # of g; what rises less is not called a peak
_CERTAINTY = 4.0  # a peak also rises by this many standard errors


@dataclass(frozen=True, kw_only=True, eq=False)
class RadialDistribution(Result):
    """g(r) of one pair of species.

    Parameters
    ----------
    pair : (2,) tuple of str
        Species of the centre, and of the neighbours. ``("all", "all")``: every atom about every atom.
    g, g_error : (bins,) array
        Radial distribution function, and its standard error from blocks of frames; NaN for a single frame.
    coordination, coordination_error : (bins,) array
        Mean number of neighbours within the outer edge of each bin.
    peaks : tuple of float
        Where g has its peaks.
    first_minimum : float or None
        Between the first and the second peak: the middle of the lowest stretch. None without two peaks.
    coordination_number : float or None
        Neighbours within `first_minimum`.
    """

    units: ClassVar[dict[str, str]] = {"peaks": "angstrom", "first_minimum": "angstrom"}
    pair: tuple[str, str]
    g: Floats
    g_error: Floats
    coordination: Floats
    coordination_error: Floats
    peaks: tuple[float, ...]
    first_minimum: float | None
    coordination_number: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RadialDistributions(Result):
    """Radial distribution functions of a structure or a trajectory; ``result["Li", "S"]`` is that of S about Li.

    Parameters
    ----------
    r : (bins,) array
        Middles of the bins.
    edges : (bins + 1,) array
    partials : dict of str to RadialDistribution
        By pair, as ``"Li-S"``: the centre first.
    total : RadialDistribution or None
        All atoms about all atoms; None where only some pairs were asked for.
    frames, blocks : int
    density : dict of str to float
        Mean number density of each species in the cell: that of g = 1.
    parameters : dict
        ``r_max`` (Å), ``width`` (Å), ``volume`` (Å³, None for that of the cell), ``region``, ``smoothing`` (Å, of the
        curves in which peaks are looked for).
    """

    units: ClassVar[dict[str, str]] = {"r": "angstrom", "edges": "angstrom", "density": "1/angstrom^3"}
    r: Floats
    edges: Floats
    partials: dict[str, RadialDistribution]
    total: RadialDistribution | None
    frames: int
    blocks: int
    density: dict[str, float]
    parameters: dict[str, Any]

    def __getitem__(self, pair: str | tuple[str, str]) -> RadialDistribution:
        name = pair if isinstance(pair, str) else "-".join(pair)
        if name not in self.partials:
            raise KeyError(f"{name}: expected one of {', '.join(self.partials)}")
        return self.partials[name]


def radial_distributions(
    structure: Trajectory | Atoms,
    *,
    r_max: float = 10.0,
    width: float = 0.05,
    pairs: Iterable[Sequence[str]] | None = None,
    region: Region | None = None,
    volume: float | None = None,
    blocks: int = 5,
    observer: FrameObserver | None = None,
) -> RadialDistributions:
    """Total and partial radial distribution functions with running coordination numbers.

    Parameters
    ----------
    structure : Trajectory or ase.Atoms
        Any cell, triclinic ones included.
    r_max : float, Å
        Up to which distance; it may exceed the cell, whose images are all counted.
    width : float, Å
        Of a bin; made a little smaller where `r_max` is not a multiple of it.
    pairs : iterable of pairs of str, optional
        Species of the centre and of the neighbours, such as ``[("P", "S")]``; all pairs, and the total, by default.
    region : Region, optional
        Centres are counted while they are inside; their neighbours may be anywhere, so that no coordination is cut
        at the border of the region.
    volume : float, Å³, optional
        Takes the place of the cell's volume in the density; needed where a direction is not periodic.
    blocks : int
        Blocks of consecutive frames from which the errors are estimated; each should be longer than the structure
        remembers.
    observer : callable, optional
        Called with the number of frames done and their total.

    Returns
    -------
    RadialDistributions

    Raises
    ------
    ValueError
        A species that is absent, lengths that are not positive, a direction that is not periodic and no `volume`, a
        region in which there never is a centre.

    Notes
    -----
    g_ab(r) = n_ab(r) / (ρ_b · 4π/3 (r₊³ - r₋³)): n_ab neighbours b of an atom a between the edges r₋ and r₊, and
    ρ_b the number of all b over the volume (Allen and Tildesley, Computer Simulation of Liquids, 2.6). In N random
    atoms g_aa is therefore 1 - 1/N. Frames of different volume each enter with their own density.
    """
    trajectory = as_trajectory(structure)
    r_max, width = positive("r_max", r_max), positive("width", width)
    names = sorted(set(trajectory.symbols.tolist()))
    wanted = _wanted(pairs, names, trajectory)
    if volume is not None:
        volume = positive("volume", volume, "Å³")
    elif not trajectory.pbc.all():
        raise ValueError(
            f"radial distributions: pbc is {trajectory.pbc.tolist()}, and without a periodic cell the density is not "
            "known: give the volume that the atoms take up (volume=..., Å³)"
        )
    edges = np.linspace(0.0, r_max, max(round(np.ceil(r_max / width - 1e-9)), 1) + 1)
    sums = _accumulate(trajectory, names, wanted, region, volume, edges, blocks, observer)
    inside = [name for name, count in zip(names, sums.centres.sum(axis=0), strict=True) if count]
    absent = [a for a, _ in wanted if a not in inside]
    if absent and (pairs is not None or not inside):
        raise ValueError(f"region: no {'atom' if pairs is None else absent[0]} is inside it in any frame")
    every = [*range(len(names))]
    density = [n * float(np.mean(1.0 / sums.volumes)) for n in sums.everyone.tolist()]
    return RadialDistributions(
        r=(edges[1:] + edges[:-1]) / 2.0,
        edges=edges,
        partials={
            f"{a}-{b}": _distribution((a, b), [names.index(a)], [names.index(b)], sums, edges)
            for a, b in wanted
            if a in inside
        },
        total=None if pairs is not None else _distribution(("all", "all"), every, every, sums, edges),
        frames=len(trajectory),
        blocks=len(sums.centres),
        density=dict(zip(names, density, strict=True)),
        parameters={
            "r_max": r_max,
            "width": float(edges[1]),
            "volume": volume,
            "region": described(region),
            "smoothing": _SMOOTHING,
        },
    )


class _Sums(NamedTuple):
    """Over the frames of each block: ordered pairs, the same times the volume, and centres."""

    counts: Floats  # (blocks, species, species, bins)
    weighted: Floats
    centres: Floats  # (blocks, species)
    everyone: NDArray[np.int64]  # atoms of each species
    volumes: Floats  # of each frame


def _accumulate(
    trajectory: Trajectory,
    names: list[str],
    wanted: list[tuple[str, str]],
    region: Region | None,
    volume: float | None,
    edges: Floats,
    blocks: int,
    observer: FrameObserver | None,
) -> _Sums:
    from betalps.analysis.structure._kernels_pairs import count_pairs

    numbers = np.array([names.index(str(symbol)) for symbol in trajectory.symbols])
    used = np.flatnonzero(np.isin(trajectory.symbols, [name for pair in wanted for name in pair]))
    block_of, number = block_numbers(len(trajectory), blocks)
    counts, weighted = np.zeros((2, number, len(names), len(names), len(edges) - 1))
    centres, volumes = np.zeros((number, len(names))), np.zeros(len(trajectory))
    for frame, (fractional, cell, inside) in enumerate(snapshots(trajectory, region, observer)):
        volumes[frame] = abs(np.linalg.det(cell)) if volume is None else volume
        found = np.zeros(counts.shape[1:], dtype=np.int64)
        count_pairs(fractional[used], cell, trajectory.pbc, numbers[used], inside[used], float(edges[-1]), found)
        block = block_of[frame]
        counts[block] += found
        weighted[block] += found * volumes[frame]
        centres[block] += np.bincount(numbers[inside], minlength=len(names))
    return _Sums(counts, weighted, centres, np.bincount(numbers, minlength=len(names)), volumes)


def _distribution(
    pair: tuple[str, str], of: list[int], neighbours: list[int], sums: _Sums, edges: Floats
) -> RadialDistribution:
    """Neighbours of some species about centres of some species, by their numbers."""
    counts, weighted = (part[:, of][:, :, neighbours].sum(axis=(1, 2)) for part in (sums.counts, sums.weighted))
    centres = sums.centres[:, of].sum(axis=1)
    ideal = 4.0 / 3.0 * np.pi * np.diff(edges**3) * sums.everyone[neighbours].sum()
    g, in_blocks = weighted.sum(axis=0) / centres.sum() / ideal, per(weighted, centres) / ideal
    coordination = np.cumsum(counts.sum(axis=0)) / centres.sum()
    error = scatter(in_blocks)
    # The error if pairs were independent; those of one species are counted from either end.
    both = 2.0 if of == neighbours else 1.0
    counted = g / np.sqrt(np.maximum(counts.sum(axis=0) / both, 1.0))
    peaks, minimum = find_peaks(edges, g, np.fmax(error, counted))
    return RadialDistribution(
        pair=pair,
        g=g,
        g_error=error,
        coordination=coordination,
        coordination_error=scatter(per(np.cumsum(counts, axis=1), centres)),
        peaks=peaks,
        first_minimum=minimum,
        coordination_number=None if minimum is None else float(np.interp(minimum, edges[1:], coordination)),
    )


def find_peaks(edges: Floats, g: Floats, error: Floats) -> tuple[tuple[float, ...], float | None]:
    """Peaks of a radial distribution, and the minimum behind the first.

    Parameters
    ----------
    edges : (bins + 1,) array, Å
    g, error : (bins,) array

    Returns
    -------
    peaks : tuple of float, Å
        Maxima of g, smoothed with a Gaussian of 0.05 Å, that rise by 0.1, and by 4 standard errors of what
        surrounds them, above it; each at the top of the parabola through its three highest bins.
    minimum : float or None, Å
        The middle of the lowest stretch between the first two peaks: of the gap, where g is zero there.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks as maxima

    width = float(edges[1] - edges[0])
    bins = max(_SMOOTHING / width, 0.5)
    smooth = gaussian_filter1d(g, bins, mode="nearest")
    # The weights of the mean enter the variance squared: a Gaussian narrower by the root of two.
    noise = np.sqrt(gaussian_filter1d(error**2, bins / np.sqrt(2.0), mode="nearest") / (2.0 * np.sqrt(np.pi) * bins))
    padded = np.concatenate([[0.0], smooth, [smooth[-1]]])
    found, rises = maxima(padded, prominence=_PROMINENCE)
    tall, rise, unsure = padded[found], rises["prominences"], noise[found - 1]
    # What surrounds the peak scatters less than its top: as the root of its height, and at least by a pair.
    around = unsure * np.sqrt(np.maximum(1.0 - rise / tall, 0.0) + (unsure / tall) ** 2)
    tops = found[rise >= _CERTAINTY * around] - 1
    peaks = tuple(float(edges[0] + width * (top + 0.5 + _vertex(padded[top : top + 3]))) for top in tops)
    if len(tops) < 2:
        return peaks, None
    between = smooth[tops[0] : tops[1] + 1]
    low = np.flatnonzero(between <= between.min() + 0.001 * smooth[tops[0]])
    run = np.cumsum(np.diff(low, prepend=low[0]) > 1)
    stretch = low[run == run[np.searchsorted(low, np.argmin(between))]]
    return peaks, float(edges[0] + width * (tops[0] + 0.5 + (stretch[0] + stretch[-1]) / 2.0))


def _vertex(values: Floats) -> float:
    """Of the parabola through three points one bin apart, in bins from the middle one."""
    bend = values[0] - 2.0 * values[1] + values[2]
    return float(0.5 * (values[0] - values[2]) / bend) if bend < 0.0 else 0.0


def _wanted(pairs: Iterable[Sequence[str]] | None, names: list[str], trajectory: Trajectory) -> list[tuple[str, str]]:
    if pairs is None:
        return [(a, b) for a in names for b in names]
    found = []
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"pairs: expected pairs of species such as ('Li', 'S'), got {pair!r}")
        for species in pair:
            trajectory.indices(species)  # says which there are
        found.append((str(pair[0]), str(pair[1])))
    if not found:
        raise ValueError("pairs: expected at least one pair of species, got none")
    return found
