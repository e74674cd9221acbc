from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.harness.records import Latency
from quantbench.harness.rounds import latency
from quantbench.results.statistics import (
    discordant,
    fastest,
    mcnemar,
    mcnemar_verdict,
    paired_difference,
    speed,
    wilson,
)


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
    interval = wilson(correct, images)
    assert round(interval.low, 4) == low
    assert round(interval.high, 4) == high


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_its_formula_and_holds_the_value(counts: tuple[int, int]) -> None:
    correct, images = counts
    interval = wilson(correct, images)
    low, high = wilson_by_hand(correct, images)
    assert interval.value == correct / images
    assert interval.low == pytest.approx(low, abs=1e-12)
    assert interval.high == pytest.approx(high, abs=1e-12)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_mirrors(counts: tuple[int, int]) -> None:
    correct, images = counts
    interval, mirrored = wilson(correct, images), wilson(images - correct, images)
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


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
    a, b = (np.array([pair[i] for pair in pairs], bool) for i in (0, 1))
    only_a, only_b = discordant(a, b)
    assert only_a == pairs.count((True, False))
    assert only_b == pairs.count((False, True))
    assert a.sum() - b.sum() == only_a - only_b


@pytest.mark.parametrize(
    ("both", "only_this", "only_float", "neither", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10.
        (36, 12, 2, 0, 0.0569, 0.3404),
        (18, 12, 2, 18, 0.0562, 0.3290),
        (53, 0, 0, 1, -0.0729, 0.0729),
        (0, 30, 0, 0, 0.8395, 1.0),
    ],
)
def test_paired_difference_gives_the_published_intervals(
    both: int, only_this: int, only_float: int, neither: int, low: float, high: float
) -> None:
    interval = paired_difference(both, only_this, only_float, neither)
    assert interval.value == (only_this - only_float) / (both + only_this + only_float + neither)
    assert interval.low == pytest.approx(low, abs=6e-5)
    assert interval.high == pytest.approx(high, abs=6e-5)


COUNT = st.integers(0, 5000)


@given(COUNT, COUNT, COUNT, st.integers(1, 5000))
def test_paired_difference_turns_over_and_stays_in_range(a: int, b: int, c: int, d: int) -> None:
    difference, reverse = paired_difference(a, b, c, d), paired_difference(a, c, b, d)
    assert difference.value == -reverse.value
    assert difference.low == pytest.approx(-reverse.high, abs=1e-12)
    assert -1 - 1e-12 <= difference.low <= difference.value <= difference.high <= 1 + 1e-12


def test_paired_difference_comes_near_walds_interval_with_many_images() -> None:
    """Wald: 1.96 sqrt(b + c - (b - c)^2 / n) / n, of 600 and 400 discordant images."""
    half = 1.959964 * math.sqrt(1000 - 200**2 / 100_000) / 100_000
    interval = paired_difference(60_000, 600, 400, 39_000)
    assert interval.low == pytest.approx(0.002 - half, abs=1e-5)
    assert interval.high == pytest.approx(0.002 + half, abs=1e-5)


@pytest.mark.parametrize(
    ("lost", "gained", "p", "word"),
    [
        (40, 10, 0.05, "no difference shown"),
        (40, 10, 0.0499, "worse"),
        (10, 40, 0.0499, "better"),
    ],
)
def test_right_and_wrong_are_judged_below_five_per_cent(
    lost: int, gained: int, p: float, word: str
) -> None:
    assert mcnemar_verdict(lost, gained, p) == word


def of(rounds: list[list[float]], starts: list[int] | None = None) -> Latency:
    return latency(("model", 1), 1, rounds, starts or [0] * len(rounds))


def test_speed_is_the_median_of_the_ratios_of_the_rounds() -> None:
    """The machine slows threefold; each round's ratio doesn't care."""
    base = [[10, 10, 99], [30, 30, 30], [20, 20, 20]] * 2
    ratio = speed("float32", of(base), of([[5, 5, 5], [15], [20]] * 2))
    assert ratio.value == pytest.approx(2)
    assert (ratio.batch, ratio.threads, ratio.kind, ratio.starts) == (1, 1, "model", 1)
    assert ratio.verdict == "not shown to differ"


def test_speed_differs_from_the_ratio_of_medians() -> None:
    base, quantized = of([[10], [20], [90]] * 2), of([[10], [40], [30]] * 2)
    assert speed("float32", base, quantized).value == pytest.approx(1)
    assert base.median / quantized.median == pytest.approx(20 / 30)


