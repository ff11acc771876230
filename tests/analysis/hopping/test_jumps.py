"""Rates, residence times, networks and correlation of walks on lattices, of which all of these are known."""

import json

import numpy as np
import pytest
from scipy import stats

from analysis.site_walks import BETA_RATES, Ways, as_trajectory, independent_walks, one_vacancy, simple_cubic
from betalps.analysis.hopping._jump_network import Edges, bottlenecks, percolation
from betalps.analysis.hopping._jump_rates import rate_of
from betalps.analysis.hopping._residence import kaplan_meier
from betalps.analysis.hopping.jumps import jump_activation, jumps
from betalps.analysis.hopping.sites import CrystalSites, crystal_sites, site_visits
from betalps.structures import beta_li3ps4_sites, slab_region
from betalps.units import thermal_energy

INTERVAL = 0.1


def walk(sites, rates, *, ions, frames, seed, rattle=0.0):
    rng = np.random.default_rng(seed)
    site, image = independent_walks(rng, Ways(sites, rates), rng.integers(len(sites), size=ions), frames, INTERVAL)
    return site_visits(as_trajectory(sites, site, image, INTERVAL, rng, rattle=rattle), sites)


@pytest.fixture(scope="module")
def cubic():
    """40 ions that jump along ±x, ±y and ±z with 0.05/ps each, for 400 ps."""
    return walk(simple_cubic(4), {("1a", "1a"): (3.0, 0.05)}, ions=40, frames=4000, seed=1, rattle=0.15)


@pytest.fixture(scope="module")
def beta():
    sites = crystal_sites(beta_li3ps4_sites(), repeat=(1, 2, 2))
    return walk(sites, BETA_RATES, ions=60, frames=6000, seed=2)


class TestSimpleCubic:
    def test_rate(self, cubic):
        found = jumps(cubic)
        (path,) = found.paths
        assert path.name == "1a-1a 3.00 Å"
        assert path.neighbours == 6
        assert path.rate == pytest.approx(0.3, rel=0.05)
        assert path.rate_interval[0] < 0.3 < path.rate_interval[1]
        assert path.rate_per_neighbour == pytest.approx(path.rate / 6)
        # 64 sites have 192 pairs; each ion is on one site
        assert path.exchange == pytest.approx(0.3 * 40 / 192, rel=0.05)
        assert found["1a-1a 3.00 Å"] is path
        with pytest.raises(KeyError, match="expected one of 1a-1a"):
            found["4b"]

    def test_random_walk_is_not_correlated(self, cubic):
        found = jumps(cubic)
        assert found.back_jumps == pytest.approx(1 / 6, abs=4 * found.back_jumps_error)
        assert found.back_jumps_error < 0.01
        assert found.back_jumps_random == pytest.approx(1 / 6)
        assert abs(found.correlation_factor - 1.0) < 4 * found.correlation_error
        assert found.correlation_error < 0.1
        assert found.correlation_settled
        np.testing.assert_allclose(found.correlation_factors[0], 1.0)
        np.testing.assert_allclose(found.jump_diffusivity, 0.05 * 9 * np.eye(3), atol=0.03)

    def test_residence(self, cubic):
        (found,) = jumps(cubic).residence
        assert found.mean_interval[0] < 1 / 0.3 < found.mean_interval[1]
        lasts = 0.97 ** (np.round(found.times / INTERVAL))  # a jump with 3 % in every frame
        some = slice(0, 120, 10)
        assert np.all(np.abs(found.survival - lasts)[some] < 4 * found.survival_error[some])
        assert found.median == pytest.approx(INTERVAL * np.log(0.5) / np.log(0.97), rel=0.1)
        assert found.departures > 0.98 * found.stays - 40

    def test_network(self, cubic):
        found = jumps(cubic)
        assert found.percolates.all()
        assert found.dimensions == 3
        assert found.bottlenecks == ("1a-1a 3.00 Å",) * 3
        assert len(found.edges) == 64 * 6
        assert found.edge_counts.sum() == found.count
        assert found.edge_rates.mean() == pytest.approx(0.05, rel=0.05)

    def test_region(self, cubic):
        """Half of the cell: sites at z = 0 and 3 Å, whose jumps along z are half lost, and lead nowhere."""
        half = jumps(cubic, region=slab_region(cubic.cell, 1.5, 4.0))
        assert half.percolates.tolist() == [True, True, False]
        assert half.dimensions == 2
        (path,) = half.paths
        assert path.neighbours == 5
        assert path.rate == pytest.approx(0.25, rel=0.06)
        assert half.residence[0].mean_interval[0] < 1 / 0.3 < half.residence[0].mean_interval[1]


