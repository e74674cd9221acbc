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
from quantbench.c99.ir.interpreter import run_all
from quantbench.c99.ir.sizes import multiply_adds
from quantbench.numerics.fixed_point import Integers

_CANDIDATES = 32


def vectors(graph: Graph, count: int, seed: int) -> Integers:
    """The only input [count + 2, *shape] of an unsigned graph, as `all_vectors` chooses it."""
    (only,) = all_vectors(graph, count, seed)
    return only


def all_vectors(graph: Graph, count: int, seed: int) -> tuple[Integers, ...]:
    """Inputs [count + 2, *shape] of an unsigned graph: all 0, all 255 and `count` chosen ones."""
    number = max(count, min(_CANDIDATES, affordable(graph, multiply_adds(graph))))
    rng = np.random.default_rng(seed)
    candidates = tuple(
        np.stack([*islice(drawn(graph, name, rng), 2 + number)]) for name in graph.inputs
    )
    reached = _reached(graph, candidates)
    chosen = [0, 1]  # all 0, all 255
    while len(chosen) < count + 2:
        new = (reached & ~reached[chosen].any(axis=0)).sum(axis=1)
        new[chosen] = -1
        chosen.append(int(new.argmax()))
    return tuple(values[chosen] for values in candidates)


def float32_vectors(graph: Graph, count: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    """Inputs [count + 2, *shape] of a float32 graph: all 0, all 1 and random ones of few digits."""
    rng = np.random.default_rng(seed)
    return tuple(_few_digits(graph.tensors[name].shape, count, rng) for name in graph.inputs)


def _few_digits(shape: Shape, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    random = np.rint(rng.normal(0, 64, (count, *shape))) / 64
    ends = [np.zeros((1, *shape)), np.ones((1, *shape))]
    return np.concatenate([*ends, random]).astype(np.float32)


def _reached(graph: Graph, inputs: tuple[Integers, ...]) -> NDArray[np.bool_]:
    """Whether each input brings each channel of each 8-bit tensor to its ends: bool [N, ends].

    The ends are the lowest and the highest integer to which any of the inputs brings the channel.
    """
    reached = []
    for name, values in run_all(graph, *inputs).items():
        if graph.tensors[name].type != "int32":
            channels = values.reshape(len(values), values.shape[1], -1)
            lowest, highest = channels.min(axis=(0, 2)), channels.max(axis=(0, 2))
            reached.append(channels.min(axis=2) == lowest)
            reached.append(channels.max(axis=2) == highest)
    return np.concatenate(reached, axis=1)
