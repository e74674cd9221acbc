"""Explanations of round numbers that nothing measured."""

from __future__ import annotations

from typing import Any

from quantbench import plugins
from quantbench.explain.records import (
    ErrorByLayer,
    Explanation,
    Histogram,
    LayerError,
    LayerRan,
    LayerTime,
    Limit,
    Peaks,
    RanAs,
    TimeSplit,
)
from quantbench.numerics.coverage import LayerNumerics
from quantbench.results.records import Finding, Results, Row
from tests.formats import INT8_CHANNEL, UINT8
from tests.report.builder import row

FLOAT = row()
ROW = "static on openvino"
ARTIFACT = "static state_dict"


def quantized(method: str = "static", runtime: str = "openvino", **changes: Any) -> Row:
    fields = {"size": 75_000, "float_macs": 0, "baseline": FLOAT}
    return row(method, runtime, **(fields | changes))


def found(rule: str, results: Results, explanation: Explanation | None = None) -> list[Finding]:
    """What one rule finds."""
    return [*plugins.finding(rule).find(results, explanation or explained())]


def explained(**fields: Any) -> Explanation:
    return Explanation.model_validate({"results_sha256": "0" * 64, **fields})


def layer(name: str = "conv1", **changes: Any) -> LayerNumerics:
    fields = {
        "name": name,
        "kind": "Conv2d",
        "macs": 1_000,
        "integer": True,
        "weights": (INT8_CHANNEL,),
        "activations": (UINT8,),
        "scale": 0.02,
        "zero_point": 3,
    }
    return LayerNumerics(**(fields | changes))


def ran(*layers: LayerNumerics, row: str = ROW, depthwise: bool = False) -> RanAs:
    return RanAs(
        row=row,
        layers=tuple(
            LayerRan(ran="integer" if each.integer else "float", numerics=each, depthwise=depthwise)
            for each in layers
        ),
    )


def split(
    row: str = ROW, *, limit: Limit | None = None, batch: int = 1, **parts: float
) -> TimeSplit:
    """A split with these microseconds in its parts, one layer for each."""
    names = {"integer": 0.0, "float": 0.0, "conversion": 0.0, "other": 0.0, "call": 0.0}
    return TimeSplit.model_validate({
        "row": row,
        "batch": batch,
        "threads": 1,
        "total_us": sum(parts.values()),
        "profiled_us": sum(parts.values()),
        "profiler": "a profiler",
        "parts": names | parts,
        "layers": [
            LayerTime(name=f"{part} layer", kind="Conv", part=part, us=us, macs=1_000)
            for part, us in parts.items()
        ],
        "limit": limit,
    })  # fmt: skip


def error(*layers: LayerError, histograms: tuple[Histogram, ...] = ()) -> ErrorByLayer:
    return ErrorByLayer(artifact=ARTIFACT, samples=256, layers=layers, histograms=histograms)


def layer_error(name: str = "conv1", **changes: Any) -> LayerError:
    fields = {
        "layer": name,
        "kind": "Conv2d",
        "sqnr_db": 40.0,
        "made_db": 45.0,
        "cosine": 0.9999,
        "largest_steps": 2.0,
        "clipped": 0.0005,
        "levels_used": 200,
        "levels": 256,
        "channels": 16,
    }
    return LayerError.model_validate(fields | changes)


def histogram(counts: tuple[int, ...], low: float, high: float, **changes: Any) -> Histogram:
    """One whose bins divide the range from `low` to `high` evenly."""
    width = (high - low) / len(counts)
    fields = {
        "tensor": "x",
        "layer": "conv1",
        "what": "activations",
        "edges": tuple(low + width * place for place in range(len(counts) + 1)),
        "counts": counts,
        "low": low,
        "high": high,
    }
    return Histogram.model_validate(fields | changes)


def peaks(**macs: float) -> Peaks:
    return Peaks(
        macs_per_us={name.replace("_", " "): value for name, value in macs.items()},
        bytes_per_us={"memory": 10_000.0},
    )
