"""A convolution, with the activation and the pooling that are fused behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.describe import pooling_words, window_words
from quantbench.c99.emit.fragments import (
    NO_POOLING,
    WORKSPACE,
    input_fields,
    output_fields,
    pooling_fields,
    window_fields,
    windows_inside,
)
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code, Structure
from quantbench.c99.ir.error_bounds import TINY, gamma, mean_error
from quantbench.c99.ir.graph import (
    Graph,
    ImageOrder,
    Laid,
    Orders,
    Pooling,
    Reals,
    Requantization,
    Step,
    Tensor,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.patches import padded, padded_size, products, windows
from quantbench.c99.ir.rounding import by_channel, clamped, requantized
from quantbench.c99.nodes.layer import (
    Layer,
    bias_bound,
    blocks,
    dense_code,
    distances,
    float_code,
    of_outputs,
    ties_marked,
    unsigned_bias,
)


@dataclass(frozen=True, eq=False)
class Conv(Layer):
    """A convolution: acc = bias + sum x w, then clamp, pool, requantize.

    An average of integers is their sum, divided by the requantization; one of float32 divides once.
    """

    name: str
    input: str
    output: str
    weights: NDArray[Any]
    """[O, I / groups, kh, kw]"""
    bias: NDArray[Any]
    window: Window
    groups: int
    padding: int
    """The q that stands for 0 around the input: its zero point; 0 of float32."""
    low: NDArray[Any] | None
    high: NDArray[Any] | None
    pooling: Pooling | None
    requantize: Requantization | None

    @property
    def summed(self) -> int:
        average = self.pooling is not None and self.pooling.kind == "average"
        return math.prod(self.pooling.window.kernel) if self.pooling and average else 1

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        acc = self._sums(values[self.input])
        return requantized(_pooled(acc, self.pooling) if self.pooling else acc, self.requantize)

    def _sums(self, values: Values) -> Values:
        """The clamped accumulators [N, O, H', W'], before the pooling."""
        images, weights = padded(values, self.window.pads, self.padding), self.weights
        sums = products(images, weights.astype(values.dtype), self.window, self.groups)
        return clamped(sums + by_channel(self.bias.astype(values.dtype), 4), self.low, self.high)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        pads, weights = self.window.pads, self.weights.astype(np.float64)
        error = padded(errors[self.input], pads, 0)
        largest = np.abs(padded(values[self.input], pads, 0)) + error
        terms = math.prod(weights.shape[1:]) + 1
        bias = np.abs(by_channel(self.bias.astype(np.float64), 4))
        sizes = products(largest, np.abs(weights), self.window, self.groups)
        of_sum = gamma(terms) * (sizes + bias) + terms * TINY
        passed = products(error**2, weights**2, self.window, self.groups)
        error = np.asarray(np.sqrt(of_sum**2 + passed))
        if self.pooling is None:
            return error
        parts = windows(error, self.pooling.window)
        if self.pooling.kind == "max":
            return np.asarray(parts.max(axis=(4, 5)))
        largest = np.abs(self._sums(values[self.input])) + error
        largest = windows(largest, self.pooling.window)
        return mean_error(parts.sum(axis=(4, 5)), largest, self.summed)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        input = graph.tensors[self.input]
        sizes = distances(values[self.input], input)
        images = padded(sizes, self.window.pads, 0.0)
        weights = np.abs(self.weights).astype(np.float64)
        bias = by_channel(bias_bound(self, input), 4)
        sums = products(images, weights, self.window, self.groups)
        e = tolerance.of_sums(sums, bias, weights[0].size)
        if self.pooling is not None:
            parts = windows(e, self.pooling.window)
            joined = parts.max if self.pooling.kind == "max" else parts.sum
            e = np.asarray(joined(axis=(4, 5)), np.float64)
        return tolerance.in_output_steps(e, self.requantize)

    def to_uint8(self, graph: Graph) -> Conv:
        into = graph.tensors[self.input].to_unsigned
        out = graph.tensors[self.output].to_unsigned
        requantize = self.requantize.plus(out) if self.requantize else None
        if not into:
            return replace(self, requantize=requantize)
        bias, padding = unsigned_bias(self, into), self.padding + into
        return replace(self, bias=bias, padding=padding, requantize=requantize)

    def mark_ties(self, graph: Graph) -> Conv:
        return ties_marked(self, graph)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Store the weights as [O, kh, kw, I / groups], the order in which windows are read."""
        work = replace(self, weights=self.weights.transpose(0, 2, 3, 1))
        return Laid(work, orders, nhwc(graph.tensors[self.output].shape))

    @property
    def row_window(self) -> Window:
        """The window of the layer with its pooling: of all rows that a pooled row reads."""
        if self.pooling is None:
            return self.window
        inner, outer = self.window, self.pooling.window
        across = (outer.kernel[0] - 1) * outer.dilations[0] * inner.strides[0]
        return Window(
            (across + (inner.kernel[0] - 1) * inner.dilations[0] + 1, inner.kernel[1]),
            (outer.strides[0] * inner.strides[0], inner.strides[1]),
            inner.pads,
        )

    def of_rows(self, top: int, bottom: int) -> Conv:
        return replace(self, window=self.window.with_rows_around(top, bottom))

    def of_outputs(self, begin: int, end: int) -> Conv | None:
        return of_outputs(self, begin, end) if self.groups == 1 else None

    def emit(self, step: Step) -> Code:
        return _float32(step, self) if step.output.type == "float32" else _integers(step, self)

    def describe(self) -> list[str]:
        name = "conv"
        if self.groups > 1:
            depthwise = self.groups == len(self.weights)
            name = "depthwise conv" if depthwise else f"conv of {self.groups} groups"
        words = window_words(self.window, name)
        return [words, *self.activation_words(), *pooling_words(self.pooling)]

    def macs(self, output: Tensor) -> int:
        """The multiply-adds of one sample; positions that a fused pooling reads count once."""
        return math.prod(self._computed(output)) * self.weights.size

    def workspace(self, graph: Graph) -> int:
        output = graph.tensors[self.output]
        sums = self.macs(output) // max(1, math.prod(self.weights.shape[1:]))
        return padded_size(graph.tensors[self.input].shape, self.window.pads) + sums

    def _computed(self, output: Tensor) -> tuple[int, int]:
        """The height and width of the sums that the output is computed from."""
        height, width = output.shape[1:]
        if self.pooling is None:
            return height, width
        window = self.pooling.window
        (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
        return _distinct(height, kh, sh, dh), _distinct(width, kw, sw, dw)


def _pooled(acc: Values, pooling: Pooling) -> Values:
    """The maximum of each window, the sum of integers, or the mean of float32."""
    parts = windows(acc, pooling.window)
    if pooling.kind == "max":
        return np.asarray(parts.max(axis=(4, 5)))
    sums = parts.sum(axis=(4, 5))
    return np.asarray(sums if acc.dtype == np.int64 else sums / math.prod(pooling.window.kernel))


def _distinct(positions: int, kernel: int, stride: int, dilation: int) -> int:
    """The number of distinct rows that all windows read."""
    return len({at * stride + tap * dilation for at in range(positions) for tap in range(kernel)})


def _integers(step: Step, node: Conv) -> Code:
    """The C of an integer convolution.

    One with a single output position, whose window is the whole image, becomes fully connected.
    """
    (channels, height, width), (out_c, out_h, out_w) = step.inputs[0].shape, step.output.shape
    window, pooling = node.window, node.pooling or NO_POOLING
    positions = math.prod(pooling.window.kernel)
    if positions == out_h == out_w == node.groups == 1 and window == Window((height, width)):
        return dense_code(step, node, 1, 1, 0)
    group_in, taps = channels // node.groups, math.prod(window.kernel)
    kind = f"conv{node.suffix}"
    gathered = taps * channels
    fields = {
        **input_fields(step),
        "group_in": group_in,
        **output_fields(step),
        "step": step.output.bytes // (out_h * out_w),
        "window": gathered,
        "count": taps * group_in,
        "row": window.kernel[1] * channels,
        "rows": int(node.groups == window.dilations[1] == 1),
        "inside": int(windows_inside(step, window, pooling.window)),
        **window_fields(window),
        "padding": node.padding,
        **pooling_fields(pooling),
    }
    outputs = dense_code(step, node, node.groups, positions, int(pooling.kind == "max"))
    name = f"{step.identifier}_window"
    arguments = f"&{name}, &{step.identifier}, {step.inputs[0].at}, {step.output.at}, {WORKSPACE}"
    pooled = positions > 1 and node.requantize is not None
    return replace(
        outputs,
        calls=(f"model_{kind}({arguments});",),
        kernels=(*outputs.kernels, kind),
        structures=(*outputs.structures, Structure(kind, name, fields)),
        workspace=gathered + (4 * out_c if pooled else 0),
    )


def _float32(step: Step, node: Conv) -> Code:
    pooling = node.pooling or NO_POOLING
    channels, out_c = step.inputs[0].shape[0], step.output.shape[0]
    depthwise = node.groups > 1 and node.groups == channels == out_c
    groups = 1 if depthwise else node.groups
    fields = {
        **input_fields(step),
        **output_fields(step),
        "out_channels": out_c,
        "groups": groups,
        "group_in": channels // node.groups,
        "group_out": out_c // groups,
        "depthwise": int(depthwise),
        **window_fields(node.window),
        **pooling_fields(pooling),
        "pool_max": int(pooling.kind == "max"),
    }
    by_group = np.split(node.weights.reshape(out_c, -1), groups)
    weights = np.concatenate([blocks(group) for group in by_group])
    return float_code(step, node, "conv", ("clamp", "products", "lanewise"), weights, fields)
