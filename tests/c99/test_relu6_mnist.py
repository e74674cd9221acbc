"""A LeNet with ReLU6 on the real MNIST: the integers decide as ONNX Runtime does. Slow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.c99.check.integer import verify
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_network
from quantbench.data import Splits, preprocess
from quantbench.data.mnist import SPEC
from quantbench.export.to_onnx import MODEL
from quantbench.runtimes import c99
from quantbench.samples.records import Array
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize

pytestmark = pytest.mark.slow
EPOCHS, BATCH = 2, 100
TRAIN = 12_000
"""Images to train on: enough for 97 %, and for activations that reach their limit."""
MAX_STEPS = 1
"""Of an answer, from ONNX Runtime's: each layer is within its bound, and here no two add up."""


def lenet6() -> nn.Module:
    """LeNet-5 with ReLU6, an average and a maximum; its activations reach 6."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU6(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU6(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU6(), nn.Linear(120, 84), nn.ReLU6(), nn.Linear(84, 10),
    )  # fmt: skip
    with torch.no_grad():
        for layer in (model[0], model[3]):
            assert isinstance(layer, nn.Conv2d)
            layer.weight *= 3
    return model


def trained(images: Array, labels: Array) -> nn.Module:
    model = lenet6()
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(targets)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[part]), targets[part]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def artifact(mnist: Splits, tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, nn.Module]:
    folder = tmp_path_factory.mktemp("relu6")
    images, labels = preprocess(mnist.train.images[:TRAIN], SPEC), mnist.train.labels[:TRAIN]
    network = trained(images, labels)
    test = preprocess(mnist.test.images[:100], SPEC), mnist.test.labels[:100].astype(np.int64)
    task = own_task(Own(network, test=test, calibration=images[:500]), folder)
    settings = plugins.method("ort_static").SETTINGS()
    return quantize(task, "ort_static", settings, "onnx", folder), network


def onnx_runtime(path: Path, inputs: Array) -> Array:
    """The file's answers as it is written, without any optimization."""
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), plain)
    (answers,) = session.run(None, {session.get_inputs()[0].name: inputs})
    return np.asarray(answers)


def test_accuracy_is_onnx_runtimes(
    artifact: tuple[Artifact, nn.Module],
    mnist: Splits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    written, network = artifact
    path = written.folder / MODEL
    graph = import_network(read(path))
    verify(read(path), graph)
    assert "Clip" not in {node.op_type for node in onnx.load(path).graph.node}
    inputs, labels = preprocess(mnist.test.images, SPEC), mnist.test.labels
    with torch.no_grad():
        activations = network[:2](torch.from_numpy(inputs[:1000]))  # type: ignore[index]
        float32 = network(torch.from_numpy(inputs)).numpy()
    assert (activations == 6).float().mean() > 0.01  # the limit matters
    theirs, ours = onnx_runtime(path, inputs), c99.load(written, 1)(inputs)
    right = {
        name: int((answers.argmax(1) == labels).sum())
        for name, answers in (("float32", float32), ("onnxruntime", theirs), ("c99", ours))
    }
    assert right["onnxruntime"] > right["float32"] - 50
    step = graph.tensors[graph.output].scale[0]
    assert np.abs(np.rint((ours - theirs) / step)).max() <= MAX_STEPS
    # Two outputs that move by so many steps change places only where they are twice as near.
    first, second = np.sort(theirs, 1)[:, :-3:-1].T
    close = np.rint((first - second) / step) <= 2 * MAX_STEPS
    otherwise = ours.argmax(1) != theirs.argmax(1)
    assert not (otherwise & ~close).any()
    assert abs(right["c99"] - right["onnxruntime"]) <= otherwise.sum() <= 20, right
