"""The plots show the numbers they are given, with units, and leave no state behind."""

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from betalps.reports import plot_arrhenius, plot_boundary_diffusion, plot_msd, plot_thermodynamics
from betalps.reports.style import temperature_colours
from reports import variants

PLOTS = [plot_msd, plot_arrhenius, plot_thermodynamics, plot_boundary_diffusion]


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("variant", [variants.with_line, variants.without_line, variants.without_runs])
def test_every_case_can_be_drawn(results, plot, variant):
    assert png(plot(variant(results))).startswith(b"\x89PNG")


@pytest.mark.parametrize("plot", PLOTS)
def test_axes_have_units(results, plot):
    for axes in plot(variants.with_line(results)).axes:
        label = axes.get_ylabel()
        assert "(" in label, f"no unit in {label!r}"
        assert axes.get_xlabel() or axes.get_shared_x_axes().get_siblings(axes)


def test_arrhenius_points_are_where_they_should_be(results):
    shown = variants.with_line(results)
    axes = plot_arrhenius(shown).axes[0]
    points = [container.lines[0].get_xydata()[0] for container in axes.containers if hasattr(container, "has_yerr")]
    expected = [
        (1000.0 / run["temperature_K"], run["diffusion"]["total"]["diffusivity_cm2_per_s"]) for run in shown["runs"]
    ]
    expected.append((1000.0 / 300.0, shown["arrhenius"]["target_diffusivity_cm2_per_s"]))
    np.testing.assert_allclose(sorted(map(tuple, points)), sorted(expected))
    text = [entry.get_text() for entry in axes.get_legend().get_texts()]
    assert any("extrapolated to 300 K" in entry for entry in text)
    assert any("Jalem et al. 2023" in entry for entry in text)


def test_reference_conductivity_becomes_its_diffusivity(results):
    """7.4e-5 S/cm at the density of the crystal is 6.6e-10 cm²/s."""
    axes = plot_arrhenius(variants.with_line(results)).axes[0]
    marker = next(line for line in axes.lines if line.get_marker() == "D")
    np.testing.assert_allclose(marker.get_xydata()[0], [1000 / 300, 6.62e-10], rtol=5e-3)


def test_unresolved_is_an_arrow_not_a_point(results):
    axes = plot_arrhenius(variants.without_line(results)).axes[0]
    assert not axes.containers
    assert len([child for child in axes.texts if child.arrow_patch is not None]) == 3


def test_msd_curves_are_the_data(results):
    axes = plot_msd(results).axes[0]
    for run in results["runs"]:
        lags, total = run["diffusion"]["msd"]["lags"], run["diffusion"]["msd"]["total"]
        half = [(t, m) for t, m in zip(lags, total, strict=True) if 0 < t <= 0.5 * lags[-1]]
        assert any(
            line.get_xydata().shape == (len(half), 2) and np.allclose(line.get_xydata(), half) for line in axes.lines
        )


def test_labels_of_curves_do_not_overlap(results):
    figure = plot_msd(results)
    png(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[k + 1 :])


def test_colours_keep_their_order_in_grey():
    colours = temperature_colours([900.0, 300.0, 600.0, 1200.0])
    grey = [np.dot(to_rgb(colours[t]), [0.299, 0.587, 0.114]) for t in sorted(colours)]
    assert all(np.diff(grey) > 0.05)
    assert grey[-1] < 0.8  # still readable on white


def test_pyplot_is_not_touched():
    code = (
        "import sys, betalps.reports as r\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from betalps.reports.plots import new_figure\n"
        "new_figure(1, 1)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
