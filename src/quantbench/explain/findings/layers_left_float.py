"""Layers of a quantized row that multiply in float32."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantbench.explain.evidence import named, percentage, quantized, ran
from quantbench.explain.records import Explanation, LayerRan
from quantbench.results.records import Evidence, Finding, Results, Row

TITLE = "layers left float"
MATTERS = 0.05
"""The share of the time, or of the multiply-adds, from which on it costs something."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each artifact, with the rows that run it."""
    seen = set[tuple[str, ...]]()
    for row in quantized(results):
        layers = _float_layers(explanation, row)
        if not layers and not row.coverage.float_macs:
            continue
        alike = _alike(results, explanation, row, layers)
        if alike not in seen:
            seen.add(alike)
            yield _finding(explanation, row, layers, alike)


def _float_layers(explanation: Explanation, row: Row) -> list[LayerRan]:
    found = ran(explanation, row)
    return [layer for layer in found.layers if layer.ran == "float"] if found else []


def _alike(
    results: Results, explanation: Explanation, row: Row, layers: Sequence[LayerRan]
) -> tuple[str, ...]:
    """The rows of the same artifact that leave the same layers float."""
    names = [layer.numerics.name for layer in layers]
    return tuple(
        other.name
        for other in quantized(results)
        if other.artifact_sha256 == row.artifact_sha256 and other.artifact == row.artifact
        if [layer.numerics.name for layer in _float_layers(explanation, other)] == names
    )


def _finding(
    explanation: Explanation, row: Row, layers: Sequence[LayerRan], rows: tuple[str, ...]
) -> Finding:
    found = ran(explanation, row)
    of_macs = _macs_share(row, layers)
    times = [
        share
        for split in explanation.times
        if split.row in rows and (share := split.parts.get("float", 0.0) / split.total_us)
    ]
    of_time = max(times, default=None)
    matters = max(of_macs, of_time or 0.0) >= MATTERS
    counted = f"{len(layers)} of {len(found.layers)} layers" if found and layers else "layers"
    which = f": {named([layer.numerics.name for layer in layers])}" if layers else ""
    told = f", {of_time:.0%} of the time" if of_time is not None else ""
    reasons = dict.fromkeys(x.numerics.reason for x in layers if x.numerics.reason)
    why = f" ({'; '.join([*reasons][:2])})" if reasons else ""
    return Finding(
        rule="layers_left_float",
        weight="cost" if matters else "note",
        sentence=(
            f"{named(rows)} {'leaves' if len(rows) == 1 else 'leave'} {counted} in float32, "
            f"{_percent(of_macs)} of the multiply-adds{told}{which}{why}"
        ),
        evidence=(
            percentage("multiply-adds in float32", of_macs),
            *((percentage("time in float32 layers", of_time),) if of_time is not None else ()),
            *(
                (Evidence(what="layers in float32", value=len(layers), unit="layers"),)
                if layers
                else ()
            ),
        ),
        remedy=_remedy(row),
        rows=rows,
    )


def _macs_share(row: Row, layers: Sequence[LayerRan]) -> float:
    """The share of multiply-adds in float32: of the layers that ran so, else as the file says."""
    total = row.coverage.integer_macs + row.coverage.float_macs
    macs = sum(layer.numerics.macs for layer in layers) or row.coverage.float_macs
    return macs / total if total else 0.0


def _remedy(row: Row) -> str:
    if any(format.scaling == "dynamic" for format in row.numerics.activations):
        return (
            "quantize activations ahead of time, which covers convolutions too: a static method "
            "such as ort_static"
        )
    return (
        "use a method or runtime that has integer kernels for these layers (`quantbench check` "
        "names the kinds that each method takes), or leave them float where they cost accuracy"
    )


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or not share else "<1%"
