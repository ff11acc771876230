"""Plots of rings show what was found, and by which definitions."""

import io

import numpy as np
import pytest

from analysis.homology.test_ring_lifetimes import found_in, telegraph
from analysis.homology.test_rings import crystal
from betalps.analysis import ring_lifetimes, rings
from betalps.reports.rings import plot_persistence, plot_persistent_fraction, plot_ring_lifetimes, plot_ring_sizes


@pytest.fixture(scope="module")
def found():
    return rings(crystal(4), threshold=4.5, cut=0.3)


def drawn(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG")
    return figure.axes[0]


def test_the_diagram_is_a_map_with_its_cut_and_its_fraction(found):
    axes = drawn(plot_persistence(found))
    assert axes.get_xlabel() == "birth b  (Å)"
    assert axes.get_ylabel() == "persistence L  (Å)"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 0.3)
    mean, error = found.fraction_above(0.3)
    assert f"{mean:.3f} ± {error:.3f}" in axes.texts[0].get_text()
    title = axes.get_title(loc="left")
    assert title == f"{found.definition}; 4 snapshots\nGaussian filter of 6 bins of 0.025 Å"
    assert axes.collections[0].get_array().sum() * 0.025**2 == pytest.approx(
        len(found.births) / 4 / found.copies[0], rel=1e-6
    )
    deaths = drawn(plot_persistence(found, ordinate="death", smoothing=2.0))
    assert deaths.get_ylabel() == "death d  (Å)"
    lines = [line.get_xydata() for line in deaths.lines]
    np.testing.assert_allclose(lines[0][:, 1] - lines[0][:, 0], 0.3)
    np.testing.assert_allclose(lines[1][:, 1], lines[1][:, 0])


def test_fractions_of_several_systems(found):
    other = rings(crystal(4, sigma=0.4), threshold=4.5, cut=0.3)
    axes = drawn(plot_persistent_fraction({"crystal": found, "hot": other}))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["crystal", "hot"]
    np.testing.assert_allclose(axes.containers[1].lines[0].get_ydata(), other.fraction)
    assert axes.get_title(loc="left") == f"{found.definition}; 4 snapshots"
    alone = drawn(plot_persistent_fraction(rings(crystal(1), threshold=4.5, cut=0.3)))  # no errors
    assert alone.get_legend() is None
    assert "1 snapshot" in alone.get_title(loc="left")
    with pytest.raises(ValueError, match="at least one system"):
        plot_persistent_fraction({})


def test_sizes(found):
    axes = drawn(plot_ring_sizes({"a": found, "b": found}, largest=8))
    assert axes.get_xlabel() == "Li ions in a ring"
    shown = found.ring_sizes <= 8
    bars = [container for container in axes.containers if hasattr(container, "patches")]
    np.testing.assert_allclose([bar.get_height() for bar in bars[0]], found.size_fraction[shown])
    assert len(bars) == 2


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (telegraph(200, 40, 4.0, 40.0, 0), "± "),
        (np.ones((3, 10)), "above 4.5 ps on average"),
        (np.tile([[1, 0]], (3, 5)), "(not resolved by the frames)"),
    ],
)
def test_lifetimes(there, told):
    found = ring_lifetimes(found_in(there), patience=0.0)
    axes = drawn(plot_ring_lifetimes(found))
    assert axes.get_xlabel() == "time  (ps)"
    assert told in axes.get_legend().get_texts()[0].get_text()
    assert "the same ions" in axes.get_title(loc="left")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found.survival[: len(axes.lines[0].get_ydata())])


def test_patience_is_told():
    found = ring_lifetimes(found_in(telegraph(50, 40, 4.0, 40.0, 0)), patience=1.0)
    assert "absent for up to 1 ps is unbroken" in drawn(plot_ring_lifetimes(found)).get_title(loc="left")
