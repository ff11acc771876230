"""Rings through a trajectory: regions, definitions, fractions and their errors, several processes."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from ase import Atoms

from analysis.homology.test_persistence import circle, in_order, square_lattice
from betalps.analysis.homology.persistence import persistence_diagram
from betalps.analysis.homology.ring_map import ring_map
from betalps.analysis.homology.rings import rings
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice, Box, slab_region
from betalps.trajectories import Trajectory


def crystal(frames=6, sigma=0.15, seed=0):
    """β-Li3PS4 with noise, in a cell long enough for the threshold of 4.5 Å that the tests use."""
    atoms = beta_li3ps4((1, 2, 2))
    rng = np.random.default_rng(seed)
    moves = rng.normal(scale=sigma, size=(frames, len(atoms), 3)) @ np.linalg.inv(atoms.cell.array)
    return Trajectory(
        symbols=atoms.symbols[:],
        fractional=atoms.get_scaled_positions() + moves,
        cells=atoms.cell.array,
        times=0.5 * np.arange(frames),
        pbc=True,
    )


def still(points, frames=1, cell=(60.0, 60.0, 60.0), pbc=False):
    atoms = Atoms(f"Li{len(points)}", positions=points, cell=cell, pbc=pbc)
    return Trajectory.from_atoms([atoms] * frames, np.arange(frames))


@pytest.fixture(scope="module")
def run():
    return crystal()


@pytest.fixture(scope="module")
def found(run):
    return rings(run, threshold=4.5, cut=0.3)


def table(found):
    return in_order(np.stack([found.births, found.deaths], axis=1))


def test_every_frame_is_its_diagram(run, found):
    lithium = run.indices("Li")
    for frame, atoms in enumerate(run):
        one = persistence_diagram(atoms.positions[lithium], atoms.cell.array, threshold=4.5, cut=0.3)
        mine = found.snapshot == frame
        np.testing.assert_allclose(in_order(np.stack([found.births, found.deaths], 1)[mine]), table(one))
        assert found.unclosed[frame] == one.unclosed
        assert found.copies[frame] == one.copies
    np.testing.assert_array_equal(found.ions, len(lithium))
    np.testing.assert_array_equal(found.times, run.times)


def test_the_ions_of_a_ring_are_those_of_the_trajectory(run, found):
    assert set(found.members.tolist()) <= set(run.indices("Li").tolist())
    assert ((found.sizes > 0) == (found.persistence > 0.3)).all()
    number = int(np.argmax(found.persistence))
    ring = found.ring(number)
    assert len(ring) == found.sizes[number] >= 4
    atoms = run[int(found.snapshot[number])]
    away = [atoms.get_distance(int(a), int(b), mic=True) for a, b in zip(ring, np.roll(ring, 1), strict=True)]
    assert max(away) == pytest.approx(found.births[number])
    assert not len(found.ring(int(np.argmin(found.persistence))))


def test_fractions_and_sizes_are_counted(found):
    for column, cut in enumerate(found.cuts):
        each = [np.mean(found.persistence[found.snapshot == frame] > cut) for frame in range(6)]
        np.testing.assert_allclose(found.series[:, column], each)
        assert found.fraction[column] == pytest.approx(np.mean(each))
    assert 0.3 in found.cuts
    assert (np.diff(found.fraction) <= 0).all()
    assert found.fraction_above(0.5) == (
        found.fraction[found.cuts == 0.5].item(),
        found.fraction_error[found.cuts == 0.5].item(),
    )
    share = np.bincount(found.sizes)[3:] / np.count_nonzero(found.sizes)
    np.testing.assert_allclose(found.size_fraction, share)
    np.testing.assert_array_equal(found.ring_sizes, np.arange(3, found.sizes.max() + 1))
    assert found.size_fraction[0] == 0.0  # no ring of three in a Rips filtration


def test_the_error_is_the_scatter_of_the_mean():
    means, errors = [], []
    for seed in range(12):
        one = rings(crystal(8, seed=seed), threshold=4.5, cut=0.3)
        means.append(one.fraction_above(0.3)[0])
        errors.append(one.fraction_above(0.3)[1])
    assert np.std(means, ddof=1) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.5)


def test_frames_that_remember_each_other_count_less():
    run = crystal(8)
    slow = Trajectory(
        symbols=run.symbols,
        fractional=np.repeat(run.fractional, 4, axis=0),
        cells=run.mean_cell,
        times=np.arange(32),
        pbc=True,
    )
    fast, repeated = (rings(one, threshold=4.5, cut=0.3) for one in (run, slow))
    assert repeated.fraction_above(0.3)[0] == pytest.approx(fast.fraction_above(0.3)[0])
    naive = repeated.series[:, repeated.cuts == 0.3].std() / np.sqrt(31)
    assert repeated.fraction_above(0.3)[1] > 1.4 * naive


def test_radii_are_half_of_diameters(run, found):
    half = rings(run, threshold=4.5, cut=0.15, cuts=[0.1], units="radius")
    np.testing.assert_allclose(half.births, found.births / 2)
    np.testing.assert_allclose(half.deaths, found.deaths / 2)
    np.testing.assert_array_equal(half.sizes, found.sizes)
    assert half.definition == "Rips filtration, sphere radii, L > 0.15 Å, to a diameter of 4.5 Å"
    assert found.definition.startswith("Rips filtration, sphere diameters, L > 0.3 Å")


def test_alpha_has_triangles(run):
    pytest.importorskip("gudhi", reason="the alpha filtration needs gudhi")
    alpha = rings(run[:2], threshold=4.5, cut=0.3, filtration="alpha")
    assert alpha.size_fraction[0] > 0.0
    assert alpha.parameters["software"].startswith("gudhi ")
    assert "alpha filtration" in alpha.definition


def test_a_region_takes_the_ions_inside_alone():
    points = np.concatenate([circle(8, 3.0, (30, 30, 10)), circle(10, 3.5, (30, 30, 40))])
    run = still(points, 3)
    assert sorted(rings(run).sizes) == [8, 8, 8, 10, 10, 10]
    low = rings(run, region=slab_region(run.mean_cell, 10.0, 10.0))
    np.testing.assert_array_equal(low.sizes, 8)
    np.testing.assert_array_equal(low.ions, 8)
    high = rings(run, region=AtomChoice(mask=np.arange(18) >= 8))
    assert set(high.members.tolist()) == set(range(8, 18))
    assert low.to_dict()["parameters"]["region"]["kind"] == "box"


def test_a_slab_may_end_at_its_faces():
    """Two squares across the cell's short axis: one slab, or a slab and its image."""
    square = square_lattice(2)[:, [0, 2, 1]] + [10.0, 5.0, 0.0]
    run = still(np.concatenate([square, square + np.array([0, 3.0, 0])]), cell=(30.0, 30.0, 6.5), pbc=True)
    whole = Box(centre=(0.5, 0.5, 0.25), lengths=(None, None, 6.4))
    closed = rings(run, region=whole)
    opened = rings(run, region=whole, periodic="in-plane")
    np.testing.assert_array_equal(opened.copies, 1)
    assert closed.copies.item() == 4
    assert len(closed.births) != 4 * len(opened.births)  # rings across the face
    assert opened.parameters["periodic"] == [True, True, False]
    assert len(opened.births) == 5  # of the six faces of a cube
    by_name = rings(run, region=whole, periodic=(True, True, False))
    np.testing.assert_array_equal(by_name.births, opened.births)
    moved = still(run[0].positions + np.array([0, 0, 1.7]), cell=(30.0, 30.0, 6.5), pbc=True)
    np.testing.assert_allclose(rings(moved, periodic=(True, True, False)).births, opened.births)


