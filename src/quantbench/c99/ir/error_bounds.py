"""The float32 graph in NumPy's float64, and how far float32 may be from that.

Of n products that are summed in any order, with or without fused multiply-adds, float32 gives

    |sum - exact| <= gamma_n sum |w x|,   gamma_n = n u / (1 - n u),   u = 2**-24

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). This bound is taken of
each output of each layer, from its own weights and values. The errors of the layer before pass
through the weights; there they are taken as independent, as the root of the sum of squares.
That all of them conspire is no bound that helps: it grows by sum |w| from layer to layer, and
would soon pass a wrong weight. Where nothing is weighted (sums of two, averages, maxima) they
are added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.float32 import (
    Activate,
    Add,
    Clamp,
    Conv,
    Dense,
    FloatGraph,
    FloatNode,
    Pad,
    Pool,
)
from quantbench.c99.ir.graph import (
    Concat,
    Pooling,
    Reshape,
    Window,
    last_reads,
)
from quantbench.c99.ir.patches import padded, products, windows

Reals = NDArray[np.float64]
_UNIT = 2.0**-24
_TINY = 2.0**-149
"""Below it a product is 0: an error that no factor bounds."""


@dataclass(frozen=True, eq=False)
class Near:
    """Values [N, ...] and the error that float32 may have at each."""

    values: Reals
    error: Reals

    @property
    def most(self) -> Reals:
        """No computed value is larger."""
        return np.abs(self.values) + self.error


def execute(graph: FloatGraph, inputs: NDArray[np.float32]) -> Near:
    """The output of the network for inputs [N, *shape]."""
    values = inputs.astype(np.float64)
    found = {graph.input: Near(values, np.zeros_like(values))}
    for node, read_last in zip(graph.nodes, last_reads(graph), strict=True):
        found[node.output] = _run(node, graph, found)
        for name in read_last:
            found.pop(name)
    return found[graph.output]


def every_tensor(graph: FloatGraph, inputs: NDArray[np.float32]) -> dict[str, Near]:
    """By name: what each holds for inputs [N, *shape]."""
    values = inputs.astype(np.float64)
    found = {graph.input: Near(values, np.zeros_like(values))}
    for node in graph.nodes:
        found[node.output] = _run(node, graph, found)
    return found


def _run(node: FloatNode, graph: FloatGraph, found: dict[str, Near]) -> Near:
    match node:
        case Conv():
            return _conv(node, found[node.input])
        case Dense():
            one = _reshaped(found[node.input], (node.weights.shape[1], 1, 1))
            weights, ones = node.weights[:, :, None, None], Window((1, 1))
            sums = _sums(one, weights, node.bias, ones, 1)
            return _clamped(_reshaped(sums, (len(weights),)), node.clamp)
        case Pool():
            return _pool(node, found[node.input])
        case Add():
            one, other = (found[name] for name in node.inputs)
            values, error = one.values + other.values, one.error + other.error
            return _clamped(Near(values, error + _UNIT * (np.abs(values) + error)), node.clamp)
        case Activate():
            return _clamped(found[node.input], node.clamp)
        case Concat():
            parts = [found[name] for name in node.inputs]
            return Near(
                np.concatenate([part.values for part in parts], axis=1),
                np.concatenate([part.error for part in parts], axis=1),
            )
        case Pad():
            one = found[node.input]
            return Near(padded(one.values, node.pads, node.value), padded(one.error, node.pads, 0))
        case Reshape():
            return _reshaped(found[node.input], graph.tensors[node.output].shape)


def _conv(node: Conv, near: Near) -> Near:
    pads = node.window.pads
    framed = Near(padded(near.values, pads, 0), padded(near.error, pads, 0))
    sums = _sums(framed, node.weights, node.bias, node.window, node.groups)
    acc = _clamped(sums, node.clamp)
    return _pooled(acc, node.pooling) if node.pooling else acc


def _sums(
    near: Near, weights: NDArray[np.float32], bias: NDArray[np.float32], window: Window, groups: int
) -> Near:
    """Of [N, C, H, W], with the bias, in any order."""
    w, b = weights.astype(np.float64), bias.astype(np.float64)[:, None, None]

    def summed(values: Reals, factors: Reals) -> Reals:
        return products(windows(values, window), factors, groups)

    terms = math.prod(weights.shape[1:]) + 1
    own = _gamma(terms) * (summed(near.most, np.abs(w)) + np.abs(b)) + terms * _TINY
    passed = summed(near.error**2, w**2)
    return Near(summed(near.values, w) + b, np.asarray(np.sqrt(own**2 + passed)))


def _pooled(near: Near, pooling: Pooling) -> Near:
    values, error = (windows(one, pooling.window) for one in (near.values, near.error))
    if pooling.kind == "max":
        return Near(values.max(axis=(4, 5)), error.max(axis=(4, 5)))
    n = math.prod(pooling.window.kernel)
    return _mean(
        values.sum(axis=(4, 5)), error.sum(axis=(4, 5)), windows(near.most, pooling.window), n
    )


def _mean(values: Reals, error: Reals, most: Reals, counts: Reals | int) -> Near:
    """A sum and one division."""
    terms = math.prod(most.shape[4:]) + 1
    own = _gamma(terms) * most.sum(axis=(4, 5))
    return Near(values / counts, (error + own) / counts + terms * _TINY)


def _pool(node: Pool, near: Near) -> Near:
    pads, window = node.window.pads, node.window
    if node.kind == "max":
        values = windows(padded(near.values, pads, -np.inf), window)
        error = windows(padded(near.error, pads, 0), window)
        return Near(values.max(axis=(4, 5)), error.max(axis=(4, 5)))
    values, error, most = (
        windows(padded(one, pads, 0), window) for one in (near.values, near.error, near.most)
    )
    counts: Reals | int = math.prod(window.kernel)
    if not node.count_pads:
        inside = padded(np.ones_like(near.values[:1, :1]), pads, 0)
        counts = windows(inside, window).sum(axis=(4, 5))
    return _mean(values.sum(axis=(4, 5)), error.sum(axis=(4, 5)), most, counts)


def _clamped(near: Near, clamp: Clamp) -> Near:
    """Errors don't grow by it."""
    low = -np.inf if clamp.low is None else clamp.low
    high = np.inf if clamp.high is None else clamp.high
    return Near(np.minimum(np.maximum(near.values, low), high), near.error)


def _reshaped(near: Near, shape: tuple[int, ...]) -> Near:
    whole = (len(near.values), *shape)
    return Near(near.values.reshape(whole), near.error.reshape(whole))


def _gamma(terms: int) -> float:
    return terms * _UNIT / (1 - terms * _UNIT)
