"""A float32 network is compared with its file, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from quantbench.c99.check.float32 import verify
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_network
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.target.target import Dtype
from quantbench.errors import CompileError
from tests.c99.float32_networks import networks
from tests.c99.models import Model
from tests.c99.networks import written


@settings(max_examples=60, suppress_health_check=[*HealthCheck])
@given(networks())
def test_random_networks(
    tmp_path_factory: pytest.TempPathFactory,
    network: tuple[onnx.ModelProto, NDArray[np.float32]],
) -> None:
    file = read(written(tmp_path_factory, network[0]))
    verify(file, import_network(file, Dtype.FLOAT32))


@pytest.mark.parametrize("batch", ["n", 3, 10])
def test_a_lost_limit_is_found(tmp_path: Path, batch: str | int) -> None:
    model = Model(shape=(batch, 2, 4, 4))
    weights = np.random.default_rng(1).normal(0, 4, (3, 2, 2, 2))
    model.add("Conv", None, model.constant(weights))
    model.add("Clip", None, model.constant(0.0), model.constant(6.0))
    model.last = model.add("Flatten", model.last)
    file = read(model.saved(tmp_path))
    graph = import_network(file, Dtype.FLOAT32)
    verify(file, graph)
    (conv, *others) = graph.nodes
    assert isinstance(conv, Conv)
    wrong = replace(conv, high=None)
    with pytest.raises(CompileError, match="a fault in quantbench"):
        verify(file, replace(graph, nodes=(wrong, *others)))