def test_other_processes_say_the_same(run, found):
    """And in order, however many there are on the way."""
    with ThreadPoolExecutor(2) as pool:
        told = []
        threaded = rings(run, threshold=4.5, cut=0.3, executor=pool, observer=lambda *at: told.append(at))
    assert told == [(number, 6) for number in range(1, 7)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        spawned = rings(run, threshold=4.5, cut=0.3, executor=pool)
    for one in (threaded, spawned):
        for name in ("births", "deaths", "snapshot", "sizes", "members", "fraction"):
            np.testing.assert_array_equal(getattr(one, name), getattr(found, name))


def test_a_bad_frame_ends_the_work_of_all():
    run = still(circle(8), 5)
    mask = np.ones((5, 8), dtype=bool)
    mask[3, 2:] = False
    message = "frame 3: 2 Li in the region, expected at least 4, or no ring can close"
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match=message):
        rings(run, region=AtomChoice(mask=mask), executor=pool)


def test_an_ase_structure_is_one_snapshot():
    atoms = Atoms("Li12", positions=circle(12), cell=[30, 30, 30], pbc=True)
    one = rings(atoms)
    assert one.sizes.tolist() == [12]
    assert np.isnan(one.fraction_error).all()
    assert json.loads(json.dumps(one.to_dict()))["fraction_error"][0] is None


