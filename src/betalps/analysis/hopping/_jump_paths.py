"""Jumps sorted by the kinds of site that they lead between, and by length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from betalps.analysis.hopping._jump_network import Edges
from betalps.analysis.hopping._jump_rates import rate_of
from betalps.analysis.hopping.sites import SiteVisits, visit_times
from betalps.analysis.result import Result
from betalps.typing import Bools, Floats, Integers

_MARGIN = 0.1  # Å; equivalent pairs of sites in a crystal that is not quite symmetric differ by less


@dataclass(frozen=True, kw_only=True, eq=False)
class JumpPath(Result):
    """Jumps from one kind of site to another over about the same distance.

    Attributes
    ----------
    name : str
        Such as ``"4b-4c 2.12 Å"``.
    start, end : str
        Kinds of site.
    length : float
        Between the sites, averaged over the jumps there and back.
    count : int
    rate, rate_error : float
        Jumps per time that ions spend on sites of kind `start`. The standard error is the larger of that of a Poisson
        count and that of the scatter between blocks of time.
    rate_interval : (2,) tuple
        95 %: the wider of that of a Poisson count and that of the blocks (Student's t).
    neighbours : float
        How many sites of kind `end` a site of kind `start` has at this distance.
    rate_per_neighbour : float
        To each of these.
    exchange : float
        Jumps per time between one such pair of sites, there and back together, whoever is on them.
    """

    units: ClassVar[dict[str, str]] = {
        "length": "angstrom",
        **dict.fromkeys(("rate", "rate_error", "rate_interval", "rate_per_neighbour", "exchange"), "1/ps"),
    }
    name: str
    start: str
    end: str
    length: float
    count: int
    rate: float
    rate_error: float
    rate_interval: tuple[float, float]
    neighbours: float
    rate_per_neighbour: float
    exchange: float


class Seen(NamedTuple):
    """The jumps: the visit each begins with, sites, cells in between, vectors in Å, frame, ion, and unbroken runs."""

    visit: Integers
    first: Integers
    second: Integers
    shift: Integers
    vectors: Floats
    frame: Integers
    ion: Integers
    run: Integers


class PathClass(NamedTuple):
    """Jumps there and back between two kinds of site, by number, over lengths in Å of a range; and which these are."""

    kinds: tuple[int, int]
    low: float
    high: float
    members: Integers


class Clock(NamedTuple):
    """Blocks of time: edges (blocks + 1,) in frames, and what ions spend on each kind of site, (kinds, blocks) ps."""

    edges: Floats
    on_kind: Floats

    def counted(self, frames: Integers) -> Floats:
        """How many of some events fall into each block."""
        return np.histogram(frames, self.edges)[0].astype(np.float64)


def jumps_seen(visits: SiteVisits, inside: Bools) -> Seen:
    """Visits that follow each other, both inside the region."""
    visit = np.flatnonzero(visits.left)
    visit = visit[inside[visits.site[visit]] & inside[visits.site[visit + 1]]]
    first, second = visits.site[visit], visits.site[visit + 1]
    shift = visits.image[visit + 1] - visits.image[visit]
    places = visits.sites.fractional
    return Seen(
        visit=visit,
        first=first,
        second=second,
        shift=shift,
        vectors=(places[second] - places[first] + shift) @ visits.cell,
        frame=visits.start[visit + 1],
        ion=visits.ion[visit],
        run=np.cumsum(np.diff(visit, prepend=-2) != 1),
    )


def clock(visits: SiteVisits, inside: Bools, blocks: int) -> Clock:
    """Divide the time into blocks."""
    edges = np.linspace(0, visits.frames, min(blocks, visits.frames) + 1)
    lasting = visits.interval * visit_times(visits, edges) * inside[visits.site]
    kind = visits.sites.kind_numbers[visits.site]
    return Clock(edges, np.array([lasting[:, kind == k].sum(axis=1) for k in range(len(visits.sites.names))]))


def path_classes(visits: SiteVisits, seen: Seen, tolerance: float) -> list[PathClass]:
    """Jumps between the same kinds whose lengths, in order, nowhere differ by more than a tolerance."""
    numbers = visits.sites.kind_numbers
    kinds = np.sort(np.stack([numbers[seen.first], numbers[seen.second]], axis=1), axis=1)
    lengths = np.linalg.norm(seen.vectors, axis=1)
    found = []
    for pair in np.unique(kinds, axis=0):
        members = np.flatnonzero((kinds == pair).all(axis=1))
        members = members[np.argsort(lengths[members], kind="stable")]
        for part in np.split(members, np.flatnonzero(np.diff(lengths[members]) > tolerance) + 1):
            low, high = float(lengths[part[0]]), float(lengths[part[-1]])
            found.append(PathClass((int(pair[0]), int(pair[1])), low, high, part))
    return found


def site_pairs(visits: SiteVisits, inside: Bools, classes: list[PathClass]) -> list[Edges]:
    """All pairs of sites that each class of jumps may lead between, in the direction of its kinds.

    Between sites of one kind, every pair is there in both directions.
    """
    if not classes:
        return []
    near = visits.sites.pairs(max(one.high for one in classes) + 2 * _MARGIN, visits.cell)
    kept = inside[near.i] & inside[near.j]
    numbers = visits.sites.kind_numbers
    # The neighbour list wraps positions as the sites are: its shifts are cells between sites.
    found = []
    for one in classes:
        chosen = (numbers[near.i] == one.kinds[0]) & (numbers[near.j] == one.kinds[1]) & kept
        chosen &= (near.distances > one.low - _MARGIN) & (near.distances < one.high + _MARGIN)
        found.append(
            Edges(
                near.i[chosen].astype(np.int64), near.j[chosen].astype(np.int64), near.shifts[chosen].astype(np.int64)
            )
        )
    return found


def jump_paths(
    visits: SiteVisits, inside: Bools, seen: Seen, classes: list[PathClass], pairs: list[Edges], time: Clock
) -> list[list[JumpPath]]:
    """The paths of each class: there and back, or one between sites of the same kind."""
    numbers, names = visits.sites.kind_numbers, visits.sites.names
    sites = np.bincount(numbers[inside], minlength=len(names))
    duration = visits.frames * visits.interval
    found = []
    for one, ways in zip(classes, pairs, strict=True):
        length = float(np.linalg.norm(seen.vectors[one.members], axis=1).mean())
        both = len(set(one.kinds)) == 2
        between = len(ways.first) if both else len(ways.first) / 2
        directions = [one.kinds, one.kinds[::-1]] if both else [one.kinds]
        paths = []
        for start, end in directions:
            jumps = one.members[numbers[seen.first[one.members]] == start]
            rate = rate_of(time.counted(seen.frame[jumps]), time.on_kind[start])
            neighbours = len(ways.first) / float(sites[start])
            paths.append(
                JumpPath(
                    name=f"{names[start]}-{names[end]} {length:.2f} Å",
                    start=names[start],
                    end=names[end],
                    length=length,
                    count=len(jumps),
                    rate=rate.value,
                    rate_error=rate.error,
                    rate_interval=rate.interval,
                    neighbours=neighbours,
                    rate_per_neighbour=rate.value / neighbours,
                    exchange=len(one.members) / (between * duration),
                )
            )
        found.append(paths)
    return found
