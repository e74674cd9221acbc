from __future__ import annotations

from quantbench.explain.telling import MOST, telling_rows
from tests.explain.builder import quantized
from tests.report.builder import results, row
from tests.report.terminal.test_page import shipping


def test_the_rows_of_the_answer_come_first() -> None:
    assert telling_rows(shipping()) == (
        "static on openvino",
        "float32 on onnxruntime",
    )


def test_then_what_runs_elsewhere_what_is_slow_and_what_is_worse() -> None:
    float32 = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)
    study = results(
        float32,
        quantized("static", "c99", single=10.0, model=5.0, artifact="a"),
        quantized("static", "onnxruntime", single=60.0, artifact="a", baseline=float32),
        quantized("qat", "onnxruntime", single=90.0, baseline=float32),
        quantized("bad", "c99", correct=9_000, lost=900, gained=0),
    )
    assert telling_rows(study) == (
        "static on c99",
        "float32 on onnxruntime",
        "static on onnxruntime",
        "qat on onnxruntime",
        "bad on c99",
    )
    assert len(telling_rows(study)) <= MOST
