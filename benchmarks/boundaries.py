"""The same grain boundaries of β-Li3PS4 by betalps, aimsgb and pymatgen: what comes out, and how long it takes.

    pip install betalps aimsgb pymatgen
    python benchmarks/boundaries.py                 # prints a table; --markdown for a page

Indices are those of the axes sorted by length (a = 6.27, b = 8.12, c = 13.08 Å), as aimsgb and pymatgen have them;
betalps takes them with setting="sorted". Every structure is judged by the same function, which knows nothing of who
made it: composition, P with other than four S, shortest contact, P-S bonds, and how the grains' interiors compare with
the crystal. A package that is not installed is left out.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from betalps.structures import Size, beta_li3ps4, boundary

SEPARATION = 30.0  # Å, at least, where the package lets us choose
MAX_DENOMINATOR = 5  # of pymatgen's axial ratios: its default
BOND = 2.65  # Å, longest P-S bond
INTERIOR = 9.0  # Å from a boundary
MISPLACED = 0.05  # largest relative change of a P-P distance that is still taken for strain


@dataclass(frozen=True)
class Case:
    """A boundary: its name, Σ and plane about [001] as aimsgb takes them; the angle that pymatgen is to be near."""

    name: str
    sigma: int
    plane: tuple[int, int, int]
    angle: float

    @property
    def is_twist(self) -> bool:
        return self.plane == (0, 0, 1)


def tilt_angle(plane: tuple[int, int, int], cell: np.ndarray) -> float:
    """Of a plane (h k 0) of an orthorhombic crystal and its mirror image, about c: 2 φ, tan φ = |h| b / (|k| a)."""
    h, k, _ = plane
    return math.degrees(2 * math.atan2(abs(h) * cell[1], abs(k) * cell[0]))


@dataclass(frozen=True)
class Made:
    """A structure, where its boundaries are along one cell vector (in fractions), what its maker says of strain."""

    atoms: Atoms
    axis: int
    fractions: tuple[float, float]
    strain: float | None
    seconds: float


def by_betalps(case: Case, crystal: Atoms) -> Made:
    began = time.perf_counter()
    atoms = boundary(case.name, crystal, "sorted", size=Size(separation=SEPARATION))
    seconds = time.perf_counter() - began
    record = atoms.info["boundary"]
    height = atoms.cell.array[2, 2]
    low, high = (z / height for z in record["boundaries"])
    return Made(atoms, 2, (low, high), record["strain"], seconds)


def by_aimsgb(case: Case, crystal: Atoms) -> Made:
    from aimsgb import Grain, GrainBoundary
    from pymatgen.io.ase import AseAtomsAdaptor

    grain = Grain.from_sites(AseAtomsAdaptor.get_structure(crystal)[:])
    began = time.perf_counter()
    one = GrainBoundary([0, 0, 1], case.sigma, list(case.plane), grain)
    thickness = one.grain_a.lattice.matrix[one.direction][one.direction]
    times = max(2, math.ceil(SEPARATION / thickness))
    made = GrainBoundary([0, 0, 1], case.sigma, list(case.plane), grain, times, times)
    stacked = Grain.stack_grains(made.grain_a, made.grain_b, direction=made.direction, to_primitive=False)
    seconds = time.perf_counter() - began
    return Made(AseAtomsAdaptor.get_atoms(stacked), made.direction, (0.0, 0.5), None, seconds)


def by_pymatgen(case: Case, crystal: Atoms) -> Made:
    from pymatgen.core.interface import GrainBoundaryGenerator
    from pymatgen.io.ase import AseAtomsAdaptor

    began = time.perf_counter()
    generator = GrainBoundaryGenerator(AseAtomsAdaptor.get_structure(crystal))
    ratio = generator.get_ratio(max_denominator=MAX_DENOMINATOR)
    known = [a for angles in generator.enum_sigma_ort(60, (0, 0, 1), ratio).values() for a in angles]
    angle = min(known, key=lambda a: abs(a - case.angle))
    found = generator.gb_from_parameters(
        (0, 0, 1), angle, expand_times=2, ratio=list(ratio), plane=case.plane, normal=True, max_search=5
    )
    seconds = time.perf_counter() - began
    return Made(AseAtomsAdaptor.get_atoms(found), 2, (0.0, 0.5), None, seconds)


MAKERS: dict[str, Callable[[Case, Atoms], Made]] = {
    "betalps": by_betalps,
    "aimsgb": by_aimsgb,
    "pymatgen": by_pymatgen,
}


@dataclass(frozen=True)
class Judged:
    """What a structure is like."""

    atoms: int
    formula: str
    broken: int
    phosphorus: int
    contact: tuple[float, str]
    bonds: tuple[float, float]
    misplaced: int
    interior: int
    strain: float


def judge(made: Made, crystal: Atoms) -> Judged:
    """Composition, units, contacts; and in the grains' interiors the P whose surroundings are not the crystal's."""
    atoms = made.atoms
    symbols = np.array(atoms.get_chemical_symbols())
    i, j, d = neighbor_list("ijd", atoms, 3.3)
    bonded = (symbols[i] == "P") & (symbols[j] == "S") & (d < BOND)
    count = np.bincount(i[bonded], minlength=len(atoms))[symbols == "P"]
    other = (symbols[i] != "P") | (symbols[j] != "S")
    other &= (symbols[i] != "S") | (symbols[j] != "P")
    nearest = int(np.argmin(np.where(other, d, math.inf)))
    misplaced, interior, strain = interiors(made, crystal)
    formula = atoms.get_chemical_formula("metal")
    exact = (symbols == "Li").sum() == 3 * (symbols == "P").sum() and (symbols == "S").sum() == 4 * len(count)
    return Judged(
        atoms=len(atoms),
        formula="Li3PS4" if exact else formula,
        broken=int((count != 4).sum()),
        phosphorus=len(count),
        contact=(float(d[nearest]), "-".join(sorted((str(symbols[i[nearest]]), str(symbols[j[nearest]]))))),
        bonds=(float(d[bonded].min()), float(d[bonded].max())),
        misplaced=misplaced,
        interior=interior,
        strain=strain,
    )


def interiors(made: Made, crystal: Atoms) -> tuple[int, int, float]:
    """P far from the boundaries: how many have other P around them than in the crystal, of how many; and strain.

    The distances from a P to its P neighbours, in ascending order, are compared with the crystal's. Where their number
    differs, or one differs by more than a few per cent, the P is misplaced: a fault passes there. Of the others the
    largest relative difference, the median over the P, is what we call strain.
    """
    reach = gap_in_distances(crystal)
    (expected, *_), _ = neighbour_distances(crystal, reach)
    found, places = neighbour_distances(made.atoms, reach)
    cell = made.atoms.cell.array
    height = made.atoms.get_volume() / np.linalg.norm(np.cross(*np.delete(cell, made.axis, axis=0)))
    away = np.abs(places[:, made.axis, None] - np.array(made.fractions))
    inside = np.minimum(away, 1 - away).min(axis=1) * height > INTERIOR
    change = np.array(
        [np.abs(np.log(d / expected)).max() if len(d) == len(expected) else math.inf for d in found], dtype=float
    )[inside]
    sound = change < MISPLACED
    return int((~sound).sum()), int(inside.sum()), float(np.median(change[sound])) if sound.any() else math.nan


def neighbour_distances(atoms: Atoms, reach: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Distances from each P to its P neighbours, in ascending order; and the P's fractional places."""
    lattice = atoms[atoms.numbers == 15]
    i, d = neighbor_list("id", lattice, reach)
    return [np.sort(d[i == k]) for k in range(len(lattice))], lattice.get_scaled_positions()


