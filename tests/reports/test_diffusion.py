"""Plots of diffusion show the numbers they are given, with units, windows and what is not resolved."""

import io

import numpy as np
import pytest

from analysis.walks import brownian, hopping, rattling, wrapped
from betalps.analysis import arrhenius, collective_diffusion, diffusion
from betalps.reports import plot_arrhenius_lines, plot_collective, plot_diffusion
from betalps.units import thermal_energy

KELVIN = np.array([400.0, 450.0, 500.0, 550.0, 600.0, 700.0, 800.0, 900.0, 1000.0])
INVERSE = 1.0 / np.array([thermal_energy(t) for t in KELVIN])


def png(figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


def test_displacements_and_the_window_of_their_fit() -> None:
    rng = np.random.default_rng(1)
    walk = hopping(rng, 400, 64, 0.3) * np.sqrt([1.0, 0.5, 0.2]) + rattling(rng, 400, 64)
    result = diffusion(wrapped(walk))
    figure = plot_diffusion(result)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["total", "x", "y", "z"]
    assert "(Å²)" in left.get_ylabel()
    assert "(Å²/ps)" in right.get_ylabel()
    assert f"fitted from {result.window.start:g} to {result.window.stop:g} ps" in left.get_title()
    lags, fitted = left.lines[1].get_data()
    assert lags[[0, -1]] == pytest.approx([result.window.start, result.window.stop])
    assert fitted[0] == pytest.approx(result.intercept + 6.0 * result.total.diffusivity * lags[0])
    slope = (fitted[-1] - fitted[0]) / (lags[-1] - lags[0])
    assert slope == pytest.approx(6.0 * result.total.diffusivity)
    np.testing.assert_allclose(right.lines[1].get_ydata(), result.total.diffusivity)
    low, high = result.total.interval
    assert f"({low:.3g} to {high:.3g})" in figure.get_suptitle()
    assert len(png(figure)) > 5000


def test_what_is_not_resolved_says_so() -> None:
    result = diffusion(wrapped(rattling(np.random.default_rng(2), 200, 10)))
    figure = plot_diffusion(result)
    assert f"D < {result.total.upper_bound:.2g} Å²/ps (not resolved)" in figure.get_suptitle()
    assert png(figure)


def test_charge_beside_single_ions() -> None:
    walk = wrapped(brownian(np.random.default_rng(3), 400, 64, 0.3, 8))
    result = collective_diffusion(walk, temperature=600.0)
    figure = plot_collective(result)
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[2].get_ydata(), result.msd.sum(axis=1)[1 : len(result.lags) // 2])
    title = figure.get_suptitle()
    assert f"Haven ratio {result.haven_ratio:.2f}" in title
    assert "mS/cm" in title
    still = collective_diffusion(wrapped(rattling(np.random.default_rng(4), 200, 10)))
    assert plot_collective(still).get_suptitle() == "Haven ratio not resolved"
    assert png(figure)


def test_one_line_and_a_broken_one() -> None:
    broken = 8.0 * np.exp(-0.2 * INVERSE - 0.2 * np.maximum(INVERSE - 1.0 / thermal_energy(620.0), 0.0))
    straight = 8.0 * np.exp(-0.3 * INVERSE)
    lines = {name: arrhenius(KELVIN, d, 0.05 * d, draws=100) for name, d in (("crystal", broken), ("glass", straight))}
    figure = plot_arrhenius_lines(lines)
    (axes, *_) = figure.axes
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[0].startswith("crystal: $E_a$ = 0.4")
    assert "eV above" in told[0]
    assert told[1].startswith("glass: $E_a$ = 0.300 (")
    measured = axes.lines[0].get_xydata()
    np.testing.assert_allclose(measured, np.stack([1000.0 / KELVIN, 1e-4 * broken], axis=1))
    assert "(cm²/s)" in axes.get_ylabel()
    assert len(png(figure)) > 5000
    alone = plot_arrhenius_lines(lines["glass"])
    assert alone.legends[0].get_texts()[0].get_text().startswith("$E_a$")
    with pytest.raises(ValueError, match="at least one Arrhenius line, got none"):
        plot_arrhenius_lines({})
