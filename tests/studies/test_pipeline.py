from __future__ import annotations

import ast
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from quantbench import plugins
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import (
    ArtifactError,
    CalibrationError,
    LockedError,
    UnavailableError,
    UnknownNameError,
    UsageError,
    WorkerError,
)
from quantbench.harness import process
from quantbench.harness.records import Skipped
from quantbench.harness.trial import Trials
from quantbench.harness.worker import Request
from quantbench.report.write import write
from quantbench.results.assemble import paired
from quantbench.results.records import Results
from quantbench.studies import pipeline as module
from quantbench.studies.pipeline import Study
from quantbench.system.lock import locked
from quantbench.system.record import Settings
from tests import tiny
from tests.small_study import SCHEDULE, run, steps
from tests.stub_worker import StubWorker

ROWS = [
    ("float32", "torch"), ("float32", "onnxruntime"), ("dynamic", "torch"), ("static", "torch"),
    ("static_uncalibrated", "torch"),
]  # fmt: skip


@pytest.fixture(scope="module")
def parsing() -> set[str]:
    """The threads that parsed Python while `whole` ran."""
    return set()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, parsing: set[str]) -> tuple[Path, Study]:
    """Every method on every runtime."""
    out = tmp_path_factory.mktemp("study") / "results"
    parse = ast.parse

    def noted(*source: Any, **options: Any) -> Any:
        parsing.add(threading.current_thread().name)
        return parse(*source, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ast, "parse", noted)
        study = run(out)
    return out, study


def test_one_thread_parses(whole: tuple[Path, Study], parsing: set[str]) -> None:
    """In Python 3.11 ast.parse raises SystemError where two threads are in it."""
    assert parsing == {threading.main_thread().name}


def no_worker(patch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **options: object) -> None:
        raise AssertionError("a worker was started")

    patch.setattr(process.subprocess, "Popen", forbidden)


def test_every_pair_that_fits_is_a_row(whole: tuple[Path, Study]) -> None:
    _, done = whole
    assert {(row.method, row.runtime) for row in done.results.rows} >= set(ROWS)
    assert done.results.rows[0].method == "float32"
    assert done.results.skipped == ()


def test_rows_say_what_was_measured(whole: tuple[Path, Study]) -> None:
    out, done = whole
    for row, (logits,) in zip(done.results.rows, done.measured.outputs, strict=True):
        right = int((logits.argmax(1) == done.task.test.targets).sum())
        assert row.score is not None
        assert (row.samples, row.score.value) == (200, right / 200)
        assert row.bytes == sum(row.files.values())
        folder = out / row.artifact
        assert row.files == {
            path.name: path.stat().st_size
            for path in folder.iterdir()
            if path.name != "manifest.json"
        }
        assert set(row.metrics) == set(plugins.names("metrics"))
        assert row.metrics["accuracy"].value == row.score.value
        assert [(t.kind, t.batch, len(t.blocks)) for t in row.latency] == [
            ("model", 1, 6), ("model", 50, 6), ("end_to_end", 50, 6)
        ]  # fmt: skip
        assert all(len(slices) == 1 for cell in row.latency for slices in cell.blocks)


def test_rows_are_against_float_in_the_same_engine(whole: tuple[Path, Study]) -> None:
    _, done = whole
    rows = {(row.method, row.runtime): row for row in done.results.rows}
    for row in rows.values():
        base = rows["float32", row.runtime]
        if row is base:
            assert row.against_float is None
            continue
        against = row.against_float
        assert against is not None
        assert against.baseline == f"float32 on {row.runtime}"
        assert against.bytes_ratio == base.bytes / row.bytes
        assert against.difference is not None
        assert row.score is not None
        assert base.score is not None
        gained = 200 * (row.score.value - base.score.value)
        assert against.difference.value == pytest.approx(gained / 200)
        assert against.only_this_right is not None
        assert against.only_float_right is not None
        assert against.only_this_right - against.only_float_right == round(gained)
        assert [ratio.batch for ratio in against.speed] == [1, 50, 50]


