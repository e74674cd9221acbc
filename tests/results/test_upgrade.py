"""Files of schema 1; golden/results-1.json is a cut of one that version 0.1.0 wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quantbench.errors import ResultsError
from quantbench.numerics.formats import ALL_FLOAT32, NumberFormat, Numerics
from quantbench.report.terminal.numerics import coded
from quantbench.results.file import read_results
from quantbench.results.upgrade import numerics_of

OLD = Path(__file__).parents[1] / "golden" / "results-1.json"


def changed(folder: Path, change: Callable[[Any], object]) -> Path:
    content = json.loads(OLD.read_bytes())
    change(content)
    path = folder / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_file_of_version_1_is_read() -> None:
    before = json.loads(OLD.read_bytes())
    after = read_results(OLD)
    assert before["schema_version"] == 1
    assert after.schema_version == 2
    rows = {(row.method, row.format): coded(row) for row in after.rows}
    assert rows == {
        ("float32", "state_dict"): "float32",
        ("dynamic", "state_dict"): "w8t a8ud f97%",
        ("static", "state_dict"): "w8c a8u",
        ("static_uncalibrated", "state_dict"): "w8c a8u",
        ("ort_dynamic", "onnx"): "w8tc a8ud",
        ("nncf_static", "onnx"): "w8c a8su",
        ("pt2e_static", "pt2"): "w8c a8u",
        ("xnnpack_static", "executorch"): "w8c a8s",
    }
    for row, old in zip(after.rows, before["rows"], strict=True):
        assert row.numerics.text == old["numerics"].replace(", scaled", " scaled")
        kept = row.model_dump(mode="json", exclude={"numerics", "format"})
        assert kept == {name: old[name] for name in kept}


def test_what_is_read_is_written_and_read_as_the_same(tmp_path: Path) -> None:
    once = read_results(OLD)
    (tmp_path / "results.json").write_text(once.model_dump_json(), encoding="utf-8")
    assert read_results(tmp_path / "results.json") == once


@pytest.mark.parametrize(
    ("sentence", "weights", "activations"),
    [
        (
            "weights int8 per channel, activations uint8 (7 of 8 bits)",
            [NumberFormat(bits=8, granularity="channel")],
            [NumberFormat(bits=8, signed=False, used_bits=7)],
        ),
        (
            "weights int8 per channel (7 bits) and int8 per tensor, activations int8 and uint8",
            [
                NumberFormat(bits=8, granularity="channel", used_bits=7),
                NumberFormat(bits=8),
            ],
            [NumberFormat(bits=8), NumberFormat(bits=8, signed=False)],
        ),
        (
            "weights uint8 per tensor, activations uint8, scaled at run time",
            [NumberFormat(bits=8, signed=False)],
            [NumberFormat(bits=8, signed=False, scaling="dynamic")],
        ),
        (
            "weights int8 per channel, activations uint8 at scale 1",
            [NumberFormat(bits=8, granularity="channel")],
            [NumberFormat(bits=8, signed=False, scaling="unit")],
        ),
    ],
)
def test_the_formats_that_a_sentence_names(
    sentence: str, weights: list[NumberFormat], activations: list[NumberFormat]
) -> None:
    assert numerics_of(sentence) == Numerics(weights=tuple(weights), activations=tuple(activations))
    assert numerics_of("float32") == ALL_FLOAT32


@pytest.mark.parametrize(
    "sentence",
    [
        "", "int8", "weights of a new kind, activations too", "[/]\x07",
        "weights int8, activations int8", "weights int99 per tensor, activations int8",
        "weights int8 per channel (9 bits), activations int8",
    ],
)  # fmt: skip
def test_a_sentence_that_no_version_wrote_is_refused(tmp_path: Path, sentence: str) -> None:
    path = changed(tmp_path, lambda content: content["rows"][2].update(numerics=sentence))
    with pytest.raises(ResultsError) as caught:
        read_results(path)
    assert str(caught.value).startswith(f"{path} is not what quantbench writes: ")
    assert str(caught.value).isprintable()


def test_a_row_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda content: content["rows"][1].update(format=7, numerics=None))
    with pytest.raises(ResultsError, match=r"rows\.1\."):
        read_results(path)
