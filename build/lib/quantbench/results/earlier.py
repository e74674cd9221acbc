"""Rows against those of an earlier study whose artifacts were measured in the same study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.contracts import Observation
from quantbench.harness.pool import Candidate
from quantbench.results.judge import judgements
from quantbench.results.metric import Metric, Scored
from quantbench.results.records import AgainstEarlier, Interval


def against_earlier(
    candidates: Sequence[Candidate],
    figures: Sequence[tuple[Metric, Sequence[Scored]]],
    seen: Sequence[Observation],
) -> dict[int, AgainstEarlier]:
    """Compare each candidate with the earlier one of the same method and runtime, where there is.

    `figures` are those of every candidate by each metric, the last of which judges rows; `seen` is
    what the candidates answered. Returns candidate -> comparison. A metric of the whole set that
    doesn't judge has no interval, for resampling it takes long.
    """
    earlier = {c.place: index for index, c in enumerate(candidates) if c.earlier}
    return {
        index: _against(candidates[earlier[c.place]], (earlier[c.place], index), figures, seen)
        for index, c in enumerate(candidates)
        if not c.earlier and c.place in earlier
    }


def _against(
    earlier: Candidate,
    pair: tuple[int, int],
    figures: Sequence[tuple[Metric, Sequence[Scored]]],
    seen: Sequence[Observation],
) -> AgainstEarlier:
    judging = figures[-1][0]
    both = [seen[index] for index in pair]
    judged = {
        metric.name: judgements(metric, [scores[index] for index in pair], both, (0, 0))[1]
        for metric, scores in figures
        if metric is judging or scores[pair[1]].kind != "whole_set"
    }
    return AgainstEarlier(
        artifact_sha256=earlier.artifact.sha256,
        differences=dict(_differences((name, x.difference) for name, x in judged.items())),
        verdict=judged[judging.name].verdict,
        p=judged[judging.name].p,
    )


def _differences(
    pairs: Iterator[tuple[str, Interval | None]],
) -> Iterator[tuple[str, Interval]]:
    yield from ((name, difference) for name, difference in pairs if difference is not None)
