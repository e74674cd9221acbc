from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.compare import discordant, mcnemar, speed, wilson
from quantbench.harness.rounds import latency


def wilson_by_hand(correct: int, images: int) -> tuple[float, float]:
    """Wilson (1927), written out."""
    z, p, n = 1.959963984540054, correct / images, images
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def mcnemar_by_hand(a: int, b: int) -> float:
    """Twice the smaller tail of a fair coin, in whole numbers until the last division."""
    tail = sum(math.comb(a + b, k) for k in range(min(a, b) + 1))
    return min(1.0, 2 * tail / 2 ** (a + b))


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    correct: int, images: int, low: float, high: float
) -> None:
    found = wilson(correct, images)
    assert round(found.low, 4) == low
    assert round(found.high, 4) == high


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_its_formula_and_holds_the_value(counts: tuple[int, int]) -> None:
    correct, images = counts
    found = wilson(correct, images)
    low, high = wilson_by_hand(correct, images)
    assert found.value == correct / images
    assert found.low == pytest.approx(low, abs=1e-12)
    assert found.high == pytest.approx(high, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_mirrors(counts: tuple[int, int]) -> None:
    correct, images = counts
    one, other = wilson(correct, images), wilson(images - correct, images)
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 2**5),
        (5, 15, 2 * 21_700 / 2**20),  # 1 + 20 + 190 + 1140 + 4845 + 15504
        (1, 8, 2 * 10 / 2**9),
        (10, 10, 1.0),
        (0, 10, 2 / 2**10),
    ],
)
def test_mcnemar_by_hand(a: int, b: int, p: float) -> None:
    assert mcnemar(a, b) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_exact_and_symmetric(a: int, b: int) -> None:
    assert mcnemar(a, b) == pytest.approx(mcnemar_by_hand(a, b), rel=1e-9)
    assert mcnemar(a, b) == mcnemar(b, a)
    assert 0 < mcnemar(a, b) <= 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_discordant_counts_each_side_alone(pairs: list[tuple[bool, bool]]) -> None:
    one, other = (np.array([pair[i] for pair in pairs], bool) for i in (0, 1))
    only_one, only_other = discordant(one, other)
    assert only_one == pairs.count((True, False))
    assert only_other == pairs.count((False, True))
    assert one.sum() - other.sum() == only_one - only_other


def test_speed_is_the_median_of_the_ratios_of_the_rounds() -> None:
    """The machine slows threefold; each round's ratio doesn't care."""
    base = latency("model", 1, 1, [[10, 10, 99], [30, 30, 30], [20, 20, 20]])
    this = latency("model", 1, 1, [[5, 5, 5], [15, 15, 15], [20, 20, 20]])
    ratio = speed(base, this)
    assert (ratio.value, ratio.low, ratio.high) == (2.0, 1.0, 2.0)
    assert (ratio.batch, ratio.threads, ratio.kind) == (1, 1, "model")


def test_speed_differs_from_the_ratio_of_medians() -> None:
    base = latency("model", 1, 1, [[10], [20], [90]])
    this = latency("model", 1, 1, [[10], [40], [30]])
    assert speed(base, this).value == 1.0
    assert base.median / this.median == pytest.approx(20 / 30)


def test_speed_refuses_rounds_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="zip"):
        speed(latency("model", 1, 1, [[1], [1]]), latency("model", 1, 1, [[1]]))


TIMES = st.floats(0.5, 1e6)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=9))
def test_speed_turns_over_when_the_two_change_places(rounds: list[tuple[float, float]]) -> None:
    base, this = (latency("model", 1, 1, [[pair[i]] for pair in rounds]) for i in (0, 1))
    there, back = speed(base, this), speed(this, base)
    assert there.low <= there.value <= there.high
    assert there.low == pytest.approx(1 / back.high)
    assert there.value == pytest.approx(
        median(a[0] / b[0] for a, b in zip(base.rounds, this.rounds, strict=True))
    )


def test_latency_is_of_one_image() -> None:
    found = latency("model", 1000, 2, [[1000.0, 3000.0, 2000.0], [5000.0, 5000.0, 5000.0]])
    assert found.rounds == ((1.0, 3.0, 2.0), (5.0, 5.0, 5.0))
    assert found.median == 3.5
    assert found.p95 == 5.0
    assert (found.batch, found.threads, found.kind) == (1000, 2, "model")
