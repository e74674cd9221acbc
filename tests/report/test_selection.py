from __future__ import annotations

from pathlib import Path
from typing import Any

from quantbench.report.selection import Told, told
from quantbench.report.terminal.selection import selection_page
from quantbench.results.limits import limits
from quantbench.results.records import Evidence, Finding
from quantbench.results.within import select_within
from tests.report.builder import results, row
from tests.report.golden import rendered
from tests.report.terminal.test_page import shipping

FINDING = Finding(
    rule="never_calibrated",
    weight="fault",
    sentence="it was never calibrated",
    evidence=(Evidence(what="layers", value=1.0),),
    remedy="calibrate it",
    rows=("dynamic on openvino",),
)


def say(folder: str = "results", **given: Any) -> Told:
    study = shipping()
    selection = select_within(study, limits(study.metric, **given))
    return told(selection, study, Path(folder), (FINDING,))


def test_the_answer_names_the_row_its_ties_and_the_runner_up() -> None:
    words = say(max_drop="0.5", max_size="80kB", max_latency="30us")
    assert words.asked == (
        "Asked for: accuracy at most 0.5 points below float32's, at most 80,000 bytes and at most "
        "30.0 µs an image; of these the least latency."
    )
    assert words.answer.startswith("Ship static on openvino (artifacts/static-openvino): 20.0 µs")
    assert words.remarks[0] == "As fast within 3%: qat on openvino."
    assert words.remarks[1].startswith("Runner-up: qat on openvino: ")
    lists = dict(words.lists)
    assert lists["Excluded"] == (
        ("by size", "2 rows: float32 on onnxruntime (249,000 bytes), float32 on torch (250,000 "
         "bytes)"),
        ("by latency", "3 rows: dynamic on openvino (39.9 µs), float32 on onnxruntime (40.0 µs), "
         "float32 on torch (200 µs)"),
    )  # fmt: skip
    assert lists["To do better"] == (("never calibrated", "it was never calibrated; calibrate it"),)
    assert words.commands == (
        "results/artifacts/static-openvino/state.pt  # state_dict, for openvino",
    )


def test_a_row_that_may_pass_is_told_with_what_would_tell() -> None:
    words = say(max_drop="0.5", max_latency="20us")
    assert words.answer == "No row is shown to keep every limit; 2 rows may."
    may = dict(dict(words.lists)["May keep every limit, but isn't shown to"])
    assert may["static on openvino"].endswith(", limit 20.0 µs; --starts N would tell")
    assert words.commands == ()


def test_float32_is_an_answer() -> None:
    study = results(row(), row(runtime="c99", single=10.0, files={"model.onnx": 249_000}))
    selection = select_within(study, limits(study.metric))
    words = told(selection, study, Path("my results"))
    assert words.answer.startswith("Keep float32 on c99 (artifacts/float32-c99): 10.0 µs an image")
    assert words.answer.endswith("No quantized row is shown to keep every limit.")
    assert words.commands == (
        "quantbench compile 'my results/artifacts/float32-c99/model.onnx' -o float32_c99 "
        "--target native --dtype float32",
    )


def test_every_line_fits_80_columns() -> None:
    text = rendered(selection_page(say(max_drop="0.01", max_size="80kB")), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "Asked for: accuracy at most 0.01 points" in text
