"""The integer graph in NumPy, by the rules of docs/arithmetic.md: slow, and the authority.

Arrays have a batch in front: [N, C, H, W] or [N, K], int64 inside, so that nothing overflows
before `require_word` has proved that 32 bits hold it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir import float32 as reals
from quantbench.c99.ir.graph import (
    LIMITS,
    Add,
    Concat,
    Conv,
    Dense,
    Graph,
    Node,
    Pad,
    Pool,
    Pooling,
    Requantize,
    Rescale,
    Reshape,
    Tensor,
    last_reads,
)
from quantbench.c99.ir.patches import padded, products, windows
from quantbench.numerics.fixed_point import Integers, nearest_shift, rescaled


def quantized(inputs: NDArray[np.float32], tensor: Tensor) -> Integers:
    """As ONNX's QuantizeLinear: half to even, clamped. [N, C, H, W] float32 to integers."""
    low, high = LIMITS[tensor.type]
    with np.errstate(over="ignore"):
        scaled = np.rint(inputs / np.float32(tensor.scale[0])) + np.float32(tensor.zero_point)
    # NaN isn't above the limit either: it becomes the lowest.
    return np.asarray(np.where(scaled > low, np.minimum(scaled, high), low), np.int64)


def dequantized(values: Integers, tensor: Tensor) -> NDArray[np.float32]:
    """[N, K] or [N, C, H, W] integers to float32."""
    scale = np.asarray(tensor.scale, np.float32).reshape(-1, *[1] * (values.ndim - 2))
    return np.asarray((values - tensor.zero_point).astype(np.float32) * scale, np.float32)


def execute(graph: Graph, values: Integers) -> Integers:
    """The output of the network for integer inputs [N, *shape]; no tensor is kept longer than
    it is read.
    """
    found = {graph.input: values}
    for node, read_last in zip(graph.nodes, last_reads(graph), strict=True):
        found[node.output] = run(node, graph, found)
        for name in read_last:
            found.pop(name)
    return found[graph.output]


def every_tensor(graph: Graph, values: Integers) -> dict[str, Integers]:
    """By name: what each holds for integer inputs [N, *shape]."""
    found = {graph.input: values}
    for node in graph.nodes:
        found[node.output] = run(node, graph, found)
    return found


def run(node: Node, graph: Graph, found: Mapping[str, Integers]) -> Integers:
    """What one node gives, [N, *shape], for the tensors before it."""
    match node:
        case Conv():
            return _conv(node, found[node.input])
        case Dense():
            flat = found[node.input].reshape(len(found[node.input]), -1)
            sums = flat.astype(np.float64) @ node.weights.T.astype(np.float64)  # exact
            acc = sums.astype(np.int64) + node.start
            return _finished(_clamped(acc, node.low, node.high), node.requantize)
        case Pool():
            return _pool(node, found[node.input], graph.tensors[node.input])
        case Add():
            one, other = (
                (found[name] - zero) * m
                for name, zero, m in zip(
                    node.inputs, node.zero_points, node.multipliers, strict=True
                )
            )
            summed = nearest_shift(one + other, node.shift)
            return _within(summed + node.zero_point, node.low, node.high)
        case Rescale():
            acc = found[node.input] - graph.tensors[node.input].zero_point
            return _finished(acc, node.requantize)
        case Concat():
            return np.concatenate([found[name] for name in node.inputs], axis=1)
        case Pad():
            return padded(found[node.input], node.pads, node.value)
        case Reshape():
            one = found[node.input]
            return one.reshape(len(one), *graph.tensors[node.output].shape)


def _conv(node: Conv, values: Integers) -> Integers:
    patches = windows(padded(values, node.window.pads, node.padding), node.window)
    sums = products(patches, node.weights.astype(np.int64), node.groups)
    start = node.start.astype(np.int64)
    acc = _clamped(sums + start[:, None, None], node.low, node.high)
    return _finished(_pooled(acc, node.pooling) if node.pooling else acc, node.requantize)


def _pooled(acc: Integers, pooling: Pooling) -> Integers:
    patches = windows(acc, pooling.window)
    pooled = patches.max(axis=(4, 5)) if pooling.kind == "max" else patches.sum(axis=(4, 5))
    return np.asarray(pooled, np.int64)


def _pool(node: Pool, values: Integers, tensor: Tensor) -> Integers:
    zero, window = tensor.zero_point, node.window
    if node.kind == "max":
        lowest = LIMITS[tensor.type][0]
        patches = windows(padded(values, window.pads, lowest), window)
        return np.asarray(patches.max(axis=(4, 5)), np.int64)
    assert node.requantize is not None
    acc = windows(padded(values - zero, window.pads, 0), window).sum(axis=(4, 5))
    if node.count_pads:
        return _finished(acc, node.requantize)
    ones = np.ones_like(values[:1, :1])
    counts = windows(padded(ones, window.pads, 0), window).sum(axis=(4, 5))
    m = np.array([one.m for one in node.requantize.multipliers])[counts - 1]
    s = np.array([one.s for one in node.requantize.multipliers])[counts - 1]
    return _placed(rescaled(acc, m, s), node.requantize)


def _finished(acc: Integers, requantize: Requantize | None) -> Integers:
    """Channels are axis 1."""
    if requantize is None:
        return acc
    shape = (-1, *[1] * (acc.ndim - 2))
    m = np.array([one.m for one in requantize.multipliers], np.int64).reshape(shape)
    s = np.array([one.s for one in requantize.multipliers], np.int64).reshape(shape)
    return _placed(rescaled(acc, m, s), requantize)


def _placed(values: Integers, requantize: Requantize) -> Integers:
    return _within(values + requantize.zero_point, requantize.low, requantize.high)


def _within(values: Integers, low: int, high: int) -> Integers:
    return np.asarray(np.clip(values, low, high), np.int64)


def _clamped(
    acc: Integers, low: NDArray[np.int32] | None, high: NDArray[np.int32] | None
) -> Integers:
    shape = (-1, *[1] * (acc.ndim - 2))
    if low is not None:
        acc = np.maximum(acc, low.reshape(shape))
    return acc if high is None else np.minimum(acc, high.reshape(shape))


def total_macs(graph: Graph) -> int:
    """Multiply-adds of a whole network for one image."""
    layers = (node for node in graph.nodes if isinstance(node, Conv | Dense))
    return sum(macs(node, graph.tensors[node.output]) for node in layers)


def macs(node: Conv | Dense | reals.Conv | reals.Dense, output: Tensor) -> int:
    """Multiply-adds for one image; before a fused pooling, at every place that it reads."""
    if isinstance(node, Dense | reals.Dense):
        return node.weights.size
    return math.prod(_computed(node, output)) * node.weights.size


def _computed(node: Conv | reals.Conv, output: Tensor) -> tuple[int, int]:
    """Height and width of the sums that its output takes."""
    height, width = output.shape[1:]
    if node.pooling is None:
        return height, width
    window = node.pooling.window
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.strides, window.dilations
    return _distinct(height, kh, sh, dh), _distinct(width, kw, sw, dw)


def _distinct(places: int, kernel: int, stride: int, dilation: int) -> int:
    """Rows that windows read, each once."""
    read = {at * stride + tap * dilation for at in range(places) for tap in range(kernel)}
    return len(read)
