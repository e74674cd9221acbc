"""The answer of a study in sentences: the row to ship, what it gains and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quantbench.report.scores import amount_text, difference_text, is_fraction, signed, worse_words
from quantbench.report.words import count, duration, joined, percent, ratio
from quantbench.results.records import (
    Choice,
    Ratio,
    Recommendation,
    Results,
    Row,
    SpeedVerdict,
)
from quantbench.results.select import batch1, fastest_of, largest_batch
from quantbench.results.speed import MARGIN

_NAMED = 6
"""Rows that a sentence names at most."""
_SPEEDS: dict[SpeedVerdict, str] = {
    "faster": "faster",
    "slower": "slower",
    "equivalent": f"equivalent within {percent(MARGIN, 0)}",
    "not resolved": "not resolved",
}


@dataclass(frozen=True)
class Answer:
    """Says what to do at one batch size or at both; `name` names them."""

    name: str
    sentences: str
    remarks: tuple[str, ...] = ()
    """Rows that are as fast, what the runtime gains by itself, what would resolve the rest."""

    @property
    def text(self) -> str:
        """All of it, in one line."""
        return " ".join((f"{self.name}: {self.sentences}", *self.remarks))


def answers_of(results: Results) -> tuple[Answer, ...]:
    """The answers of a study; one where they are the same at both batch sizes."""
    both = results.answers
    if len({_decision(answer) for answer in both}) == 1:
        names = [_name(answer, results) for answer in both]
        name = " and ".join((names[0], *(text[:1].lower() + text[1:] for text in names[1:])))
        return (_answer(name, both, results),)
    return tuple(_answer(_name(answer, results), (answer,), results) for answer in both)


def _decision(answer: Recommendation) -> tuple[str | None, ...]:
    if answer.ship is not None:
        return ("ship", answer.ship.row)
    return ("keep", answer.float32, answer.smallest.row if answer.smallest else None)


def _name(answer: Recommendation, results: Results) -> str:
    if answer.batch == 1:
        return f"One {results.sample} at a time"
    return f"Batches of {answer.batch:,}"


def _answer(name: str, answers: Sequence[Recommendation], results: Results) -> Answer:
    rows = {row.name: row for row in results.rows}
    if answers[0].ship is not None:
        shipped = [(answer, answer.ship) for answer in answers if answer.ship is not None]
        remarks = (
            *_ties(shipped),
            *_shared(answers[0]),
            *_over_seeds(rows[answers[0].ship.row], results),
            *_resolving([(choice.row, choice.speed) for _, choice in shipped], results),
        )
        return Answer(name, _ships(shipped, rows, results), remarks)
    open_rows = [pair for answer in answers for pair in _open(answer, results)]
    return Answer(name, _kept(answers, rows, results), tuple(_resolving(open_rows, results)))


def _ships(
    shipped: Sequence[tuple[Recommendation, Choice]], rows: dict[str, Row], results: Results
) -> str:
    answer, choice = shipped[0]
    row, float32 = rows[choice.row], rows[answer.float32]
    gain = f"{_times(choice.speed)} as fast as {float32.name}, the fastest float32"
    for other, more in shipped[1:]:
        baseline = "" if other.float32 == answer.float32 else f" as fast as {other.float32}"
        gain += f", and {_times(more.speed)}{baseline} in batches"
    return (
        f"ship {row.name} ({row.artifact}): {gain}; {_size(row, float32)}. "
        f"{_cost(choice, row, results)}"
    )


def _kept(answers: Sequence[Recommendation], rows: dict[str, Row], results: Results) -> str:
    answer, metric = answers[0], results.metric
    float32 = rows[answer.float32]
    if float32.kind == "real":  # the network came quantized, and all its rows are baselines
        return f"run it on {float32.runtime} ({float32.artifact}), the fastest runtime measured."
    kept = f"keep {float32.name}:"
    quantized = [row for row in rows.values() if row.kind == "real"]
    if not quantized:
        return f"{kept} nothing quantized was measured."
    verdicts = {row.against_float.verdict for row in quantized if row.against_float}
    if verdicts == {"worse"}:
        return f"{kept} every quantized row is {worse_words(metric)}."
    if verdicts == {"not judged"}:
        return f"{kept} no quantized row could be judged by {metric.title}."
    kept += f" of the quantized rows that aren't {worse_words(metric)}, none is shown faster"
    if answer.smallest is None:
        return f"{kept}, and none has fewer bytes."
    row, choice = rows[answer.smallest.row], answer.smallest
    speeds = [each.smallest.speed for each in answers if each.smallest is not None]
    fast = ", in batches ".join(f"{_SPEEDS[speed.verdict]}: {_times(speed)}" for speed in speeds)
    return (
        f"{kept}. The smallest of them, {row.name} ({row.artifact}), has {_size(row, float32)}, "
        f"and is {fast} as fast. {_cost(choice, row, results)}"
    )


def _size(row: Row, float32: Row) -> str:
    if row.bytes < float32.bytes:
        return f"{row.bytes:,} bytes, {ratio(float32.bytes / row.bytes)} times smaller"
    return f"{row.bytes:,} bytes, no fewer than its {float32.bytes:,}"


def _cost(choice: Choice, row: Row, results: Results) -> str:
    against, metric = row.against_float, results.metric
    assert against is not None  # float32 is no choice
    text = difference_text(metric, choice.difference)
    verdict = {
        "equivalent": f"equivalent within {amount_text(metric, metric.equivalence)}",
        "not resolved": f"not resolved by {count(row.samples, results.sample)}",
    }.get(against.verdict, against.verdict)
    return f"{text[:1].upper()}{text[1:]}{verdict}) against {against.baseline}."


def _ties(shipped: Sequence[tuple[Recommendation, Choice]]) -> Iterator[str]:
    """The rows that are as fast as the shipped one, in one sentence."""
    by_ties: dict[tuple[str, ...], list[str]] = {}
    for answer, choice in shipped:
        where = f" at {answer.batch:,}" if len(shipped) > 1 else ""
        by_ties.setdefault(choice.ties, []).append(where)
    told = [
        f"{'' if len(by_ties) == 1 else joined(where).strip() + ': '}{_names(ties)}"
        for ties, where in by_ties.items()
        if ties
    ]
    if told:
        yield f"As fast within {percent(MARGIN, 0)}: {'; '.join(told)}."


def _names(names: Sequence[str]) -> str:
    """Names of rows, those of a runtime together: "qat and static on c99"."""
    by_runtime: dict[str, list[str]] = {}
    for name in names[:_NAMED]:
        method, _, runtime = name.partition(" on ")
        by_runtime.setdefault(runtime, []).append(method)
    texts = [f"{joined(methods)} on {runtime}" for runtime, methods in by_runtime.items()]
    left = len(names) - _NAMED
    return ", ".join((*texts, f"{left} more")) if left > 0 else ", ".join(texts)


def _shared(answer: Recommendation) -> Iterator[str]:
    """Say how much of the gain comes from the runtime and not from quantization."""
    share = answer.share
    if share is not None:
        yield (
            f"The runtime alone: {answer.float32} is {_times(share.engine)} as fast as "
            f"{share.float32}, the fastest float32 of another runtime; this row is "
            f"{_times(share.whole)}."
        )


def _over_seeds(row: Row, results: Results) -> Iterator[str]:
    """The row's difference over several seeds, where training and calibration were repeated."""
    seeds = row.against_float.seeds if row.against_float else None
    if seeds is not None:
        metric = results.metric
        unit = "points" if is_fraction(metric) else metric.unit
        spread = signed(metric, seeds.spread).removeprefix("+")
        mean = f"{signed(metric, seeds.mean)} {unit}".rstrip()
        yield (
            f"Over {len(seeds.differences)} seeds: {metric.title} {mean} on average, with a "
            f"standard deviation of {spread}."
        )


