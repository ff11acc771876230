"""Which site of a crystal each ion is on, and how the sites are filled.

An ion belongs to the site whose core it entered last: a sphere about the site that no other site's core touches. An ion
that merely vibrates across the middle between two sites, or leaves its site and comes back, has not jumped (the
milestones of Faradjian and Elber, J. Chem. Phys. 120, 10880 (2004); core sets of Buchete and Hummer, J. Phys. Chem. B
112, 6057 (2008)). The sites follow the cell and the framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from betalps.analysis._frames import described, scatter
from betalps.analysis.hopping._crystal_sites import CrystalSites, crystal_sites
from betalps.analysis.hopping._framework_match import framework_shift
from betalps.analysis.hopping._site_grid import site_grid
from betalps.analysis.result import Result
from betalps.errors import StructureError
from betalps.structures.regions import AtomChoice, Region
from betalps.trajectories import Trajectory, displacement_blocks, framework_drift
from betalps.typing import Bools, Floats, Integers

__all__ = ["CrystalSites", "SiteOccupancy", "SiteVisits", "crystal_sites", "site_occupancy", "site_visits"]

_SAME_CELL = 0.1  # by how much a cell vector may differ from the reference's, of its length
_OFTEN = 0.25  # of the time; hot ions on their own sites are inside cores oftener than this
_FRAMES_PER_VISIT = 5.0  # shorter visits on average: jumps are missed between frames


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteVisits(Result):
    """The sites that ions were on, one after the other.

    A visit begins when the ion enters the core of a site and ends when it enters another's. The visits of an ion follow
    each other without gaps from the first core it enters to the last frame.

    Attributes
    ----------
    sites : CrystalSites
        Not part of `to_dict`.
    cell : (3, 3) array
        Averaged over the frames.
    ions : (ions,) array of int
        Their numbers among the atoms.
    ion : (visits,) array of int
        Which of `ions`, ascending; the visits of one in the order of time.
    site : (visits,) array of int
    image : (visits, 3) array of int
        The cell in which the site lies, on the unwrapped path.
    start, stop : (visits,) array of int
        The first frame of the visit, and the first one after it.
    arrived, left : (visits,) array of bool
        Whether the beginning and the end of the visit were seen.
    frames : int
    interval : float
        Time between frames.
    in_cores : float
        Fraction of the time that ions are inside a core.
    unassigned : float
        Fraction of the time before an ion has been to any site.
    shift : (3,) array
        Of the trajectory's framework from the reference's, fractional; zero where there is no framework.
    misfit : float or None
        Root mean square distance of the best-fitting species of the framework from the reference.
    doubts : tuple of str
        Why the assignment may be wrong; empty where nothing speaks against it.
    parameters : dict
        ``species``, ``core``, ``drift``.
    """

    units: ClassVar[dict[str, str]] = {"cell": "angstrom", "interval": "ps", "misfit": "angstrom"}
    sites: CrystalSites
    cell: Floats
    ions: Integers
    ion: Integers
    site: Integers
    image: Integers
    start: Integers
    stop: Integers
    arrived: Bools
    left: Bools
    frames: int
    interval: float
    in_cores: float
    unassigned: float
    shift: Floats
    misfit: float | None
    doubts: tuple[str, ...]
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As `Result.to_dict`, without the sites."""
        found = super().to_dict()
        del found["sites"]
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteOccupancy(Result):
    """How the sites are filled.

    Attributes
    ----------
    kinds : tuple of str
    sites : (kinds,) array of int
        How many there are of each kind.
    occupancy, occupancy_error : (kinds,) array
        Mean number of ions on a site of the kind, with its standard error from blocks of time; NaN where there are
        fewer than two blocks.
    share, share_error : (kinds,) array
        Fraction of the ions on sites of the kind.
    double : (kinds,) array
        Fraction of the time that two or more ions belong to one site.
    by_site, by_site_error : (all sites,) array
        Occupancy of each single site; NaN outside the region.
    doubts : tuple of str
        Of the visits.
    parameters : dict
        ``region``, ``blocks`` and those of the visits.
    """

    kinds: tuple[str, ...]
    sites: Integers
    occupancy: Floats
    occupancy_error: Floats
    share: Floats
    share_error: Floats
    double: Floats
    by_site: Floats
    by_site_error: Floats
    doubts: tuple[str, ...]
    parameters: dict[str, Any]


