"""The neighbour list of the core against matscipy's, and the public function on top of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.geometry import complete_cell
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matscipy.neighbours import neighbour_list

from betalps import _core
from betalps.errors import StructureError
from betalps.neighbors import Neighbors, neighbor_list

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # i, j, shifts, vectors
SEEDS = st.integers(0, 2**32 - 1)
PBC = st.tuples(st.booleans(), st.booleans(), st.booleans())


def by_matscipy(positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool], cutoff: float) -> Pairs:
    """Directions that are not periodic get a lattice vector normal to the others, as matscipy needs one."""
    cell = complete_cell(np.where(np.asarray(pbc)[:, None], cell, 0.0))
    if len(positions) == 0:
        return np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3), int), np.zeros((0, 3))
    return neighbour_list("ijSD", positions=positions, cell=cell, pbc=np.asarray(pbc), cutoff=cutoff)


def by_core(core: Any, cutoff: float) -> Pairs:
    """The core's candidates, filtered to the cutoff."""
    i, j, shifts, vectors = core.pairs()
    near = np.linalg.norm(vectors, axis=1) < cutoff
    return i[near], j[near], shifts[near], vectors[near]


def update(core: Any, positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]) -> bool:
    return core.update(positions, np.zeros(len(positions), np.int32), cell, list(pbc))


def assert_same(ours: Pairs, theirs: Pairs, atol: float = 1e-9) -> None:
    assert len(ours[0]) == len(theirs[0])
    sorted_pairs = []
    for i, j, shifts, vectors in (ours, theirs):
        order = np.lexsort((*np.asarray(shifts).T, j, i))
        sorted_pairs.append((np.column_stack((i, j, shifts))[order], vectors[order]))
    (ours_key, ours_vectors), (theirs_key, theirs_vectors) = sorted_pairs
    np.testing.assert_array_equal(ours_key, theirs_key)
    np.testing.assert_allclose(ours_vectors, theirs_vectors, rtol=0, atol=atol)


def off_the_edge(vectors: np.ndarray, cutoff: float) -> bool:
    """No distance so close to the cutoff that rounding decides about it."""
    return not np.any(np.abs(np.linalg.norm(vectors, axis=1) - cutoff) < 1e-9)


@st.composite
def structures(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[bool, bool, bool]]:
    """Positions in and around a cell that may be flat, skewed, or much smaller or larger than the cutoff."""
    rng = np.random.default_rng(draw(SEEDS))
    lengths = rng.uniform(0.8, 15.0, 3)
    skew = draw(st.sampled_from([0.0, 0.3, 1.5]))
    cell = (np.eye(3) + skew * rng.uniform(-1, 1, (3, 3))) * lengths[:, None]
    spacing = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    assume(spacing.min() > 0.5 and np.prod(lengths) > 3)
    outside = draw(st.sampled_from([0.0, 0.5, 5.0]))
    positions = rng.uniform(-outside, 1 + outside, (draw(st.integers(1, 12)), 3)) @ cell
    pbc = draw(PBC)
    zero = draw(st.booleans())
    return positions, np.where(np.asarray(pbc)[:, None] | (not zero), cell, 0.0), pbc


@settings(deadline=None, max_examples=300)
@given(structures(), st.floats(0.5, 6.0), st.sampled_from([0.0, 0.7]))
def test_matches_matscipy(structure: Any, cutoff: float, skin: float) -> None:
    positions, cell, pbc = structure
    expected = by_matscipy(positions, cell, pbc, cutoff)
    assume(off_the_edge(expected[3], cutoff))
    core = _core.NeighbourList(cutoff, skin)
    assert update(core, positions, cell, pbc)
    assert_same(by_core(core, cutoff), expected)


@settings(deadline=None, max_examples=60)
@given(structures(), st.floats(1.0, 5.0), st.sampled_from([0.0, 0.4, 1.5]), st.floats(0.01, 0.3), SEEDS)
def test_reuse_along_a_walk_equals_a_fresh_list(
    structure: Any, cutoff: float, skin: float, step: float, seed: int
) -> None:
    positions, cell, pbc = structure
    rng = np.random.default_rng(seed)
    core = _core.NeighbourList(cutoff, skin)
    for _ in range(12):
        update(core, positions, cell, pbc)
        expected = by_matscipy(positions, cell, pbc, cutoff)
        assume(off_the_edge(expected[3], cutoff))
        assert_same(by_core(core, cutoff), expected)
        strain = np.eye(3) + rng.normal(scale=0.02 * step, size=(3, 3))
        cell = cell @ strain
        positions = positions @ strain + rng.normal(scale=step, size=positions.shape) / 3
        positions = positions + rng.normal(scale=step, size=3)


