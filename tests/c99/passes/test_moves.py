"""Moves in a row are joined, and what nobody reads is left out."""

from __future__ import annotations

import numpy as np

from quantbench.c99.ir.interpreter import execute
from quantbench.c99.nodes.rearrange import Rearrange
from quantbench.c99.passes.moves import joined_moves
from tests.c99.builder import Builder

TURNED = np.arange(24).reshape(2, 3, 4).transpose(1, 2, 0)


def test_moves_and_shapes_between_them_become_one() -> None:
    build = Builder((2, 3, 4))
    x = build.rearrange("input", TURNED)
    x = build.reshape(x, (6, 2, 2))
    x = build.rearrange(x, np.arange(24).reshape(6, 2, 2)[::-1])
    graph = build.graph(build.reshape(x, (4, 2, 3)))
    joined = joined_moves(graph)
    assert [type(node).__name__ for node in joined.nodes] == ["Rearrange"]
    inputs = np.random.default_rng(1).integers(0, 256, (3, 2, 3, 4))
    assert np.array_equal(execute(joined, inputs), execute(graph, inputs))
    (only,) = joined.nodes
    assert isinstance(only, Rearrange)
    assert joined.tensors[only.output].shape == (4, 2, 3)


def test_a_move_that_another_node_reads_stays() -> None:
    build = Builder((2, 3, 4))
    first = build.rearrange("input", TURNED)
    second = build.rearrange(first, np.arange(24).reshape(3, 4, 2)[:, ::-1])
    graph = build.graph(build.add(build.rescale(first), second))
    joined = joined_moves(graph)
    kinds = [type(node).__name__ for node in joined.nodes]
    assert kinds == ["Rearrange", "Rearrange", "Requantize", "Add"]
    inputs = np.random.default_rng(1).integers(0, 256, (3, 2, 3, 4))
    assert np.array_equal(execute(joined, inputs), execute(graph, inputs))
