"""The grid: its points, what is kept, and the recommendation."""

import json
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest

import betalps.training.grid as grid_module
from betalps.errors import CheckpointError, FormatError
from betalps.potentials import Potential
from betalps.training import FitSettings, GridPoint, GridResult, evaluate, grid_search, measure_cost, recommend
from betalps.training.labels import read_labels
from betalps.workers import WorkerError

QUICK = FitSettings(starts=0, iterations=3)


def search(frames, validation=0.3, **changes):
    arguments = {"levels": (2, 4), "cutoffs": (4.0, 5.0), "validation": validation, "settings": QUICK, **changes}
    return grid_search(frames, **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grid")


@pytest.fixture(scope="module")
def result(frames, held, folder):
    return search(frames[:8], held, folder=folder)


def test_a_point_for_every_combination(result, held, folder):
    assert [(p.level, p.cutoff) for p in result.points] == [(2, 4.0), (2, 5.0), (4, 4.0), (4, 5.0)]
    for point in result.points:
        assert point.complete
        assert 0 < point.energy_mae < 1
        assert 0 < point.force_median < point.force_mae < 5
        potential = Potential.read(folder / f"{point.name}.almtp")
        assert (potential.level, potential.cutoff) == (point.level, point.cutoff)
        assert potential.coeffs_count == point.coefficients
        overall = evaluate(potential, held, threads=1).overall
        assert (point.energy_mae, point.force_mae, point.stress_mae) == pytest.approx(
            (overall.energy.mae, overall.force.mae, overall.stress.mae), rel=1e-10
        )
    assert not list(folder.glob("*.checkpoint"))
    assert result.provenance["held_out_frames"] == 4


def test_resumed_computes_only_what_is_missing(result, frames, held, folder, monkeypatch):
    (folder / "level-4_cutoff-4_basis-8.json").unlink()
    fitted = []
    fit = grid_module.fit
    monkeypatch.setattr(grid_module, "fit", lambda *a, **k: fitted.append(a[1]) or fit(*a, **k))
    told = []
    again = search(frames[:8], held, folder=folder, observer=told.append)
    assert fitted == [4]
    assert len(told) == 4
    same = [replace(p, cost=0.0, fit_cpu_seconds=0.0) for p in again.points]
    assert same == [replace(p, cost=0.0, fit_cpu_seconds=0.0) for p in result.points]
    with pytest.raises(CheckpointError, match="belongs to another grid"):
        search(frames[:8], held, folder=folder, seed=1)


@pytest.mark.parametrize("more", [{}, {"levels": (6,)}])
def test_a_folder_of_another_grid_stays_as_it_is(frames, held, tmp_path, monkeypatch, more):
    """The level that is missing there would be fitted first, and then neither grid could be finished."""
    search(frames[:8], held, levels=(2,), cutoffs=(4.0,), folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(grid_module, "fit", lambda *a, **k: pytest.fail("fitted"))
    changed = {"levels": (4, 2), "cutoffs": (4.0,), "settings": replace(QUICK, iterations=4), **more}
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(CheckpointError, match=r"belongs to another grid, of other data.*: use another folder"),
    ):
        search(frames[:8], held, folder=tmp_path, executor=executor, **changed)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_where_fits_have_only_begun_is_of_their_grid(frames, held, tmp_path, monkeypatch):
    def interrupted(*arguments, checkpoint, **settings):
        checkpoint.write_bytes(b"begun")
        raise KeyboardInterrupt

    one = {"levels": (2,), "cutoffs": (4.0,), "folder": tmp_path}
    with monkeypatch.context() as patched:
        patched.setattr(grid_module, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(frames[:8], held, **one)
    with pytest.raises(CheckpointError, match=r"identity\.json belongs to another grid"):
        search(frames[:8], held, seed=1, **one)
    next(tmp_path.glob("*.checkpoint")).unlink()  # nothing is left that could be mixed
    assert search(frames[:8], held, seed=1, **one).points[0].complete


def test_a_point_that_cannot_be_read_is_named(frames, held, tmp_path):
    (tmp_path / "level-2_cutoff-4_basis-8.json").write_text("{")
    with pytest.raises(
        CheckpointError, match=r"level-2_cutoff-4_basis-8\.json: expected a file that a grid has written"
    ):
        search(frames[:8], held, folder=tmp_path)


class Later:
    """An executor whose calls are made when their results are asked for; remembers what was called off."""

    def __init__(self, can_cancel=True):
        self.cancelled = []
        self._can_cancel = can_cancel

    def submit(self, function, *arguments):
        executor = self

        class Future:
            def result(self):
                return function(*arguments)

            def cancel(self):
                if not executor._can_cancel:
                    raise NotImplementedError
                executor.cancelled.append(arguments[0].point.level)

        return Future()


def test_an_error_calls_off_what_has_not_begun(frames, held):
    def stop(point):
        raise KeyboardInterrupt

    executor = Later()
    with pytest.raises(KeyboardInterrupt):
        search(frames[:8], held, levels=(2, 4, 6), cutoffs=(4.0,), executor=executor, observer=stop)
    assert {4, 6} <= set(executor.cancelled)
    with pytest.raises(KeyboardInterrupt):
        search(frames[:8], held, levels=(2, 4), cutoffs=(4.0,), executor=Later(can_cancel=False), observer=stop)


class Fragile:
    """Makes so many calls, and then its process is killed."""

    def __init__(self, calls):
        self._calls = calls

    def submit(self, function, *arguments):
        future = Future()
        if self._calls > 0:
            future.set_result(function(*arguments))
        else:
            future.set_exception(BrokenProcessPool("a process ended abruptly"))
        self._calls -= 1
        return future


def test_a_killed_process_is_an_error_that_says_how_to_go_on(result, frames, held, tmp_path):
    told = r"a process that fits was killed.*a process ended abruptly\); 3 of 4 points are done and kept in .*goes on"
    with pytest.raises(WorkerError, match=told):
        search(frames[:8], held, folder=tmp_path, executor=Fragile(3))
    again = search(frames[:8], held, folder=tmp_path)
    assert [p.force_mae for p in again.points] == [p.force_mae for p in result.points]
    with pytest.raises(WorkerError, match="without a folder, nothing of the grid is kept"):
        search(frames[:8], held, levels=(2,), executor=Fragile(1))


def test_an_executor_gives_the_same(result, frames, held):
    with ThreadPoolExecutor(2) as executor:
        parallel = search(frames[:8], held, executor=executor)
    assert [p.force_mae for p in parallel.points] == [p.force_mae for p in result.points]


def test_held_out_frames_may_come_from_a_generator(result, frames, held):
    again = search(frames[:8], (atoms for atoms in held), levels=(2,))
    assert [p.force_mae for p in again.points] == [p.force_mae for p in result.points[:2]]


def test_the_split_is_the_same_for_all_points(frames, monkeypatch):
    """Whatever the cutoff, which decides which environments are rare."""
    seen = []
    fit = grid_module.fit

    def remembering(training, *arguments, **settings):
        seen.append(([id(a) for a in training], [id(a) for a in settings["validation"]]))
        return fit(training, *arguments, **settings)

    monkeypatch.setattr(grid_module, "fit", remembering)
    search(frames[:10], levels=(2,))
    assert seen[0] == seen[1]
    assert sorted(seen[0][0] + seen[0][1]) == sorted(id(a) for a in frames[:10])


def test_a_fit_that_fails_is_a_point_that_says_why(frames):
    result = search(frames[:6], levels=(2, 3), cutoffs=(5.0,))
    assert result.points[0].complete
    assert "level" in result.points[1].failed
    assert not result.points[1].complete
    assert recommend(result).point.level == 2


def test_written_and_read(result):
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert GridResult.from_dict(content) == result
    with pytest.raises(FormatError, match="expected \\('betalps grid', 1\\)"):
        GridResult.from_dict({"kind": "other"})


def test_costs_grow_with_the_level(frames):
    samples = read_labels(frames[:1])
    costs = [
        measure_cost(Potential.from_level(level, ["Li", "P", "S"], cutoff=5.0, min_dist=1.5, rng=0), samples)
        for level in (2, 16)
    ]
    assert 0 < 2 * costs[0] < costs[1]


def test_costs_are_found_by_a_clock_that_ticks_every_10_ms(frames, monkeypatch):
    potential = Potential.from_level(2, ["Li", "P", "S"], cutoff=5.0, min_dist=1.5, rng=0)
    samples, fine = read_labels(frames[:1]), time.thread_time
    expected = measure_cost(potential, samples)
    monkeypatch.setattr(time, "thread_time", lambda: fine() // 0.01 * 0.01)
    assert expected / 3 < measure_cost(potential, samples) < 3 * expected


def made(*numbers):
    """Points from (level, energy, force, cost)."""
    points = [
        GridPoint(level=level, cutoff=5.0, radial_size=8, energy_mae=energy, force_mae=force, cost=cost)
        for level, energy, force, cost in numbers
    ]
    return GridResult(points=tuple(points), provenance={})


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, 12),  # 8 misses the bounds, 14 and 16 cost more
        ({"tolerance": 0.0}, 16),  # both lowest
        ({"tolerance": 1.0}, 8),
        ({"budget": 0.5}, 8),
        ({"budget": 2.5}, 12),
    ],
)
def test_the_cheapest_that_is_good_enough(settings, level):
    grid = made((8, 1.9e-3, 0.04, 0.3), (12, 1.2e-3, 0.025, 0.5001), (14, 1.1e-3, 0.021, 2.0), (16, 1e-3, 0.02, 4.0))
    advice = recommend(grid, **settings)
    assert advice.point.level == level
    assert f"Level {level}, cutoff 5 Å" in advice.reason
    assert "take the cheapest" in advice.rule


