"""Depthwise layers for NEON: which they are, and their bits on a simulated processor."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Type, Window
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import NEON, NEON_DOT, SSE2
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder
from tests.c99.speed.networks import DILATED, POINT, SAME
from tests.targets.machines import MACHINES, Machine, pass_by_neon


def shapes(type: Type = "uint8", *, dyadic: bool = False, last: bool = False) -> Graph:
    """Channels that fill the lanes, and that don't; a large window, pads, strides, dilations."""
    build = Builder((3, 9, 14), type=type, dyadic=dyadic)
    x = build.conv("input", 8, POINT)
    x = build.conv(x, 8, SAME, groups=8)
    x = build.conv(x, 19, POINT)
    x = build.conv(x, 19, DILATED, groups=19, activation="clip")
    x = build.conv(
        x, 19, Window((5, 5), (1, 2), (2, 2, 2, 2)), groups=19, activation="none", per_channel=False
    )
    halving = Window((3, 3), (2, 2), (1, 0, 1, 1))
    return build.graph(build.conv(x, 19, halving, groups=19, last=last))


def test_which_layers_have_kernels() -> None:
    steps = plan(shapes()).steps
    depthwise = [number for number, step in enumerate(steps) if step.work.groups > 1]  # type: ignore[attr-defined]
    assert depthwise == [1, 3, 4, 5]
    for isa in (NEON, NEON_DOT):
        codes = [select.code(steps[number], isa) for number in depthwise]
        assert all(code and "model_products_8" in code.text for code in codes)
    few = Builder((4, 5, 5))
    (step,) = plan(few.graph(few.conv("input", 4, SAME, groups=4))).steps
    assert select.code(step, NEON) is None


def test_other_sets_have_none_of_them() -> None:
    text = emit(shapes(), Target.NATIVE, Options(isas=(SSE2.name,))).files["model.c"]
    assert "model_products_8" not in text


@pytest.mark.targets
@pytest.mark.parametrize("machine", MACHINES[:2], ids=lambda machine: machine.name)
def test_the_same_bits(tmp_path: Path, machine: Machine) -> None:
    graphs = (shapes(), shapes("int8", last=True), shapes("int8", dyadic=True))
    pass_by_neon(graphs, tmp_path, machine)
