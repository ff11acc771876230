"""Diffusion coefficients whose truth is known, and whether the interval holds it as often as it says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.walks import BOX, INTERVAL, Case, brownian, cases, rattling, wrapped
from betalps.analysis import combine_runs, diffusion
from betalps.analysis.transport._blocks import OVERLAP, Origins
from betalps.analysis.transport.window import MINIMUM_FRAMES, choose_window, lag_grid
from betalps.trajectories import TrajectoryWriter, open_trajectory

CASES = {case.name: case for case in cases()}


def replicas(case: Case, count: int) -> list:
    return [diffusion(case.trajectory(replica)) for replica in range(count)]


@pytest.mark.parametrize("name", ["Brownian", "Brownian, groups of 8", "caged hopping", "hopping with returns"])
def test_the_interval_holds_the_truth(name: str) -> None:
    """The exact seeds are fixed; benchmarks/diffusion.py has the coverage from hundreds of replicas."""
    case, count = CASES[name], 24
    results = replicas(case, count)
    values = np.array([r.total.diffusivity for r in results])
    errors = np.array([r.total.standard_error for r in results])
    held = sum(r.total.interval[0] <= case.diffusivity <= r.total.interval[1] for r in results)
    assert held >= 0.85 * count
    assert abs(values.mean() - case.diffusivity) < 4 * values.std() / np.sqrt(count)
    # An error that is honest is not one that is merely large.
    assert 0.7 < errors.mean() / values.std() < 1.5
    # A window is turned down by chance in a few per cent.
    assert sum(r.total.resolved for r in results) >= 0.9 * count


@pytest.mark.parametrize("name", ["none", "1 hop in all", "5 hops in all"])
def test_hardly_any_jump_is_not_claimed_to_be_a_diffusion(name: str) -> None:
    case, count = CASES[name], 16
    results = replicas(case, count)
    # Chance may double five hops; it does not make ten of one or none.
    assert sum(r.total.resolved for r in results) <= (1 if name.startswith("5") else 0)
    assert sum(r.total.upper_bound >= case.diffusivity for r in results) >= 0.9 * count
    for result in results:
        assert result.total.upper_bound < 0.025
        if not result.total.resolved:
            assert result.total.interval == (0.0, result.total.upper_bound)
            assert result.window.linear == ("net hops, fewer than 10" in result.total.why)


def test_no_jump_bounds_the_diffusion_by_three_hops() -> None:
    still = wrapped(np.zeros((200, 10, 3)))
    result = diffusion(still, hop_length=3.0)
    assert result.total.diffusivity == pytest.approx(0.0, abs=1e-12)
    assert not result.total.resolved
    three_hops = -np.log(0.05) * 3.0**2 / (6 * 10 * result.duration)
    assert result.total.upper_bound == pytest.approx(three_hops, rel=1e-6)


def test_ions_that_move_together_count_once() -> None:
    alone = replicas(CASES["Brownian"], 10)
    together = replicas(CASES["Brownian, groups of 8"], 10)
    assert np.mean([r.total.effective_atoms for r in alone]) > 48
    assert np.mean([r.total.effective_atoms for r in together]) < 20


def test_each_direction_has_its_own_diffusion() -> None:
    positions = brownian(np.random.default_rng(1), 1000, 64, 1.0) * np.sqrt([0.3, 0.1, 0.02])
    result = diffusion(wrapped(positions))
    for estimate, truth in ((result.x, 0.3), (result.y, 0.1), (result.z, 0.02)):
        assert estimate.interval[0] < truth < estimate.interval[1]
        assert estimate.diffusivity == pytest.approx(truth, rel=0.1)
    mean = np.mean([e.diffusivity for e in (result.x, result.y, result.z)])
    assert result.total.diffusivity == pytest.approx(mean, rel=0.02)


def test_the_window_begins_beyond_the_cage() -> None:
    free = np.median([r.window.start for r in replicas(CASES["Brownian"], 10)])
    caged = replicas(CASES["caged hopping"], 10)
    returning = replicas(CASES["hopping with returns"], 10)
    assert free < 0.15
    # The memory of the cage is 0.1 ps, that of the returns 0.125 ps.
    assert np.median([r.window.start for r in caged]) > 0.4
    assert np.median([r.window.start for r in returning]) > 0.6
    # What is left out of the slope is in the intercept: 6 amplitude².
    assert np.mean([r.intercept for r in caged]) == pytest.approx(6 * 0.35**2, rel=0.15)
    assert np.mean([r.intercepts for r in caged]) == pytest.approx(2 * 0.35**2, rel=0.15)


def test_a_bend_without_end_is_flagged() -> None:
    rng = np.random.default_rng(2)
    # Wide and slow: at a twentieth of the run the ions are still finding the walls of their cages.
    result = diffusion(wrapped(rattling(rng, 500, 200, amplitude=3.0, memory=8.0)))
    assert not result.window.linear
    assert not result.total.resolved
    assert "still changes" in result.total.why
    assert "run longer" in result.window.why


def test_a_given_start_is_kept() -> None:
    trajectory = CASES["Brownian"].trajectory(0)
    result = diffusion(trajectory, fit_start=0.4)
    assert result.window.start == pytest.approx(0.4)
    assert result.window.why == "given"
    assert result.parameters["fit_start"] == 0.4
    for bad in (0.0, 1.4):
        with pytest.raises(ValueError, match=r"fit_start: expected 0\.05 to 1\.25 ps for 500 frames"):
            diffusion(trajectory, fit_start=bad)


def test_bad_input_is_named() -> None:
    short = wrapped(np.zeros((MINIMUM_FRAMES - 1, 2, 3)))
    with pytest.raises(ValueError, match=f"at least {MINIMUM_FRAMES} frames, got {MINIMUM_FRAMES - 1}"):
        diffusion(short)
    with pytest.raises(ValueError, match="hop_length"):
        diffusion(wrapped(np.zeros((200, 2, 3))), hop_length=0.0)


def test_units_are_those_of_length_and_time() -> None:
    """Twice the length is four times D, twice the time is half of D."""
    positions = CASES["caged hopping"].positions(np.random.default_rng(3))
    one = diffusion(wrapped(positions)).total
    longer = diffusion(wrapped(2 * positions), hop_length=7.0).total
    slower = diffusion(wrapped(positions, interval=0.1)).total
    assert longer.diffusivity == pytest.approx(4 * one.diffusivity, rel=1e-6)
    assert longer.standard_error == pytest.approx(4 * one.standard_error, rel=1e-6)
    assert slower.diffusivity == pytest.approx(0.5 * one.diffusivity, rel=1e-6)
    assert slower.interval == pytest.approx([0.5 * bound for bound in one.interval], rel=1e-6)


def test_the_result_is_json_with_units() -> None:
    result = diffusion(CASES["Brownian"].trajectory(1))
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    total = plain["total"]
    assert plain["kind"] == "Diffusion"
    assert total["units"]["diffusivity"] == "angstrom^2/ps"
    assert total["diffusivity_cm2_per_s"] == pytest.approx(1e-4 * result.total.diffusivity)
    assert total["interval_cm2_per_s"] == pytest.approx([1e-4 * bound for bound in result.total.interval])
    assert plain["window"]["units"]["start"] == "ps"
    assert plain["parameters"]["hop_length"] == 3.5
    assert len(plain["msd"]["total"]) == 500


@pytest.mark.parametrize("frames", [MINIMUM_FRAMES, 101, 137, 250, 999, 4000])
def test_every_window_has_a_line_to_fit(frames: int) -> None:
    grid = lag_grid(frames)
    msd = np.arange(float(frames))
    origins = Origins(grid, np.repeat(grid[:, None, None] / 3.0, frames, axis=1) * np.ones(3))
    latest = frames // 20
    for start in grid[grid <= latest]:
        window, lags = choose_window(msd, origins, 1.0, float(start))
        assert window.points == len(lags) >= 3
        assert 5 <= window.blocks <= 10
        assert lags[-1] < frames // window.blocks
        # An exact line has the same values in every block.
        np.testing.assert_allclose(
            origins.block_means(lags, window.blocks).sum(axis=2),
            np.broadcast_to(lags, (OVERLAP * (window.blocks - 1) + 1, len(lags))),
        )


def test_the_store_on_disk_changes_nothing(tmp_path: Path) -> None:
    positions = CASES["caged hopping"].positions(np.random.default_rng(5))
    with TrajectoryWriter(tmp_path, ["Li"] * positions.shape[1]) as writer:
        for frame, now in enumerate(positions):
            writer.append(now, BOX * np.eye(3), INTERVAL * frame)
    stored, direct = diffusion(open_trajectory(tmp_path)), diffusion(wrapped(positions))
    assert stored.window.start == pytest.approx(direct.window.start)
    assert stored.total.diffusivity == pytest.approx(direct.total.diffusivity, rel=1e-4)
    assert stored.total.standard_error == pytest.approx(direct.total.standard_error, rel=1e-3)


def test_the_box_is_crossed() -> None:
    """The replicas above test unwrapping too: without it no displacement exceeds the box."""
    assert diffusion(wrapped(brownian(np.random.default_rng(4), 2000, 16, 2.0))).msd.total[-1] > 0.5 * BOX**2


def test_any_direction_has_its_diffusion() -> None:
    positions = brownian(np.random.default_rng(6), 800, 64, 1.0) * np.sqrt([0.3, 0.1, 0.02])
    result = diffusion(wrapped(positions), along=[[1.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    between, down = result.along
    assert between.interval[0] < 0.2 < between.interval[1]
    assert down.diffusivity == pytest.approx(result.z.diffusivity, rel=1e-6)
    assert down.standard_error == pytest.approx(result.z.standard_error, rel=1e-3)
    assert diffusion(wrapped(positions)).along == ()


def test_replicas_are_put_together() -> None:
    runs = replicas(CASES["Brownian"], 8)
    together = combine_runs(runs)
    assert together.replicas == 8
    assert together.total.diffusivity == pytest.approx(np.mean([run.total.diffusivity for run in runs]))
    assert together.total.standard_error < 0.6 * runs[0].total.standard_error
    assert together.total.interval[0] < 0.3 < together.total.interval[1]
    assert min(together.p_values.values()) > 0.01
    claimed = np.sqrt(np.sum([run.total.standard_error**2 for run in runs])) / 8
    assert together.total.brownian_error == pytest.approx(claimed)
    scatter = np.std([run.total.diffusivity for run in runs], ddof=1) / np.sqrt(8)
    assert together.total.block_error == pytest.approx(scatter)
    json.dumps(together.to_dict(), allow_nan=False)


def test_replicas_that_differ_are_found_out() -> None:
    runs = [diffusion(wrapped(brownian(np.random.default_rng(k), 500, 64, d))) for k, d in enumerate((0.2, 0.3, 0.45))]
    together = combine_runs(runs)
    assert together.p_values["total"] < 1e-6
    assert together.total.block_error > 5 * together.total.brownian_error
    assert together.total.interval[0] < 0.2


def test_longer_replicas_weigh_more() -> None:
    short, long = (diffusion(wrapped(brownian(np.random.default_rng(k), n, 64, 0.3))) for k, n in ((1, 200), (2, 1000)))
    together = combine_runs([short, long])
    share = 199 / 1198
    expected = share * short.total.diffusivity + (1 - share) * long.total.diffusivity
    assert together.total.diffusivity == pytest.approx(expected)
    assert together.parameters["weights"] == pytest.approx([share, 1 - share])


def test_replicas_need_to_be_several_and_alike() -> None:
    one = diffusion(CASES["Brownian"].trajectory(0))
    with pytest.raises(ValueError, match="expected at least 2 runs, got 1"):
        combine_runs([one])
    with pytest.raises(ValueError, match=r"expected one species, got \['Li', 'Na'\]"):
        combine_runs([one, replace(one, species="Na")])
