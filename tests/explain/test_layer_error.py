"""Which artifacts of a study have their errors told by layer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.explain.layer_error import errors_by_layer
from quantbench.explain.subject import Subject
from quantbench.results.records import Row
from quantbench.system.progress import NoProgress
from quantbench.tasks.task import Task
from tests.explain.conftest import artifact_of
from tests.report import builder


class Log(NoProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


def row(artifact: Artifact, runtime: str) -> Row:
    body = artifact.body
    made = builder.row(body.method, runtime, float_macs=0)
    return made.model_copy(
        update={
            "format": body.format,
            "artifact": str(artifact.folder),
            "artifact_sha256": artifact.sha256,
        }
    )


@pytest.fixture(scope="module")
def subject(
    residual: Task, ort_static: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> Subject:
    out = tmp_path_factory.mktemp("study")
    static = artifact_of(residual, "static", "state_dict", out)
    rows = (
        builder.row(),
        row(static, "torch"),
        row(ort_static, "onnxruntime"),
        row(ort_static, "openvino"),
    )
    scratch = out / "scratch"
    scratch.mkdir()
    return Subject(residual, builder.results(rows=rows), out, scratch, Log())


def test_each_quantized_artifact_once(subject: Subject) -> None:
    errors = errors_by_layer(subject)
    assert [error.artifact for error in errors] == ["static state_dict", "ort_static onnx"]
    assert {error.samples for error in errors} == {40}
    for error in errors:
        named = [layer.layer for layer in error.layers if layer.kind in ("Conv2d", "Linear")]
        assert named == ["stem", "branch", "head"]


def test_rows_by_name_and_few_samples(subject: Subject) -> None:
    (error,) = errors_by_layer(subject, ["ort_static on openvino"], samples=7)
    assert (error.artifact, error.samples) == ("ort_static onnx", 7)
    assert errors_by_layer(subject, ["float32 on torch"]) == ()


def test_an_artifact_that_is_gone_costs_its_own_errors(subject: Subject) -> None:
    rows = [each.model_copy(update={"artifact": "gone"}) for each in subject.results.rows[1:2]]
    log = Log()
    results = builder.results(rows=(*rows, *subject.results.rows[2:]))
    errors = errors_by_layer(replace(subject, results=results, progress=log))
    assert [error.artifact for error in errors] == ["ort_static onnx"]
    (line,) = log.lines
    assert line.startswith("note: no errors by layer of static state_dict: ")
