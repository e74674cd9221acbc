"""The row that is chosen within limits, in sentences: why it, what else, and how to ship it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench.report.gate.words import figure
from quantbench.report.scores import amount_text, difference_text, is_fraction, signed
from quantbench.report.words import an, count, joined, percent, significant
from quantbench.results.gate.estimate import Estimate, Outcome
from quantbench.results.gate.figures import latency_estimate
from quantbench.results.records import Finding, Results, Row
from quantbench.results.speed import MARGIN
from quantbench.results.within import LIMITS, Kept, Rated, Selection

_NAMED = 4
"""Rows that a line names at most."""
_REMEDIES = 3
_LEAST = {"latency": "the least latency", "size": "the fewest bytes", "drop": "the smallest drop"}


@dataclass(frozen=True)
class Told:
    """A selection in words: the answer, then lists of names with a sentence each."""

    asked: str
    answer: str
    remarks: tuple[str, ...]
    lists: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    commands: tuple[str, ...]
    """Lines to type; they have to stay whole."""

    @property
    def text(self) -> str:
        """All of it, a line each."""
        listed = (
            f"{title}: {name}: {words}" for title, pairs in self.lists for name, words in pairs
        )
        return "\n".join((self.asked, self.answer, *self.remarks, *listed, *self.commands))


def told(
    selection: Selection, results: Results, folder: Path, findings: Sequence[Finding] = ()
) -> Told:
    """Put a selection in words; artifacts are named as they lie below `folder`.

    `findings` are those whose remedies are told.
    """
    return Told(
        asked=_asked(selection, results),
        answer=_answer(selection, results),
        remarks=tuple(_remarks(selection, results)),
        lists=(
            ("Excluded", tuple(_excluded(selection, results))),
            ("May keep every limit, but isn't shown to", tuple(_may_pass(selection, results))),
            ("To do better", tuple(_better(selection, findings))),
        ),
        commands=tuple(_commands(selection, folder)),
    )


def _asked(selection: Selection, results: Results) -> str:
    limits, texts = selection.limits, list[str]()
    if limits.max_drop is not None:
        value = limits.max_drop.value
        amount = percent(value) if limits.max_drop.relative else amount_text(results.metric, value)
        texts.append(f"{results.metric.title} at most {amount} below float32's")
        if not results.metric.higher_is_better:
            texts[-1] = f"{results.metric.title} at most {amount} above float32's"
    if limits.max_size is not None:
        texts.append(f"at most {limits.max_size:,.0f} bytes")
    if limits.max_latency is not None:
        batch = f" at batch {limits.batch:,}" if limits.batch else ""
        texts.append(f"at most {figure('time', limits.max_latency)} {an(results.sample)}{batch}")
    wanted = f"{joined(texts)}; of these " if texts else ""
    return f"Asked for: {wanted}{_LEAST[limits.minimize]}."


def _answer(selection: Selection, results: Results) -> str:
    chosen = selection.chosen
    if chosen is None:
        more = count(len(selection.may_pass), "row")
        may = f"; {more} may" if selection.may_pass else ""
        return f"No row is shown to keep every limit{may}."
    row = chosen.row
    if selection.keeps_float:
        figures = f"{_figures(chosen, results)}. {_why_float(selection)}"
        return f"Keep {row.name} ({row.artifact}): {figures}"
    return f"Ship {row.name} ({row.artifact}): {_figures(chosen, results)}."


def _why_float(selection: Selection) -> str:
    quantized = [rated for rated in selection.rows if rated.passes and not rated.is_float]
    if not quantized:
        return "No quantized row is shown to keep every limit."
    than = {
        "latency": "is shown to be faster",
        "size": "has fewer bytes",
        "drop": "loses as little for fewer bytes",
    }[selection.limits.minimize]
    return f"None of the {count(len(quantized), 'quantized row')} that keep every limit {than}."


def _figures(rated: Rated, results: Results) -> str:
    """Time, size and score of a row."""
    parts = []
    if rated.latency is not None:
        known = latency_estimate(rated.latency)
        bounds = f" (95% interval {_bounds(known)})" if known else ""
        parts.append(f"{significant(rated.latency.median)} µs {an(results.sample)}{bounds}")
    parts.append(f"{rated.row.bytes:,} bytes")
    against = rated.row.against_float
    if against is not None:
        verdict = "likely worse" if against.costs else against.verdict
        text = difference_text(results.metric, against.difference)
        parts.append(f"{text}{verdict}) against {against.baseline}")
    return ", ".join(parts)


def _bounds(known: Estimate) -> str:
    return f"{significant(known.low)}–{significant(known.high)}"


def _remarks(selection: Selection, results: Results) -> Iterator[str]:
    if selection.ties:
        names = [*selection.ties[:_NAMED]]
        left = len(selection.ties) - len(names)
        as_good = {
            "latency": f"As fast within {percent(MARGIN, 0)}",
            "size": "As small",
            "drop": f"As good within {amount_text(results.metric, results.metric.equivalence)}",
        }[selection.limits.minimize]
        yield f"{as_good}: {', '.join((*names, *((f'{left} more',) if left else ())))}."
    if selection.runner_up is not None:
        row = selection.runner_up.row
        yield f"Runner-up: {row.name}: {_figures(selection.runner_up, results)}."


def _excluded(selection: Selection, results: Results) -> Iterator[tuple[str, str]]:
    """Each limit with the rows that are shown to break it, and each reason beside limits."""
    for limit in LIMITS:
        rows = selection.excluded_by(limit)
        if rows:
            nearest = sorted(rows, key=lambda rated: _check(rated, limit).estimate.value)  # type: ignore[union-attr]
            shown = [
                f"{rated.row.name} ({_plain(_check(rated, limit), results)})"
                for rated in nearest[:_NAMED]
            ]
            yield f"by {limit}", _with_number(shown, len(rows))
    by_reason: dict[str, list[str]] = {}
    for rated in selection.rows:
        if rated.reason:
            by_reason.setdefault(rated.reason, []).append(rated.row.name)
    for reason, names in by_reason.items():
        yield reason.partition(":")[0], _with_number(names[:_NAMED], len(names))


def _with_number(shown: list[str], number: int) -> str:
    left = number - len(shown)
    more = f" and {left} more" if left else ""
    return f"{count(number, 'row')}: {', '.join(shown)}{more}"


def _may_pass(selection: Selection, results: Results) -> Iterator[tuple[str, str]]:
    for rated in selection.may_pass:
        unresolved = [x for x in rated.checks if x.outcome is Outcome.NOT_RESOLVED]
        words = "; ".join(
            x.reason or f"{x.name} {_value(x, results)}, limit {_shown(x, x.bound, results)}"
            for x in unresolved
        )
        names = {x.name for x in unresolved if not x.reason}
        ways = (
            *((f"more test {results.sample}s",) if "drop" in names else ()),
            *(("--starts N",) if "latency" in names else ()),
        )
        yield rated.row.name, f"{words}{f'; {joined(ways)} would tell' if ways else ''}"


def _plain(check: Kept, results: Results) -> str:
    """A figure without its interval."""
    return _shown(check, check.estimate.value, results) if check.estimate else check.reason


def _value(check: Kept, results: Results) -> str:
    """A figure with its interval, where it has one."""
    estimate, value = check.estimate, _plain(check, results)
    if estimate is None or estimate.is_exact:
        return value
    low, high = (_shown(check, bound, results) for bound in (estimate.low, estimate.high))
    return f"{value}, 95% interval {low} to {high}"


def _shown(check: Kept, value: float, results: Results) -> str:
    if check.name == "size":
        return f"{value:,.0f} bytes"
    if check.name == "latency":
        return figure("time", value)
    if is_fraction(results.metric):
        return f"{signed(results.metric, value).removeprefix('+')} points"
    return amount_text(results.metric, value)


def _check(rated: Rated, limit: str) -> Kept:
    return next(check for check in rated.checks if check.name == limit)


def _better(selection: Selection, findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """The remedies of findings about the chosen row, or about one that a limit keeps from it."""
    for finding in _about(selection, findings)[:_REMEDIES]:
        yield finding.rule.replace("_", " "), f"{finding.sentence}; {finding.remedy}"


def _about(selection: Selection, findings: Sequence[Finding]) -> list[Finding]:
    chosen = selection.chosen
    concerned = {rated.row.name for rated in selection.rows if not rated.passes}
    if chosen is not None:
        concerned.add(chosen.row.name)
    return [x for x in findings if not x.rows or concerned & {*x.rows}]


def _commands(selection: Selection, folder: Path) -> Iterator[str]:
    """The command that writes the chosen row as C, or the files that its runtime loads."""
    if selection.chosen is None:
        return
    row = selection.chosen.row
    files = [folder / row.artifact / name for name in row.files]
    if row.runtime == "c99":
        yield from (_compile(row, path) for path in files if path.suffix == ".onnx")
    else:
        for path in files:
            yield f"{shlex.quote(str(path))}  # {row.format}, for {row.runtime}"


def _compile(row: Row, path: Path) -> str:
    dtype = " --dtype float32" if row.kind == "float" else ""
    target = shlex.quote(f"{row.method}_c99")
    return f"quantbench compile {shlex.quote(str(path))} -o {target} --target native{dtype}"
