"""A random filling of partially occupied sites in which no two ions are too near to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.structures.ordering.sites import Labels, SiteOrder
from betalps.typing import Bools, Floats, Seed

if TYPE_CHECKING:
    from ase import Atoms

Pairs = NDArray[np.int64]

SHORTEST = 2.5
"""Å; neighbouring Li sites of thiophosphates are nearer than this, and relaxed Li ions are further apart."""

_GAP = 0.2  # how far from the lowest cost a filling may be: the costs are random, and the best is no better
_NODES = 2000  # of the search; a limit that does not hang on the machine's speed, as the time does
# Costs, beside 0 to 1, of an ion too many or too few on a kind of site: within the spread of random crystals, beyond.
_STRAY = (1.0, 10.0)


def random_filling(order: SiteOrder, rng: Seed, *, shortest: float = SHORTEST, time_limit: float = 60.0) -> Atoms:
    """Fill partially occupied sites at random, with a least distance between the ions.

    Every site gets a random cost, and an integer program (HiGHS) finds a filling of low cost: exactly ``order.numbers``
    ions, no two nearer than `shortest`, and each kind of site filled as nearly by its occupancies as that allows.
    Without a rule, all fillings with these counts are equally likely. A rule that binds makes correlated fillings, as
    repulsion does: in β-Li3PS4 at 2.5 Å every row of 4b and 4c sites along b is filled on 4b or on 4c.

    Parameters
    ----------
    order
        The sites, usually of a large cell: `SiteOrder.repeat`.
    rng
        Generator or seed.
    shortest
        Least distance in Å between ions on sites, and from these to atoms of the same element in the framework; 0 for
        no rule. Below the spacing of neighbouring sites it says nothing.
    time_limit
        Seconds for the search.

    Returns
    -------
    ase.Atoms
        As `SiteOrder.atoms`.

    Raises
    ------
    StructureError
        No filling keeps the distance, or none was found in time. The message says how many ions would fit.
    """
    generator = np.random.default_rng(rng)
    usable = _away_from_framework(order, shortest)
    near = _near_sites(order, shortest)
    found = _solve(order, near, usable, generator, time_limit)
    if found is None:
        wanted = ", ".join(f"{number} {symbol}" for symbol, number in order.numbers.items())
        raise StructureError(
            f"found no filling of {wanted} on {len(order.kinds)} sites that keeps {shortest:g} Å "
            f"({_most(near, usable, time_limit)}): expected a smaller distance or fewer ions"
        )
    return order.atoms(found)


def _near_sites(order: SiteOrder, shortest: float) -> Pairs:
    """Pairs of sites that must not both be filled, each once, shape (pairs, 2)."""
    from ase import Atoms as AseAtoms

    if shortest <= 0:
        return np.zeros((0, 2), dtype=np.int64)
    sites = AseAtoms(
        f"X{len(order.kinds)}", positions=order.positions, cell=order.framework.cell, pbc=order.framework.pbc
    )
    pairs = neighbor_list(sites, shortest)
    if np.any(pairs.i == pairs.j):
        raise StructureError(f"the cell is so short that a site is nearer than {shortest:g} Å to its own image")
    near = np.stack([pairs.i, pairs.j], axis=1).astype(np.int64)
    return np.unique(near[pairs.i < pairs.j], axis=0)


def _away_from_framework(order: SiteOrder, shortest: float) -> Bools:
    """Whether a species on a site is far from its like in the framework, shape (sites, species)."""
    usable = order.allowed
    if shortest <= 0:
        return usable
    n = len(order.framework)
    everything = order.framework.copy()
    everything.calc = None
    everything.extend(order.atoms(np.argmax(usable, axis=1) + 1)[n:])
    pairs = neighbor_list(everything, shortest)
    for k, symbol in enumerate(order.species):
        like = np.concatenate([np.array(order.framework.get_chemical_symbols()) == symbol, np.zeros(len(usable), bool)])
        spoiled = pairs.i[like[pairs.j] & (pairs.i >= n)] - n
        usable[spoiled, k] = False
    return usable


def _solve(order: SiteOrder, near: Pairs, usable: Bools, rng: np.random.Generator, time_limit: float) -> Labels | None:
    """Choose how many ions of each species lie in each class of sites, then which sites of the class.

    With rules between sites every site is a class by itself; without any, all alike sites are one.
    """
    alike = np.column_stack([_kind_numbers(order), usable, order.never_vacant]).astype(np.int64)
    classes = np.arange(len(usable)) if len(near) else np.unique(alike, axis=0, return_inverse=True)[1].ravel()
    capacity = np.bincount(classes)
    example = np.unique(classes, return_index=True)[1]
    counts = _solve_classes(order, usable[example], example, capacity, near, rng, time_limit)
    if counts is None:
        return None
    labels: Labels = np.zeros(len(usable), dtype=np.uint8)
    shuffled = rng.permutation(len(usable))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(capacity)])
    for place, row in enumerate(counts):
        filled = np.repeat(np.arange(1, len(row) + 1), row)
        labels[by_class[starts[place] : starts[place] + len(filled)]] = filled
    return labels


def _solve_classes(
    order: SiteOrder,
    usable: Bools,
    example: Pairs,
    capacity: Pairs,
    near: Pairs,
    rng: np.random.Generator,
    time_limit: float,
) -> Pairs | None:
    """Numbers of ions by class and species; one variable each, and one per kind and species: by how much it strays."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, hstack

    if not usable.any():
        return None
    place, species = np.nonzero(usable)
    kind = _kind_numbers(order)[example]
    groups, group = np.unique(kind[place] * usable.shape[1] + species, return_inverse=True)
    ones, variables = np.ones(len(place)), np.arange(len(place))

    def sums(rows: Any, count: int) -> Any:
        return coo_array((ones, (rows, variables)), shape=(count, len(place))).tocsr()

    def of_places(matrix: Any) -> Any:
        return hstack([matrix, coo_array((matrix.shape[0], 2 * len(groups)))])

    in_place, in_group = sums(place, len(usable)), sums(group, len(groups))
    strays = coo_array(np.hstack([np.eye(len(groups))] * 2))  # as chance would have it, and beyond that
    totals = [order.numbers[symbol] for symbol in order.species]
    which = groups // usable.shape[1], groups % usable.shape[1]
    targets, spread = _targets(order)[which], _spread(order)[which]
    constraints = [
        LinearConstraint(of_places(in_place), np.where(order.never_vacant[example], capacity, 0), capacity),
        LinearConstraint(of_places(sums(species, usable.shape[1])), totals, totals),
        LinearConstraint(hstack([in_group, -strays]), -np.inf, targets),
        LinearConstraint(hstack([in_group, strays]), targets, np.inf),
    ]
    if len(near):
        constraints.append(LinearConstraint(of_places(in_place[near[:, 0]] + in_place[near[:, 1]]), -np.inf, 1))
    result = milp(
        np.concatenate([rng.random(len(place)), *(np.full(len(groups), cost) for cost in _STRAY)]),
        integrality=np.concatenate([ones, np.zeros(2 * len(groups))]),
        bounds=Bounds(0, np.concatenate([capacity[place], spread, np.full(len(groups), np.inf)])),
        constraints=constraints,
        options={"time_limit": time_limit, "node_limit": _NODES, "mip_rel_gap": _GAP if len(near) else 0.0},
    )
    if result.x is None:
        return None
    counts: Pairs = np.zeros(usable.shape, dtype=np.int64)
    counts[place, species] = np.rint(result.x[: len(place)])
    return counts


