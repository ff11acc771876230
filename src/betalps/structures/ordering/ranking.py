"""Fillings of partially occupied sites in order of energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from betalps.structures.ordering.ewald import charges_of, check_neutral, ewald_matrix
from betalps.structures.ordering.fillings import Filling
from betalps.structures.ordering.sites import SiteOrder
from betalps.typing import Floats

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

Energies: TypeAlias = "Literal['ewald'] | BaseCalculator | Callable[[], BaseCalculator]"


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedFilling:
    """A filling and its energy.

    Attributes
    ----------
    filling
        Which sites are filled, and how many fillings are equal to it.
    energy
        eV per cell.
    above_lowest
        How far it is above the lowest, eV per atom.
    atoms
        The structure; relaxed, if that was asked for.
    converged
        Whether the relaxation reached its largest force; true without one.
    """

    filling: Filling
    energy: float
    above_lowest: float
    atoms: Atoms
    converged: bool


@dataclass(frozen=True, kw_only=True)
class RankingProgress:
    """How far a ranking is: `done` of `total` fillings, the last of which has this `energy` in eV per cell."""

    done: int
    total: int
    energy: float


def rank_fillings(
    order: SiteOrder,
    found: Sequence[Filling],
    by: Energies,
    *,
    charges: Mapping[str, float] | None = None,
    fmax: float | None = None,
    max_steps: int = 200,
    observer: Callable[[RankingProgress], None] | None = None,
) -> tuple[RankedFilling, ...]:
    """Sort fillings by energy.

    Parameters
    ----------
    order, found
        The sites, and their fillings: all of `fillings`, or those of interest.
    by
        ``"ewald"``: electrostatic energy of point charges, fast, and often right about which of many fillings are
        worth a calculator. Else an ASE calculator, or a function that makes one.
    charges
        Of each element, for ``"ewald"``: ``{"Li": 1, "P": 5, "S": -2}``.
    fmax
        Relax the positions, in the given cell, until no force is larger, eV/Å (ASE's LBFGS). None: as they stand.
    max_steps
        Of the relaxation.
    observer
        Called with a `RankingProgress` after every filling that a calculator did.

    Returns
    -------
    tuple of RankedFilling
        Lowest energy first; of equal ones in the order of `found`.

    Raises
    ------
    ValueError
        No fillings; ``"ewald"`` without charges or with a relaxation; charges or `fmax` that make no sense.
    StructureError
        For ``"ewald"``: a filling is not neutral.
    """
    if not found:
        raise ValueError("no fillings to rank")
    if fmax is not None and not fmax > 0:
        raise ValueError(f"fmax {fmax!r} eV/Å: expected more than 0, or None for no relaxation")
    if isinstance(by, str):
        if by != "ewald" or charges is None or fmax is not None:
            raise ValueError(
                f"by={by!r}, charges={charges!r}, fmax={fmax!r}: expected 'ewald' with charges and without relaxation, "
                "or a calculator"
            )
        energies = ewald_energies(order, found, charges).tolist()
        results = [(energy, order.atoms(one.labels), True) for energy, one in zip(energies, found, strict=True)]
    else:
        results = _calculated(order, found, by, fmax, max_steps, observer)
    lowest = min(energy / len(atoms) for energy, atoms, _ in results)
    ranked = [
        RankedFilling(
            filling=one,
            energy=energy,
            above_lowest=energy / len(atoms) - lowest,
            atoms=atoms,
            converged=converged,
        )
        for one, (energy, atoms, converged) in zip(found, results, strict=True)
    ]
    return tuple(sorted(ranked, key=lambda one: one.above_lowest))


def ewald_energies(order: SiteOrder, found: Sequence[Filling], charges: Mapping[str, float]) -> Floats:
    """Electrostatic energies of fillings.

    The interactions between all sites are summed once; each filling is then a product with its charges.

    Parameters
    ----------
    order, found, charges
        As for `rank_fillings`.

    Returns
    -------
    ndarray, shape (fillings,)
        eV per cell.

    Raises
    ------
    ValueError
        An element has no charge.
    StructureError
        A filling is not neutral, or two sites are at the same place.
    """
    fixed = charges_of(order.framework.get_chemical_symbols(), charges)
    by_label = np.concatenate([[0.0], charges_of(list(order.species), charges)])
    mobile = by_label[np.array([one.labels for one in found])]
    for total in set((fixed.sum() + mobile.sum(axis=1)).round(9).tolist()):
        check_neutral(total)
    positions = np.concatenate([order.framework.positions, order.positions])
    matrix = ewald_matrix(order.framework.cell.array, positions)
    charge = np.concatenate([np.broadcast_to(fixed, (len(found), len(fixed))), mobile], axis=1)
    energies: Floats = 0.5 * np.einsum("fi,fi->f", charge @ matrix, charge)
    return energies


def _calculated(
    order: SiteOrder,
    found: Sequence[Filling],
    by: BaseCalculator | Callable[[], BaseCalculator],
    fmax: float | None,
    max_steps: int,
    observer: Callable[[RankingProgress], None] | None,
) -> list[tuple[float, Atoms, bool]]:
    from ase.calculators.calculator import BaseCalculator
    from ase.optimize import LBFGS

    calculator = by if isinstance(by, BaseCalculator) else by()
    results = []
    for one in found:
        atoms = order.atoms(one.labels)
        atoms.calc = calculator
        converged = True
        if fmax is not None:
            with LBFGS(atoms, logfile=None) as optimizer:  # type: ignore[arg-type]  # ASE takes None, but does not say so
                converged = bool(optimizer.run(fmax=fmax, steps=max_steps))
        energy = float(atoms.get_potential_energy())
        atoms.calc = None
        results.append((energy, atoms, converged))
        if observer is not None:
            observer(RankingProgress(done=len(results), total=len(found), energy=energy))
    return results
