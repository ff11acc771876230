"""Putting two grains together: where to cut, how to place, how far apart, how large; and what is said of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from betalps.structures.bonding import Bonds, Units
from betalps.structures.boundaries.equivalence import equivalent_boundaries
from betalps.structures.boundaries.overlaps import find_overlaps, neutral_group, remove_overlaps
from betalps.structures.boundaries.record import boundary_record, describe_crystal, mark, named_pairs
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.slabs import Slab, box, cut_slab, find_terminations
from betalps.structures.boundaries.translations import CONTACT, as_gaps, gap_map, grid_of, rounded_gaps, translated
from betalps.structures.contacts import shortest_contacts
from betalps.structures.lattices.planes import PlaneLattice
from betalps.typing import Floats, Integers, Json

if TYPE_CHECKING:
    from ase import Atoms

Auto: TypeAlias = Literal["auto"]

_EVEN = 1e-4  # Å; boundaries whose needs differ by more are not the same
_MORE = 0.3  # Å of gap that two equal boundaries may cost
_TRIES = 16
_THIN = 12.0  # Å; grains so thick show all that happens at a boundary
_WIDEST = 4  # terminations of either grain to combine where the grains are cut on different planes


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """How the two grains of a boundary are put together. `tilt`, `twist`, `asymmetric`, `boundary` take these by name.

    Attributes
    ----------
    bonds
        What is bonded, as for `bonded_units`; a cut never goes through a unit.
    termination
        Where both grains are cut, in spacings, as `terminations` lists it; or one number for either. ``"auto"`` tries
        all (of two different planes the four widest of each).
    translation
        Of the upper grain, in fractions of the boundary's in-plane cell. ``"auto"`` tries a grid of them.
    gap
        By how much the grains are apart at each boundary beyond the bulk's spacing, in Å: one number, or two.
        ``"auto"`` takes the least gaps that keep the contacts.
    contact
        Atoms of different grains keep at least this fraction of the shortest distance that two such atoms have in the
        crystal when they are not bonded.
    overlaps
        What to do where a given gap is too small for that: ``"keep"`` the overlaps, or ``"remove"`` neutral groups of
        whole units.
    step
        Of the grid of translations in Å.
    size
        The least size; the default is 20 Å between boundaries.
    lattice_planes
        Thickness of the grains in lattice planes, one number or one for either; goes before `size`.
    repeats
        How often the boundary's cell is repeated in the plane; goes before `size`.
    vacuum
        Empty space in Å above and below a slab with one boundary. None builds a periodic bicrystal with two.
    symprec
        How far atoms may be from symmetric places in Å when the crystal's point group is found.

    Where the grains need no gap untranslated, they stay there. Else, of everything that ``"auto"`` tries, that is taken
    whose larger gap is the least; or, for up to 0.3 Å more, one that makes both boundaries the same.
    """

    bonds: Bonds | None = None
    termination: Auto | float | tuple[float, float] = "auto"
    translation: Auto | tuple[float, float] = "auto"
    gap: Auto | float | tuple[float, ...] = "auto"
    contact: float = CONTACT
    overlaps: Literal["keep", "remove"] = "keep"
    step: float = 1.0
    size: Size = field(default_factory=Size)
    lattice_planes: int | tuple[int, int] | None = None
    repeats: tuple[int, int] | None = None
    vacuum: float | None = None
    symprec: float = 0.01

    def __post_init__(self) -> None:
        for name, value in (("termination", self.termination), ("translation", self.translation), ("gap", self.gap)):
            if isinstance(value, str) and value != "auto":
                raise ValueError(f"{name} {value!r}: expected numbers or 'auto'")
        if self.overlaps not in {"keep", "remove"}:
            raise ValueError(f"overlaps {self.overlaps!r}: expected 'keep' or 'remove'")
        if self.vacuum is not None and not (math.isfinite(self.vacuum) and self.vacuum > 0):
            raise ValueError(f"vacuum {self.vacuum!r} Å: expected a length above 0, or None for a periodic bicrystal")
        if not isinstance(self.size, Size):
            raise ValueError(f"size {self.size!r}: expected Size(atoms=..., separation=..., lateral=...)")  # noqa: TRY004


class Choice(NamedTuple):
    """Where to cut, where to place, how far apart."""

    offsets: tuple[float, float]
    translation: tuple[float, float]
    gaps: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Grain:
    """What one grain is cut from: a crystal, its lattice along the plane, its units, its part of the common cell."""

    crystal: Atoms
    lattice: PlaneLattice
    units: Units
    matrix: Integers
    mirrored: bool = False

    @property
    def atoms_per_plane(self) -> int:
        """Of the boundary's cell."""
        return len(self.crystal) * abs(round(float(np.linalg.det(self.matrix))))

    def cut(self, planes: int, offset: float, cell: Floats) -> Slab:
        """A slab of the grain, in the common cell."""
        slab = cut_slab(
            self.crystal, self.lattice, self.units, planes=planes, offset=offset, matrix=self.matrix
        ).fitted(cell)
        return slab.mirrored() if self.mirrored else slab

    def orientation(self, cell: Floats) -> tuple[Floats, Floats]:
        """(3, 3) from the crystal's Cartesian axes to the bicrystal's, and (2, 2) strain U - 1 in its x and y."""
        own = self.matrix @ self.lattice.basis[:2, :2]
        left, stretch, right = np.linalg.svd(np.linalg.solve(own, cell).T)  # for columns
        turn = np.eye(3)
        turn[:2, :2] = left @ right
        turn[2, 2] = -1.0 if self.mirrored else 1.0
        return turn @ self.lattice.frame, left @ np.diag(stretch - 1) @ left.T


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """A boundary yet to be built: its two grains, their common in-plane cell, and what its record says of them."""

    lower: Grain
    upper: Grain
    cell: Floats
    facts: Json

    def build(self, assembly: Assembly) -> Atoms:
        """Choose what is left open, build, test, repeat."""
        planes, repeats = self._sizes(assembly)
        choice = self._choose(assembly)
        atoms = translated(self._stacked(planes, choice.offsets, assembly), choice.translation, choice.gaps)
        if assembly.overlaps == "remove":
            atoms = remove_overlaps(atoms, contact=assembly.contact)
        record = boundary_record(atoms)
        left = find_overlaps(atoms, contact=assembly.contact)
        record["contacts"]["overlaps"] = len(left)
        record["equivalent"] = equivalent_boundaries(atoms).as_dict()
        record["repeats"] = list(repeats)
        repeated: Atoms = atoms.repeat((*repeats, 1))
        mark(repeated, record)
        return repeated

    def _choose(self, assembly: Assembly) -> Choice:
        """Terminations, translation and gaps: as given, else by what the contacts need."""
        search = assembly.translation == "auto"
        grid = grid_of(self.cell, assembly.step) if search else (1, 1)
        first = (0.0, 0.0) if assembly.translation == "auto" else assembly.translation
        choices, needs = [], []
        for offsets in self._offsets(assembly):
            points, found = gap_map(self._thin(offsets, assembly), grid, assembly.contact, first)
            choices += [Choice(offsets, (x, y)) for x, y in points.tolist()]
            needs.append(found)
        need = np.concatenate(needs)
        n = self._best(choices, need, assembly)
        gaps = tuple(rounded_gaps(need[n]).tolist())
        return choices[n]._replace(gaps=gaps if assembly.gap == "auto" else as_gaps(assembly.gap, len(gaps)))

    def _best(self, choices: list[Choice], need: Floats, assembly: Assembly) -> int:
        """The choice whose larger gap is least; before it one that needs none, or makes both boundaries the same."""
        largest = need.max(axis=1)
        still = [n for n, choice in enumerate(choices) if choice.translation == (0.0, 0.0) and largest[n] <= 0]
        if still:
            return max(still, key=lambda n: -largest[n])
        odd = np.array([sum(x not in {0.0, 0.5} for x in choice.translation) for choice in choices])
        order = np.lexsort([odd, need.sum(axis=1).round(2), largest.round(2)])
        if need.shape[1] == 2:
            even = (np.abs(need[:, 0] - need[:, 1]) < _EVEN) & (largest < largest.min() + _MORE)
            tried: set[bytes] = set()
            for n in order[even[order]].tolist():
                key = need[n].round(6).tobytes()  # the same needs are the same boundary, as a rule
                if key in tried or len(tried) == _TRIES:
                    continue
                tried.add(key)
                thin = self._thin(choices[n].offsets, assembly)
                atoms = translated(thin, choices[n].translation, rounded_gaps(need[n]).tolist())
                if equivalent_boundaries(atoms).equivalent:
                    return int(n)
        return int(order[0])

    def _thin(self, offsets: tuple[float, float], assembly: Assembly) -> Atoms:
        """The boundary between grains just thick enough to show all that happens there."""
        first, second = (max(1, math.ceil(_THIN / grain.lattice.spacing)) for grain in (self.lower, self.upper))
        return self._stacked((first, second), offsets, assembly)

    def _offsets(self, assembly: Assembly) -> list[tuple[float, float]]:
        given = assembly.termination
        if given != "auto":
            pair = (given, given) if isinstance(given, int | float) else tuple(given)
            if len(pair) != 2 or not all(math.isfinite(offset) for offset in pair):
                raise ValueError(f"termination {given!r}: expected an offset in spacings, or one for either grain")
            return [(float(pair[0]), float(pair[1]))]
        found = [find_terminations(grain.lattice, grain.units) for grain in (self.lower, self.upper)]
        if self.facts["kind"] != "asymmetric":
            return [(cut.offset, cut.offset) for cut in found[0]]
        widest = [sorted(cuts, key=lambda cut: -cut.width)[:_WIDEST] for cuts in found]
        return [(one.offset, other.offset) for one, other in itertools.product(*widest)]

    def _sizes(self, assembly: Assembly) -> tuple[tuple[int, int], tuple[int, int]]:
        repeats = assembly.size.repeats(self.cell) if assembly.repeats is None else _pair("repeats", assembly.repeats)
        spacings = self.lower.lattice.spacing, self.upper.lattice.spacing
        wide = repeats[0] * repeats[1]
        if assembly.lattice_planes is None:
            per_plane = wide * self.lower.atoms_per_plane, wide * self.upper.atoms_per_plane
            return assembly.size.planes(spacings, per_plane), repeats
        given = assembly.lattice_planes
        planes = _pair("lattice_planes", (given, given) if isinstance(given, int) else given)
        reach = assembly.contact * max(self._contacts.values(), default=0.0)
        thinnest = min(n * d for n, d in zip(planes, spacings, strict=True))
        if thinnest < reach:
            raise ValueError(
                f"lattice_planes {given!r}: a grain of {thinnest:.2f} Å does not keep the boundaries apart; "
                f"expected at least {math.ceil(reach / min(spacings))} planes"
            )
        return planes, repeats

    @cached_property
    def _contacts(self) -> dict[tuple[str, str], float]:
        return shortest_contacts([(grain.crystal, grain.units) for grain in self._crystals()])

    def _crystals(self) -> list[Grain]:
        """The grains with different crystals."""
        return [self.lower] if self.lower.crystal is self.upper.crystal else [self.lower, self.upper]

    def _stacked(self, planes: tuple[int, int], offsets: tuple[float, float], assembly: Assembly) -> Atoms:
        """One in-plane cell of the boundary, not translated, with no gap."""
        from ase import Atoms

        lower = self.lower.cut(planes[0], offsets[0], self.cell)
        upper = self.upper.cut(planes[1], offsets[1], self.cell)
        place = lower.start + lower.shift - upper.start  # the lattices go on from a point that they share
        below = assembly.vacuum or 0.0
        periodic = assembly.vacuum is None
        up, over = np.array([0.0, 0.0, below]), np.array([*place, lower.thickness])
        top = place + upper.start + upper.shift - lower.start if periodic else np.zeros(2)
        atoms = Atoms(
            numbers=np.concatenate([lower.numbers, upper.numbers]),
            positions=np.concatenate([lower.positions + up, upper.positions + up + over]),
            cell=box(self.cell, lower.thickness + upper.thickness + 2 * below, top),
            pbc=(True, True, periodic),
        )
        atoms.arrays["grain"] = np.repeat([0, 1], [len(lower), len(upper)])
        mark(atoms, self._record(lower, upper, planes, offsets, assembly))
        return atoms

    def _record(
        self, lower: Slab, upper: Slab, planes: tuple[int, int], offsets: tuple[float, float], assembly: Assembly
    ) -> Json:
        from betalps import __version__

        grains = (self.lower, self.upper)
        orientations, strains = zip(*(grain.orientation(self.cell) for grain in grains), strict=True)
        periodic = assembly.vacuum is None
        group = neutral_group(self.lower.units.counts)
        return {
            **self.facts,
            "planes": [grain.lattice.plane for grain in grains],
            "orientations": orientations,
            "strains": strains,
            "cell": self.cell,
            "area": float(abs(np.linalg.det(self.cell))),
            "coincidence": [grain.matrix for grain in grains],
            "repeats": [1, 1],
            "lattice_planes": planes,
            "spacings": [grain.lattice.spacing for grain in grains],
            "separations": [lower.thickness, upper.thickness],
            "terminations": offsets,
            "translation": {"fractions": [0.0, 0.0], "vector": [0.0, 0.0]},
            "gaps": [0.0, 0.0] if periodic else [0.0],
            "contacts": {"shortest": named_pairs(self._contacts), "fraction": assembly.contact},
            "bonds": None if assembly.bonds is None else named_pairs(assembly.bonds),
            "removed": {"groups": 0, "formula": " ".join(f"{n} {kind}" for kind, n in group.items())},
            "vacuum": assembly.vacuum,
            "boundaries": [0.0, lower.thickness] if periodic else [(assembly.vacuum or 0.0) + lower.thickness],
            "crystals": [describe_crystal(grain.crystal, grain.units) for grain in self._crystals()],
            "betalps": __version__,
        }


def _pair(name: str, numbers: Sequence[int]) -> tuple[int, int]:
    values = tuple(numbers)
    if len(values) != 2 or any(not isinstance(n, int | np.integer) or n < 1 for n in values):
        raise ValueError(f"{name} {numbers!r}: expected two whole numbers of at least 1")
    return int(values[0]), int(values[1])
