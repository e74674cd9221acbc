"""The row that is shipped: ties, the same row each time, and an interval that holds for it.

Times are simulated: in each start every row differs from its true time for good, by 1 %, and each
block differs by as much again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from quantbench.harness.records import Latency
from quantbench.results.recommend import recommendations
from quantbench.results.records import Choice, Row
from quantbench.results.speed import speed
from tests.report.builder import row
from tests.results.times import by_start

FLOAT = row(runtime="onnxruntime")
PLAIN = {
    name: row(name, "openvino", size=size, float_macs=0, baseline=FLOAT)
    for name, size in (("a", 500), ("b", 400), ("c", 300), ("d", 200), ("e", 100))
}


def answer(
    random: np.random.Generator, gains: dict[str, float], *, lasting: float = 0.01, starts: int = 6
) -> Choice | None:
    """What is shipped of rows whose true time is float32's over 1 + `gains`."""

    def times(true: float) -> Latency:
        each = math.log(true) + random.normal(0, lasting, (starts, 1))
        return by_start(each + random.normal(0, lasting, (starts, 3)))

    base = times(1.0)
    rows = [_with(FLOAT, base, base), *(_with(PLAIN[n], base, times(1 / (1 + g))) for n, g in gains.items())]  # fmt: skip  # noqa: E501
    return recommendations(rows)[0].ship


def _with(row: Row, base: Latency, this: Latency) -> Row:
    own = row.against_float is None
    against = () if own else (speed(FLOAT.name, base, this),)
    return row.model_copy(update={"latency": (this,), "against_fastest": against})


def names(choices: Sequence[Choice | None]) -> set[str | None]:
    return {choice and choice.row.partition(" ")[0] for choice in choices}


@pytest.mark.parametrize(
    ("gains", "shipped", "ties"),
    [
        ({"a": 1.0}, "a", []),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "c", ["b", "a"]),
        ({"a": 1.0, "b": 0.945, "c": 0.9}, "b", ["a"]),
        ({"a": 1.0, "b": 0.5}, "a", []),
    ],
)
def test_of_rows_that_are_as_fast_the_smallest_is_shipped(
    gains: dict[str, float], shipped: str, ties: list[str]
) -> None:
    choice = answer(np.random.default_rng(0), gains, lasting=0.0)
    assert choice is not None
    assert (choice.row, choice.ties) == (
        f"{shipped} on openvino", tuple(f"{n} on openvino" for n in ties)
    )  # fmt: skip
    assert choice.speed.among == len(gains)


def test_of_rows_of_equal_bytes_one_that_does_not_train_is_shipped_and_then_by_name() -> None:
    base, this = (by_start(np.full((6, 3), value)) for value in (0.0, -0.5))
    trained = PLAIN["a"].model_copy(update={"settings": {"epochs": 1}})
    others = [PLAIN["b"].model_copy(update={"bytes": 500, "method": m}) for m in ("z", "y")]
    rows = [_with(FLOAT, base, base), *(_with(r, base, this) for r in (trained, *others))]
    choice = recommendations(rows)[0].ship
    assert choice is not None
    assert (choice.row, *choice.ties) == ("y on openvino", "z on openvino", "a on openvino")


@pytest.mark.parametrize(
    "gains",
    [
        {"a": 1.0, "b": 1.0, "c": 1.0, "d": 0.8, "e": 0.5},
        {"a": 1.0, "b": 0.99, "c": 1.0, "d": 0.85, "e": 1.0},
        {"a": 0.2, "b": 0.6, "c": 0.1, "d": 0.3},
    ],
)
def test_two_hundred_repetitions_ship_the_same_row(gains: dict[str, float]) -> None:
    random = np.random.default_rng(200)
    assert len(names([answer(random, gains) for _ in range(200)])) == 1


def test_on_a_noisy_machine_equal_rows_ship_the_smallest() -> None:
    """Starts that differ by 8 % for good put equal rows farther apart than the margin."""
    random = np.random.default_rng(8)
    shipped = [answer(random, {"a": 1.0, "b": 1.0}, lasting=0.08) for _ in range(200)]
    small = sum(choice is not None and choice.row == "b on openvino" for choice in shipped)
    assert small >= 190
    apart: NDArray[np.float64] = random.normal(0, 0.08, (200, 2, 6)).mean(axis=2)
    assert (np.abs(apart[:, 0] - apart[:, 1]) > math.log1p(0.03)).mean() > 0.4


def test_without_the_rule_for_ties_repetitions_would_differ() -> None:
    """The fastest of three equal rows is any of them: this is what the rule is for."""
    random = np.random.default_rng(200)
    draws: NDArray[np.float64] = random.normal(0, 0.01, (200, 3, 6)).mean(axis=2)
    assert len(set(draws.argmin(axis=1).tolist())) == 3


STUDIES = 2000


@pytest.mark.parametrize(
    "gains",
    [
        {"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.3},
        {"a": 0.3, "b": 0.28, "c": 0.26, "d": 0.2},
        {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0},
        {"a": 0.015, "b": 0.01, "c": 0.02, "d": 0.0},
    ],
    ids=["equal", "unequal", "as fast as float32", "hardly faster"],
)
def test_the_interval_of_the_shipped_row_holds_its_true_ratio(gains: dict[str, float]) -> None:
    """In 95 % of 500 studies of each kind, 2,000 in all, by a bound that chance meets in 99.9 %.

    A study that ships nothing claims nothing.
    """
    random = np.random.default_rng(95)
    missed = 0
    for _ in range(STUDIES // 4):
        choice = answer(random, gains)
        if choice is not None:
            true = 1 + gains[choice.row.partition(" ")[0]]
            missed += not choice.speed.low <= true <= choice.speed.high
    assert missed <= binom.ppf(0.999, STUDIES // 4, 0.05)
