from __future__ import annotations

import pytest

from quantbench.report.lines import all_lines, first_lines
from quantbench.report.order import Order
from quantbench.results.recommend import with_recommendations
from tests.report.builder import results, row

TORCH = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(method="static", runtime="openvino", **changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": TORCH, "single": 100.0, "model": 50.0}
    return row(method, runtime, **(fields | changes))


def lines(*rows, by=Order.LATENCY, most=12):
    return first_lines(results(TORCH, FAST, *rows), by, most)


def named(found):
    return {line.row.name: [row.method for row in line.ties] for line in found.shown}


def test_rows_that_tie_are_in_the_line_of_the_smallest():
    found = lines(
        quantized("a", size=80_000),
        quantized("b", size=70_000),
        quantized("c", size=90_000, single=102.0, model=51.0),
    )
    assert named(found) == {
        "float32 on onnxruntime": [], "b on openvino": ["a", "c"], "float32 on torch": [],
    }  # fmt: skip
    assert found.left == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"runtime": "torch"},
        {"single": 104.0},
        {"model": 48.0},
        {"correct": 9_800, "lost": 120, "gained": 20},
        {"correct": 9_895, "lost": 15, "gained": 10},
    ],
)
def test_what_differs_has_a_line_of_its_own(changes):
    found = lines(quantized("a"), quantized("b", **changes))
    assert len(found.shown) == 4


def test_a_row_to_ship_heads_its_line_and_has_one():
    found = lines(
        quantized("small", size=60_000, single=20.0, model=10.2),
        quantized("shipped", size=50_000, single=20.4, model=10.0),
    )
    assert named(found)["shipped on openvino"] == ["small"]
    one = quantized("one", size=60_000, single=20.0, model=10.3)
    many = quantized("many", size=70_000, single=20.5, model=10.0)
    study = results(TORCH, FAST, one, many)
    ship = study.answers[0].ship
    answers = tuple(
        answer.model_copy(update={"ship": ship.model_copy(update={"row": name})})
        for answer, name in zip(study.answers, (one.name, many.name), strict=True)
    )
    both = first_lines(study.model_copy(update={"answers": answers}), Order.LATENCY)
    assert named(both)[one.name] == named(both)[many.name] == []


def test_float32_is_in_no_other_line():
    other = row(runtime="torch", method="other", size=100)
    assert len(lines(other).shown) == 3


def many(number):
    """Rows of different speeds, none of which ties with another or is on the Pareto front."""
    return [
        quantized(f"m{n:02}", size=300_000 + n, single=1_000.0 * 1.1**n, model=1_000.0 * 1.1**n)
        for n in range(number)
    ]


def test_no_more_lines_than_asked_and_the_rest_is_counted():
    found = lines(*many(20), most=6)
    assert len(found.shown) == 6
    assert found.left == 16
    assert [line.row.method for line in found.shown] == [
        "float32", "float32", "m00", "m01", "m02", "m03"
    ]  # fmt: skip


def test_what_the_answer_is_about_is_shown_however_slow():
    slow = row(runtime="elsewhere", single=9_000.0, model=9_000.0, size=400_000)
    this = quantized("static", "elsewhere", single=20.0, model=10.0, baseline=slow)
    found = named(lines(slow, this, *many(20), most=3))
    assert found == {"static on elsewhere": [], FAST.name: [], slow.name: []}


def test_then_come_the_rows_that_were_started_again():
    last = quantized("last", size=500_000, single=9_000.0, model=9_000.0, starts=6)
    started = FAST.model_copy(update={"latency": quantized(single=40.0, starts=6).latency})
    study = results(TORCH, started, last, *many(20))
    assert "last on openvino" in named(first_lines(study, Order.LATENCY, 3))


def test_then_the_front():
    smallest = quantized("smallest", size=10, single=99_000.0, model=99_000.0)
    assert "smallest on openvino" in named(lines(smallest, *many(20), most=4))


def test_the_rest_is_chosen_and_sorted_as_asked():
    rows = many(20)
    found = lines(*rows[::-1], by=Order.SIZE, most=5)
    sizes = [line.row.bytes for line in found.shown]
    assert sizes == sorted(sizes)
    assert "m02 on openvino" in named(found)


def test_all_lines_are_all_rows():
    study = results(TORCH, FAST, quantized("a"), quantized("b"), *many(20))
    found = all_lines(study, Order.LATENCY)
    assert {line.row.name for line in found.shown} == {row.name for row in study.rows}
    assert not any(line.ties for line in found.shown)
    assert found.left == 0


def test_no_rows_no_lines():
    empty = with_recommendations(results().model_copy(update={"rows": ()}))
    assert first_lines(empty, Order.LATENCY).shown == ()
