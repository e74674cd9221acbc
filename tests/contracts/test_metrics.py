"""Every file of metrics/."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from quantbench import plugins
from quantbench.contracts import METRIC_FUNCTIONS, Observation
from quantbench.results.metric import metric_named, scored
from quantbench.samples.records import Array

LN2, LN3 = math.log(2), math.log(3)

# Softmax of a row [0, 0, ln 2] is (1/4, 1/4, 1/2), of [ln 3, 0, -inf-like] about (3/4, 1/4, 0).
LOGITS = np.array([[0, 0, LN2], [LN3, 0, -1e30], [0, LN2, 0], [LN2, 0, 0]], np.float32)
FLOAT = np.array([[0, 0, 9], [0, 9, 0], [0, 9, 0], [9, 0, 0]], np.float32)
LABELS = np.array([2, 1, 2, 0])
CLASSES = Observation((LOGITS,), (FLOAT,), LABELS, bytes=75_466)

SIX = np.array([[9, 8, 7, 6, 5, 4], [9, 8, 7, 6, 5, 4], [1, 1, 1, 1, 1, 1]], np.float32)
SIX_CLASSES = Observation((SIX,), (SIX,), np.array([4, 5, 5]), bytes=1)

VALUES = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
REGRESSION = Observation((VALUES,), (VALUES,), np.array([[1.0, 0.0], [4.0, 5.0]]), bytes=1)

SCORES = np.array([0.1, 0.4, 0.35, 0.8, 0.4], np.float32)
"""Of 3 x 2 pairs, a positive scores higher in 4 and is tied in 1: 0.8 beats both, 0.35 beats 0.1,
0.4 beats 0.1 and ties with 0.4."""
TWO_CLASSES = Observation((SCORES[:, None],), (SCORES[:, None],), np.array([0, 0, 1, 1, 1]), 1)

PIXELS = np.zeros((1, 2, 2, 2), np.float32)
PIXELS[0, 1, 0] = 1  # decisions: [[1, 1], [0, 0]]
DENSE = Observation((PIXELS,), (PIXELS,), np.array([[[1, 0], [0, 255]]]), bytes=1)

KNOWN = {
    "accuracy": (CLASSES, "fraction", True, 2 / 4),  # rows 0 and 3
    "agreement": (CLASSES, "fraction", True, 3 / 4),  # all but row 1
    "auc": (TWO_CLASSES, "fraction", True, (2 + 1 + 1.5) / 6),
    # Class 0: 1 right, 1 wrongly named; class 1: named once for 2, once missed; class 2: 1 of 2.
    "f1": (CLASSES, "fraction", True, (2 / 3 + 0 + 2 / 3) / 3),
    "loss": (CLASSES, "nats", False, (LN2 + math.log(4) + math.log(4) + LN2) / 4),
    "mean_absolute_error": (REGRESSION, "units", False, (0 + 2 + 1 + 0) / 4),
    # Class 0: {3} of {2, 3}, its pixel 4 not counted; class 1: {1} of {1, 2}.
    "mean_iou": (DENSE, "fraction", True, (1 / 2 + 1 / 2) / 2),
    "mean_squared_error": (REGRESSION, "units²", False, (0 + 4 + 1 + 0) / 4),
    # [0, 0, 9 - ln 2], [ln 3, 9, 1e30], [0, 9 - ln 2, 0] and [9 - ln 2, 0, 0], all over 12
    "output_difference": (
        CLASSES, "units", False, (3 * (9 - LN2) + LN3 + 9 + float(np.float32(1e30))) / 12
    ),
    "relative_difference": (
        Observation((np.array([[3.0], [1.0]]),), (np.array([[2.0], [0.0]]),), None, 1),
        "fraction", False, 1.0,
    ),
    "size": (CLASSES, "bytes", False, 75_466),
    "top5": (SIX_CLASSES, "fraction", True, 1 / 3),  # of equal figures the sixth is sixth
}  # fmt: skip


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_it_gives_what_was_worked_out_by_hand(name: str) -> None:
    seen, unit, higher, value = KNOWN[name]
    metric = metric_named(name)
    assert (metric.unit, metric.higher_is_better) == (unit, higher)
    assert scored(metric, seen).value == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_it_leaves_what_it_sees_as_it_was(name: str) -> None:
    seen = KNOWN[name][0]
    arrays = [
        *seen.outputs,
        *seen.float_outputs,
        *(() if seen.targets is None else (seen.targets,)),
    ]
    before = [array.copy() for array in arrays]
    scored(metric_named(name), seen)
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_it_defines_one_function_and_a_title_that_fits_a_table(name: str) -> None:
    module = plugins.metric(name)
    assert len(set(METRIC_FUNCTIONS) & vars(module).keys()) == 1
    assert 0 < len(metric_named(name).title) < 30


@pytest.mark.parametrize("name", sorted(set(plugins.names("metrics")) - {
    "agreement", "output_difference", "relative_difference", "size",
}))  # fmt: skip
def test_without_targets_it_gives_a_reason(name: str) -> None:
    seen = KNOWN[name][0]
    unlabelled = Observation(seen.outputs, seen.float_outputs, None, seen.bytes)
    score = scored(metric_named(name), unlabelled)
    assert score.value is None
    assert score.reason == f"metric '{name}': needs targets, and the test samples have none"
    assert not score.raised


@pytest.mark.parametrize(
    ("name", "outputs", "targets", "words"),
    [
        ("accuracy", np.zeros((3, 1)), np.zeros(3, int), "no figure for each class"),
        ("accuracy", np.zeros(3), np.zeros(3, int), "no figure for each class"),
        ("accuracy", np.zeros((3, 4)), np.zeros((3, 4), int), r"\[N, 4\] hold no class for each"),
        ("accuracy", np.zeros((3, 4)), np.array([1, 2, 4]), "go from 1 to 4, but .* 0 to 3"),
        ("loss", np.zeros((3, 4)), np.array([-1, 2, 3]), "go from -1 to 3"),
        ("loss", np.zeros((3, 4)), np.zeros(3), "targets of float64 are no class numbers"),
        ("top5", np.zeros((3, 5)), np.zeros(3, int), "each of 5 classes is among the best 5"),
        ("mean_squared_error", np.zeros((3, 4)), np.zeros(3), "another shape"),
        ("mean_absolute_error", np.zeros(3), np.array(list("abc")), "are no numbers"),
        ("auc", np.zeros((3, 3)), np.array([0, 1, 1]), "aren't those of two classes"),
        ("auc", np.zeros(3), np.array([0, 1, 2]), "have to be 0 or 1"),
        ("f1", np.zeros((3, 4)), np.array([1, 2, 4]), "go from 1 to 4"),
        ("mean_iou", np.zeros((3, 4)), np.array([1, 2, 3]), "decide on no pixels"),
        ("agreement", np.zeros((3, 1)), np.zeros(3), "no figure for each class"),
    ],
)
def test_where_it_does_not_apply_it_says_why(
    name: str, outputs: Array, targets: Array, words: str
) -> None:
    score = scored(metric_named(name), Observation((outputs,), (outputs,), targets, 1))
    assert (score.value, score.raised) == (None, False)
    assert score.reason is not None
    assert score.reason.startswith(f"metric '{name}': ")
    assert re.search(words, score.reason)


def test_agreement_is_not_about_the_targets() -> None:
    seen = Observation((FLOAT,), (FLOAT,), (LABELS + 1) % 3, bytes=1)
    assert value("agreement", seen) == 1
    assert value("accuracy", seen) < 1


def value(name: str, seen: Observation) -> float:
    score = scored(metric_named(name), seen)
    assert score.value is not None
    return score.value


def test_outputs_of_float_itself_do_not_differ() -> None:
    seen = Observation((LOGITS,), (LOGITS,), LABELS, bytes=1)
    assert value("output_difference", seen) == 0
    same = Observation((VALUES,), (VALUES,), None, bytes=1)
    assert value("relative_difference", same) == 0
    constant = Observation((np.ones((3, 1)),), (np.ones((3, 1)),), None, bytes=1)
    assert value("relative_difference", constant) == 0  # though float's spread is 0


def test_differences_do_not_cancel_out_and_do_not_overflow() -> None:
    """3e38 - -3e38 is no float32; and +1 and -1 are 1 on average, not 0."""
    outputs, expected = (np.array([values], np.float32) for values in ([1, 3, 5], [2, 2, 5]))
    assert value("output_difference", Observation((outputs,), (expected,), None, 1)) == (
        pytest.approx(2 / 3)
    )
    large = np.full((1, 3), 3e38, np.float32)
    seen = Observation((large,), (-large,), None, bytes=1)
    assert value("output_difference", seen) == pytest.approx(6e38)


def test_a_difference_is_over_every_output() -> None:
    outputs = np.zeros((2, 1)), np.zeros((2, 3))
    expected = np.full((2, 1), 4.0), np.zeros((2, 3))
    assert value("output_difference", Observation(outputs, expected, None, 1)) == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("spoilt", [(True, False), (False, True), (True, True)])
def test_a_difference_of_what_is_no_number_is_none(bad: float, spoilt: tuple[bool, bool]) -> None:
    both = [np.array([[bad if bad_here else 0, 0, 0]], np.float32) for bad_here in spoilt]
    seen = Observation((both[0],), (both[1],), np.array([1]), bytes=1)
    score = scored(metric_named("output_difference"), seen)
    assert score.value is None
    assert score.reason == "metric 'output_difference' isn't finite for these outputs"


def test_loss_of_large_outputs_does_not_overflow() -> None:
    logits = np.array([[1e4, 0, 0]], np.float32)
    assert value("loss", Observation((logits,), (logits,), np.array([1]), 1)) == pytest.approx(1e4)


def test_loss_of_outputs_that_are_no_numbers_is_none() -> None:
    logits = np.array([[np.nan, 0, 0]], np.float32)
    seen = Observation((logits,), (logits,), np.array([1]), bytes=1)
    assert scored(metric_named("loss"), seen).value is None


def test_dense_targets_are_judged_by_pixel() -> None:
    """Of three pixels with a class, decided 1, 1, 0 for 1, 0, 0; all have a probability of a
    half, or e / (1 + e) for the decided one.
    """
    assert value("accuracy", DENSE) == pytest.approx(2 / 3)
    sure = math.log(1 + math.exp(-1))
    assert value("loss", DENSE) == pytest.approx((sure + (sure + 1) + LN2) / 3)
    void = Observation((PIXELS,), (PIXELS,), np.full((1, 2, 2), 255), bytes=1)
    assert value("accuracy", void) == 1
    assert value("loss", void) == 0
    assert scored(metric_named("mean_iou"), void).value is None
    assert value("agreement", DENSE) == 1


def test_auc_is_that_of_two_outputs_too_and_none_for_one_class() -> None:
    pair = np.stack([-SCORES, SCORES], axis=1)
    targets = TWO_CLASSES.targets
    assert value("auc", Observation((pair,), (pair,), targets, 1)) == pytest.approx(0.75)
    same = np.ones(5, np.float32)
    assert value("auc", Observation((same,), (same,), targets, 1)) == 0.5
    ones = Observation((SCORES,), (SCORES,), np.ones(5, int), 1)
    assert scored(metric_named("auc"), ones).value is None


def test_auc_is_the_published_one() -> None:
    """Hanley and McNeil, Radiology 143 (1982) 29-36, table I: ratings 1 to 5 of 58 normal and 51
    abnormal images; W = 0.893.
    """
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    ratings = np.repeat(np.tile(np.arange(1, 6), 2), (*normal, *abnormal)).astype(np.float32)
    truth = np.repeat([0, 1], [58, 51])
    assert round(value("auc", Observation((ratings,), (ratings,), truth, 1)), 3) == 0.893


def test_what_is_no_number_ranks_first_as_in_argmax() -> None:
    six = SIX.copy()
    six[0, 0] = np.nan  # ranks first, as in argmax
    targets = np.array([5, 0, 0])
    assert value("top5", Observation((six,), (six,), targets, 1)) == pytest.approx(2 / 3)
    assert value("top5", Observation((six,), (six,), np.array([0, 0, 0]), 1)) == 1
