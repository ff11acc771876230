"""Rigid translations: one grain of a boundary moved against the other, sideways and apart.

In a periodic bicrystal one translation acts at both boundaries, so both count. They can be moved apart independently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from betalps.structures.boundaries.record import boundary_record, mark, pairs_of
from betalps.structures.contacts import contact_table, least_gaps
from betalps.typing import Bools, Floats, Json

if TYPE_CHECKING:
    from ase import Atoms

CONTACT = 0.9
"""The fraction of the crystal's shortest contacts that a boundary keeps, unless told otherwise."""

_FLOOR = -1.0  # Å; gaps are compared down to this

Gaps: TypeAlias = tuple[float, ...]
Side: TypeAlias = tuple[Bools, Floats]


@dataclass(frozen=True, kw_only=True, eq=False)
class Translations:
    """What a grid of rigid translations gave.

    Attributes
    ----------
    translations : ndarray, shape (n, 2)
        Of the upper grain, in fractions of the boundary's in-plane cell (before repeats).
    gaps : ndarray, shape (n, boundaries)
        By how much the grains are apart at each boundary beyond the bulk's spacing, in Å.
    scores : ndarray, shape (n,)
        The less the better: energies in eV; or the larger of the gaps in Å, negative down to -1 where the grains could
        even be nearer than in the bulk.
    method
        ``"energy"`` or ``"contacts"``.
    grid
        Translations along either cell vector; the first runs slowest.
    cell : ndarray, shape (2, 2)
        The boundary's in-plane cell in Å.
    """

    translations: Floats
    gaps: Floats
    scores: Floats
    method: Literal["energy", "contacts"]
    grid: tuple[int, int]
    cell: Floats

    @property
    def best(self) -> int:
        """Index of the least score; of equal ones that with the least gaps, then the first."""
        keys = np.column_stack([self.scores.round(9), self.gaps.sum(axis=1).round(9)])
        return int(np.lexsort(keys.T[::-1])[0])

    @property
    def translation(self) -> tuple[float, float]:
        """The best translation, to give to a builder or to `translated`."""
        first, second = self.translations[self.best].tolist()
        return first, second

    @property
    def gap(self) -> Gaps:
        """The gaps that belong to the best translation."""
        return tuple(self.gaps[self.best].tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class RigidMinimum:
    """The end of a minimisation over rigid translations.

    Attributes
    ----------
    atoms
        Moved; its record says by how much.
    translation, gap
        As in its record.
    energy, start_energy
        In eV, without and before relaxation of the atoms.
    evaluations
        Energies and forces that it took.
    """

    atoms: Atoms
    translation: tuple[float, float]
    gap: Gaps
    energy: float
    start_energy: float
    evaluations: int


def translated(
    atoms: Atoms, translation: Sequence[float] = (0.0, 0.0), gap: float | Sequence[float] | None = None
) -> Atoms:
    """Move the upper grain of a boundary rigidly.

    Parameters
    ----------
    atoms
        A boundary of this package; its record says where it stands now.
    translation
        Where to, absolute: in fractions of the boundary's in-plane cell (before repeats).
    gap
        Absolute too: by how much the grains are to be apart beyond the bulk's spacing at each boundary, in Å, in
        the order of the record's ``boundaries``; one number for both. None keeps what is there.

    Returns
    -------
    ase.Atoms
        A new structure without calculator, its record brought up to date. Each grain lies in one piece.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    ValueError
        Not two finite fractions, or not a finite gap for each boundary.
    """
    record = boundary_record(atoms)
    goal = _pair(translation)
    gaps = as_gaps(record["gaps"] if gap is None else gap, len(record["boundaries"]))
    old = tuple(record["gaps"])
    moved = _contiguous(atoms, record)
    cell, upper = moved.cell.array.copy(), moved.arrays["grain"] == 1
    fraction = np.subtract(goal, record["translation"]["fractions"])
    moved.positions[upper, :2] += fraction @ boundary_cell(moved, record)
    middle = gaps[-1] - old[-1]
    border = gaps[0] - old[0] if len(gaps) == 2 else 0.0
    moved.positions[:, 2] += border / 2
    moved.positions[upper, 2] += middle
    cell[2, 2] += middle + border
    heights = [*record["boundaries"][:-1], record["boundaries"][-1] + (middle + border) / 2]
    record = {**record, "gaps": list(gaps), "boundaries": heights}
    vector = np.asarray(goal) @ boundary_cell(moved, record)
    record["translation"] = {"fractions": list(goal), "vector": vector.tolist()}
    moved.set_cell(cell)
    mark(moved, record)
    return moved


def translations(
    atoms: Atoms,
    *,
    step: float = 0.5,
    contact: float = CONTACT,
    calculator: Any = None,
    widen: Sequence[float] = (0.0,),
    relax: int = 0,
    fmax: float = 0.05,
    observer: Callable[[int, int], None] | None = None,
) -> Translations:
    """Score a grid of rigid translations of a boundary.

    Parameters
    ----------
    atoms
        A boundary of this package: of one in-plane cell, if a calculator is to see it. Its own translation and gaps
        do not matter.
    step
        Of the grid in Å, at most; the number of steps along either vector is a divisor or a multiple of twelve, so
        that the symmetric translations are among them.
    contact
        Each translation gets the least gaps at which no two atoms of different grains are nearer than this fraction
        of the crystal's shortest distance of such atoms that are not bonded. 0 leaves the gaps at zero.
    calculator
        Any ASE calculator; the score is its energy. Without one it is the larger of the gaps.
    widen
        With a calculator: additional gaps to try at each translation, in Å, the same at both boundaries.
    relax, fmax
        With a calculator: steps of FIRE in the fixed cell before the energy counts, and the force in eV/Å that ends
        them earlier.
    observer
        Called with the number of energies done and to do.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    ValueError
        Numbers that make no grid.
    """
    cell = boundary_cell(atoms, boundary_record(atoms))
    grid = grid_of(cell, step)
    points, needs = gap_map(atoms, grid, contact)
    gaps = rounded_gaps(needs)
    if calculator is None:
        return Translations(
            translations=points,
            gaps=gaps,
            scores=needs.max(axis=1),
            method="contacts",
            grid=grid,
            cell=cell,
        )
    chosen, energies = gaps.copy(), np.full(len(points), np.inf)
    for n, point in enumerate(points):
        for m, more in enumerate(widen):
            moved = translated(atoms, point.tolist(), (gaps[n] + more).tolist())
            energy = _energy(moved, calculator, relax, fmax)
            if energy < energies[n]:
                energies[n], chosen[n] = energy, gaps[n] + more
            if observer is not None:
                observer(n * len(widen) + m + 1, len(points) * len(widen))
    return Translations(translations=points, gaps=chosen, scores=energies, method="energy", grid=grid, cell=cell)


def grid_of(cell: Floats, step: float) -> tuple[int, int]:
    """How many steps of at most `step` Å make up either vector: a divisor or a multiple of twelve."""
    if not (math.isfinite(step) and step > 0):
        raise ValueError(f"step {step!r} Å: expected a length above 0")
    counts = [math.ceil(float(length) / step - 1e-9) for length in np.linalg.norm(cell, axis=1)]
    first, second = (next((n for n in (1, 2, 3, 4, 6) if n >= count), 12 * math.ceil(count / 12)) for count in counts)
    return first, second


def gap_map(
    atoms: Atoms, grid: tuple[int, int], contact: float, at: Sequence[float] = (0.0, 0.0)
) -> tuple[Floats, Floats]:
    """Least gaps of a grid of translations.

    Parameters
    ----------
    atoms
        A boundary of this package.
    grid
        How many translations along either vector of the boundary's cell.
    contact
        As for `translations`.
    at
        The grid's first translation, in fractions of the cell.

    Returns
    -------
    points : ndarray, shape (n, 2)
        Translations in fractions of the cell.
    needs : ndarray, shape (n, boundaries)
        In Å; negative where the grains could be nearer than in the bulk, down to -1.
    """
    if not (math.isfinite(contact) and contact >= 0):
        raise ValueError(f"contact {contact!r}: expected a fraction of the crystal's contacts, such as {CONTACT}")
    record = boundary_record(atoms)
    base = translated(atoms, at, 0.0)
    species = np.unique(base.numbers)
    table = contact * contact_table(pairs_of(record["contacts"]["shortest"]), species.tolist())
    rows, cell = np.searchsorted(species, base.numbers), boundary_cell(base, record)
    maps = []
    for (below, low), (above, high) in _sides(base, record):
        gaps = least_gaps((low, rows[below]), (high, rows[above]), cell, table, grid, _FLOOR)
        if not base.arrays["grain"][above].any():  # here the lower one is the grain that moves
            gaps = np.roll(gaps[::-1, ::-1], 1, axis=(0, 1))
        maps.append(gaps)
    flat = np.stack([gaps.ravel() for gaps in maps], axis=1)
    steps = np.stack(np.meshgrid(*(np.arange(n) / n for n in grid), indexing="ij"), axis=-1).reshape(-1, 2)
    return (steps + np.asarray(at)) % 1.0, flat


def rounded_gaps(needs: Floats) -> Floats:
    """Gaps that satisfy the needs: not negative, and rounded up to 0.001 Å."""
    return np.asarray(np.maximum(np.ceil((needs - 1e-9) * 1000) / 1000, 0.0) + 0.0, dtype=np.float64)


def minimised_translation(
    atoms: Atoms,
    calculator: Any,
    *,
    fmax: float = 1e-3,
    steps: int = 200,
    observer: Callable[[int, float], None] | None = None,
) -> RigidMinimum:
    """Minimise the energy over rigid translations of the upper grain and over the gaps, from where the boundary stands.

    Parameters
    ----------
    atoms
        A boundary of this package; start near a good translation of `translations`.
    calculator
        Any ASE calculator with forces and, for a periodic bicrystal, stress.
    fmax
        Converged when no force of one grain on the other, per atom of the smaller grain, exceeds this, in eV/Å.
    steps
        Of L-BFGS, at most.
    observer
        Called with the number of evaluations and the energy in eV.

    Raises
    ------
    StructureError
        `atoms` is no boundary of this package.
    """
    from scipy.optimize import minimize

    record = boundary_record(atoms)
    cell, count = boundary_cell(atoms, record), len(record["gaps"])
    grains = np.bincount(atoms.arrays["grain"], minlength=2)
    start = np.array([*(np.asarray(record["translation"]["fractions"]) @ cell), *record["gaps"]])
    energies: list[float] = []

    def place(x: Floats) -> Atoms:
        return translated(atoms, np.linalg.solve(cell.T, x[:2]).tolist(), x[2:].tolist())

    def evaluate(x: Floats) -> tuple[float, Floats]:
        moved = place(x)
        moved.calc = calculator
        energy, gradient = float(moved.get_potential_energy()), _rigid_gradient(moved, count)
        energies.append(energy)
        if observer is not None:
            observer(len(energies), energy)
        return energy, gradient

    options = {"maxiter": steps, "gtol": fmax * float(grains.min()), "ftol": 0.0}
    result = minimize(evaluate, start, jac=True, method="L-BFGS-B", options=options)
    final = place(result.x)
    reached = boundary_record(final)
    first, second = reached["translation"]["fractions"]
    return RigidMinimum(
        atoms=final,
        translation=(first, second),
        gap=tuple(reached["gaps"]),
        energy=float(result.fun),
        start_energy=energies[0],
        evaluations=len(energies),
    )


def boundary_cell(atoms: Atoms, record: Json) -> Floats:
    """(2, 2) in-plane cell of the boundary in Å, before repeats, as the structure has it now."""
    return np.asarray(atoms.cell.array[:2, :2] / np.array(record["repeats"])[:, None], dtype=np.float64)


def as_gaps(gap: float | Sequence[float], boundaries: int) -> Gaps:
    """One gap for each boundary."""
    gaps = (float(gap),) * boundaries if isinstance(gap, int | float) else tuple(float(g) for g in gap)
    if len(gaps) != boundaries or not all(math.isfinite(g) for g in gaps):
        raise ValueError(f"gap {gap!r}: expected a length in Å, or one for each of {boundaries} boundaries")
    return gaps


def _pair(translation: Sequence[float]) -> tuple[float, float]:
    pair = tuple(float(t) for t in translation)
    if len(pair) != 2 or not all(math.isfinite(t) for t in pair):
        raise ValueError(f"translation {translation!r}: expected two fractions of the boundary's cell")
    return pair[0], pair[1]


def _contiguous(atoms: Atoms, record: Json) -> Atoms:
    """A copy in which no grain is split by the cell's border along z."""
    copy: Atoms = atoms.copy()
    if not atoms.pbc[2]:
        return copy
    cell, (low, high) = atoms.cell.array, record["boundaries"]
    middle = np.where(atoms.arrays["grain"] == 0, (low + high) / 2, (high + low + cell[2, 2]) / 2)
    copy.positions -= np.rint((copy.positions[:, 2] - middle) / cell[2, 2])[:, None] * cell[2]
    return copy


def _sides(atoms: Atoms, record: Json) -> Iterator[tuple[Side, Side]]:
    """For each boundary: which atoms are below and above it, and where, each grain in one piece beside it."""
    lower, upper = atoms.arrays["grain"] == 0, atoms.arrays["grain"] == 1
    here = atoms.positions
    if len(record["boundaries"]) == 2:
        yield (upper, here[upper] - atoms.cell.array[2]), (lower, here[lower])
    yield (lower, here[lower]), (upper, here[upper])


def _energy(atoms: Atoms, calculator: Any, relax: int, fmax: float) -> float:
    atoms.calc = calculator
    if relax:
        from ase.optimize import FIRE

        with FIRE(atoms, logfile=None) as optimizer:
            optimizer.run(fmax=fmax, steps=relax)
    return float(atoms.get_potential_energy())


def _rigid_gradient(atoms: Atoms, gaps: int) -> Floats:
    """Derivative of the energy with respect to x and y of the upper grain and to the gaps, in eV/Å."""
    forces = atoms.get_forces()
    on_upper = forces[atoms.arrays["grain"] == 1].sum(axis=0)
    if gaps == 1:
        return np.asarray(-on_upper, dtype=np.float64)
    height = atoms.cell.array[2, 2]
    # a gap stretches the cell at fixed positions: what the stress says, less what it says of moving the atoms
    stretch = (atoms.get_volume() * atoms.get_stress(voigt=False)[2, 2] + forces[:, 2] @ atoms.positions[:, 2]) / height
    return np.array([-on_upper[0], -on_upper[1], stretch, stretch - on_upper[2]])
