"""The C gives the bits of execute.py, on every shape that a network may have."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from quantbench.c99.emit import emit, vectors
from quantbench.c99.execute import execute
from quantbench.c99.graph import Graph
from quantbench.c99.targets import Target
from quantbench.c99.unsigned import offset, unsigned
from tests.c99.checking import SANITIZED, native, passes
from tests.c99.drawn import graphs
from tests.c99.networks import lenet

many = settings(max_examples=30, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("type", ["uint8", "int8"])
def test_lenet(tmp_path: Path, type: str) -> None:
    files = emit(lenet(type="int8" if type == "int8" else "uint8")).files
    assert passes(files, tmp_path, "-Os") == "PASS: 8 vectors\n"
    assert passes(files, tmp_path, *SANITIZED) == "PASS: 8 vectors\n"


@many
@given(graphs())
def test_any_network(graph: Graph) -> None:
    with TemporaryDirectory() as folder:
        assert passes(emit(graph).files, Path(folder), *SANITIZED).startswith("PASS")


@many
@given(graphs())
def test_any_network_in_wide_registers(graph: Graph) -> None:
    """On a CPU without them the same text must give the same by its portable half."""
    files = emit(graph, Target.NATIVE).files
    with TemporaryDirectory() as folder:
        assert passes(files, Path(folder), *SANITIZED, *native()).startswith("PASS")


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_unsigned_tensors_change_no_real_number(graph: Graph) -> None:
    same = unsigned(graph)
    values = vectors(same, 2, seed=2)
    moved = offset(graph.tensors[graph.input])
    found = execute(graph, values - moved) + offset(graph.tensors[graph.output])
    assert np.array_equal(execute(same, values), found)
