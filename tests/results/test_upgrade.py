"""Files of older schemas: golden/results-1.json to results-3.json are cuts of files that their
versions wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantbench.errors import ResultsError
from quantbench.harness.noise import Noise
from quantbench.harness.records import Latency
from quantbench.numerics.formats import ALL_FLOAT32, NumberFormat, Numerics
from quantbench.report.terminal.numerics import coded
from quantbench.results.file import read_results
from quantbench.results.records import Ratio, Recommendation, Row
from quantbench.results.upgrade import numerics_of
from tests.report.builder import results

GOLDEN = Path(__file__).parents[1] / "golden"
OLD, SECOND, THIRD = (GOLDEN / f"results-{version}.json" for version in (1, 2, 3))


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
    assert after.schema_version == 5
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
        assert same_figures(row, old)


def same_figures(row: Row, old: dict[str, Any]) -> bool:
    """Whether a row says what it said in schemas 1 and 2."""
    changed = {"numerics", "format", "samples", "score", "score_reason", "metrics", "against_float"}
    changed |= {"latency", "against_fastest", "against_earlier", "unlike", "instructions"}
    assert not row.against_earlier
    assert not row.unlike
    kept = row.model_dump(mode="json", exclude=changed)
    assert kept == {name: old[name] for name in kept}
    assert all(same_times(*pair) for pair in zip(row.latency, old["latency"], strict=True))
    assert all(
        same_ratio(*p) for p in zip(row.against_fastest, old["against_fastest"], strict=True)
    )
    assert row.samples == old["images"]
    assert row.score is not None
    score = row.score.model_dump()
    assert score.pop("how") == "Wilson"
    assert score == old["accuracy"]
    assert round(row.score.value * row.samples) == old["correct"]
    figures = {name: figure.value for name, figure in row.metrics.items()}
    figures["logit_difference"] = figures.pop("output_difference")
    assert figures == {name: figure["value"] for name, figure in old["metrics"].items()}
    assert figures["loss"] == old["loss"]
    against, before = row.against_float, old["against_float"]
    if against is None:
        return before is None
    assert all(same_ratio(*pair) for pair in zip(against.speed, before["speed"], strict=True))
    assert against.difference is not None
    assert against.difference.value == pytest.approx(before["accuracy_difference"], abs=1e-12)
    assert (against.only_float_right, against.only_this_right, against.p) == (
        before["only_float_right"], before["only_this_right"], before["mcnemar_p"]
    )  # fmt: skip
    return True


def same_times(latency: Latency, old: dict[str, Any]) -> bool:
    """Whether it says what it said in schemas 1 to 3; a round's median call is now its slice."""
    assert latency.blocks == tuple((np.median(calls),) for calls in old["rounds"])
    kept = latency.model_dump(mode="json", exclude={"blocks"})
    assert kept == {name: value for name, value in old.items() if name != "rounds"}
    return True


VERDICTS = {"not shown to differ": "not resolved", "no difference shown": "not resolved"}


def same_ratio(ratio: Ratio, old: dict[str, Any]) -> bool:
    assert (ratio.among, ratio.resolved_by) == (1, None)
    kept = ratio.model_dump(mode="json", exclude={"among", "resolved_by"})
    assert kept == old | {"verdict": VERDICTS.get(old["verdict"], old["verdict"])}
    return True


def test_a_file_of_version_3_is_read() -> None:
    before = json.loads(THIRD.read_bytes())
    after = read_results(THIRD)
    assert (before["schema_version"], after.schema_version) == (3, 5)
    changed = {"schema_version", "rows", "answers", "data_loading", "metric", "noise", "earlier"}
    changed |= {"findings", "preparation", "classes"}
    assert (after.preparation, after.classes) == (None, ())
    assert not after.earlier
    assert not after.findings
    kept = after.model_dump(mode="json", exclude=changed)
    assert kept == {name: value for name, value in before.items() if name in kept}
    assert after.metric.model_dump(exclude={"equivalence"}) == before["metric"]
    assert (after.metric.equivalence, after.noise) == (0, Noise())
    assert after.data_loading is not None
    assert same_times(after.data_loading, before["data_loading"])
    for row, old in zip(after.rows, before["rows"], strict=True):
        assert same_row_of_3(row, old)
    verdicts = [r.against_float.verdict for r in after.rows if r.against_float is not None]
    assert sorted(set(verdicts)) == ["not resolved", "worse"]
    speeds = {ratio.verdict for row in after.rows for ratio in row.against_fastest}
    assert speeds == {"faster", "slower", "not resolved"}
    for answer, old in zip(after.answers, before["answers"], strict=True):
        assert same_answer_of_3(answer, old)


