"""Dislocation cores of a boundary: where along it the two lattices fit worst.

Continued across the boundary, the lattices of both grains coincide here and there (the O-points of W. Bollmann, Crystal
Defects and Crystalline Interfaces, Springer 1970); halfway between, they misfit by half a Burgers vector: there lie the
cores. In a boundary of small angle θ they are ``b / (2 sin(θ/2))`` apart (F. C. Frank, 1950).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from betalps.errors import StructureError
from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.record import boundary_record, pairs_of
from betalps.structures.regions import THICKNESS, Box, Region, Union, face_distances
from betalps.typing import Bools, Floats, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

_GRID = 0.25  # Å, of the profile
_PROMINENCE = 0.3  # of the profile's range, for a peak to be a core
_FLAT = 0.05  # a profile that varies by less of what a site occupies shows no cores
_SAME_SITE = 0.4  # of what an atom occupies: atoms nearer than this, lattice vectors aside, are one site of the crystal


@dataclass(frozen=True, kw_only=True, eq=False)
class Cores:
    """The dislocation cores of a boundary.

    Attributes
    ----------
    region
        All cores: boxes, unbounded along the dislocation lines.
    boxes
        One for each core.
    boundaries
        Which boundary each box is on.
    spacing
        Mean distance of neighbouring cores of one boundary in Å.
    burgers
        Length in Å of the Burgers vector that has this spacing by Frank's relation, ``2 spacing sin(θ/2)``, at the
        boundary's true disorientation; None where that is not known. Compare it with the crystal's lattice vectors.
    axis
        The in-plane cell vector along which the cores follow each other, 0 or 1; the lines run along the other.
    positions, misfit : ndarray
        The profile: positions along the axis in Å and, one row for each boundary, the smoothed misfit, as a fraction
        of what an atom occupies.
    """

    region: Region
    boxes: tuple[Box, ...]
    boundaries: tuple[int, ...]
    spacing: float
    burgers: float | None
    axis: int
    positions: Floats
    misfit: Floats


def frank_spacing(burgers: float, angle: float) -> float:
    """Distance of the dislocations of a small-angle boundary, ``b / (2 sin(θ/2))``.

    Parameters
    ----------
    burgers
        Length of the Burgers vector in Å.
    angle
        Of the disorientation, in degrees.
    """
    if not (burgers > 0 and 0 < angle <= 180):
        raise ValueError(f"burgers {burgers!r} Å, angle {angle!r}°: expected a length above 0 and 0 to 180°")
    return burgers / (2 * math.sin(math.radians(angle) / 2))


def dislocation_cores(
    atoms: Atoms,
    *,
    thickness: float = THICKNESS,
    width: float | None = None,
    species: Sequence[str] | None = None,
    smoothing: float | None = None,
    axis: int | None = None,
) -> Cores:
    """Find the dislocation cores of a grain boundary, as boxes that analyses accept as regions.

    Of each atom near a boundary, the misfit is the distance to the nearest site of its species in the other grain's
    lattice, continued across the boundary; divided by the cube root of the volume per atom of that species. Averaged
    along the boundary with a Gaussian, it peaks at the cores. The other grain's lattice is taken from its interior, so
    that relaxed and warm structures do as well as those just built.

    Parameters
    ----------
    atoms
        A tilt, twist or asymmetric boundary of this package.
    thickness
        Of the boxes along the normal in Å.
    width
        Of the boxes along the boundary in Å; by default the width of the misfit's peak at half its height.
    species
        Elements to look at. By default the centres of the molecular units (P of PS4), or all where there are none.
    smoothing
        Standard deviation of the Gaussian in Å, and how far from the boundary atoms are looked at; by default the cube
        root of the volume per atom of the rarest of these elements.
    axis
        The in-plane cell vector along which to look, 0 or 1; by default the one along which the misfit varies more. A
        tilt boundary has one set of dislocations, a twist boundary two that cross: look along both, and unite. Lines
        that run along neither vector are not found.

    Returns
    -------
    Cores

    Raises
    ------
    StructureError
        `atoms` is no boundary between crystals, its grains are too thin to show their lattice, or its misfit is the
        same everywhere: there are no separate cores.
    ValueError
        An element that is not there, or lengths that are not positive.
    """
    record = boundary_record(atoms)
    if any(orientation is None for orientation in record["orientations"]):
        raise StructureError(f"{record['kind']}: dislocations are between two crystals")
    for name, value in (("thickness", thickness), ("width", width), ("smoothing", smoothing)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} {value!r} Å: expected a length above 0")
    if axis not in {None, 0, 1}:
        raise ValueError(f"axis {axis!r}: expected 0 or 1")
    elements = _elements(atoms, record, species)
    reach = smoothing or max(
        float(np.cbrt(abs(np.linalg.det(_lattice(record, grain))) / _count(record, grain, element)))
        for grain in (0, 1)
        for element in elements
    )
    near, misfit = _misfits(atoms, record, elements, reach)
    profiles = [_profiles(atoms, near, misfit, axis, reach) for axis in (0, 1)]
    if axis is None:
        axis = int(np.argmax([np.ptp(profile, axis=1).mean() for profile in profiles]))
    profile, length = profiles[axis], float(face_distances(atoms.cell.array)[axis])
    boxes, which, spacings = [], [], []
    for n, (height, values) in enumerate(zip(record["boundaries"], profile, strict=True)):
        peaks, widths = _peaks(values, length)
        spacings.append(length / len(peaks))
        for peak, wide in zip(peaks.tolist(), widths.tolist(), strict=True):
            boxes.append(_box(atoms, axis, peak / length, min(width or wide, length), height, thickness))
            which.append(n)
    spacing, angle = float(np.mean(spacings)), (record["disorientation"] or {}).get("angle")
    return Cores(
        region=boxes[0] if len(boxes) == 1 else Union(parts=tuple(boxes)),
        boxes=tuple(boxes),
        boundaries=tuple(which),
        spacing=spacing,
        burgers=None if angle is None else 2 * spacing * math.sin(math.radians(angle) / 2),
        axis=axis,
        positions=np.arange(profile.shape[1]) * length / profile.shape[1],
        misfit=profile,
    )


def _elements(atoms: Atoms, record: Json, species: Sequence[str] | None) -> list[str]:
    present = sorted(set(atoms.get_chemical_symbols()))
    if species is not None:
        missing = sorted(set(species) - set(present))
        if missing or not species:
            raise ValueError(f"species {list(species)}: expected some of {', '.join(present)}")
        return sorted(set(species))
    units = bonded_units(atoms, None if record["bonds"] is None else pairs_of(record["bonds"]))
    molecular = np.bincount(units.labels) > 1
    symbols = np.array(atoms.get_chemical_symbols())
    return sorted(set(symbols[units.references[molecular]].tolist())) or present


def _misfits(atoms: Atoms, record: Json, elements: list[str], depth: float) -> tuple[list[Bools], Floats]:
    """For each boundary which atoms are near it, and the misfit of these as a fraction of what they occupy."""
    symbols, grains = np.array(atoms.get_chemical_symbols()), atoms.arrays["grain"]
    chosen = np.isin(symbols, elements)
    height = float(atoms.cell.array[2, 2])
    near = []
    for boundary in record["boundaries"]:
        away = atoms.positions[:, 2] - boundary
        if atoms.pbc[2]:
            away -= height * np.rint(away / height)
        near.append(chosen & (np.abs(away) <= depth))
    misfit = np.zeros(len(atoms))
    for grain in (0, 1):
        vectors = _lattice(record, 1 - grain)
        for element in elements:
            same = symbols == element
            inside = same & (grains == 1 - grain) & _interior(atoms, record, 1 - grain)
            sites, size = _sites(atoms.positions[inside], vectors, _count(record, 1 - grain, element), element)
            asked = np.flatnonzero(same & (grains == grain) & np.any(near, axis=0))
            misfit[asked] = _to_sites(atoms.positions[asked], sites, vectors) / size
    return near, misfit


def _lattice(record: Json, grain: int) -> Floats:
    """(3, 3) cell vectors of a grain's crystal as it lies in the bicrystal, Å."""
    vectors = np.array(_crystal(record, grain)["cell"]) @ np.array(record["orientations"][grain]).T
    vectors[:, :2] = vectors[:, :2] @ (np.eye(2) + np.array(record["strains"][grain])).T
    return np.asarray(vectors)


