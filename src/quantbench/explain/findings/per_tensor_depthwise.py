"""Depthwise layers whose weights share one scale, though each channel has a range of its own."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import named, quantized, ran
from quantbench.explain.records import Explanation, LayerRan
from quantbench.results.records import Evidence, Finding, Results

TITLE = "per-tensor weights on depthwise layers"


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each artifact with such layers (Krishnamoorthi 2018, section 3.1)."""
    seen = set[str]()
    for row in quantized(results):
        found = ran(explanation, row)
        coarse = [layer for layer in found.layers if _is_coarse(layer)] if found else []
        if not coarse or row.artifact in seen:
            continue
        seen.add(row.artifact)
        yield Finding(
            rule="per_tensor_depthwise",
            weight="fault",
            sentence=(
                f"{named([layer.numerics.name for layer in coarse])} of {row.method} "
                f"{'is a depthwise layer' if len(coarse) == 1 else 'are depthwise layers'} whose "
                "weights share one scale: a channel of small weights is left with few levels"
            ),
            evidence=(
                Evidence(what="depthwise layers per tensor", value=len(coarse), unit="layers"),
            ),
            remedy="give each channel its own scale (--set ort_static.per_channel=true)",
            rows=tuple(other.name for other in results.rows if other.artifact == row.artifact),
        )


def _is_coarse(layer: LayerRan) -> bool:
    integer = [format for format in layer.numerics.weights if format.kind == "integer"]
    return layer.depthwise and any(format.granularity == "tensor" for format in integer)
