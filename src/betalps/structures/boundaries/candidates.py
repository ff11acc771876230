"""Candidates: the common cells that two planes nearly have, to choose a twist or an asymmetric boundary from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from betalps.structures.bonding import Bonds, Units
from betalps.structures.boundaries.slabs import described
from betalps.structures.lattices.coincidence import Match, Share, best_matches, near_coincidences
from betalps.structures.lattices.planes import Indices, PlaneLattice

if TYPE_CHECKING:
    from ase import Atoms

MAX_AREA = 1600.0
"""Largest common cell that is looked at by default, in Å²."""
MAX_STRAIN = 0.05
"""Largest strain by default."""
TOLERANCE = 3.0
"""How far from the angle asked for a candidate may be, in degrees."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A common cell of two planes.

    Attributes
    ----------
    area
        In Å², strained.
    angle
        Of the upper grain against the lower one about the normal, in degrees.
    strain
        The larger principal logarithmic strain between the grains.
    multiplicity
        How many in-plane cells of either grain the common cell holds.
    atoms
        In one lattice plane of either grain.
    match
        All of it.
    """

    area: float
    angle: float
    strain: float
    multiplicity: tuple[int, int]
    atoms: tuple[int, int]
    match: Match


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates(Sequence[Candidate]):
    """Candidates in order of area. ``str`` makes a table of them; the number of a row is what a builder takes.

    Attributes
    ----------
    title
        Which planes.
    entries
        The candidates.
    """

    title: str
    entries: tuple[Candidate, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        return self.entries[index]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.entries)

    def __str__(self) -> str:
        lines = [
            self.title,
            f"{'#':>4} {'area Å²':>9} {'angle °':>8} {'strain %':>9} {'cells':>9} {'atoms/plane':>13}",
        ]
        for number, entry in enumerate(self.entries):
            cells, atoms = (f"{one} + {other}" for one, other in (entry.multiplicity, entry.atoms))
            lines.append(
                f"{number:>4} {entry.area:>9.1f} {entry.angle:>8.2f} {100 * entry.strain:>9.3f} {cells:>9} {atoms:>13}"
            )
        return "\n".join(lines)

    def nearest(self, angle: float, count: int = 4) -> tuple[Candidate, ...]:
        """The candidates of nearest angle, in order of angle."""
        near = sorted(self.entries, key=lambda entry: (abs(entry.angle - angle), entry.strain))
        different: list[Candidate] = []
        for entry in near:
            if all(abs(entry.angle - other.angle) > 0.05 for other in different):
                different.append(entry)
        return tuple(sorted(different[:count], key=lambda entry: entry.angle))


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One plane of one crystal."""

    crystal: Atoms
    lattice: PlaneLattice
    units: Units


def side(crystal: Atoms, plane: str | Sequence[int], bonds: Bonds | None) -> Side:
    """Describe a crystal along a plane; checks both.

    Raises
    ------
    ValueError, StructureError
        As `slab`.
    """
    lattice, units = described(crystal, plane, bonds)
    return Side(crystal=crystal, lattice=lattice, units=units)


def twist_candidates(
    crystal: Atoms,
    plane: str | Sequence[int],
    angle: float | None = None,
    *,
    max_strain: float = MAX_STRAIN,
    max_area: float = MAX_AREA,
    tolerance: float = TOLERANCE,
    share: Share = "both",
    best: bool = False,
) -> Candidates:
    """List the twist boundaries that a plane nearly allows.

    Parameters
    ----------
    crystal
        Any crystal.
    plane
        Miller indices of its cell.
    angle
        Only angles near this one, in degrees; `near_coincidences` says which of equivalent angles are listed without.
    max_strain, max_area
        Limits: strain between the grains (``max |ln eig U|``) and area of the common cell in Å².
    tolerance
        How near, in degrees.
    share
        Which grain is to be strained: ``"both"`` by half each, ``"a"`` the lower or ``"b"`` the upper alone.
    best
        Leave out those for which another one within 1° is both smaller and less strained.

    Raises
    ------
    ValueError, StructureError
        A bad plane or limit, or a crystal that is not sound.
    """
    one = side(crystal, plane, {})
    return find_candidates(one, one, angle, max_strain, max_area, tolerance, share, best=best)


