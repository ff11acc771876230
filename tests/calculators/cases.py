"""Structures of every kind, and a potential with an active set that needs no reference data."""

import numpy as np
from ase import Atoms

from betalps.potentials import Potential
from betalps.potentials.active_set import ActiveSet
from betalps.structures import beta_li3ps4, gamma_li3ps4

BUNDLED = "beta-lps"


def rattled(atoms, size=0.1, seed=0):
    atoms.positions += np.random.default_rng(seed).normal(0, size, atoms.positions.shape)
    return atoms


def make_structures():
    """Structures that differ in everything a neighbour list could get wrong, by name."""
    found = {
        "crystal": rattled(beta_li3ps4()),
        "triclinic": rattled(beta_li3ps4(ordering="4b3_4c1")),
        "supercell": rattled(gamma_li3ps4((2, 1, 2))),
        "slab": rattled(beta_li3ps4()),
        "rod": rattled(gamma_li3ps4()),
        "molecule": Atoms("PS4", [[0, 0, 0], [1, 1, 1.2], [-1, -1, 1.2], [-1.2, 1, -1.1], [1.1, -1.2, -1.1]]),
        "self images": Atoms("Li2S", [[0, 0, 0], [1.9, 0.2, 0.1], [0.1, 1.8, 1.7]], cell=[3.2, 3.4, 3.6], pbc=True),
        "one atom": Atoms("Li", cell=[[2.4, 0, 0], [0.7, 2.5, 0], [-0.4, 0.9, 2.6]], pbc=True),
        "far outside": rattled(beta_li3ps4()),
        "isolated atom": Atoms("P"),
    }
    found["slab"].center(vacuum=6, axis=2)
    found["slab"].pbc = (True, True, False)
    found["rod"].pbc = (False, True, False)
    found["far outside"].positions += [500, -300, 170]
    shear = np.array([[1, 0.1, 0], [0, 1, -0.2], [0.15, 0, 1]])
    found["triclinic"].set_cell(found["triclinic"].cell.array @ shear, scale_atoms=True)
    return found


STRUCTURES = sorted(make_structures())


def arrays(atoms):
    return atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc


def random_potential(species=("Li", "P", "S"), level=8, **changes):
    settings = {"cutoff": 4.5, "min_dist": 1.5, "radial_size": 4, "rng": 7} | changes
    return Potential.from_level(level, species, **settings)


def with_active_set(potential, *, mode="neighbourhood", unfilled=0):
    """The potential with an active set of random rows: grades of no meaning, but right ones."""
    n = potential.coeffs_count
    matrix = np.random.default_rng(3).normal(size=(n, n))
    matrix[:unfilled] *= 1e-8
    origin = np.zeros(n, dtype=np.int32)
    origin[:unfilled] = -1
    neighbourhood = mode == "neighbourhood"
    active_set = ActiveSet(
        mode=mode,
        matrix=matrix,
        inverse_transpose=np.linalg.inv(matrix).T,
        configuration=origin,
        equation=origin,
        unfilled=unfilled,
        energy_weight=0.0 if neighbourhood else 1.0,
        force_weight=0.0,
        stress_weight=0.0,
        site_energy_weight=1.0 if neighbourhood else 0.0,
        weight_scaling=2,
        configurations="",
    )
    return potential.replace(active_set=active_set)