def test_no_ring_is_no_number():
    chain = np.stack([np.arange(5) * 3.0, np.zeros(5), np.zeros(5)], axis=1)
    none = rings(still(chain, 3))
    assert not len(none.births)
    assert np.isnan(none.fraction).all()
    with pytest.raises(ValueError, match="no ring of Li in 3 snapshots: there is nothing to map"):
        ring_map(none)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"species": "Na"}, "no 'Na' in the trajectory, which holds Li"),
        ({"region": slab_region(np.eye(3) * 60, 30.0)}, "frame 0: 0 Li in the region, expected at least 4"),
        ({"units": "nm"}, "units: expected 'diameter' or 'radius', got 'nm'"),
        ({"filtration": "cech"}, "filtration: expected 'rips' or 'alpha', got 'cech'"),
        ({"cut": -1.0}, "cut: expected a number from 0 Å on"),
        ({"cuts": [np.nan]}, "cut: expected a number from 0 Å on"),
        ({"threshold": -8.0}, "threshold: expected a number above 0 Å"),
        ({"periodic": (True, True)}, "periodic: got .* for a trajectory with pbc"),
        ({"periodic": (True, True, True)}, r"periodic: got .* for a trajectory with pbc \[False, False, False\]"),
        ({"periodic": "in-plane"}, "expected three bools, or 'in-plane' with a region that is a slab"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        rings(still(circle(6)), **options)


def test_too_few_for_a_ring():
    with pytest.raises(ValueError, match="frame 0: 3 Li in the structure, expected at least 4"):
        rings(still(circle(3)))


@pytest.mark.parametrize("ordinate", ["persistence", "death"])
def test_the_map_holds_every_ring(found, ordinate):
    mapped = ring_map(found, ordinate=ordinate, width=0.02)
    integral = mapped.density.sum() * 0.02**2
    assert integral == pytest.approx(len(found.births) / 6 / found.copies[0], rel=1e-9)
    assert mapped.density.shape == (len(mapped.births) - 1, len(mapped.ordinates) - 1)
    across = (mapped.births[1:] + mapped.births[:-1]) / 2
    assert mapped.density.sum(axis=1) @ across / mapped.density.sum() == pytest.approx(found.births.mean(), abs=0.01)


def test_the_map_is_where_the_ring_is():
    sharp = ring_map(rings(still(square_lattice(2))), width=0.1, smoothing=0.0)
    row, column = np.unravel_index(np.argmax(sharp.density), sharp.density.shape)
    assert sharp.births[row] <= 3.0 + 1e-9 <= sharp.births[row + 1] + 1e-9
    assert sharp.ordinates[column] <= 3.0 * (np.sqrt(2.0) - 1.0) < sharp.ordinates[column + 1]
    assert np.count_nonzero(sharp.density) == 1
    for options in ({"ordinate": "size"}, {"width": 0.0}, {"smoothing": -1.0}):
        with pytest.raises(ValueError, match="expected"):
            ring_map(rings(still(square_lattice(2))), **options)