def gap_in_distances(crystal: Atoms) -> float:
    """A cutoff in the widest gap of the crystal's P-P distances from 6 to 10 Å: strain moves no neighbour across."""
    d = neighbor_list("d", crystal[crystal.numbers == 15], 10.0)
    d = np.sort(d[d > 6.0])
    widest = int(np.argmax(np.diff(d)))
    return float((d[widest] + d[widest + 1]) / 2)


def rows(crystal: Atoms) -> Iterator[list[str]]:
    cell = np.sort(crystal.cell.lengths())
    planes = {"Σ5": (5, [(1, 2, 0), (1, 3, 0), (2, -1, 0)]), "Σ13": (13, [(1, 5, 0)])}
    cases = [
        Case(f"{name}[001]/({''.join(map(str, plane))})", sigma, plane, tilt_angle(plane, cell))
        for name, (sigma, tilts) in planes.items()
        for plane in tilts
    ]
    cases.append(Case("Σ5[001]/(001)", 5, (0, 0, 1), 53.13))
    for case in cases:
        for maker, make in MAKERS.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = make(case, crystal)
            except ImportError:
                continue
            except Exception as error:  # noqa: BLE001  (what a peer cannot do is a result too)
                yield [case.name, maker, f"{type(error).__name__}: {error}"[:60], *[""] * 8]
                continue
            found = judge(made, crystal)
            yield [
                case.name,
                maker,
                str(found.atoms),
                found.formula,
                f"{found.broken} of {found.phosphorus}",
                f"{found.contact[0]:.2f} {found.contact[1]}",
                f"{found.bonds[0]:.2f}–{found.bonds[1]:.2f}",
                f"{found.misplaced} of {found.interior}",
                f"{100 * found.strain:.2f}",
                "none" if made.strain is None else f"{100 * made.strain / 2:.2f}",  # half of it in either grain
                f"{made.seconds:.1f}",
            ]


HEAD = [
    "boundary",
    "by",
    "atoms",
    "composition",
    "P not in PS4",
    "else shortest Å",
    "P–S bonds Å",
    "misplaced inside",
    "strain %",
    "stated %",
    "s",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    if arguments.markdown:
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    else:
        print("  ".join(entry.ljust(width) for entry, width in zip(HEAD, WIDTHS, strict=True)))
    for row in rows(beta_li3ps4()):
        if arguments.markdown:
            print("| " + " | ".join(row) + " |", flush=True)
        else:
            print("  ".join(entry.ljust(width) for entry, width in zip(row, WIDTHS, strict=True)), flush=True)


WIDTHS = [15, 9, 6, 17, 13, 16, 12, 17, 9, 9, 6]

if __name__ == "__main__":
    main()