def site_visits(
    trajectory: Trajectory, sites: CrystalSites, *, core: float | None = 0.7, remove_drift: bool = True
) -> SiteVisits:
    """Assign every ion of a species to a site in every frame.

    Parameters
    ----------
    trajectory : Trajectory
        Evenly spaced frames, of a cell that holds the sites' as often as they were repeated.
    sites : CrystalSites
        From `crystal_sites`.
    core : float or None
        Radius of the cores, as a fraction of half the distance from the site to the next one: 1 makes cores that touch.
        None: an ion belongs to the nearest site at every moment, and each crossing of the middle is a jump.
    remove_drift : bool
        Let the sites follow the centre of mass of the framework.

    Returns
    -------
    SiteVisits

    Raises
    ------
    ValueError
        A species that is absent, a core outside 0 to 1, frames that are not evenly spaced, no ion that ever enters a
        core.
    StructureError
        Another cell or another framework than that of the sites.

    Warns
    -----
    UnwrapWarning
        A step between frames too long to unwrap.
    """
    if core is not None and not 0.0 < core <= 1.0:
        raise ValueError(f"core {core!r}: expected a fraction above 0 and at most 1, or None for the nearest site")
    interval, ions = trajectory.interval, trajectory.indices(sites.species)
    _check_cell(trajectory, sites)
    drift = framework_drift(trajectory, sites.species) if remove_drift else None
    shift, misfit = np.zeros(3), None
    if sites.framework is not None:
        moved = np.zeros((len(trajectory), 3)) if drift is None else drift @ np.linalg.inv(trajectory.mean_cell)
        shift, misfit = framework_shift(trajectory, sites.framework, moved)
    spacings = sites.spacings(trajectory.mean_cell)
    cores = np.full(len(sites), np.inf) if core is None else (0.5 * core * spacings) ** 2
    events, inside = _follow(trajectory, sites, ions, drift, shift, cores)
    if not len(events):
        raise ValueError(
            f"no {sites.species} ever enters the core of a site, {np.sqrt(cores.max()):.2f} Å wide at most: expected "
            "sites of this crystal, or a larger core"
        )
    ion, frame, site = events[:, 0], events[:, 1], events[:, 2]
    followed = np.append(ion[1:] == ion[:-1], False)
    stop = np.where(followed, np.append(frame[1:], 0), len(trajectory))
    in_cores = inside / (len(ions) * len(trajectory))
    return SiteVisits(
        sites=sites,
        cell=trajectory.mean_cell,
        ions=ions.astype(np.int64),
        ion=ion,
        site=site,
        image=events[:, 3:],
        start=frame,
        stop=stop,
        arrived=np.append(False, followed[:-1]),
        left=followed,
        frames=len(trajectory),
        interval=interval,
        in_cores=in_cores,
        unassigned=1.0 - float((stop - frame).sum()) / (len(ions) * len(trajectory)),
        shift=shift - np.rint(shift),
        misfit=misfit,
        doubts=_doubts(in_cores, float((stop - frame).mean()), int(followed.sum()), interval),
        parameters={
            "species": sites.species,
            "core": core,
            "drift": "none" if drift is None else f"centre of mass of all but {sites.species}",
        },
    )


def _check_cell(trajectory: Trajectory, sites: CrystalSites) -> None:
    if not trajectory.pbc.all():
        raise StructureError(f"pbc {trajectory.pbc.tolist()}: expected a crystal, periodic along all axes")
    here, there = (np.linalg.norm(cell, axis=1) for cell in (trajectory.mean_cell, sites.cell))
    ratio = here / there
    if np.abs(ratio - 1.0).max() > _SAME_CELL:
        counts = tuple(np.maximum(np.rint(ratio), 1).astype(int).tolist())
        hint = f"; sites.repeat({counts}) may be what is wanted" if counts != (1, 1, 1) else ""
        raise StructureError(
            f"the trajectory's cell vectors are {_lengths(here)} Å long, the sites' {_lengths(there)} Å: expected the "
            f"same within {_SAME_CELL:.0%}{hint}"
        )


