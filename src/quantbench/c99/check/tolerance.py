"""How far each value of the integer network may be off the ONNX file's: docs/arithmetic.md.

For given integers before a layer, its result q and the real number t that the file rounds, counted
in steps of q, are at most 1/2 + e apart. e is computed here, for each value: rounded biases and
limits, dropped roundings, and the float32 arithmetic of whoever evaluates the file.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import (
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
)
from quantbench.c99.ir.patches import padded, products, windows
from quantbench.numerics.fixed_point import Integers

Reals = NDArray[np.float64]

MARGIN = 2.0**-8
"""Of a step: factors are held to 31 bits, normalizations computed in float64."""
_UNIT = 2.0**-24
"""Relative error of one operation in float32."""
_EXTRA = 12
"""Operations that a term passes besides its sum: scales, zero points, a normalization."""
_STORED = 2.0**-21
"""Relative difference of a stored bias's scale from the accumulator's: frontend/context.py."""


def excess(node: Node, graph: Graph, integers: Mapping[str, Integers]) -> Reals:
    """e of each value that `node` gives for `integers` [N, *shape] before it, in its steps.

    Of a layer that nothing rounds, it is all that its accumulators may be off, in their steps.
    """
    match node:
        case Conv():
            e = _conv(node, integers[node.input], graph.tensors[node.input])
            return _rounded(e, node.requantize)
        case Dense():
            e = _dense(node, integers[node.input], graph.tensors[node.input])
            return _rounded(e, node.requantize)
        case Pool():
            return _pool(node, integers[node.input], graph.tensors[node.input]) + MARGIN
        case Add():
            pairs = zip(node.inputs, node.zero_points, node.multipliers, strict=True)
            sizes = sum(abs(integers[name] - zero) * float(m) for name, zero, m in pairs)
            return np.asarray(sizes * 2.0**-node.shift * _UNIT * _EXTRA + MARGIN, np.float64)
        case Rescale():
            sizes = np.abs(integers[node.input] - graph.tensors[node.input].zero_point)
            return _rounded(np.asarray(sizes * (_UNIT * _EXTRA), np.float64), node.requantize)
        case Concat() | Pad() | Reshape():
            batch = len(next(iter(integers.values())))
            return np.full((batch, *graph.tensors[node.output].shape), MARGIN)


def passed(node: Node, graph: Graph, before: Mapping[str, Reals]) -> Reals:
    """e of a node that only moves or joins values that were rounded before it, or clamps them."""
    match node:
        case Concat():
            return np.concatenate([before[name] for name in node.inputs], axis=1)
        case Pad():
            return padded(before[node.input], node.pads, MARGIN)
        case Pool():
            around = padded(before[node.input], node.window.pads, 0.0)
            return np.asarray(windows(around, node.window).max(axis=(4, 5)), np.float64)
        case Reshape():
            e = before[node.input]
            return e.reshape(len(e), *graph.tensors[node.output].shape)
        case Rescale():
            return before[node.input]
        case _:
            raise ValueError(f"{node.name}: it computes with values that nothing rounded")


def _conv(node: Conv, values: Integers, input: Tensor) -> Reals:
    sizes = np.abs(values - input.zero_point).astype(np.float64)
    patches = windows(padded(sizes, node.window.pads, 0.0), node.window)
    weights = np.abs(node.weights).astype(np.float64)
    bias = _bias(node, input.zero_point)[:, None, None]
    e = _sums(products(patches, weights, node.groups), bias, weights[0].size)
    return _pooled(e, node.pooling) if node.pooling else e


def _dense(node: Dense, values: Integers, input: Tensor) -> Reals:
    sizes = np.abs(values.reshape(len(values), -1) - input.zero_point).astype(np.float64)
    weights = np.abs(node.weights).astype(np.float64)
    return _sums(sizes @ weights.T, _bias(node, input.zero_point), weights.shape[1])


def _bias(node: Conv | Dense, zero_point: int) -> Reals:
    """[O], without the zero points that were folded into it: an upper bound of its size."""
    flat = node.weights.reshape(len(node.weights), -1).astype(np.float64)
    return np.asarray(np.abs(node.start + zero_point * flat.sum(axis=1)), np.float64)


def _sums(sizes: Reals, bias: Reals, terms: int) -> Reals:
    """Of accumulators, from the sum of their terms' sizes. The half is the bias's rounding, and no
    less than that of a limit.
    """
    return (sizes + bias) * (_UNIT * (terms + _EXTRA)) + bias * _STORED + 0.5


def _pooled(e: Reals, pooling: Pooling) -> Reals:
    patches = windows(e, pooling.window)
    join = patches.max if pooling.kind == "max" else patches.sum
    return np.asarray(join(axis=(4, 5)), np.float64)


def _pool(node: Pool, values: Integers, input: Tensor) -> Reals:
    if node.kind == "max":
        shape = windows(padded(values, node.window.pads, 0), node.window).shape[:4]
        return np.zeros(shape)
    assert node.requantize is not None
    sizes = np.abs(values - input.zero_point).astype(np.float64)
    patches = windows(padded(sizes, node.window.pads, 0.0), node.window)
    terms = patches.shape[4] * patches.shape[5]
    largest = max(float(one.value) for one in node.requantize.multipliers)
    return np.asarray(patches.sum(axis=(4, 5)) * (largest * _UNIT * (terms + _EXTRA)), np.float64)


def _rounded(e: Reals, requantize: Requantize | None) -> Reals:
    """From steps of the accumulators to those of the output."""
    if requantize is None:
        return e
    factors = np.array([float(multiplier.value) for multiplier in requantize.multipliers])
    return np.asarray(e * factors.reshape(-1, *[1] * (e.ndim - 2)) + MARGIN, np.float64)
