"""The live report of active learning: what is drawn is what happened."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from betalps.errors import FormatError
from betalps.reports import (
    plot_grades,
    plot_learning_errors,
    plot_selections,
    render_learning_report,
    write_learning_report,
)


def run(name, temperature, ended, grades, group="beta"):
    return {
        "name": name,
        "group": group,
        "temperature": temperature,
        "atoms": 32,
        "ended": ended,
        "message": "" if ended == "finished" else "stage 'explore', step 30: too far",
        "time": 0.1 * len(grades),
        "length": 1.0,
        "worst": max(grades) if grades else None,
        "times": [0.1 * (k + 1) for k in range(len(grades))],
        "grades": grades,
    }


def errors(energy, force):
    line = {f"{name}_{which}": value for name, value in (("energy", energy), ("force", force), ("stress", 0.1))
            for which in ("mae", "median", "max")}  # fmt: skip
    return {
        "frames": 5,
        **line,
        "group": {"<beta>": {"frames": 5, **line}},
        "temperature_K": {"300": {"frames": 5, **line}},
    }


def chosen(source, group, grade, cut=False):
    return {
        "source": source,
        "group": group,
        "temperature_K": 300.0,
        "time_ps": 0.2,
        "grade": grade,
        "atoms": 32,
        "cut": cut,
    }


@pytest.fixture
def results():
    def fit(number, force):
        return {"frames": 8 + 3 * number, "atoms": 256, "flags": [], "unfilled": 3, "potential": "ab", "warning": "",
                "errors": {"training": errors(1.0, 20.0), "boundaries": errors(5.0 - number, force)}}  # fmt: skip

    def select(selected):
        return {"candidates": 9, "rejected": {"contact": 2}, "wanted": 7, "selected": selected}

    return {
        "kind": "betalps active learning",
        "version": 1,
        "config": {
            "potential": None,
            "fit": {"level": 8, "cutoff": 5.0},
            "seeds": [{}, {}],
            "labels": {"calculator": "mtp:<x>"},
            "exploration": {"gamma_select": 2.0},
        },
        "state": {"iteration": 3, "stage": "explore", "labels": 5, "seconds": 100.0},
        "finished": "budget: 2 iterations",
        "remarks": ["The loop did not <converge>."],
        "iterations": [
            {"iteration": 0, "fit": fit(0, 90.0)},
            {
                "iteration": 1,
                "explore": {
                    "gamma_break": 10.0,
                    "runs": [
                        run("beta-300K", 300.0, "grade", [1.0, 5.0, 12.0]),
                        run("a-900K", 900.0, "failed", [], "a"),
                    ],
                },
                "select": select([chosen("beta-300K", "beta", 5.0), chosen("beta-300K", "beta", 12.0)]),
                "label": {"asked": 2, "labelled": 2, "failed": [], "too_large_forces": 0},
                "fit": fit(1, 70.0),
            },
            {
                "iteration": 2,
                "explore": {
                    "gamma_break": 5.0,
                    "runs": [
                        run("beta-300K", 300.0, "finished", [1.0, 1.5]),
                        run("a-2000K", 2000.0, "boiled", [0.5, 0.9, 1.1]),
                    ],
                },
                "select": select([chosen("a-900K", "a", 3.0, cut=True)] * 3),
                "label": {"asked": 3, "labelled": 2, "failed": ["TimeoutError: late"], "too_large_forces": 0},
                "fit": fit(2, 60.0),
                "finish": {**fit(4, 50.0), "taken": True},
            },
        ],
        "provenance": {},
    }


def test_errors_are_drawn_against_the_iteration(results):
    energy, force = plot_learning_errors(results).axes
    lines = {line.get_label(): line for line in force.lines}
    assert lines["boundaries"].get_xdata().tolist() == [0, 1, 2]
    assert lines["boundaries"].get_ydata().tolist() == [90.0, 70.0, 60.0]
    assert lines["training"].get_linestyle() == "--"
    assert energy.lines[0].get_ydata().tolist() == [5.0, 4.0, 3.0]
    anew = [line.get_xydata().tolist() for line in force.lines if line.get_marker() == "D"]
    assert anew == [[[2.0, 50.0]], [[2.0, 20.0]]]


def test_grades_are_drawn_for_every_run(results):
    first, second = [axes for axes in plot_grades(results).axes if axes.lines]
    assert [axes.get_title() for axes in (first, second)] == ["iteration 1", "iteration 2"]
    drawn = [line.get_ydata() for line in first.lines if len(line.get_xdata()) == 3]
    np.testing.assert_array_equal(drawn, [[1.0, 5.0, 12.0]])
    crosses = [line for line in first.lines if line.get_marker() == "x"]
    assert [float(np.ravel(cross.get_xdata())[0]) for cross in crosses] == pytest.approx([0.3, 0.0])
    assert not [line for line in second.lines if line.get_marker() == "x"]
    levels = [line.get_ydata()[0] for line in second.lines if line.get_linestyle() in {"--", ":"}]
    assert levels == [2.0, 5.0]


def test_of_many_temperatures_all_are_named_within_the_figure(results):
    runs = results["iterations"][-1]["explore"]["runs"]
    runs += [{**runs[0], "temperature": 100.0 * k} for k in range(10, 25)]
    figure = plot_grades(results)
    figure.draw_without_rendering()
    legend = figure.legends[-1]
    assert len(legend.get_texts()) == len({run["temperature"] for run in runs} | {900.0, 2000.0, 300.0})
    inside = legend.get_window_extent()
    assert inside.x0 >= 0.0
    assert inside.x1 <= figure.bbox.width


def test_selections_are_stacked_by_group(results):
    bars = {
        bar.get_label(): [patch.get_height() for patch in bar] for bar in plot_selections(results).axes[0].containers
    }
    assert bars == {"a": [0.0, 3.0], "beta": [2.0, 0.0]}


class Reader(HTMLParser):
    """Collects the cells of all tables, and sees that tags are closed."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.images = [], [], 0

    def handle_starttag(self, tag, attributes):
        self.images += tag == "img"
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] in {"td", "th", "span"} and self.rows:
            self.rows[-1].append(text)


