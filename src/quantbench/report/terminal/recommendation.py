"""The recommendation in sentences: the row to ship, its gains and its costs."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.report.scores import difference_text, worse_words
from quantbench.report.stability import is_unstable
from quantbench.report.words import ratio
from quantbench.results.records import (
    Choice,
    Interval,
    MetricInfo,
    Ratio,
    Recommendation,
    Results,
    Row,
)
from quantbench.results.select import batch1, largest_batch


def recommendation_lines(results: Results) -> Iterable[tuple[str, str]]:
    """Yield the name of each batch size with its recommendation in sentences."""
    rows = {row.name: row for row in results.rows}
    for recommendation in results.answers:
        name = (
            f"One {results.sample} at a time"
            if recommendation.batch == 1
            else f"Batches of {recommendation.batch:,}"
        )
        sentences = _sentences(recommendation, rows, results.metric)
        yield name, f"{sentences}{_doubt(recommendation, rows)}"


def _sentences(recommendation: Recommendation, rows: dict[str, Row], metric: MetricInfo) -> str:
    float32 = rows[recommendation.float32]
    if recommendation.ship is not None:
        row, choice = rows[recommendation.ship.row], recommendation.ship
        return (
            f"ship {row.name} ({row.artifact}): {_times(choice)} as fast as {float32.name}, "
            f"the fastest float32; {row.bytes:,} bytes, {_saved(choice, float32)}; "
            f"{_cost(metric, choice.difference, row)}.{_shared(recommendation)}"
        )
    if float32.kind == "real":  # the network came quantized, and all its rows are baselines
        return f"run it on {float32.runtime} ({float32.artifact}), the fastest runtime measured."
    kept = f"keep {float32.name}:"
    quantized = [row for row in rows.values() if row.kind == "real"]
    if not quantized:
        return f"{kept} nothing quantized was measured."
    verdicts = {row.against_float.verdict for row in quantized if row.against_float}
    if verdicts == {"worse"}:
        return f"{kept} every quantized row is shown to be {worse_words(metric)}."
    if verdicts == {"not judged"}:
        return f"{kept} no quantized row could be judged by {metric.title}."
    kept += (
        f" of the quantized rows that aren't shown to be {worse_words(metric)}, none is shown "
        "faster"
    )
    if recommendation.smallest is None:
        return f"{kept}, and none has fewer bytes."
    row, choice = rows[recommendation.smallest.row], recommendation.smallest
    return (
        f"{kept}. The smallest of them, {row.name} ({row.artifact}), has {row.bytes:,} bytes, "
        f"{_saved(choice, float32)}; it is {_times(choice)} as fast ({choice.speed.verdict}); "
        f"{_cost(metric, choice.difference, row)}."
    )


def _shared(recommendation: Recommendation) -> str:
    """Say how much of the gain comes from the runtime and not from quantization."""
    share = recommendation.share
    if share is None:
        return ""
    return (
        f" Against {share.float32}, the fastest float32 of another runtime, it is "
        f"{_interval(share.whole)} as fast; {recommendation.float32} alone is "
        f"{_interval(share.engine)}."
    )


def _times(choice: Choice) -> str:
    return _interval(choice.speed)


def _interval(speed: Ratio) -> str:
    return f"{ratio(speed.value)} times (95% interval {ratio(speed.low)}–{ratio(speed.high)})"


def _saved(choice: Choice, float32: Row) -> str:
    if choice.bytes_saved > 0:
        return f"{choice.bytes_saved:,} fewer than its {float32.bytes:,}"
    return f"not fewer than its {float32.bytes:,}"


def _cost(metric: MetricInfo, difference: Interval | None, row: Row) -> str:
    against = row.against_float
    assert against is not None
    return f"{difference_text(metric, difference)}{against.verdict}) against {against.baseline}"


def _doubt(recommendation: Recommendation, rows: dict[str, Row]) -> str:
    choice = recommendation.ship or recommendation.smallest
    names = [recommendation.float32] if choice is None else [choice.row, recommendation.float32]
    unstable = [name for name in names if _is_unstable_at(rows[name], recommendation.batch)]
    if not unstable:
        return ""
    return f" (! The times of {' and of '.join(unstable)} are unstable: repeat on an idle machine.)"


def _is_unstable_at(row: Row, batch: int) -> bool:
    latency = batch1(row) if batch == 1 else largest_batch(row, "model")
    return latency is not None and is_unstable(row, latency)
