"""Interfaces between a crystal and a glass in one lateral cell, neither cut through a unit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.structures.bonding import Bonds, Units, bonded_units
from betalps.structures.boundaries.assembly import Auto
from betalps.structures.boundaries.equivalence import Equivalence
from betalps.structures.boundaries.overlaps import find_overlaps
from betalps.structures.boundaries.record import boundary_record, describe_crystal, mark, named_pairs
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.slabs import Slab, box, cut_slab, described, find_terminations, slab
from betalps.structures.boundaries.translations import CONTACT, gap_map, grid_of, rounded_gaps, translated
from betalps.structures.contacts import shortest_contacts
from betalps.structures.glasses.glass import random_glass
from betalps.structures.lattices.planes import PlaneLattice
from betalps.typing import Floats, Integers, Json, Seed

if TYPE_CHECKING:
    from ase import Atoms

MAX_STRAIN = 1e-3
"""Largest logarithmic strain of a glass that counts as made for the crystal's cell."""

# No two sides of a glass are the same, so nothing is compared.
_NOT_TESTED = Equivalence(equivalent=False, operation="", deviation=None, atoms=0, depth=0.0, tolerance=0.0)
_CUTS = 48  # heights at which the glass may be opened
_GAP = 2.0  # Å


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """How a glass goes into the crystal's in-plane cell."""

    repeats: tuple[int, int]
    swapped: bool
    strain: float
    stretch: Floats


def glass_cell(
    crystal: Atoms,
    plane: str | Sequence[int],
    *,
    size: Size | None = None,
    repeats: tuple[int, int] | None = None,
    lattice_planes: int | None = None,
    bonds: Bonds | None = None,
) -> Atoms:
    """Build the cell to melt for an interface: the crystal seen along the plane, in its exact lateral cell.

    Melt and quench it with the lateral cell fixed, only the normal free to breathe; the glass then fits on the crystal
    without strain.

    Parameters
    ----------
    crystal, plane, bonds
        As for `amorphous_crystal`.
    size
        The least size of the interface that is to be built, both sides together; the default is `Size()`.
    repeats, lattice_planes
        Instead: repeats of the plane's cell, and thickness in lattice planes.

    Returns
    -------
    ase.Atoms
        A bulk crystal, periodic in three directions: x along the first in-plane vector, z along the normal.

    Raises
    ------
    ValueError, StructureError
        As `amorphous_crystal`.
    """
    lattice, _ = described(crystal, plane, bonds)
    wanted = size or Size()
    counts = repeats or wanted.repeats(lattice.basis[:2, :2])
    per_plane = len(crystal) * counts[0] * counts[1]
    planes = lattice_planes or wanted.planes((lattice.spacing,) * 2, (per_plane,) * 2)[1]
    return slab(crystal, plane, planes=planes, repeats=counts, offset=0.0, bonds=bonds)


def packed_interface(
    crystal: Atoms,
    plane: str | Sequence[int],
    rng: Seed,
    *,
    size: Size | None = None,
    contact: float = CONTACT,
    bonds: Bonds | None = None,
) -> Atoms:
    """Build an interface with a `random_glass`: a start for dynamics where no melted glass is at hand.

    Parameters
    ----------
    crystal, plane, size, contact, bonds
        As for `amorphous_crystal` and `glass_cell`.
    rng
        Generator or seed of the packing.

    Returns
    -------
    ase.Atoms
        As `amorphous_crystal`; the record's ``glass`` says that it was never relaxed.

    Raises
    ------
    ValueError, StructureError
        As `amorphous_crystal` and `random_glass`.
    """
    start = glass_cell(crystal, plane, size=size, bonds=bonds)
    cell = start.cell.array
    upright = box(cell[:2, :2], cell[2, 2], np.zeros(2))
    glass = random_glass(crystal, upright, rng=rng, contact=contact, bonds=bonds)
    return amorphous_crystal(glass, crystal, plane, contact=contact, bonds=bonds)


