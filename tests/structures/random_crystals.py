"""Crystals of any lattice and any basis, for the property tests of the boundary builders."""

import numpy as np
from ase import Atoms
from ase.geometry import cellpar_to_cell
from hypothesis import assume
from hypothesis import strategies as st

from betalps.neighbors import neighbor_list

# rigid units, and ions by themselves; nothing of different units may come nearer than this
_SHAPES = {
    "CO": np.array([(0, 0, 0), (1.15, 0, 0)]),
    "PS4": 2.05 / np.sqrt(3) * np.array([(0, 0, 0), (1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]),
    "Li": np.zeros((1, 3)),
    "Na": np.zeros((1, 3)),
}
_APART = 2.9

planes = st.tuples(*[st.integers(-2, 3)] * 3).filter(lambda p: np.gcd.reduce(p) == 1)


@st.composite
def crystals(draw):
    """A crystal of two or three units, at least one of them a molecule, in a triclinic cell."""
    kinds = draw(st.sampled_from([("CO", "Li"), ("CO", "CO", "Na"), ("PS4", "Li"), ("PS4", "Li", "Na"), ("CO", "PS4")]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for _ in range(60):
        size = 4.5 + 2.5 * ("PS4" in kinds) + 0.8 * len(kinds)
        cell = cellpar_to_cell([*(size * rng.uniform(0.85, 1.3, 3)), *rng.uniform(70, 110, 3)])
        if draw(st.booleans()):
            cell = cell @ np.linalg.qr(rng.normal(size=(3, 3)))[0]  # any orientation, and left-handed half of the time
        parts = []
        for label, kind in enumerate(kinds):
            turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
            part = Atoms(kind, positions=_SHAPES[kind] @ turn + rng.uniform(size=3) @ cell)
            part.set_tags(label)
            parts.append(part)
        crystal = sum(parts[1:], start=parts[0])
        crystal.set_cell(cell)
        crystal.pbc = True
        pairs = neighbor_list(crystal, _APART)
        tags = crystal.get_tags()
        within = (tags[pairs.i] == tags[pairs.j]) & ~pairs.shifts.any(axis=1)
        if within.all():
            crystal.set_tags(None)
            crystal.wrap()
            return crystal
    assume(False)
    return None


def distances(atoms, cutoff=4.5):
    """All distances up to a cutoff, by pair of species: the same for the same crystal in any setting."""
    pairs = neighbor_list(atoms, cutoff)
    key = atoms.numbers[pairs.i] * 1000 + atoms.numbers[pairs.j]
    return {int(k): np.sort(pairs.distances[key == k]) for k in np.unique(key)}


def assert_same_crystal(one, other, factor):
    """`other` holds `factor` times the atoms of `one` and the same distances."""
    assert len(other) == factor * len(one)
    first, second = distances(one), distances(other)
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_allclose(np.repeat(values, factor), second[key], atol=1e-7)