def test_the_json_holds_what_was_found_and_no_nan(whole: tuple[Path, Study]) -> None:
    out, done = whole
    names = write(done.results, out)
    pictures = {"figure.png", "latency.png", "tradeoff.png", "loss.png"}
    assert set(names) == {"results.json", "training.json", "report.html"} | pictures
    assert [answer.batch for answer in done.results.answers] == [1, 50]
    assert any(row.pareto for row in done.results.rows)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (out / "results.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    assert Results.model_validate_json(text) == done.results
    assert found["schema_version"] == 5
    assert {"method", "runtime", "bytes", "score", "metrics", "latency", "against_float"} <= (
        found["rows"][0].keys()
    )
    assert all((out / name).stat().st_size > 0 for name in names)


def test_paths_in_the_results_are_below_them(whole: tuple[Path, Study]) -> None:
    out, done = whole
    for name in (row.artifact for row in done.results.rows):
        assert not Path(name).is_absolute()
        assert (out / name / "manifest.json").is_file()


def test_a_second_run_redoes_nothing(
    whole: tuple[Path, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, done = whole
    before = steps(out)
    no_worker(monkeypatch)
    again = run(out)
    assert steps(out) == before
    assert again.results == done.results


def test_the_load_is_of_when_the_times_were_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0.0, 0.0))
    done = run(tmp_path, "dynamic", runtimes=("torch",))
    assert done.results.environment.load == 1.5
    monkeypatch.setattr(os, "getloadavg", lambda: (0.25, 0.0, 0.0))
    before = steps(tmp_path)
    again = run(tmp_path, "dynamic", runtimes=("torch",))
    assert steps(tmp_path) == before  # no step depends on it
    assert again.results == done.results
    assert run(tmp_path, "static", runtimes=("torch",)).results.environment.load == 0.25


def test_a_changed_setting_redoes_only_what_it_touches(whole: tuple[Path, Study]) -> None:
    out, done = whole
    before = steps(out)
    changed = run(out, "static", runtimes=("torch",), settings={"static": {"observer": "minmax"}})
    after = steps(out)
    assert {name: after[name] for name in before} == before
    new = sorted(name.rpartition("-")[0] for name in after.keys() - before.keys())
    assert new == [
        "artifacts/static-state_dict", "evaluations/static-torch", "timings/timing",
        "trials/static-state_dict-torch",
    ]  # fmt: skip
    assert [row.method for row in changed.results.rows] == ["float32", "static"]
    assert changed.task.network.sha256 == done.task.network.sha256


def test_what_is_half_made_is_cleared_and_never_read(
    whole: tuple[Path, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, done = whole
    half = out / "artifacts" / ".static-state_dict-0123456789ab.xyz"
    half.mkdir()
    (half / "state.pt").write_bytes(b"half")
    no_worker(monkeypatch)
    assert run(out).results == done.results
    assert not half.exists()


def test_a_finished_training_leaves_no_epochs_even_if_it_was_killed_while_tidying(
    tmp_path: Path,
) -> None:
    parent = tmp_path / "checkpoints"
    finished, stopped = "lenet-mnist-a.b-seed1-0123456789ab", "lenet-mnist-a.b-seed2-0123456789ab"
    others = [".lock", "notes.epoch1", f"{stopped}.epoch3.txt", f"{stopped}.epochs"]
    for name in (finished, f"{finished}.epoch1", f"{finished}.epoch2", *others,
                 *(f"{stopped}.epoch{number}" for number in (2, 9, 10))):  # fmt: skip
        (parent / name).mkdir(parents=True)
    for _ in range(2):
        with module.workspace(tmp_path):
            pass
        assert {path.name for path in parent.iterdir()} == {
            finished, f"{stopped}.epoch10", *others
        }  # fmt: skip


@pytest.mark.parametrize("step", ["checkpoints", "artifacts", "trials", "evaluations", "timings"])
def test_an_edited_step_is_refused_by_name(
    whole: tuple[Path, Study], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = whole
    path = max((out / step).glob("*/manifest.json"), key=lambda path: path.parent.name)
    if step == "timings":  # of the two, the one of the whole study
        path = max((out / step).glob("*/manifest.json"), key=lambda path: path.stat().st_size)
    before = path.read_bytes()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(before.replace(b'"seed": 1', b'"seed": 2').replace(b'"threads": 1', b'"threads": 2').replace(b'"images": 200', b'"images": 201').replace(b'"data": "mnist"', b'"data": "Mnist"').replace(b'"answered": true', b'"answered": false').replace(b'"samples": 200', b'"samples": 201'))  # fmt: skip  # noqa: E501
    assert path.read_bytes() != before
    no_worker(monkeypatch)
    try:
        with pytest.raises(ArtifactError, match=f"{path} was edited") as caught:
            run(out)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=times)
    assert len(str(caught.value).splitlines()) == 1


def test_fresh_starts_over_and_ends_with_the_same_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    one = run(tmp_path, "dynamic", runtimes=("torch",))
    before = steps(tmp_path)
    two = run(tmp_path, "dynamic", runtimes=("torch",), fresh=True)
    after = steps(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[name] > before[name] for name in before)
    assert two.results.rows[0].artifact_sha256 == one.results.rows[0].artifact_sha256


@pytest.mark.parametrize(
    "asked",
    [{"model": "lent"}, {"data": "mnits"}, {"recipe": "defalt"}, {"runtimes": ("torhc",)},
     {"methods": ("statik",)}, {"settings": {"recipe": {"epoch": "1"}}},
     {"settings": {"static": {"image": "1"}}}, {"settings": {"statik": {"images": "1"}}}],
    ids=lambda asked: next(iter(asked)),
)  # fmt: skip
def test_a_name_that_is_unknown_costs_nothing_that_was_done(
    whole: tuple[Path, Study], asked: dict[str, object]
) -> None:
    """Not even with --fresh."""
    out, _ = whole
    before = steps(out)
    assert len(before) >= 12
    overrides = {"recipe": {}} | dict(asked.get("settings", {}))  # type: ignore[call-overload]
    known = {name: value for name, value in asked.items() if name != "settings"}
    options = module.Options.model_validate(
        {"out": out, "fresh": True, "schedule": SCHEDULE} | known
    )
    with pytest.raises(UnknownNameError, match="did you mean"):
        module.run(options, overrides)
    assert steps(out) == before


def test_settings_for_a_method_that_is_not_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="settings for 'static', which isn't among"):
        run(tmp_path, "dynamic", settings={"static": {"images": "5"}})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(LockedError, match=f"process {os.getpid()};"):
        run(tmp_path, "dynamic")


LABELS = tiny.digits(tiny.TRAIN + tiny.CALIBRATION + tiny.TEST, seed=5)[1][-tiny.TEST :]
"""The targets of the tiny task's test samples."""


class AnsweringWorker(StubWorker):
    """Tells all digits but a few, or fails with a reason."""

    failing: ClassVar[dict[tuple[str, str], str]] = {}
    wrong: ClassVar[dict[str, int]] = {"dynamic on torch": 2, "static on torch": 3}

    def begin(self, request: Request) -> None:
        if reason := self.failing.get((self.name, request.do)):
            raise WorkerError(reason)

    def outputs(self) -> NDArray[np.float32]:
        labels = LABELS.copy()  # no network: PyTorch is traced in another thread meanwhile
        labels[: self.wrong.get(self.name, 1)] += 1
        return 9 * np.eye(11, dtype=np.float32)[labels, :10]


class NoTrials(Trials):
    """Trials that find nothing, for what the stubs answer is made up."""

    def failures(self, *_: object) -> dict[str, Skipped]:
        return {}


def stub_workers(patch: pytest.MonkeyPatch, **failing: str) -> None:
    """`failing`: METHOD_on_RUNTIME_does_WHAT -> the reason."""
    patch.setattr(module, "Trials", NoTrials)
    patch.setattr("quantbench.harness.pool.Worker", AnsweringWorker)
    split = {}
    for name, reason in failing.items():
        worker, step = name.replace("_on_", " on ").split("_does_")
        split[worker, step] = reason
    patch.setattr(AnsweringWorker, "failing", split)


def test_a_method_that_fails_is_skipped_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)

    def broken(*args: object) -> None:
        raise CalibrationError("'conv1' saw no calibration data")

    monkeypatch.setattr(plugins.method("static"), "quantize", broken)
    monkeypatch.setattr(
        plugins.method("dynamic"), "unavailable", lambda: "not on this CPU", raising=False
    )
    monkeypatch.setattr(
        plugins.runtime("onnxruntime"), "unavailable", lambda: "no such wheel", raising=False
    )
    found = run(tmp_path).results
    assert {(row.method, row.runtime) for row in found.rows} == {
        ("float32", "torch"), ("static_uncalibrated", "torch")
    }  # fmt: skip
    assert {(s.method, s.runtime, s.reason) for s in found.skipped} == {
        ("static", "*", "'conv1' saw no calibration data"),
        ("dynamic", "*", "not on this CPU"),
        ("*", "onnxruntime", "no such wheel"),
    }


def test_an_artifact_that_a_runtime_refuses_is_skipped_with_its_reason(tmp_path: Path) -> None:
    found = run(tmp_path, "float32", "dynamic", runtimes=("reference", "torch")).results
    assert [(row.method, row.runtime) for row in found.rows] == [
        ("float32", "torch"), ("dynamic", "torch"),
    ]  # fmt: skip
    (refused,) = found.skipped
    assert (refused.method, refused.runtime, refused.failed) == ("float32", "reference", False)
    assert "QuantizeLinear" in refused.reason


def test_slow_runtimes_run_when_they_are_asked_for_only() -> None:
    assert not {"null", "reference"} & {*module.Options().runtimes}
    assert {"onnxruntime", "torch"} <= {*module.Options().runtimes}


def test_a_format_that_can_not_be_written_concerns_its_runtimes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    float32 = plugins.method("float32")
    write_one = float32.quantize

    def without_onnx(job: QuantizeJob[Settings]) -> Files:
        if job.format == "onnx":
            raise UnavailableError("no exporter")
        return write_one(job)

    monkeypatch.setattr(float32, "quantize", without_onnx)
    for name in ("onnxruntime", "torch", "openvino"):
        accepts = frozenset({"state_dict" if name == "torch" else "onnx"})
        monkeypatch.setattr(plugins.runtime(name), "ACCEPTS", accepts)
    found = run(tmp_path, "float32", runtimes=("onnxruntime", "torch", "openvino")).results
    assert [(row.method, row.runtime) for row in found.rows] == [("float32", "torch")]
    assert [(s.method, s.runtime, s.reason) for s in found.skipped] == [
        ("float32", "onnxruntime", "no exporter"), ("float32", "openvino", "no exporter")
    ]  # fmt: skip


def test_a_failed_calibration_is_listed_once_and_not_tried_for_the_next_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    tried = []

    def broken(job: QuantizeJob[Settings]) -> None:
        tried.append(job.format)
        raise CalibrationError("'conv1' saw no calibration data")

    static = plugins.method("static")
    monkeypatch.setattr(static, "FORMATS", ("state_dict", "onnx"))
    monkeypatch.setattr(static, "quantize", broken)
    found = run(tmp_path, "static").results
    assert tried == ["state_dict"]
    assert [(s.method, s.runtime, s.reason) for s in found.skipped] == [
        ("static", "*", "'conv1' saw no calibration data")
    ]


@pytest.mark.parametrize("step", ["load", "predict", "time_model", "time_end_to_end"])
def test_a_worker_that_fails_is_skipped_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    stub_workers(monkeypatch, **{f"static_on_torch_does_{step}": "killed by SIGKILL"})
    found = run(tmp_path, "static", "dynamic", runtimes=("torch",)).results
    assert [row.method for row in found.rows] == ["float32", "dynamic"]
    assert [(s.method, s.runtime, s.reason) for s in found.skipped] == [
        ("static", "torch", "killed by SIGKILL")
    ]
    assert all(len(row.latency[0].blocks) == 6 for row in found.rows)
    monkeypatch.setattr(AnsweringWorker, "failing", {})
    again = run(tmp_path, "static", "dynamic", runtimes=("torch",)).results
    assert [row.method for row in again.rows] == ["float32", "dynamic", "static"]
    assert again.skipped == ()


def test_what_a_plug_in_raises_costs_its_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, with its kind and its own words, and as a failure where it was tried."""
    stub_workers(monkeypatch)

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("no scale for\nlayer 'fc1'")

    monkeypatch.setattr(plugins.method("static"), "quantize", broken)
    monkeypatch.setattr(plugins.method("qat"), "unavailable", broken, raising=False)
    monkeypatch.setattr(plugins.runtime("openvino"), "unavailable", broken, raising=False)
    monkeypatch.setattr(plugins.runtime("onnxruntime"), "refuses", broken, raising=False)
    runtimes = ("onnxruntime", "openvino", "torch")
    found = run(tmp_path, "static", "qat", "dynamic", runtimes=runtimes).results
    assert [row.name for row in found.rows] == ["float32 on torch", "dynamic on torch"]
    words = "ZeroDivisionError: no scale for"
    assert {(s.method, s.runtime, s.reason, s.failed) for s in found.skipped} == {
        ("static", "torch", f"raised {words}", True),
        ("qat", "*", f"method 'qat' raised {words}", False),
        ("*", "openvino", f"runtime 'openvino' raised {words}", False),
        ("float32", "onnxruntime", f"asked whether it runs this, it raised {words}", False),
    }


def test_an_interrupt_within_a_method_ends_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plugins.method("static"), "quantize", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "static", runtimes=("torch",))


def test_an_artifact_that_answers_something_else_has_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are those of another network; a second run finds it out from what was kept."""
    dynamic = plugins.method("dynamic")
    write_one = dynamic.quantize

    def wrong(job: QuantizeJob[Settings]) -> Files:
        other = replace(job.network, make_module=plugins.model("lenet").build)
        return write_one(replace(job, network=other))

    monkeypatch.setattr(dynamic, "quantize", wrong)
    first = run(tmp_path, "dynamic", runtimes=("torch",)).results
    assert [row.method for row in first.rows] == ["float32"]
    (skipped,) = first.skipped
    assert (skipped.method, skipped.runtime, skipped.failed) == ("dynamic", "torch", False)
    assert skipped.reason.startswith("on torch, its answers to 60 calibration samples are far")
    no_worker(monkeypatch)
    assert run(tmp_path, "dynamic", runtimes=("torch",)).results == first


def test_without_a_float_baseline_there_is_nothing_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(
        monkeypatch, float32_on_torch_does_load="killed", float32_on_onnxruntime_does_load="hung"
    )
    with pytest.raises(WorkerError, match="could not run on any runtime") as caught:
        run(tmp_path, "static")
    assert "killed" in str(caught.value)
    assert "hung" in str(caught.value)


def test_a_row_without_float_in_its_engine_is_against_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch, float32_on_torch_does_load="killed")
    found = run(tmp_path, "static").results
    against = {row.method: row.against_float for row in found.rows}
    assert against["float32"] is None
    assert against["static"] is not None
    assert against["static"].baseline == "float32 on onnxruntime"


def test_a_method_that_no_runtime_takes_is_skipped_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    found = run(tmp_path, "static", runtimes=("onnxruntime",)).results
    assert [(row.method, row.runtime) for row in found.rows] == [("float32", "onnxruntime")]
    assert [s.method for s in found.skipped] == ["static"]
    assert "(state_dict)" in found.skipped[0].reason


def test_differences_are_counted_by_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stubs have 1, 2 and 3 of the first images wrong."""
    stub_workers(monkeypatch)
    found = run(tmp_path, "dynamic", "static", runtimes=("torch",))
    float32, *others = found.results.rows
    assert float32.score is not None
    assert (float32.method, float32.score.value) == ("float32", 199 / 200)
    for row, lost, p in zip(others, (1, 2), (1.0, 0.5), strict=True):
        against = row.against_float
        assert against is not None
        assert (against.only_float_right, against.only_this_right) == (lost, 0)
        assert against.p == p
        assert [ratio.value for ratio in against.speed] == [1.0, 1.0, 1.0]
    assert paired(found.measured, found.task, "static", "dynamic") == (0, 1)
