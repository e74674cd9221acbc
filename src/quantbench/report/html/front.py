"""The first screen: the answer, the one picture, what it costs, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quantbench.report.answers import Answer, answers_of
from quantbench.report.headline import headline
from quantbench.report.html.parts import Command, Figure, Report
from quantbench.report.html.sections.findings import by_weight
from quantbench.report.html.sections.why import EXPLAIN
from quantbench.report.html.tradeoff import tradeoff
from quantbench.report.scores import amount_text, is_fraction, signed
from quantbench.report.words import NONE, an, ratio
from quantbench.results.records import Choice, Recommendation, Results, Row

_REMEDIES = 2


@dataclass(frozen=True)
class Tile:
    """A figure in large print, what it is of, and how sure it is."""

    figure: str
    words: str
    note: str = ""


@dataclass(frozen=True)
class Front:
    """The content of the first screen of a study."""

    subtitle: str
    headline: str
    answers: tuple[Answer, ...]
    tiles: tuple[Tile, ...]
    figure: Figure | None
    steps: tuple[Command, ...]


def front_of(report: Report) -> Front:
    """The first screen of a study."""
    results = report.results
    return Front(
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds {an(results.sample)}. {results.environment.cpu}.",
        headline(results),
        answers_of(results),
        tuple(_tiles(results)),
        tradeoff(results),
        tuple(_steps(report)),
    )


def _choice(results: Results) -> tuple[Recommendation, Choice] | None:
    """The first choice that is shipped, else the smallest row where float32 is kept."""
    shipped = [(answer, answer.ship) for answer in results.answers if answer.ship is not None]
    others = [(a, a.smallest) for a in results.answers if a.smallest is not None]
    return next(iter((*shipped, *others)), None)


def _tiles(results: Results) -> Iterator[Tile]:
    chosen = _choice(results)
    if chosen is None:
        return
    answer, choice = chosen
    rows = {row.name: row for row in results.rows}
    row, float32 = rows[choice.row], rows[answer.float32]
    picks = [(x.batch, pick) for x in results.answers if (pick := x.ship or x.smallest) is not None]
    several = len({pick.row for _, pick in picks}) > 1
    for batch, pick in picks:
        what = f"one {results.sample}" if batch == 1 else f"batches of {batch:,}"
        speed, which = pick.speed, f"{pick.row}, " if several else ""
        yield Tile(
            f"{ratio(speed.value)}×",
            f"as fast, {what}",
            f"{which}95% {ratio(speed.low)}–{ratio(speed.high)}, {speed.verdict}",
        )
    which = f"{row.name}, " if several else ""
    yield Tile(_kilobytes(row), "of files", f"{which}{_smaller(row, float32)}")
    yield _cost(results, choice, row, which)


def _kilobytes(row: Row) -> str:
    if row.bytes < 10_000:
        return f"{row.bytes:,} B"
    return f"{row.bytes / 1e3:,.1f} kB" if row.bytes < 1e7 else f"{row.bytes / 1e6:,.1f} MB"


def _smaller(row: Row, float32: Row) -> str:
    if row.bytes < float32.bytes:
        return f"{ratio(float32.bytes / row.bytes)} times smaller than {float32.bytes:,} bytes"
    return f"no fewer than the {float32.bytes:,} bytes of float32"


def _cost(results: Results, choice: Choice, row: Row, which: str) -> Tile:
    metric, difference, against = results.metric, choice.difference, row.against_float
    if difference is None or against is None:
        return Tile(NONE, metric.title, "unknown")
    unit = " points" if is_fraction(metric) else f" {metric.unit}".rstrip()
    bounds = ""
    if difference.low is not None and difference.high is not None:
        low, high = signed(metric, difference.low), signed(metric, difference.high)
        bounds = f"95% {low} to {high}, "
    verdict = against.verdict
    if verdict == "equivalent":
        verdict_text = f"equivalent within {amount_text(metric, metric.equivalence)}"
    else:
        verdict_text = verdict
    return Tile(
        f"{signed(metric, difference.value)}{unit}", metric.title, f"{which}{bounds}{verdict_text}"
    )


def _steps(report: Report) -> Iterator[Command]:
    """The next things to do, as sentences with commands."""
    results, explanation = report.results, report.explanation
    rows = {row.name: row for row in results.rows}
    shipped = dict.fromkeys(answer.ship.row for answer in results.answers if answer.ship)
    for name in shipped:
        row = rows[name]
        if row.format == "onnx":
            yield Command(
                f"quantbench compile --from results {row.method} -o c",
                f"Write {name} as C99 with a test of its own; the ONNX file is in {row.artifact}:",
            )
        else:
            yield Command("", f"Take {name} from {row.artifact}, beside results.json.")
    if explanation is None:
        yield Command(EXPLAIN, "Find out why the rows differ, layer by layer:")
        return
    urgent = [each for each in by_weight(explanation.findings) if each.weight != "note"]
    for finding in urgent[:_REMEDIES]:
        yield Command("", f"{finding.sentence} {finding.remedy}")
