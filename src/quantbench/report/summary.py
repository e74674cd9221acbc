"""A study's answer in Markdown, for the description of a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.explain.records import Explanation
from quantbench.harness.records import Latency
from quantbench.report.answers import answers_of
from quantbench.report.circumstances import machine_line
from quantbench.report.headline import headline
from quantbench.report.lines import first_lines
from quantbench.report.markup import plain_markdown
from quantbench.report.order import Order
from quantbench.report.scores import score_heading, score_text, signed
from quantbench.report.verdicts import row_verdict, speed_text
from quantbench.report.words import NONE, count, significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch


def summary(results: Results, explanation: Explanation | None = None) -> str:
    """The answer, the rows that matter most, and faults and costs that were found."""
    return "\n".join(_lines(results, explanation)) + "\n"


def _lines(results: Results, explanation: Explanation | None) -> Iterator[str]:
    yield f"### {plain_markdown(f'{results.model} on {results.data}: {headline(results)}')}"
    for answer in answers_of(results):
        yield ""
        yield f"**{plain_markdown(answer.name)}:** {plain_markdown(answer.sentences)}"
        for remark in answer.remarks:
            yield ""
            yield plain_markdown(remark)
    yield ""
    yield from _table(results)
    for finding in explanation.findings if explanation else ():
        if finding.weight != "note":
            yield ""
            sentence, remedy = map(plain_markdown, (finding.sentence, finding.remedy))
            yield f"- **{finding.weight}**: {sentence}; {remedy}"
    yield ""
    yield plain_markdown(f"{results.environment.cpu}. {machine_line(results)}")


def _table(results: Results) -> Iterator[str]:
    lines = first_lines(results, Order.LATENCY)
    several = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    batch = "/".join(f"{number:,}" for number in several) or "batches"
    yield _row(
        (
            "method", "runtime", "bytes", score_heading(results.metric), "change",
            f"µs, 1 {results.sample}", "speed", f"µs, {batch}", "speed", "verdict",
        )
    )  # fmt: skip
    yield f"|---|---|{'---:|' * 7}---|"
    for line in lines.shown:
        row = line.row
        more = f" and {len(line.ties)} more" if line.ties else ""
        difference = row.against_float.difference if row.against_float else None
        yield _row(
            (
                f"{row.method}{more}",
                row.runtime,
                f"{row.bytes:,}",
                score_text(results.metric, row.score),
                signed(results.metric, difference.value) if difference else NONE,
                *_timed(row, batch1(row)),
                *_timed(row, largest_batch(row, "model")),
                row_verdict(results, row),
            )
        )
    if lines.left:
        yield ""
        yield f"{count(lines.left, 'row')} more in results.json."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(plain_markdown, cells))} |"


def _timed(row: Row, latency: Latency | None) -> tuple[str, str]:
    if latency is None:
        return NONE, NONE
    return significant(latency.median), speed_text(fastest_of(row, latency))
