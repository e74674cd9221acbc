"""Ratios of times, against scipy's tests of the same hypotheses and against simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, quantile_test, ttest_1samp

from quantbench.results.speed import fastest, log_ratio, paired, speed
from tests.results.times import by_start, logs, of

FLOOR, FLOOR_OF_FEW = math.log(1.01), math.log(1.03)
MARGIN = math.log(1.03)


def test_speed_is_the_median_of_the_ratios_of_the_slices() -> None:
    """The machine slows threefold; each slice's ratio doesn't care."""
    base = [[10, 12, 30], [30, 30, 33], [20, 20, 20]] * 2
    this = [[5, 6, 15], [15, 15, 16.5], [10, 10, 10]] * 2
    ratio = speed("float32", of(base), of(this))
    assert ratio.value == pytest.approx(2)
    assert (ratio.baseline, ratio.batch, ratio.threads, ratio.kind) == ("float32", 1, 1, "model")
    assert (ratio.starts, ratio.floor, ratio.among, ratio.verdict) == (1, 0.03, 1, "faster")


def test_speed_differs_from_the_ratio_of_medians() -> None:
    base, quantized = of([[10], [20], [90]] * 2), of([[10], [40], [30]] * 2)
    assert speed("float32", base, quantized).value == pytest.approx(1)
    assert base.median / quantized.median == pytest.approx(20 / 30)


@pytest.mark.parametrize("blocks", [6, 8, 9, 12, 20, 25])
def test_the_interval_of_few_starts_is_the_sign_tests(blocks: int) -> None:
    """scipy.stats.quantile_test gives the same order statistics, at the level on each side."""
    values = np.sort(np.random.default_rng(blocks).normal(0, 0.1, blocks))
    ratio = speed("float32", logs(values.tolist()), logs([0.0] * blocks))
    bounds = quantile_test(values, p=0.5).confidence_interval(0.95)
    assert math.log(ratio.low) + FLOOR_OF_FEW == pytest.approx(bounds.low, rel=1e-9)
    assert math.log(ratio.high) - FLOOR_OF_FEW == pytest.approx(bounds.high, rel=1e-9)


def test_blocks_of_few_starts_are_taken_together() -> None:
    values = np.arange(12).reshape(4, 3) / 100
    ratio = speed("float32", by_start(values), by_start(np.zeros((4, 3))))
    assert (ratio.starts, ratio.floor) == (4, 0.03)
    assert math.log(ratio.low) == pytest.approx(0.02 - FLOOR_OF_FEW)
    assert math.log(ratio.high) == pytest.approx(0.09 + FLOOR_OF_FEW)


def test_a_wild_block_does_not_move_it() -> None:
    calm, wild = of([[1.0]] * 12), of([[1.0]] * 11 + [[50.0]])
    ratio = speed("float32", wild, calm)
    assert (ratio.value, ratio.high) == (1.0, pytest.approx(1.03))


@pytest.mark.parametrize("starts", [5, 6, 8, 30])
@pytest.mark.parametrize("among", [1, 4])
def test_the_interval_of_starts_is_students(starts: int, among: int) -> None:
    """scipy.stats.ttest_1samp over the starts' medians; for `among` rows at 0.95^(1/among)."""
    random = np.random.default_rng(starts)
    values = 0.1 + random.normal(0, 0.01, (starts, 1)) + random.normal(0, 0.02, (starts, 7))
    ratio = speed("float32", by_start(values), by_start(np.zeros_like(values)), among=among)
    test = ttest_1samp(np.median(values, axis=1), 0.0)
    bounds = test.confidence_interval(0.95 ** (1 / among))
    assert (ratio.starts, ratio.floor, ratio.among) == (starts, 0.01, among)
    assert math.log(ratio.value) == pytest.approx(np.median(values, axis=1).mean(), rel=1e-9)
    assert math.log(ratio.low) + FLOOR == pytest.approx(bounds.low, rel=1e-9)
    assert math.log(ratio.high) - FLOOR == pytest.approx(bounds.high, rel=1e-9)


def test_an_interval_of_one_start_is_not_called_one_for_many() -> None:
    ratio = speed("float32", logs([0.1] * 6), logs([0.0] * 6), among=5)
    assert (ratio.among, ratio.low) == (1, pytest.approx(math.exp(0.1) / 1.03))


def test_a_start_counts_once_however_many_blocks_are_left_of_it() -> None:
    """Starts at 0.1, 0.2, ... 0.5, the first with six blocks and the others with one."""
    middles = [0.1] * 6 + [0.2, 0.3, 0.4, 0.5]
    starts = [0] * 6 + [1, 2, 3, 4]
    ratio = speed("float32", logs(middles, starts), logs([0.0] * 10, starts))
    assert math.log(ratio.value) == pytest.approx(0.3)


