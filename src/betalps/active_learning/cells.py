"""Building the cells of :mod:`betalps.active_learning.cutting`, whose text says how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from betalps.active_learning.ions import Ions
from betalps.neighbors import neighbor_list
from betalps.typing import Bools, Floats, Integers

if TYPE_CHECKING:
    from ase import Atoms

    from betalps.active_learning.cutting import Cutting

Pieces = list[tuple[int, Floats]]
"""Images of ions: number and translation."""

_STEP = 0.5  # Å by which a cell grows until it is sound
_STEPS = 8  # by which it may grow further, for a better seam
_WORTHWHILE = 5.0  # Å that a direction must be longer than the cell to be cut
_REACH = 8.0  # Å beyond the core in which ions to balance the charge are looked for
_CONTACT_RANGE = 4.0  # Å up to which distances of the source say what a contact is


class Source:
    """A structure seen from its centre: which images of ions lie how far away."""

    def __init__(self, atoms: Atoms, centre: int, ions: Ions, radius: float) -> None:
        self.atoms, self.centre, self.ions, self.radius = atoms, centre, ions, radius
        self.origin = ions.positions[centre]
        self.cell = atoms.cell.complete().array
        self.heights = 1 / np.linalg.norm(np.linalg.inv(self.cell), axis=0)
        self.shortest = _shortest(atoms, ions.ion)

    def distances(self, pieces: Pieces) -> dict[int, float]:
        """How far the middle of each ion is from the centre, Å."""
        middles = self.ions.centroids
        return {k: float(np.linalg.norm(middles[k] + shift - self.origin)) for k, shift in pieces}

    def images(self, reach: float) -> list[tuple[float, int, Floats]]:
        """Images of ions with an atom within reach: distance, number and translation, the nearest first."""
        found = []
        for shift in self._translations(reach):
            distances = np.linalg.norm(self.ions.positions + shift - self.origin, axis=1)
            if distances.min() > reach:
                continue
            nearest = np.full(len(self.ions.charges), np.inf)
            np.minimum.at(nearest, self.ions.ion, distances)
            found += [(float(nearest[k]), int(k), shift) for k in np.flatnonzero(nearest <= reach)]
        return sorted(found, key=lambda image: image[:2])

    def core_atoms(self) -> Bools:
        """Atoms with an image within the radius."""
        core = np.zeros(len(self.atoms), dtype=np.bool_)
        for shift in self._translations(self.radius):
            core |= np.linalg.norm(self.ions.positions + shift - self.origin, axis=1) <= self.radius
        return core

    def build(self, pieces: Sequence[tuple[int, Floats]], kind: str) -> tuple[Atoms, Integers]:
        """The structure made of images of ions, the centre at the origin; and the numbers of its atoms here."""
        members = [np.flatnonzero(self.ions.ion == number) for number, _ in pieces]
        moved = [self.ions.positions[m] + shift for m, (_, shift) in zip(members, pieces, strict=True)]
        indices = np.concatenate(members)
        made: Atoms = self.atoms[indices]
        made.calc = None
        made.set_constraint()
        made.positions = np.concatenate(moved) - self.origin
        centre = int(np.linalg.norm(made.positions, axis=1).argmin())
        charge = int(sum(self.ions.charges[number] for number, _ in pieces))
        made.info.update(cut_centre=centre, cut_charge=charge, cut_kind=kind)
        return made, indices

    def _translations(self, reach: float) -> Floats:
        """Lattice vectors that can bring an atom within reach of the centre."""
        spread = float(np.linalg.norm(np.ptp(self.ions.positions, axis=0)))
        most = np.where(self.atoms.pbc, np.ceil((reach + spread) / self.heights), 0).astype(int)
        grid: Floats = np.array(list(product(*(range(-m, m + 1) for m in most))), dtype=np.float64)
        translations: Floats = grid @ self.cell
        return translations


def cluster_cell(source: Source, settings: Cutting) -> Atoms:
    """The ions of the core in vacuum, with the nearest ones that balance their charge."""
    charges = source.ions.charges
    images = source.images(settings.radius + _REACH)
    pieces = [(number, shift) for distance, number, shift in images if distance <= settings.radius]
    spare = [(number, shift) for distance, number, shift in images if distance > settings.radius]
    charge = int(sum(charges[number] for number, _ in pieces))
    while charge:
        opposite = [k for k, (number, _) in enumerate(spare) if charges[number] * charge < 0]
        fitting = [k for k in opposite if abs(charges[spare[k][0]]) <= abs(charge)]
        if not opposite:
            break
        pieces.append(spare.pop((fitting or opposite)[0]))
        charge += int(charges[pieces[-1][0]])
    made, _ = source.build(pieces, "cluster")
    made.arrays["core"] = np.linalg.norm(made.positions, axis=1) <= settings.radius
    made.pbc = False
    made.set_cell(np.ptp(made.positions, axis=0) + 2 * settings.vacuum)
    made.center()
    return made


def periodic_cell(source: Source, settings: Cutting) -> Atoms:
    """A cell in which the core does not meet itself, charges balance, and the seam costs few ions."""
    trials = _Trials(source, settings)
    smallest = trials.smallest()
    if smallest is None:
        return _whole(source)
    best = smallest
    for direction in np.flatnonzero(smallest.cuts):
        for step in range(1, _STEPS + 1):
            edges = best.edges.copy()
            edges[direction] = smallest.edges[direction] + step * _STEP
            trial = trials.at(edges)
            if trial is not None and trial.score > best.score and (trial.cuts == smallest.cuts).all():
                best = trial
    made, indices = source.build(best.pieces, "periodic")
    made.arrays["core"] = source.core_atoms()[indices]
    made.set_cell(best.cell)
    made.positions += 0.5 * best.cell.sum(axis=0)
    vacuum = np.flatnonzero(~source.atoms.pbc).tolist()
    if vacuum:
        made.center(vacuum=settings.vacuum, axis=tuple(vacuum))
    return made


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    """A cell that is sound: neutral, and its core does not meet itself."""

    edges: Floats
    cuts: Bools
    cell: Floats
    pieces: Pieces
    score: float


class _Trials:
    """Cells of various sizes around one centre."""

    def __init__(self, source: Source, settings: Cutting) -> None:
        self._source, self._settings = source, settings
        pbc = source.atoms.pbc
        self._middles = (source.ions.centroids - source.origin) @ np.linalg.inv(source.cell)
        self._turns = np.where(pbc, np.round(self._middles), 0.0)
        self._extent = source.heights * np.where(pbc, 1.0, np.ptp(self._middles, axis=0))
        # of several images of an ion the nearest stays
        self._core = {number: shift for _, number, shift in reversed(source.images(settings.radius))}

    def smallest(self) -> _Trial | None:
        """The first sound cell on growing in steps; None if the source itself is no larger."""
        edges = np.full(3, 2 * self._settings.radius + self._settings.margin)
        while (cuts := self._extent > edges + _WORTHWHILE).any():
            meeting = self._seam(edges, cuts).directions(list(self._core.items()))
            if not meeting.any():
                trial = self.at(edges)
                if trial is not None:
                    return trial
            edges = edges + _STEP * np.where(meeting.any(), meeting, 1.0)
        return None

    def at(self, edges: Floats) -> _Trial | None:
        """The cell with these distances of opposite faces, if it is sound.

        Its score is its density in ions, in which the seam shows, less a tenth for each time that it is larger than
        the least one can be.
        """
        source, core = self._source, set(self._core)
        cuts = self._extent > edges + _WORTHWHILE
        if not cuts.any():
            return None
        seam = self._seam(edges, cuts)
        if seam.directions(list(self._core.items())).any():
            return None
        inside = np.all(np.abs(self._middles - self._turns) <= self._width(edges, cuts) / 2, axis=1)
        shifts = -self._turns @ source.cell
        pieces = [(k, self._core.get(k, shifts[k])) for k in range(len(inside)) if inside[k] or k in core]
        pieces = _neutral(source, seam.without_contacts(pieces, core), core)
        if sum(source.ions.charges[k] for k, _ in pieces) != 0:
            return None
        share = float(np.prod(np.where(cuts, edges / self._extent, 1.0)))
        least = np.prod(edges[cuts] / (2 * self._settings.radius + self._settings.margin))
        score = len(pieces) / len(source.ions.charges) / share - 0.1 * float(least)
        return _Trial(edges=edges, cuts=cuts, cell=seam.cell, pieces=pieces, score=score)

    def _seam(self, edges: Floats, cuts: Bools) -> _Seam:
        pbc = self._source.atoms.pbc
        cell = self._source.cell * np.where(pbc & cuts, self._width(edges, cuts), 1.0)[:, None]
        return _Seam(self._source, self._settings, cell, cuts & pbc)

    def _width(self, edges: Floats, cuts: Bools) -> Floats:
        width: Floats = np.where(cuts, edges / self._source.heights, np.inf)
        return width


def _whole(source: Source) -> Atoms:
    whole: Atoms = source.atoms.copy()
    whole.set_constraint()
    whole.arrays["core"] = source.core_atoms()
    charge = int(source.ions.charges.sum())
    whole.info.update(cut_centre=source.centre, cut_charge=charge, cut_kind="whole")
    return whole


class _Seam:
    """Where a periodic cell meets its own images: which ions come too close there.

    Too close is the source's shortest distance between the elements of two ions, times `Cutting.contact`; and to the
    centre, any distance up to the radius.
    """

    def __init__(self, source: Source, settings: Cutting, cell: Floats, cuts: Bools) -> None:
        self.cell = cell
        self._source, self._settings, self._cuts = source, settings, cuts

    def directions(self, pieces: Pieces) -> Bools:
        """Directions of the cut lattice vectors along which ions meet, shape (3,)."""
        _, shifts = self._contacts(pieces)
        crossed: Bools = np.any(shifts != 0, axis=0) & self._cuts
        return crossed

    def without_contacts(self, pieces: Pieces, core: set[int]) -> Pieces:
        """Leave out ions until none meet, the outer one of two, and none of the core."""
        far = self._source.distances(pieces)
        contacts = {(min(a, b), max(a, b)) for a, b in self._contacts(pieces)[0].tolist()}
        gone: set[int] = set()
        for pair in sorted(contacts, key=lambda pair: (-max(far[k] for k in pair), pair)):
            if not gone.intersection(pair):
                gone.add(max((k for k in pair if k not in core), key=far.__getitem__))
        return [piece for piece in pieces if piece[0] not in gone]

    def _contacts(self, pieces: Pieces) -> tuple[Integers, Integers]:
        """Pairs of ions that meet, shape (pairs, 2), and the lattice translations between them."""
        made, indices = self._source.build(pieces, "periodic")
        made.set_cell(self.cell)
        ion = self._source.ions.ion[indices]
        pairs = neighbor_list(made, max(_CONTACT_RANGE, self._settings.radius))
        allowed = self._settings.contact * self._source.shortest[made.numbers[pairs.i], made.numbers[pairs.j]]
        close = pairs.distances < allowed
        at_centre = made.info["cut_centre"]
        close |= (pairs.i == at_centre) | (pairs.j == at_centre)
        close &= np.any(pairs.shifts[:, self._cuts] != 0, axis=1)
        ions = np.stack([ion[pairs.i[close]], ion[pairs.j[close]]], axis=1)
        return ions, pairs.shifts[close].astype(np.int64)


def _shortest(atoms: Atoms, ion: Integers) -> Floats:
    """Shortest distance of elements in different ions, Å, by atomic numbers; at most `_CONTACT_RANGE`."""
    shortest = np.full((int(atoms.numbers.max()) + 1,) * 2, _CONTACT_RANGE)
    pairs = neighbor_list(atoms, _CONTACT_RANGE)
    apart = ion[pairs.i] != ion[pairs.j]
    i, j = pairs.i[apart], pairs.j[apart]
    np.minimum.at(shortest, (atoms.numbers[i], atoms.numbers[j]), pairs.distances[apart])
    return shortest


def _neutral(source: Source, pieces: Pieces, core: set[int]) -> Pieces:
    """Leave out the outermost ions of the charge in excess until there is none."""
    charges = source.ions.charges
    far = source.distances(pieces)
    left = dict(pieces)
    charge = int(sum(charges[k] for k in left))
    while charge:
        same = [k for k in left if k not in core and charges[k] * charge > 0]
        if not same:
            break
        fitting = [k for k in same if abs(charges[k]) <= abs(charge)]
        out = max(fitting or same, key=lambda k: (far[k], k))
        charge -= int(charges[out])
        del left[out]
    return list(left.items())
