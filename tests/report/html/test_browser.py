"""The page in headless Chromium: quiet, self-contained, accessible, and it does what it offers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from quantbench.report.html.page import page_html, report_html
from quantbench.report.html.parts import Report
from tests.report.builder import results, row
from tests.report.html.chromium import PHONE, chromium, opened
from tests.report.html.explained import explanation

pytestmark = pytest.mark.slow

THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = results()
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(report_html(study, explanation(study)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def several_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slow = results(row(single=400.0), row("</script>", baseline=row(), float_macs=0))
    reports = [Report(results(), name="a machine"), Report(slow, name="</script><b>")]
    file = tmp_path_factory.mktemp("page") / "several.html"
    file.write_text(page_html(reports), encoding="utf-8")
    return file


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", THEMES)
def test_it_is_quiet_and_asks_for_nothing_and_fits(browser, page_file, several_file, theme, size):
    for file in (page_file, several_file):
        with opened(browser, file, theme, size) as shown:
            page = shown.page
            assert shown.said == []
            assert shown.asked == [file.as_uri()]
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            visible = page.locator("figure .chart svg:visible")
            assert visible.count() == page.locator("figure:has(.chart)").count()
            boxes = [visible.nth(n).bounding_box() for n in range(visible.count())]
            assert all(box["width"] > 200 and box["height"] > 40 for box in boxes)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious(browser, page_file, several_file, theme):
    axe = (files("axe_core_python") / "axe.min.js").read_text("utf-8")
    for file in (page_file, several_file) if theme == "light" else (page_file,):
        with opened(browser, file, theme) as shown:
            folded = "[...document.querySelectorAll('details')].slice(0, 2)"
            shown.page.evaluate(f"{folded}.forEach(each => {{ each.open = true; }})")
            shown.page.evaluate(axe)
            found = shown.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert len(found["passes"]) > 20
            serious = [
                (x["id"], x["nodes"][0]["html"][:120], x["nodes"][0].get("failureSummary"))
                for x in found["violations"]
                if x["impact"] in {"serious", "critical"}
            ]
            assert serious == []


def test_marks_have_the_colours_of_the_theme(browser, page_file):
    fills = []
    for theme in THEMES:
        with opened(browser, page_file, theme) as shown:
            fills.append(
                shown.page.evaluate(
                    "[document.body, document.querySelector('.mark.c0')].map(e => "
                    "getComputedStyle(e)[e === document.body ? 'backgroundColor' : 'fill'])"
                )
            )
    assert fills[0] == ["rgb(255, 255, 255)", "rgb(0, 114, 178)"]
    assert fills[1] == ["rgb(18, 22, 29)", "rgb(74, 165, 223)"]


def test_the_switch_changes_the_theme_and_is_remembered(browser, page_file):
    with opened(browser, page_file) as shown:
        page, switch = shown.page, shown.page.locator("button.theme")
        ground = "getComputedStyle(document.body).backgroundColor"
        assert switch.get_attribute("aria-pressed") == "false"
        switch.press("Enter")
        assert switch.get_attribute("aria-pressed") == "true"
        assert page.evaluate(ground) == "rgb(18, 22, 29)"
        page.reload()
        assert page.evaluate(ground) == "rgb(18, 22, 29)"
        switch.click()
        assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_the_table_sorts_by_keyboard_in_both_directions(browser, page_file):
    with opened(browser, page_file) as shown:
        table = shown.page.locator("table[data-name=rows]")
        head = table.locator("th", has_text="bytes").first
        button = head.get_by_role("button")
        cells = "ts => ts.map(t => Number(t.dataset.v))"

        def column() -> list[float]:
            values: list[float] = table.locator("tbody tr td:nth-child(4)").evaluate_all(cells)
            return values

        assert column() != sorted(column())
        button.press("Enter")
        assert column() == sorted(row.bytes for row in results().rows)
        assert head.get_attribute("aria-sort") == "ascending"
        button.press("Space")
        assert column() == sorted((row.bytes for row in results().rows), reverse=True)
        assert head.get_attribute("aria-sort") == "descending"
        table.locator("th", has_text="method").get_by_role("button").click()
        assert head.get_attribute("aria-sort") is None
        names = table.locator("tbody th").evaluate_all("ts => ts.map(t => t.firstChild.data)")
        assert names == sorted(row.method for row in results().rows)


def test_missing_figures_are_last_in_both_directions(browser, page_file):
    with opened(browser, page_file) as shown:
        table = shown.page.locator("table[data-name=rows]")
        button = table.locator("th", has_text="change").get_by_role("button")
        for _ in range(2):
            button.click()
            last = table.locator("tbody tr td:nth-child(6)").evaluate_all(
                "ts => ts.map(t => t.firstChild.data)"
            )
            assert last[-2:] == ["–", "–"]
            assert "–" not in last[:-2]


def test_searching_leaves_the_rows_with_every_word(browser, several_file, tmp_path):
    rows = [row(f"method_{n}", single=100.0 + n) for n in range(12)]
    file = tmp_path / "many.html"
    file.write_text(report_html(results(*rows)), encoding="utf-8")
    with opened(browser, file) as shown:
        shown.page.get_by_label("Search").first.fill("torch METHOD_11")
        visible = shown.page.locator("table[data-name=rows] tbody tr:visible")
        assert visible.count() == 1
        assert "method_11" in visible.inner_text()
        assert shown.page.get_by_role("status").first.inner_text() == "1 of 12 rows"


def test_a_figures_numbers_are_there_as_csv_with_exact_values(browser, page_file):
    with opened(browser, page_file) as shown:
        page = shown.page
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        names = page.locator("table").evaluate_all("ts => ts.map(t => t.dataset.name)")
        assert page.locator(".csv:visible").count() == len(names) > 20
        saved = {}
        for name in ("tradeoff", "error-by-layer", "calibration-static"):  # Chromium allows ten
            with page.expect_download() as waiting:
                page.locator(".csv").nth(names.index(name)).click()
            assert waiting.value.suggested_filename == f"{name}.csv"
            saved[name] = Path(waiting.value.path()).read_text("utf-8")
    tradeoff = list(csv.DictReader(io.StringIO(saved["tradeoff"])))
    wanted = {row.name: row for row in results().rows}
    assert {line["row"] for line in tradeoff} == wanted.keys()
    for line in tradeoff:
        original = wanted[line["row"]]
        assert original.score is not None
        assert float(line["µs for 1 image"]) == original.latency[0].median
        assert float(line["accuracy"]) == original.score.value
        assert float(line["low"]) == original.score.low
        assert int(line["bytes"]) == original.bytes
    found = explanation(results())
    layers = list(csv.DictReader(io.StringIO(saved["error-by-layer"])))
    assert [float(line["SQNR dB"]) for line in layers] == [
        layer.sqnr_db for each in found.errors for layer in each.layers
    ]
    curve = list(csv.DictReader(io.StringIO(saved["calibration-static"])))
    assert [float(line["mean"]) for line in curve] == [x.mean for x in found.calibration[0].points]


def test_a_table_copies_as_markdown_and_a_formula_is_no_formula(browser, tmp_path):
    file = tmp_path / "odd.html"
    odd = row('=HYPERLINK("x")', "a|b", single=30.0)
    file.write_text(report_html(results(odd)), encoding="utf-8")
    with opened(browser, file) as shown:
        page = shown.page
        page.locator(".markdown").nth(1).click()
        assert page.get_by_role("status").first.inner_text() == "Copied the table"
        lines = page.evaluate("navigator.clipboard.readText()").splitlines()
        assert lines[0].startswith("| method | method: numbers | runtime |")
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
        assert 'HYPERLINK("x") | float32 | a\\|b |' in lines[2]
        with page.expect_download() as waiting:
            page.locator(".csv").nth(1).click()
        text = Path(waiting.value.path()).read_text("utf-8")
        first = list(csv.reader(io.StringIO(text)))[1]
        assert first[0] == '\'=HYPERLINK("x")'
        page.locator(".command .copy").first.click()
        assert page.evaluate("navigator.clipboard.readText()").startswith("quantbench ")


def test_it_prints_without_what_only_a_screen_has(browser, page_file):
    with opened(browser, page_file, "dark") as shown:
        page = shown.page
        page.emulate_media(media="print")
        assert page.locator(".tools button:visible, .copy:visible, .theme:visible").count() == 0
        ground = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
        assert ground == "light"
        assert len(page.pdf()) > 20_000


def test_without_scripts_everything_can_be_read(browser, page_file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("button:visible").count() == 0
    assert page.locator("table[data-name=rows] tbody tr:visible").count() == len(results().rows)
    assert "Keep float32" in page.locator("h1").inner_text()
    context.close()
