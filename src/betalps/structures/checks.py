"""The distances a Li3PS4 crystal must have: the guard against the wrong settings in circulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from betalps.errors import StructureError
from betalps.typing import Floats, Ints

if TYPE_CHECKING:
    from ase import Atoms

Symbols = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class DistanceBounds:
    """Distances that a crystal must keep, in Å.

    Attributes
    ----------
    shortest
        Least allowed distance of each pair of species.
    bond
        Range of the P-S bond.
    coordination
        How many S every P is bonded to.
    bond_cutoff
        A P and an S nearer than this count as bonded.
    tolerance
        Slack on every bound; the default is half the last digit of published distances.
    """

    shortest: Mapping[tuple[str, str], float]
    bond: tuple[float, float]
    coordination: int = 4
    bond_cutoff: float = 3.0
    tolerance: float = 0.005


BETA_LI3PS4 = DistanceBounds(
    shortest=MappingProxyType({("Li", "S"): 2.45, ("Li", "Li"): 3.1, ("Li", "P"): 2.95, ("P", "P"): 5.0}),
    bond=(2.04, 2.09),
)
"""Bounds of the relaxed β crystal. Cells that mix the two axis settings have Li-S contacts of 1.2 Å."""

GAMMA_LI3PS4 = DistanceBounds(
    shortest=MappingProxyType({("Li", "S"): 2.40, ("Li", "Li"): 3.64, ("Li", "P"): 3.73, ("P", "P"): 5.5}),
    bond=(2.05, 2.07),
)
"""Bounds of the relaxed γ crystal."""

ALPHA_LI3PS4 = DistanceBounds(
    shortest=MappingProxyType({("Li", "S"): 2.45, ("Li", "Li"): 3.14, ("Li", "P"): 2.97, ("P", "P"): 5.0}),
    bond=(2.05, 2.09),
)
"""Bounds of the ordered model of the α crystal."""


def check_distances(atoms: Atoms, bounds: DistanceBounds) -> dict[tuple[str, str], float]:
    """Check a structure's distances against bounds.

    Parameters
    ----------
    atoms
        The structure; periodic images count.
    bounds
        What to hold it to.

    Returns
    -------
    dict
        The shortest distance in Å of each pair in ``bounds.shortest`` and of (P, S); infinite where no pair
        lies within the largest bound.

    Raises
    ------
    StructureError
        If a position is not finite, a species is absent, a distance breaks its bound, or a P has the wrong
        number of S. The message names the two atoms, the distance and the bound.
    """
    from ase.neighborlist import neighbor_list

    symbols = np.array(atoms.get_chemical_symbols())
    _check_sane(atoms, symbols, bounds)
    reach = max(bounds.bond_cutoff, *bounds.shortest.values())
    first, second, distance = neighbor_list("ijd", atoms, reach)
    found = {}
    for (a, b), least in bounds.shortest.items():
        pairs = np.flatnonzero((symbols[first] == a) & (symbols[second] == b))
        found[a, b] = float(distance[pairs].min(initial=np.inf))
        if found[a, b] < least - bounds.tolerance:
            worst = pairs[np.argmin(distance[pairs])]
            raise StructureError(
                f"{a}-{b} distance of {found[a, b]:.3f} Å between atoms {first[worst]} and {second[worst]}: "
                f"expected at least {least:.2f} Å"
            )
    bonded = (symbols[first] == "P") & (symbols[second] == "S") & (distance < bounds.bond_cutoff)
    found["P", "S"] = float(distance[bonded].min(initial=np.inf))
    _check_bonds(symbols, first[bonded], second[bonded], distance[bonded], bounds)
    return found


def check_lps(atoms: Atoms, bounds: DistanceBounds = BETA_LI3PS4) -> dict[tuple[str, str], float]:
    """Check that a structure is a sound Li3PS4 crystal: stoichiometry, whole PS4 and distances.

    Parameters
    ----------
    atoms
        The structure.
    bounds
        Distance bounds; the default holds the relaxed β crystal, and is tighter than γ or a warm crystal
        meets.

    Returns
    -------
    dict
        Shortest distances in Å, as `check_distances`.

    Raises
    ------
    StructureError
        If the composition is not Li3PS4 or a distance breaks its bound.
    """
    symbols = np.array(atoms.get_chemical_symbols())
    counts = {symbol: int((symbols == symbol).sum()) for symbol in ("Li", "P", "S")}
    units = counts["P"]
    if units == 0 or counts != {"Li": 3 * units, "P": units, "S": 4 * units} or len(atoms) != 8 * units:
        raise StructureError(f"composition {atoms.get_chemical_formula()}: expected Li3PS4")
    return check_distances(atoms, bounds)


def _check_sane(atoms: Atoms, symbols: Symbols, bounds: DistanceBounds) -> None:
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if bad.size:
        raise StructureError(f"atom {bad[0]} ({symbols[bad[0]]}) has a position that is not finite")
    wanted = {s for pair in bounds.shortest for s in pair} | {"P", "S"}
    missing = sorted(wanted - set(symbols))
    if missing:
        raise StructureError(f"no {', '.join(missing)} in {atoms.get_chemical_formula()}: nothing to check")


def _check_bonds(symbols: Symbols, phosphorus: Ints, sulphur: Ints, distance: Floats, bounds: DistanceBounds) -> None:
    low, high = bounds.bond
    outside = np.flatnonzero((distance < low - bounds.tolerance) | (distance > high + bounds.tolerance))
    if outside.size:
        k = outside[0]
        raise StructureError(
            f"P-S distance of {distance[k]:.3f} Å between atoms {phosphorus[k]} and {sulphur[k]}: "
            f"expected {low:.2f} to {high:.2f} Å"
        )
    bonds = np.bincount(phosphorus, minlength=len(symbols))
    odd = np.flatnonzero((symbols == "P") & (bonds != bounds.coordination))
    if odd.size:
        raise StructureError(
            f"P atom {odd[0]} has {bonds[odd[0]]} S within {bounds.bond_cutoff:.2f} Å: expected {bounds.coordination}"
        )