def _kind_numbers(order: SiteOrder) -> Pairs:
    """The number of each site's kind, in order of appearance, shape (sites,)."""
    number = {kind: n for n, kind in enumerate(dict.fromkeys(order.kinds))}
    return np.array([number[kind] for kind in order.kinds], dtype=np.int64)


def _targets(order: SiteOrder) -> Floats:
    """How many ions each kind should hold of each species by the occupancies, shape (kinds, species)."""
    kind = _kind_numbers(order)
    wanted = np.zeros((kind.max() + 1, len(order.species)))
    np.add.at(wanted, kind, order.fractions)
    totals = np.array([order.numbers[symbol] for symbol in order.species])
    return np.asarray(np.rint(wanted * totals / wanted.sum(axis=0)))


def _spread(order: SiteOrder) -> Floats:
    """By how much these numbers differ from one random crystal of this size to the next, shape (kinds, species)."""
    kind = _kind_numbers(order)
    variance = np.zeros((kind.max() + 1, len(order.species)))
    np.add.at(variance, kind, order.fractions * (1 - order.fractions))
    return np.asarray(np.sqrt(variance))


def _most(near: Pairs, usable: Bools, time_limit: float) -> str:
    """How many sites can be filled at all."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    n, rows = len(usable), np.arange(len(near))
    if not len(near):
        return f"{int(usable.any(axis=1).sum())} sites are free"
    edges = coo_array((np.ones(2 * len(near)), (np.concatenate([rows, rows]), near.T.ravel())), shape=(len(near), n))
    result = milp(
        -np.ones(n),
        integrality=np.ones(n),
        bounds=Bounds(0, usable.any(axis=1).astype(float)),
        constraints=LinearConstraint(edges, -np.inf, 1),
        options={"time_limit": time_limit},
    )
    if result.x is None:
        return "it is not known how many fit"
    at_most = "at most " if result.status == 0 else "at least "
    return f"{at_most}{round(-result.fun)} ions fit"