def amorphous_crystal(
    glass: Atoms,
    crystal: Atoms,
    plane: str | Sequence[int],
    *,
    lattice_planes: int | None = None,
    termination: Auto | float = "auto",
    translation: Auto | tuple[float, float] = "auto",
    gap: Auto | float = _GAP,
    contact: float = CONTACT,
    step: float = 1.0,
    max_strain: float = MAX_STRAIN,
    bonds: Bonds | None = None,
) -> Atoms:
    """Put a glass on a crystal.

    The crystal is cut as `slab` cuts it. The glass is opened at one height by its units: clusters of bonded atoms go
    above or below as a whole, so that none is broken and none is lost. Both keep their stoichiometry exactly.

    Parameters
    ----------
    glass
        Periodic in three directions; its third cell vector leaves the interface's plane. Its first two are to be
        multiples of the plane's in-plane vectors, as those of `glass_cell` are.
    crystal, plane
        As for `tilt`.
    lattice_planes
        Thickness of the crystal; by default as many as have at least the atoms of the glass.
    termination
        Where the crystal is cut, in spacings, as `terminations` lists them; ``"auto"`` tries all.
    translation
        Of the glass, in fractions of the plane's in-plane cell; ``"auto"`` tries a grid of them.
    gap
        By how much crystal and glass are apart at least, in Å, measured between the windows of their units' reference
        points; it is more where contacts need it. ``"auto"`` takes the least gap that keeps the contacts.
    contact
        Fraction of the crystal's shortest contacts that is kept across the interface.
    step
        Of the grid of translations in Å.
    max_strain
        Strain the glass to the crystal's lateral cell, up to this logarithmic strain. Units turn but keep their shape.
    bonds
        What is bonded in both, as for `bonded_units`.

    Returns
    -------
    ase.Atoms
        Periodic, with two interfaces. The array ``grain`` is 0 in the crystal, 1 in the glass; ``boundary`` and
        ``info["boundary"]`` are as of a grain boundary (see `boundary_record`), and ``info["boundary"]["glass"]`` holds
        the glass's own account, its units, composition and the strain it was given.

    Raises
    ------
    ValueError
        A bad plane, or a glass that does not fit laterally; the message states the mismatch.
    StructureError
        Crystal or glass is not sound: overlapping atoms, or units without end.
    """
    lattice, units = described(crystal, plane, bonds)
    if not glass.pbc.all() or not len(glass):
        raise StructureError(f"glass with pbc {glass.pbc.tolist()}: expected one that is periodic in three directions")
    fit = _fitted(glass, lattice, max_strain)
    per_plane = len(crystal) * fit.repeats[0] * fit.repeats[1]
    planes = math.ceil(len(glass) / per_plane) if lattice_planes is None else lattice_planes
    glass_units = bonded_units(glass, bonds)
    upper, opened_at = _opened(glass, glass_units, fit, np.diag(fit.repeats) @ lattice.basis[:2, :2])
    contacts = {**shortest_contacts([(glass, glass_units)]), **shortest_contacts([(crystal, units)])}
    offsets = [termination] if termination != "auto" else [cut.offset for cut in find_terminations(lattice, units)]
    record = _record(glass, crystal, units, glass_units, lattice, fit)
    record |= {"contacts": {"shortest": named_pairs(contacts), "fraction": contact}, "lattice_planes": [planes, None]}
    record["bonds"] = None if bonds is None else named_pairs(bonds)
    best: tuple[float, Atoms] | None = None
    for offset in offsets:
        lower = cut_slab(crystal, lattice, units, planes=planes, offset=offset, matrix=np.diag(fit.repeats))
        stacked = _stacked(lower, upper, {**record, "terminations": [offset, opened_at]})
        placed, worst = _placed(stacked, translation, gap, contact, step)
        if best is None or worst < best[0]:
            best = worst, placed
    assert best is not None
    atoms = best[1]
    boundary_record(atoms)["contacts"]["overlaps"] = len(find_overlaps(atoms, contact=contact))
    return atoms


def _fitted(glass: Atoms, lattice: PlaneLattice, max_strain: float) -> _Fit:
    """The repeats of the plane's cell that come nearest to the glass's, and the strain that is left."""
    net = lattice.basis[:2, :2]
    fits = []
    for swapped in (False, True):
        cell = _flat(glass, swapped)[:2, :2]
        guess = np.linalg.norm(cell, axis=1) / np.linalg.norm(net, axis=1)
        ranges = [sorted({max(1, math.floor(g)), max(1, math.ceil(g))}) for g in guess.tolist()]
        for first, second in itertools.product(*ranges):
            left, stretch, _ = np.linalg.svd(np.linalg.solve(cell, np.diag([first, second]) @ net).T)
            fits.append(
                _Fit(
                    repeats=(first, second),
                    swapped=swapped,
                    strain=float(np.abs(np.log(stretch)).max()),
                    stretch=left @ np.diag(stretch - 1) @ left.T,
                )
            )
    best = min(fits, key=lambda fit: fit.strain)
    if best.strain > max_strain:
        sides = " × ".join(f"{length:.2f}" for length in np.linalg.norm(_flat(glass, best.swapped)[:2], axis=1))
        target = np.linalg.norm(np.diag(best.repeats) @ net, axis=1)
        raise ValueError(
            f"the glass is {sides} Å wide, the nearest cell of {lattice.plane} is {target[0]:.2f} × {target[1]:.2f} Å "
            f"({best.repeats[0]} × {best.repeats[1]}): a strain of {100 * best.strain:.2f} %, expected at most "
            f"{100 * max_strain:.2f} %; melt the cell of glass_cell with its sides fixed, or pass max_strain"
        )
    return best


def _flat(glass: Atoms, swapped: bool) -> Floats:
    """(3, 3) cell of the glass turned so that its first vector lies along x and the second in the plane of x and y.

    Swapped, its second vector comes first, and the opposite of the first is the second.
    """
    cell = glass.cell.array[[1, 0, 2]] * [[1], [-1], [1]] if swapped else glass.cell.array
    return np.asarray(cell @ _frame(cell).T)


