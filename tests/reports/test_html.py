"""The report is one sound HTML file that says what it must."""

import json
import re
from html.parser import HTMLParser

import pytest

from betalps.errors import FormatError
from betalps.reports import render_report, write_report
from reports import variants

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Checker(HTMLParser):
    """Follows the nesting of elements and collects text and references."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.references = [], [], []

    def handle_starttag(self, tag, attrs):
        self.references += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def read(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return " ".join(" ".join(checker.text).split()), checker.references


def test_is_whole_and_needs_nothing_else(results):
    _, references = read(render_report(results))
    assert len(references) == 4
    assert all(reference.startswith("data:image/svg+xml;base64,") for reference in references)


def test_says_what_it_found(results):
    text, _ = read(render_report(variants.with_line(results)))
    line = variants.with_line(results)["arrhenius"]
    assert f"{line['activation_energy']:.3f} ± {line['activation_energy_error']:.3f} eV" in text
    assert "extrapolated; 95 %:" in text
    assert "the paper" in text
    assert "0.29 eV" in text
    assert "7.4 × 10 −5 S/cm" in text
    assert "Jalem et al., Energy Adv. 2023, 2, 2029" in text
    for remark in results["remarks"]:
        assert remark in text
    assert results["potential"]["sha256"] in text
    assert "Li₃PS₄" in text


def test_says_what_it_did_not_find(results):
    text, _ = read(render_report(variants.without_line(results)))
    assert text.count("not resolved") >= 3
    assert text.count("< ") >= 6  # an upper bound of D and one of the conductivity for each
    assert "needs <3> temperatures" in text


def test_text_from_outside_is_escaped(results):
    page = render_report(variants.without_runs(results))
    assert "needs &lt;3&gt; temperatures" in page
    text, _ = read(page)
    assert "no result" in text


def test_same_results_same_file(results):
    pages = [re.sub(r'"time_utc": "[^"]*"', "", render_report(results)) for _ in range(2)]
    assert pages[0] == pages[1]


def test_from_the_json_file(results, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    path = write_report(tmp_path / "results.json", tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == render_report(results)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "results.json"]


def test_other_files_are_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(FormatError, match=r"a\.json is not JSON"):
        write_report(tmp_path / "a.json", tmp_path / "report.html")
    with pytest.raises(FormatError, match=r"found \(None, None\), expected \('betalps lithium diffusion study', 3\)"):
        write_report({"something": "else"}, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
