"""Layers in the words of their user."""

from __future__ import annotations

from quantbench.c99.emit.describe import describe
from quantbench.c99.ir.graph import Pooling, Window
from quantbench.c99.passes.layout import plan
from tests.c99.builder import Builder, lenet


def sentences(build: Builder, output: str) -> list[str]:
    graph = build.graph(output)
    return [describe(step, {}).sentence.partition(": ")[2] for step in plan(graph).steps]


def test_lenet() -> None:
    steps = plan(lenet()).steps
    first = describe(steps[0], {steps[0].work.name: "features.conv1"})
    assert first.sentence == (
        "features.conv1: 1x32x32 -> 6x14x14, 5x5 conv, ReLU, 2x2 average pool"
    )
    assert first.numbers == "uint8 x int8 -> uint8"
    assert describe(steps[-1], {}).operation == "fully connected"


def test_what_is_not_as_usual_is_said() -> None:
    build = Builder((4, 12, 12))
    window = Window((3, 3), (2, 2), (1, 1, 1, 1), (2, 2))
    x = build.conv("input", 8, window, pooling=Pooling("max", Window((2, 2), (1, 1))))
    assert sentences(build, x)[0] == (
        "4x12x12 -> 8x4x4, 3x3 conv stride 2 pad 1 dilation 2, ReLU, 2x2 max pool stride 1"
    )


def test_depthwise_groups_and_joins() -> None:
    build = Builder((4, 6, 6))
    x = build.conv("input", 4, Window((3, 3), pads=(1, 1, 1, 1)), groups=4, activation="none")
    y = build.conv(x, 4, Window((1, 1)), groups=2, activation="none")
    found = sentences(build, build.pool(build.add(x, y), "max", Window((2, 2), (2, 2))))
    assert "3x3 depthwise conv pad 1" in found[0]
    assert "1x1 conv of 2 groups" in found[1]
    assert found[2].startswith("4x6x6 + 4x6x6 -> 4x6x6, add")
    assert found[3] == "4x6x6 -> 4x3x3, 2x2 max pool stride 2"