def _lengths(values: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _follow(
    trajectory: Trajectory, sites: CrystalSites, ions: Any, drift: Floats | None, shift: Floats, cores: Floats
) -> tuple[Integers, int]:
    """Arrivals (visits, 6) of ions: ion, frame, site, image; and how many frames of ions lie inside a core."""
    from betalps.analysis.hopping._kernels_sites import follow

    cell = trajectory.mean_cell
    inverse = np.linalg.inv(cell)
    grid = site_grid(sites.fractional, cell)
    start = trajectory.fractional[0][ions].astype(np.float64) - shift
    if trajectory.images is not None:
        start += trajectory.images[0][ions]
    found, inside, first = [], 0, 0
    for block in displacement_blocks(trajectory, ions, drift):
        paths = np.einsum("tf,ats->afs", inverse, block, optimize=True)
        paths += start[first : first + len(block), :, None]
        events = np.empty((paths.shape[0] * paths.shape[2], 6), dtype=np.int64)
        written, settled = follow(
            np.ascontiguousarray(paths),
            cell,
            grid.shape,
            grid.starts,
            grid.members,
            grid.images,
            sites.fractional,
            cores,
            events,
        )
        events = events[:written].copy()
        events[:, 0] += first
        found.append(events)
        inside += settled
        first += len(block)
    return np.concatenate(found), inside


def _doubts(in_cores: float, visit: float, jumps: int, interval: float) -> tuple[str, ...]:
    found = []
    if in_cores < _OFTEN:
        found.append(f"ions are inside cores {in_cores:.0%} of the time: the sites may not be those of this crystal")
    if jumps and visit < _FRAMES_PER_VISIT:
        found.append(
            f"a visit lasts {visit:.1f} frames on average: jumps are missed between frames {interval:g} ps apart"
        )
    return tuple(found)


def site_occupancy(visits: SiteVisits, *, region: Region | None = None, blocks: int = 5) -> SiteOccupancy:
    """How the sites of each kind, and each single site, are filled.

    Parameters
    ----------
    visits : SiteVisits
    region : Region, optional
        Sites that lie inside are counted.
    blocks : int
        Blocks of time from which errors are estimated.

    Returns
    -------
    SiteOccupancy

    Raises
    ------
    ValueError
        Not at least two blocks, a region without sites or one that is a choice of atoms.
    """
    if blocks < 2:
        raise ValueError(f"blocks: expected at least 2, got {blocks}")
    inside = sites_inside(visits, region)
    edges = np.linspace(0, visits.frames, min(blocks, visits.frames) + 1)
    time = visit_times(visits, edges)
    count = np.array([np.bincount(visits.site, weights=part, minlength=len(inside)) for part in time])
    by_site = count / np.diff(edges)[:, None]
    numbers = visits.sites.kind_numbers
    names = visits.sites.names
    per_kind = np.array([by_site[:, inside & (numbers == k)].sum(axis=1) for k in range(len(names))])
    sites = np.array([np.count_nonzero(inside & (numbers == k)) for k in range(len(names))])
    with np.errstate(invalid="ignore", divide="ignore"):
        occupancy, share = per_kind / sites[:, None], per_kind / per_kind.sum(axis=0)
        double = np.array([_shared_time(visits)[inside & (numbers == k)].sum() for k in range(len(names))]) / (
            sites * visits.frames
        )
    return SiteOccupancy(
        kinds=names,
        sites=sites,
        occupancy=occupancy.mean(axis=1),
        occupancy_error=scatter(occupancy.T),
        share=share.mean(axis=1),
        share_error=scatter(share.T),
        double=double,
        by_site=np.where(inside, by_site.mean(axis=0), np.nan),
        by_site_error=np.where(inside, scatter(by_site), np.nan),
        doubts=visits.doubts,
        parameters={"region": described(region), "blocks": len(edges) - 1, **visits.parameters},
    )


def sites_inside(visits: SiteVisits, region: Region | None) -> Bools:
    """Which sites (sites,) lie inside a region.

    Raises
    ------
    ValueError
        None does, or the region is a choice of atoms.
    """
    if region is None:
        return np.ones(len(visits.sites), dtype=np.bool_)
    if isinstance(region, AtomChoice):
        raise ValueError("region: a choice of atoms says nothing about sites; expected a box or slabs")  # noqa: TRY004
    # The region is that of the trajectory, the sites those of the reference.
    inside = region.contains(visits.sites.fractional + visits.shift, visits.cell)
    if not inside.any():
        raise ValueError(f"no site of {visits.sites.species} lies inside the region {region.to_dict()}")
    return inside


def visit_times(visits: SiteVisits, edges: Floats) -> Floats:
    """How many frames of each block, between `edges` (blocks + 1,), each visit lasts: (blocks, visits)."""
    begin, end = edges[:-1, None], edges[1:, None]
    return np.asarray(np.maximum(np.minimum(visits.stop, end) - np.maximum(visits.start, begin), 0.0))


def _shared_time(visits: SiteVisits) -> Floats:
    """Frames (sites,) during which two or more ions belong to a site."""
    site = np.concatenate([visits.site, visits.site])
    frame = np.concatenate([visits.start, visits.stop])
    change = np.repeat([1, -1], len(visits.site))
    order = np.lexsort((change, frame, site))  # who leaves at a frame is gone before another comes
    site, frame = site[order], frame[order]
    present = np.cumsum(change[order])  # back to zero behind the last visit of every site
    lasts = np.append(np.diff(frame), 0)
    return np.bincount(site, weights=np.where(present >= 2, lasts, 0), minlength=len(visits.sites)).astype(np.float64)
