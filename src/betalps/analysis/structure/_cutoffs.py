"""How long a bond may be: given, or read off the radial distribution of the structure itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from betalps.analysis._frames import positive
from betalps.analysis.structure.rdf import radial_distributions
from betalps.structures.bonding import default_bonds
from betalps.trajectories import Trajectory

_RANGE = 6.0  # Å; where the first minimum is looked for
_FRAMES = 20  # are enough for it
_STRETCH = 1.35  # a bond is no longer than this many times its usual length, however wide the gap behind it
_ORIGIN = "first minimum of g(r)"


def bond_cutoffs(
    trajectory: Trajectory, cutoff: float | Mapping[tuple[str, str], float] | None, centre: str, ligand: str
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], str]]:
    """The longest bonds of centres and ligands, and where each cutoff came from: see `polyanions`.

    Raises
    ------
    ValueError
        A cutoff that is not positive or of another pair; no first minimum.
    """
    own = (centre, ligand)
    given = {} if cutoff is None else cutoff if isinstance(cutoff, Mapping) else {own: cutoff}
    found = given_cutoffs(given, centre, ligand)
    origin = dict.fromkeys(found, "given")
    if own not in found:
        shell = first_shell(trajectory, own)
        longest = _STRETCH * shell.peaks[0]
        found[own], origin[own] = shell.first_minimum, _ORIGIN
        if longest < shell.first_minimum:
            found[own] = longest
            origin[own] = f"{_STRETCH} times the first peak of g(r), in the gap before its first minimum"
    radii = default_bonds({centre, ligand})
    for species in own:
        pair = species, species
        if pair not in found and pair in radii:
            found[pair], origin[pair] = radii[pair], "1.25 times the sum of the covalent radii"
    return found, origin


class Shell(NamedTuple):
    """The first shell of neighbours: peaks of g(r), and where the shell ends, in Å."""

    peaks: tuple[float, ...]
    first_minimum: float


def first_shell(trajectory: Trajectory, pair: tuple[str, str]) -> Shell:
    """Read the first shell off the radial distribution of up to 20 frames, spread over the trajectory.

    Raises
    ------
    ValueError
        The radial distribution has no first minimum within 6 Å.
    """
    some = trajectory.select(step=-(-len(trajectory) // _FRAMES))
    volume = None if trajectory.pbc.all() else float(abs(np.linalg.det(trajectory.mean_cell)))
    found = radial_distributions(some, r_max=_RANGE, pairs=[pair], volume=volume)[pair]
    if found.first_minimum is None:
        raise ValueError(
            f"the radial distribution of {'-'.join(pair)} has no first minimum within {_RANGE:g} Å: give a cutoff"
        )
    return Shell(found.peaks, found.first_minimum)


def shell_cutoff(trajectory: Trajectory, pair: tuple[str, str], given: float | None) -> tuple[float, str]:
    """How far neighbours may be, in Å, and where that came from.

    Raises
    ------
    ValueError
        A cutoff that is not positive; no first minimum.
    """
    if given is not None:
        return positive(f"cutoff of {'-'.join(pair)}", given), "given"
    return first_shell(trajectory, pair).first_minimum, _ORIGIN


def given_cutoffs(cutoffs: Mapping[tuple[str, str], float], centre: str, ligand: str) -> dict[tuple[str, str], float]:
    """Check cutoffs; pairs are named centre first.

    Raises
    ------
    ValueError
        A cutoff that is not positive or of another pair.
    """
    found = {}
    for pair, value in cutoffs.items():
        if len(pair) != 2 or not set(pair) <= {centre, ligand}:
            raise ValueError(f"cutoff of {pair!r}: expected two of {centre} and {ligand}")
        ordered = (centre, ligand) if pair[0] != pair[1] else (pair[0], pair[1])
        found[ordered] = positive(f"cutoff of {'-'.join(pair)}", value)
    return found
