"""A network with ReLU6, quantized so that its limit is in nothing but a range."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import nn

from quantbench.c99.check.integer import verify
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_network
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from quantbench.c99.nodes.conv import Conv
from quantbench.export.to_onnx import export
from quantbench.system.silence import silenced
from quantbench.tasks.task import Task

EPOCHS, BATCH = 12, 60


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, *batches: dict[str, NDArray[np.float32]]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)


def network() -> nn.Module:
    """Few channels with weights that reach 6, as MobileNet's do once they are trained long."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU6(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.ReLU6(),
        nn.Conv2d(8, 32, 1),
        nn.ReLU6(),
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    with torch.no_grad():
        for layer in (model[0], model[2], model[4]):
            assert isinstance(layer, nn.Conv2d)
            layer.weight *= 6
    return model


def trained(task: Task) -> nn.Module:
    model = network()
    assert task.train is not None
    assert task.train.targets is not None
    inputs = torch.from_numpy(task.train.inputs()[0])
    labels = torch.from_numpy(task.train.targets.copy())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for begin in range(0, len(labels), BATCH):
            part = slice(begin, begin + BATCH)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[part]), labels[part]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def file(
    tasks: Callable[[str], Task], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Task]:
    task = tasks("lenet")
    folder = tmp_path_factory.mktemp("relu6")
    inputs = task.calibration.inputs()[0]
    export(trained(task), task.network, folder / "float.onnx")
    name = onnx.load(folder / "float.onnx").graph.input[0].name
    with silenced():
        quantize_static(
            folder / "float.onnx", folder / "model.onnx", _Reader({name: inputs}),
            quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=True,
        )  # fmt: skip
    return folder / "model.onnx", task


def test_the_limit_that_only_a_range_holds_is_kept(file: tuple[Path, Task]) -> None:
    path, _ = file
    assert "Clip" not in {node.op_type for node in onnx.load(path).graph.node}
    network = read(path)
    graph = import_network(network)
    pooled = [node for node in graph.nodes if isinstance(node, Conv) and node.pooling]
    assert [node.high is not None for node in pooled] == [True]
    verify(network, graph)


def test_answers_are_onnx_runtimes(file: tuple[Path, Task]) -> None:
    path, task = file
    inputs = task.test.inputs()[0]
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), plain)
    (theirs,) = session.run(None, {session.get_inputs()[0].name: inputs})
    graph = import_network(read(path))
    output = graph.tensors[graph.output]
    integers = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    ours = dequantized(integers, output)
    assert (theirs.argmax(1) == task.test.targets).mean() > 0.9
    assert (ours.argmax(1) == theirs.argmax(1)).mean() >= 0.995
    assert np.abs(ours - theirs).mean() < 0.5 * output.scale[0]
