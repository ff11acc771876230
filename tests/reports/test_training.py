"""Plots of training show the numbers they are given, with units."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from betalps.reports import plot_cost, plot_grid, plot_loss, plot_parity
from betalps.structures import beta_li3ps4
from betalps.training import FitSettings, GridPoint, GridResult, evaluate, fit


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


def frames(count):
    from betalps import MTP

    rng = np.random.default_rng(0)
    out = []
    for _ in range(count):
        atoms = beta_li3ps4()
        atoms.positions += 0.1 * rng.normal(size=(32, 3))
        atoms.calc = MTP("beta-lps", threads=1)
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        atoms.calc = SinglePointCalculator(atoms, **results)
        out.append(atoms)
    return out


@pytest.fixture(scope="module")
def trained():
    settings = FitSettings(starts=2, subset=3, iterations=4)
    return fit(frames(6), 4, validation=0.3, settings=settings, threads=1)


def test_loss_of_every_iteration_is_drawn(trained):
    figure = plot_loss(trained)
    axes = figure.axes[0]
    assert axes.get_xlabel() == "processor time  (s)"
    assert axes.get_yscale() == "log"
    drawn = np.concatenate([line.get_ydata() for line in axes.lines if line.get_linestyle() == "-"])
    assert sorted(i.loss for i in trained.history) == sorted(drawn)
    held = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert held[0].get_ydata().tolist() == [i.held_out["loss"] for i in trained.history if i.held_out]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"a subset of 3", "all data", "held out"}
    assert png(figure).startswith(b"\x89PNG")


def test_parity_shows_labels_against_predictions():
    labelled = frames(3)
    labelled[0].calc.results["energy"] += 0.32
    report = evaluate("beta-lps", labelled, threads=1)
    figure = plot_parity(report, "title")
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "labelled energy  (eV/atom)",
        "labelled force component  (eV/Å)",
        "labelled stress component  (GPa)",
    ]
    points = figure.axes[0].lines[-1].get_xydata()
    np.testing.assert_array_equal(points, report.energies)
    assert "MAE 3.33 meV/atom" in figure.axes[0].texts[0].get_text()
    assert png(figure).startswith(b"\x89PNG")


def test_parity_of_many_points_and_of_none():
    labelled = frames(60)
    for atoms in labelled:
        atoms.calc.results.pop("stress")
    figure = plot_parity(evaluate("beta-lps", labelled, threads=1))
    assert figure.axes[1].collections  # a density
    assert figure.axes[2].texts[0].get_text() == "no labels"
    assert png(figure).startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def grid():
    def point(level, cutoff, size=8):
        values = {"energy_mae": 1e-3 / level, "force_mae": 0.1 / level * cutoff, "cost": 0.01 * level * cutoff}
        return GridPoint(level=level, cutoff=cutoff, radial_size=size, **values)

    failed = GridPoint(level=14, cutoff=5.0, radial_size=8, failed="why")
    points = (point(8, 4.0), point(8, 5.0), point(14, 4.0), failed, point(8, 4.0, 10))
    return GridResult(points=points, provenance={})


def test_heat_maps_hold_every_error(grid):
    figure = plot_grid(grid)
    left, right = figure.axes[:2]
    assert (left.get_xlabel(), left.get_ylabel()) == ("cutoff  (Å)", "level")
    told = {text.get_text() for text in left.texts}
    assert told == {"0.125\n0.32 µs", "0.125\n0.4 µs", "0.0714\n0.56 µs", "failed"}
    assert {text.get_text().split("\n")[0] for text in right.texts} == {"50", "62.5", "28.6", "failed"}
    assert "(meV/atom)" in figure.axes[2].get_ylabel() + figure.axes[3].get_ylabel()
    assert png(figure).startswith(b"\x89PNG")
    assert len(plot_grid(grid, 10).axes[0].texts) == 1
    with pytest.raises(ValueError, match="no point with 6 radial basis functions"):
        plot_grid(grid, 6)
    with pytest.raises(ValueError, match="no fit of the grid with 8 radial basis functions succeeded"):
        plot_grid(GridResult(points=(grid.points[3],), provenance={}))


@pytest.mark.parametrize(("missing", "kind", "panel"), [("energy_mae", "energies", 0), ("force_mae", "forces", 1)])
def test_a_panel_without_labels_says_so(grid, missing, kind, panel):
    unlabelled = [replace(point, **{missing: math.nan}) for point in grid.points]
    for draw in (plot_grid, plot_cost):
        figure = draw(replace(grid, points=tuple(unlabelled)))
        assert [text.get_text() for text in figure.axes[panel].texts] == [f"no held-out labels of {kind}"]
        assert len(figure.axes[1 - panel].texts) > 1
        assert png(figure).startswith(b"\x89PNG")
    assert figure.axes[1 - panel].get_legend()


def test_cost_is_drawn_against_error(grid):
    figure = plot_cost(grid)
    assert figure.axes[0].get_xlabel() == "cost  (µs per atom)"
    line = next(line for line in figure.axes[0].lines if line.get_label() == "4 Å, 8 functions")
    np.testing.assert_allclose(line.get_xydata(), [[0.32, 0.125], [0.56, 1 / 14]])
    assert {text.get_text() for text in figure.axes[0].texts} == {"8", "14"}
    assert not any(math.isnan(x) for line in figure.axes[0].lines for x in line.get_ydata())
    assert png(figure).startswith(b"\x89PNG")
