"""Maps and densities count every atom once, where it is, and their files can be read again."""

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import read_cube_data
from ase.io.xsf import read_xsf

from betalps.analysis.structure.density_maps import density_grid, planar_density, write_density
from betalps.structures.regions import AtomChoice, Box
from betalps.trajectories import Trajectory

SKEW = np.array([[10.0, 0, 0], [3.0, 9.0, 0], [-2.0, 2.5, 12.0]])


def gas(frames: int, atoms: int, seed: int = 0, cell: np.ndarray = SKEW) -> Trajectory:
    fractional = np.random.default_rng(seed).uniform(-1.0, 2.0, (frames, atoms, 3))
    symbols = ["Li"] * (atoms - 1) + ["S"]
    return Trajectory(symbols=symbols, fractional=fractional, cells=cell, times=np.arange(frames) * 1.0, pbc=True)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_map_holds_every_atom(axis):
    result = planar_density(gas(12, 200), axis=axis, spacing=1.0, blocks=4)
    area = abs(np.linalg.det(result.vectors))
    assert result.counts.sum() == 12 * 199
    assert result.density.sum() * area / result.density.size == pytest.approx(199)
    assert result.atoms == 199
    assert area * result.thickness == pytest.approx(abs(np.linalg.det(SKEW)))
    # evenly spread, with the error of counts
    even = 199 / area
    off = (result.density - even) / np.sqrt(even / (12 * area / result.density.size))
    assert np.std(off) == pytest.approx(1.0, abs=0.2)
    assert np.sqrt(np.mean(result.density_error**2)) == pytest.approx(np.std(result.density), rel=0.2)


def test_an_atom_is_where_it_is():
    atoms = Atoms("Li", scaled_positions=[(0.23, -0.35, 0.5)], cell=SKEW, pbc=True)
    result = planar_density(atoms, spacing=0.5)
    pixel = np.unravel_index(np.argmax(result.counts), result.counts.shape)
    middle = (np.array(pixel) + 0.5) / result.counts.shape
    np.testing.assert_allclose(middle, [0.23, 0.65], atol=0.5 / min(result.counts.shape) + 1e-9)
    assert result.vector_names == ("a", "b")
    assert np.isnan(result.density_error).all()
    grid = density_grid(atoms, spacing=0.5)
    voxel = np.array(np.unravel_index(np.argmax(grid.density), grid.density.shape)) / grid.density.shape
    np.testing.assert_allclose(voxel, [0.23, 0.65, 0.5], atol=0.5 / min(grid.density.shape) + 1e-9)


def test_the_plane_keeps_lengths_and_angles():
    """Looked along c of a cell with c upright, the map is the base of the cell."""
    cell = np.array([[10.0, 0, 0], [3.0, 9.0, 0], [0, 0, 12.0]])
    vectors = planar_density(gas(1, 5, cell=cell)).vectors
    np.testing.assert_allclose(vectors @ vectors.T, (cell @ cell.T)[:2, :2])


def test_the_density_integrates_to_the_atoms():
    result = density_grid(gas(10, 100), spacing=1.0)
    volume = abs(np.linalg.det(SKEW))
    assert result.density.sum() * volume / result.density.size == pytest.approx(99, rel=1e-6)
    assert np.sqrt(np.mean(result.density_error**2)) == pytest.approx(np.std(result.density), rel=0.2)
    assert "density" not in result.to_dict()
    assert result.to_dict()["kind"] == "DensityGrid"


def test_regions_add_up():
    box = Box(centre=(0.5, 0.5, 0.5), lengths=(4.0, None, None))
    trajectory = gas(5, 100)
    whole, part, rest = (planar_density(trajectory, region=region, spacing=1.0) for region in (None, box, ~box))
    np.testing.assert_array_equal(part.counts + rest.counts, whole.counts)
    assert 0 < part.atoms < whole.atoms


def test_files_can_be_read_again(tmp_path):
    grid = density_grid(gas(3, 50), spacing=1.5)
    write_density(grid, tmp_path / "li.cube")
    data, atoms = read_cube_data(str(tmp_path / "li.cube"))
    np.testing.assert_allclose(data, grid.density, rtol=1e-5)
    np.testing.assert_allclose(atoms.cell.array, SKEW, atol=1e-4)
    np.testing.assert_allclose(atoms.positions, grid.structure.positions, atol=1e-4)
    write_density(grid, tmp_path / "li.xsf")
    with (tmp_path / "li.xsf").open() as file:
        data, origin, vectors, _ = read_xsf(file, read_data=True)
    np.testing.assert_allclose(data, np.pad(grid.density, (0, 1), mode="wrap"), atol=1e-6)
    np.testing.assert_allclose(vectors, SKEW, atol=1e-6)
    np.testing.assert_allclose(origin, 0.0)
    with pytest.raises(ValueError, match=r"expected a name that ends in \.cube or \.xsf, got '\.txt'"):
        write_density(grid, tmp_path / "li.txt")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["li.cube", "li.xsf"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"species": "Na"}, "no 'Na' in the trajectory"),
        ({"axis": 3}, "axis: expected 0, 1 or 2, got 3"),
        ({"spacing": 0.0}, "spacing: expected a number above 0 Å"),
        ({"spacing": 1e-4}, r"spacing 0.0001 Å: expected at most 50,000,000 points"),
        ({"region": AtomChoice(mask=np.zeros(5, dtype=bool))}, "region: no Li is inside it in any frame"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        planar_density(gas(2, 5), **options)
