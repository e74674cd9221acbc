"""Integers that drive each layer to the ends of its range, beside random ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.rounding import by_channel
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.reshape import Reshape
from quantbench.numerics.fixed_point import Integers

_HIGHEST = 255
_MAX_PROBES = 48
_MAX_VALUES = 2**24
_MAX_PRODUCTS = 2**31


def affordable(graph: Graph, products: int) -> int:
    """The number of probes that a network of so many multiply-adds is tested with."""
    values = sum(tensor.size for tensor in graph.tensors.values())
    return max(
        2, min(_MAX_PROBES, _MAX_VALUES // max(values, 1), _MAX_PRODUCTS // max(products, 1))
    )


def probes(graph: Graph, number: int, seed: int = 1) -> dict[str, Integers]:
    """Integers [number, *shape] for each tensor of a uint8 graph that has an origin.

    The first are the same for all networks; then the weights of the layers that read the tensor
    pick values that bring one output channel after the other as high and as low as it gets.
    """
    rng = np.random.default_rng(seed)
    return {
        name: _held(graph, name, np.stack([*islice(drawn(graph, name, rng), number)]))
        for name in graph.origins
        if graph.tensors[name].type != "int32"
    }


def _held(graph: Graph, name: str, integers: Integers) -> Integers:
    """The integers [N, *shape], up to the highest that the file holds in each channel."""
    for origin in graph.origins[name]:
        if origin.raised:
            integers = np.minimum(
                integers, by_channel(_HIGHEST - np.array(origin.raised), integers.ndim)
            )
    return integers


def drawn(graph: Graph, name: str, rng: np.random.Generator) -> Iterator[Integers]:
    """An endless sequence of integers [*shape] for one 8-bit tensor."""
    tensor = graph.tensors[name]
    shape, readers = tensor.shape, _readers(graph).get(name, [])
    yield from _plain(shape, by_channel(tensor.zero_points, len(shape) + 1), rng)
    jobs = [(node, channel) for node in readers for channel in range(len(node.weights))]
    for at in rng.permutation(len(jobs)):
        node, channel = jobs[at]
        for high in (True, False):
            read = graph.tensors[node.input].shape
            yield _extreme(node, channel, read, rng, high=high).reshape(shape)
    while True:
        yield _noise(shape, rng)


def _plain(
    shape: tuple[int, ...], zero_points: Integers, rng: np.random.Generator
) -> Iterator[Integers]:
    channels = (shape[0], *[1] * (len(shape) - 1))
    yield np.full(shape, 0)
    yield np.full(shape, _HIGHEST)
    yield np.broadcast_to(zero_points, shape)
    yield _noise(shape, rng)
    yield _HIGHEST * rng.integers(0, 2, shape)
    yield _HIGHEST * np.broadcast_to(rng.integers(0, 2, channels), shape)
    yield np.arange(np.prod(shape)).reshape(shape) % (_HIGHEST + 1)
    yield np.where(rng.random(shape) < 0.05, _noise(shape, rng), zero_points)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Integers:
    return rng.integers(0, _HIGHEST + 1, shape)


def _extreme(
    node: Conv | Dense,
    channel: int,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    high: bool,
) -> Integers:
    """An input [*shape] with windows that drive the channel's sum to one end of its range."""
    weights = node.weights[channel]
    if isinstance(node, Dense):
        return np.where((weights > 0) == high, _HIGHEST, 0).reshape(shape)
    values = _noise(shape, rng)
    inputs, kh, kw = weights.shape
    first = channel // (len(node.weights) // node.groups) * inputs
    (top, left), (dh, dw) = node.window.pads[:2], node.window.dilations
    rows = (np.arange(shape[1]) + top) // dh % kh
    columns = (np.arange(shape[2]) + left) // dw % kw
    tiled = weights[:, rows[:, None], columns[None, :]]
    values[first : first + inputs] = np.where((tiled > 0) == high, _HIGHEST, 0)
    return values


def _readers(graph: Graph) -> dict[str, list[Conv | Dense]]:
    """The layers that read each tensor, even if in another shape."""
    shaped: dict[str, str] = {}
    readers: dict[str, list[Conv | Dense]] = {}
    for node in graph.nodes:
        if isinstance(node, Reshape):
            shaped[node.output] = shaped.get(node.input, node.input)
        elif isinstance(node, Conv | Dense):
            readers.setdefault(shaped.get(node.input, node.input), []).append(node)
    return readers
