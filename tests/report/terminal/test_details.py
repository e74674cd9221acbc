from __future__ import annotations

import pytest

from quantbench.report.terminal.page import View, comparison
from quantbench.results.records import BySeed
from tests.report.builder import latency, results, row
from tests.report.golden import rendered


def details(study, width=80):
    return rendered(comparison(study, View(details=True)), width)


def test_large_numbers_fit_80_columns():
    slow = row(
        "static_uncalibrated",
        "onnxruntime",
        size=123_456_789,
        correct=1_000,
        lost=8_900,
        gained=1_000,
        loss=12.3456,
        single=123_456.0,
        model=12_345.0,
        end_to_end=23_456.0,
        wobble=0.3,
        baseline=row(single=4_000.0, model=400.0, end_to_end=800.0),
    )
    text = details(results(slow))
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("static_uncalibrated", "8,900  1,000 <0.001 <0.001", "135,802", "12.3456"):
        assert whole in text


def test_a_long_name_is_folded_not_cut():
    name = "a_method_with_a_very_long_name_" * 2
    text = details(results(row(name)))
    below = text[text.index("Formats and") :]
    assert "…" not in below
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_missing_is_a_dash():
    simulated = row(
        "fake", loss=None, score=None, score_reason="not finite", kind="simulated", latency=()
    )
    text = details(results(simulated), 120)
    assert "simulated: integer kernels never ran" in text
    assert "not judged: not finite" in " ".join(text.split())
    assert "–" in text


@pytest.mark.parametrize(
    ("busy", "words"),
    [
        (1.2, None),
        (0.8, None),
        (1.9, "float32 on torch kept 1.9 processors busy, asked for 1."),
        (0.5, "float32 on torch got only 0.5 of a processor."),
    ],
)
def test_processor_time_other_than_asked_is_said(busy, words):
    text = details(results(row(busy_threads=busy)))
    assert ("processors busy, asked" in text or "got only" in text) == (words is not None)
    assert words is None or words in text
    assert f" {busy} " in text[text.index("Starts and memory") :]


def test_starts_and_the_spread_of_blocks_are_told():
    """Blocks at 85, 100 and 115 %: the middle half of them spans 26 % of the median."""
    times = (latency("model", 1, 100.0, starts=6), latency("model", 1000, 100.0, wobble=0.15))
    text = details(results(row(latency=times, against_fastest=())))
    line = text[text.index("Starts and memory") :].splitlines()[4]
    assert line.split() == ["float32", "on", "torch", "6", "2%", "26%", "1.0", "1.50", "300"]


def test_a_baseline_in_another_runtime_is_named():
    other = row("static", "elsewhere", baseline=row())
    text = details(results(other), 120)
    assert "compared with float32 on torch, for want of float32 on elsewhere" in text
    same = row("static", "torch", baseline=row())
    assert "for want of" not in details(results(same), 120)


@pytest.mark.parametrize(
    ("lost", "gained", "words"),
    [
        (0, 0, "1.000 1.000 equivalent"),
        (40, 10, "<0.001 <0.001 worse"),
        (10, 40, "<0.001 <0.001 better"),
        (15, 10, "0.424 0.424 not resolved"),
    ],
)
def test_p_and_verdict_follow_the_discordant_images(lost, gained, words):
    text = details(results(row("x", lost=lost, gained=gained, baseline=row())))
    line = text[text.index("Loss and images") :].splitlines()[4]
    assert " ".join(line.split()) == f"x on torch 0.0300 {lost} {gained} {words}"


def test_a_row_that_its_own_interval_rules_out_says_so():
    this = row("x", lost=40, gained=20, baseline=row())
    against = this.against_float.model_copy(
        update={"verdict": "not resolved", "adjusted_p": 0.2, "costs": True}
    )
    text = details(results(this.model_copy(update={"against_float": against})), 120)
    assert "0.200 not resolved, likely worse" in text


def test_what_each_seed_gave_is_told():
    this = row("x", baseline=row())
    seeds = BySeed(differences=(0.0, -0.001, 0.0004), mean=-0.0002, spread=0.00072)
    against = this.against_float.model_copy(update={"seeds": seeds})
    text = details(results(this.model_copy(update={"against_float": against})))
    assert "x on torch, by seed: 0.00, −0.10, +0.04." in text


def test_an_artifact_on_several_runtimes_is_described_once():
    engines = ("torch", "openvino")
    floats = [row(runtime=name) for name in engines]
    same = {"float_macs": 0, "notes": ("told once",)}
    both = [row("qat", one.runtime, baseline=one, **same) for one in floats]
    text = details(results(*floats, *both), 120)
    assert text.count("told once") == 1
    assert "\n  qat      float32; every multiply-add on integers; told once\n" in text


def test_where_descriptions_differ_each_names_its_runtimes():
    base = row()
    both = [row("static", x, baseline=base, float_macs=0) for x in ("torch", "openvino")]
    text = details(results(base, *both), 120)
    assert "\n  static on torch     float32; every multiply-add on integers\n" in text
    assert "\n  static on openvino  float32; compared with float32 on torch, for want of" in text


def test_a_row_without_float_in_its_runtime_has_no_speed_against_it():
    base = row(single=30.0)
    this = row("static", "elsewhere", float_macs=0, baseline=base, single=10.0)
    lines = details(results(base, this), 100).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("Formats and"))
    line = next(x for x in lines[start:] if x.startswith("static on elsewhere"))
    assert line.split()[-4:] == ["–", "4.00", "3.88–4.12", "faster"]


def test_intervals_say_how_they_were_made():
    text = " ".join(details(results(row(), row("static", float_macs=0, baseline=row()))).split())
    assert (
        "an interval is over fresh starts where there are five or more, else over blocks." in text
    )
    assert "Intervals are wider by 3% on both sides." in text
    assert "equivalent: the ratio is shown to be nearer to 1 than 3%." in text
    starts = row("static", float_macs=0, baseline=row(), starts=6)
    assert "wider by 1% and 3% on" in details(results(row(), starts))
