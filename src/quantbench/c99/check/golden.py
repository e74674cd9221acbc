"""Golden vectors: the inputs with which a compiled network is tested, and the expected outputs.

They are chosen from many by the limits that they reach: in each tensor, for each channel, the
lowest and the highest integer. A kernel that clamps wrongly shows only there.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.check.probes import affordable, drawn
from quantbench.c99.ir.graph import Graph, Shape
from quantbench.c99.ir.interpreter import execute_all
from quantbench.c99.ir.sizes import Arrays, all_in_parts, multiply_adds
from quantbench.numerics.fixed_point import Integers

_CANDIDATES = 32


def vectors(graph: Graph, count: int, seed: int) -> Integers:
    """The only input [count + 2, *shape] of an unsigned graph, as `all_vectors` chooses it."""
    (only,) = all_vectors(graph, count, seed)
    return only


def all_vectors(graph: Graph, count: int, seed: int) -> tuple[Integers, ...]:
    """Inputs [count + 2, *shape] of an unsigned graph: all 0, all 255 and `count` chosen ones."""
    inputs, _ = answered_vectors(graph, count, seed)
    return inputs


def answered_vectors(
    graph: Graph, count: int, seed: int
) -> tuple[tuple[Integers, ...], tuple[Integers, ...]]:
    """The inputs of `all_vectors`, and the network's outputs [count + 2, *shape] for them."""
    number = max(count, min(_CANDIDATES, affordable(graph, multiply_adds(graph))))
    rng = np.random.default_rng(seed)
    candidates = tuple(
        np.stack([*islice(drawn(graph, name, rng), 2 + number)]) for name in graph.inputs
    )
    outputs, reached = _evaluated(graph, candidates)
    chosen = [0, 1]  # all 0, all 255
    while len(chosen) < count + 2:
        new = (reached & ~reached[chosen].any(axis=0)).sum(axis=1)
        new[chosen] = -1
        chosen.append(int(new.argmax()))
    inputs, answers = ([values[chosen] for values in ends] for ends in (candidates, outputs))
    return (*inputs,), (*answers,)


def float32_vectors(graph: Graph, count: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    """Inputs [count + 2, *shape] of a float32 graph: all 0, all 1 and random ones of few digits."""
    rng = np.random.default_rng(seed)
    return tuple(_few_digits(graph.tensors[name].shape, count, rng) for name in graph.inputs)


def _few_digits(shape: Shape, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    random = np.rint(rng.normal(0, 64, (count, *shape))) / 64
    ends = [np.zeros((1, *shape)), np.ones((1, *shape))]
    return np.concatenate([*ends, random]).astype(np.float32)


def _evaluated(
    graph: Graph, inputs: tuple[Integers, ...]
) -> tuple[tuple[Integers, ...], NDArray[np.bool_]]:
    """The outputs, and whether each input brings each channel to its ends: bool [N, ends].

    The channels are those of all 8-bit tensors, and the ends the lowest and the highest integer to
    which any of the inputs brings a channel.
    """

    def run(parts: Arrays) -> Arrays:
        ends: list[Integers] = []

        def watch(name: str, values: Integers) -> None:
            if graph.tensors[name].type != "int32":
                channels = values.reshape(len(values), values.shape[1], -1)
                ends.extend((channels.min(axis=2), channels.max(axis=2)))

        return [*execute_all(graph, parts, watch), *ends]

    results, count = all_in_parts(run, inputs, graph), len(graph.outputs)
    lowest, highest = results[count::2], results[count + 1 :: 2]
    reached = [
        end
        for low, high in zip(lowest, highest, strict=True)
        for end in (low == low.min(axis=0), high == high.max(axis=0))
    ]
    return results[:count], np.concatenate(reached, axis=1)
