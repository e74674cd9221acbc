"""Predictions with another set of kernels: which code runs, and what is made of its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, NEON, SSE2, Isa
from quantbench.contracts import Predict
from quantbench.errors import UnavailableError, UnknownNameError
from quantbench.explain import other_cpu
from quantbench.explain.other_cpu import available, built, in_turn, predictions
from quantbench.explain.records import LayerTime, Part, TimeSplit
from quantbench.samples.records import Array
from tests.c99 import checking
from tests.explain import timed

INTEGER = timed.builder.Coverage(integer_macs=9, float_macs=0)


def split(row: str, part: Part, us: float) -> TimeSplit:
    layers = (LayerTime(name="", kind="", part=part, us=us),)
    return TimeSplit(
        row=row, batch=1, threads=1, total_us=us, profiled_us=us, profiler="", parts={part: us},
        layers=layers,
    )  # fmt: skip


def test_the_row_s_time_by_the_ratio_that_both_builds_take(
    timed_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[Isa]()

    def stub(model: Path, isa: Isa, threads: int) -> Predict:
        assert model.is_file()
        asked.append(isa)
        return lambda *inputs: inputs[0]

    monkeypatch.setattr(other_cpu, "available", lambda: (AVX512VBMI, AVX512VNNI, AVX2))
    monkeypatch.setattr(other_cpu, "built", stub)
    monkeypatch.setattr(other_cpu, "in_turn", lambda *_: [4.0, 10.0])
    rows = tuple(
        timed.row(timed.artifact(method, "onnx", timed_study), "c99").model_copy(update=coverage)
        for method, coverage in (("float32", {}), ("ort_static", {"coverage": INTEGER}))
    )
    subject = timed.subject(rows, timed_study, tmp_path)
    splits = (split("float32 on c99", "float", 31.0), split("ort_static on c99", "integer", 12.0))
    (found,) = predictions(subject, splits, "avx512vnni")
    assert asked == [AVX512VBMI, AVX512VNNI]
    assert (found.kernels, found.measured_with) == ("avx512vnni", "avx512vbmi")
    assert found.int8_us == pytest.approx(30.0)
    assert found.ratio == pytest.approx(31.0 / 30.0)
    (found,) = predictions(subject, splits, "avx2")  # its float32 kernels are others
    assert found.int8_us == pytest.approx(30.0)
    assert found.ratio is None


def test_each_build_gives_the_same_bits(timed_study: Path) -> None:
    checking.command()
    model = timed.artifact("ort_static", "onnx", timed_study).folder / "model.onnx"
    networks = [built(model, isa, 1) for isa in available()[:1] + available()[-1:]]
    (inputs,) = timed.task().test.inputs(0, 2)
    first, last = (network(inputs) for network in networks)
    assert np.array_equal(first, last)


def test_calls_take_turns() -> None:
    order = list[int]()

    def network(number: int) -> Predict:
        def predict(*inputs: Array) -> Array:
            order.append(number)
            if number:
                np.sort(np.arange(200_000)[::-1])
            return inputs[0]

        return predict

    quick, slow = in_turn([network(0), network(1)], np.zeros((1, 1)))
    assert order[:4] == [0, 1, 0, 1]
    assert order.count(0) == order.count(1)
    assert slow > 10 * quick


def test_what_this_cpu_cannot_run_is_not_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_cpu, "available", lambda: (AVX512VNNI, AVX2))
    for isa in (NEON, SSE2):
        with pytest.raises(UnavailableError, match=f"has no {isa.name}.*: avx512vnni, avx2"):
            predictions(timed.subject((), tmp_path, tmp_path), (), isa.name)
    with pytest.raises(UnknownNameError, match="unknown set of kernels 'mmx'"):
        predictions(timed.subject((), tmp_path, tmp_path), (), "mmx")