def same_row_of_3(row: Row, old: dict[str, Any]) -> bool:
    changed = {
        "latency",
        "against_fastest",
        "against_float",
        "against_earlier",
        "unlike",
        "instructions",
    }
    assert not row.against_earlier
    assert not row.unlike
    kept = row.model_dump(mode="json", exclude=changed)
    assert kept == {name: value for name, value in old.items() if name not in changed}
    assert all(same_times(*pair) for pair in zip(row.latency, old["latency"], strict=True))
    assert all(
        same_ratio(*p) for p in zip(row.against_fastest, old["against_fastest"], strict=True)
    )
    against, before = row.against_float, old["against_float"]
    if against is None:
        return before is None
    assert all(same_ratio(*pair) for pair in zip(against.speed, before["speed"], strict=True))
    assert (against.verdict, against.costs, against.adjusted_p) == (
        VERDICTS.get(before["verdict"], before["verdict"]), before["verdict"] == "worse", None
    )  # fmt: skip
    left_out = {"speed", "verdict", "costs", "adjusted_p", "seeds"}
    kept = against.model_dump(mode="json", exclude=left_out)
    assert kept == {name: value for name, value in before.items() if name not in left_out}
    return True


def same_answer_of_3(answer: Recommendation, old: dict[str, Any]) -> bool:
    assert answer.ship is not None
    assert answer.share is not None
    assert same_ratio(answer.ship.speed, old["ship"]["speed"])
    assert same_ratio(answer.share.engine, old["share"]["engine"])
    assert same_ratio(answer.share.whole, old["share"]["whole"])
    assert (answer.ship.row, answer.ship.ties, answer.float32, answer.smallest) == (
        old["ship"]["row"], (), old["float32"], None
    )  # fmt: skip
    assert answer.ship.difference is not None
    assert answer.ship.difference.model_dump() == old["ship"]["difference"]
    return True


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda file: file.update(answers="none"), "answers"),
        (lambda file: file.pop("rows"), "rows"),
        (lambda file: file["answers"][0]["ship"]["speed"].update(verdict="fast"), "verdict"),
        (lambda file: file["data_loading"].pop("rounds"), r"data_loading\.blocks"),
        (lambda file: file["rows"][1]["latency"][0].update(rounds=[]), "blocks"),
        (lambda file: file["rows"][1]["latency"][0].update(rounds=[[]]), r"blocks\.0"),
        (lambda file: file["rows"][1]["latency"][0].update(rounds=[[1, "two"]]), r"blocks\.0\.1"),
        (lambda file: file["rows"][1]["latency"][0].update(rounds="many"), "blocks"),
    ],
)
def test_what_version_3_did_not_write_is_named(
    tmp_path: Path, change: Callable[[Any], object], place: str
) -> None:
    content = json.loads(THIRD.read_bytes())
    change(content)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ResultsError, match=place):
        read_results(path)


def test_a_file_of_version_4_is_read(tmp_path: Path) -> None:
    """It lacks what version 5 brought, and nothing else."""
    now = results()
    before = now.model_dump(mode="json") | {"schema_version": 4}
    del before["findings"]
    for row in before["rows"]:
        del row["unlike"]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(before), encoding="utf-8")
    assert read_results(path) == now


def test_a_file_of_version_2_is_read() -> None:
    before = json.loads(SECOND.read_bytes())
    after = read_results(SECOND)
    assert (before["schema_version"], after.schema_version) == (2, 5)
    assert (after.metric.name, after.metric.kind, after.sample) == (
        "accuracy", "right_or_wrong", "image"
    )  # fmt: skip
    assert after.network_sha256 == before["checkpoint_sha256"]
    assert after.splits == before["splits"]
    for row, old in zip(after.rows, before["rows"], strict=True):
        assert row.numerics.model_dump(mode="json") == old["numerics"]
        assert same_figures(row, old)
    verdicts = {row.method: row.against_float and row.against_float.verdict for row in after.rows}
    assert verdicts["float32"] is None
    assert verdicts["static"] == "not resolved"
    for answer, old in zip(after.answers, before["answers"], strict=True):
        assert answer.ship is not None
        assert answer.ship.difference is not None
        assert answer.ship.difference.model_dump(exclude={"how"}) == old["ship"]["accuracy"]


def test_the_interval_of_a_difference_is_the_one_that_was_computed_then() -> None:
    """An answer of schema 2 holds the interval that its row, upgraded, gets from its counts."""
    results = read_results(OLD)
    by_name = {row.name: row for row in results.rows}
    known = [answer.ship for answer in results.answers if answer.ship.row in by_name]
    for choice in known:
        assert by_name[choice.row].against_float.difference == choice.difference


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda row: row.pop("images"), r"rows\.1\.samples"),
        (lambda row: row.update(accuracy=3), r"rows\.1\.score"),
        (lambda row: row.update(metrics=[]), r"rows\.1\.metrics"),
        (lambda row: row["against_float"].update(only_float_right="2"), "against_float"),
        (lambda row: row["against_float"].update(only_float_right=10**9), "contradict"),
    ],
)
def test_what_version_2_did_not_write_is_named(
    tmp_path: Path, change: Callable[[Any], object], place: str
) -> None:
    content = json.loads(SECOND.read_bytes())
    change(content["rows"][1])
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ResultsError, match=place):
        read_results(path)


@pytest.mark.parametrize("old", [OLD, SECOND, THIRD])
def test_what_is_read_is_written_and_read_as_the_same(tmp_path: Path, old: Path) -> None:
    once = read_results(old)
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
        "",
        "int8",
        "weights of a new kind, activations too",
        "[/]\x07",
        "weights int8, activations int8",
        "weights int99 per tensor, activations int8",
        "weights int8 per channel (9 bits), activations int8",
    ],
)
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
