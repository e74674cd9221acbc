from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from quantbench.report.html.table import STYLE, study_html
from quantbench.report.order import Order
from quantbench.report.terminal.recommendation import recommendation_lines
from quantbench.results.recommend import with_recommendations
from tests.report.builder import SQUARED, errors, results, row


class Page(HTMLParser):
    """Collects the text of each cell and paragraph, and checks that tags are closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.cells, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        if tag in {"td", "th"}:
            self.cells.append("")
        if tag == "p":
            self.texts.append("")
        if tag == "br":
            self.cells[-1] += "|"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & {*self.open}:
            self.cells[-1] += data
        elif "p" in self.open:
            self.texts[-1] += data


def test_the_table_says_what_the_terminal_says():
    page = Page(study_html(results()))
    rows = [page.cells[n : n + 6] for n in range(0, len(page.cells), 6)]
    assert rows[0] == [
        "method|runtime, numerics", "bytes|smaller", "accuracy %|95%",
        "µs an image|below: batches of 1,000", "speed: same runtime|95%",
        "speed: fastest float32|95%",
    ]  # fmt: skip
    assert rows[1] == [
        "float32 *|onnxruntime, float32", "249,000", "99.00|98.79–99.18", "40.0|25.0",
        "baseline|baseline", "the fastest|the fastest",
    ]  # fmt: skip
    assert rows[2] == [
        "static_uncalibrated|torch, w8 per channel, a8 unsigned", "76,500|3.27×",
        "98.00|97.71–98.26, worse", "100|40.0", "2.00 1.94–2.06|2.00 1.94–2.06",
        "0.40 0.39–0.41|0.62 0.61–0.64",
    ]  # fmt: skip
    assert len(rows) == 1 + len(results().rows)
    answers = [f"{name}: {words}" for name, words in recommendation_lines(results())]
    assert page.texts[1 : 1 + len(answers)] == answers


def test_text_of_the_study_is_never_markup():
    odd = row("<script>alert(1)</script>", "a&b")
    study = results(odd, model='"><img src=x>', data="<b>")
    html = study_html(study)
    for tag in ("<script", "<img", "<b>:"):
        assert tag not in html
    assert "&lt;script&gt;" in html
    assert "a&amp;b" in html
    Page(html)


@pytest.mark.parametrize("by", Order)
def test_rows_are_sorted_as_asked(by):
    page = Page(study_html(results(row("slow", single=9.0, size=1), row("fast", size=2)), by))
    names = [cell.split("|")[0] for cell in page.cells[6::6]]
    assert {name.removesuffix(" *") for name in names} == {"slow", "fast"}


def test_other_metrics_and_missing_figures_are_shown():
    base = row()
    rows = (
        errors(0.0123),
        errors(None, "nan", baseline=base, float_macs=0, verdict="not judged", latency=()),
    )
    html = study_html(results(*rows, metric=SQUARED, sample="sample", training=None))
    page = Page(html)
    assert "mean squared error, units²|95%" in page.cells
    assert "0.01230|0.0111–0.0135" in page.cells
    assert page.cells[-6:] == [
        "nan|torch, float32", "250,000|1.00×", "–|–", "–|–", "–|–", "–|–"
    ]  # fmt: skip
    assert "image" not in html


def test_no_rows_are_a_table_too():
    Page(study_html(with_recommendations(results().model_copy(update={"rows": ()}))))


def test_colours_come_from_the_page_around():
    assert not re.search(r"#[0-9a-f]{3}|rgb\(|: *(white|black)\b", STYLE)