def _count(record: Json, grain: int, element: str) -> int:
    """How many atoms of an element a cell of a grain's crystal holds."""
    from ase.formula import Formula

    count = Formula(_crystal(record, grain)["formula"]).count().get(element, 0)
    if not count:
        raise StructureError(f"grain {grain} holds no {element}: expected species that both grains have")
    return int(count)


def _crystal(record: Json, grain: int) -> Json:
    crystal: Json = record["crystals"][min(grain, len(record["crystals"]) - 1)]
    return crystal


def _interior(atoms: Atoms, record: Json, grain: int) -> Bools:
    """The half of a grain that is furthest from its boundaries."""
    away, mine = atoms.arrays["boundary"], atoms.arrays["grain"] == grain
    inner: Bools = mine & (away >= np.median(away[mine]))
    if len(record["boundaries"]) == 1:  # a free surface is no better than a boundary
        inner &= away <= np.quantile(away[mine], 0.8)
    return inner


def _sites(positions: Floats, vectors: Floats, count: int, element: str) -> tuple[Floats, float]:
    """The sites of an element in one cell of a crystal, fractional, and the cube root of the volume per site in Å."""
    size = float(np.cbrt(abs(np.linalg.det(vectors)) / count))
    scaled = positions @ np.linalg.inv(vectors)
    found: list[Floats] = []
    while len(scaled) and len(found) <= count:
        delta = scaled - scaled[0]
        delta -= np.rint(delta)
        same = np.linalg.norm(delta @ vectors, axis=1) < _SAME_SITE * size
        found.append(scaled[0] + delta[same].mean(axis=0))
        scaled = scaled[~same]
    if len(found) != count or len(scaled):
        raise StructureError(
            f"the inside of a grain does not show the {count} sites of {element} in its crystal's cell: expected "
            "grains that are thicker, or crystalline"
        )
    return np.array(found) % 1.0, size


