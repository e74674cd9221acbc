"""The figures of a row in A and in B, and how far apart they are shown to be."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_STARTS
from quantbench.results.diff import SideBySide
from quantbench.results.gate.estimate import (
    Estimate,
    estimate_of,
    exactly,
    rate_change,
    time_change,
    unpaired_difference,
)
from quantbench.results.paired import earlier_row, paired_speed, same_cell
from quantbench.results.records import Results, Row
from quantbench.results.speed import speed

SAME = "artifact, machine and versions are the same, so what the figures differ by is the runs'"
PAIR = "`quantbench run ... --pair A.json` measures both in turn"


@dataclass(frozen=True)
class Figures:
    """A quantity of one row: its figures in A and B, and estimates of what rules are about.

    `change` is B's less A's, `relative` the same over A's. None stands for what isn't known, and
    `reason` says why; `remedy` says what would tell where an interval is too wide. `note` is said
    whatever the outcome.
    """

    a: float | None
    b: float | None
    budget: Estimate | None
    change: Estimate | None = None
    relative: Estimate | None = None
    reason: str = ""
    remedy: str = ""
    note: str = ""


@dataclass(frozen=True)
class RowPair:
    """One row of B, and that of the same name in A, with all that says how they compare."""

    name: str
    a: Row | None
    b: Row
    earlier: Row | None
    """A's artifact as it was measured in the study B."""
    comparison: SideBySide
    files: tuple[Results, Results]

    @property
    def is_same(self) -> bool:
        """Whether one artifact ran on one machine with one set of versions: nothing can differ."""
        return (
            self.a is not None
            and self.a.artifact_sha256 == self.b.artifact_sha256
            and not self.comparison.no_times
            and not self.comparison.versions
        )


def row_pair(name: str, a: Results, b: Results, comparison: SideBySide) -> RowPair | None:
    """The rows called `name`; None where B has none."""
    first, second = (next((r for r in file.rows if r.name == name), None) for file in (a, b))
    if second is None:
        return None
    earlier = None if first is None else earlier_row(first, b)
    return RowPair(name, first, second, earlier, comparison, (a, b))


def latency_figures(pair: RowPair, latency: Latency) -> Figures:
    """The medians in microseconds a sample, at the batch and threads of a latency of B's."""
    return _of_times(pair, latency, rate=False)


def throughput_figures(pair: RowPair, latency: Latency) -> Figures:
    """Samples a second, at the batch and threads of a latency of B's."""
    return _of_times(pair, latency, rate=True)


def size_figures(pair: RowPair) -> Figures:
    """Bytes of the artifacts, which have no doubt."""
    return _plain(pair, None if pair.a is None else pair.a.bytes, pair.b.bytes)


def memory_figures(pair: RowPair) -> Figures:
    """Peak resident bytes of the workers: one figure a run, so there is no interval."""
    before = pair.earlier or pair.a
    no_times = pair.comparison.no_times
    if before is None or (no_times and pair.earlier is None):
        reason = f"the machines differ ({no_times})" if no_times else ""
        return _plain(pair, None, pair.b.peak_memory, reason)
    return _plain(pair, before.peak_memory, pair.b.peak_memory)


def instruction_figures(pair: RowPair) -> Figures:
    """Instructions of a sample, counted alike: one figure a run, so there is no interval."""
    before, now = pair.earlier or pair.a, pair.b.instructions
    if now is None:
        return Figures(None, None, None, reason=f"B: {pair.name} {_UNCOUNTED}")
    no_times = pair.comparison.no_times
    if before is None or (no_times and pair.earlier is None):
        reason = f"the machines differ ({no_times})" if no_times else ""
        return _plain(pair, None, now.by_sample, reason)
    then = before.instructions
    if then is None:
        return _plain(pair, None, now.by_sample, f"A: {pair.name} {_UNCOUNTED}")
    if (then.source, then.batch) != (now.source, now.batch):
        reason = f"A was counted by {then.source} at {then.batch}, B by {now.source} at {now.batch}"
        return _plain(pair, None, now.by_sample, reason)
    return _plain(pair, then.by_sample, now.by_sample)


_UNCOUNTED = "has no instructions; measure with --count"


def cold_start_figures(pair: RowPair) -> Figures:
    """Microseconds from import to the first answer: one figure a study, without an interval."""
    now = 1e6 * pair.b.cold_start
    if pair.a is not None and pair.is_same:
        before = 1e6 * pair.a.cold_start
        return Figures(before, now, exactly(now), exactly(0), exactly(0), note=SAME)
    if pair.earlier is None:
        return Figures(None, now, exactly(now), reason=_why_unpaired(pair))
    return _plain(pair, 1e6 * pair.earlier.cold_start, now)


def metric_figures(pair: RowPair, name: str) -> Figures:
    """The figures by a metric.

    A budget is about the test samples themselves, over which B's figure has no doubt. A change is
    about what the samples stand for: it has an interval, which is paired where one study measured
    both.
    """
    before, now = _value(pair.earlier or pair.a, name), _value(pair.b, name)
    if now is None:
        return Figures(before, None, None, reason=_why_no_figure(pair.b, name))
    budget = exactly(now)
    if pair.a is None:
        return Figures(None, now, budget, reason=_no_row(pair))
    if before is None:
        return Figures(None, now, budget, reason=f"A: {_why_no_figure(pair.a, name)}")
    change, reason = _metric_change(pair, name, now - before)
    relative = change.mapped(lambda value: value / abs(before)) if change and before else None
    return Figures(
        before, now, budget, change, relative,
        reason or ("A's figure is 0" if not before else ""), _remedy(pair),
    )  # fmt: skip


