"""Layers that read or write 32 bits: which have kernels, and the interpreter's bits by each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.nodes.curve import Curve
from quantbench.c99.nodes.mix import Mix
from quantbench.c99.nodes.product import Product
from quantbench.c99.passes.layout import plan
from quantbench.c99.simd import select
from quantbench.c99.target.isa import (
    AVX2,
    AVX512VBMI,
    AVX512VNNI,
    AVXVNNI,
    ISAS,
    NEON,
    NEON_DOT,
    SSE2,
    Isa,
)
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder
from tests.c99.checking import SANITIZED, chosen, ran
from tests.c99.wide import CASES, SIDES, Wide, layers
from tests.targets.machines import MACHINES, Machine, pass_by_neon


def test_which_layers_have_kernels() -> None:
    steps = [
        step for step in plan(layers(40)).steps if isinstance(step.work, Mix | Curve | Product)
    ]
    for isa in ISAS:
        for step in steps:
            words = isinstance(step.work, Product) and step.output.type == "int32"
            neon = isa in (NEON, NEON_DOT)
            without = (neon and words) or (isinstance(step.work, Product) and isa is SSE2)
            assert (select.code(step, isa) is None) is without, (isa.name, step.work)


def test_what_has_none() -> None:
    """Fewer channels than lanes, a shift for which 32 bits are too few, places that are skipped."""
    (step, *_) = (step for step in plan(layers(8)).steps if isinstance(step.work, Mix))
    assert select.code(step, AVX512VNNI) is not None  # by registers of 256 bits
    assert select.code(replace(step, work=replace(step.work, shift=30)), SSE2) is None
    few = Wide(Builder((3, *SIDES), 1))
    last = few.mix((few.sums("input"),), "uint8", 2**-6)
    for isa in ISAS:
        (step, *_) = (s for s in plan(few.build.graph(last)).steps if isinstance(s.work, Mix))
        assert select.code(step, isa) is None
    steep = Wide(Builder((40, *SIDES), 1))
    last = steep.curve(steep.sums("input"), "uint8", 30)
    steep.build.nodes[-1] = replace(steep.build.nodes[-1], shift=20)
    (step, *_) = (s for s in plan(steep.build.graph(last)).steps if isinstance(s.work, Curve))
    assert select.code(step, AVX2) is None


@pytest.mark.parametrize("isa", [AVX512VBMI, AVX512VNNI, AVXVNNI, AVX2, SSE2], ids=lambda i: i.name)
@pytest.mark.parametrize("channels", CASES)
@pytest.mark.parametrize(("by_channel", "ties"), [(True, False), (False, True)])
def test_the_same_bits(
    tmp_path: Path, isa: Isa, channels: int, by_channel: bool, ties: bool
) -> None:
    """Sanitized: nothing outside of the tensors is read or written."""
    graph = layers(channels, by_channel=by_channel, ties=ties)
    files = emit(graph, Target.NATIVE, Options(isas=(isa.name,))).files
    assert ran(files, tmp_path, *SANITIZED, *chosen(isa)).startswith("PASS")


@pytest.mark.targets
@pytest.mark.parametrize("machine", MACHINES[:2], ids=lambda machine: machine.name)
def test_the_same_bits_on_simulated_processors(tmp_path: Path, machine: Machine) -> None:
    graphs = [layers(17), layers(40, by_channel=False, ties=True)]
    pass_by_neon(graphs, tmp_path, machine)
