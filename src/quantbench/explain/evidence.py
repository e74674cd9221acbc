"""Read the evidence of findings: what several rules need of results and explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from quantbench.explain.records import ErrorByLayer, Explanation, Part, RanAs, TimeSplit
from quantbench.results.records import Evidence, Results, Row

MOST_NAMED = 6
"""Rows, layers or samples that a sentence or a list of evidence names at most."""


def quantized(results: Results) -> tuple[Row, ...]:
    """The rows whose integer kernels ran."""
    return tuple(row for row in results.rows if row.kind == "real")


def named(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c", or "a, b, c, d, e, f and 3 more"."""
    shown = list(names[:MOST_NAMED])
    if left := len(names) - len(shown):
        shown.append(f"{left} more")
    *first, last = shown or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def row_names(rows: Iterable[Row]) -> tuple[str, ...]:
    """The rows' names, as a finding holds them."""
    return tuple(row.name for row in rows)


def percentage(what: str, share: float) -> Evidence:
    """A share of 1 as evidence in per cent."""
    return Evidence(what=what, value=100 * share, unit="%")


def change(results: Results, row: Row) -> Evidence | None:
    """The row's score less float32's; None where it has none."""
    difference = row.against_float.difference if row.against_float else None
    if difference is None:
        return None
    in_points = results.metric.unit == "fraction"
    return Evidence(
        what=f"{results.metric.title} of {row.name} less float32's",
        value=100 * difference.value if in_points else difference.value,
        unit="points" if in_points else results.metric.unit,
    )


def share_of(split: TimeSplit, *parts: Part) -> float:
    """The share of a row's time in some of its parts, 0 to 1."""
    return sum(split.parts.get(part, 0.0) for part in parts) / split.total_us


def most(
    splits: Iterable[TimeSplit], share: Callable[[TimeSplit], float], least: float
) -> list[tuple[float, TimeSplit]]:
    """The splits of which `share` is `least` or more, one for each row: that where it is most.

    The largest share comes first.
    """
    by_row: dict[str, tuple[float, TimeSplit]] = {}
    for split in splits:
        value = share(split)
        if value >= least and value > by_row.get(split.row, (0.0, split))[0]:
            by_row[split.row] = (value, split)
    return sorted(by_row.values(), key=lambda pair: (-pair[0], pair[1].row))


def ran(explanation: Explanation, row: Row) -> RanAs | None:
    """The record of how a row's layers ran; None where that wasn't found out."""
    return next((each for each in explanation.ran if each.row == row.name), None)


def never_calibrated(row: Row) -> bool:
    """Whether its activations are at scale 1, for no observer saw any."""
    return any(format.scaling == "unit" for format in row.numerics.activations)


def calibrated_errors(results: Results, explanation: Explanation) -> Iterator[ErrorByLayer]:
    """The errors of all artifacts but those that were never calibrated, which explains theirs."""
    without = {f"{row.method} {row.format}" for row in results.rows if never_calibrated(row)}
    yield from (error for error in explanation.errors if error.artifact not in without)


def rows_of(results: Results, artifact: str) -> tuple[str, ...]:
    """The rows of an artifact that is called by method and format: "ort_static onnx"."""
    return tuple(row.name for row in results.rows if f"{row.method} {row.format}" == artifact)
