"""Where half up and half to even give different integers: only there does C pay for the latter.

With m = odd * 2**t an accumulator is at a tie where it is j * 2**(s - 1 - t) for an odd j, and is
then rounded from j * odd / 2. So a multiplier of many significant bits has no tie within the
accumulator's bounds, or only where the result is clamped: docs/arithmetic.md derives it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from quantbench.c99.ir.graph import (
    LIMITS,
    Add,
    Conv,
    Dense,
    Graph,
    Node,
    Pool,
    Requantize,
    Rescale,
)
from quantbench.numerics.fixed_point import Multiplier, accumulator_bounds, nearest_shift


@dataclass(frozen=True)
class Range:
    """All integers from low to high."""

    low: int
    high: int

    def times(self, factor: int) -> Range:
        """The range of a sum of `factor` integers of this one."""
        return Range(self.low * factor, self.high * factor)


def mark_ties(graph: Graph) -> Graph:
    """The same graph, with `ties` False in each node where half up gives the same integers."""
    return replace(graph, nodes=tuple(_marked(node, graph) for node in graph.nodes))


def differ(acc: Range, factor: Multiplier, result: Range) -> bool:
    """Whether half up and half to even differ for any accumulator in `acc`, once what they give
    is clamped to `result`. Exact, in constant time.
    """
    if factor.m == 0:
        return False
    unit = factor.m & -factor.m
    odd, exponent = factor.m // unit, factor.s - unit.bit_length()
    if exponent < 0:  # every product is an integer
        return False
    # A tie lies between k and k + 1, 2 k + 1 = j * odd; half up gives k + 1, and an even k differs.
    lowest = max(-(-acc.low >> exponent), -(-(2 * result.low + 1) // odd))
    highest = min(acc.high >> exponent, (2 * result.high - 1) // odd)
    return lowest + (odd - lowest) % 4 <= highest  # j = odd (mod 4): then j * odd = 1 (mod 4)


def sums_differ(node: Add, inputs: tuple[Range, Range]) -> bool:
    """The same of a sum of two tensors, by trying every pair."""
    result = Range(node.low - node.zero_point, node.high - node.zero_point)
    return _pairs_differ(inputs, node.zero_points, node.multipliers, node.shift, result)


@lru_cache(maxsize=256)  # deep networks have many sums, and few kinds of them
def _pairs_differ(
    inputs: tuple[Range, Range],
    zero_points: tuple[int, int],
    multipliers: tuple[int, int],
    shift: int,
    result: Range,
) -> bool:
    one, other = (
        (np.arange(values.low, values.high + 1, dtype=np.int64) - zero) * m
        for values, zero, m in zip(inputs, zero_points, multipliers, strict=True)
    )
    products = one[:, None] + other
    up = (products + (1 << (shift - 1))) >> shift
    even = nearest_shift(products, shift)
    up, even = (np.clip(values, result.low, result.high) for values in (up, even))
    return bool((up != even).any())


def _marked(node: Node, graph: Graph) -> Node:
    if isinstance(node, Add):
        one, other = (_values(name, graph) for name in node.inputs)
        return replace(node, ties=sums_differ(node, (one, other)))
    if not isinstance(node, Conv | Dense | Pool | Rescale) or node.requantize is None:
        return node
    requantize = node.requantize
    result = Range(requantize.low - requantize.zero_point, requantize.high - requantize.zero_point)
    ties = any(
        differ(acc, factor, result) for acc, factor in _accumulators(node, requantize, graph)
    )
    return replace(node, requantize=replace(requantize, ties=ties))


def _accumulators(
    node: Conv | Dense | Pool | Rescale, requantize: Requantize, graph: Graph
) -> Iterator[tuple[Range, Multiplier]]:
    """Bounds of what meets each multiplier."""
    factors, values = requantize.multipliers, _values(node.input, graph)
    if isinstance(node, Conv | Dense):
        yield from _layer(node, factors, values)
        return
    zero = graph.tensors[node.input].zero_point
    acc = Range(values.low - zero, values.high - zero)
    if isinstance(node, Rescale):
        yield from ((acc, factor) for factor in factors)
        return
    most = math.prod(node.window.kernel)
    counts = [most] if node.count_pads else range(1, most + 1)
    yield from ((acc.times(n), factor) for n, factor in zip(counts, factors, strict=True))


def _layer(
    node: Conv | Dense, factors: tuple[Multiplier, ...], values: Range
) -> Iterator[tuple[Range, Multiplier]]:
    start, weights = node.start.astype(np.int64), node.weights.astype(np.int64)
    least, greatest, _ = accumulator_bounds(start, weights, values.low, values.high)
    if node.low is not None:
        least, greatest = np.maximum(least, node.low), np.maximum(greatest, node.low)
    if node.high is not None:
        least, greatest = np.minimum(least, node.high), np.minimum(greatest, node.high)
    places = 1
    if isinstance(node, Conv) and node.pooling and node.pooling.kind == "average":
        places = math.prod(node.pooling.window.kernel)
    each = factors if len(factors) > 1 else factors * len(start)
    for first, last, factor in zip(least, greatest, each, strict=True):
        yield Range(int(first), int(last)).times(places), factor


def _values(tensor: str, graph: Graph) -> Range:
    return Range(*LIMITS[graph.tensors[tensor].type])