def test_the_page_says_what_happened(results, tmp_path):
    path = write_learning_report(results, tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    assert reader.images == 3
    assert ["2", "14", "training", "1.00", "1.00", "20.0", "20.0", "20", "0.100"] in reader.rows
    assert ["anew", "20", "training", "1.00", "1.00", "20.0", "20.0", "20", "0.100"] in reader.rows
    assert ["beta-300K", "32", "0.2 of 1", "1.5", "to the end"] in reader.rows
    assert ["a-2000K", "32", "0.3 of 1", "1.1", "boiled"] in reader.rows
    assert "0 of 2 runs broke" in text
    assert ["1", "9", "2 contact", "7", "2", "–", "2 (0 failed)"] in reader.rows
    assert ["a-900K", "a", "300", "3", "3 to 3", "0.2 to 0.2", "3"] in reader.rows
    assert "&lt;converge&gt;" in text
    assert "mtp:&lt;x&gt;" in text
    assert "budget: 2 iterations" in text
    assert "refresh" not in text
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert write_learning_report(tmp_path / "results.json", tmp_path / "again.html").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("done", range(5))
def test_every_state_on_the_way_has_a_page(results, done):
    """Before the first fit, and in the middle of an iteration; such a page renews itself."""
    results["finished"] = ""
    results["iterations"] = results["iterations"][: 1 + done // 2] if done else []
    if done % 2:
        results["iterations"][-1].pop("fit", None)
    if done == 3:
        for part in ("select", "label"):
            results["iterations"][-1].pop(part)
    text = render_learning_report(results)
    assert 'http-equiv="refresh"' in text
    assert "Under way: iteration 3, explore comes next." in text


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FormatError, match="found \\('x', None\\), expected"):
        render_learning_report({"kind": "x"})
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(FormatError, match="is not JSON"):
        write_learning_report(tmp_path / "a.json", tmp_path / "b.html")
