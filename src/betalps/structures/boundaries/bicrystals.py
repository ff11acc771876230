"""Grain boundaries of any crystal: symmetric tilts by mirror, exact; twists and asymmetric ones by near coincidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from betalps.structures.boundaries.assembly import Assembly, Grain, Recipe
from betalps.structures.boundaries.candidates import MAX_AREA, MAX_STRAIN, TOLERANCE, Candidate, Side, choose, side
from betalps.structures.boundaries.record import boundary_record, mark
from betalps.structures.lattices.coincidence import Share
from betalps.structures.lattices.disorientation import (
    Misorientation,
    direction_indices,
    misorientation,
    point_operations,
    tilt_misorientation,
)
from betalps.structures.lattices.names import BoundaryName, Setting, convert_indices, parse_name
from betalps.structures.lattices.planes import Indices, parse_indices
from betalps.typing import Floats, Json

if TYPE_CHECKING:
    from ase import Atoms


def tilt(
    crystal: Atoms, plane: str | Sequence[int], *, axis: str | Sequence[int] | None = None, **assembly: Any
) -> Atoms:
    """Build a symmetric tilt boundary: the upper grain is the mirror image of the lower one in the plane.

    Exact for every crystal: the mirror image has the same in-plane cell, so that the strain is zero, and a grain of
    any number of lattice planes fits. The units stay whole and the composition is that of the crystal.

    Parameters
    ----------
    crystal
        Any crystal, periodic in three directions.
    plane
        The boundary plane: Miller indices of the crystal's cell, such as ``(1, 2, 0)`` or ``"(120)"``.
    axis
        The tilt axis [u v w] for which the angle is to be stated; must lie in the plane. It does not change the
        structure. By default the record names the axis of the disorientation.
    **assembly
        The fields of `Assembly`: size, termination, translation, gap and the others.

    Returns
    -------
    ase.Atoms
        Periodic in three directions with two boundaries, or a slab with one and vacuum. The plane's first vector lies
        along x, its normal along z. ``info["boundary"]`` is the record (see `boundary_record`), the array
        ``grain`` is 0 for the lower and 1 for the upper grain, ``boundary`` the distance to the nearest boundary in Å.

    Raises
    ------
    ValueError
        A bad plane or axis, or numbers that make no boundary.
    StructureError
        The crystal is not sound: overlapping atoms, nothing bonded, bonds without end.

    Examples
    --------
    >>> from betalps.structures import Size, beta_li3ps4, tilt
    >>> atoms = tilt(beta_li3ps4(), "(120)", size=Size(atoms=10_000, separation=30, lateral=25))
    >>> len(atoms), round(atoms.info["boundary"]["disorientation"]["angle"], 1)
    (10240, 34.5)
    """
    return _tilt(crystal, plane, axis, Assembly(**assembly), None, None)


def twist(
    crystal: Atoms,
    plane: str | Sequence[int],
    angle: float | None = None,
    *,
    candidate: Candidate | int | None = None,
    max_strain: float = MAX_STRAIN,
    max_area: float = MAX_AREA,
    tolerance: float = TOLERANCE,
    share: Share = "both",
    **assembly: Any,
) -> Atoms:
    """Build a twist boundary: the upper grain goes on with the lower one's planes, turned about their normal.

    Two turned planes seldom share a cell; the grains are strained to one that they nearly share, and the record says by
    how much. Units are turned but not strained. At angle 0 the crystal comes out.

    Parameters
    ----------
    crystal, plane
        As for `tilt`.
    angle
        In degrees; of the candidates within `tolerance` of it the least strained is taken, then the smallest.
    candidate
        Instead: one of `twist_candidates`, or its number in that list (made with the same angle and limits).
    max_strain, max_area, tolerance, share
        As for `twist_candidates`.
    **assembly
        The fields of `Assembly`.

    Returns
    -------
    ase.Atoms
        As `tilt` gives. If a lattice's planes are stacked askew, so is the third cell vector: then both boundaries are
        the same kind of joint.

    Raises
    ------
    ValueError
        As `tilt`; or no candidate near the angle: the message names the nearest.
    StructureError
        As `tilt`.
    """
    how = Assembly(**assembly)
    one = side(crystal, plane, how.bonds)
    chosen = choose(one, one, angle, candidate, max_strain, max_area, tolerance, share)
    return _matched("twist", one, one, chosen, how, angle)


def asymmetric(
    crystal_a: Atoms,
    plane_a: str | Sequence[int],
    crystal_b: Atoms,
    plane_b: str | Sequence[int],
    angle: float | None = None,
    *,
    candidate: Candidate | int | None = None,
    max_strain: float = MAX_STRAIN,
    max_area: float = MAX_AREA,
    tolerance: float = TOLERANCE,
    share: Share = "both",
    **assembly: Any,
) -> Atoms:
    """Build a boundary between two different planes, of one crystal or of two.

    Parameters
    ----------
    crystal_a, plane_a
        The lower grain, its normal pointing up.
    crystal_b, plane_b
        The upper grain, its normal pointing up too: ``(-h, -k, -l)`` turns it upside down.
    angle, candidate, max_strain, max_area, tolerance, share
        As for `twist`, with `asymmetric_candidates`. Without angle and candidate the candidate of least strain is
        taken, of equal ones the smallest.
    **assembly
        The fields of `Assembly`.

    Returns
    -------
    ase.Atoms
        As `tilt` gives.

    Raises
    ------
    ValueError, StructureError
        As `twist`.
    """
    how = Assembly(**assembly)
    lower, upper = (
        side(crystal_a, plane_a, _bonds_of(how, crystal_a)),
        side(crystal_b, plane_b, _bonds_of(how, crystal_b)),
    )
    around, within = (0.0, 180.0) if angle is None and candidate is None else (angle, tolerance)
    chosen = choose(lower, upper, around, candidate, max_strain, max_area, within, share)
    return _matched("asymmetric", lower, upper, chosen, how, angle)


def boundary(name: str, crystal: Atoms, setting: Setting = "crystal", **options: Any) -> Atoms:
    """Build a boundary by its name in the literature, such as ``"Σ5[001]/(120)"``.

    Parameters
    ----------
    name
        As for `parse_name`. Σ and angle are those of cubic crystals: the record states them as nominal, beside the
        true disorientation.
    crystal
        Any crystal.
    setting
        What the indices refer to: ``"crystal"``, its cell vectors; ``"sorted"``, these from shortest to longest, as
        aimsgb has them.
    **options
        Of `tilt` or `twist`, whichever the name means. A twist is sought near its nominal angle, unless `angle` or
        `candidate` is given.

    Returns
    -------
    ase.Atoms
        As `tilt` gives. What in the name does not fit together is in the record's ``notes``.

    Raises
    ------
    ValueError
        The name cannot be read, or means a mixed boundary: use `asymmetric` with both planes.
    """
    parsed = parse_name(name)
    cell = crystal.cell.array
    plane, axis = (convert_indices(indices, cell, setting) for indices in (parsed.plane, parsed.axis))
    if parsed.kind == "tilt" or (parsed.kind == "mixed" and parsed.notes):
        how = Assembly(**options)
        return _tilt(crystal, plane, axis if parsed.kind == "tilt" else None, how, parsed, setting)
    if parsed.kind == "mixed":
        raise ValueError(
            f"{parsed} is neither a tilt nor a twist boundary: its axis neither lies in the plane nor is normal to it; "
            "use asymmetric with the planes of both grains"
        )
    angle = options.pop("angle", None if "candidate" in options else parsed.angle)
    atoms = twist(crystal, plane, angle, **options)
    mark(atoms, {**boundary_record(atoms), **_named(parsed, setting)})
    return atoms


def _tilt(
    crystal: Atoms,
    plane: str | Sequence[int],
    axis: str | Sequence[int] | None,
    assembly: Assembly,
    name: BoundaryName | None,
    setting: Setting | None,
) -> Atoms:
    one = side(crystal, plane, assembly.bonds)
    direction = None if axis is None else parse_indices(axis, "axis")
    if direction is not None and np.dot(direction, one.lattice.plane):
        raise ValueError(
            f"axis {list(direction)} does not lie in the plane {one.lattice.plane}: expected hu + kv + lw = 0"
        )
    found = tilt_misorientation(one.lattice, point_operations(crystal, symprec=assembly.symprec))
    grains = [
        Grain(
            crystal=crystal,
            lattice=one.lattice,
            units=one.units,
            matrix=np.eye(2, dtype=np.int64),
            mirrored=mirrored,
        )
        for mirrored in (False, True)
    ]
    facts: Json = {
        "kind": "tilt",
        **_named(name, setting),
        "operation": {"kind": "mirror", "angle": None},
        **_relation(found, crystal, direction),
        "strain": 0.0,
    }
    return Recipe(lower=grains[0], upper=grains[1], cell=one.lattice.basis[:2, :2], facts=facts).build(assembly)


def _matched(kind: str, lower: Side, upper: Side, chosen: Candidate, assembly: Assembly, asked: float | None) -> Atoms:
    """A twist or an asymmetric boundary in the common cell of a candidate."""
    match = chosen.match
    grains = [
        Grain(crystal=one.crystal, lattice=one.lattice, units=one.units, matrix=matrix)
        for one, matrix in ((lower, match.a), (upper, match.b))
    ]
    for grain in grains:
        if not np.isclose(abs(np.linalg.det(grain.matrix)) * grain.lattice.area, match.area, rtol=0.3):
            raise ValueError(
                f"candidate of {match.area:.1f} Å² does not fit the plane {grain.lattice.plane}: it is of another"
            )
    facts: Json = {
        "kind": kind,
        **_named(None, None),
        "operation": {"kind": "rotation", "angle": match.angle, "asked": asked},
        **_true_relation(grains, match.cell, assembly),
        "strain": match.strain,
    }
    return Recipe(lower=grains[0], upper=grains[1], cell=match.cell, facts=facts).build(assembly)


def _true_relation(grains: list[Grain], cell: Floats, assembly: Assembly) -> Json:
    """Disorientation of two grains of one crystal; of two crystals there is none."""
    lower, upper = grains
    if lower.crystal is not upper.crystal and lower.crystal != upper.crystal:
        return {"disorientation": None, "chirality": "the grains are different crystals, each of its own hand"}
    (first, _), (second, _) = (grain.orientation(cell) for grain in grains)
    found = misorientation(second.T @ first, point_operations(lower.crystal, symprec=assembly.symprec))
    return _relation(found, lower.crystal, None)


def _relation(found: Misorientation, crystal: Atoms, axis: Indices | None) -> Json:
    """What a record says of the true disorientation."""
    return {
        "disorientation": {
            "angle": found.angle,
            "axis": found.axis,
            "direction": direction_indices(crystal.cell.array, found.axis),
            "tilt_axis": axis,
        },
        "chirality": found.reason,
        "equivalent_rotation": found.equivalent_rotation,
    }


def _named(name: BoundaryName | None, setting: Setting | None) -> Json:
    """What a record says of the literature's name."""
    if name is None:
        return {"name": None, "setting": None, "nominal": None, "notes": []}
    return {
        "name": str(name),
        "setting": setting,
        "nominal": {"sigma": name.sigma, "angle": name.angle, "axis": list(name.axis), "plane": list(name.plane)},
        "notes": list(name.notes),
    }


def _bonds_of(assembly: Assembly, crystal: Atoms) -> dict[tuple[str, str], float] | None:
    """The bonds of a crystal that need not have all the species that are named."""
    if assembly.bonds is None:
        return None
    species = set(crystal.get_chemical_symbols())
    return {pair: length for pair, length in assembly.bonds.items() if set(pair) <= species}
