"""Record in each layer which shorter roundings are proved to give its integers.

The accumulators of a channel lie in an interval that its weights bound. There the generator
compares the accumulators at which the results change: numerics/proved.py, docs/arithmetic.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from quantbench.c99.ir.graph import Graph, Node, Plan, Requantization
from quantbench.c99.ir.rounding import Range, range_of
from quantbench.c99.ir.short_forms import RealForm, ScaledForm, ShortForms
from quantbench.c99.nodes.layer import Layer, with_requantization
from quantbench.numerics.fixed_point import Multiplier
from quantbench.numerics.proved import Channels, Reals, Scaled, reals, scaled

_UPPER_HALF, _LARGEST_SHIFT = 32, 53


def prove(graph: Graph) -> Graph:
    """The same graph, with the `short` forms of each layer that rounds."""
    return replace(graph, nodes=tuple(_proved(node, graph) for node in graph.nodes))


def integers_alone(plan: Plan) -> Plan:
    """The same plan without the forms that compute in float32."""
    steps = tuple(replace(step, work=_without_real(step.work)) for step in plan.steps)
    return replace(plan, steps=steps)


def rounds_in_float32(plan: Plan) -> bool:
    """Whether a layer of the plan has a form that computes in float32."""
    layers = (step.work for step in plan.steps if isinstance(step.work, Layer))
    return any(layer.requantize and layer.requantize.short.has_real for layer in layers)


def channels_of(layer: Layer, graph: Graph) -> Channels | None:
    """The channels of a layer with their accumulators; None where it rounds nothing.

    A multiplier that all channels share has the accumulators of all of them.
    """
    requantize = layer.requantize
    if requantize is None:
        return None
    accumulators = [*layer.accumulators(range_of(graph.tensors[layer.input]))]
    if len(requantize.multipliers) == 1:
        accumulators = [_together(accumulators)]
    m, s, low, high = np.array(
        [(factor.m, factor.s, acc.low, acc.high) for acc, factor in accumulators], np.int64
    ).T
    zero_point = requantize.zero_point
    return Channels(m, s, low, high, requantize.low - zero_point, requantize.high - zero_point)


def common_shift(channels: Channels) -> int:
    """The largest shift with which 31 bits hold every multiplier, at most 53."""
    return int(min([_LARGEST_SHIFT, *channels.s[channels.m > 0].tolist()]))


def _proved(node: Node, graph: Graph) -> Node:
    channels = channels_of(node, graph) if isinstance(node, Layer) else None
    if channels is None:
        return node
    assert isinstance(node, Layer)
    assert node.requantize is not None
    short = _short_forms(channels, node.requantize)
    return with_requantization(node, replace(node.requantize, short=short))


def _together(accumulators: Iterable[tuple[Range, Multiplier]]) -> tuple[Range, Multiplier]:
    ranges, factors = zip(*accumulators, strict=True)
    least, most = min(acc.low for acc in ranges), max(acc.high for acc in ranges)
    return Range(least, most), factors[0]


def _short_forms(channels: Channels, requantize: Requantization) -> ShortForms:
    thresholds, shift = channels.thresholds(), common_shift(channels)
    common = None
    if shift > _UPPER_HALF:
        common = _scaled_form(scaled(channels, thresholds, shift, centred=True), shift)
    upper = scaled(channels, thresholds, _UPPER_HALF)
    real = reals(channels, thresholds, requantize.zero_point)
    each = [slice(channel, channel + 1) for channel in range(len(channels))]
    return ShortForms(
        upper=_scaled_form(upper, _UPPER_HALF),
        common=common,
        real=_real_form(real),
        by_channel=tuple(
            ShortForms(upper=_scaled_form(upper, _UPPER_HALF, one), real=_real_form(real, one))
            for one in each
        ),
    )


_ALL = slice(None)


def _scaled_form(found: Scaled, shift: int, part: slice = _ALL) -> ScaledForm | None:
    """The form of a part of the channels; None where one of them isn't proved."""
    if not found.proved[part].all():
        return None
    return ScaledForm(tuple(found.m[part].tolist()), tuple(found.half[part].tolist()), shift)


def _real_form(found: Reals, part: slice = _ALL) -> RealForm | None:
    if not found.proved[part].all():
        return None
    return RealForm(tuple(found.factor[part].tolist()), tuple(found.offset[part].tolist()))


def _without_real(node: Node) -> Node:
    if not isinstance(node, Layer) or node.requantize is None:
        return node
    short = node.requantize.short.without_real()
    return with_requantization(node, replace(node.requantize, short=short))
