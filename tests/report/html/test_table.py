from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from quantbench.report.answers import answers_of
from quantbench.report.circumstances import machine_line
from quantbench.report.html.table import STYLE, study_html
from quantbench.report.order import Order
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
            if {"td", "th"} & {*self.open}:
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


COLUMNS = 7


def test_the_table_says_what_the_terminal_says():
    page = Page(study_html(results()))
    rows = [page.cells[n : n + COLUMNS] for n in range(0, len(page.cells), COLUMNS)]
    assert rows[0] == [
        "method|runtime, numerics", "bytes|smaller", "accuracy %|95%", "change|verdict",
        "µs, 1 image|speed, 95%", "µs, 1,000|speed, 95%", "verdict",
    ]  # fmt: skip
    assert rows[1] == [
        "float32|onnxruntime, float32", "249,000", "99.00|98.79–99.18", "–", "40.0|–", "25.0|–",
        "baseline",
    ]  # fmt: skip
    assert rows[2] == [
        "static_uncalibrated|torch, w8 per channel, a8 unsigned", "76,500|3.27×",
        "98.00|97.71–98.26", "−1.00|worse", "100|0.40 0.39–0.41", "40.0|0.62 0.61–0.64", "worse",
    ]  # fmt: skip
    assert len(rows) == 1 + len(results().rows)
    (answer,) = answers_of(results())
    assert page.texts[1] == f"{answer.name}: {answer.sentences}"
    assert page.texts[-1] == machine_line(results())


def test_ties_are_one_row_and_all_rows_are_there_to_unfold():
    base = row(single=50.0, model=50.0)
    fields = {"float_macs": 0, "baseline": base, "single": 20.0, "model": 10.0}
    study = results(base, row("a", size=75_000, **fields), row("b", size=76_000, **fields))
    html = study_html(study)
    first, rest = html.split("<details><summary>All 3 rows</summary>")
    Page(html)
    assert "a and 1 more" in first
    assert '<tr class="ship"><td>a and 1 more' in first
    assert "<td>b<br>" not in first
    assert "<td>a<br>" in rest
    assert "<td>b<br>" in rest
    assert "<details>" not in study_html(results())
    assert "As fast within 3%: b on torch." in first


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
    slow = row("slow", single=900.0, model=900.0, size=1, correct=9_000)
    page = Page(study_html(results(slow, row("fast", size=2)), by))
    names = [cell.split("|")[0] for cell in page.cells[COLUMNS::COLUMNS]]
    assert names == (["slow", "fast"] if by is Order.SIZE else ["fast", "slow"])


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
    assert page.cells[-COLUMNS:] == [
        "nan|torch, float32", "250,000|1.00×", "–|–", "0|not judged", "–", "–", "not judged"
    ]  # fmt: skip
    assert "image" not in html


def test_no_rows_are_a_table_too():
    Page(study_html(with_recommendations(results().model_copy(update={"rows": ()}))))


def test_colours_come_from_the_page_around():
    assert not re.search(r"#[0-9a-f]{3}|rgb\(|: *(white|black)\b", STYLE)


def test_the_picture_of_the_report_is_in_it():
    html = study_html(results())
    assert html.count("<figure") == 1
    for each in results().rows:
        assert f"<title>{each.name}: " in html
    Page(html)
    nothing_timed = results(row(latency=(), against_fastest=()))
    assert "<figure" not in study_html(nothing_timed)
