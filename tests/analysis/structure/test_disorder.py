"""Disorder parameters against independent codes, known answers, and what must not matter."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list as ase_neighbours
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from betalps.analysis.structure._kernels_disorder import mean_differences
from betalps.analysis.structure.disorder import disorder, disorder_parameters
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice, slab_region
from betalps.trajectories import Trajectory


def random_atoms(number=60, seed=0, symbols=None):
    """In a triclinic cell; number density about that of Li in Li3PS4."""
    rng = np.random.default_rng(seed)
    edge = (number / 0.018) ** (1 / 3)
    cell = edge * (np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3)))
    return Atoms(symbols or f"Li{number}", scaled_positions=rng.random((number, 3)), cell=cell, pbc=True)


def by_definition(atoms, order, cutoff):
    """Complex spherical harmonics of scipy, and loops."""
    i, j, vectors = ase_neighbours("ijD", atoms, cutoff)
    lengths = np.linalg.norm(vectors, axis=1)
    polar, azimuth = np.arccos(vectors[:, 2] / lengths), np.arctan2(vectors[:, 1], vectors[:, 0])
    q = np.zeros((len(atoms), 2 * order + 1), dtype=complex)
    for m in range(-order, order + 1):
        np.add.at(q[:, m + order], i, sph_harm_y(order, m, polar, azimuth))
    q /= np.linalg.norm(q, axis=1)[:, None]
    overlap = np.sum(q[i] * q[j].conj(), axis=1).real
    return np.bincount(i, 2.0 - 2.0 * overlap) / np.bincount(i)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 6, 8, 13])
def test_equals_the_definition(order):
    atoms = random_atoms()
    found = disorder_parameters(atoms, order=order, cutoff=6.5)
    np.testing.assert_allclose(found, by_definition(atoms, order, 6.5), rtol=0, atol=1e-10)


@pytest.mark.parametrize("neighbours", [None, 4, 20])
def test_equals_pyscal3(neighbours):
    pyscal3 = pytest.importorskip("pyscal3", reason="compares with pyscal3")
    atoms = random_atoms(seed=1)
    copy = atoms.copy()
    pyscal3.find_neighbors(copy, method="number", nmax=neighbours or 12)
    expected = pyscal3.disorder(copy, q=6)
    np.testing.assert_allclose(disorder_parameters(atoms, neighbours=neighbours), expected, rtol=0, atol=1e-10)


def test_equals_the_qlm_of_freud():
    freud = pytest.importorskip("freud", reason="compares with freud")
    atoms = random_atoms(seed=2)
    atoms.set_cell(np.diag(atoms.cell.lengths()), scale_atoms=True)
    box = freud.box.Box(*atoms.cell.lengths())
    points = box.wrap(atoms.positions - atoms.cell.lengths() / 2)
    query = freud.locality.AABBQuery(box, points)
    near = query.query(points, {"num_neighbors": 12, "exclude_ii": True}).toNeighborList()
    q = freud.order.Steinhardt(l=6).compute((box, points), neighbors=near).particle_harmonics
    q = q / np.linalg.norm(q, axis=1)[:, None]
    i, j = near.query_point_indices, near.point_indices
    expected = np.bincount(i, 2.0 - 2.0 * np.sum(q[i] * q[j].conj(), axis=1).real) / 12
    np.testing.assert_allclose(disorder_parameters(atoms), expected, rtol=0, atol=2e-5)  # freud counts in float32


@pytest.mark.parametrize("lattice", ["fcc", "bcc", "sc"])
@pytest.mark.parametrize("options", [{}, {"neighbours": 5}, {"order": 4}, {"cutoff": 4.5}])
def test_a_perfect_lattice_is_in_perfect_order(lattice, options):
    """Twelve of the fourteen first neighbours in bcc are the same twelve for every atom."""
    atoms = bulk("Li", lattice, a=4.0, cubic=True) * (3, 3, 3)
    assert np.abs(disorder_parameters(atoms, **options)).max() < 1e-10


def test_a_perfect_lattice_is_so_when_it_was_stored():
    """In float32 the fourteen first neighbours in bcc are no longer equally far."""
    atoms = bulk("Li", "bcc", a=4.0, cubic=True) * (5, 5, 5)
    atoms.positions += 0.123
    stored = atoms.get_scaled_positions().astype(np.float32)[None]
    trajectory = Trajectory(symbols=atoms.symbols[:], fractional=stored, cells=atoms.cell.array, times=[0.0], pbc=True)
    assert np.abs(disorder(trajectory).per_atom).max() < 1e-5


def test_no_order_is_two():
    """Surroundings that have nothing in common differ by 2 on average."""
    rng = np.random.default_rng(3)
    orders = rng.normal(size=(4000, 13))
    orders /= np.linalg.norm(orders, axis=1)[:, None]
    ends = rng.integers(0, 4000, 48000)
    assert mean_differences(np.arange(4001) * 12, ends, orders).mean() == pytest.approx(2.0, abs=0.01)


def test_atoms_at_random_share_their_bonds():
    """In an ideal gas neighbours have the bond between them in common, for even l: a twelfth, where it is mutual."""
    rng = np.random.default_rng(3)
    atoms = Atoms("Li4000", scaled_positions=rng.random((4000, 3)), cell=60 * np.eye(3), pbc=True)
    found = disorder(atoms)
    assert found.mean == pytest.approx(2.0 - 2.0 / 12, abs=0.05)
    assert found.density.sum() * 0.05 == pytest.approx(1.0)
    assert found.deviation == pytest.approx(np.nanstd(found.per_atom), rel=1e-10)
    assert disorder(atoms, order=5).mean == pytest.approx(2.0 + 2.0 / 12, abs=0.05)  # there they are opposite


def test_noise_is_disorder():
    means = []
    for sigma in (0.0, 0.05, 0.1, 0.2, 0.4):
        atoms = bulk("Li", "fcc", a=4.4, cubic=True) * (4, 4, 4)
        atoms.rattle(sigma, seed=4)
        means.append(disorder(atoms).mean)
    assert (np.diff(means) > 0).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), number=st.integers(3, 40), neighbours=st.integers(1, 14), order=st.integers(1, 8))
def test_neither_order_nor_place_nor_turn_matters(seed, number, neighbours, order):
    atoms = random_atoms(number, seed)
    options = {"neighbours": neighbours, "order": order}
    expected = disorder_parameters(atoms, **options)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(number)
    np.testing.assert_allclose(disorder_parameters(atoms[shuffled], **options), expected[shuffled], atol=1e-8)
    moved = atoms.copy()
    moved.positions += rng.uniform(-30, 30, 3)
    moved.wrap()
    np.testing.assert_allclose(disorder_parameters(moved, **options), expected, atol=1e-8)
    moved.rotate(77.0, rng.normal(size=3), rotate_cell=True)
    np.testing.assert_allclose(disorder_parameters(moved, **options), expected, atol=1e-8)
    double = disorder_parameters(atoms * (2, 1, 1), **options)
    np.testing.assert_allclose(double, np.tile(expected, 2), atol=1e-8)


def test_atoms_in_ties_are_the_same_in_any_order():
    atoms = beta_li3ps4((1, 2, 2))
    shuffled = np.random.default_rng(5).permutation(len(atoms))
    for options in ({}, {"neighbours": 3}, {"species": ["Li", "P", "S"]}):
        expected = disorder_parameters(atoms, **options)
        np.testing.assert_allclose(disorder_parameters(atoms[shuffled], **options), expected[shuffled], atol=1e-9)


def test_the_sub_lattice_is_all_there_is():
    atoms = random_atoms(30, 6, symbols="Li20S10")
    found = disorder(atoms, species=["S", "Li"])
    np.testing.assert_array_equal(found.atoms, np.arange(30))
    values = disorder_parameters(atoms)
    assert np.isnan(values[20:]).all()
    np.testing.assert_allclose(values[:20], disorder_parameters(atoms[:20]), atol=1e-12)


def several(frames=40, region_of=None):
    """A crystal of which the upper half melts away from frame to frame."""
    rng = np.random.default_rng(7)
    atoms = bulk("Li", "fcc", a=4.4, cubic=True) * (3, 3, 4)
    upper = atoms.positions[:, 2] > 8.8
    noise = rng.normal(scale=np.where(upper, 0.5, 0.05)[:, None], size=(frames, len(atoms), 3))
    fractional = atoms.get_scaled_positions() + noise @ np.linalg.inv(atoms.cell.array)
    trajectory = Trajectory(
        symbols=atoms.symbols[:], fractional=fractional, cells=atoms.cell.array, times=np.arange(frames), pbc=True
    )
    return trajectory, upper


def test_regions_and_frames():
    trajectory, upper = several()
    whole = disorder(trajectory)
    each = np.array([disorder_parameters(atoms) for atoms in trajectory])
    np.testing.assert_allclose(whole.per_atom, each.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(whole.series, each.mean(axis=1), atol=1e-12)
    assert whole.mean == pytest.approx(each.mean())
    assert whole.error == pytest.approx(each.mean(axis=1).std(ddof=1) / np.sqrt(40), rel=0.5)
    np.testing.assert_allclose(whole.density, np.histogram(each, whole.edges, density=True)[0], atol=1e-9)
    chosen = disorder(trajectory, region=AtomChoice(mask=upper))
    assert chosen.mean == pytest.approx(each[:, upper].mean())
    assert np.isnan(chosen.per_atom[~upper]).all()
    cold = disorder(trajectory, region=slab_region(trajectory.mean_cell, 4.4, 6.0))
    assert cold.mean < 0.3 < whole.mean < chosen.mean
    assert cold.inside.max() < len(trajectory.symbols)
    assert whole.to_dict()["parameters"] == {"neighbours": 12, "cutoff": None, "region": None}
    assert "12 nearest" in whole.definition
    assert "cutoff 5 Å" in disorder(trajectory[:1], cutoff=5.0).definition


def test_atoms_without_a_parameter_are_counted_not_averaged():
    atoms = Atoms("Li3", positions=[[0, 0, 0], [3, 0, 0], [20, 20, 20]], cell=[40, 40, 40], pbc=False)
    found = disorder(atoms, cutoff=5.0)
    assert found.undefined == 1
    np.testing.assert_allclose(found.per_atom, [0.0, 0.0, np.nan], atol=1e-12)
    odd = bulk("Li", "fcc", a=4.4, cubic=True) * (3, 3, 3)
    with pytest.raises(ValueError, match=r"no atom of Li that has a disorder parameter .* \(108 without one\)"):
        disorder(odd, order=3)


def test_progress_is_told():
    told = []
    disorder(several(3)[0], observer=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"species": "Na"}, "no 'Na' in the trajectory, which holds Li"),
        ({"species": ()}, "species: expected at least one"),
        ({"order": 0}, "order: expected a degree from 1 to 30, got 0"),
        ({"order": 2.5}, r"order: expected a degree from 1 to 30, got 2\.5"),
        ({"neighbours": 0}, "neighbours: expected a whole number above 0"),
        ({"neighbours": 12, "cutoff": 4.0}, "expected neighbours or a cutoff, got both"),
        ({"cutoff": -1.0}, "cutoff: expected a number above 0 Å"),
        ({"width": 0.0}, "width: expected a number above 0"),
        ({"region": slab_region(np.eye(3) * 20, 15.0, 1.0)}, "region: no atom of Li"),
    ],
)
def test_bad_input(options, message):
    atoms = Atoms(
        "Li20", positions=np.random.default_rng(8).random((20, 3)) * [20, 20, 10], cell=[20, 20, 20], pbc=True
    )
    with pytest.raises(ValueError, match=message):
        disorder(atoms, **options)


def test_more_neighbours_than_atoms():
    atoms = Atoms("Li4", positions=np.eye(4, 3), cell=[9, 9, 9], pbc=False)
    with pytest.raises(ValueError, match="12 neighbours of each of 4 atoms: expected more atoms, or a cutoff"):
        disorder(atoms)
    atoms = Atoms("Li2", positions=np.zeros((2, 3)), cell=[9, 9, 9], pbc=True)
    with pytest.raises(ValueError, match="two atoms of the sub-lattice are in one place"):
        disorder(atoms)
