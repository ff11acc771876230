"""What the analyses of structure share: trajectories on disk, regions by frame, errors from blocks."""

import numpy as np
import pytest

from betalps.analysis._frames import block_numbers, described, scatter, snapshots
from betalps.analysis.structure.angles import bond_angles
from betalps.analysis.structure.density_maps import planar_density
from betalps.analysis.structure.polyanions import polyanions
from betalps.analysis.structure.profiles import concentration_profile
from betalps.analysis.structure.rdf import radial_distributions
from betalps.analysis.structure.reorientation import reorientation
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice, Everywhere
from betalps.trajectories import Trajectory, TrajectoryWriter, open_trajectory


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same frames in memory and on disk."""
    crystal, rng = beta_li3ps4((1, 2, 2)), np.random.default_rng(0)
    frames = [crystal.copy() for _ in range(24)]
    folder = tmp_path_factory.mktemp("stored")
    with TrajectoryWriter(folder, crystal.get_chemical_symbols(), frames_per_segment=10) as writer:
        for number, frame in enumerate(frames):
            frame.positions += rng.normal(scale=0.1, size=frame.positions.shape)
            writer.append(frame.positions, frame.cell.array, 0.1 * number)
    return Trajectory.from_atoms(frames, 0.1 * np.arange(24)), open_trajectory(folder)


@pytest.mark.parametrize(
    ("analyse", "fields"),
    [
        (lambda t: radial_distributions(t, r_max=5.0)["Li", "S"], ("coordination", "coordination_error")),
        (polyanions, ("fractions", "counts")),
        (bond_angles, ("mean", "deviation")),
        (lambda t: reorientation(t, fit_start=0.2).bond_first, ("values", "errors", "rate")),
        (lambda t: planar_density(t, spacing=1.0), ("atoms", "vectors")),
        (lambda t: concentration_profile(t, boundaries=[6.0], window=4.0, bulk_distance=4.0), ("excess", "bulk")),
    ],
)
def test_the_disk_gives_what_memory_gives(both, analyse, fields):
    """Single precision on disk: what is counted may differ by a pair at the edge of a bin."""
    memory, disk = (analyse(trajectory) for trajectory in both)
    for name in fields:
        np.testing.assert_allclose(getattr(disk, name), getattr(memory, name), rtol=2e-3, atol=1e-3, err_msg=name)


def test_regions_made_of_choices_by_frame(both):
    trajectory, _ = both
    mask = np.random.default_rng(1).random((24, 128)) < 0.3
    choice = AtomChoice(mask=mask)
    for region, expected in (
        (choice, mask),
        (~choice, ~mask),
        (choice & Everywhere(), mask),
        (~choice | choice, np.ones_like(mask)),
    ):
        np.testing.assert_array_equal([snapshot.inside for snapshot in snapshots(trajectory, region)], expected)


def test_blocks_are_consecutive_and_even():
    numbers, count = block_numbers(13, 5)
    assert count == 5
    assert numbers == sorted(numbers)
    assert set(np.bincount(numbers)) == {2, 3}
    assert block_numbers(3, 5) == ([0, 1, 2], 3)


def test_scatter_is_the_error_of_the_mean_of_what_is_known():
    values = np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_allclose(scatter(values), values.std(axis=0, ddof=1) / np.sqrt(6))
    values[2, 1] = np.nan
    assert scatter(values)[1] == pytest.approx(np.delete(values[:, 1], 2).std(ddof=1) / np.sqrt(5))
    assert np.isnan(scatter(values[:1])).all()


def test_a_choice_for_every_frame_is_remembered_by_its_size() -> None:
    """Its mask may be as large as the trajectory."""
    anew = AtomChoice(mask=np.eye(4, dtype=bool))
    size = {"kind": "atoms", "frames": 4, "atoms": 4, "fraction": 0.25}
    assert described(anew) == size
    assert described(~(anew | Everywhere())) == {
        "kind": "complement",
        "part": {"kind": "union", "parts": [size, {"kind": "everywhere"}]},
    }
    assert described(None) is None
