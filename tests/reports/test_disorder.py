"""The plot of disorder parameters shows each distribution, its mean and its definition."""

import io

import numpy as np
import pytest
from ase.build import bulk

from analysis.structure.test_disorder import several
from betalps.analysis import disorder
from betalps.reports.disorder import plot_disorder


def test_distributions():
    trajectory, _ = several(5)
    found = {"all": disorder(trajectory), "first": disorder(trajectory[:1], cutoff=5.0)}
    figure = plot_disorder(found)
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found["all"].density)
    text = [entry.get_text() for entry in figure.legends[0].get_texts()]
    assert text == [
        f"all, mean {found['all'].mean:.3f} ± {found['all'].error:.3f}",
        f"first, mean {found['first'].mean:.3f}",
    ]
    title = axes.get_title(loc="left").splitlines()
    assert title == [found["all"].definition, found["first"].definition]
    assert "(1)" in axes.get_xlabel()


def test_one_alone_and_none():
    alone = plot_disorder(disorder(bulk("Li", "fcc", a=4.4, cubic=True) * (2, 2, 2)))
    assert alone.axes[0].get_legend().get_texts()[0].get_text() == "mean 0.000"
    with pytest.raises(ValueError, match="at least one system"):
        plot_disorder({})
