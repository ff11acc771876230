"""A glass to start from without dynamics: the crystal's own units, packed at random."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from betalps.errors import StructureError
from betalps.structures.bonding import Bonds, Units, bonded_units
from betalps.structures.boundaries.record import plain
from betalps.structures.boundaries.translations import CONTACT
from betalps.structures.contacts import contact_table, shortest_contacts
from betalps.structures.glasses.packing import relieve
from betalps.typing import Floats, Integers, Seed

if TYPE_CHECKING:
    from ase import Atoms

_MOST_STEPS = 5000


def random_glass(
    crystal: Atoms,
    cell: ArrayLike,
    *,
    rng: Seed,
    density: float | None = None,
    atoms: int | None = None,
    contact: float = CONTACT,
    bonds: Bonds | None = None,
) -> Atoms:
    """Pack a crystal's units at random: a starting structure for a melt, not a glass that was ever relaxed.

    Whole units (PS4, Li) go to random places in random orientations, and are then moved and turned as rigid bodies
    until no contact is too short. The result has the crystal's composition, bonds and density and no order; its
    energy is far above that of a glass, and its ions are not where a melt would put them.

    Parameters
    ----------
    crystal
        Whose units, composition and shortest contacts are taken. Periodic in three directions.
    cell
        (3, 3) cell vectors in Å, one per row. The third is stretched to the density.
    rng
        Generator or seed.
    density
        In g/cm³; by default the crystal's.
    atoms
        At least so many; by default what fits into the cell as given, rounded to whole formula units.
    contact
        Fraction of the crystal's shortest contacts that is kept.
    bonds
        As for `bonded_units`.

    Returns
    -------
    ase.Atoms
        Periodic; units are whole, so that atoms may lie outside the cell. ``info["glass"]`` says how it was made.

    Raises
    ------
    ValueError
        A cell without volume, or numbers that are not positive.
    StructureError
        The crystal is not sound, or no packing with these contacts was found at this density.
    """
    box = np.array(cell, dtype=float)
    if box.shape != (3, 3) or not abs(np.linalg.det(box)) > 1e-6:
        raise ValueError(f"cell: expected three vectors that span a volume, shape (3, 3), got {box.tolist()}")
    for name, value in (("density", density), ("atoms", atoms), ("contact", contact)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} {value!r}: expected a number above 0")
    generator = np.random.default_rng(rng)
    units = bonded_units(crystal, bonds)
    formula = _formula(units)
    per_formula = len(crystal) * sum(formula.values()) // len(units)
    volume = crystal.get_volume() * per_formula / len(crystal)  # of a formula unit
    if density is not None:
        volume *= _density(crystal) / density
    copies = max(1, round(abs(np.linalg.det(box)) / volume)) if atoms is None else math.ceil(atoms / per_formula)
    box[2] *= copies * volume / abs(np.linalg.det(box))
    contacts = {pair: contact * length for pair, length in shortest_contacts([(crystal, units)]).items()}
    packed, labels = _scattered(crystal, units, formula, copies, box, generator)
    species = sorted(set(crystal.numbers.tolist()))
    limits = np.zeros((119, 119))
    limits[np.ix_(species, species)] = contact_table(contacts, species)
    steps = relieve(packed, labels, limits, most_steps=_MOST_STEPS)
    _check_units(packed, units, bonds)
    packed.info["glass"] = plain(
        {
            "method": "random packing of rigid units, not relaxed: a starting structure",
            "crystal": crystal.get_chemical_formula("metal"),
            "source": str(crystal.info.get("source", "")),
            "units": {kind: copies * number for kind, number in formula.items()},
            "density": _density(packed),
            "contact": contact,
            "steps": steps,
        }
    )
    return packed


def _formula(units: Units) -> dict[str, int]:
    """The least numbers of units in the right ratio, such as 3 Li and 1 PS4."""
    counts = units.counts
    divisor = math.gcd(*counts.values())
    return {kind: number // divisor for kind, number in counts.items()}


def _density(atoms: Atoms) -> float:
    """In g/cm³."""
    from betalps.units import GRAM_PER_CM3_PER_U_PER_ANGSTROM3

    return float(atoms.get_masses().sum() / atoms.get_volume() * GRAM_PER_CM3_PER_U_PER_ANGSTROM3)


def _scattered(
    crystal: Atoms, units: Units, formula: dict[str, int], copies: int, cell: Floats, rng: np.random.Generator
) -> tuple[Atoms, Integers]:
    """Units of the crystal at random places in random orientations, and the unit of each atom."""
    from ase import Atoms as AseAtoms
    from scipy.spatial.transform import Rotation

    of_kind = {kind: [n for n, name in enumerate(units.kinds) if name == kind] for kind in formula}
    members = [np.flatnonzero(units.labels == n) for n in range(len(units))]
    chosen = [n for kind, number in formula.items() for n in rng.choice(of_kind[kind], number * copies).tolist()]
    source = np.concatenate([members[n] for n in chosen])
    labels = np.repeat(np.arange(len(chosen)), [len(members[n]) for n in chosen])
    turns = Rotation.random(len(chosen), rng=rng)[labels]
    centres = rng.random((len(chosen), 3)) @ cell
    positions = centres[labels] + turns.apply(units.offsets[source])
    atoms = AseAtoms(crystal.numbers[source], positions=positions, cell=cell, pbc=True)
    return atoms, labels


def _check_units(packed: Atoms, units: Units, bonds: Bonds | None) -> None:
    found, expected = Counter(bonded_units(packed, bonds).kinds), set(units.kinds)
    if set(found) != expected:
        raise StructureError(
            f"packing made {dict(found)}: expected only {', '.join(sorted(expected))}; keep more of the contacts"
        )