@pytest.mark.parametrize(("rounds", "outside"), [(6, 0), (8, 0), (9, 1), (12, 2), (20, 5), (25, 7)])
def test_the_interval_of_few_starts_is_the_sign_tests(rounds: int, outside: int) -> None:
    """Conover (1999), table A3: the order statistics that hold the median with 95 %."""
    logs = [0.01 * number for number in range(rounds)]
    ratio = speed("float32", of([[1e4 * math.exp(value)] for value in logs]), of([[1e4]] * rounds))
    assert math.log(ratio.low) == pytest.approx(logs[outside] - math.log(1.03))
    assert math.log(ratio.high) == pytest.approx(logs[-1 - outside] + math.log(1.03))


def test_a_wild_round_does_not_move_it() -> None:
    calm, wild = of([[1.0]] * 12), of([[1.0]] * 11 + [[50.0]])
    ratio = speed("float32", wild, calm)
    assert (ratio.value, ratio.high) == (1.0, pytest.approx(1.03))


def test_the_fastest_is_found_by_pairs_of_rounds() -> None:
    """In each round the second takes 0.9 of the first, but it met more slow rounds' calls."""
    pace = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    slower = of([[100 * p] for p in [*pace[:3], 1.0, *pace[4:]]])
    faster = of([[90 * p] for p in pace])
    assert slower.median < faster.median
    assert fastest([slower, faster]) == 1
    assert fastest([faster, slower, of([[300 * p] for p in pace])]) == 0


def test_too_few_rounds_have_no_interval() -> None:
    with pytest.raises(ValueError, match="5 rounds"):
        speed("float32", of([[1.0]] * 5), of([[1.0]] * 5))


def test_speed_refuses_rounds_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="zip"):
        speed("float32", of([[1]] * 7), of([[1]] * 6))


def test_the_interval_is_over_starts_where_there_are_enough() -> None:
    """By hand: log ratios 0.1 to 0.5 of five starts; t(0.975, 4) = 2.77645, s = 0.158114,
    s / sqrt(5) = 0.0707107; half width 0.196324, plus log 1.02.
    """
    logs = [value for value in (0.1, 0.2, 0.3, 0.4, 0.5) for _ in range(6)]
    starts = [number for number in range(5) for _ in range(6)]
    base = of([[1e4 * math.exp(value)] for value in logs], starts)
    ratio = speed("float32", base, of([[1e4]] * 30, starts))
    assert ratio.starts == 5
    half = 0.196324 + math.log(1.02)
    log_bounds = [math.log(value) for value in (ratio.low, ratio.value, ratio.high)]
    assert log_bounds == pytest.approx([0.3 - half, 0.3, 0.3 + half], abs=1e-5)


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        (1.029, "not shown to differ"),
        (1.031, "faster"),
        (1 / 1.031, "slower"),
        (1.0, "not shown to differ"),
    ],
)
def test_nothing_is_claimed_under_the_floor(factor: float, verdict: str) -> None:
    base = of([[factor * 1000]] * 6)
    assert speed("float32", base, of([[1000.0]] * 6)).verdict == verdict


TIMES = st.floats(0.5, 1e6)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=6, max_size=12))
def test_speed_turns_over_when_the_two_change_places(rounds: list[tuple[float, float]]) -> None:
    base, quantized = (of([[pair[i]] for pair in rounds]) for i in (0, 1))
    forward, backward = speed("a", base, quantized), speed("b", quantized, base)
    assert forward.low <= forward.value <= forward.high
    assert forward.low * backward.high == pytest.approx(1, rel=1e-6)
    assert forward.value * backward.value == pytest.approx(1, rel=1e-6)
    swapped = {"faster": "slower", "slower": "faster"}
    assert forward.verdict == swapped.get(backward.verdict, backward.verdict)


def test_latency_is_of_one_image() -> None:
    record = latency(
        ("model", 1000), 2, [[1000.0, 3000.0, 2000.0], [5000.0, 5000.0, 5000.0]], [0, 0]
    )
    assert record.rounds == ((1.0, 3.0, 2.0), (5.0, 5.0, 5.0))
    assert record.median == 3.5
    assert record.p95 == 5.0
    assert (record.batch, record.threads, record.kind) == (1000, 2, "model")