class TestBeta:
    def test_every_rate(self, beta):
        found = jumps(beta)
        assert {(path.start, path.end) for path in found.paths} == set(BETA_RATES)
        for path in found.paths:
            length, rate = BETA_RATES[path.start, path.end]
            assert path.length == pytest.approx(length, abs=0.01)
            assert path.rate_per_neighbour == pytest.approx(rate, rel=0.1)
            assert path.rate_interval[0] < path.neighbours * rate < path.rate_interval[1]

    def test_ions_without_memory_return_as_often_as_the_rates_say(self, beta):
        found = jumps(beta)
        assert found.back_jumps == pytest.approx(found.back_jumps_random, abs=4 * found.back_jumps_error)

    def test_correlation_factor_is_that_of_the_markov_chain(self, beta):
        """A walk without memory on sites that are not alike is correlated: to and fro where the rates differ."""
        ways = Ways(beta.sites, BETA_RATES)
        places = beta.sites.fractional @ beta.cell
        vectors = places[ways.to] + ways.shift @ beta.cell - places[:, None]
        generator = np.zeros((len(places),) * 2)
        np.add.at(generator, (np.arange(len(places))[:, None], ways.to), ways.rate)
        generator -= np.diag(generator.sum(axis=1))
        weight = np.linalg.svd(generator.T)[2][-1]
        weight = (weight / weight.sum())[:, None] * ways.rate
        # the corrector takes away how far the ways lead on average
        corrector = np.linalg.lstsq(generator, -(ways.rate[..., None] * vectors).sum(axis=1), rcond=1e-9)[0]
        straight = vectors + corrector[ways.to] - corrector[:, None]
        exact = (weight * (straight**2).sum(axis=2)).sum() / (weight * (vectors**2).sum(axis=2)).sum()
        found = jumps(beta)
        assert 0.6 < exact < 0.9
        assert found.correlation_factor == pytest.approx(exact, abs=3 * found.correlation_error)

    def test_directions(self):
        """4b and 4c alone are rows along b; the jumps to 8d open the other directions."""
        sites = crystal_sites(beta_li3ps4_sites(), repeat=(1, 1, 2))
        rng = np.random.default_rng(4)
        rows = {pair: BETA_RATES[pair] for pair in (("4b", "4c"), ("4c", "4b"))}
        start = np.flatnonzero(np.array(sites.kinds) != "8d")
        site, image = independent_walks(rng, Ways(sites, rows), start, 1500, INTERVAL)
        found = jumps(site_visits(as_trajectory(sites, site, image, INTERVAL), sites))
        assert found.percolates.tolist() == [False, True, False]
        assert found.dimensions == 1
        assert found.bottlenecks == (None, "4b-4c 2.12 Å", None)

    def test_bottleneck(self, beta):
        found = jumps(beta)
        assert found.percolates.all()
        rates = {path.name: path.exchange for path in found.paths}
        assert rates["8d-8d 3.86 Å"] == min(rates.values())
        # along b there are the rows of 4b and 4c; anything else needs the jumps between 8d
        assert found.bottlenecks == ("8d-8d 3.86 Å", "4b-4c 2.12 Å", "8d-8d 3.86 Å")


