"""The faster portable code: which layers have it, its bits, and that it has no fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options, require_options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.passes.layout import plan
from quantbench.c99.speed import select
from quantbench.c99.target.target import Dtype, Optimize, Target
from quantbench.errors import UsageError
from quantbench.numerics.fixed_point import Multiplier
from tests.c99 import builder
from tests.c99.checking import SANITIZED, command
from tests.c99.speed.networks import GRAPHS, POINT, SAME, Small, lenet
from tests.c99.together import all_pass, drawn

SPEED = Options(optimize=Optimize.SPEED)


def forms(graph: Graph) -> list[str]:
    """The last kernel of each layer."""
    return [select.code(step).kernels[-1] for step in plan(graph).steps]


@pytest.mark.parametrize("make", GRAPHS)
def test_each_convolution_has_one(make: Callable[[], Graph]) -> None:
    graph = make()
    assert {*forms(graph)} <= {"depthwise", "blocked_conv", "dense"}
    assert forms(graph).count("dense") in {0, 3}  # of LeNet one has the whole image as its window


def test_layers_that_have_none() -> None:
    """Groups of several channels, few channels, one position, weights of 9 bits, int32."""
    build = Small((6, 5, 5))
    x = build.conv("input", 6, SAME, groups=2)
    x = build.conv(x, 3, SAME, wide=True)
    x = build.conv(x, 3, SAME, groups=3)
    x = build.conv(x, 1, POINT)
    graph = build.graph(build.conv(x, 2, SAME, last=True))
    assert forms(graph) == ["conv", "conv_w16", "conv", "conv", "conv"]


def test_factors_that_need_the_whole_product() -> None:
    """Those that may tie, and those above a quarter."""
    assert "blocked_conv" not in forms(builder.lenet(dyadic=True))
    graph = lenet()
    first = graph.nodes[0]
    assert isinstance(first, Conv)
    assert first.requantize is not None
    large = (*first.requantize.multipliers[:-1], Multiplier(m=2**30 + 1, s=32))
    requantize = replace(first.requantize, multipliers=large)
    other = replace(graph, nodes=(replace(first, requantize=requantize), *graph.nodes[1:]))
    assert forms(graph)[:2] == ["blocked_conv", "blocked_conv"]
    assert forms(other)[:2] == ["conv", "blocked_conv"]


def test_the_same_bits(tmp_path: Path) -> None:
    """Golden vectors, of the interpreter, under the sanitizers and without a warning."""
    graphs = (*(make() for make in GRAPHS), *drawn(2))
    all_pass([emit(graph, options=SPEED).files for graph in graphs], tmp_path,
             (*command(), *SANITIZED))  # fmt: skip


def test_beside_kernels_for_wide_registers(tmp_path: Path) -> None:
    """A native file whose portable code is chosen by hand."""
    options = replace(SPEED, isas=("sse2", "neon"))
    files = [emit(make(), Target.NATIVE, options).files for make in GRAPHS[1:]]
    all_pass(files, tmp_path, (*command(), "-O0", "-DMODEL_KERNELS=MODEL_PORTABLE"))


def test_float32_has_one_form() -> None:
    with pytest.raises(UsageError, match="--optimize speed is for int8; float32 has one form"):
        require_options(SPEED, Target.PORTABLE, Dtype.FLOAT32)
