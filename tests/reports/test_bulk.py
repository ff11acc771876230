"""Plots of bulk properties show the numbers they are given."""

import io

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from betalps.analysis import TABLE_1, bulk_properties, elastic_tensor, lattice_parameters
from betalps.reports.bulk import plot_elastic_tensor, plot_equation_of_state, plot_lattice, plot_table_1, table_1
from betalps.trajectories import Trajectory


@pytest.fixture(scope="module")
def copper():
    return bulk_properties(bulk("Cu", cubic=True), EMT(), points=1, with_equation_of_state=True)


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG")


def run(scale, frames=40, trend=0.0):
    rng = np.random.default_rng(0)
    breath = scale * (1 + 0.002 * rng.normal(size=(frames, 3)) + trend * np.arange(frames)[:, None] / frames)
    return Trajectory(
        symbols=np.array(["Li"]),
        fractional=np.zeros((frames, 1, 3)),
        cells=breath[:, :, None] * np.eye(3),
        times=np.arange(frames) * 1.0,
        pbc=np.ones(3, bool),
    )


def test_equation_of_state(copper):
    state = copper.equation_of_state
    figure = plot_equation_of_state(state)
    png(figure)
    (axes,) = figure.axes
    curve, points = axes.lines
    np.testing.assert_allclose(points.get_xdata(), state.volumes / 4)
    np.testing.assert_allclose(points.get_ydata(), 1e3 * (state.energies - state.energy) / 4)
    assert curve.get_ydata().min() == pytest.approx(0.0, abs=0.1)
    assert f"{state.bulk_modulus:.0f}"[:2] in axes.get_legend().get_texts()[0].get_text()
    assert "shape relaxed" in axes.get_legend().get_texts()[0].get_text()
    assert "(" in axes.get_xlabel()
    assert "(" in axes.get_ylabel()


def test_elastic_tensor(copper):
    figure = plot_elastic_tensor(copper.elastic)
    png(figure)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), copper.elastic.constants)
    assert f"{copper.elastic.constants[0, 0]:.1f}" in {text.get_text() for text in axes.texts}
    assert "Fm-3m" in axes.get_title()
    assert "(GPa)" in figure.axes[1].get_ylabel()


def test_unstable_crystal_is_said_to_be():
    found = elastic_tensor(
        bulk("Ar", "sc", a=2.9), LennardJones(epsilon=0.01, sigma=2.5, rc=4.5), relax_cell=False, symmetry=False
    )
    assert "unstable" in plot_elastic_tensor(found).axes[0].get_title()
    assert "no symmetry" in plot_elastic_tensor(found).axes[0].get_title()


def test_lattice():
    found = {300.0: lattice_parameters(run(10.0)), 600.0: lattice_parameters(run(10.1, trend=0.05), blocks=8)}
    figure = plot_lattice(found)
    png(figure)
    left, right = figure.axes
    assert any(
        np.allclose(line.get_ydata(), [100 * (found[600.0].lengths[0] / found[300.0].lengths[0] - 1)])
        for line in left.lines
        if len(line.get_ydata()) == 1
    )
    hollow = [line for line in right.lines if line.get_markerfacecolor() == "white"]
    np.testing.assert_allclose(hollow[0].get_xdata(), [600.0])  # it drifts
    with pytest.raises(ValueError, match="expected lattices by temperature"):
        plot_lattice({})


def test_table_1(copper):
    text = table_1({"copper": copper})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert rows[0] == ["", "copper", *TABLE_1]
    assert [row[0] for row in rows[2:]] == ["a, Å", "b, Å", "c, Å", "ρ, g/cm³", "B, GPa", "G, GPa"]
    assert rows[2][1:] == ["3.59", "13.06", "13.07", "13.07"]
    assert rows[6][-1] == "10–12"
    figure = plot_table_1({"copper": copper})
    png(figure)
    left = figure.axes[0]
    ours = next(line for line in left.lines if line.get_label() == "copper")
    assert ours.get_ydata()[0] == pytest.approx(100 * (copper.lattice.lengths[0] / 13.07 - 1))
