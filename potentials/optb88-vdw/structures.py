"""What to label: strained crystals, whose energies hold the lattice parameters, and snapshots of dynamics.

``structures()`` gives the same structures in every call: what has a label is known by its content.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms

from betalps.datasets import read, strained
from betalps.structures import beta_li3ps4, gamma_li3ps4

_DATA = Path(__file__).parents[1] / "beta-lps" / "data" / "start.extxyz.xz"
_ALL, _SINGLE = 0.02, 0.02  # strain of all three edges, and of one
_SNAPSHOTS = {("beta", 300): 9, ("beta", 600): 9, ("gamma", 300): 3, ("gamma", 600): 3, ("beta", 900): 8}
_SEED = 1
_MIRROR_NORMAL = {"gamma": 0, "beta": 1}  # axis


def structures() -> list[Atoms]:
    """In the order in which they are to be labelled: what is needed most comes first."""
    crystals = [crystal("gamma", gamma_li3ps4()), crystal("beta", beta_li3ps4())]
    alike, single = [], []
    for unstrained in crystals:
        alike += _strained(unstrained, [(0.0,) * 6, (-_ALL,) * 3 + (0.0,) * 3, (_ALL,) * 3 + (0.0,) * 3])
        steps = [tuple(sign * _SINGLE * (k == m) for m in range(6)) for k in range(3) for sign in (-1, 1)]
        single += _strained(unstrained, steps)
    snapshots = _snapshots()
    return [*alike, *snapshots[:2], *single, *snapshots[2:]]


def crystal(group: str, atoms: Atoms) -> Atoms:
    """A relaxed crystal with its mirror plane at the origin: there GPAW makes use of it."""
    import spglib

    axis = _MIRROR_NORMAL[group]
    found = spglib.get_symmetry((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=1e-3)
    mirror = np.diag([1, 1, 1])
    mirror[axis, axis] = -1
    number = next(n for n, rotation in enumerate(found["rotations"]) if (rotation == mirror).all())
    shifted = atoms.copy()
    scaled = atoms.get_scaled_positions()
    scaled[:, axis] -= found["translations"][number][axis] / 2
    shifted.set_scaled_positions(scaled % 1.0)
    shifted.info = {"group": f"{group} crystal", "source": f"relaxed {group}", "temperature_K": 0}
    return shifted


def _strained(unstrained: Atoms, strains: list[tuple[float, ...]]) -> list[Atoms]:
    found = []
    for strain in strains:
        atoms = strained(unstrained, [strain])[0] if any(strain) else unstrained.copy()
        atoms.info = {**unstrained.info, "strain": " ".join(f"{x + 0:g}" for x in strain[:3])}
        found.append(atoms)
    return found


def _snapshots() -> list[Atoms]:
    """Some of what beta-lps was trained on, so that both sources label them."""
    pool = [atoms for atoms in read(_DATA) if len(atoms) == 32]
    rng = np.random.default_rng(_SEED)
    found = []
    for (group, temperature), count in _SNAPSHOTS.items():
        fitting = [a for a in pool if (a.info["group"], a.info["temperature_K"]) == (group, temperature)]
        for k in rng.permutation(len(fitting))[:count]:
            atoms = fitting[k].copy()
            atoms.info = {**fitting[k].info, "group": f"{group} snapshot"}
            found.append(atoms)
    return found
