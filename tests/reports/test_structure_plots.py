"""The plots of structure show the numbers of their results, with units and the defaults they were made with."""

import io

import numpy as np
import pytest

from betalps.analysis import (
    bond_angles,
    concentration_profile,
    planar_density,
    polyanions,
    radial_distributions,
    reorientation,
)
from betalps.reports.structure_plots import (
    plot_bond_angles,
    plot_planar_density,
    plot_polyanions,
    plot_profile,
    plot_rdf,
    plot_reorientation,
)
from betalps.structures import beta_li3ps4
from betalps.trajectories import Trajectory


@pytest.fixture(scope="module")
def trajectory():
    crystal, rng = beta_li3ps4((1, 2, 2)), np.random.default_rng(0)
    frames = [crystal.copy() for _ in range(30)]
    for frame in frames:
        frame.positions += rng.normal(scale=0.1, size=frame.positions.shape)
    return Trajectory.from_atoms(frames, 0.1 * np.arange(30))


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


def test_rdf(trajectory):
    result = radial_distributions(trajectory, r_max=6.0)
    figure = plot_rdf(result)
    assert png(figure).startswith(b"\x89PNG")
    top, bottom = figure.axes
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["Li–Li", "Li–P", "Li–S", "P–P", "P–S", "S–S"]
    curve = next(line for line in top.lines if line.get_label() == "P–S")
    np.testing.assert_array_equal(curve.get_ydata(), result["P", "S"].g)
    assert bottom.get_xlabel() == "r  (Å)"
    assert "30 frames, all centres, bins of 0.05 Å" in top.get_title(loc="left")
    assert len(plot_rdf(result, [("S", "Li")]).axes[0].get_legend().get_texts()) == 1


@pytest.mark.parametrize("frames", [1, 30])
def test_polyanions(trajectory, frames):
    result = polyanions(trajectory.select(stop=frames), cutoff=2.6)
    figure = plot_polyanions(result)
    assert png(figure).startswith(b"\x89PNG")
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["PS₄"]
    assert left.patches[0].get_width() == pytest.approx(100.0)
    assert "P–S 2.60 Å" in right.get_title(loc="right")
    assert right.get_xlabel() == "time  (ps)"


def test_bond_angles(trajectory):
    results = [bond_angles(trajectory), bond_angles(trajectory, ("Li", "S", "Li"), cutoff=3.2)]
    axes = plot_bond_angles(results).axes[0]
    assert png(plot_bond_angles(results[0])).startswith(b"\x89PNG")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0].startswith("S–P–S: 109.")
    assert "legs up to 3.20 Å" in labels[1]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), results[0].density)


def test_reorientation(trajectory):
    result = reorientation(trajectory, fit_start=0.2)
    figure = plot_reorientation(result)
    assert png(figure).startswith(b"\x89PNG")
    axes = figure.axes[0]
    assert "16 tetrahedra, 0 rotations" in axes.get_title(loc="left")
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), result.bond_first.values)
    assert "no decay resolved" in axes.get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize("axis", [0, 2])
def test_planar_density(trajectory, axis):
    result = planar_density(trajectory, axis=axis, spacing=0.5)
    figure = plot_planar_density(result, bar=3.0)
    assert png(figure).startswith(b"\x89PNG")
    axes, colours = figure.axes
    bar = next(line for line in axes.lines if line.get_gid() == "scale-bar")
    assert np.ptp(bar.get_xdata()) == pytest.approx(3.0)
    assert "3 Å" in [text.get_text() for text in axes.texts]
    assert axes.get_aspect() == 1.0
    np.testing.assert_allclose(axes.collections[0].get_array().ravel(), result.density.ravel())
    assert colours.get_ylabel() == "Li per area  (Å⁻²)"
    assert f"along {'abc'[axis]}, 30 frames, 48 Li" in axes.get_title(loc="left")


def test_a_small_map_gets_a_shorter_bar(trajectory):
    figure = plot_planar_density(planar_density(trajectory, spacing=0.5))
    assert "5 Å" in [text.get_text() for text in figure.axes[0].texts]


def test_profile(trajectory):
    result = concentration_profile(trajectory, boundaries=[3.0, 9.0], window=2.0, bulk_distance=2.0, bandwidth=0.3)
    figure = plot_profile(result)
    assert png(figure).startswith(b"\x89PNG")
    axes = figure.axes[0]
    assert [text.get_text()[:3] for text in axes.texts] == ["Γ =", "Γ ="]
    assert axes.get_ylabel() == "concentration of Li  (Å⁻³)"
    assert any("kernel of 0.3 Å" in text.get_text() for text in axes.get_legend().get_texts())