def asymmetric_candidates(
    crystal_a: Atoms,
    plane_a: str | Sequence[int],
    crystal_b: Atoms,
    plane_b: str | Sequence[int],
    angle: float | None = None,
    *,
    max_strain: float = MAX_STRAIN,
    max_area: float = MAX_AREA,
    tolerance: float = TOLERANCE,
    share: Share = "both",
    best: bool = False,
) -> Candidates:
    """List the common cells of two different planes, of one crystal or of two; parameters as for `twist_candidates`.

    The angle is that between the first in-plane vectors of the two planes (p1 of `plane_lattice`).
    """
    sides = side(crystal_a, plane_a, {}), side(crystal_b, plane_b, {})
    return find_candidates(*sides, angle, max_strain, max_area, tolerance, share, best=best)


def find_candidates(
    lower: Side,
    upper: Side,
    angle: float | None,
    max_strain: float,
    max_area: float,
    tolerance: float,
    share: Share,
    *,
    best: bool = False,
) -> Candidates:
    """As the above, of planes already described."""
    matches = near_coincidences(
        lower.lattice,
        upper.lattice,
        max_area=max_area,
        max_strain=max_strain,
        angle=angle,
        tolerance=tolerance,
        share=share,
        equal_multiplicity=lower is upper,
    )
    kept = best_matches(matches) if best else matches
    names = [f"{s.crystal.get_chemical_formula('metal')} {_bracketed(s.lattice.plane)}" for s in (lower, upper)]
    about = "" if angle is None else f" near {angle:g}°"
    return Candidates(
        title=(f"twists on {names[0]}" if lower is upper else f"{names[0]} against {names[1]}") + about,
        entries=tuple(
            Candidate(
                area=match.area,
                angle=match.angle,
                strain=match.strain,
                multiplicity=match.multiplicity,
                atoms=(match.multiplicity[0] * len(lower.crystal), match.multiplicity[1] * len(upper.crystal)),
                match=match,
            )
            for match in kept
        ),
    )


def choose(
    lower: Side,
    upper: Side,
    angle: float | None,
    candidate: Candidate | int | None,
    max_strain: float,
    max_area: float,
    tolerance: float,
    share: Share,
) -> Candidate:
    """The candidate that was asked for: itself, its number in the full list, or the least strained near the angle.

    Raises
    ------
    ValueError
        Neither was given, there is no such number, or no candidate near the angle: the nearest are named.
    """
    if isinstance(candidate, Candidate):
        return candidate
    limits = max_strain, max_area, tolerance, share
    if candidate is not None:
        listed = find_candidates(lower, upper, angle, *limits)
        if not 0 <= candidate < len(listed):
            raise ValueError(f"candidate {candidate}: {listed.title} has {len(listed)}, counted from 0")
        return listed[candidate]
    if angle is None:
        raise ValueError("no angle and no candidate: choose one from the list of candidates")
    near = find_candidates(lower, upper, angle, *limits)
    if near:
        return min(near, key=lambda entry: (round(entry.strain, 6), entry.area, abs(entry.angle - angle)))
    anywhere = find_candidates(lower, upper, angle, max_strain, max_area, 180.0, share)
    named = [
        f"{entry.angle:.2f}° ({entry.area:.0f} Å², {100 * entry.strain:.2f} %)" for entry in anywhere.nearest(angle)
    ]
    raise ValueError(
        f"{near.title}: no candidate within {tolerance:g}°, {100 * max_strain:g} % strain and {max_area:g} Å²; "
        + (f"the nearest are {', '.join(named)}" if named else "nor at any angle")
        + "; take one of those, or allow more strain or area"
    )


def _bracketed(plane: Indices) -> str:
    wide = max(map(abs, plane)) > 9
    return "(" + (" " if wide else "").join(map(str, plane)) + ")"