def test_a_walk_reuses_the_list() -> None:
    rng = np.random.default_rng(5)
    atoms = bulk("Cu", cubic=True) * (3, 3, 3)
    positions, cell = atoms.positions.copy(), atoms.cell.array.copy()
    core = _core.NeighbourList(4.0, 1.0)
    rebuilt = []
    for step in range(100):
        rebuilt.append(update(core, positions, cell, [True] * 3))
        expected = by_matscipy(positions, cell, [True] * 3, 4.0)
        assert_same(by_core(core, 4.0), expected)
        strain = 1 + 0.001 * np.cos(0.2 * step)
        cell *= strain
        positions = positions * strain + rng.normal(scale=0.02, size=positions.shape)
    assert 2 <= sum(rebuilt) <= 20
    assert sum(rebuilt) == core.rebuilds


def test_a_common_drift_needs_no_rebuild() -> None:
    atoms = bulk("Cu", cubic=True)
    core = _core.NeighbourList(4.0, 0.5)
    update(core, atoms.positions, atoms.cell.array, atoms.pbc)
    moved = atoms.positions + np.array([7.0, -31.0, 2.5])
    assert not update(core, moved, atoms.cell.array, atoms.pbc)
    assert_same(by_core(core, 4.0), by_matscipy(moved, atoms.cell.array, atoms.pbc, 4.0))


def test_no_skin_rebuilds_whenever_atoms_move_apart() -> None:
    atoms = bulk("Cu", cubic=True)
    core = _core.NeighbourList(4.0, 0.0)
    assert update(core, atoms.positions, atoms.cell.array, atoms.pbc)
    assert not update(core, atoms.positions, atoms.cell.array, atoms.pbc)
    atoms.positions[1, 2] += 1e-9
    assert update(core, atoms.positions, atoms.cell.array, atoms.pbc)


def test_other_atoms_or_directions_rebuild() -> None:
    atoms = bulk("Cu", cubic=True)
    core = _core.NeighbourList(4.0, 1.0)
    update(core, atoms.positions, atoms.cell.array, [True, True, True])
    assert update(core, atoms.positions, atoms.cell.array, [True, True, False])
    assert_same(by_core(core, 4.0), by_matscipy(atoms.positions, atoms.cell.array, [True, True, False], 4.0))
    assert update(core, atoms.positions[:3], atoms.cell.array, [True, True, False])
    core.clear()
    assert update(core, atoms.positions[:3], atoms.cell.array, [True, True, False])


@pytest.mark.parametrize("size", [0.7, 2.0, 3.1])
def test_one_atom_and_its_images(size: float) -> None:
    cell = np.array([[size, 0, 0], [0.4 * size, size, 0], [0.3 * size, -0.2 * size, 1.1 * size]])
    core = _core.NeighbourList(5.0, 0.5)
    update(core, np.array([[9.0, -4.0, 1.0]]), cell, [True] * 3)
    expected = by_matscipy(np.array([[9.0, -4.0, 1.0]]), cell, [True] * 3, 5.0)
    assert len(expected[0]) > 10
    assert_same(by_core(core, 5.0), expected)


@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, True)])
def test_a_very_skewed_cell(pbc: tuple[bool, bool, bool]) -> None:
    rng = np.random.default_rng(2)
    cell = np.array([[5.0, 0, 0], [40.0, 5.0, 0], [-17.0, 23.0, 5.0]])
    positions = rng.uniform(size=(8, 3)) @ cell
    core = _core.NeighbourList(4.0, 0.5)
    update(core, positions, cell, pbc)
    assert_same(by_core(core, 4.0), by_matscipy(positions, cell, pbc, 4.0))


def test_far_apart_atoms_cost_no_memory() -> None:
    # Three clusters, a million angstrom apart, and a line of single atoms on the way.
    rng = np.random.default_rng(3)
    cluster = rng.uniform(0, 12, (60, 3))
    line = np.linspace(0.1, 0.9, 50)[:, None] * [1e6, -3e5, 7e5]
    places = np.array([[0, 0, 0], [1e6, 0, 0], [-1e6, 1e6, 2e5]])
    positions = np.concatenate([*(cluster + place for place in places), line])
    core = _core.NeighbourList(4.0, 1.0)
    update(core, positions, np.zeros((3, 3)), [False] * 3)
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    i, j = np.nonzero((distances < 4.0) & ~np.eye(len(positions), dtype=bool))
    assert len(i) > 1000
    expected = (i, j, np.zeros((len(i), 3), int), positions[j] - positions[i])
    assert_same(by_core(core, 4.0), expected, atol=1e-8)


def test_no_atoms() -> None:
    core = _core.NeighbourList(4.0, 1.0)
    assert update(core, np.zeros((0, 3)), np.eye(3), [True] * 3)
    assert all(len(array) == 0 for array in core.pairs())
    assert not update(core, np.zeros((0, 3)), np.eye(3), [True] * 3)