def _open(answer: Recommendation, results: Results) -> list[tuple[str, Ratio]]:
    """The quantized rows that may be faster than the float32 that is kept, the fastest first."""
    found = []
    for row in results.rows:
        against = row.against_float
        if row.kind != "real" or against is None or against.costs:
            continue
        latency = batch1(row) if answer.batch == 1 else largest_batch(row, "model")
        speed = fastest_of(row, latency)
        if speed is not None and against.verdict not in {"worse", "not judged"}:
            found.append((row.name, speed))
    return sorted(found, key=lambda pair: -pair[1].value)


def _resolving(speeds: Iterable[tuple[str, Ratio]], results: Results) -> Iterator[str]:
    """Say which of these aren't resolved, and what would resolve them, where that is known."""
    unresolved = [(name, speed) for name, speed in speeds if speed.verdict == "not resolved"]
    if not unresolved:
        return
    told = joined(
        f"{name} at {speed.batch:,} ({ratio(speed.low)}–{ratio(speed.high)} times)"
        for name, speed in unresolved[:_NAMED]
    )
    starts = max((speed.resolved_by or 0 for _, speed in unresolved[:_NAMED]), default=0)
    yield f"Not resolved: {told}{_by_starts(starts, results)}."


def _by_starts(starts: int, results: Results) -> str:
    if not starts:
        return "; more starts aren't known to resolve it"
    each = results.noise.start_seconds
    time = "" if each is None else f", about {duration(starts * each)} of measuring"
    return f"; likely resolved by --starts {starts}{time}"


def _times(speed: Ratio) -> str:
    """A speed with its interval: "2.00 times (95% interval 1.94–2.06)"."""
    return f"{ratio(speed.value)} times (95% interval {ratio(speed.low)}–{ratio(speed.high)})"
