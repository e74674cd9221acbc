"""A study of a TensorFlow Lite file: each of its rows is on LiteRT."""

from __future__ import annotations

from pathlib import Path

import pytest

import quantbench as qb
from tests.tflite import files

TEST = files.FAMILIES["ds_cnn"].samples(files.WIDTH, 200, 3)


def pairs() -> tuple[object, object]:
    (inputs,), targets = TEST
    return inputs, targets


@pytest.mark.slow
def test_a_float_file_has_a_row_as_it_is_and_a_quantized_one(tmp_path: Path) -> None:
    study = qb.study(
        files.path("ds_cnn"), test=pairs(), methods=["litert_static"],
        runtimes=["litert", "onnxruntime"], budget=20, out=tmp_path,
    )  # fmt: skip
    rows = {row.method: row for row in study.results.rows}
    assert {(row.method, row.runtime) for row in rows.values()} == {
        ("float32", "litert"), ("litert_static", "litert"),
    }  # fmt: skip
    assert rows["litert_static"].bytes < rows["float32"].bytes
    reasons = {(each.method, each.reason) for each in study.results.skipped}
    graph = "ds_cnn.tflite holds a TensorFlow Lite graph, not a PyTorch module"
    assert ("float32", graph) in reasons