def _remedy(pair: RowPair) -> str:
    narrower = "" if pair.earlier else f"{PAIR}, which pairs the answers; "
    return f"{narrower}more test {pair.files[1].sample}s narrow the interval"


def _metric_change(pair: RowPair, name: str, plain: float) -> tuple[Estimate | None, str]:
    """B's figure less A's with its interval, or why it has none."""
    against, judging = pair.b.against_earlier, pair.files[1].metric.name
    if pair.earlier is not None and against is not None:
        paired = estimate_of(against.differences.get(name))
        return paired, "" if paired else f"the difference by {name} has no interval"
    if pair.comparison.no_scores:
        return None, pair.comparison.no_scores
    if pair.is_same:
        return exactly(plain), ""
    scores = [estimate_of(row.score) if row else None for row in (pair.a, pair.b)]
    if name == judging and scores[0] is not None and scores[1] is not None:
        return unpaired_difference(scores[0], scores[1]), ""
    return None, f"the files hold no interval of {name}; {PAIR}"


def _value(row: Row | None, name: str) -> float | None:
    figure = None if row is None else row.metrics.get(name)
    return None if figure is None else figure.value


def _why_no_figure(row: Row, name: str) -> str:
    figure = row.metrics.get(name)
    return (figure and figure.reason) or f"{row.name} has no {name}"


def _plain(pair: RowPair, before: float | None, now: float, reason: str = "") -> Figures:
    """Figures that are compared as they are."""
    if before is None:
        return Figures(None, now, exactly(now), reason=reason or _no_row(pair))
    change = now - before
    return Figures(
        a=before,
        b=now,
        budget=exactly(now),
        change=exactly(change),
        relative=exactly(change / before) if before else None,
        reason="" if before else "A's figure is 0",
    )


def _of_times(pair: RowPair, now: Latency, *, rate: bool) -> Figures:
    shown, change = (_per_second, rate_change) if rate else (_as_it_is, time_change)
    budget = latency_estimate(now)
    known = None if budget is None else budget.mapped(shown)
    figure = shown(now.median)
    if pair.a is not None and pair.is_same:
        apart = same_cell(pair.a, now)
        there = None if apart is None else shown(apart.median)
        return Figures(there, figure, known, exactly(0), exactly(0), remedy=_longer(now), note=SAME)
    before = None if pair.earlier is None else same_cell(pair.earlier, now)
    if pair.earlier is None or before is None:
        apart = None if pair.a is None or pair.comparison.no_times else same_cell(pair.a, now)
        reason = _why_unpaired(pair) if pair.earlier is None else "A wasn't timed at that batch"
        there = None if apart is None else shown(apart.median)
        return Figures(there, figure, known, reason=reason, remedy=_longer(now))
    ratio, base = paired_speed(pair.earlier, now), shown(before.median)
    if ratio is None:
        reason = "its blocks are too few to have an interval; measure longer"
        return Figures(base, figure, known, reason=reason)
    relative = change(ratio)
    return Figures(
        base,
        figure,
        known,
        relative.mapped(lambda value: value * base),
        relative,
        remedy=_longer(now),
    )


def _longer(latency: Latency) -> str:
    """The number of fresh starts at which the interval is about half as wide."""
    starts = max(4 * len({*latency.starts}), MIN_STARTS)
    return f"more fresh starts narrow its interval: `quantbench run --starts {starts}`"


def latency_estimate(latency: Latency) -> Estimate | None:
    """The median with the interval that a ratio to a constant time has, floor included."""
    blocks = tuple((latency.median,) * len(slices) for slices in latency.blocks)
    constant = latency.model_copy(update={"blocks": blocks})
    try:
        ratio = speed("", constant, latency)
    except (ValueError, ZeroDivisionError):
        return None
    bounds = Estimate(ratio.value, ratio.low, ratio.high)
    return bounds.mapped(lambda value: latency.median / value)


def _as_it_is(microseconds: float) -> float:
    return microseconds


def _per_second(microseconds: float) -> float:
    return 1e6 / microseconds


def _no_row(pair: RowPair) -> str:
    lacking = (x.reason for x in pair.comparison.only_b if x.row.name == pair.name and x.reason)
    return f"A has no row {pair.name}{''.join(f': {reason}' for reason in lacking)}"


def _why_unpaired(pair: RowPair) -> str:
    """The reason why B's study didn't measure A's artifact."""
    a, b = pair.a, pair.files[1]
    if a is None:
        return _no_row(pair)
    if a.artifact_sha256 == pair.b.artifact_sha256:
        versions = ", ".join(f"{x.name} {x.a} and {x.b}" for x in pair.comparison.versions)
        differs = versions or f"the machines ({pair.comparison.no_times})"
        return f"the artifact is the same; what changed can't be measured in one study: {differs}"
    gone = (s.reason for s in b.skipped if s.method.startswith(f"{a.method} (")
            and s.runtime == a.runtime)  # fmt: skip
    if reason := next(gone, None):
        return reason
    if b.earlier:
        return f"B was measured in turn with other artifacts than A's; {PAIR}"
    return f"two runs don't take turns; {PAIR}"
