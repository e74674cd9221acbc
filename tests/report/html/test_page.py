"""The page as text: whole, escaped, without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from quantbench.report.answers import answers_of
from quantbench.report.headline import headline
from quantbench.report.html.page import page_html, report_html
from quantbench.report.html.parts import Embedded, Report
from quantbench.results.recommend import with_recommendations
from tests.report.builder import SQUARED, environment, errors, results, row
from tests.report.html.explained import PICTURE, explanation, histogram

VOID = {"meta", "br", "input", "link", "img"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"


class Page(HTMLParser):
    """Checks that tags are closed; collects texts, ids, attributes and scripts."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.tags, self.attributes = [], [], [], []
        self.texts, self.scripts, self.styles = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "style"}:
            (self.scripts if tag == "script" else self.styles).append((dict(attrs), ""))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"script", "style"}:
            kept = self.scripts if self.open[-1] == "script" else self.styles
            kept[-1] = (kept[-1][0], kept[-1][1] + data)
        else:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.texts))


def whole():
    study = results()
    return report_html(study, explanation(study))


def embedded():
    return Embedded("static on c99", base64.b64encode(b"\0asm").decode(), {"classes": [HOSTILE]})


PAGES = {
    "plain": lambda: report_html(results()),
    "explained": whole,
    "of a regression": lambda: report_html(
        results(
            errors(0.0123),
            errors(None, "nan", baseline=row(), float_macs=0, verdict="not judged", latency=()),
            metric=SQUARED, sample="sample", training=None, data_loading=None, skipped=(),
        )
    ),
    "without rows": lambda: report_html(
        with_recommendations(results().model_copy(update={"rows": ()}))
    ),
    "several": lambda: page_html(
        [Report(results(), name="a"), Report(results(), explanation(results()), name="b")]
    ),
    "with its network": lambda: report_html(results(), embedded=embedded()),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_needs_nothing_beside_it(name):
    html = PAGES[name]()
    page = Page(html)
    assert len(html) < 1_000_000
    assert len(page.ids) == len({*page.ids})
    anchors = [value[1:] for tag, key, value in page.attributes if (tag, key) == ("a", "href")]
    assert {*anchors} <= {*page.ids}
    labels = [value for _, key, value in page.attributes if key == "aria-labelledby"]
    assert {*labels} <= {*page.ids}
    assert not {key for _, key, _ in page.attributes} & {"srcset", "style", "onclick"}
    sources = [value for _, key, value in page.attributes if key == "src"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?:|@import|url\(", html)
    assert page.tags.count("h1") == 1


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_allows_the_pages_own_scripts_and_style_alone(name):
    page = Page(PAGES[name]())
    contents = {value for tag, key, value in page.attributes if (tag, key) == ("meta", "content")}
    (policy,) = (content for content in contents if "default-src" in content)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    run = [text for attributes, text in page.scripts if "type" not in attributes]
    wasm = ["'wasm-unsafe-eval'"] if name == "with its network" else []
    assert rules["script-src"].split() == [*map(hash_of, run), *wasm]
    assert rules["style-src"].split() == [hash_of(text) for _, text in page.styles]


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_first_screen_has_the_answer_its_costs_and_what_to_do():
    study = results()
    page = Page(whole())
    assert headline(study) == "Keep float32 on onnxruntime"
    assert headline(study) in page.text
    for answer in answers_of(study):
        assert f"{answer.name}: {answer.sentences}" in page.text
    for words in ("as fast, one image", "0.40×", "75.0 kB", "−0.05 points"):
        assert words in page.text, words
    before, _, after = page.text.partition("Every row")
    assert "What to do next" in before
    assert "Its activations were never calibrated. Calibrate it on 64 samples or more." in before
    assert "This CPU multiplies int8" not in before
    assert "This CPU multiplies int8" in after
    assert "A note on calibration." in after


def test_shipping_says_how():
    base = row(single=50.0, model=50.0)
    fast = row("fast", size=75_000, float_macs=0, baseline=base, single=20.0, model=10.0)
    study = results(base, fast.model_copy(update={"format": "onnx"}))
    page = Page(report_html(study))
    assert "Ship fast on torch" in page.text
    assert "quantbench compile --from results fast -o c" in page.text
    assert "quantbench explain" in page.text


@pytest.mark.parametrize("part", ["times", "errors", "sensitivity", "calibration", "disagreement"])
def test_a_part_that_is_missing_is_told_once(part):
    study = results()
    assert "has nothing on" not in whole()
    html = report_html(study, explanation(study, **{part: ()}))
    assert html.count("The explanation of this study has nothing on") == 1


def test_without_an_explanation_one_sentence_says_what_would_tell():
    page = Page(report_html(results()))
    assert page.text.count("from a finished study: quantbench explain") == 1
    assert page.text.count("Not found out yet: where the time of each row goes, which layers") == 1
    assert not {"time", "error", "sensitivity", "calibration", "changed"} & set(page.ids)
    assert "why" in page.ids
    assert "why" not in Page(whole()).ids


def test_the_images_that_changed_are_shown_with_both_answers():
    page = Page(whole())
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(sources) == 8
    assert set(sources) == {f"data:image/png;base64,{PICTURE}"}
    for words in ("is 3", "float32: 3 (57.5%)", "this row: 6 (55.0%)", "test image 300"):
        assert words in page.text, words
    assert "unlike float32, the surest answers first" in page.text


def test_every_figure_has_a_name_words_and_its_numbers():
    html = whole()
    figures = re.findall(r"<figure aria.*?</figure>", html, re.DOTALL)
    assert len(figures) > 12
    for figure in figures:
        page = Page(figure)
        assert page.tags.count("svg") >= (1 if 'class="chart every"' in figure else 2)
        assert page.tags.count("table") == 1
        assert re.search(r'class="note">[^<]{10}', figure)
        assert ("figure", "aria-labelledby", page.ids[0]) in page.attributes
    assert len(set(re.findall(r'data-name="([^"]*)"', html))) >= len(figures) - 1


def test_tables_hold_the_exact_values():
    html = report_html(results())
    assert 'data-v="0.0002"' not in html
    assert re.search(r'data-v="76500">76,500', html)
    assert 'data-v="0.9895"' in html


def test_no_text_is_markup_wherever_it_comes_from():
    odd = row(HOSTILE, HOSTILE, artifact=HOSTILE, notes=(HOSTILE,))
    study = results(
        odd, row("b", HOSTILE, baseline=odd, float_macs=0), model=HOSTILE, data=HOSTILE,
        environment=environment(cpu=HOSTILE, versions={HOSTILE: HOSTILE}),
    )  # fmt: skip
    found = explanation(study)
    layer = found.errors[0].layers[0].model_copy(update={"layer": HOSTILE})
    found = found.model_copy(
        update={
            "errors": (found.errors[0].model_copy(update={"layers": (layer,)}),),
            "notes": (HOSTILE,),
            "findings": tuple(x.model_copy(update={"sentence": HOSTILE}) for x in found.findings),
        }
    )
    html = page_html(
        [Report(study, found, HOSTILE, embedded()), Report(study, None, HOSTILE, HOSTILE)]
    )
    page = Page(html)
    assert ("img", "src", "x") not in page.attributes
    assert not [key for _, key, _ in page.attributes if key.startswith("on")]
    assert "49" not in [text.strip() for text in page.texts if "alert" in text]
    run = [text for attributes, text in page.scripts if "type" not in attributes]
    assert not any("alert" in text for text in run)
    assert HOSTILE in page.text
    data = [text for attributes, text in page.scripts if "type" in attributes]
    assert json.loads(data[0]) == {"classes": [HOSTILE]}


def test_several_studies_stand_beside_one_another_unmerged():
    slow = results(
        row(single=400.0), row("only", single=100.0, baseline=row(single=400.0), float_macs=0)
    )
    html = page_html([Report(results(), name="first"), Report(slow, name="second")])
    page = Page(html)
    assert "2 studies side by side" in page.text
    (table,) = re.findall(r'<table data-name="side-by-side">.*?</table>', html, re.DOTALL)
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", line) for line in table.split("<tr")[2:]]
    by_name = {cells[0]: cells[1:] for cells in rows}
    assert by_name["float32 on torch"] == ["200", "99.00", "400", "99.00"]
    assert by_name["only on torch"] == ["–", "–", "100", "99.00"]
    assert by_name["static on torch"] == ["100", "98.95", "–", "–"]


def test_why_a_network_is_not_in_the_page():
    page = Page(report_html(results(), embedded="no compiler found"))
    assert "The network isn't in this page: no compiler found." in page.text
    assert "Try the network" not in report_html(results())


def test_an_explanation_that_nobody_sane_wrote_is_shown_still():
    study = results()
    found = explanation(study)
    split, first = found.times[0], found.disagreement[0]
    odd = {
        "times": (
            split.model_copy(update={"total_us": 0.0, "parts": {"other": -3.0, "call": 9.0}}),
            split.model_copy(update={"parts": {}, "layers": ()}),
        ),
        "errors": (
            found.errors[0].model_copy(update={"layers": ()}),
            found.errors[1].model_copy(update={"layers": found.errors[1].layers[:1]}),
            found.errors[0].model_copy(
                update={"histograms": (histogram("a", "weights").model_copy(update={"edges": ()}),)}
            ),
        ),
        "sensitivity": (found.sensitivity[0].model_copy(update={"layers": (), "mixed": None}),),
        "calibration": (found.calibration[0].model_copy(update={"points": (), "enough": None}),),
        "disagreement": (
            first.model_copy(update={"confusion": ((1, 2, 3), (-4,)), "classes": ()}),
            first.model_copy(update={"confusion": ((),)}),
            first.model_copy(update={"confusion": tuple((1,) * 30 for _ in range(30))}),
        ),
    }
    Page(report_html(study, found.model_copy(update=odd)))