CELL = np.diag([5.0, 6.0, 7.0])
GOOD = np.array([[0.1, 0.2, 0.3], [1.5, 2.5, 3.5]])


BAD = [
    ([[0, 0, 0], [1, np.nan, 2]], CELL, "TTT", r"position of atom 1 is \(1, nan, 2\): expected finite"),
    ([[0, 0, np.inf], [1, 1, 2]], CELL, "FFF", r"position of atom 0 is \(0, 0, inf\): expected finite"),
    ([[0, 0, 0], [1, -2e9, 2]], CELL, "TTT", r"position of atom 1 is \(1, -2000000000, 2\): .* at most 1e9"),
    (GOOD, np.diag([5.0, np.nan, 7.0]), "TTT", r"lattice vector 1 is \(0, nan, 0\): expected finite"),
    (GOOD, np.diag([5.0, 0, 7.0]), "TTT", r"direction 1 is periodic but its lattice vector is \(0, 0, 0\)"),
    (GOOD, [[1, 2, 3], [2, 4, 6], [0, 0, 1]], "TTT", r"linearly dependent: \(1, 2, 3\) \(2, 4, 6\)"),
    (GOOD, [[1, 2, 3], [2, 4, 6], [0, 0, 0]], "TTF", r"linearly dependent: \(1, 2, 3\) \(2, 4, 6\)$"),
    (GOOD, np.diag([0.01, 0.02, 0.01]), "TTT", r"too small or too flat: about .* images of its atoms"),
    (GOOD[:, :2], CELL, "TTT", r"positions has shape \(2, 2\): expected \(atoms, 3\)"),
    (GOOD, CELL[:2], "TTT", r"cell has shape \(2, 3\): expected \(3, 3\)"),
]


@pytest.mark.parametrize(("positions", "cell", "directions", "message"), BAD)
def test_bad_input_is_named_and_leaves_the_list(positions: Any, cell: Any, directions: str, message: str) -> None:
    core = _core.NeighbourList(4.0, 1.0)
    update(core, GOOD, CELL, [True] * 3)
    before = core.pairs()
    with pytest.raises(ValueError, match=message):
        update(core, np.asarray(positions, float), cell, [direction == "T" for direction in directions])
    for old, new in zip(before, core.pairs(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not update(core, GOOD, CELL, [True] * 3)
    assert core.rebuilds == 1


def test_an_open_direction_needs_a_finite_cell_too() -> None:
    core = _core.NeighbourList(4.0, 1.0)
    update(core, GOOD, CELL, [True, True, False])
    with pytest.raises(ValueError, match=r"lattice vector 2 is \(0, 0, inf\)"):
        update(core, GOOD, np.diag([5.0, 6.0, np.inf]), [True, True, False])


def test_species_of_another_length() -> None:
    core = _core.NeighbourList(4.0, 1.0)
    with pytest.raises(ValueError, match=r"species has shape \(1,\): expected \(2,\), one per position"):
        core.update(GOOD, np.zeros(1, np.int32), CELL, [True] * 3)


@pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf])
def test_bad_cutoff(cutoff: float) -> None:
    with pytest.raises(ValueError, match=r"cutoff is .*: expected a finite length above 0, in Angstrom"):
        _core.NeighbourList(cutoff, 1.0)


@pytest.mark.parametrize("skin", [-0.1, np.nan, np.inf])
def test_bad_skin(skin: float) -> None:
    with pytest.raises(ValueError, match=r"skin is .*: expected a finite length of at least 0, in Angstrom"):
        _core.NeighbourList(5.0, skin)


def test_public_function() -> None:
    atoms = bulk("Cu", cubic=True)
    nearest = 3.61 / np.sqrt(2)
    found = neighbor_list(atoms, 1.01 * nearest)
    assert isinstance(found, Neighbors)
    np.testing.assert_array_equal(np.bincount(found.i), [12] * 4)
    assert np.all(np.diff(found.i) >= 0)
    np.testing.assert_allclose(found.distances, nearest)
    np.testing.assert_allclose(
        found.vectors, atoms.positions[found.j] + found.shifts @ atoms.cell.array - atoms.positions[found.i]
    )


def test_public_function_excludes_the_cutoff_itself() -> None:
    atoms = Atoms("Li3", [[0, 0, 0], [2, 0, 0], [5, 0, 0]])
    assert len(neighbor_list(atoms, 2.0).i) == 0
    assert neighbor_list(atoms, 3.5).i.tolist() == [0, 1, 1, 2]


def test_public_function_names_a_bad_position() -> None:
    atoms = Atoms("Li2", [[0, 0, 0], [np.nan, 0, 0]])
    with pytest.raises(StructureError, match="position of atom 1"):
        neighbor_list(atoms, 2.0)
