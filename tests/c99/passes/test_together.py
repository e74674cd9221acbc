"""Several samples at once give the integers that each gives by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build.loader import loaded
from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.passes.layout import plan
from quantbench.c99.passes.together import together
from quantbench.c99.target.target import Target
from tests.c99 import checking
from tests.c99.builder import Builder, lenet


def dense(last: bool) -> Graph:
    build = Builder((1, 5, 4))
    x = build.dense(build.reshape("input", (20,)), 19)
    return build.graph(build.dense(x, 7, activation="clip", last=last))


def test_the_interpreter_gives_the_same() -> None:
    graph = plan(dense(last=False)).graph
    inputs = np.random.default_rng(1).integers(0, 256, (3, 1, 5, 4))
    several = together(graph, 3)
    assert several is not None
    row = inputs.reshape(3, 20).T[None, :, None]
    assert np.array_equal(execute(several, row)[0, :, 0].T, execute(graph, inputs))


def test_other_layers_are_left_alone() -> None:
    assert together(lenet(), 4) is None
    build = Builder((2, 3, 3))
    image = build.graph(build.dense(build.reshape("input", (18,)), 4))
    assert together(image, 4) is None  # its channels would have to be moved


@pytest.mark.parametrize("last", [False, True])
def test_batches_of_every_size_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    graph = dense(last)
    singly = loaded(emit(graph, Target.NATIVE), 1)
    at_once = loaded(emit(graph, Target.NATIVE, Options(samples=4)), 2)
    inputs = np.random.default_rng(2).normal(0, 2, (11, 1, 5, 4)).astype(np.float32)
    for count in range(1, 12):
        assert at_once(inputs[:count]).tobytes() == singly(inputs[:count]).tobytes()
