from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.c99.target.isa import AVX2, AVX512VNNI, NEON, SSE2
from quantbench.errors import UnavailableError, UsageError
from quantbench.explain import other_cpu
from quantbench.explain.other_cpu import known, predictions, slowdown
from quantbench.explain.records import LayerTime, Part, Peaks, TimeSplit
from tests.explain import timed

PEAKS = Peaks(
    macs_per_us={"sse2 int8": 1e4, "avx2 int8": 2e4, "avx512vnni int8": 5e4, "avx2 float32": 1e4},
    bytes_per_us={"l1": 1e5, "l2": 1e5, "memory": 1e4},
)


def split(row: str, part: Part, *us: float, call: float = 1.0) -> TimeSplit:
    layers = tuple(LayerTime(name="", kind="", part=part, us=value) for value in us)
    total = sum(us) + call
    return TimeSplit(
        row=row, batch=1, threads=1, total_us=total, profiled_us=total, profiler="",
        parts={part: sum(us), "call": call}, layers=layers,
    )  # fmt: skip


def test_layers_that_have_kernels_for_both_sets_slow_down_by_the_ratio_of_peaks(
    timed_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three layers that multiply and a pooling; conversion and call stay as they are."""
    monkeypatch.setattr(other_cpu, "kernels_here", lambda: AVX512VNNI)
    rows = tuple(
        timed.row(timed.artifact(method, "onnx", timed_study), "c99").model_copy(update=coverage)
        for method, coverage in (("float32", {}), ("ort_static", {"coverage": INTEGER}))
    )
    subject = timed.subject(rows, timed_study, tmp_path)
    layers = split("ort_static on c99", "integer", 2.0, 10.0, 0.5, 0.25, 0.125)
    splits = (split("float32 on c99", "float", 30.0), layers)
    (found,) = predictions(subject, splits, "avx2", PEAKS)
    assert found.int8_us == pytest.approx(2.5 * 12.25 + 0.5 + 0.125 + 1.0)
    assert found.float32_us == pytest.approx(31.0)
    assert found.ratio == pytest.approx(31.0 / found.int8_us)
    (found,) = predictions(subject, splits, "sse2", PEAKS)
    assert found.int8_us == pytest.approx(5 * 12.25 + 0.5 + 0.125 + 1.0)
    assert found.ratio is None


INTEGER = timed.builder.Coverage(integer_macs=9, float_macs=0)


def test_what_this_cpu_cannot_run_is_not_predicted() -> None:
    assert slowdown(AVX512VNNI, SSE2, PEAKS) == pytest.approx(5.0)
    assert known(PEAKS) == ("sse2", "avx2", "avx512vnni", "avx512vbmi")
    for isa in (NEON, AVX2):
        fewer = Peaks(macs_per_us={"avx512vnni int8": 5e4}, bytes_per_us={})
        with pytest.raises(UnavailableError, match=f"has no {isa.name}"):
            slowdown(AVX512VNNI, isa, fewer)


def test_an_unknown_set_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are kernels for"):
        predictions(timed.subject((), tmp_path, tmp_path), (), "mmx", PEAKS)
