"""Where to look for the nearest site: a grid over the cell whose boxes know their candidates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from betalps.typing import Floats, Integers

_EDGE = 1.25  # Å; smaller boxes have fewer candidates each, but there are more of them
_FEW = 200  # sites; so few that the next but one image of a slanted cell costs nothing


class SiteGrid(NamedTuple):
    """Boxes of a grid along each axis, and for each box the sites, with their images, that may be nearest."""

    shape: Integers
    starts: Integers
    members: Integers
    images: Integers


def site_grid(fractional: Floats, cell: Floats) -> SiteGrid:
    """Find the candidates of every box: those no further from its middle than the nearest and two half diagonals."""
    from scipy.spatial import cKDTree

    reach = 2 if len(fractional) < _FEW else 1
    steps = np.arange(-reach, reach + 1)
    shifts = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    tree = cKDTree(((fractional[None] + shifts[:, None]).reshape(-1, 3)) @ cell)
    shape = np.maximum(np.ceil(np.linalg.norm(cell, axis=1) / _EDGE), 1).astype(np.int64)
    middles = (
        np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n for n in shape), indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    )
    corners = np.stack(np.meshgrid(*([-0.5, 0.5],) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    half = float(np.linalg.norm((corners / shape) @ cell, axis=1).max())
    nearest, _ = tree.query(middles)
    found = tree.query_ball_point(middles, nearest + 2.0 * half + 1e-9)
    starts = np.append(0, np.cumsum([len(candidates) for candidates in found])).astype(np.int64)
    chosen = np.concatenate([np.asarray(candidates, dtype=np.int64) for candidates in found])
    image, site = np.divmod(chosen, len(fractional))
    return SiteGrid(shape, starts, site, shifts[image].astype(np.int64))
