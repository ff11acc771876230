"""The persistence diagram of many snapshots as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from betalps.analysis._frames import positive
from betalps.analysis.homology.rings import Rings
from betalps.analysis.result import Result
from betalps.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class RingMap(Result):
    """Rings per area of the persistence diagram, smoothed.

    Parameters
    ----------
    births, ordinates : (m + 1,), (n + 1,) array
        Edges of the bins.
    density : (m, n) array
        Rings per snapshot and Å²; its integral is the mean number of rings.
    parameters : dict
        ``ordinate`` ("persistence" or "death"), ``width`` (Å, of a bin), ``smoothing`` (bins).
    """

    units: ClassVar[dict[str, str]] = {"births": "angstrom", "ordinates": "angstrom", "density": "1/angstrom^2"}
    births: Floats
    ordinates: Floats
    density: Floats
    parameters: dict[str, Any]


def ring_map(
    found: Rings,
    *,
    ordinate: Literal["persistence", "death"] = "persistence",
    width: float = 0.025,
    smoothing: float = 6.0,
) -> RingMap:
    """The persistence diagram of all snapshots as a heat map.

    Parameters
    ----------
    found : Rings
    ordinate : {"persistence", "death"}
        What is shown against birth: L or d.
    width : float, Å
        Of a bin.
    smoothing : float
        Standard deviation of the Gaussian filter in bins, 6 in the reference study; zero for none.

    Returns
    -------
    RingMap

    Raises
    ------
    ValueError
        No ring at all, or arguments that make no sense.
    """
    from scipy.ndimage import gaussian_filter

    if ordinate not in {"persistence", "death"}:
        raise ValueError(f"ordinate: expected 'persistence' or 'death', got {ordinate!r}")
    width = positive("width", width)
    if not (np.isfinite(smoothing) and smoothing >= 0.0):
        raise ValueError(f"smoothing: expected a number of bins from 0 on, got {smoothing!r}")
    if not len(found.births):
        raise ValueError(f"no ring of {found.species} in {len(found.times)} snapshots: there is nothing to map")
    heights = found.persistence if ordinate == "persistence" else found.deaths
    margin = int(4.0 * smoothing + 1.0)  # where the filter ends
    edges: list[Floats] = [
        width * np.arange(max(int(v.min() / width) - margin, 0), int(v.max() / width) + margin + 2, dtype=np.float64)
        for v in (found.births, heights)
    ]
    weights = 1.0 / found.copies[found.snapshot]
    counts, *_ = np.histogram2d(found.births, heights, bins=edges, weights=weights)
    # No ring has a birth or a persistence below zero: what the filter spreads there comes back.
    density = gaussian_filter(counts, smoothing, mode="reflect") / (len(found.times) * width**2)
    return RingMap(
        births=edges[0],
        ordinates=edges[1],
        density=density,
        parameters={"ordinate": ordinate, "width": width, "smoothing": smoothing},
    )
