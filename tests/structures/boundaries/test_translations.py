"""Rigid translations move one grain and nothing else; energies, gradients and gaps agree with independent numbers."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.errors import StructureError
from betalps.neighbors import neighbor_list
from betalps.structures import beta_li3ps4
from betalps.structures.boundaries.bicrystals import tilt, twist
from betalps.structures.boundaries.overlaps import find_overlaps
from betalps.structures.boundaries.sizes import Size
from betalps.structures.boundaries.translations import minimised_translation, translated, translations


@pytest.fixture(scope="module")
def copper():
    return tilt(bulk("Cu", a=3.6, cubic=True), "(210)", size=Size(separation=8), translation=(0, 0))


@pytest.fixture(scope="module")
def beta():
    return tilt(beta_li3ps4(), "(2-10)", size=Size(separation=10), translation=(0, 0), gap=0.0)


@settings(deadline=None, max_examples=25)
@given(
    first=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    second=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    gaps=st.tuples(st.floats(0, 3), st.floats(0, 3)),
    wrap=st.booleans(),
)
def test_translations_are_absolute_and_rigid(beta, first, second, gaps, wrap):
    moved = translated(beta, first, gaps)
    if wrap:
        moved.wrap()
    back = translated(moved, (0, 0), 0.0)
    away = (back.positions - beta.positions) @ np.linalg.inv(beta.cell.array)
    np.testing.assert_allclose(away, away.round(), atol=1e-9)
    np.testing.assert_allclose(back.cell.array, beta.cell.array, atol=1e-9)
    again, direct = translated(moved, second, gaps), translated(beta, second, gaps)
    away = (again.positions - direct.positions) @ np.linalg.inv(direct.cell.array)
    np.testing.assert_allclose(away, away.round(), atol=1e-9)
    record = moved.info["boundary"]
    assert record["gaps"] == pytest.approx(gaps)
    assert record["translation"]["fractions"] == pytest.approx(first)
    assert record["boundaries"][0] == 0
    assert moved.cell[2, 2] == pytest.approx(beta.cell[2, 2] + sum(gaps))


def test_a_gap_opens_at_its_own_boundary(beta):
    """Far apart at one boundary, every contact between the grains is at the other; the planes are in the middle."""
    for number in (0, 1):
        gaps = [0.0, 0.0]
        gaps[number] = 20.0
        opened = translated(beta, (0, 0), gaps)
        pairs = neighbor_list(opened, 4.0)
        across = opened.arrays["grain"][pairs.i] != opened.arrays["grain"][pairs.j]
        height = opened.info["boundary"]["boundaries"][1 - number]
        away = opened.positions[pairs.i[across], 2] - height
        away -= opened.cell[2, 2] * np.rint(away / opened.cell[2, 2])
        assert across.any()
        assert np.abs(away).max() < 8
        assert opened.arrays["boundary"].min() < 2
        # the plane of the open boundary has nothing near it on either side
        empty = opened.positions[:, 2] - opened.info["boundary"]["boundaries"][number]
        empty -= opened.cell[2, 2] * np.rint(empty / opened.cell[2, 2])
        assert np.abs(empty).min() > 10 - 2.5


def test_gaps_of_every_translation_keep_the_contacts_and_are_the_least(beta):
    scan = translations(beta, step=2.0)
    assert scan.method == "contacts"
    assert scan.scores.shape == (scan.grid[0] * scan.grid[1],)
    for n in [*range(0, len(scan.scores), 7), scan.best]:
        for boundary in (0, 1):
            gaps = scan.gaps[n].copy()
            assert len(find_overlaps(translated(beta, scan.translations[n], gaps))) == 0
            if gaps[boundary] > 0.01:
                gaps[boundary] -= 0.01
                assert len(find_overlaps(translated(beta, scan.translations[n], gaps))) > 0
    assert scan.gap == tuple(scan.gaps[scan.best])
    assert scan.scores[scan.best] == scan.scores.min()


def test_grid_holds_the_symmetric_translations(beta):
    scan = translations(beta, step=1.5)
    rows = {tuple(row) for row in scan.translations.round(9)}
    assert {(0, 0), (0.5, 0.5), (0.5, 0.75), (round(1 / 3, 9), round(2 / 3, 9))} <= rows
    lengths = np.linalg.norm(scan.cell, axis=1)
    assert np.all(lengths / scan.grid <= 1.5)


def test_energies_of_a_grid(copper):
    seen = []
    scan = translations(copper, step=2.7, calculator=EMT(), widen=(0.0, 0.3), observer=lambda *now: seen.append(now))
    assert scan.method == "energy"
    assert seen[-1] == (2 * len(scan.scores), 2 * len(scan.scores))
    moved = translated(copper, scan.translation, scan.gap)
    moved.calc = EMT()
    assert moved.get_potential_energy() == pytest.approx(scan.scores.min())
    relaxed = translations(copper, step=3.6, calculator=EMT(), relax=3)
    rigid = translations(copper, step=3.6, calculator=EMT())
    assert rigid.grid == (1, 3)
    assert np.all(relaxed.scores <= rigid.scores + 1e-9)


def test_minimum_is_one(copper):
    """No small move of the grain lowers the energy, which fell on the way; the cell of two periods is no other."""
    seen = []
    start = translated(copper, (0.2, 0.3), 0.6)
    found = minimised_translation(start, EMT(), fmax=1e-5, observer=lambda *now: seen.append(now))
    assert found.energy < found.start_energy
    assert len(seen) == found.evaluations
    rng = np.random.default_rng(0)
    for _ in range(12):
        move, widen = 0.02 * rng.normal(size=2) / 3.6, 0.02 * rng.normal(size=2)
        near = translated(found.atoms, np.add(found.translation, move), np.add(found.gap, widen))
        near.calc = EMT()
        assert near.get_potential_energy() > found.energy - 1e-6
    doubled = found.atoms.repeat((2, 1, 1))
    doubled.info["boundary"]["repeats"] = [2, 1]
    again = minimised_translation(doubled, EMT(), fmax=1e-5)
    assert again.energy == pytest.approx(2 * found.energy, abs=1e-5)
    assert again.translation == pytest.approx(found.translation, abs=1e-3)


def test_minimum_of_a_slab():
    """One boundary with vacuum: only one gap is free, and no stress is needed."""
    atoms = tilt(bulk("Cu", a=3.6, cubic=True), "(210)", size=Size(separation=8), vacuum=8.0, translation=(0.1, 0.1))
    found = minimised_translation(atoms, LennardJones(sigma=2.3, epsilon=0.4, rc=6.0), fmax=1e-4)
    assert len(found.gap) == 1
    assert found.energy < found.start_energy


def test_skewed_cells_keep_both_boundaries_alike():
    """Planes stacked askew: the third cell vector leans, and moving a grain across the border keeps it in one piece."""
    atoms = twist(beta_li3ps4(), "(120)", 0.0, lattice_planes=3, max_area=200)
    assert abs(atoms.cell[2, 1]) > 1
    wrapped = atoms.copy()
    wrapped.wrap()
    for source in (atoms, wrapped):
        moved = translated(source, (0.3, 0.4), (1.0, 2.0))
        back = translated(moved, (0.0, 0.0), 0.0)
        away = (back.positions - atoms.positions) @ np.linalg.inv(atoms.cell.array)
        np.testing.assert_allclose(away, away.round(), atol=1e-9)


def test_bad_arguments(beta):
    with pytest.raises(StructureError, match="carries no boundary"):
        translations(beta_li3ps4())
    with pytest.raises(ValueError, match=r"gap \(1\.0,\): expected a length in Å, or one for each of 2"):
        translated(beta, (0, 0), (1.0,))
    with pytest.raises(ValueError, match="expected two fractions"):
        translated(beta, (0, np.nan))
    with pytest.raises(ValueError, match="step -1 Å: expected a length above 0"):
        translations(beta, step=-1)
