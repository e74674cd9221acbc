from __future__ import annotations

import pytest
from rich.console import Group

from quantbench.explain.judge import with_findings
from quantbench.harness.records import Skipped
from quantbench.report.answers import answers_of
from quantbench.report.circumstances import machine_line
from quantbench.report.order import Order
from quantbench.report.terminal.page import View, answer_parts, comparison
from quantbench.results.recommend import with_recommendations
from tests.report.builder import environment, results, row
from tests.report.golden import check, rendered

EVERYTHING = View(all_rows=True, details=True)


def shipping():
    """A study whose answer is a quantized row that others tie with."""
    torch = row()
    fast = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)
    fields = {"size": 75_000, "float_macs": 0, "baseline": torch, "single": 20.0, "model": 10.0}
    return results(
        torch,
        fast,
        row("static", "openvino", **fields),
        row("qat", "openvino", **(fields | {"size": 76_000, "single": 20.2})),
        row("dynamic", "openvino", **(fields | {"single": 39.9, "model": 30.0})),
    )


@pytest.mark.parametrize("width", [80, 120])
def test_looks_as_it_did(width):
    check(f"first-{width}.txt", rendered(comparison(shipping()), width))
    check(f"table-{width}.txt", rendered(comparison(results(), EVERYTHING), width))


def words(renderable, width=80):
    return " ".join(rendered(renderable, width).split())


def test_the_answer_stands_first_and_the_machine_last():
    study = shipping()
    text = words(comparison(study))
    (answer,) = answers_of(study)
    title = "lenet on mnist: 61,706 parameters, 416,520 multiply-adds an image"
    assert text.startswith(f"{title} {answer.text} ")
    assert text.endswith(machine_line(study))
    assert words(Group(*answer_parts(study))) == answer.text


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("view", [View(), EVERYTHING])
def test_every_line_fits(width, view):
    for study in (results(), shipping()):
        text = rendered(comparison(study, view), width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text


def test_details_are_shown_where_asked():
    """The first screen has no formats, no p, no memory; it says where they are."""
    first, whole = words(comparison(results())), words(comparison(results(), EVERYTHING))
    asked = "number formats, intervals, p values, starts, memory, and why 1 row wasn't measured."
    assert f"`quantbench show --details` has {asked}" in first
    assert "--details" not in whole
    for detail in ("w8c a8u", "McNemar", "peak", "reads onnx, not torch", "Example CPU 9000"):
        assert detail in whole
        assert detail not in first


def test_all_rows_are_shown_where_asked():
    first = words(comparison(shipping()))
    assert " static +1 openvino " in first
    assert " qat openvino " not in first
    assert "Not shown: 1 as fast as one of their runtime and judged alike" in first
    whole = words(comparison(shipping(), View(all_rows=True)))
    assert " static openvino " in whole
    assert " qat openvino " in whole
    assert "Not shown" not in whole


def test_names_and_notes_are_not_markup():
    odd = row("[red]odd[/red]", notes=("[bold]note[/bold] :smile:",))
    skipped = Skipped(method="[b]x", runtime="y[/b]", reason="[link=http://a]z")
    text = rendered(comparison(results(odd, skipped=(skipped,)), EVERYTHING), 120)
    for literal in ("[red]odd[/red]", "[bold]note[/bold] :smile:", "[b]x on y[/b]"):
        assert literal in text
    assert "[link=http://a]z" in text


def test_no_rows_still_say_what_was_not_measured():
    empty = with_recommendations(results().model_copy(update={"rows": ()}))
    assert "reads onnx, not torch" in rendered(comparison(empty, View(details=True)), 80)
    assert "why 1 row wasn't measured" in rendered(comparison(empty), 80)


@pytest.mark.parametrize(
    ("architecture", "sets", "words_"),
    [
        ("x86_64", ("avx2", "avx512f", "avx512_vnni"), "AVX-512 with VNNI"),
        ("x86_64", ("avx2",), "AVX2 without VNNI"),
        ("x86_64", ("avx2", "avx_vnni"), "AVX2 with VNNI"),
        ("x86_64", (), "no AVX without VNNI"),
        ("aarch64", ("asimd", "asimddp"), "8-bit dot product"),
        ("aarch64", ("asimd",), "no 8-bit dot product"),
    ],
)
def test_says_what_the_cpu_has(architecture, sets, words_):
    here = environment(architecture=architecture, instruction_sets=sets)
    assert words_ in rendered(comparison(results(environment=here), EVERYTHING), 80)


@pytest.mark.parametrize("by", Order)
def test_rows_are_sorted_as_asked(by):
    small = row("small", size=1, single=900.0, model=900.0, correct=9_000)
    quick = row("quick", single=1.0, model=1.0, correct=9_100, size=9_000_000)
    right = row("right", single=950.0, model=950.0, correct=9_999, size=9_000_000)
    text = rendered(comparison(results(small, quick, right), View(by=by)), 80)
    first = {"size": "small", "latency": "quick", "throughput": "quick"}.get(by.value, "right")
    table = text[text.index("method ") :].splitlines()
    assert table[2].split()[0] == first


def test_the_weightiest_finding_is_on_the_first_screen_and_all_in_the_details():
    study = with_findings(results())
    assert len(study.findings) > 1
    first, whole = words(comparison(study)), words(comparison(study, View(details=True)))
    left = len(study.findings) - 1
    assert "Found: static_uncalibrated on torch was never calibrated: every activation" in first
    assert f"{left} more findings: `quantbench show --details`." in first
    assert first.count("Found: ") == 1
    for finding in study.findings:
        assert finding.remedy in whole
    assert max(map(len, rendered(comparison(study, EVERYTHING), 80).splitlines())) <= 80
