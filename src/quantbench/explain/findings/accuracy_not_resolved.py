"""A change of score that so few samples can't tell from chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from quantbench.explain.evidence import MOST_NAMED, named, quantized, row_names
from quantbench.explain.records import Explanation
from quantbench.results.records import Evidence, Finding, MetricInfo, Results, Row
from quantbench.results.statistics import mcnemar, paired_difference, score_verdict

TITLE = "accuracy change not resolved"
MOST_SAMPLES = 10_000_000


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows that are neither worse, better nor equivalent, by right and wrong.

    The number of samples that would resolve a row is what its counts of samples would have to grow
    to, at the same rates, for its verdict to be another.
    """
    open_rows = [row for row in quantized(results) if _is_open(row)]
    needed = [(n, row) for row in open_rows if (n := samples_needed(row, results.metric))]
    if not needed:
        return
    most, hardest = max(needed, key=lambda pair: pair[0])
    rows = [row for _, row in needed]
    of = f"{rows[0].samples:,} {results.sample}s"
    yield Finding(
        rule="accuracy_not_resolved",
        weight="note",
        sentence=(
            f"{of} don't resolve whether {named(row_names(rows))} "
            f"{'changes' if len(rows) == 1 else 'change'} {results.metric.title}: at these rates "
            f"about {most:,} would" + (f" for {hardest.name}" if len(rows) > 1 else "")
        ),
        evidence=tuple(
            Evidence(
                what=f"{results.sample}s that would resolve {row.name}",
                value=samples,
                unit=f"{results.sample}s",
            )
            for samples, row in needed[:MOST_NAMED]
        ),
        remedy=f"test on about {most:,} {results.sample}s, or accept what the interval leaves open",
        rows=row_names(rows),
    )


def _is_open(row: Row) -> bool:
    return row.against_float is not None and row.against_float.verdict == "not resolved"


def samples_needed(row: Row, metric: MetricInfo) -> int | None:
    """Samples that would resolve a row's difference to float32, at the rates of its counts.

    None where its metric isn't one of right and wrong, and where MOST_SAMPLES wouldn't do. The p of
    this row is multiplied as Holm's correction multiplied it here.
    """
    against, score = row.against_float, row.score
    if against is None or score is None or not row.samples:
        return None
    lost, gained = against.only_float_right, against.only_this_right
    if lost is None or gained is None or metric.margin:
        return None
    counts = (round(score.value * row.samples) - gained, gained, lost)
    times = 1.0
    if against.p and against.adjusted_p:
        times = against.adjusted_p / against.p

    def resolved(samples: int) -> bool:
        both, only_this, only_float = (round(n * samples / row.samples) for n in counts)
        neither = samples - both - only_this - only_float
        if neither < 0:
            return False
        difference = paired_difference(both, only_this, only_float, neither)
        p = min(1.0, times * mcnemar(only_float, only_this))
        verdict: str = score_verdict(
            difference,
            p,
            higher_is_better=metric.higher_is_better,
            equivalent=metric.equivalence,
        )
        return verdict != "not resolved"

    return _first(resolved, row.samples)


def _first(resolved: Callable[[int], bool], start: int) -> int | None:
    """The least number above `start` that resolves, to two digits; None beyond MOST_SAMPLES."""
    low, high = start, start
    while not resolved(high):
        low, high = high, 2 * high
        if high > MOST_SAMPLES:
            return None
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if resolved(middle) else (middle, high)
    unit = int(10 ** max(0, len(str(high)) - 2))
    return -(-high // unit) * unit
