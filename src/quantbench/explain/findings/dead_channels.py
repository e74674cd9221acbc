"""Output channels that never vary: they compute a constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quantbench.explain.evidence import calibrated_errors, named, rows_of
from quantbench.explain.records import ErrorByLayer, Explanation, LayerError
from quantbench.results.records import Evidence, Finding, Results

TITLE = "dead channels"
MATTERS = 0.25
"""The share of a layer's channels from which on it costs what it doesn't give."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding about channels that are dead in float32, one for each artifact that kills more.

    Those of float32 are the same whatever the artifact, so the first that has any tells them.
    """
    for error in explanation.errors:
        if dead := [layer for layer in error.layers if layer.constant_in_float]:
            yield _in_float(results, error, dead)
            break
    for error in calibrated_errors(results, explanation):
        if dead := [layer for layer in error.layers if _killed(layer) > 0]:
            yield _by_quantizing(results, error, dead)


def _in_float(results: Results, error: ErrorByLayer, dead: Sequence[LayerError]) -> Finding:
    share = max(layer.constant_in_float / max(1, layer.channels) for layer in dead)
    counts = [(layer, layer.constant_in_float) for layer in dead]
    return Finding(
        rule="dead_channels",
        weight="cost" if share >= MATTERS else "note",
        sentence=(
            f"the network computes a constant in {_channels(counts)}, over "
            f"{error.samples:,} samples"
        ),
        evidence=tuple(_evidence(counts)),
        remedy="prune them: their constant can be added to the next layer's bias",
        rows=(),
    )


def _by_quantizing(results: Results, error: ErrorByLayer, dead: Sequence[LayerError]) -> Finding:
    share = max(_killed(layer) / max(1, layer.channels) for layer in dead)
    counts = [(layer, _killed(layer)) for layer in dead]
    return Finding(
        rule="dead_channels",
        weight="cost" if share >= MATTERS else "note",
        sentence=(
            f"{error.artifact} rounds {_channels(counts)} to a constant, over "
            f"{error.samples:,} samples"
        ),
        evidence=tuple(_evidence(counts)),
        remedy=(
            "their values are small beside the layer's others: equalize the channels' ranges, or "
            "leave the layer float"
        ),
        rows=rows_of(results, error.artifact),
    )


def _killed(layer: LayerError) -> int:
    """The channels that vary in float32 alone."""
    return layer.constant_channels - layer.constant_in_float


def _channels(counts: Sequence[tuple[LayerError, int]]) -> str:
    number = sum(count for _, count in counts)
    noun = "channel" if number == 1 else "channels"
    return f"{number} {noun} of {named([layer.layer for layer, _ in counts])}"


def _evidence(counts: Sequence[tuple[LayerError, int]]) -> Iterator[Evidence]:
    for layer, count in sorted(counts, key=lambda pair: -pair[1])[:4]:
        what = f"constant channels of {layer.layer}, of {layer.channels}"
        yield Evidence(what=what, value=count, unit="channels")
