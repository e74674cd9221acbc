"""Time splits of a network whose time must go into one layer, on every runtime that tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.explain import time_split
from quantbench.explain.profiles import openvino
from quantbench.explain.profiling.operators import Operator
from quantbench.explain.profiling.worker import ProfilingSession
from quantbench.explain.records import Peaks, TimeSplit
from quantbench.explain.time_split import default_rows, floats_in_runtime, time_splits
from quantbench.harness.pool import write_samples
from quantbench.harness.worker import Request
from quantbench.numerics.coverage import LayerNumerics
from tests.explain import timed

PEAKS = Peaks(
    macs_per_us={"avx2 float32": 4e4, "avx2 int8": 8e4},
    bytes_per_us={"l1": 1e5, "l2": 1e5, "memory": 1e4},
)
BATCH = 64
CASES = (
    ("float32", "onnx", "onnxruntime"),
    ("ort_static", "onnx", "onnxruntime"),
    ("ort_static", "onnx", "c99"),
    ("float32", "onnx", "openvino"),
    ("static", "state_dict", "torch"),
    pytest.param("xnnpack_static", "executorch", "executorch", marks=pytest.mark.slow),
)


def split_here(folder: Path, method: str, format: str, runtime: str) -> TimeSplit:
    """The split of a batch, profiled in this process: PyTorch is imported already.

    The profile's own clock must agree with this process's: that is what it is scaled by.
    """
    made = timed.artifact(method, format, folder)
    samples = folder / "samples"
    if not samples.is_dir():
        write_samples(samples, timed.task().test)
    request = Request(
        do="load",
        artifact=str(made.folder),
        runtime=runtime,
        outputs=timed.task().network.outputs,
        out=str(folder),
    )
    session = ProfilingSession()
    session.answer(Request(do="samples", samples=str(samples)))
    session.answer(request)
    profile = session.answer(request.model_copy(update={"do": "profile", "batch": BATCH}))
    line = session.answer(request.model_copy(update={"do": "lines", "batch": 4, "calls": 10}))
    measured = time_split.measured_of(profile)
    assert 0.6 * measured.total < sum(measured.us) < 1.3 * measured.total
    return time_split.split(
        timed.row(made, runtime), made, BATCH, measured, time_split.line_of(line), PEAKS
    )


@pytest.mark.parametrize(("method", "format", "runtime"), CASES)
def test_most_of_the_time_is_in_the_layer_that_has_nearly_all_multiply_adds(
    timed_study: Path, method: str, format: str, runtime: str
) -> None:
    result = split_here(timed_study, method, format, runtime)
    assert sum(result.parts.values()) == pytest.approx(result.total_us)
    large = next(time for time in result.layers if time.name == timed.LARGE)
    assert large.macs == timed.LARGE_MACS
    assert large.part == ("float" if method == "float32" else "integer")
    operators = result.total_us - result.parts["call"]
    assert large.us > 0.5 * operators
    others = [time.us for time in result.layers if time is not large and time.macs]
    assert len(others) == 2
    assert large.us > 3 * max(others)
    assert "could be told" not in result.note


def test_a_process_of_its_own_splits_rows_and_says_which_it_cannot(
    timed_study: Path, tmp_path: Path
) -> None:
    c99 = timed.row(timed.artifact("ort_static", "onnx", timed_study), "c99")
    ncnn = timed.row(timed.artifact("float32", "ncnn", timed_study), "ncnn")
    compiled = ncnn.model_copy(update={"runtime": "torch_compile"})
    splits, unsplit = time_splits(
        timed.subject((c99, ncnn, compiled), timed_study, tmp_path),
        [c99.name, ncnn.name, compiled.name, "no such row"],
        PEAKS,
    )
    assert [(split.row, split.batch) for split in splits] == [
        (row.name, batch) for row in (c99, ncnn) for batch in (1, 16)
    ]
    for split in splits:
        part = "integer" if split.row == c99.name else "float"
        assert sum(split.parts.values()) == pytest.approx(split.total_us)
        assert split.parts[part] > 0.5 * split.total_us
        assert split.limit is not None
        assert 0 < split.limit.share <= 1
    assert [reason.row for reason in unsplit] == [compiled.name]
    assert "profiler" in unsplit[0].reason


def test_a_layer_that_the_file_says_is_integer_and_that_ran_in_float_is_named() -> None:
    integer = LayerNumerics.in_float32("conv", "Conv2d", 9, "").model_copy(update={"integer": True})
    operators = [
        Operator(name="a", kind="Conv", part="float"),
        Operator(name="b", kind="QLinearConv", part="integer"),
    ]
    assert floats_in_runtime(operators, [(integer,), (integer,)]) == ["conv"]


def test_the_shipped_row_and_what_it_is_compared_with_are_split(tmp_path: Path) -> None:
    study = timed.subject(timed.builder.rows(), tmp_path, tmp_path)
    shipped = [answer.ship or answer.smallest for answer in study.results.answers]
    assert all(shipped)
    names = default_rows(study)
    assert {choice.row for choice in shipped if choice} <= set(names)
    assert {answer.float32 for answer in study.results.answers} <= set(names)
    assert len(names) == len(set(names)) < len(study.results.rows)


def test_counters_of_whole_microseconds_are_means_behind_the_warm_up() -> None:
    """OpenVINO's mean over all calls, less that of the first two, as if neither were rounded."""
    true, calls = 12.3, 40
    early, late = 900.0, (900.0 * 2 + true * (calls - 2)) / calls
    found = openvino.mean_between(float(int(early)), float(int(late)), calls)
    assert abs(found - true) < 1.1
    assert openvino.mean_between(0.0, 0.0, calls) == 0.0
