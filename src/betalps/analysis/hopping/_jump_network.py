"""Whether jumps from site to site lead through the whole crystal, and which of them hold that up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from betalps.typing import Bools, Floats, Integers


class Edges(NamedTuple):
    """Ways between sites: (edges,) first and second site, (edges, 3) cells from the first to the second."""

    first: Integers
    second: Integers
    shift: Integers


class Percolation(NamedTuple):
    """Along which cell vectors (3,) a chain of ways leads to an image of its start, and in how many dimensions."""

    axes: Bools
    dimensions: int


def percolation(sites: int, edges: Edges) -> Percolation:
    """Find the lattice vectors by which chains of ways lead from a site to its own images.

    Every connected part is spread out from one of its sites; a way whose ends were reached with another number of cells
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(edges.first):
        return Percolation(np.zeros(3, dtype=np.bool_), 0)
    first = np.concatenate([edges.first, edges.second])
    second = np.concatenate([edges.second, edges.first])
    shift = np.concatenate([edges.shift, -edges.shift])
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(sites, sites))
    _, part = connected_components(graph, directed=False)
    cells, known = np.zeros((sites, 3), dtype=np.int64), np.zeros(sites, dtype=np.bool_)
    known[np.unique(part, return_index=True)[1]] = True
    while True:
        new = np.flatnonzero(known[first] & ~known[second])
        if not len(new):
            break
        reached, which = np.unique(second[new], return_index=True)
        cells[reached] = cells[first[new[which]]] + shift[new[which]]
        known[reached] = True
    crossing = cells[first] + shift - cells[second]
    crosses = np.any(crossing != 0, axis=1)
    dimensions = 0
    for one in np.unique(part[first[crosses]]):
        vectors = np.unique(crossing[crosses & (part[first] == one)], axis=0)
        dimensions = max(dimensions, int(np.linalg.matrix_rank(vectors)))
    return Percolation(np.any(crossing != 0, axis=0), dimensions)


def bottlenecks(sites: int, classes: list[Edges], rates: Floats) -> list[int | None]:
    """For each cell vector, the class of ways without which only slower ones lead along it; None where none does.

    Parameters
    ----------
    sites
    classes
        Ways that are taken equally often.
    rates : (classes,) array
        How often.
    """
    found: list[int | None] = [None, None, None]
    together: list[Edges] = []
    for number in np.argsort(-rates, kind="stable").tolist():
        together.append(classes[number])
        axes = percolation(sites, Edges(*(np.concatenate(parts) for parts in zip(*together, strict=True)))).axes
        for axis in range(3):
            if axes[axis] and found[axis] is None:
                found[axis] = number
        if all(axes):
            break
    return found
