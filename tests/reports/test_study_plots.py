"""Regions side by side."""

import io

import numpy as np
import pytest

from betalps.analysis import polyanions, radial_distributions
from betalps.reports.study_plots import plot_polyanion_regions, plot_rdf_regions
from betalps.structures import beta_li3ps4


def shaken(seed):
    atoms = beta_li3ps4((1, 2, 2))
    atoms.rattle(0.15, seed=seed)
    return atoms


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    return file.getvalue()


def test_radial_distributions_have_a_panel_for_each_pair():
    results = {name: radial_distributions(shaken(seed), r_max=6.0) for seed, name in enumerate(("crystal", "boundary"))}
    figure = plot_rdf_regions(results)
    assert png(figure).startswith(b"\x89PNG")
    assert [axes.get_title() for axes in figure.axes] == ["Li–Li", "Li–P", "Li–S", "P–P", "P–S", "S–S"]
    first, second = figure.axes[2].lines[:2]
    np.testing.assert_array_equal(first.get_ydata(), results["crystal"]["Li-S"].g)
    np.testing.assert_array_equal(second.get_ydata(), results["boundary"]["Li-S"].g)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["crystal", "boundary"]
    one = plot_rdf_regions(results, pairs=("Li-S",))
    assert len([axes for axes in one.axes if axes.get_visible()]) == 1
    with pytest.raises(ValueError, match="expected radial distributions of Na-S, got none"):
        plot_rdf_regions(results, pairs=("Na-S",))


def test_polyanions_fill_their_bars():
    results = {"crystal": polyanions(shaken(0), cutoff=2.8), "melt": polyanions(shaken(1), cutoff=2.2)}
    figure = plot_polyanion_regions(results)
    assert png(figure).startswith(b"\x89PNG")
    widths = np.zeros(2)
    for bars in figure.axes[0].containers:
        widths += [bar.get_width() for bar in bars]
    np.testing.assert_allclose(widths, 100.0)
    assert figure.axes[0].containers[0][0].get_width() == pytest.approx(100 * results["crystal"].tetrahedral)
    with pytest.raises(ValueError, match="expected the polyanions of at least one system"):
        plot_polyanion_regions({})
