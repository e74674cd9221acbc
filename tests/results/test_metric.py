"""Metrics ready for use: plug-ins, functions of the user's, and the default."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.contracts import Observation
from quantbench.errors import UnavailableError, UsageError
from quantbench.results.metric import default_metric, metric_named, metric_of, scored
from quantbench.samples.records import Array, Arrays

ONE = Observation((np.eye(4),), (np.eye(4),), np.array([0, 1, 2, 2]), bytes=7)
TWO = replace(ONE, outputs=(np.eye(4), np.ones((4, 2))))


def right(outputs: Array, targets: Array) -> Array:
    return np.asarray(outputs.argmax(1) == targets)


def mean_margin(outputs: Array, targets: Array) -> float:
    return float(outputs[np.arange(len(targets)), targets].mean())


def test_a_function_of_right_and_wrong_is_a_metric() -> None:
    metric = metric_of(right, title="share right", unit="fraction")
    assert (metric.name, metric.title, metric.higher_is_better) == ("right", "share right", True)
    score = scored(metric, ONE)
    assert (score.value, score.kind, score.reason) == (0.75, "right_or_wrong", None)


def test_a_function_of_numbers_is_one_by_sample_or_of_the_whole_set() -> None:
    by_sample = metric_of(lambda outputs, _: outputs.sum(1), name="total")
    assert scored(by_sample, ONE).kind == "per_sample"
    assert scored(by_sample, ONE).value == 1.0
    whole = metric_of(mean_margin, higher_is_better=False)
    assert (scored(whole, ONE).kind, scored(whole, ONE).value) == ("whole_set", 0.75)
    assert metric_of(mean_margin).title == "mean margin"


def test_integers_by_sample_are_numbers_and_not_right_or_wrong() -> None:
    counts = metric_of(lambda outputs, _: outputs.argmax(1), name="counts")
    assert scored(counts, ONE).kind == "per_sample"
    assert scored(counts, ONE).value == 1.5


def test_a_function_gets_several_outputs_as_a_tuple_and_no_targets_as_none() -> None:
    seen: list[tuple[object, object]] = []

    def look(outputs: Arrays, targets: Array | None) -> float:
        seen.append((outputs, targets))
        return 0.0

    scored(metric_of(look), TWO)
    scored(metric_of(look), replace(ONE, targets=None))
    assert seen == [(TWO.outputs, ONE.targets), (ONE.outputs[0], None)]


@pytest.mark.parametrize("function", [lambda _, __: 0.0, partial(right)])
def test_a_function_without_a_name_needs_one(function: object) -> None:
    with pytest.raises(UsageError, match=r"define it by def my_metric\(outputs, targets\)"):
        metric_of(function)  # type: ignore[arg-type]
    assert metric_of(function, name="mine").name == "mine"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(3), "it gave ndarray [3] of float64 where a number for each of 4 samples"),
        (np.zeros((4, 1)), "it gave ndarray [4, 1]"),
        ("good", "it gave str [] of <U4"),
        (None, "it gave NoneType [] of object"),
        (1j, "it gave complex"),
    ],
)
def test_what_is_no_figure_is_named(value: object, words: str) -> None:
    score = scored(metric_of(lambda *_: value, name="odd"), ONE)
    assert score.value is None
    assert score.reason is not None
    assert score.reason.startswith(f"metric 'odd': {words}")


def test_a_function_that_raises_or_is_not_finite_costs_its_figure() -> None:
    def failing(outputs: Array, targets: Array) -> float:
        raise KeyError("no such class")

    score = scored(metric_of(failing), ONE)
    assert (score.value, score.raised) == (None, True)
    assert score.reason == "metric 'failing' raised KeyError: 'no such class'"
    unknown = scored(metric_of(lambda *_: np.array([1, 2, 3, np.nan]), name="unknown"), ONE)
    assert (unknown.value, unknown.kind, unknown.raised) == (None, "per_sample", False)
    assert unknown.reason == "metric 'unknown' isn't finite for these outputs"


MODULE = """
import numpy as np
UNIT = "m"
HIGHER_IS_BETTER = False
TITLE = "distance"
MARGIN = 0.5
OUTPUT = {output}
def per_sample(outputs, targets):
    return np.full(len(targets), len(outputs) if isinstance(outputs, tuple) else outputs.shape[1])
"""


@pytest.mark.parametrize(("output", "value"), [("0", 4), ("1", 2), ("None", 2)])
def test_a_plug_in_says_its_title_its_margin_and_the_output_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, value: float
) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    path = tmp_path / f"distance_{output}.py"
    path.write_text(MODULE.format(output=output), encoding="utf-8")
    plugins.use_plugins(path)
    metric = metric_named(path.stem)
    assert (metric.title, metric.unit, metric.margin) == ("distance", "m", 0.5)
    assert scored(metric, TWO).value == value
    if output == "1":
        reason = scored(metric, ONE).reason
        assert reason == f"metric '{path.stem}': reads output 1, but the network has 1"


@pytest.mark.parametrize("more", ["def compute(seen): return 0.0\n", "del per_sample\n"])
def test_a_plug_in_has_one_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setattr(plugins, "_named_by_user", {})
    path = tmp_path / f"functions_{len(more)}.py"
    path.write_text(MODULE.format(output=0) + more, encoding="utf-8")
    plugins.use_plugins(path)
    with pytest.raises(UnavailableError, match=r"has to define one of per_sample, .* only one"):
        metric_named(path.stem)


def zeros(*shapes: tuple[int, ...]) -> Arrays:
    return tuple(np.zeros((1, *shape), np.float32) for shape in shapes)


@pytest.mark.parametrize(
    ("outputs", "targets", "name"),
    [
        (zeros((10,)), np.zeros(5, np.int64), "accuracy"),
        (zeros((10,)), np.zeros(5, np.uint8), "accuracy"),
        (zeros((10,)), np.zeros((5, 1), np.int32), "accuracy"),
        (zeros((3, 8, 8)), np.zeros((5, 8, 8), np.uint8), "accuracy"),
        (zeros((2,)), np.zeros((5, 2)), "mean_squared_error"),
        (zeros((1,)), np.zeros(5), "mean_squared_error"),
        (zeros(()), np.zeros((5, 1)), "mean_squared_error"),
        (zeros((1, 8, 8)), np.zeros((5, 1, 8, 8)), "mean_squared_error"),
        (zeros((10,)), None, "agreement"),
        (zeros((1,)), None, "relative_difference"),
        (zeros((10,), (4,)), None, "relative_difference"),
    ],
)
def test_the_default_metric_follows_from_outputs_and_targets(
    outputs: Arrays, targets: Array | None, name: str
) -> None:
    assert default_metric(outputs, targets) == name
    assert name in plugins.names("metrics")


@pytest.mark.parametrize(
    ("outputs", "targets"),
    [
        (zeros((10,), (4,)), np.zeros(5, np.int64)),
        (zeros((1,)), np.zeros(5, np.int64)),
        (zeros((10,)), np.zeros(5)),
        (zeros((10,)), np.zeros((5, 10), np.int64)),
        (zeros((10,)), np.array(list("abcde"))),
    ],
)
def test_where_no_metric_is_obvious_the_choice_is_named(outputs: Arrays, targets: Array) -> None:
    with pytest.raises(UsageError, match=r"choose one: accuracy, agreement, .*, or a function"):
        default_metric(outputs, targets)
