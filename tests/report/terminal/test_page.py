from __future__ import annotations

import pytest

from quantbench.harness.records import Skipped
from quantbench.report.order import Order
from quantbench.report.stability import unstable
from quantbench.report.terminal.page import comparison
from quantbench.results.recommend import with_recommendations
from tests.formats import INT8, INT8_CHANNEL, UINT8
from tests.formats import numerics as formats
from tests.report.builder import environment, latency, results, row
from tests.report.golden import check, rendered


@pytest.mark.parametrize("width", [80, 120])
def test_looks_as_it_did(width):
    check(f"table-{width}.txt", rendered(comparison(results()), width))


@pytest.mark.parametrize("width", [80, 120])
def test_fits_and_nothing_is_cut(width):
    text = rendered(comparison(results()), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in ("static_uncalibrated", "onnxruntime", "120     20 <0.001 worse", "97.71–98.26"):
        assert name in text


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
    text = rendered(comparison(results(slow)), 80)
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("static_uncalibrated", "123,456,789", "8,900  1,000 <0.001 worse", "! 123,456"):
        assert whole in text


def test_names_and_notes_are_not_markup():
    odd = row("[red]odd[/red]", notes=("[bold]note[/bold] :smile:",))
    skipped = Skipped(method="[b]x", runtime="y[/b]", reason="[link=http://a]z")
    text = rendered(comparison(results(odd, skipped=(skipped,))), 120)
    for literal in ("[red]odd[/red]", "[bold]note[/bold] :smile:", "[b]x on y[/b]"):
        assert literal in text
    assert "[link=http://a]z" in text


def test_a_long_name_is_folded_not_cut():
    name = "a_method_with_a_very_long_name_" * 2
    text = rendered(comparison(results(row(name))), 80)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_no_rows_still_say_what_was_not_measured():
    text = rendered(comparison(with_recommendations(results().model_copy(update={"rows": ()}))), 80)
    assert "reads onnx, not torch" in text


def test_what_is_missing_is_a_dash():
    simulated = row(
        "fake", loss=None, score=None, score_reason="not finite", kind="simulated", latency=()
    )
    text = rendered(comparison(results(simulated)), 120)
    assert "simulated: integer kernels never ran" in text
    assert "not judged: not finite" in " ".join(text.split())
    assert "–" in text


@pytest.mark.parametrize(
    ("busy", "words"),
    [
        (1.2, ()),
        (0.8, ()),
        (1.9, ("kept 1.9 processors busy, asked for 1",)),
        (0.5, ("got only 0.5 of a processor",)),
    ],
)
def test_processor_time_other_than_asked_makes_a_row_unstable(busy, words):
    assert unstable(row(busy_threads=busy), "image") == words
    text = rendered(comparison(results(row(busy_threads=busy))), 120)
    assert ("! 200" in text) == bool(words)


def test_rounds_that_vary_make_a_row_unstable():
    calm = latency("model", 1, 100.0, wobble=0.05)
    wild = latency("end_to_end", 1000, 100.0, wobble=0.15)
    assert unstable(row(latency=(calm,)), "image") == ()
    assert unstable(row(latency=(calm, wild)), "image") == ("26% with data",)


def test_one_stray_round_does_not():
    rounds = ((100.0,),) * 9 + ((300.0,),)
    stray = latency("model", 1, 100.0).model_copy(update={"rounds": rounds})
    assert unstable(row(latency=(stray,)), "image") == ()


def test_a_baseline_in_another_engine_is_named():
    other = row("static", "elsewhere", baseline=row())
    text = rendered(comparison(results(other)), 120)
    assert "compared with float32 on torch, for want of float32 on elsewhere" in text
    same = row("static", "torch", baseline=row())
    assert "for want of" not in rendered(comparison(results(same)), 120)


@pytest.mark.parametrize(
    ("lost", "gained", "word"),
    [(0, 0, "1.000"), (40, 10, "<0.001 worse"), (10, 40, "<0.001 better")],
)
def test_verdict_follows_the_discordant_images(lost, gained, word):
    text = rendered(comparison(results(row("x", lost=lost, gained=gained, baseline=row()))), 80)
    assert word in text


@pytest.mark.parametrize(("load", "warned"), [(None, False), (1.0, False), (1.46, True)])
def test_a_busy_machine_is_named(load, warned):
    text = rendered(comparison(results(environment=environment(load=load))), 80)
    assert ("! load 1.5 at start  other programs ran: repeat" in text) == warned
    assert ("other programs" in text) == warned


@pytest.mark.parametrize(
    ("architecture", "sets", "words"),
    [
        ("x86_64", ("avx2", "avx512f", "avx512_vnni"), "AVX-512 with VNNI"),
        ("x86_64", ("avx2",), "AVX2 without VNNI"),
        ("x86_64", ("avx2", "avx_vnni"), "AVX2 with VNNI"),
        ("x86_64", (), "no AVX without VNNI"),
        ("aarch64", ("asimd", "asimddp"), "8-bit dot product"),
        ("aarch64", ("asimd",), "no 8-bit dot product"),
    ],
)
def test_says_what_the_cpu_has(architecture, sets, words):
    here = environment(architecture=architecture, instruction_sets=sets)
    assert words in rendered(comparison(results(environment=here)), 80)


def test_the_answer_stands_last():
    text = rendered(comparison(results()), 80)
    assert text.rindex("Batches of 1,000: ") > text.rindex("By latency; above")
    assert " ".join(text.split()).endswith("are unstable: repeat on an idle machine.)")


def test_an_artifact_on_several_engines_is_described_once():
    engines = ("torch", "openvino")
    floats = [row(runtime=name) for name in engines]
    same = {"float_macs": 0, "notes": ("told once",)}
    both = [row("qat", one.runtime, baseline=one, **same) for one in floats]
    text = rendered(comparison(results(*floats, *both)), 120)
    assert text.count("told once") == 1
    assert "\n  qat      float32; every multiply-add on integers; told once\n" in text


def test_where_descriptions_differ_each_names_its_engines():
    base = row()
    both = [row("static", x, baseline=base, float_macs=0) for x in ("torch", "openvino")]
    text = rendered(comparison(results(base, *both)), 120)
    assert "\n  static on torch     float32; every multiply-add on integers\n" in text
    assert "\n  static on openvino  float32; compared with float32 on torch, for want of" in text


def test_a_row_without_float_in_its_engine_has_no_speed_against_it():
    base = row(single=30.0)
    this = row("static", "elsewhere", float_macs=0, baseline=base, single=10.0)
    lines = rendered(comparison(results(base, this)), 80).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("* static "))
    assert lines[first].split()[-4:-1] == ["10.0", "–", "4.00"]


