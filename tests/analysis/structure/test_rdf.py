"""Radial distributions against known structures, against their definition, and against freud."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from betalps.analysis.structure.rdf import radial_distributions
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice, Box
from betalps.trajectories import Trajectory


def noisy(atoms: Atoms, frames: int, sigma: float, seed: int = 0) -> Trajectory:
    rng = np.random.default_rng(seed)
    copies = [atoms.copy() for _ in range(frames)]
    for copy in copies:
        copy.positions += rng.normal(scale=sigma, size=copy.positions.shape)
    return Trajectory.from_atoms(copies, np.arange(frames) * 1.0)


def gas(rng: np.random.Generator, frames: int, atoms: int, cell: np.ndarray) -> Trajectory:
    symbols = np.array(["Li", "S"])[rng.integers(0, 2, atoms)]
    return Trajectory(
        symbols=symbols, fractional=rng.random((frames, atoms, 3)), cells=cell, times=np.arange(frames) * 1.0, pbc=True
    )


def brute_force(atoms: Atoms, a: str, b: str, edges: np.ndarray) -> np.ndarray:
    """Neighbours b of all a by distance, from every image that can be near."""
    symbols = np.array(atoms.get_chemical_symbols())
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    reach = (np.ceil(edges[-1] / heights).astype(int) + 1) * atoms.pbc
    images = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    wrapped = atoms.get_scaled_positions(wrap=True) @ atoms.cell.array
    away = wrapped[symbols == b][None, :, None] + (images @ atoms.cell.array) - wrapped[symbols == a][:, None, None]
    distances = np.linalg.norm(away, axis=-1).ravel()
    return np.histogram(distances[distances > 1e-9], edges)[0]


def test_an_ideal_gas_has_no_order():
    cell = np.array([[24.0, 0, 0], [5.0, 22.0, 0], [-4.0, 6.0, 26.0]])
    result = radial_distributions(gas(np.random.default_rng(1), 40, 600, cell), r_max=11.0, width=0.5)
    for one in [*result.partials.values(), result.total]:
        far = result.r > 2.0
        assert np.all(np.abs(one.g - 1.0)[far] < 5.0 * np.maximum(one.g_error[far], 0.003))
        assert abs(one.g[far].mean() - 1.0) < 0.01
        assert one.first_minimum is None
    # The error is that of the mean: most of g lies within two of it.
    off = np.abs(result.total.g - 1.0)[result.r > 2.0] / result.total.g_error[result.r > 2.0]
    assert 0.3 < np.median(off) < 1.5


def test_shells_of_fcc():
    copper = bulk("Cu", cubic=True).repeat(2)
    result = radial_distributions(copper, r_max=7.0, width=0.02)
    shells = 3.61 / np.sqrt(2) * np.sqrt([1, 2, 3, 4, 5, 6, 7])
    counts = np.cumsum([12, 6, 24, 12, 24, 8, 48])
    for shell, count in zip(shells, counts, strict=True):
        assert np.interp(shell + 0.05, result.edges[1:], result["Cu-Cu"].coordination) == pytest.approx(count)
    np.testing.assert_allclose(result.total.g, result["Cu", "Cu"].g)
    np.testing.assert_allclose(result["Cu-Cu"].peaks[:3], shells[:3], atol=0.01)
    assert result["Cu-Cu"].coordination_number == pytest.approx(12)
    assert result["Cu-Cu"].first_minimum == pytest.approx(shells[:2].mean(), abs=0.05)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), pbc=st.tuples(*[st.booleans()] * 3), r_max=st.floats(1.0, 6.0))
def test_every_pair_and_image_is_counted_once(seed, pbc, r_max):
    """Cells smaller and larger than the reach, of any shape, atoms anywhere."""
    rng = np.random.default_rng(seed)
    cell = (rng.uniform(-0.5, 0.5, size=(3, 3)) + np.eye(3) * 2.0) * rng.uniform(1.0, 4.0, (3, 1))
    symbols = rng.choice(["Li", "P"], rng.integers(2, 9))
    atoms = Atoms(symbols, scaled_positions=rng.uniform(-1.0, 2.0, (len(symbols), 3)), cell=cell, pbc=pbc)
    atoms.set_scaled_positions(np.where(pbc, atoms.get_scaled_positions(wrap=False), rng.random((len(symbols), 3))))
    result = radial_distributions(atoms, r_max=r_max, width=0.3, volume=100.0)
    for one in result.partials.values():
        centres = np.count_nonzero(atoms.symbols == one.pair[0])
        counted = np.cumsum(brute_force(atoms, *one.pair, result.edges)) / centres
        np.testing.assert_allclose(one.coordination, counted, atol=1e-9)
        shell = 4.0 / 3.0 * np.pi * np.diff(result.edges**3)
        density = np.count_nonzero(atoms.symbols == one.pair[1]) / 100.0
        np.testing.assert_allclose(one.g, np.diff(counted, prepend=0.0) / shell / density, atol=1e-9)


def test_equals_freud():
    freud = pytest.importorskip("freud")
    cell = beta_li3ps4((1, 2, 2))
    trajectory = noisy(cell, 3, 0.1)
    result = radial_distributions(trajectory, r_max=6.0, width=0.1)
    box = freud.box.Box.from_matrix(cell.cell.array.T)
    for a, b in (("Li", "Li"), ("Li", "S"), ("P", "S"), ("S", "P")):
        peer = freud.density.RDF(bins=60, r_max=6.0)
        for frame in trajectory:
            frame.wrap()
            query = {"r_max": 6.0, "exclude_ii": a == b}
            of, about = frame.positions[frame.symbols == a], frame.positions[frame.symbols == b]
            peer.compute((box, about), query_points=of, neighbors=query, reset=False)
        # freud computes in single precision: a pair at the edge of a bin may go either way
        np.testing.assert_allclose(result[a, b].g, peer.rdf, atol=0.01 * peer.rdf.max())


@pytest.mark.parametrize(
    ("ordering", "peaks"),
    [
        ("4c4", {"Li-S": 2.43, "Li-P": 3.05, "P-P": 5.01, "S-S": 3.35}),
        ("4b4", {"Li-S": 2.43, "Li-P": 3.05, "P-P": 5.08, "S-S": 3.35}),
    ],
)
def test_peaks_of_the_crystal(ordering, peaks):
    """Those of the reference study at 300 K; P-P hangs on the lithium ordering, 5.08 Å in the relaxed 4b4 cell."""
    trajectory = noisy(beta_li3ps4((1, 2, 2), ordering=ordering), 30, 0.1)
    result = radial_distributions(trajectory, pairs=[name.split("-") for name in peaks], r_max=7.0)
    assert result.total is None
    for name, peak in peaks.items():
        assert result[name].peaks[0] == pytest.approx(peak, abs=0.055)


def test_coordination_of_the_crystal():
    result = radial_distributions(noisy(beta_li3ps4((1, 2, 2)), 10, 0.08))
    assert result["P", "S"].coordination_number == pytest.approx(4.0)
    assert result["S", "P"].coordination_number == pytest.approx(1.0)
    assert result["P", "S"].peaks[0] == pytest.approx(2.05, abs=0.02)
    np.testing.assert_allclose(result["P", "S"].g, result["S", "P"].g)
    assert result.density["Li"] == pytest.approx(48 / beta_li3ps4((1, 2, 2)).get_volume())


def test_blocks_of_frames_give_the_error():
    """Independent frames: the claimed error is the scatter over repetitions."""
    cell = np.eye(3) * 15.0
    values, claimed = [], []
    for seed in range(60):
        result = radial_distributions(gas(np.random.default_rng(seed), 10, 60, cell), r_max=6.0, width=2.0)
        values.append(result.total.g)
        claimed.append(result.total.g_error)
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(claimed), axis=0)), np.std(values, axis=0), rtol=0.35)


def test_a_cell_that_breathes_keeps_its_coordination():
    cells = np.eye(3) * np.array([14.0, 15.0, 16.0])[:, None, None]
    fractional = np.random.default_rng(0).random((3, 300, 3))
    trajectory = Trajectory(symbols=["Li"] * 300, fractional=fractional, cells=cells, times=[0.0, 1.0, 2.0], pbc=True)
    together = radial_distributions(trajectory, r_max=5.0, width=0.5, blocks=3)
    alone = [radial_distributions(trajectory.atoms(k), r_max=5.0, width=0.5) for k in range(3)]
    for name in ("g", "coordination"):
        mean = np.mean([getattr(one["Li-Li"], name) for one in alone], axis=0)
        np.testing.assert_allclose(getattr(together["Li-Li"], name), mean)


def test_centres_of_a_region_keep_all_their_neighbours():
    copper = bulk("Cu", cubic=True).repeat((2, 2, 4))
    slab = Box(centre=(0.5, 0.5, 0.5), lengths=(None, None, 4.0))
    whole, part = (radial_distributions(copper, region=region, r_max=5.0) for region in (None, slab))
    np.testing.assert_allclose(part["Cu-Cu"].coordination, whole["Cu-Cu"].coordination)
    np.testing.assert_allclose(part["Cu-Cu"].g, whole["Cu-Cu"].g)
    assert part.parameters["region"]["kind"] == "box"


def test_a_choice_of_atoms_for_every_frame():
    trajectory = gas(np.random.default_rng(3), 4, 50, np.eye(3) * 12.0)
    mask = np.random.default_rng(4).random((4, 50)) < 0.4
    both = radial_distributions(trajectory, region=AtomChoice(mask=mask), r_max=5.0)
    rest = radial_distributions(trajectory, region=~AtomChoice(mask=mask), r_max=5.0)
    whole = radial_distributions(trajectory, r_max=5.0)
    share = mask.sum() / mask.size
    np.testing.assert_allclose(share * both.total.g + (1 - share) * rest.total.g, whole.total.g)


def test_molecules_need_a_volume():
    molecule = Atoms("OH2", positions=[[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]], cell=[5, 5, 5])
    result = radial_distributions(molecule, volume=30.0, r_max=3.0)
    assert result["O", "H"].coordination[-1] == 2
    assert result["H", "O"].coordination[-1] == 1
    with pytest.raises(ValueError, match=r"pbc is \[False, False, False\].*give the volume"):
        radial_distributions(molecule)
    molecule.cell = None
    with pytest.raises(ValueError, match=r"OH2|H2O.*: expected a cell with a volume"):
        radial_distributions(molecule, volume=30.0)


def test_the_result_is_plain_numbers():
    found = radial_distributions(bulk("Cu", cubic=True), r_max=4.0).to_dict()
    assert found["partials"]["Cu-Cu"]["pair"] == ["Cu", "Cu"]
    assert found["partials"]["Cu-Cu"]["g_error"][0] is None  # one frame has no scatter
    assert found["units"]["r"] == "angstrom"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": [("Cu", "Na")]}, "no 'Na' in the trajectory, which holds Cu"),
        ({"pairs": ["Cu"]}, r"expected pairs of species such as \('Li', 'S'\), got 'Cu'"),
        ({"pairs": []}, "expected at least one pair of species"),
        ({"r_max": -1.0}, r"r_max: expected a number above 0 Å, got -1.0"),
        ({"width": np.nan}, "width: expected a number above 0"),
        ({"blocks": 1}, "blocks: expected at least 2, got 1"),
        ({"region": AtomChoice(mask=np.zeros(4, dtype=bool))}, "region: no atom is inside it in any frame"),
        ({"region": AtomChoice(mask=np.zeros((7, 4), dtype=bool))}, "a choice of atoms for 7 frames, but there are 1"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        radial_distributions(bulk("Cu", cubic=True), **options)


def test_only_structures_are_analysed():
    with pytest.raises(ValueError, match=r"expected a Trajectory or ase\.Atoms, got list"):
        radial_distributions([1, 2, 3])
    with pytest.raises(KeyError, match="Cu-Na: expected one of Cu-Cu"):
        radial_distributions(bulk("Cu", cubic=True))["Cu", "Na"]
