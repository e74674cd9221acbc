"""Statistics of times: ratios of rows that were timed in turn, and what they show.

docs/measuring.md states the rules, and benchmarks/against_itself.py how often they err.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median, stdev

from scipy.stats import binom, t

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_BLOCKS, MIN_STARTS
from quantbench.results.records import Ratio, SpeedVerdict

MARGIN = 0.03
"""Two rows whose times differ by less are equivalent: nobody ships another network for that."""
FLOOR, FLOOR_OF_FEW_STARTS = 0.01, 0.03
"""Relative difference that is added on both sides of an interval. Identical processes differ for as
long as they live (docs/measuring.md): one start doesn't show it, several do all but a part."""
CONFIDENCE = 0.95
_MOST_STARTS = 1000


@dataclass(frozen=True)
class _Estimate:
    """A log ratio with its standard error over `starts`, or with the bounds of its blocks."""

    middle: float
    starts: int
    error: float | None
    bounds: tuple[float, float] = (0.0, 0.0)

    @property
    def floor(self) -> float:
        return FLOOR_OF_FEW_STARTS if self.error is None else FLOOR

    def interval(self, confidence: float) -> tuple[float, float]:
        """The interval, floor included; blocks of few starts have one confidence alone."""
        if self.error is None:
            low, high = self.bounds
        else:
            half = _half(self.error, self.starts, confidence)
            low, high = self.middle - half, self.middle + half
        return low - math.log1p(self.floor), high + math.log1p(self.floor)


def speed(name: str, baseline: Latency, this: Latency, *, among: int = 1) -> Ratio:
    """The baseline's time over this row's, paired slice by slice where both were timed.

    `name` is the baseline row's. A block gives the median log ratio of its slices, a start the
    median of its blocks. From MIN_STARTS starts on the interval is Student's t over these (Kalibera
    and Jones 2013: repeat at the level where the variance arises); with fewer it is that of the
    blocks' median by order statistics (Conover 1999, 3.2), and the floor alone stands for the
    differences between starts. `among`: the number of rows that this one was chosen among, for
    which the interval holds at once (Sidak 1967); that of the blocks isn't widened. Raises
    ValueError for fewer than MIN_BLOCKS blocks.
    """
    found = _estimate(baseline, this)
    among = 1 if found.error is None else among
    low, high = found.interval(CONFIDENCE ** (1 / among))
    verdict = _verdict(low, high, *found.interval(2 * CONFIDENCE - 1))
    return Ratio(
        baseline=name,
        batch=this.batch,
        threads=this.threads,
        kind=this.kind,
        value=math.exp(found.middle),
        low=math.exp(low),
        high=math.exp(high),
        starts=found.starts,
        floor=found.floor,
        among=among,
        verdict=verdict,
        resolved_by=_resolved_by(found) if verdict == "not resolved" else None,
    )


def _verdict(low: float, high: float, inner_low: float, inner_high: float) -> SpeedVerdict:
    """A difference where the interval leaves out 0; else equivalence, by two one-sided tests.

    The inner interval has twice the error: each test is made at the whole of it (Schuirmann 1987).
    """
    if low > 0:
        return "faster"
    if high < 0:
        return "slower"
    margin = math.log1p(MARGIN)
    return "equivalent" if -margin < inner_low and inner_high < margin else "not resolved"


def _resolved_by(found: _Estimate) -> int | None:
    """The number of starts that would resolve it, if the spread stays; None where that is unknown.

    With few starts the spread between them is unknown, and the fewest that show it are named.
    """
    if found.error is None:
        return MIN_STARTS + 1
    spread = found.error * math.sqrt(found.starts)
    away, floor = abs(found.middle), math.log1p(FLOOR)
    for starts in range(found.starts + 1, _MOST_STARTS):
        error = spread / math.sqrt(starts)
        differs = away - floor > _half(error, starts, CONFIDENCE)
        inner = _half(error, starts, 2 * CONFIDENCE - 1)
        if differs or math.log1p(MARGIN) - away - floor > inner:
            return starts
    return None


def fastest(rows: Sequence[Latency]) -> int:
    """The index of the fastest row, by pairs: plain medians may err.

    All are paired with the first of those that have most blocks, for a row that wasn't started
    again would leave out the further starts of the others.
    """
    common = max(rows, key=lambda row: len(row.blocks))
    return min(range(len(rows)), key=lambda index: log_ratio(rows[index], common))


def as_fast(this: Latency, best: Latency) -> bool:
    """Whether a row may stand for the fastest one: within the margin, or not shown to be slower.

    On a busy machine the estimates of two equal rows may be farther apart than the margin: without
    the second condition noise would choose between them, another time another.
    """
    within = log_ratio(this, best) <= math.log1p(MARGIN)
    return within or speed("", best, this).verdict != "slower"


def log_ratio(a: Latency, b: Latency) -> float:
    """The estimate of log(a / b), paired slice by slice."""
    return _estimate(a, b).middle


def _estimate(baseline: Latency, this: Latency) -> _Estimate:
    starts = paired(baseline, this)
    middles = [median(blocks) for blocks in starts]
    if len(starts) >= MIN_STARTS:
        error = stdev(middles) / math.sqrt(len(middles))
        return _Estimate(fmean(middles), len(starts), error)
    blocks = sorted(value for values in starts for value in values)
    if len(blocks) < MIN_BLOCKS:
        raise ValueError(f"{len(blocks)} blocks have no 95 % interval of their median")
    outside = int(binom.ppf((1 - CONFIDENCE) / 2, len(blocks), 0.5)) - 1
    bounds = blocks[outside], blocks[-1 - outside]
    return _Estimate(median(blocks), len(starts), None, bounds)


def paired(baseline: Latency, this: Latency) -> list[list[float]]:
    """The log ratios baseline / this of the blocks that both have, by start."""
    others = dict(zip(_places(this.starts), this.blocks, strict=True))
    by_start: dict[int, list[float]] = {}
    for place, slices in zip(_places(baseline.starts), baseline.blocks, strict=True):
        if place in others:
            pairs = zip(slices, others[place], strict=True)
            by_start.setdefault(place[0], []).append(median(math.log(a / b) for a, b in pairs))
    return [*by_start.values()]


def _places(starts: Sequence[int]) -> list[tuple[int, int]]:
    """The start of each block and its place within it."""
    return [(start, index - starts.index(start)) for index, start in enumerate(starts)]


def _half(error: float, starts: int, confidence: float) -> float:
    """Half the width of Student's interval of a mean."""
    return _quantile(starts - 1, confidence) * error


@cache
def _quantile(freedom: int, confidence: float) -> float:
    return float(t.ppf(0.5 + confidence / 2, freedom))
