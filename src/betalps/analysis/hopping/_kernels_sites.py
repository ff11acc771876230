"""The compiled loop over the paths of ions between sites. Imported when it is called for."""

from __future__ import annotations

import math
from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def follow(
    paths: Any,
    cell: Any,
    shape: Any,
    starts: Any,
    members: Any,
    images: Any,
    sites: Any,
    cores: Any,
    events: Any,
) -> tuple[int, int]:
    """Write down each time an ion comes to another site.

    Parameters
    ----------
    paths : (ions, 3, frames) array
        Fractional coordinates, unwrapped.
    cell : (3, 3) array, Å
    shape : (3,) array of int
        Boxes of the grid along each axis.
    starts, members, images
        For every box of the grid, the sites and images of these that may be nearest to a point in it.
    sites : (sites, 3) array
        Fractional coordinates.
    cores : (sites,) array, Å²
        Squared radius within which an ion has come to a site.
    events : (ions * frames, 6) array of int
        Written to: ion, frame, site, image (3).

    Returns
    -------
    events written, frames of ions inside a core
    """
    ions, _, frames = paths.shape
    written = 0
    inside = 0
    for ion in range(ions):
        here, ia, ib, ic = -1, 0, 0, 0
        for frame in range(frames):
            x, y, z = paths[ion, 0, frame], paths[ion, 1, frame], paths[ion, 2, frame]
            na, nb, nc = math.floor(x), math.floor(y), math.floor(z)
            x, y, z = x - na, y - nb, z - nc
            # A coordinate just below zero is wrapped to one by rounding.
            box = (min(int(x * shape[0]), shape[0] - 1) * shape[1] + min(int(y * shape[1]), shape[1] - 1)) * shape[
                2
            ] + min(int(z * shape[2]), shape[2] - 1)
            nearest, least = -1, math.inf
            for k in range(starts[box], starts[box + 1]):
                site = members[k]
                a = x - sites[site, 0] - images[k, 0]
                b = y - sites[site, 1] - images[k, 1]
                c = z - sites[site, 2] - images[k, 2]
                square = 0.0
                for axis in range(3):
                    square += (a * cell[0, axis] + b * cell[1, axis] + c * cell[2, axis]) ** 2
                if square < least:
                    nearest, least = k, square
            site = members[nearest]
            if least > cores[site]:
                continue
            inside += 1
            na, nb, nc = na + images[nearest, 0], nb + images[nearest, 1], nc + images[nearest, 2]
            if site == here and na == ia and nb == ib and nc == ic:
                continue
            here, ia, ib, ic = site, na, nb, nc
            events[written, 0], events[written, 1], events[written, 2] = ion, frame, site
            events[written, 3], events[written, 4], events[written, 5] = na, nb, nc
            written += 1
    return written, inside