class TestCorrelation:
    def test_vacancy_in_a_simple_cubic_lattice(self):
        """f = 0.6531 (Compaan and Haven 1956): the ion that has just jumped finds the vacancy behind it."""
        sites = simple_cubic(5)
        rng = np.random.default_rng(11)
        site, image = one_vacancy(rng, Ways(sites, {("1a", "1a"): (3.0, 1.0)}), 12_000)
        found = jumps(site_visits(as_trajectory(sites, site, image, INTERVAL), sites))
        assert found.count == 11_999
        assert found.correlation_factor == pytest.approx(0.653, abs=3 * found.correlation_error)
        assert found.correlation_error < 0.035
        assert found.back_jumps > found.back_jumps_random + 10 * found.back_jumps_error

    def test_bound_pairs_of_jumps_cancel(self):
        """To and fro between two sites for ever: f_n is 1/n or 0."""
        sites = CrystalSites(
            species="Li", fractional=[[0, 0, 0], [0.4, 0, 0]], kinds=("A", "B"), cell=np.diag([6.0, 6.0, 6.0])
        )
        site = (np.arange(800)[:, None] // np.array([3, 4, 5])) % 2
        visits = site_visits(as_trajectory(sites, site, np.zeros((800, 3, 3), int), INTERVAL), sites)
        found = jumps(visits)
        expected = np.where(found.correlation_jumps % 2, 1 / found.correlation_jumps, 0.0)
        np.testing.assert_allclose(found.correlation_factors, expected, atol=1e-12)
        assert found.back_jumps == 1.0
        assert found.back_jumps_random == 1.0
        assert not found.percolates.any()
        assert found.bottlenecks == (None, None, None)


class TestPieces:
    def test_kaplan_meier_by_hand(self):
        """Times 1, 2, 2+, 3, 4+ (+: not seen to end)."""
        found = kaplan_meier(np.array([3.0, 1.0, 2.0, 2.0, 4.0]), np.array([True, True, True, False, False]))
        np.testing.assert_allclose(found.times, [1, 2, 3])
        np.testing.assert_allclose(found.fraction, [0.8, 0.6, 0.3])
        greenwood = np.cumsum([1 / (5 * 4), 1 / (4 * 3), 1 / (2 * 1)])
        np.testing.assert_allclose(found.error, found.fraction * np.sqrt(greenwood))

    def test_kaplan_meier_is_scipys(self):
        rng = np.random.default_rng(0)
        true, limit = rng.exponential(2.0, 200).round(1), rng.uniform(0, 6, 200).round(1)
        found = kaplan_meier(np.minimum(true, limit), true <= limit)
        data = stats.CensoredData.right_censored(np.minimum(true, limit), true > limit)
        theirs = stats.ecdf(data).sf
        np.testing.assert_allclose(found.fraction, theirs.evaluate(found.times), atol=1e-12)

    def test_interval_of_a_rate_covers_it(self):
        """At least 95 %, for Poisson counts from few to many."""
        rng = np.random.default_rng(1)
        for expected in (0.5, 3.0, 40.0):
            inside = 0
            for _ in range(300):
                low, high = rate_of(rng.poisson(expected / 5, size=5).astype(float), np.full(5, 2.0)).interval
                inside += low <= expected / 10.0 <= high
            assert inside >= 0.94 * 300

    def test_bursts_widen_the_interval(self):
        lone = rate_of(np.array([20.0, 21.0, 19.0, 20.0, 20.0]), np.ones(5))
        bursts = rate_of(np.array([0.0, 90.0, 0.0, 10.0, 0.0]), np.ones(5))
        assert lone.error == pytest.approx(2.0)
        assert bursts.error > 4 * lone.error
        assert bursts.interval[0] < lone.interval[0]

    def test_diagonal_chain_percolates_along_both_axes_in_one_dimension(self):
        found = percolation(1, Edges(np.array([0]), np.array([0]), np.array([[1, 1, 0]])))
        assert found.axes.tolist() == [True, True, False]
        assert found.dimensions == 1

    def test_chain_through_many_cells(self):
        n = 40
        ways = Edges(np.arange(n), (np.arange(n) + 1) % n, np.array([[0, 0, 0]] * (n - 1) + [[0, 0, 1]]))
        assert percolation(n, ways).axes.tolist() == [False, False, True]
        broken = Edges(*(part[1:] for part in ways))
        assert not percolation(n, broken).axes.any()

    def test_bottleneck_is_the_slowest_needed(self):
        """Two sites in turn along a: one way fast, one slow; a third way along b alone."""
        ways = [
            Edges(np.array([0]), np.array([1]), np.array([[0, 0, 0]])),
            Edges(np.array([1]), np.array([0]), np.array([[1, 0, 0]])),
            Edges(np.array([0]), np.array([0]), np.array([[0, 1, 0]])),
        ]
        assert bottlenecks(2, ways, np.array([5.0, 0.1, 1.0])) == [1, 2, None]


class TestEdges:
    def test_nobody_jumps(self):
        sites = simple_cubic(3)
        site = np.tile(np.arange(5), (200, 1))
        found = jumps(site_visits(as_trajectory(sites, site, np.zeros((200, 5, 3), int), INTERVAL), sites))
        assert found.count == 0
        assert found.paths == ()
        assert not found.percolates.any()
        (stay,) = found.residence
        assert stay.mean == np.inf
        assert stay.mean_interval[0] == pytest.approx(100.0 / -np.log(0.025))  # no departure in 100 ps
        assert stay.median is None
        assert np.isnan(found.correlation_factor)
        assert np.isnan(found.back_jumps)
        json.dumps(found.to_dict())

    def test_is_json(self, beta):
        told = json.loads(json.dumps(jumps(beta).to_dict()))
        assert told["paths"][0]["units"]["rate"] == "1/ps"
        assert told["parameters"]["core"] == 0.7

    def test_bad_arguments(self, cubic):
        with pytest.raises(ValueError, match=r"length_tolerance 0: expected a length above 0 Å"):
            jumps(cubic, length_tolerance=0)
        with pytest.raises(ValueError, match="blocks: expected at least 2, got 1"):
            jumps(cubic, blocks=1)


class TestActivation:
    def test_barrier_comes_back(self):
        found = {}
        for seed, kelvin in enumerate((600.0, 750.0, 1000.0)):
            rate = 20.0 * np.exp(-0.3 / thermal_energy(kelvin))
            visits = walk(simple_cubic(3), {("1a", "1a"): (3.0, rate)}, ions=40, frames=1500, seed=seed)
            found[kelvin] = jumps(visits)
        (line,) = jump_activation(found)
        assert line.barrier_interval[0] < 0.3 < line.barrier_interval[1]
        assert line.barrier == pytest.approx(0.3, abs=0.03)
        assert line.attempt_frequency == pytest.approx(6 * 20.0, rel=0.6)
        assert line.to_dict()["units"]["barrier"] == "eV"

    def test_too_few_temperatures(self, cubic):
        with pytest.raises(ValueError, match="at 3 temperatures or more, got 1"):
            jump_activation({600.0: jumps(cubic)})
