"""The C gives the bits of execute.py, on every shape that a network may have."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from quantbench.c99.build.library import checked_size
from quantbench.c99.check.golden import vectors
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Graph, Window
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.passes.to_uint8 import to_uint8
from quantbench.c99.target.target import Target
from tests.c99.builder import Builder, lenet
from tests.c99.checking import SANITIZED, command, native, ran
from tests.c99.drawn import graphs

many = settings(max_examples=30, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("type", ["uint8", "int8"])
def test_lenet(tmp_path: Path, type: str) -> None:
    files = emit(lenet(type="int8" if type == "int8" else "uint8")).files
    assert ran(files, tmp_path, "-Os") == "PASS: 8 vectors\n"
    assert ran(files, tmp_path, *SANITIZED) == "PASS: 8 vectors\n"


@many
@given(graphs())
def test_any_network(graph: Graph) -> None:
    with TemporaryDirectory() as folder:
        assert ran(emit(graph).files, Path(folder), *SANITIZED).startswith("PASS")


@many
@given(graphs())
def test_any_network_in_wide_registers(graph: Graph) -> None:
    """On a CPU without them the same text must give the same by its portable half."""
    files = emit(graph, Target.NATIVE).files
    with TemporaryDirectory() as folder:
        assert ran(files, Path(folder), *SANITIZED, *native()).startswith("PASS")


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_unsigned_tensors_change_no_real_number(graph: Graph) -> None:
    same = to_uint8(graph)
    values = vectors(same, 2, seed=2)
    moved = graph.tensors[graph.input].to_unsigned
    found = execute(graph, values - moved) + graph.tensors[graph.output].to_unsigned
    assert np.array_equal(execute(same, values), found)


def test_names_of_the_model_stay_in_comments(tmp_path: Path) -> None:
    hostile = '*/ int evil; /* "%s" ??/ \\\n#error é'
    graph = lenet()
    nodes = tuple(replace(node, name=hostile) for node in graph.nodes)
    files = emit(replace(graph, nodes=nodes, name=hostile), Target.NATIVE).files
    assert all("int evil" not in text and text.isascii() for text in files.values())
    assert ran(files, tmp_path, "-O1").startswith("PASS")


def test_only_three_headers_are_included() -> None:
    """And one of intrinsics, where the compiler has them."""
    files = emit(lenet()).files
    there = re.sub(r"#if defined\(__ARM.*?#endif", "", files["model.c"], flags=re.DOTALL)
    included = re.findall(r"#include (\S+)", files["model.h"] + there)
    assert set(included) == {"<stddef.h>", "<stdint.h>", "<string.h>", '"model.h"'}


def test_small_enough_for_a_microcontroller() -> None:
    command()
    size = checked_size(emit(lenet()).files)
    assert size is None or 61_470 + 2_000 < size <= 65_000


def test_the_golden_vectors_notice_a_wrong_weight(tmp_path: Path) -> None:
    files = dict(emit(lenet()).files)
    begin = files["model.c"].index("l4_numbers[] = {")
    files["model.c"] = files["model.c"][:begin] + files["model.c"][begin:].replace(
        "{\n  ", "{\n  1", 1
    ).replace("1-", "-1", 1)
    with pytest.raises(AssertionError, match="FAIL: vector 0, output 0 is"):
        ran(files, tmp_path, "-O1")


def test_no_step_and_one_image_of_one_value(tmp_path: Path) -> None:
    build = Builder((1, 1, 1))
    assert ran(emit(build.graph("input")).files, tmp_path, *SANITIZED).startswith("PASS")


def test_a_kernel_wider_than_the_image(tmp_path: Path) -> None:
    build = Builder((3, 2, 2))
    x = build.conv("input", 5, Window((5, 5), (2, 2), (2, 2, 1, 1)))
    for target in Target:
        files = emit(build.graph(x), target).files
        assert ran(files, tmp_path, *SANITIZED, *native()).startswith("PASS")


def test_depthwise_with_uneven_padding(tmp_path: Path) -> None:
    build = Builder((8, 10, 10))
    x = build.conv("input", 8, Window((3, 3), (2, 2), (0, 0, 1, 1)), groups=8)
    for target in Target:
        files = emit(build.graph(x), target).files
        assert ran(files, tmp_path, *SANITIZED, *native()).startswith("PASS")
