"""What was built, in words: a boundary's record as a table of text, and several boundaries as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from betalps.structures.bonding import bonded_units
from betalps.structures.boundaries.record import boundary_record, pairs_of
from betalps.typing import Json

if TYPE_CHECKING:
    from ase import Atoms


NO_STRAIN = 1e-9  # rounding


def boundary_title(record: Json) -> str:
    """A boundary's name: that of the literature, or its planes.

    Parameters
    ----------
    record
        ``atoms.info["boundary"]``.
    """
    if record["name"]:
        return str(record["name"]).replace("Sigma", "Σ")
    return " against ".join(dict.fromkeys(indices(plane) for plane in record["planes"] if plane is not None))


def boundary_table(atoms: Atoms) -> str:
    """Say what a boundary is, one fact to a line.

    Parameters
    ----------
    atoms
        A grain boundary or an interface of `betalps.structures`.

    Returns
    -------
    str
        Lines of a name and what there is to say, by the record; contacts and units are counted anew.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.

    Examples
    --------
    >>> from betalps.structures import beta_li3ps4, tilt
    >>> print(boundary_table(tilt(beta_li3ps4(), "(120)")).splitlines()[0])
    boundary        (1 2 0), tilt
    """
    record = boundary_record(atoms)
    rows = [("boundary", f"{boundary_title(record)}, {record['kind']}"), *_misorientation(record)]
    rows += [("note", note) for note in record["notes"]]
    rows += [*_grains(atoms, record), *_joint(record), *_contents(atoms, record)]
    return "\n".join(f"{name:<15} {text}" for name, text in rows)


def boundaries_table(boundaries: Mapping[str, Atoms] | Iterable[tuple[str, Atoms]], *, markdown: bool = False) -> str:
    """Compare boundaries, one to a line: angles, strain, area, separation, gaps, atoms.

    Parameters
    ----------
    boundaries
        Structures by name; pairs of name and structure may come one after the other, so that a few large ones need
        not be kept.
    markdown
        As a table for a page of documentation.

    Raises
    ------
    StructureError
        One of them is no boundary of this package.
    """
    head = ["name", "true °", "nominal °", "strain %", "area Å²", "separation Å", "gaps Å", "both equal", "atoms"]
    pairs = boundaries.items() if isinstance(boundaries, Mapping) else boundaries
    rows = [[name, *_entries(atoms)] for name, atoms in pairs]
    if markdown:
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    return "\n".join(
        "  ".join(
            entry.ljust(width) if k == 0 else entry.rjust(width)
            for k, (entry, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, *rows]
    )


def indices(numbers: Iterable[object], brackets: str = "()") -> str:
    """Miller indices as they are written: (1 2 0)."""
    return brackets[0] + " ".join(map(str, numbers)) + brackets[1]


def _entries(atoms: Atoms) -> list[str]:
    record = boundary_record(atoms)
    found, nominal = record["disorientation"], record["nominal"]
    equal = None if None in record["planes"] else record["equivalent"]["equivalent"]
    return [
        "–" if found is None else f"{found['angle']:.2f}",
        "–" if nominal is None else f"{nominal['angle']:.2f}",
        f"{100 * record['strain']:.2f}",
        f"{record['area']:.1f}",
        f"{min(record['separations']):.1f}",
        ", ".join(f"{gap:.2f}" for gap in record["gaps"]),
        "–" if equal is None else "yes" if equal else "no",
        str(len(atoms)),
    ]


def _misorientation(record: Json) -> list[tuple[str, str]]:
    rows = []
    nominal, found = record["nominal"], record["disorientation"]
    if nominal is not None:
        what = f"Σ{nominal['sigma']}, {nominal['angle']:.2f}° about {indices(nominal['axis'], '[]')}"
        rows.append(("nominal", f"{what}: of a cubic crystal with this name"))
    if found is not None:
        about = found["tilt_axis"] or found["direction"]
        axis = indices(about, "[]") if about else indices((f"{x:.3f}" for x in found["axis"]), "[]") + " Cartesian"
        rows.append(("disorientation", f"{found['angle']:.2f}° about {axis}, the true one"))
    if record["chirality"]:
        rows.append(("chirality", record["chirality"]))
    strains = [_largest(strain) for strain in record["strains"]]
    text = "none"
    if record["strain"] > NO_STRAIN:
        text = f"{100 * record['strain']:.3f} % between the grains"
        text += ": " + ", ".join(
            f"{100 * s:.3f} % in the {w}" for s, w in zip(strains, ("lower", "upper"), strict=True)
        )
    return [*rows, ("strain", text)]


def _grains(atoms: Atoms, record: Json) -> list[tuple[str, str]]:
    rows = []
    for grain, which in enumerate(("lower", "upper")):
        plane = record["planes"][grain]
        if plane is None:
            glass = record["glass"]
            rows.append((f"{which} side", f"glass, {_units(glass['units'])}, {record['separations'][grain]:.1f} Å"))
            continue
        crystal = record["crystals"][min(grain, len(record["crystals"]) - 1)]
        lengths = " × ".join(f"{length:.3f}" for length in np.linalg.norm(crystal["cell"], axis=1))
        text = (
            f"{crystal['formula']} {indices(plane)}, {record['lattice_planes'][grain]} planes of "
            f"{record['spacings'][grain]:.3f} Å = {record['separations'][grain]:.1f} Å, cut at "
            f"{record['terminations'][grain]:.4f}; cell {lengths} Å"
        )
        rows.append((f"{which} grain", text))
    lengths, angles = atoms.cell.lengths(), atoms.cell.angles()
    cell = " × ".join(f"{length:.2f}" for length in lengths) + " Å"
    if np.abs(angles - 90).max() > 1e-3:
        cell += ", " + ", ".join(f"{angle:.2f}" for angle in angles) + "°"
    sides = " × ".join(f"{length:.2f}" for length in np.linalg.norm(record["cell"], axis=1))
    repeats = " × ".join(map(str, record["repeats"]))
    rows += [
        ("cell", cell + ("" if record["vacuum"] is None else f", {record['vacuum']:g} Å of vacuum on either side")),
        ("boundary cell", f"{sides} Å, {record['area']:.1f} Å², repeated {repeats}"),
    ]
    return rows


def _joint(record: Json) -> list[tuple[str, str]]:
    fractions = ", ".join(f"{x:.4f}" for x in record["translation"]["fractions"])
    vector = ", ".join(f"{round(x, 3) + 0.0:.3f}" for x in record["translation"]["vector"])
    rows = [
        ("translation", f"{fractions} of the boundary cell = {vector} Å"),
        ("gaps", ", ".join(f"{gap:.3f}" for gap in record["gaps"]) + " Å beyond the bulk's spacing"),
    ]
    if record["removed"]["groups"]:
        rows.append(("removed", f"{record['removed']['groups']} × ({record['removed']['formula']})"))
    return [*rows, ("two boundaries", _equivalence(record))]


def _equivalence(record: Json) -> str:
    found = record["equivalent"]
    if len(record["boundaries"]) < 2:
        return "one only: a slab with two surfaces"
    if found["equivalent"] is None or None in record["planes"]:
        return "not compared: on one side is a glass"
    if found["equivalent"]:
        return f"the same by a {found['operation']}, to {found['deviation']:.1g} Å within {found['depth']:.1f} Å"
    return f"different within {found['depth']:.1f} Å: no operation takes one to the other"


def _contents(atoms: Atoms, record: Json) -> list[tuple[str, str]]:
    from betalps.structures.boundaries.overlaps import find_overlaps

    bonds = None if record["bonds"] is None else pairs_of(record["bonds"])
    units = bonded_units(atoms, bonds).counts
    formula = atoms.get_chemical_formula("metal", empirical=True)
    fraction = record["contacts"]["fraction"]
    close = len(find_overlaps(atoms, contact=fraction)) if fraction else None
    said = "not asked for" if close is None else f"{close} pairs below {100 * fraction:g} % of the crystal's shortest"
    return [("contacts", said), ("units", _units(units)), ("atoms", f"{len(atoms)}, {formula}")]


def _units(counts: Mapping[str, int]) -> str:
    return " ".join(f"{number} {kind}" for kind, number in counts.items())


def _largest(strain: list[list[float]]) -> float:
    return float(np.abs(np.linalg.eigvalsh(np.array(strain))).max())
