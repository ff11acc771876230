"""Plots of a region show the numbers they are given, with units and what was followed."""

import io

import numpy as np
import pytest

from analysis.walks import Slab
from betalps.analysis import RegionalDiffusion, regional_diffusion, survival
from betalps.reports.regional import plot_isotropy, plot_regional, plot_regions, plot_survival
from betalps.structures.regions import AtomChoice, Box, slab_region

SLAB = Slab(ions=150, frames=400, interval=0.5)
WALK = SLAB.trajectory(np.random.default_rng(0))
REGION = slab_region(WALK.mean_cell, 20.0, 10.0)


def png(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


@pytest.fixture(scope="module")
def result() -> RegionalDiffusion:
    return regional_diffusion(WALK, REGION)


def test_a_region_on_three_panels(result: RegionalDiffusion) -> None:
    figure = plot_regional(result)
    left, middle, right = figure.axes
    assert "(Å²)" in left.get_ylabel()
    assert "(Å²/ps)" in middle.get_ylabel()
    assert "(ps)" in right.get_xlabel()
    told = [text.get_text() for text in left.get_legend().get_texts()]
    assert told == ["x", "y", "z, across the border"]
    np.testing.assert_allclose(left.lines[0].get_ydata(), result.msd[:, 0])
    # The thick line is the fit, with its border.
    lags, fitted = left.lines[5].get_data()
    slope = 2.0 * result.directions[2].diffusivity
    np.testing.assert_allclose(fitted, result.intercepts[2] + slope * lags + result.borders[2] * lags**1.5)
    title = figure.get_suptitle()
    assert "slab of 10 Å" in title
    assert f"ξ = {result.xi:.2f}" in title
    assert len(png(figure)) > 5000


def test_every_method_and_region_can_be_drawn() -> None:
    for method in ("resident", "study"):
        assert png(plot_regional(regional_diffusion(WALK, REGION, method=method)))
    core = Box(centre=(0.5, 0.5, 0.5), lengths=(30.0, None, 20.0))
    assert "region, " in plot_regional(regional_diffusion(WALK, core)).get_suptitle()
    chosen = regional_diffusion(WALK, AtomChoice(mask=np.arange(150) < 50))
    assert png(plot_regional(chosen))
    assert png(plot_survival(chosen.survival))


def test_survival_is_a_probability() -> None:
    found = survival(WALK, REGION, allowed_absence=1.0)
    figure = plot_survival(found)
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found.probability)
    assert axes.get_ylim()[1] < 1.1
    assert "absences up to 1 ps" in axes.get_title() or f"{found.ions:.1f} Li inside" in axes.get_title()
    assert png(figure)


def test_isotropy_of_several(result: RegionalDiffusion) -> None:
    frozen = Slab(inside=(1e-6, 1e-6), outside=(1e-6, 1e-6), ions=40, frames=150, rattle=0.2)
    still = regional_diffusion(frozen.trajectory(np.random.default_rng(1)), REGION)
    figure = plot_isotropy({"slab": result, "ice": still})
    (axes,) = figure.axes
    assert "(cm²/s)" in axes.get_ylabel()
    assert axes.lines[0].get_xdata()[0] == pytest.approx(result.xi)
    assert axes.lines[0].get_ydata()[0] == pytest.approx(1e-4 * result.total.diffusivity)
    assert axes.get_title() == "method: border; without ξ: ice"
    assert png(figure)


def test_regions_beside_each_other(result: RegionalDiffusion) -> None:
    core = regional_diffusion(WALK, Box(centre=(0.5, 0.5, 0.5), lengths=(30.0, None, 20.0)))
    figure = plot_regions({"slab": result, "core": core})
    plane, across = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["slab", "core, all directions"]
    np.testing.assert_allclose(plane.lines[1].get_ydata(), result.running[:, :2].mean(axis=1))
    np.testing.assert_allclose(across.lines[1].get_ydata(), result.running[:, 2])
    assert result.lateral is not None
    np.testing.assert_allclose(plane.lines[2].get_ydata(), result.lateral.diffusivity)
    assert png(figure)
    assert len(plot_regions({"core": core}).axes) == 1
    with pytest.raises(ValueError, match="at least one region, got none"):
        plot_regions({})