def _to_sites(positions: Floats, sites: Floats, vectors: Floats) -> Floats:
    """Distance of positions to the nearest site of a lattice with a basis, Å."""
    from scipy.spatial import cKDTree

    around = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    tree = cKDTree((sites[:, None] + around).reshape(-1, 3) @ vectors)
    scaled = positions @ np.linalg.inv(vectors)
    distances, _ = tree.query((scaled - np.floor(scaled)) @ vectors)
    return np.asarray(distances, dtype=np.float64)


def _profiles(atoms: Atoms, near: list[Bools], misfit: Floats, axis: int, smoothing: float) -> Floats:
    """Smoothed misfit along an in-plane cell vector, one row for each boundary."""
    length = float(face_distances(atoms.cell.array)[axis])
    bins = max(8, round(length / _GRID))
    fractional = atoms.cell.scaled_positions(atoms.positions)[:, axis] % 1.0
    index = (fractional * bins).astype(np.int64) % bins
    waves = np.fft.rfftfreq(bins, 1 / bins) * 2 * np.pi / length
    kernel = np.exp(-0.5 * (waves * smoothing) ** 2)  # of a periodic Gaussian
    rows = []
    for chosen in near:
        weight, total = (
            np.fft.irfft(np.fft.rfft(np.bincount(index[chosen], values, bins)) * kernel, bins)
            for values in (np.ones(int(chosen.sum())), misfit[chosen])
        )
        rows.append(total / np.maximum(weight, 1e-9))
    return np.array(rows)


def _peaks(profile: Floats, length: float) -> tuple[Floats, Floats]:
    """Positions and widths at half height of a periodic profile's peaks, Å."""
    from scipy.signal import find_peaks

    bins = len(profile)
    span = float(np.ptp(profile))
    if span < _FLAT:
        raise StructureError(
            f"the misfit varies by only {span:.3f} along the boundary: it has no separate dislocation cores; take the "
            "whole of it, around_boundaries(atoms)"
        )
    start = int(np.argmin(profile))
    turned = np.roll(profile, -start)
    peaks, found = find_peaks(np.append(turned, turned[0]), prominence=_PROMINENCE * span, width=0, rel_height=0.5)
    step = length / bins
    return ((peaks + start) % bins + 0.5) * step, found["widths"] * step


def _box(atoms: Atoms, axis: int, fraction: float, width: float, height: float, thickness: float) -> Box:
    centre, lengths = [0.5, 0.5, height / float(face_distances(atoms.cell.array)[2])], [None, None, thickness]
    centre[axis] = fraction
    sides: list[float | None] = list(lengths)
    sides[axis] = width
    return Box(centre=(centre[0], centre[1], centre[2]), lengths=(sides[0], sides[1], sides[2]))
