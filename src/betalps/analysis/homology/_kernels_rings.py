"""Compiled loops over graphs of points. Imported when they are called for: compiled code takes a moment to load."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from betalps.typing import Floats

_Integers = NDArray[np.int64]
_FAR = 2  # cells away from its own in which a ring is followed
_WIDE = 2 * _FAR + 1
_IMAGES = _WIDE**3


class _Graph(NamedTuple):
    """Both directions of every edge, by the point they leave, and for each point in the order of the edges."""

    starts: _Integers
    ends: _Integers  # the point at the other end
    edges: _Integers
    shifts: _Integers  # cells crossed on the way
    lengths: Floats


class _Search(NamedTuple):
    """What a search knows of each image of each point: steps and length of the way there, and its last edge."""

    hops: _Integers
    reach: Floats
    before: _Integers
    queue: _Integers


@njit(cache=True, nogil=True)
def _graph(first: _Integers, second: _Integers, vectors: Floats, shifts: _Integers, points: int) -> _Graph:
    starts = np.zeros(points + 1, dtype=np.int64)
    for edge in range(len(first)):
        starts[first[edge] + 1] += 1
        starts[second[edge] + 1] += 1
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    ends, edges = np.empty(2 * len(first), dtype=np.int64), np.empty(2 * len(first), dtype=np.int64)
    crossed = np.empty((2 * len(first), 3), dtype=np.int64)
    lengths = np.empty(2 * len(first))
    for edge in range(len(first)):
        for here, there, sign in ((first[edge], second[edge], 1), (second[edge], first[edge], -1)):
            place = filled[here]
            ends[place], edges[place], crossed[place] = there, edge, sign * shifts[edge]
            lengths[place] = np.sqrt((vectors[edge] ** 2).sum())
            filled[here] += 1
    return _Graph(starts, ends, edges, crossed, lengths)


@njit(cache=True, nogil=True)
def _image(point: int, x: int, y: int, z: int) -> int:
    """Number of the image of a point in a cell; -1 where that is too far."""
    if max(abs(x), abs(y), abs(z)) > _FAR:
        return -1
    return point * _IMAGES + ((x + _FAR) * _WIDE + y + _FAR) * _WIDE + z + _FAR


@njit(cache=True, nogil=True)
def _step(image: int, place: int, sign: int, graph: _Graph, point: int) -> int:
    """The image of `point` that an edge leads to, or, with the sign -1, comes from."""
    shift, code = graph.shifts[place], image % _IMAGES
    return _image(
        point,
        code // (_WIDE * _WIDE) - _FAR + sign * shift[0],
        code // _WIDE % _WIDE - _FAR + sign * shift[1],
        code % _WIDE - _FAR + sign * shift[2],
    )


@njit(cache=True, nogil=True)
def _find(birth: int, source: int, goal: int, graph: _Graph, search: _Search) -> int:
    """Breadth first from one image to another over the edges older than `birth`; how many images were touched."""
    hops, reach, before, queue = search
    queue[0], hops[source], reach[source] = source, 0, 0.0
    done, touched = 0, 1
    while done < touched:
        here = queue[done]
        done += 1
        if hops[goal] >= 0 and hops[here] >= hops[goal]:
            break  # every image one step before the goal has been looked at
        point = here // _IMAGES
        for place in range(graph.starts[point], graph.starts[point + 1]):
            if graph.edges[place] >= birth:
                break
            there = _step(here, place, 1, graph, graph.ends[place])
            if there < 0:
                continue
            far = reach[here] + graph.lengths[place]
            if hops[there] < 0:
                hops[there] = hops[here] + 1
                queue[touched] = there
                touched += 1
            elif hops[there] <= hops[here] or far >= reach[there]:
                continue
            reach[there] = far
            before[there] = place
    return touched


@njit(cache=True, nogil=True)
def closing_paths(
    births: _Integers, first: _Integers, second: _Integers, vectors: Floats, shifts: _Integers, points: int
) -> tuple[_Integers, _Integers]:
    """The ring that each edge closes: the path of fewest edges between its ends over the edges before it.

    Parameters
    ----------
    births : (rings,) array of int
        Numbers of the edges that close a ring.
    first, second : (edges,) array of int
        Ends of the edges, in the order in which they appear.
    vectors : (edges, 3) array
        From the first end to the second.
    shifts : (edges, 3) array of int
        Cells crossed on the way: a ring comes back to the cell it started in.
    points : int

    Returns
    -------
    starts : (rings + 1,) array of int
        Where each ring begins in `members`; of no length where the edge closes nothing but ways around the cell.
    members : (n,) array of int
        Points in order around each ring. Of equally many edges the shortest in length.
    """
    graph = _graph(first, second, vectors, shifts, points)
    images = points * _IMAGES
    search = _Search(
        np.full(images, -1, dtype=np.int64),
        np.zeros(images),
        np.zeros(images, dtype=np.int64),
        np.zeros(images, dtype=np.int64),
    )
    starts = np.zeros(len(births) + 1, dtype=np.int64)
    members = np.zeros(16 * len(births), dtype=np.int64)
    for ring in range(len(births)):
        birth = births[ring]
        source, goal = (
            _image(first[birth], 0, 0, 0),
            _image(second[birth], shifts[birth, 0], shifts[birth, 1], shifts[birth, 2]),
        )
        touched = _find(birth, source, goal, graph, search) if goal >= 0 else 0
        size = search.hops[goal] + 1 if goal >= 0 else 0
        starts[ring + 1] = starts[ring] + size
        if starts[ring + 1] > len(members):
            members = np.concatenate((members, np.zeros(len(members) + size, dtype=np.int64)))
        here = goal
        for place in range(starts[ring], starts[ring + 1]):
            members[place] = here // _IMAGES
            if here != source:
                edge = search.before[here]
                number = graph.edges[edge]
                came = first[number] + second[number] - graph.ends[edge]
                here = _step(here, edge, -1, graph, came)
        for place in range(touched):
            search.hops[search.queue[place]] = -1
    return starts, members[: starts[-1]]
