"""The float32 network in float64, against PyTorch, and the bound of float32's error."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import HealthCheck, assume, given, settings
from numpy.typing import NDArray

from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.error_bounds import execute, run_all
from quantbench.c99.target.target import Dtype
from tests.c99.float32_networks import networks
from tests.c99.networks import written
from tests.c99.real import evaluate

many = settings(max_examples=100, suppress_health_check=[*HealthCheck])
Network = tuple[onnx.ModelProto, NDArray[np.float32]]


@many
@given(networks())
def test_the_same_numbers_as_pytorch_in_float64(
    tmp_path_factory: pytest.TempPathFactory, network: Network
) -> None:
    """But for what becomes weights of float32: a BatchNormalization, an alpha, an interpolation."""
    model, inputs = network
    onnx.checker.check_model(model)
    graph = import_onnx(written(tmp_path_factory, model), Dtype.FLOAT32)
    for name, near in run_all(graph, inputs).items():
        assert near.values.shape == near.error.shape == (3, *graph.tensors[name].shape)
    near = execute(graph, inputs)
    _, wanted = evaluate(model, inputs, {})
    values, error = near.values, near.error
    if graph.final:
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        values = powers / powers.sum(axis=1, keepdims=True)
        error = np.full_like(values, 2 * error.max())
    room = error if _folded(model) else 1e-11 * np.abs(wanted).max()
    assert (np.abs(values - wanted) <= room + 1e-30).all()


@many
@given(networks())
def test_onnx_runtime_is_within_the_bound(
    tmp_path_factory: pytest.TempPathFactory, network: Network
) -> None:
    """It sums in another order than we do, and folds in another way, or not at all."""
    model, inputs = network
    path = written(tmp_path_factory, model)
    graph = import_onnx(path, Dtype.FLOAT32)
    assume(not graph.final and not _folded(model) and not _same(model))
    near = execute(graph, inputs)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"input": inputs})
    assert (np.abs(theirs - near.values) <= near.error + 1e-30).all()


def _folded(model: onnx.ModelProto) -> bool:
    inexact = [
        one.name == "alpha" and one.f == -1.5 for n in model.graph.node for one in n.attribute
    ]
    folded = {"BatchNormalization", "Mul", "Div", "Sub", "Add", "Resize"}
    return any(inexact) or any(node.op_type in folded for node in model.graph.node)


def _same(model: onnx.ModelProto) -> bool:
    """ONNX Runtime doesn't run auto_pad with dilations, or with strides beyond the kernel."""
    return any(one.s.startswith(b"SAME") for node in model.graph.node for one in node.attribute)
