"""gcc, clang and zig: no warning, no fault that a sanitizer sees, the same bits."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build import toolchain
from quantbench.c99.build.loader import loaded
from quantbench.c99.check.golden import vectors
from quantbench.c99.generate import emit
from quantbench.c99.ir.interpreter import dequantized, execute
from quantbench.c99.target.target import Target
from tests.c99.builder import lenet
from tests.c99.checking import SANITIZED
from tests.c99.together import all_pass, drawn

TARGETS = [Target.PORTABLE, Target.NATIVE]
_FEW = 4


@pytest.fixture(params=["gcc", "clang"])
def command(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param}")
    return str(request.param)


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_networks(tmp_path: Path, command: str, target: Target) -> None:
    networks = [emit(graph, target).files for graph in (lenet(), *drawn(_FEW))]
    all_pass(networks, tmp_path, (command, *SANITIZED, "-march=native"))


@pytest.mark.targets
@pytest.mark.parametrize("flags", [SANITIZED, ("-O3",)], ids=lambda flags: flags[-1])
@pytest.mark.parametrize("target", TARGETS)
def test_many_networks(
    tmp_path: Path, command: str, target: Target, flags: tuple[str, ...]
) -> None:
    networks = [emit(graph, target).files for graph in (lenet(), lenet(type="int8"), *drawn(24))]
    all_pass(networks, tmp_path, (command, *flags, "-march=native"))


def test_zig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler of the Python package index, for who has no other."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("there is no ziglang")
    monkeypatch.setenv("CC", f"{sys.executable} -m ziglang cc")
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    assert toolchain.find().native
    graph = lenet()
    emitted = emit(graph, Target.NATIVE)
    given, taken = (emitted.plan.graph.tensors[one] for one in (graph.input, graph.output))
    inputs = vectors(emitted.plan.graph, 20, seed=3)
    wanted = dequantized(execute(emitted.plan.graph, inputs), taken)
    assert np.array_equal(loaded(emitted, 1)(dequantized(inputs, given)), wanted)
