"""Rows of a study as flat dicts, from which a data frame is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantbench.results.select import batch1, fastest_of, largest_batch

if TYPE_CHECKING:
    from quantbench.results.records import Interval, Ratio, Results, Row


def flat_rows(results: Results) -> list[dict[str, object]]:
    """A dict for each row, in their order, with the same keys; None for what there is not.

    Times are in microseconds a sample, model only; `speed` and `speed_in_batches` are against the
    fastest float32 of any runtime. A score, its difference to float32 and a speed have `_low` and
    `_high` of their 95 % interval, and a speed has its `_verdict`. Each metric of the study stands
    under its own name.
    """
    shipped = {answer.ship.row for answer in results.answers if answer.ship is not None}
    metrics = sorted({name for row in results.rows for name in row.metrics})
    return [{**_columns(row, metrics), "ship": row.name in shipped} for row in results.rows]


def _columns(row: Row, metrics: list[str]) -> dict[str, object]:
    against, single, largest = row.against_float, batch1(row), largest_batch(row, "model")
    figures = {name: row.metrics.get(name) for name in metrics}
    return {
        "method": row.method,
        "runtime": row.runtime,
        "format": row.format,
        "kind": row.kind,
        "numerics": row.numerics.text,
        "integer_share": 1 - row.coverage.float_share,
        "bytes": row.bytes,
        "samples": row.samples,
        **_bounded("score", row.score),
        **_bounded("difference", against.difference if against else None),
        "verdict": against.verdict if against else None,
        "p": against.p if against else None,
        "adjusted_p": against.adjusted_p if against else None,
        "microseconds": single.median if single else None,
        "microseconds_in_batches": largest.median if largest else None,
        "batch": largest.batch if largest else None,
        **_speed("speed", fastest_of(row, single)),
        **_speed("speed_in_batches", fastest_of(row, largest)),
        "cold_start": row.cold_start,
        "peak_memory": row.peak_memory,
        "instructions": row.instructions.by_sample if row.instructions else None,
        "pareto": row.pareto,
        "artifact": row.artifact,
        **{name: figure.value if figure else None for name, figure in figures.items()},
    }


def _speed(name: str, speed: Ratio | None) -> dict[str, object]:
    verdict = speed.verdict if speed else None
    return {**_bounded(name, speed), f"{name}_verdict": verdict}


def _bounded(name: str, estimate: Interval | Ratio | None) -> dict[str, object]:
    return {
        name: estimate.value if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
    }
