"""A range that few values, or few channels, stretch: the others share few of its levels."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

from quantbench.explain.evidence import calibrated_errors, named, percentage, rows_of
from quantbench.explain.records import ErrorByLayer, Explanation, Histogram
from quantbench.results.records import Evidence, Finding, Results

TITLE = "range wasted by outliers"
KEPT = 0.999
"""The share of values whose range is set against the one that was chosen."""
WASTED = 0.75
"""The share of the range beyond these values from which on two of its bits are lost."""
BELOW = 12.0
"""Decibels that half of a layer's channels have less than the whole: two bits. No layer of LeNet,
ResNet-8 and MobileNetV2 without a fault is beyond 6."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each artifact about single values, and one about whole channels."""
    for error in calibrated_errors(results, explanation):
        yield from _channels(results, error)
        wasted = sorted(_wasted(error), key=lambda pair: -pair[0])
        if not wasted:
            continue
        layers = [_name(histogram) for _, histogram in wasted]
        share, worst = wasted[0]
        weights = worst.what == "weights"
        yield Finding(
            rule="outliers",
            weight="cost",
            sentence=(
                f"outliers stretch the range of {named([*dict.fromkeys(layers)])} in "
                f"{error.artifact}: {KEPT:.1%} of the values of {layers[0]} lie in "
                f"{1 - share:.1%} of it"
            ),
            evidence=tuple(
                percentage(f"range of {_name(histogram)} that {1 - KEPT:.1%} of values use", value)
                for value, histogram in wasted[:4]
            ),
            remedy=(
                "scale weights by channel (--set ort_static.per_channel=true)"
                if weights
                else "clip the range when calibrating (--set ort_static.calibration=percentile "
                "--set ort_static.percentile=99.9), or leave the layer float"
            ),
            rows=rows_of(results, error.artifact),
        )


def _channels(results: Results, error: ErrorByLayer) -> Iterable[Finding]:
    """A finding about layers whose signal is that of few channels, which the range is made for."""
    layers = [(x.made_db - x.channel_db, x) for x in error.layers if x.channel_db is not None]
    apart = sorted((pair for pair in layers if pair[0] >= BELOW), key=lambda pair: -pair[0])
    if not apart:
        return
    worst = apart[0][1]
    yield Finding(
        rule="outliers",
        weight="fault",
        sentence=(
            f"few channels stretch the range of {named([layer.layer for _, layer in apart])} in "
            f"{error.artifact}: over all of {worst.layer} the signal is {worst.made_db:.0f} dB "
            f"above its error, of half of its channels {worst.channel_db:.0f} dB at most"
        ),
        evidence=tuple(
            Evidence(
                what=f"signal over error of {layer.layer} beyond that of its median channel",
                value=decibels,
                unit="dB",
            )
            for decibels, layer in apart[:4]
        ),
        remedy=(
            "equalize the channels: divide such a channel's weights and bias by a factor and "
            "multiply those that read it by the same, or leave the layer float"
        ),
        rows=rows_of(results, error.artifact),
    )


def _wasted(error: ErrorByLayer) -> Iterable[tuple[float, Histogram]]:
    for histogram in error.histograms:
        share = wasted(histogram)
        if share is not None and share >= WASTED:
            yield share, histogram


def wasted(histogram: Histogram) -> float | None:
    """The share of a tensor's range beyond the middle KEPT of its values; None without values.

    As the histogram has it: bins count whole, so that the share isn't overstated.
    """
    total, width = sum(histogram.counts), histogram.high - histogram.low
    if not total or width <= 0:
        return None
    below = [0, *accumulate(histogram.counts)]
    tail = total * (1 - KEPT) / 2
    first = max(0, bisect_left(below, tail + 1e-9) - 1)
    last = bisect_left(below, total - tail - 1e-9)
    low, high = histogram.edges[first], histogram.edges[last]
    used = min(high, histogram.high) - max(low, histogram.low)
    return 1 - max(0.0, used) / width


def _name(histogram: Histogram) -> str:
    return f"{histogram.layer} ({histogram.what})"
