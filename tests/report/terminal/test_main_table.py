from __future__ import annotations

import pytest

from quantbench.report.lines import Line, Lines, all_lines, first_lines
from quantbench.report.order import Order
from quantbench.report.terminal.main_table import MainTable
from tests.report.builder import SQUARED, errors, results, row
from tests.report.golden import rendered

TORCH = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(method="static", runtime="openvino", **changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": TORCH, "single": 100.0, "model": 50.0}
    return row(method, runtime, **(fields | changes))


def table(study, width=80, choose=all_lines):
    return rendered(MainTable(study, choose(study, Order.LATENCY)), width)


def cells(study, name, width=80):
    line = next(x for x in table(study, width).splitlines() if x.split()[:2] == name.split())
    return line.split()[2:]


def test_a_row_is_one_line_with_all_its_figures():
    study = results(TORCH, FAST, quantized(single=20.0, correct=9_895, lost=15, gained=10))
    assert cells(study, "static openvino") == [
        "75.0", "98.95", "−0.05", "20.0", "2.00", "50.0", "0.50", "ship", "at", "1"
    ]  # fmt: skip
    assert cells(study, "float32 onnxruntime") == [
        "249", "99.00", "–", "40.0", "1", "25.0", "1", "baseline"
    ]  # fmt: skip
    assert len(table(study).split("───\n")[1].split("Times:")[0].splitlines()) == 3


def test_what_a_reader_cannot_guess_stands_below():
    study = results(TORCH, FAST, quantized(single=40.0))
    below = " ".join(table(study, 200).split("Times:")[1].split())
    assert below == (
        "µs an image, on 1 thread. Speed: the time of the fastest float32 (float32 on onnxruntime) "
        "over this row's; ? if not resolved."
    )
    assert "resolved" not in table(results(TORCH, FAST, quantized(single=20.0)), 200)


@pytest.mark.parametrize(
    ("sizes", "unit", "shown"),
    [
        ((75_000, 250_000), "kB", ["75.0", "250"]),
        ((9_000, 800), "bytes", ["9,000", "800"]),
        ((25_557_032, 100_000), "MB", ["25.6", "0.100"]),
    ],
)
def test_sizes_have_one_unit_that_suits_the_largest(sizes, unit, shown):
    study = results(row("a", size=sizes[0]), row("b", size=sizes[1]))
    assert f" {unit} " in table(study)
    assert [cells(study, f"{name} torch")[0] for name in "ab"] == shown


def test_large_numbers_fit_80_columns():
    slow = row(
        "static_uncalibrated",
        "torch_compile",
        size=123_456_789,
        correct=1_000,
        lost=8_900,
        gained=1_000,
        single=123_456.0,
        model=12_345.0,
        wobble=0.3,
        baseline=row(single=4_000.0, model=400.0, end_to_end=800.0),
    )
    text = table(results(FAST, slow))
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("123 ", "−79.00", "123,456", "12,345", "worse"):
        assert whole in text


def test_where_there_is_no_room_only_the_method_is_cut():
    near = quantized("a_method_of_a_very_long_name", "torch_compile", single=40.0, model=25.0)
    text = table(results(TORCH, FAST, near))
    line = next(x for x in text.splitlines() if "torch_compile" in x)
    assert len(line) <= 80
    assert line.startswith("a_method_of_")
    assert line.split()[0].endswith("…")
    assert line.split()[-2:] == ["not", "resolved"]
    assert "a_method_of_a_very_long_name torch_compile" in " ".join(
        table(results(TORCH, FAST, near), 120).split()
    )


@pytest.mark.parametrize(("width", "told"), [(80, "a +2 "), (120, "a and 2 more ")])
def test_ties_are_told_in_the_line_of_the_first(width, told):
    rows = (quantized("a"), quantized("b", size=76_000), quantized("c", size=77_000))
    text = table(results(TORCH, FAST, *rows), width, first_lines)
    assert f"\n{told}" in text
    sign = ", told by +" if width == 80 else ""
    whole = " ".join(text.split())
    told = f"Not shown: 2 as fast as one of their runtime and judged alike{sign}; `quantbench show"
    assert told in whole


def test_rows_that_are_left_out_are_counted():
    lines = Lines((Line(TORCH),), left=3)
    text = rendered(MainTable(results(TORCH, FAST), lines), 80)
    assert "Not shown: 3 rows; `quantbench show --all` shows every row." in text


def test_what_is_missing_is_a_dash():
    fake = quantized(kind="simulated", score=None).model_copy(
        update={"latency": (), "against_fastest": ()}
    )
    against = fake.against_float.model_copy(update={"difference": None})
    study = results(TORCH, FAST, fake.model_copy(update={"against_float": against}))
    assert cells(study, "static openvino") == ["75.0", "–", "–", "–", "–", "–", "–", "simulated"]


def test_another_metric_has_its_title_and_its_digits():
    metric = SQUARED.model_copy(update={"title": "a title of a good many words"})
    rows = (errors(0.0123), errors(0.0124, "static", float_macs=0, baseline=TORCH, single=20.0,
                                   difference=1.2e-4))  # fmt: skip
    study = results(*rows, metric=metric, sample="sample")
    assert cells(study, "static torch")[1:3] == ["0.01240", "+0.000120"]
    text = table(study)
    assert "1 sample" in text
    assert max(map(len, text.splitlines())) <= 80