@pytest.mark.parametrize("by", Order)
def test_says_how_it_is_sorted(by):
    text = rendered(comparison(results(), by), 80)
    title = "accuracy" if by is Order.METRIC else by.value
    assert f"\nBy {title}; above: one image at a time; below: batches of 1,000;" in text


@pytest.mark.parametrize(
    ("method", "runtime", "code"),
    [
        ("pt2e_static", "torch_compile", "w8c a8u"),
        ("nncf_static", "onnxruntime", "w8c a8su"),
        ("static_uncalibrated", "torch", "w8c a8u"),
    ],
)
def test_a_row_of_usual_length_has_two_lines_in_80_columns(method, runtime, code):
    activations = (INT8, UINT8) if "su" in code else UINT8
    numerics = formats(INT8_CHANNEL, activations)
    base = row(runtime=runtime, single=1_234.0)
    this = row(method, runtime, numerics=numerics, float_macs=0, baseline=base, wobble=0.2)
    lines = rendered(comparison(results(base, this)), 80).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(f"* {method} "))
    assert lines[first + 1].startswith(f"  {runtime} {code} ")
    assert " ! 80.0 1.00 0.82–1.27 " in lines[first + 1]


@pytest.mark.parametrize("width", [80, 120])
def test_float_and_fastest_float_are_marked(width):
    text = rendered(comparison(results()), width)
    main = text[text.index("\nBy latency") :]
    float32 = next(line for line in main.splitlines() if line.startswith("* float32 "))
    assert float32.endswith("baseline    the fastest")
    assert main.count("baseline") == 4
    assert main.count("the fastest") == 2