def test_rows_are_paired_by_start_and_place() -> None:
    """The second row has starts 0 and 2 alone, and in 0 fewer blocks: 0.1 to 0.3, then 0.9."""
    base = logs([1.1, 1.2, 1.3, 1.4, 5.0, 6.0, 2.9], [0, 0, 0, 0, 1, 1, 2])
    this = logs([1.0, 1.0, 1.0, 2.0], [0, 0, 0, 2])
    for found, sign in ((paired(base, this), 1), (paired(this, base), -1)):
        expected = [[sign * 0.1, sign * 0.2, sign * 0.3], [sign * 0.9]]
        assert [len(values) for values in found] == [3, 1]
        assert [*found[0], *found[1]] == pytest.approx([*expected[0], *expected[1]])


def test_a_row_of_one_start_is_compared_over_that_one_alone() -> None:
    """In the further starts the machine, and so the contender, was twice as slow."""
    contender = by_start(np.concatenate([np.zeros((1, 6)), np.full((5, 6), math.log(2))]))
    ratio = speed("float32", contender, logs([-0.2] * 6))
    assert (math.log(ratio.value), ratio.starts) == (pytest.approx(0.2), 1)


def test_slices_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        speed("float32", of([[1.0, 2.0]] * 6), of([[1.0]] * 6))


def test_too_few_blocks_have_no_interval() -> None:
    with pytest.raises(ValueError, match="5 blocks have no 95 % interval"):
        speed("float32", of([[1.0]] * 5), of([[1.0]] * 5))
    with pytest.raises(ValueError, match="0 blocks"):
        speed("float32", logs([0.0] * 6, [0] * 6), logs([0.0] * 6, [1] * 6))


def test_the_fastest_is_found_by_pairs() -> None:
    """In each slice the second takes 0.9 of the first, but it met more slow blocks."""
    pace = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    slower = of([[100 * p] for p in [*pace[:3], 1.0, *pace[4:]]])
    faster = of([[90 * p] for p in pace])
    assert slower.median < faster.median
    assert fastest([slower, faster]) == 1
    assert fastest([faster, slower, of([[300 * p] for p in pace])]) == 0


def test_the_fastest_is_found_over_all_starts_of_the_rows_that_have_most() -> None:
    """A row with the first start alone stands first. There b was luckier than a, not in the others.

    Paired with that row, a and b would be compared over one start, whatever the five others say.
    """
    once = logs([0.5] * 6)
    a = by_start(np.zeros((6, 6)))
    b = by_start(np.concatenate([np.full((1, 6), -0.02), np.full((5, 6), 0.02)]))
    assert log_ratio(b, once) < log_ratio(a, once)
    for rows, best in (((once, a, b), 1), ((once, b, a), 2), ((a, b, once), 0)):
        assert fastest(rows) == best


def spread_over(values: Sequence[float], blocks: int = 3) -> NDArray[np.float64]:
    return np.repeat(np.array(values)[:, None], blocks, axis=1)


def test_verdicts_are_those_of_scipys_tests() -> None:
    """300 comparisons of six starts, each verdict by t-tests of shifted hypotheses.

    The floor moves what is tested: "faster" is that the mean beyond the floor isn't 0 at 5 % on
    two sides; "equivalent" is that it differs from either margin, less the floor, at 5 % each.
    """
    random = np.random.default_rng(8)
    found = dict.fromkeys(("faster", "slower", "equivalent", "not resolved"), 0)
    for _ in range(300):
        spread = 10 ** random.uniform(-4, -1.5)
        values = random.uniform(-0.05, 0.05) + random.normal(0, spread, 6)
        verdict = speed("", by_start(spread_over(values, 1)), by_start(np.zeros((6, 1)))).verdict
        found[verdict] += 1
        upper = ttest_1samp(values, MARGIN - FLOOR, alternative="less").pvalue
        lower = ttest_1samp(values, FLOOR - MARGIN, alternative="greater").pvalue
        if ttest_1samp(values, FLOOR, alternative="greater").pvalue < 0.025:
            expected = "faster"
        elif ttest_1samp(values, -FLOOR, alternative="less").pvalue < 0.025:
            expected = "slower"
        else:
            expected = "equivalent" if max(upper, lower) < 0.05 else "not resolved"
        assert verdict == expected
    assert min(found.values()) > 20


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.029, "not resolved"), (1.031, "faster"), (1 / 1.031, "slower")]
)
def test_one_start_claims_nothing_under_its_floor(factor: float, verdict: str) -> None:
    """And never equivalence: its floor is as wide as the margin."""
    assert speed("float32", of([[factor * 1000]] * 6), of([[1000.0]] * 6)).verdict == verdict
    assert speed("float32", of([[1000.0]] * 6), of([[1000.0]] * 6)).verdict == "not resolved"


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.0, "equivalent"), (1.0099, "equivalent"), (1.0101, "faster"), (1 / 1.0101, "slower")],
)
def test_several_starts_tell_more(factor: float, verdict: str) -> None:
    base, this = (by_start(np.full((5, 6), math.log(x))) for x in (factor, 1.0))
    ratio = speed("float32", base, this)
    assert (ratio.verdict, ratio.resolved_by) == (verdict, None)