def _frame(cell: Floats) -> Floats:
    """(3, 3) rows x, y, z of the axes along a cell's first vector and its normal; z on the side of the third vector."""
    x = cell[0] / np.linalg.norm(cell[0])
    z = np.cross(cell[0], cell[1])
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])


def _opened(glass: Atoms, units: Units, fit: _Fit, target: Floats) -> tuple[Slab, float]:
    """The glass as a slab in the target cell, opened where its units stick out least; and where, in fractions."""
    cell = glass.cell.array[[1, 0, 2]] * [[1], [-1], [1]] if fit.swapped else glass.cell.array
    if np.linalg.det(cell) < 0:
        raise StructureError("the glass's cell is left-handed: expected a right-handed one")
    frame = _frame(cell)
    flat = cell @ frame.T
    scaled = np.linalg.solve(cell.T, units.points.T).T
    offsets = (units.offsets + (glass.positions[units.references] - units.points)[units.labels]) @ frame.T

    def positions(cut: float) -> tuple[Floats, Floats]:
        wrapped = scaled - np.floor(scaled - [0.0, 0.0, cut])
        points = (wrapped - [0.0, 0.0, cut]) @ flat
        return points, points[units.labels] + offsets

    cuts = np.arange(_CUTS) / _CUTS
    cut = float(min(cuts, key=lambda height: np.ptp(positions(height)[1][:, 2])))
    points, placed = positions(cut)
    opened = Slab(
        numbers=glass.numbers.astype(np.int64),
        positions=placed,
        units=units.labels,
        points=points,
        kinds=units.kinds,
        cell=flat[:2, :2],
        thickness=float(flat[2, 2]),
        start=np.zeros(2),
        shift=np.zeros(2),
    )
    return opened.fitted(target), cut


def _stacked(lower: Slab, upper: Slab, record: Json) -> Atoms:
    """Crystal below, glass above, no gap."""
    from ase import Atoms

    over = np.array([0.0, 0.0, lower.thickness])
    atoms = Atoms(
        numbers=np.concatenate([lower.numbers, upper.numbers]),
        positions=np.concatenate([lower.positions, upper.positions + over]),
        cell=box(lower.cell, lower.thickness + upper.thickness, np.zeros(2)),
        pbc=True,
    )
    atoms.arrays["grain"] = np.repeat([0, 1], [len(lower), len(upper)])
    mark(
        atoms,
        record
        | {
            "separations": [lower.thickness, upper.thickness],
            "boundaries": [0.0, lower.thickness],
            "translation": {"fractions": [0.0, 0.0], "vector": [0.0, 0.0]},
            "gaps": [0.0, 0.0],
        },
    )
    return atoms


def _placed(
    stacked: Atoms, translation: Auto | tuple[float, float], gap: Auto | float, contact: float, step: float
) -> tuple[Atoms, float]:
    """The glass at its best place, far enough away; and the larger gap that the contacts need there."""
    record = boundary_record(stacked)
    grid = grid_of(np.array(record["cell"]), step) if translation == "auto" else (1, 1)
    points, needs = gap_map(stacked, grid, contact, (0.0, 0.0) if translation == "auto" else translation)
    n = int(np.lexsort([needs.sum(axis=1).round(2), needs.max(axis=1).round(2)])[0])
    least = 0.0 if gap == "auto" else float(gap)
    gaps = np.maximum(rounded_gaps(needs[n]), least)
    return translated(stacked, points[n].tolist(), gaps.tolist()), float(needs[n].max())


def _record(glass: Atoms, crystal: Atoms, units: Units, glass_units: Units, lattice: PlaneLattice, fit: _Fit) -> Json:
    from betalps import __version__

    composition = _ratio(glass.numbers), _ratio(crystal.numbers)
    return {
        "kind": "amorphous/crystal",
        "name": None,
        "setting": None,
        "nominal": None,
        "notes": [],
        "planes": [lattice.plane, None],
        "operation": None,
        "disorientation": None,
        "chirality": None,
        "orientations": [lattice.frame, None],
        "strain": fit.strain,
        "strains": [np.zeros((2, 2)), fit.stretch],
        "cell": lattice.basis[:2, :2],
        "area": lattice.area,
        "coincidence": [np.eye(2, dtype=np.int64), None],
        "repeats": fit.repeats,
        "spacings": [lattice.spacing, None],
        "removed": {"groups": 0, "formula": ""},
        "vacuum": None,
        "equivalent": _NOT_TESTED.as_dict(),
        "crystals": [describe_crystal(crystal, units)],
        "glass": {
            **describe_crystal(glass, glass_units),
            "same_composition": composition[0] == composition[1],
        },
        "betalps": __version__,
    }


def _ratio(numbers: Integers) -> dict[int, int]:
    """Least whole numbers of each element."""
    species, counts = np.unique(numbers, return_counts=True)
    divisor = math.gcd(*counts.tolist())
    return dict(zip(species.tolist(), (counts // divisor).tolist(), strict=True))
