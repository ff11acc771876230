"""Starting structures by name: crystals, random lithium fillings, slabs, tilt boundaries."""

from __future__ import annotations

import itertools

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.geometry import get_distances

from betalps.datasets import strained
from betalps.structures import beta_li3ps4, gamma_li3ps4

_PS_BOND = 2.6  # Å: a sulfur belongs to the phosphorus within
_NEAR_SITES = 2.4  # Å: of two lithium sites so close only one is filled
_GAP = 1.0  # Å: added at each boundary of a bicrystal


def build(name: str, seed: int) -> Atoms:
    """Structure of a name: ``beta:4b4:1x2x2``, ``beta:random:1x2x2``, ``gamma:2x2x2``, ``slab:120:2``, ``tilt:120:2``.

    A last part ``@+0.05`` strains it isotropically. The number after a plane counts lattice planes in a slab or grain.
    """
    name, _, strain = name.partition("@")
    kind, *parts = name.split(":")
    rng = np.random.default_rng(seed)
    makers = {"beta": _beta, "gamma": _gamma, "slab": _slab, "tilt": _tilt}
    atoms = makers[kind](*parts, rng=rng)
    atoms = strained(atoms, [float(strain)])[0] if strain else atoms
    atoms.info = {}
    return atoms


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split("x"))


def _beta(ordering: str, repeats: str, rng: np.random.Generator) -> Atoms:
    if ordering == "random":
        return random_filling(_counts(repeats), rng)
    return beta_li3ps4(_counts(repeats), ordering=ordering)


def _gamma(repeats: str, rng: np.random.Generator) -> Atoms:
    return gamma_li3ps4(_counts(repeats))


def random_filling(repeats: tuple[int, ...], rng: np.random.Generator) -> Atoms:
    """β with its mobile Li on random 4b and 4c sites, no two within 2.4 Å."""
    full, other = beta_li3ps4(repeats), beta_li3ps4(repeats, ordering="4c4")
    b_sites, c_sites = _mobile(full), _mobile(other)
    others = full.cell.cartesian_positions(other.get_scaled_positions()[c_sites])
    positions = np.concatenate([full.positions[b_sites], others])
    _, distances = get_distances(positions, cell=full.cell, pbc=True)
    while True:
        free = np.ones(len(positions), dtype=bool)
        taken: list[int] = []
        while len(taken) < len(b_sites) and free.any():
            site = int(rng.choice(np.flatnonzero(free)))
            taken.append(site)
            free &= distances[site] > _NEAR_SITES
        if len(taken) == len(b_sites):
            break
    full.positions[b_sites] = positions[taken]
    return full


def _mobile(atoms: Atoms) -> np.ndarray:
    """The Li of 4b and 4c: those whose first coordinate is near 0 (8d: near 1/3, 1/6, 2/3, 5/6)."""
    repeats = round(atoms.cell.lengths()[0] / 13.1)
    first = np.mod(atoms.get_scaled_positions()[:, 0] * repeats * 2 + 0.5, 1.0) - 0.5
    found = np.flatnonzero((np.abs(first) < 0.2) & (atoms.numbers == 3))
    assert len(found) == len(atoms) // 8
    return found


def _plane(text: str) -> tuple[int, ...]:
    return tuple(int(h) for h in text.split(",")) if "," in text else tuple(int(h) for h in text)


def _oriented(plane: tuple[int, ...]) -> Atoms:
    """The crystal in a cell with two vectors in the plane, the first along x, and a third that leads one plane up."""
    crystal = beta_li3ps4()
    steps = np.array(list(itertools.product(range(-9, 10), repeat=3)))
    lengths = np.linalg.norm(steps @ crystal.cell.array, axis=1)
    steps = steps[np.argsort(lengths, kind="stable")]
    within = [u for u in steps if u @ plane == 0 and u.any()]
    normal = crystal.cell.reciprocal().cartesian_positions(plane)
    area = crystal.get_volume() * np.linalg.norm(normal)
    for u, v in itertools.combinations(within[:60], 2):
        product = np.cross(u @ crystal.cell.array, v @ crystal.cell.array)
        if np.isclose(np.linalg.norm(product), area):
            break
    v = v if product @ normal > 0 else -v
    up = next(w for w in steps if w @ plane == 1)
    oriented = make_supercell(crystal, np.array([u, v, up]))
    oriented.set_cell(oriented.cell.standard_form()[0], scale_atoms=True)
    return oriented


def _layer(plane: str, count: int, rng: np.random.Generator) -> tuple[Atoms, float]:
    """Whole PS4 and Li of `count` lattice planes, the normal along z, and their height. Periodic in the plane."""
    slab = _oriented(_plane(plane)).repeat((1, 1, count))
    slab.positions += rng.random() * slab.cell[2]
    slab.wrap()
    centre = np.arange(len(slab))
    phosphorus = np.flatnonzero(slab.numbers == 15)
    for sulfur in np.flatnonzero(slab.numbers == 16):
        vectors = slab.get_distances(sulfur, phosphorus, mic=True, vector=True)
        nearest = int(np.argmin(np.linalg.norm(vectors, axis=1)))
        assert np.linalg.norm(vectors[nearest]) < _PS_BOND
        centre[sulfur] = phosphorus[nearest]
        slab.positions[sulfur] = slab.positions[phosphorus[nearest]] - vectors[nearest]
    height = float(slab.cell.array[2, 2])
    slab.positions[:, 2] -= slab.positions[centre, 2].min()
    return slab, height


def _slab(plane: str, count: str, rng: np.random.Generator) -> Atoms:
    """A slab with 10 Å of vacuum."""
    slab, height = _layer(plane, int(count), rng)
    slab.set_cell([*slab.cell[:2], [0.0, 0.0, height]])
    slab.center(vacuum=5.0, axis=2)
    slab.pbc = True
    return slab


def _tilt(plane: str, count: str, rng: np.random.Generator) -> Atoms:
    """A grain and its mirror image: the best of 300 rigid translations by the shortest distances at both boundaries."""
    grain, height = _layer(plane, int(count), rng)
    mirrored = grain.copy()
    mirrored.positions[:, 2] = 2 * height + _GAP - grain.positions[:, 2]
    both = grain + mirrored
    both.set_cell([grain.cell[0], grain.cell[1], [0.0, 0.0, 2 * (height + _GAP)]])
    both.pbc = True
    best, score = both, -np.inf
    for _ in range(300):
        trial = both.copy()
        trial.positions[len(grain) :] += rng.random(2) @ grain.cell.array[:2]
        found = _closeness(trial, len(grain))
        if found > score:
            best, score = trial, found
    return best


def _closeness(atoms: Atoms, first: int) -> float:
    """The shortest distance between two grains, each in units of what the pair has in crystals."""
    usual = {(3, 3): 2.8, (3, 15): 2.9, (3, 16): 2.3, (15, 15): 4.5, (15, 16): 3.8, (16, 16): 3.3}
    _, distances = get_distances(atoms.positions[:first], atoms.positions[first:], cell=atoms.cell, pbc=True)
    pairs = np.array([[usual[min(a, b), max(a, b)] for b in atoms.numbers[first:]] for a in atoms.numbers[:first]])
    return float((distances / pairs).min())