def test_none_within_the_bounds_takes_the_closest():
    grid = made((8, 1e-3, 0.04, 0.3), (12, 2e-3, 0.02, 0.5), (14, 1.3e-3, 0.027, 0.7))
    assert recommend(grid).point.level == 14


@pytest.mark.parametrize(
    ("missing", "there", "unit"), [("energy", "forces", "meV/Å"), ("forces", "energy", "meV/atom")]
)
def test_a_property_without_labels_has_no_say(missing, there, unit):
    values = {
        "energy": math.nan,
        "forces": 0.02,
        **({} if missing == "energy" else {"energy": 0.02, "forces": math.nan}),
    }
    grid = made(*((level, values["energy"], values["forces"], cost) for level, cost in ((8, 0.3), (12, 0.5))))
    advice = recommend(grid)
    assert advice.point.level == 8
    assert f"error of {there} is at most 25% above the lowest." in advice.rule
    assert f"no labels of {missing}" in advice.rule
    assert f"functions: 20 {unit} (lowest 20) at 0.30" in advice.reason


def test_nothing_to_recommend():
    failed = GridResult(points=(GridPoint(level=8, cutoff=5.0, radial_size=8, failed="why"),), provenance={})
    with pytest.raises(ValueError, match="no fit of the grid succeeded"):
        recommend(failed)
    with pytest.raises(ValueError, match=r"no point costs 0.1 µs/atom or less; the cheapest costs 0.30"):
        recommend(made((8, 1e-3, 0.04, 0.3)), budget=0.1)
    with pytest.raises(ValueError, match="the held-out data have neither energies nor forces"):
        recommend(made((8, math.nan, math.nan, 0.3)))
