"""Diffusion in a region: between two media of known diffusivity, and where the answer is known otherwise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from analysis.walks import BOX, INTERVAL, Slab, brownian, wrapped
from betalps.analysis import REGIONAL_METHODS, diffusion, mean_squared_displacement, regional_diffusion
from betalps.analysis.transport._kernels_regions import add_displacements, ends_of_stays
from betalps.structures import beta_li3ps4
from betalps.structures.regions import AtomChoice, Box, Everywhere, slab_region
from betalps.trajectories import Trajectory, TrajectoryWriter, open_trajectory

NOTE = Slab(ions=400, frames=1500, interval=0.5)
"""The slab of 10 Å in which peers find a ξ of 0.25 to 0.93."""


def region_of(slab: Slab) -> Box:
    return slab_region(slab.length * np.eye(3), 0.5 * slab.length, slab.thickness)


@pytest.fixture(scope="module")
def note() -> Trajectory:
    return NOTE.trajectory(np.random.default_rng(0))


def test_the_two_rate_slab_within_five_per_cent(note: Trajectory) -> None:
    result = regional_diffusion(note, region_of(NOTE))
    assert result.lateral is not None
    assert result.normal is not None
    for estimate in (result.lateral, result.normal, result.total):
        assert estimate.diffusivity == pytest.approx(0.1, rel=0.05)
        assert estimate.interval[0] < 0.1 < estimate.interval[1]
        assert estimate.standard_error < 0.004
    assert result.xi == pytest.approx(1.0, abs=0.05)
    assert result.xi_interval is not None
    assert result.xi_interval[0] < 1.0 < result.xi_interval[1]
    assert result.names == ("x", "y", "z")
    assert result.crossing == (False, False, True)
    assert result.thickness == 10.0
    assert result.survival.ions == pytest.approx(100, abs=10)
    assert result.carrier_density == pytest.approx(result.survival.ions / (10.0 * 40.0**2))
    # The border slows the normal at every finite lag, which is what the peers see.
    assert result.borders[2] < 0.0
    theory = -16.0 / (3.0 * np.sqrt(np.pi)) * 0.1**1.5 * (1.0 - 0.05) / 10.0
    assert result.borders[2] == pytest.approx(theory, rel=0.3)
    late = result.lags > 20.0
    assert np.nanmax(result.running[late, 2]) < 0.08


@pytest.mark.parametrize("beyond", [0.05, 3.0])
def test_what_a_border_does(beyond: float) -> None:
    """The term in τ^(3/2) of `regional_diffusion`: for a border at 0 and D = 1, from the diffusion equation."""
    width, lag = 0.08, 1.0
    places = np.arange(-12.0, 10.0, width) + 0.5 * width
    rates = np.where(places > 0.0, 1.0, beyond)
    across = 2.0 / (1.0 / rates[:-1] + 1.0 / rates[1:]) / width**2
    generator = np.diag(across, 1) + np.diag(across, -1)
    np.fill_diagonal(generator, -generator.sum(axis=0))
    spread = ((places[:, None] - places) ** 2 * expm(lag * generator)).sum(axis=0)
    near = (places > 0.0) & (places < 6.0)
    lost = width * (spread[near] - 2.0 * lag).sum()  # times the width of the slab, over its two borders
    assert lost == pytest.approx(-8.0 / (3.0 * np.sqrt(np.pi)) * (1.0 - beyond), rel=0.01)


def test_the_other_methods_on_the_same_slab(note: Trajectory) -> None:
    region = region_of(NOTE)
    by_survival = regional_diffusion(note, region, method="survival")
    assert by_survival.normal is not None
    assert by_survival.normal.interval[0] < 0.1 < by_survival.normal.interval[1]
    assert by_survival.normal.diffusivity == pytest.approx(0.1, rel=0.15)
    assert 0.5 < by_survival.parameters["margin"] < 2.5
    resident, study = (regional_diffusion(note, region, method=m) for m in ("resident", "study"))
    assert resident.xi is not None
    assert study.xi is not None
    # Biased, as a definition that does not mind the border must be; the lateral is not.
    assert study.xi < 0.8 < resident.xi < 0.97
    for result in (resident, study):
        assert result.lateral is not None
        assert result.lateral.diffusivity == pytest.approx(0.1, rel=0.06)


@pytest.mark.parametrize(
    "slab",
    [
        Slab(inside=(0.1, 0.03), outside=(0.01, 0.005), ions=400, frames=1200, interval=0.5),
        Slab(inside=(0.03, 0.1), outside=(0.03, 0.1), ions=400, frames=1200, interval=0.5),
        Slab(inside=(0.02, 0.02), outside=(0.1, 0.1), ions=400, frames=1200, interval=0.5),
    ],
    ids=["anisotropic", "uniform", "slow slab"],
)
def test_other_media(slab: Slab) -> None:
    result = regional_diffusion(slab.trajectory(np.random.default_rng(3)), region_of(slab))
    assert result.lateral is not None
    assert result.normal is not None
    assert result.lateral.interval[0] < slab.inside[0] < result.lateral.interval[1]
    assert result.normal.interval[0] < slab.inside[1] < result.normal.interval[1]
    assert result.normal.diffusivity == pytest.approx(slab.inside[1], rel=0.1)
    # And on the other side of the border, which `~region` is.
    grain = regional_diffusion(slab.trajectory(np.random.default_rng(3)), ~region_of(slab))
    assert grain.crossing == (False, False, True)
    assert grain.directions[0].diffusivity == pytest.approx(slab.outside[0], rel=0.1)


def test_the_interval_holds_the_truth() -> None:
    """The exact seeds are fixed; benchmarks/diffusion.py has the coverage from hundreds of replicas."""
    slab, held, values = Slab(ions=200, frames=400, interval=0.5), np.zeros(3), []
    count = 16
    for replica in range(count):
        result = regional_diffusion(slab.trajectory(np.random.default_rng([4, replica])), region_of(slab))
        assert result.lateral is not None
        assert result.normal is not None
        assert result.xi_interval is not None
        truths = ((result.lateral.interval, 0.1), (result.normal.interval, 0.1), (result.xi_interval, 1.0))
        held += [low < truth < high for (low, high), truth in truths]
        values.append((result.normal.diffusivity, result.normal.standard_error))
    assert held.min() >= 0.8 * count
    found, errors = np.array(values).T
    assert abs(found.mean() - 0.1) < 4 * found.std() / np.sqrt(count)
    assert 0.7 < errors.mean() / found.std() < 1.5


def test_a_slab_along_another_axis_is_the_same_slab(note: Trajectory) -> None:
    short = note[:400]
    turned = Trajectory(
        symbols=short.symbols,
        fractional=short.fractional[:, :, [2, 0, 1]],
        cells=short.cells,
        times=short.times,
        pbc=short.pbc,
    )
    one = regional_diffusion(short, region_of(NOTE))
    other = regional_diffusion(turned, slab_region(40.0 * np.eye(3), 20.0, 10.0, axis=0))
    assert other.names == ("y", "z", "x")
    assert other.xi == pytest.approx(one.xi)
    assert [e.diffusivity for e in other.directions] == pytest.approx([e.diffusivity for e in one.directions])


def test_an_oblique_cell_has_an_oblique_slab() -> None:
    """The normal is that of the face, not the cell vector; a uniform medium has the same D along both."""
    cell = np.array([[30.0, 0.0, 0.0], [5.0, 28.0, 0.0], [6.0, -4.0, 26.0]])
    positions = brownian(np.random.default_rng(1), 800, 300, 0.4)
    fractional = positions @ np.linalg.inv(cell) + np.random.default_rng(2).random((300, 3))
    walk = Trajectory(
        symbols=np.full(300, "Li"),
        fractional=fractional - np.floor(fractional),
        cells=cell,
        times=INTERVAL * np.arange(800),
        pbc=True,
    )
    result = regional_diffusion(walk, slab_region(cell, 9.0, 10.0, axis=1))
    np.testing.assert_allclose(result.axes @ result.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(cell[[0, 2]] @ result.axes[2], 0.0, atol=1e-12)
    assert result.names == ("lateral 1", "lateral 2", "normal")
    for estimate in result.directions:
        assert estimate.interval[0] < 0.4 < estimate.interval[1]


def test_a_box_and_a_boolean() -> None:
    """A core along y in a uniform medium: ions leave along x and z."""
    rng = np.random.default_rng(5)
    positions = brownian(rng, 1500, 1000, 0.4) * np.sqrt([1.0, 0.5, 0.25]) + BOX * rng.random((1000, 3))
    walk = wrapped(positions)
    core = Box(centre=(0.5, 0.5, 0.5), lengths=(12.0, None, 8.0))
    result = regional_diffusion(walk, core)
    assert result.crossing == (True, False, True)
    assert result.lateral is result.normal is result.xi is None
    for estimate, truth in zip(result.directions, (0.4, 0.2, 0.1), strict=True):
        assert estimate.interval[0] < truth < estimate.interval[1]
        assert estimate.diffusivity == pytest.approx(truth, rel=0.15)
    both = regional_diffusion(walk, core | Box(centre=(0.0, 0.0, 0.0), lengths=(10.0, 10.0, 10.0)))
    assert both.crossing == (True, True, True)
    assert both.directions[0].diffusivity == pytest.approx(0.4, rel=0.2)
    anew = AtomChoice(mask=core.contains(walk.fractional, walk.cells))
    again = regional_diffusion(walk, anew)
    assert again.crossing == (True, True, True)
    assert again.directions[0].diffusivity == pytest.approx(result.directions[0].diffusivity, rel=1e-9)
    assert again.carrier_density is None


def test_atoms_that_were_chosen_stay_chosen() -> None:
    """Everything that is known of the chosen atoms alone."""
    rng = np.random.default_rng(6)
    positions = brownian(rng, 300, 60, 0.3)
    positions[:, 40:] *= 0.1
    mask = np.arange(60) < 40
    chosen = regional_diffusion(wrapped(positions), AtomChoice(mask=mask))
    alone = diffusion(wrapped(positions[:, :40]))
    msd = mean_squared_displacement(wrapped(positions[:, :40]))
    lags = np.rint(chosen.lags / INTERVAL).astype(int)
    np.testing.assert_allclose(chosen.msd, msd.directions[lags], rtol=1e-8)
    assert chosen.crossing == (False, False, False)
    assert chosen.survival.probability.min() == 1.0
    assert chosen.survival.ions == 40
    for found, expected in zip(chosen.directions, (alone.x, alone.y, alone.z), strict=True):
        assert found.diffusivity == pytest.approx(expected.diffusivity, rel=0.02)
        assert found.standard_error == pytest.approx(expected.standard_error, rel=0.02)
    whole = regional_diffusion(wrapped(positions), Everywhere())
    assert whole.survival.fraction == 1.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), ions=st.integers(1, 4), frames=st.integers(3, 25), share=st.floats(0.1, 0.95))
def test_displacements_by_their_definition(seed: int, ions: int, frames: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    paths, inside = rng.normal(size=(ions, 3, frames)), rng.random((ions, frames)) < share
    lags = np.array([1, 2])
    for condition in (0, 1, 2):
        sums, counts = np.zeros((2, frames, 3)), np.zeros((2, frames))
        add_displacements(paths, inside, ends_of_stays(inside), lags, condition, sums, counts)
        for row, lag in enumerate(lags):
            for origin in range(frames):
                ends = origin + lag
                use = inside[:, origin].copy() if ends < frames else np.zeros(ions, dtype=bool)
                if condition == 1:
                    use &= inside[:, origin : ends + 1].all(axis=1)
                if condition == 2 and ends < frames:
                    use &= inside[:, ends]
                assert counts[row, origin] == use.sum()
                if use.any():
                    expected = ((paths[use, :, ends] - paths[use, :, origin]) ** 2).sum(axis=0)
                    np.testing.assert_allclose(sums[row, origin], expected)


def with_framework(slab: Slab, wind: float) -> Trajectory:
    """The ions of a slab in a lattice of P that is blown along z."""
    ions = slab.trajectory(np.random.default_rng(8))
    shift = wind * np.linspace(0.0, 1.0, len(ions))[:, None, None] * np.array([0.0, 0.0, 1.0])
    lattice = np.stack(np.meshgrid(*[np.arange(3) / 3.0] * 3), axis=-1).reshape(-1, 3)
    fractional = np.concatenate([ions.fractional, np.broadcast_to(lattice, (len(ions), 27, 3))], axis=1) + shift
    return Trajectory(
        symbols=np.append(ions.symbols, np.full(27, "P")),
        fractional=fractional - np.floor(fractional),
        cells=ions.cells,
        times=ions.times,
        pbc=ions.pbc,
    )


def test_the_region_moves_with_the_framework() -> None:
    slab = Slab(ions=150, frames=400, interval=0.5)
    still, blown = (regional_diffusion(with_framework(slab, wind), region_of(slab)) for wind in (0.0, 0.4))
    assert blown.survival.entered == still.survival.entered
    assert blown.xi == pytest.approx(still.xi, rel=1e-6)
    assert "centre of mass of all but Li" in blown.parameters["drift"]
    left_behind = regional_diffusion(with_framework(slab, 0.4), region_of(slab), remove_drift=False)
    assert left_behind.survival.entered > 1.1 * still.survival.entered


def test_the_store_on_disk_changes_nothing(tmp_path: Path) -> None:
    slab = Slab(ions=60, frames=200, interval=0.5)
    direct = slab.trajectory(np.random.default_rng(9))
    with TrajectoryWriter(tmp_path, direct.symbols.tolist(), images=False) as writer:
        for frame, time in enumerate(direct.times):
            writer.append(direct.fractional[frame] @ direct.cells[frame], direct.cells[frame], time)
    stored, direct_result = (regional_diffusion(t, region_of(slab)) for t in (open_trajectory(tmp_path), direct))
    assert stored.directions[0].diffusivity == pytest.approx(direct_result.directions[0].diffusivity, rel=1e-3)
    assert stored.survival.ions == pytest.approx(direct_result.survival.ions, abs=0.05)


def test_a_given_start_is_kept(note: Trajectory) -> None:
    for method in REGIONAL_METHODS:
        result = regional_diffusion(note[:600], region_of(NOTE), method=method, fit_start=2.0)
        assert result.windows[0].start == pytest.approx(2.0)
        assert result.parameters["fit_start"] == 2.0


def test_the_result_is_json(note: Trajectory) -> None:
    for method in REGIONAL_METHODS:
        result = regional_diffusion(note[:600], region_of(NOTE), method=method)
        plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert plain["method"] == method
        assert plain["units"]["thickness"] == "angstrom"
        assert plain["survival"]["units"]["residence_time"] == "ps"
        assert plain["parameters"]["region"]["kind"] == "box"
        assert plain["normal"]["diffusivity_cm2_per_s"] == pytest.approx(1e-4 * result.directions[2].diffusivity)


def test_what_cannot_be_resolved_is_flagged() -> None:
    slab = Slab(inside=(1e-6, 1e-6), outside=(1e-6, 1e-6), ions=40, frames=200, interval=0.5, rattle=0.2)
    result = regional_diffusion(slab.trajectory(np.random.default_rng(10)), region_of(slab))
    assert result.normal is not None
    assert not result.normal.resolved
    assert not result.total.resolved
    assert result.xi is not None
    assert np.isnan(result.xi)
    assert result.to_dict()["xi"] is None


def test_bad_input_is_named(note: Trajectory) -> None:
    region = region_of(NOTE)
    with pytest.raises(ValueError, match="method: expected one of border, resident, survival, study, got 'peers'"):
        regional_diffusion(note, region, method="peers")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"region: expected a Region of betalps.structures, got tuple"):
        regional_diffusion(note, (0.4, 0.6))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hop_length"):
        regional_diffusion(note, region, hop_length=0.0)
    with pytest.raises(ValueError, match="no 'Na' in the trajectory, which holds Li"):
        regional_diffusion(note, region, "Na")
    with pytest.raises(ValueError, match="at least 100 frames, got 99"):
        regional_diffusion(note[:99], region)
    uneven = replace(note[:200], times=note.times[:200] ** 1.1)
    with pytest.raises(ValueError, match="expected evenly spaced frames"):
        regional_diffusion(uneven, region)
    with pytest.raises(ValueError, match="choice among 3 atoms, but there are 400"):
        regional_diffusion(note, AtomChoice(mask=np.ones(3, dtype=bool)))
    with pytest.raises(ValueError, match="a choice of atoms for 7 frames, but there are 1500"):
        regional_diffusion(note, AtomChoice(mask=np.ones((7, 400), dtype=bool)))
    with pytest.raises(ValueError, match="expected a slab, or several along the same cell vector"):
        regional_diffusion(note, Box(centre=(0.5, 0.5, 0.5), lengths=(9.0, None, 9.0)), method="survival")
    with pytest.raises(ValueError, match="nothing is left of 10 Å without 6 Å on either side"):
        regional_diffusion(note, region, method="survival", margin=6.0)
    with pytest.raises(ValueError, match=r"a tenth of the run; expected at least two lags between 0\.85 and"):
        regional_diffusion(note[:100], region, method="survival", margin=0.0)
    with pytest.raises(ValueError, match=r"fit_start: expected .* got 500 ps"):
        regional_diffusion(note, region, fit_start=500.0)


def test_a_region_nobody_enters_is_an_error() -> None:
    still = wrapped(np.full((120, 5, 3), 3.0))
    with pytest.raises(ValueError, match=r"region: no Li is ever inside Box\(.*where is it in the cell, in fractions"):
        regional_diffusion(still, slab_region(BOX * np.eye(3), 20.0, 4.0))


def test_frames_too_far_apart_are_an_error() -> None:
    fast = Slab(inside=(2.0, 2.0), outside=(2.0, 2.0), ions=50, frames=150, interval=2.0, layers=1.0, thickness=3.0)
    with pytest.raises(ValueError, match=r"are gone at the next frame and .* store frames oftener"):
        regional_diffusion(fast.trajectory(np.random.default_rng(11)), region_of(fast))


def test_boundaries_of_the_builders_are_regions() -> None:
    """From the record that the builders leave, on real atoms."""
    crystal = beta_li3ps4((1, 1, 2))
    rng = np.random.default_rng(12)
    frames = []
    for step in 0.4 * np.cumsum(rng.normal(size=(120, len(crystal), 3)), axis=0):
        atoms = crystal.copy()
        moving = atoms.symbols == "Li"
        atoms.positions[moving] += step[moving]
        frames.append(atoms)
    trajectory = Trajectory.from_atoms(frames, 0.1 * np.arange(120))
    result = regional_diffusion(trajectory, slab_region(crystal.cell.array, 6.0, 8.0))
    assert result.survival.ions < np.sum(crystal.symbols == "Li")
    assert result.normal is not None
    assert result.normal.interval[0] < 0.8 < result.normal.interval[1]