def with_spread(mean: float, spread: float, starts: int) -> NDArray[np.float64]:
    """Starts whose mean and standard deviation are just these."""
    values = np.random.default_rng(starts).normal(size=starts)
    values = (values - values.mean()) / values.std(ddof=1)
    return spread_over(mean + spread * values)


@pytest.mark.parametrize("mean", [0.0, 0.004, 0.013, -0.013, 0.018, 0.02, -0.03, 0.04])
@pytest.mark.parametrize("spread", [0.03, 0.06])
def test_so_many_starts_resolve_it_and_one_less_does_not(mean: float, spread: float) -> None:
    """Of six starts with a mean and a spread, and then of as many as it names, with the same."""

    def judged(starts: int) -> tuple[str, int | None]:
        values = with_spread(mean, spread, starts)
        ratio = speed("", by_start(values), by_start(np.zeros_like(values)))
        return ratio.verdict, ratio.resolved_by

    verdict, starts = judged(6)
    assert verdict == "not resolved"
    assert starts is not None
    assert judged(starts)[0] != "not resolved"
    assert judged(starts - 1)[0] == "not resolved"


def test_what_a_thousand_starts_would_not_resolve_has_no_number() -> None:
    """Between the reach of a difference and that of equivalence, with a spread of 30 %."""
    values = with_spread(0.0148, 0.3, 6)
    ratio = speed("", by_start(values), by_start(np.zeros_like(values)))
    assert (ratio.verdict, ratio.resolved_by) == ("not resolved", None)


def test_the_number_of_starts_is_right_for_rows_that_are_drawn_anew() -> None:
    """A difference of 3 % beyond the floor, 2 % from start to start: simulated with as many starts.

    A study is told n by its own mean and spread; with n starts drawn by the true ones about half of
    all are resolved, for the estimate falls on either side. 300 times, within 99.9 % of 0.4 to 0.8.
    """
    random = np.random.default_rng(6)
    resolved, tried = 0, 0
    true = speed("", by_start(with_spread(0.02, 0.02, 6)), by_start(np.zeros((6, 3))))
    assert true.resolved_by is not None
    for _ in range(300):
        values = spread_over(random.normal(0.02, 0.02, true.resolved_by), 1)
        again = speed("", by_start(values), by_start(np.zeros_like(values)))
        resolved, tried = resolved + (again.verdict == "faster"), tried + 1
    assert binom.ppf(0.001, tried, 0.4) <= resolved <= binom.ppf(0.999, tried, 0.8)


def test_with_one_start_it_names_the_fewest_that_show_their_spread() -> None:
    assert speed("", logs([0.0] * 6), logs([0.0] * 6)).resolved_by == 6


TIMES = st.floats(0.5, 1e6)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=6, max_size=12), st.booleans())
def test_speed_turns_over_when_the_two_change_places(
    blocks: list[tuple[float, float]], started_again: bool
) -> None:
    starts = [*range(len(blocks))] if started_again else [0] * len(blocks)
    base, quantized = (of([[pair[i]] for pair in blocks], starts) for i in (0, 1))
    forward, backward = speed("a", base, quantized), speed("b", quantized, base)
    assert forward.low <= forward.value <= forward.high
    assert math.log(forward.low) == pytest.approx(-math.log(backward.high), rel=1e-6, abs=1e-9)
    assert forward.value * backward.value == pytest.approx(1, rel=1e-6)
    swapped = {"faster": "slower", "slower": "faster"}
    assert forward.verdict == swapped.get(backward.verdict, backward.verdict)
    assert forward.resolved_by == backward.resolved_by


def test_a_claim_of_nothing_is_rare() -> None:
    """Rows that are equal but for 1 % from start to start: 2,000 pairs, 5 % at most (99.9 %)."""
    random = np.random.default_rng(3)
    verdicts = [
        speed("", *(by_start(random.normal(0, 0.01, (6, 1))) for _ in range(2))).verdict
        for _ in range(2000)
    ]
    claims = verdicts.count("faster") + verdicts.count("slower")
    assert claims <= binom.ppf(0.999, 2000, 0.05)
