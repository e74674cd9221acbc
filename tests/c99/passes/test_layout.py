from __future__ import annotations

import re

import numpy as np
from hypothesis import HealthCheck, given, settings

from quantbench.c99.ir.graph import Graph, Window
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.permute import Permute
from quantbench.c99.nodes.reshape import Reshape
from quantbench.c99.passes.layout import nhwc_order, plan
from tests.c99.builder import Builder, lenet
from tests.c99.drawn import graphs


def test_lenet_takes_little_memory() -> None:
    """The pooled outputs of two convolutions, which live at once, and nothing else."""
    made = plan(lenet())
    assert made.scratch == 14 * 14 * 6 + 8 + 5 * 5 * 16
    assert [step.output.at for step in made.steps][-1] == "output"


def test_a_dense_takes_up_the_order_of_an_image() -> None:
    build = Builder((3, 4, 5))
    flat = build.reshape("input", (60,))
    graph = build.graph(build.dense(flat, 7))
    (step,) = plan(graph).steps
    given = graph.nodes[1]
    assert isinstance(given, Dense)
    assert isinstance(step.work, Dense)
    as_image = given.weights.reshape(7, 3, 4, 5).transpose(0, 2, 3, 1)
    assert np.array_equal(step.work.weights, as_image.reshape(7, 60))


def test_an_order_that_nothing_takes_up_is_arranged() -> None:
    build = Builder((3, 4, 5))
    flat = build.reshape("input", (60,))
    (step,) = plan(build.graph(flat)).steps
    assert isinstance(step.work, Permute)
    stored = np.arange(60)[nhwc_order((3, 4, 5))]
    assert np.array_equal(stored[step.work.index], np.arange(60))


def test_a_reshape_that_moves_nothing_costs_nothing() -> None:
    build = Builder((6, 5, 5))
    x = build.conv("input", 20, Window((5, 5)))
    made = plan(build.graph(build.reshape(x, (20,))))
    assert len(made.steps) == 1
    assert made.scratch == 0


@settings(suppress_health_check=list(HealthCheck))
@given(graphs())
def test_any_network(graph: Graph) -> None:
    """Each step reads what was written before, from memory that was given."""
    made = plan(graph)
    written = {"input"}
    for step in made.steps:
        assert {place.at for place in step.inputs} <= written
        written.add(step.output.at)
        assert not isinstance(step.work, Reshape)
        for place in (*step.inputs, step.output):
            found = re.fullmatch(r"input|output|scratch \+ (\d+)", place.at)
            assert found
            if found[1]:
                assert int(found[1]) + place.bytes <= made.scratch
    assert made.steps[-1].output.at == "output"
    assert made.output.shape == graph.tensors[graph.output].shape
