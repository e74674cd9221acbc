"""Output channels that never vary: they compute a constant."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import named, rows_of
from quantbench.explain.records import Explanation, LayerError
from quantbench.results.records import Evidence, Finding, Results

TITLE = "dead channels"
MATTERS = 0.25
"""The share of a layer's channels from which on it costs what it doesn't give."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each artifact that has such channels where the one before has not."""
    told = set[tuple[tuple[str, int], ...]]()
    for error in explanation.errors:
        dead = [layer for layer in error.layers if layer.constant_channels]
        counts = tuple((layer.layer, layer.constant_channels) for layer in dead)
        if not dead or counts in told:
            continue
        told.add(counts)
        dead.sort(key=lambda layer: -_share(layer))
        yield Finding(
            rule="dead_channels",
            weight="cost" if _share(dead[0]) >= MATTERS else "note",
            sentence=(
                f"{sum(layer.constant_channels for layer in dead)} channels of "
                f"{named([layer.layer for layer in dead])} never vary over {error.samples:,} "
                f"samples in {error.artifact}"
            ),
            evidence=tuple(
                Evidence(
                    what=f"constant channels of {layer.layer}, of {layer.channels}",
                    value=layer.constant_channels,
                    unit="channels",
                )
                for layer in dead[:4]
            ),
            remedy=(
                "prune them: their constant can be added to the next layer's bias; where float32 "
                "has none, the scale of the layer's output is too coarse for its small channels"
            ),
            rows=rows_of(results, error.artifact),
        )


def _share(layer: LayerError) -> float:
    return layer.constant_channels / max(1, layer.channels)
