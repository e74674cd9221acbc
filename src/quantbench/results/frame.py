"""Rows of a study as flat dicts, from which a data frame is made."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.results.records import Results, Row


def flat_rows(results: Results) -> list[dict[str, object]]:
    """A dict for each row, in their order, with the same keys.

    Times are in microseconds a sample, `speed` and `speed_in_batches` against the fastest float32.
    """
    shipped = {answer.ship.row for answer in results.answers if answer.ship is not None}
    return [{**dict(_columns(row)), "ship": row.name in shipped} for row in results.rows]


def _columns(row: Row) -> Iterator[tuple[str, object]]:
    yield "method", row.method
    yield "runtime", row.runtime
    yield "format", row.format
    yield "bytes", row.bytes
    yield "integer_share", 1 - row.coverage.float_share
    score = row.score
    yield "score", None if score is None else score.value
    yield "score_low", None if score is None else score.low
    yield "score_high", None if score is None else score.high
    against = row.against_float
    difference = None if against is None else against.difference
    yield "difference", None if difference is None else difference.value
    yield "verdict", None if against is None else against.verdict
    models = [latency for latency in row.latency if latency.kind == "model"]
    single = next((latency for latency in models if latency.batch == 1), None)
    largest = max(models, key=lambda latency: (latency.batch, -latency.threads))
    yield "microseconds", None if single is None else single.median
    yield "microseconds_in_batches", largest.median
    yield "batch", largest.batch
    speeds = {(x.batch, x.threads): x.value for x in row.against_fastest if x.kind == "model"}
    yield "speed", None if single is None else speeds.get((1, single.threads))
    yield "speed_in_batches", speeds.get((largest.batch, largest.threads))
    yield from ((name, figure.value) for name, figure in sorted(row.metrics.items()))
