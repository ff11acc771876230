"""Pictures of candidates."""

import io

import pytest

from betalps.reports.candidates import plot_candidates
from betalps.structures import Candidates, beta_li3ps4, twist_candidates


@pytest.fixture(scope="module")
def candidates():
    return twist_candidates(beta_li3ps4(), "(100)")


def test_candidates(candidates):
    figure = plot_candidates(candidates, 5)
    axes = figure.axes[0]
    assert len(axes.collections[0].get_offsets()) == len(candidates)
    (mark,) = axes.lines
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (candidates[5].angle, candidates[5].area)
    labels = [text.get_text() for text in axes.texts]
    assert "#1: 75.52°, 0.38 %" in labels
    assert not any(label.startswith("#0:") for label in labels)  # the crystal itself
    figure.savefig(buffer := io.BytesIO(), dpi=40)
    assert buffer.tell() > 2000
    assert plot_candidates(candidates, candidates[5]).axes[0].lines[0].get_xdata()[0] == candidates[5].angle
    assert len(plot_candidates(candidates, labels=3).axes[0].texts) == 3


def test_labels_do_not_lie_on_each_other(candidates):
    figure = plot_candidates(candidates)
    figure.savefig(io.BytesIO())
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) > 5
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_bad_candidates(candidates):
    with pytest.raises(ValueError, match="no candidates to draw; allow more strain or area"):
        plot_candidates(Candidates(title="twists", entries=()))
    with pytest.raises(ValueError, match="candidate 999: the list has"):
        plot_candidates(candidates, 999)
