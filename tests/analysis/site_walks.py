"""Ions that jump between the sites of a crystal at rates that are known."""

import numpy as np

from betalps.analysis.hopping.sites import CrystalSites
from betalps.trajectories import Trajectory

BETA_RATES = {  # by kinds: length in Å, rate to each such neighbour in 1/ps
    ("4b", "4c"): (2.12, 0.15),
    ("4c", "4b"): (2.12, 0.35),
    ("8d", "4b"): (3.29, 0.02),
    ("4b", "8d"): (3.29, 0.04),
    ("8d", "8d"): (3.86, 0.01),
}


def simple_cubic(cells: int, edge: float = 3.0, species: str = "Li") -> CrystalSites:
    one = CrystalSites(species=species, fractional=np.zeros((1, 3)), kinds=("1a",), cell=edge * np.eye(3))
    return one.repeat((cells, cells, cells))


class Ways:
    """From every site where to, over how many cells, and how often: padded with jumps that never happen."""

    def __init__(self, sites: CrystalSites, rates: dict[tuple[str, str], tuple[float, float]]) -> None:
        """`rates`: for kinds (from, to) the length in Å and the rate to each such neighbour in 1/ps."""
        near = sites.pairs(1.01 * max(length for length, _ in rates.values()))
        lists = [[] for _ in range(len(sites))]
        for i, j, shift, distance in zip(near.i, near.j, near.shifts, near.distances, strict=True):
            length, rate = rates.get((sites.kinds[i], sites.kinds[j]), (0.0, 0.0))
            if abs(distance - length) < 0.02:
                lists[i].append((j, shift, rate))
        most = max(len(ways) for ways in lists)
        self.to = np.zeros((len(sites), most), dtype=int)
        self.shift = np.zeros((len(sites), most, 3), dtype=int)
        self.rate = np.zeros((len(sites), most))
        for i, ways in enumerate(lists):
            for k, (j, shift, rate) in enumerate(ways):
                self.to[i, k], self.shift[i, k], self.rate[i, k] = j, shift, rate


def independent_walks(rng, ways: Ways, start: np.ndarray, frames: int, interval: float):
    """Site and image, (frames, ions) and (frames, ions, 3), of ions that do not see each other; a jump per frame."""
    bounds = np.cumsum(interval * ways.rate, axis=1)
    assert bounds[:, -1].max() < 0.5, "the frames are too far apart for these rates"
    site, image = start.copy(), np.zeros((len(start), 3), dtype=int)
    all_sites, all_images = np.empty((frames, len(start)), dtype=int), np.empty((frames, len(start), 3), dtype=int)
    for frame in range(frames):
        all_sites[frame], all_images[frame] = site, image
        which = (rng.random(len(site))[:, None] > bounds[site]).sum(axis=1)
        go = np.flatnonzero(which < bounds.shape[1])
        here, way = site[go], which[go]
        image[go] += ways.shift[here, way]
        site[go] = ways.to[here, way]
    return all_sites, all_images


def one_vacancy(rng, ways: Ways, steps: int):
    """Site and image of ions that fill all sites but one, which changes places with a neighbour in every frame."""
    sites = len(ways.to)
    site, image = np.arange(1, sites), np.zeros((sites - 1, 3), dtype=int)
    ion_on = np.append(-1, np.arange(sites - 1))
    hole = 0
    all_sites, all_images = np.empty((steps, sites - 1), dtype=int), np.empty((steps, sites - 1, 3), dtype=int)
    for step, way in enumerate(rng.integers(ways.to.shape[1], size=steps)):
        all_sites[step], all_images[step] = site, image
        where, shift = ways.to[hole, way], ways.shift[hole, way]
        ion = ion_on[where]
        ion_on[hole], ion_on[where] = ion, -1
        site[ion], hole = hole, where
        image[ion] -= shift
    return all_sites, all_images


def as_trajectory(
    sites: CrystalSites,
    site: np.ndarray,
    image: np.ndarray,
    interval: float,
    rng=None,
    *,
    rattle: float = 0.0,
    cells: np.ndarray | None = None,
    drift: np.ndarray | None = None,
) -> Trajectory:
    """Ions on sites, and the framework, wrapped; vibrating by `rattle` Å, drifting by `drift` (frames, 3) cells."""
    frames = len(site)
    parts, symbols = [sites.fractional[site] + image], [sites.species] * site.shape[1]
    if sites.framework is not None:
        still = sites.framework.get_scaled_positions()
        parts.append(np.broadcast_to(still, (frames, *still.shape)))
        symbols += sites.framework.get_chemical_symbols()
    fractional = np.concatenate(parts, axis=1)
    if rattle:
        fractional = fractional + rng.normal(scale=rattle, size=fractional.shape) @ np.linalg.inv(sites.cell)
    if drift is not None:
        fractional = fractional + drift[:, None]
    return Trajectory(
        symbols=np.array(symbols),
        fractional=fractional - np.floor(fractional),
        cells=sites.cell if cells is None else cells,
        times=interval * np.arange(frames),
        pbc=np.ones(3, dtype=bool),
    )
