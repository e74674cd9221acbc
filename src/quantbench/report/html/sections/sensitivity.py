"""The section on sensitivity: the cost of quantizing each layer alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quantbench.explain.records import LayerSensitivity, Mixed, Sensitivity
from quantbench.report.html.parts import Figure, Key, Part, Report, Section, Words, numbers
from quantbench.report.scores import difference_text, is_fraction, signed
from quantbench.report.svg.forest import Estimate, forest
from quantbench.report.svg.marks import nth_series
from quantbench.report.words import count, joined, percent
from quantbench.results.records import Interval, MetricInfo

_TITLE = "Which layers cost the score"
_ALONE, _ALL_BUT = nth_series(0), nth_series(1)


def section(report: Report) -> Section | None:
    """The section of the sensitivity; None without an explanation of it."""
    explanation = report.explanation
    if explanation is None or not explanation.sensitivity:
        return None
    metric = report.results.metric
    parts: list[Part] = []
    for each in explanation.sensitivity:
        parts.append(_figure(each, metric))
        parts.extend(Words(text) for text in (*_mixed(each.mixed, metric), *each.notes))
    return Section("sensitivity", _TITLE, tuple(parts))


def _figure(each: Sensitivity, metric: MetricInfo) -> Figure:
    sign = 1 if metric.higher_is_better else -1
    layers = sorted(each.layers, key=lambda layer: sign * layer.alone.value)
    unit = "points" if is_fraction(metric) else metric.unit
    title = f"change of {metric.title}{f', {unit}' if unit else ''}"
    worst = layers[0].layer if layers else "none"
    both = any(layer.all_but is not None for layer in layers)
    keys: tuple[Key, ...] = (Key("only this layer quantized, less float32", _ALONE),)
    if both:
        words = "only this layer float, less all quantized"
        keys = (*keys, Key(words, _ALL_BUT))
    return Figure(
        f"{each.method}: {title} by layer",
        f"Over {count(each.samples, 'sample')}, with 95% intervals, the costliest first: {worst}.",
        partial(
            forest,
            title=title,
            names=[layer.layer for layer in layers],
            estimates=[tuple(_estimates(layer, metric)) for layer in layers],
        ),
        numbers(
            f"sensitivity-{each.method}",
            (
                "layer", "multiply-adds", "alone", "low", "high", "alone loss",
                "all but", "all but low", "all but high",
            ),
            (
                (
                    layer.layer, layer.macs, layer.alone.value, layer.alone.low, layer.alone.high,
                    layer.alone_loss, *_bounds(layer.all_but),
                )
                for layer in layers
            ),
        ),
        keys,
    )  # fmt: skip


def _estimates(layer: LayerSensitivity, metric: MetricInfo) -> Iterator[Estimate]:
    for series, interval in ((_ALONE, layer.alone), (_ALL_BUT, layer.all_but)):
        if interval is not None:
            unit = 100 if is_fraction(metric) else 1
            low, high = interval.low, interval.high
            yield Estimate(
                unit * interval.value,
                None if low is None else unit * low,
                None if high is None else unit * high,
                series,
                f"{layer.layer}: {signed(metric, interval.value)}",
            )


def _bounds(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    if interval is None:
        return None, None, None
    return interval.value, interval.low, interval.high


def _mixed(mixed: Mixed | None, metric: MetricInfo) -> Iterator[str]:
    if mixed is None:
        return
    layers = joined(mixed.left_float) if mixed.left_float else "no layer"
    reached = "which keeps" if mixed.reached else "which doesn't keep"
    yield (
        f"Leaving {layers} float ({percent(mixed.float_macs_share)} of the multiply-adds) gives "
        f"{difference_text(metric, mixed.difference)}measured), {reached} within "
        f"{mixed.max_drop:g} {mixed.unit}. The recipe: {mixed.recipe}."
    )
