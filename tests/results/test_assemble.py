"""Results of tasks of every sort, from outputs and times that no worker measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.artifacts.records import ArtifactBody
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import UnavailableError, UnknownNameError, UsageError
from quantbench.harness.measure import Measured
from quantbench.harness.noise import Noise
from quantbench.harness.pool import Candidate
from quantbench.harness.timing import Timing
from quantbench.numerics.coverage import LayerNumerics, Quantized
from quantbench.report.terminal.page import comparison
from quantbench.results.assemble import results_of
from quantbench.results.metric import Metric, metric_of
from quantbench.results.records import Results
from quantbench.samples.records import Array, Arrays, Samples
from quantbench.system.store import FileEntry, Stored
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task
from tests.report.builder import environment, latency
from tests.report.golden import rendered

SAMPLES = 300
RANDOM = np.random.default_rng(11)
LAYER = Layer(
    name="fc", kind="Linear", output_shape=(3,), parameters=30, macs=27, kernel=(), stride=()
)


def spec(name: str, *shape: int) -> TensorSpec:
    return TensorSpec(name=name, shape=shape)


def task(
    outputs: tuple[TensorSpec, ...],
    targets: Array | None,
    metric: str = "",
    inputs: tuple[TensorSpec, ...] = (spec("x", 9),),
) -> Task:
    stored = tuple(np.zeros((SAMPLES, *each.shape), np.float32) for each in inputs)
    return Task(
        network=Network("net", inputs, outputs, "1" * 64),
        data="test.npz",
        calibration=Samples("calibration", stored),
        test=Samples("test", stored, targets),
        metric=metric,
    )


def candidate(folder: Path, method: str, runtime: str, size: int) -> Candidate:
    layer = LayerNumerics.in_float32("fc", "Linear", 27, "it is a test")
    body = ArtifactBody(
        model="net",
        data="test.npz",
        method=method,
        format="onnx",
        settings={},
        network_sha256="1" * 64,
        quantized=Quantized(layers=(layer,), structure=""),
    )
    files = {"model.onnx": FileEntry(bytes=size, sha256="2" * 64)}
    module: RuntimeModule = plugins.runtime("null")
    artifact = Stored(folder / "artifacts" / method, {}, files, body, method)
    return Candidate(artifact, Plugin(runtime, module, Path("null.py")))


def measured(folder: Path, *rows: tuple[str, str, Arrays]) -> Measured:
    """Rows of (method, runtime, outputs), all with the same times."""
    times = (latency("model", 1, 20.0), latency("model", 100, 10.0))
    return Measured(
        candidates=tuple(
            candidate(folder, method, runtime, 100 - number)
            for number, (method, runtime, _) in enumerate(rows)
        ),
        outputs=tuple(outputs for _, _, outputs in rows),
        timings=(Timing(latency=times, busy_threads=1, warm_up=3, cold_start=1, peak_memory=9),)
        * len(rows),
        data_loading=None,
        environment=environment(),
        noise=Noise(),
        skipped=(),
    )


def judged(
    folder: Path, task: Task, *rows: tuple[str, str, Arrays], metric: Metric | None = None
) -> Results:
    results = results_of(task, (LAYER,), measured(folder, *rows), (), folder, metric)
    assert Results.model_validate_json(results.model_dump_json()) == results
    for width in (80, 120):
        lines = rendered(comparison(results), width).splitlines()
        assert max(map(len, lines)) <= width
    return results


def near(values: Array, spread: float) -> Array:
    return (values + RANDOM.normal(0, spread, values.shape)).astype(np.float32)


VALUES = RANDOM.normal(size=(SAMPLES, 2)).astype(np.float32)
REGRESSOR = (spec("y", 2),)


def test_a_regression_is_judged_by_its_squared_error(tmp_path: Path) -> None:
    base = near(VALUES, 0.5)
    results = judged(
        tmp_path,
        task(REGRESSOR, VALUES),
        ("float32", "onnxruntime", (base,)),
        ("static", "onnxruntime", (base.copy(),)),
        ("broken", "onnxruntime", (near(base, 3.0),)),
    )
    assert (results.metric.name, results.metric.kind, results.sample) == (
        "mean_squared_error", "per_sample", "sample"
    )  # fmt: skip
    assert (results.training, results.data_loading, results.preprocessing_sha256) == (None,) * 3
    assert results.splits.keys() == {"calibration", "test"}
    float32, static, broken = results.rows
    assert float32.score is not None
    expected = np.square(base.astype(np.float64) - VALUES).mean()
    assert float32.score.value == pytest.approx(expected, rel=1e-12)
    assert float32.against_float is None
    assert static.against_float is not None
    assert broken.against_float is not None
    assert static.against_float.verdict == "equivalent"
    assert broken.against_float.verdict == "worse"
    assert static.samples == SAMPLES
    assert static.metrics["accuracy"].value is None
    reason = static.metrics["accuracy"].reason
    assert reason is not None
    assert reason.startswith("metric 'accuracy': targets of float32 are no class numbers")
    assert static.metrics.keys() == set(plugins.names("metrics"))
    assert static.notes == broken.notes == ()


def test_without_targets_rows_are_judged_by_agreement(tmp_path: Path) -> None:
    base = RANDOM.normal(size=(SAMPLES, 3)).astype(np.float32)
    images = (spec("pixels", 3, 8, 8),)
    results = judged(
        tmp_path,
        task((spec("logits", 3),), None, inputs=images),
        ("float32", "onnxruntime", (base,)),
        ("static", "onnxruntime", (-base,)),
    )
    assert (results.metric.name, results.metric.margin, results.sample) == (
        "agreement", 0.01, "image"
    )  # fmt: skip
    static = results.rows[1]
    assert static.against_float is not None
    assert static.against_float.verdict == "worse"
    assert static.metrics["accuracy"].reason == (
        "metric 'accuracy': needs targets, and the test samples have none"
    )


BOXES = (spec("box", 4), spec("classes", 3))


def test_several_outputs_without_targets_are_judged_by_their_error(tmp_path: Path) -> None:
    base = RANDOM.normal(size=(SAMPLES, 4)), RANDOM.normal(size=(SAMPLES, 3))
    close = tuple(near(each, 1e-4) for each in base)
    results = judged(
        tmp_path,
        task(BOXES, None),
        ("float32", "onnxruntime", base),
        ("static", "onnxruntime", close),
        ("static", "openvino", (close[0], near(base[1], 2.0))),
    )
    assert results.metric.name == "relative_difference"
    float32, static, other = results.rows
    assert other.against_float is not None
    assert other.against_float.baseline == "float32 on onnxruntime"
    assert other.notes[0].startswith("openvino and onnxruntime answer this file differently")
    assert "their outputs 1 are" in other.notes[0]
    assert static.notes == float32.notes == ()


def test_a_function_of_several_outputs_judges(tmp_path: Path) -> None:
    def both(outputs: Arrays, targets: Array) -> Array:
        box, classes = outputs
        return np.asarray((np.abs(box - targets).max(1) < 1) & (classes.argmax(1) == 0))

    targets = np.zeros((SAMPLES, 4))
    base = np.zeros((SAMPLES, 4)), np.eye(3)[np.zeros(SAMPLES, int)]
    wrong = base[0], np.eye(3)[np.arange(SAMPLES) % 3]
    rows = ("float32", "onnxruntime", base), ("static", "onnxruntime", wrong)
    results = judged(tmp_path, task(BOXES, targets), *rows, metric=metric_of(both))
    assert (results.metric.name, results.metric.kind) == ("both", "right_or_wrong")
    against = results.rows[1].against_float
    assert against is not None
    assert (against.only_float_right, against.only_this_right, against.verdict) == (
        200, 0, "worse"
    )  # fmt: skip
    assert results.rows[1].metrics["both"].value == pytest.approx(1 / 3)
    with pytest.raises(UsageError, match="no metric is the obvious one"):
        judged(tmp_path, task(BOXES, np.zeros(SAMPLES, int)), *rows)


def test_a_judging_function_that_fails_costs_the_scores_and_no_row(tmp_path: Path) -> None:
    def failing(outputs: Array, targets: Array) -> float:
        raise ZeroDivisionError("oh")

    rows = ("float32", "onnxruntime", (VALUES,)), ("static", "onnxruntime", (VALUES,))
    results = judged(tmp_path, task(REGRESSOR, VALUES), *rows, metric=metric_of(failing))
    for row in results.rows:
        assert row.score is None
        assert row.score_reason == "metric 'failing' raised ZeroDivisionError: oh"
        assert row.score_reason in row.notes
        assert row.metrics["mean_squared_error"].value == 0
    assert results.rows[1].against_float is not None
    assert results.rows[1].against_float.verdict == "not judged"
    assert [answer.ship for answer in results.answers] == [None, None]


def test_a_metric_that_is_not_there_is_named(tmp_path: Path) -> None:
    rows = (("float32", "onnxruntime", (VALUES,)),)
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        judged(tmp_path, task(REGRESSOR, VALUES, "acuracy"), *rows)


def test_a_plug_in_that_can_not_be_imported_costs_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    path = tmp_path / "divided.py"
    path.write_text("UNIT = ''\nHIGHER_IS_BETTER = True\ndef compute(seen): ...\n1 / 0\n")
    plugins.use_plugins(path)
    rows = (("float32", "onnxruntime", (VALUES,)),)
    results = judged(tmp_path, task(REGRESSOR, VALUES), *rows)
    assert results.rows[0].notes == ("metric 'divided' raised ZeroDivisionError: division by zero",)
    assert "divided" not in results.rows[0].metrics
    with pytest.raises(UnavailableError, match="raised ZeroDivisionError: division by zero"):
        judged(tmp_path, task(REGRESSOR, VALUES, "divided"), *rows)
