"""Plots of sites and jumps show the numbers they are given."""

import io

import numpy as np
import pytest

from analysis.site_walks import BETA_RATES, Ways, as_trajectory, independent_walks, simple_cubic
from betalps.analysis import crystal_sites, jump_activation, jumps, site_occupancy, site_visits
from betalps.reports.jumps import (
    plot_jump_activation,
    plot_jump_correlation,
    plot_jump_network,
    plot_jump_rates,
    plot_occupancy,
    plot_residence,
)
from betalps.structures import beta_li3ps4_sites


@pytest.fixture(scope="module")
def visits():
    sites = crystal_sites(beta_li3ps4_sites(), repeat=(1, 1, 2))
    rng = np.random.default_rng(0)
    walk = independent_walks(rng, Ways(sites, BETA_RATES), rng.integers(len(sites), size=20), 2000, 0.1)
    return site_visits(as_trajectory(sites, *walk, 0.1), sites)


@pytest.fixture(scope="module")
def found(visits):
    return jumps(visits)


@pytest.fixture(scope="module")
def nobody():
    sites = simple_cubic(3)
    still = np.tile(np.arange(5), (50, 1))
    visits = site_visits(as_trajectory(sites, still, np.zeros((50, 5, 3), int), 0.1), sites)
    return visits, jumps(visits)


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG")
    return figure


def test_occupancy(visits):
    result = site_occupancy(visits)
    (axes,) = png(plot_occupancy(result, {"4b": 0.7, "4c": 0.3})).axes
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], result.occupancy)
    marker = next(line for line in axes.lines if line.get_marker() == "D")
    np.testing.assert_allclose(marker.get_ydata(), [0.7, 0.3])
    assert "(Li per site)" in axes.get_ylabel()
    assert axes.get_xticklabels()[0].get_text() == "8d\n16 sites"


def test_rates(found):
    (axes,) = png(plot_jump_rates(found)).axes
    shown = sorted(container.lines[0].get_xdata()[0] for container in axes.containers)
    np.testing.assert_allclose(shown, sorted(path.rate for path in found.paths if path.count))
    assert "(1/ps)" in axes.get_xlabel()
    assert axes.get_yticklabels()[-1].get_text().startswith("4c → 4b 2.12")


def test_residence(found):
    (axes,) = png(plot_residence(found)).axes
    one = next(one for one in found.residence if one.kind == "4b")
    assert any(np.array_equal(line.get_xdata()[1:], one.times) for line in axes.lines)
    assert any(text.get_text().startswith("4b, mean") for text in axes.figure.legends[0].get_texts())


@pytest.mark.parametrize("along", ["a", "b", "c"])
def test_network(found, visits, along):
    (axes,) = png(plot_jump_network(found, visits.sites, along)).axes
    segments = axes.collections[0].get_segments()
    there = {(*edge, *image) for edge, image in zip(found.edges.tolist(), found.edge_images.tolist(), strict=True)}
    both = {min(way, (way[1], way[0], -way[2], -way[3], -way[4])) for way in there}
    assert len(segments) == len(both)
    lengths = np.linalg.norm(np.diff(segments, axis=1)[:, 0], axis=1)
    assert lengths.max() < 3.9  # no way across the whole cell
    assert "along a, b, c" in axes.get_title()


def test_network_of_others(found, visits):
    with pytest.raises(ValueError, match="along 'x': expected 'a', 'b' or 'c'"):
        plot_jump_network(found, visits.sites, "x")
    with pytest.raises(ValueError, match="expected those of the jumps"):
        plot_jump_network(found, simple_cubic(1))


def test_correlation(found):
    (axes,) = png(plot_jump_correlation(found)).axes
    np.testing.assert_allclose(axes.containers[0].lines[0].get_ydata(), found.correlation_factors)
    assert any(f"f = {found.correlation_factor:.2f}" in text.get_text() for text in axes.get_legend().get_texts())


def test_nobody_jumps(nobody):
    visits, still = nobody
    png(plot_jump_rates(still))
    png(plot_residence(still))
    assert "leads nowhere" in png(plot_jump_network(still, visits.sites)).axes[0].get_title()
    png(plot_jump_correlation(still))


def test_doubts_are_on_the_plot():
    sites = simple_cubic(3)
    rng = np.random.default_rng(0)
    walk = independent_walks(rng, Ways(sites, {("1a", "1a"): (3.0, 0.08)}), np.arange(20), 300, 1.0)
    found = jumps(site_visits(as_trajectory(sites, *walk, 1.0), sites))
    assert "jumps are missed" in plot_jump_rates(found).axes[0].get_title()


def test_activation():
    by_temperature = {}
    sites = simple_cubic(3)
    for kelvin, rate in ((600.0, 0.01), (800.0, 0.03), (1000.0, 0.07)):
        rng = np.random.default_rng(int(kelvin))
        walk = independent_walks(rng, Ways(sites, {("1a", "1a"): (3.0, rate)}), np.arange(20), 600, 0.1)
        by_temperature[kelvin] = jumps(site_visits(as_trajectory(sites, *walk, 0.1), sites))
    lines = jump_activation(by_temperature)
    (axes,) = png(plot_jump_activation(lines)).axes
    np.testing.assert_allclose(axes.containers[0].lines[0].get_ydata(), lines[0].rates)
    with pytest.raises(ValueError, match="expected at least one path"):
        plot_jump_activation([])
