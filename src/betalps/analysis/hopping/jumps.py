"""Jumps of ions between the sites of a crystal: rates, residence times, their network and their correlation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from betalps.analysis._frames import described
from betalps.analysis.hopping._jump_correlation import correlation
from betalps.analysis.hopping._jump_network import Edges, bottlenecks, percolation
from betalps.analysis.hopping._jump_paths import (
    Clock,
    JumpPath,
    PathClass,
    Seen,
    clock,
    jump_paths,
    jumps_seen,
    path_classes,
    site_pairs,
)
from betalps.analysis.hopping._jump_rates import grouped_ratio
from betalps.analysis.hopping._residence import Residence, residence
from betalps.analysis.hopping.sites import SiteVisits, sites_inside
from betalps.analysis.result import Result
from betalps.analysis.transport.arrhenius import arrhenius
from betalps.structures.regions import Region
from betalps.typing import Bools, Floats, Integers

__all__ = ["JumpActivation", "JumpPath", "Jumps", "Residence", "jump_activation", "jumps"]

_TEMPERATURES = 3  # that a line needs


@dataclass(frozen=True, kw_only=True, eq=False)
class Jumps(Result):
    """The jumps of a species between sites; ``result["4b-4c 2.12 Å"]`` is one of the paths.

    Attributes
    ----------
    species : str
    ions, count : int
        How many ions and jumps.
    duration : float
    paths : tuple of JumpPath
        Those that were taken, by kinds and length, there and back.
    residence : tuple of Residence
        By kind.
    edges : (edges, 2) array of int
        The network: from site, to site.
    edge_images : (edges, 3) array of int
        Cells from the first to the second.
    edge_counts : (edges,) array of int
    edge_rates : (edges,) array
        Jumps per time that ions spend on the first site.
    percolates : (3,) array of bool
        Whether the jumps that were seen lead through the crystal along a, b and c.
    dimensions : int
        In how many dimensions they do.
    bottlenecks : (3,) tuple of str or None
        For a, b and c the slowest path that is needed to get through the crystal (by `JumpPath.exchange`), if every
        path that was seen is open between all sites of its kinds. None: no chain of paths leads there.
    jump_diffusivity : (3, 3) array
        Σ l⊗l / 2Nt: what the diffusion tensor would be, were the directions of jumps independent.
    correlation_jumps : (n,) array of int
    correlation_factors, correlation_errors : (n,) array
        <|R|²> / <Σ l²> over sequences of so many jumps; standard errors from the scatter between ions.
    correlation_factor, correlation_error : float
        Of the longest sequences with an error below 5 %; NaN where there are too few jumps.
    correlation_settled : bool
        Whether sequences half as long give the same within two standard errors.
    back_jumps, back_jumps_error : float
        Fraction of jumps, of those that are followed by another, which the next one undoes.
    back_jumps_random : float
        What that fraction would be, did ions not remember where they came from.
    doubts : tuple of str
        Of the visits.
    parameters : dict
        ``length_tolerance`` (Å), ``blocks``, ``region``, and those of the visits.
    """

    units: ClassVar[dict[str, str]] = {"duration": "ps", "edge_rates": "1/ps", "jump_diffusivity": "angstrom^2/ps"}
    species: str
    ions: int
    count: int
    duration: float
    paths: tuple[JumpPath, ...]
    residence: tuple[Residence, ...]
    edges: Integers
    edge_images: Integers
    edge_counts: Integers
    edge_rates: Floats
    percolates: Bools
    dimensions: int
    bottlenecks: tuple[str | None, str | None, str | None]
    jump_diffusivity: Floats
    correlation_jumps: Integers
    correlation_factors: Floats
    correlation_errors: Floats
    correlation_factor: float
    correlation_error: float
    correlation_settled: bool
    back_jumps: float
    back_jumps_error: float
    back_jumps_random: float
    doubts: tuple[str, ...]
    parameters: dict[str, Any]

    def __getitem__(self, name: str) -> JumpPath:
        for path in self.paths:
            if path.name == name:
                return path
        raise KeyError(f"no path {name!r}; expected one of {', '.join(path.name for path in self.paths)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class JumpActivation(Result):
    """How the rate of a path depends on temperature: k = ν exp(-E / k_B T).

    Attributes
    ----------
    name : str
        As in `JumpPath`; the length in it is that of the lowest temperature.
    start, end : str
        As in `JumpPath`.
    temperatures, rates, rate_errors : (n,) array
    barrier, barrier_error : float
    barrier_interval : (2,) tuple
        95 %.
    attempt_frequency : float
        ν, of all neighbours together.
    chi2_reduced : float
        As in `Arrhenius`.
    """

    units: ClassVar[dict[str, str]] = {
        "temperatures": "K",
        **dict.fromkeys(("rates", "rate_errors", "attempt_frequency"), "1/ps"),
        **dict.fromkeys(("barrier", "barrier_error", "barrier_interval"), "eV"),
    }
    name: str
    start: str
    end: str
    temperatures: Floats
    rates: Floats
    rate_errors: Floats
    barrier: float
    barrier_error: float
    barrier_interval: tuple[float, float]
    attempt_frequency: float
    chi2_reduced: float


def jumps(visits: SiteVisits, *, region: Region | None = None, length_tolerance: float = 0.3, blocks: int = 5) -> Jumps:
    """Rates of jumps by path, residence times, the network of sites and the correlation of jumps.

    Parameters
    ----------
    visits : SiteVisits
        From `site_visits`.
    region : Region, optional
        Only sites that lie inside, and the jumps between these.
    length_tolerance : float, Å
        Jumps between sites of the same kinds are one path unless their lengths differ by a gap larger than this.
    blocks : int
        Blocks of time from which errors are estimated.

    Returns
    -------
    Jumps
        Without a single jump there are no paths, and mean residence times have a lower bound only.

    Raises
    ------
    ValueError
        A tolerance that is not positive, not at least two blocks, a region without sites.
    """
    if not length_tolerance > 0.0:
        raise ValueError(f"length_tolerance {length_tolerance!r}: expected a length above 0 Å")
    if blocks < 2:
        raise ValueError(f"blocks: expected at least 2, got {blocks}")
    inside = sites_inside(visits, region)
    seen, time = jumps_seen(visits, inside), clock(visits, inside, blocks)
    classes = path_classes(visits, seen, length_tolerance)
    pairs = site_pairs(visits, inside, classes)
    paths = jump_paths(visits, inside, seen, classes, pairs, time)
    along = correlation(seen.vectors, seen.run, seen.ion)
    back, back_error, back_random = _back_jumps(visits, seen, classes, paths)
    network = _network(visits, seen)
    chain = percolation(len(inside), network.edges)
    slowest = bottlenecks(len(inside), pairs, np.array([there[0].exchange for there in paths]))
    first, second, third = (None if k is None else paths[k][0].name for k in slowest)
    outer = seen.vectors.T @ seen.vectors
    return Jumps(
        species=visits.sites.species,
        ions=len(visits.ions),
        count=len(seen.visit),
        duration=visits.frames * visits.interval,
        paths=tuple(path for there in paths for path in there),
        residence=_residences(visits, inside, time),
        edges=np.stack([network.edges.first, network.edges.second], axis=1),
        edge_images=network.edges.shift,
        edge_counts=network.counts,
        edge_rates=network.rates,
        percolates=chain.axes,
        dimensions=chain.dimensions,
        bottlenecks=(first, second, third),
        jump_diffusivity=outer / (2.0 * time.on_kind.sum()),
        correlation_jumps=along.jumps,
        correlation_factors=along.factors,
        correlation_errors=along.errors,
        correlation_factor=along.factor,
        correlation_error=along.error,
        correlation_settled=along.settled,
        back_jumps=back,
        back_jumps_error=back_error,
        back_jumps_random=back_random,
        doubts=visits.doubts,
        parameters={
            "length_tolerance": length_tolerance,
            "blocks": len(time.edges) - 1,
            "region": described(region),
            **visits.parameters,
        },
    )


class _Network(NamedTuple):
    edges: Edges
    counts: Integers
    rates: Floats


def _network(visits: SiteVisits, seen: Seen) -> _Network:
    """Every way that was taken, with how often, and how often for the time spent where it begins."""
    ways = np.column_stack([seen.first, seen.second, seen.shift])
    distinct, counts = np.unique(ways, axis=0, return_counts=True)
    lasting = np.bincount(visits.site, weights=visits.stop - visits.start, minlength=len(visits.sites))
    edges = Edges(distinct[:, 0], distinct[:, 1], distinct[:, 2:])
    return _Network(edges, counts, counts / (visits.interval * lasting[edges.first]))


def _residences(visits: SiteVisits, inside: Bools, time: Clock) -> tuple[Residence, ...]:
    kind = np.where(inside[visits.site], visits.sites.kind_numbers[visits.site], -1)
    return tuple(
        residence(visits, name, kind == k, time.counted(visits.stop[(kind == k) & visits.left]), time.on_kind[k])
        for k, name in enumerate(visits.sites.names)
    )


def _back_jumps(
    visits: SiteVisits, seen: Seen, classes: list[PathClass], paths: list[list[JumpPath]]
) -> tuple[float, float, float]:
    """Fraction of jumps that the next one undoes, its standard error, and what it is for ions without memory."""
    followed = np.flatnonzero(np.diff(seen.run) == 0)
    if not len(followed):
        return float("nan"), float("nan"), float("nan")
    visit = seen.visit[followed]
    back = (visits.site[visit + 2] == visits.site[visit]) & (visits.image[visit + 2] == visits.image[visit]).all(axis=1)
    fraction, error = grouped_ratio(back.astype(np.float64), np.ones(len(back)), seen.ion[followed])
    leaving = {name: sum(p.rate for there in paths for p in there if p.start == name) for name in visits.sites.names}
    chance = np.zeros(len(seen.visit))
    for one, there in zip(classes, paths, strict=True):
        ends = visits.sites.kind_numbers[seen.second[one.members]]
        for path in there:  # the one that leads back from where the jump ends
            at = np.array([visits.sites.names[k] == path.start for k in ends])
            chance[one.members[at]] = path.rate_per_neighbour / leaving[path.start] if leaving[path.start] else 0.0
    return fraction, error, float(chance[followed].mean())


def jump_activation(by_temperature: Mapping[float, Jumps], *, length_tolerance: float = 0.3) -> list[JumpActivation]:
    """Barriers of paths from runs at several temperatures.

    Parameters
    ----------
    by_temperature : dict of float to Jumps
        By temperature in K.
    length_tolerance : float, Å
        Paths of the same kinds whose lengths differ by less are the same path.

    Returns
    -------
    list of JumpActivation
        Of paths that were taken at three temperatures or more.

    Raises
    ------
    ValueError
        Fewer than three temperatures, or one that is not positive.

    Notes
    -----
    The line and its errors are those of `arrhenius`.
    """
    if len(by_temperature) < _TEMPERATURES:
        raise ValueError(f"expected jumps at {_TEMPERATURES} temperatures or more, got {len(by_temperature)}")
    kelvins = sorted(by_temperature)
    found = []
    for path in by_temperature[kelvins[-1]].paths:
        same = {
            kelvin: other
            for kelvin in kelvins
            for other in by_temperature[kelvin].paths
            if (other.start, other.end) == (path.start, path.end)
            and abs(other.length - path.length) <= length_tolerance
            and other.count
        }
        if len(same) < _TEMPERATURES:
            continue
        rates, errors = np.array([p.rate for p in same.values()]), np.array([p.rate_error for p in same.values()])
        line = arrhenius(list(same), rates, errors)
        found.append(
            JumpActivation(
                name=next(iter(same.values())).name,
                start=path.start,
                end=path.end,
                temperatures=np.array(list(same)),
                rates=rates,
                rate_errors=errors,
                barrier=line.activation_energy,
                barrier_error=line.activation_energy_error,
                barrier_interval=line.activation_energy_interval,
                attempt_frequency=float(np.exp(line.log_prefactor)),
                chi2_reduced=line.chi2_reduced,
            )
        )
    return found
