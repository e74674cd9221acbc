"""What the methods that write ONNX share."""

from __future__ import annotations

import logging
import random
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic, quantize_static
from torch import Tensor, nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import QuantizeJob
from quantbench.export import ort_quantizer, to_onnx
from quantbench.export.calibration import Batches
from quantbench.export.reading import describe
from quantbench.methods import ort_static
from quantbench.numerics.coverage import LayerNumerics
from quantbench.numerics.formats import FLOAT32
from quantbench.samples.records import Samples
from quantbench.system.progress import NO_PROGRESS
from quantbench.system.record import Settings
from quantbench.system.silence import silenced
from tests.methods.ort import stored
from tests.networks import network_of
from tests.process import python


class Tokens(nn.Module):
    """Linear layers on three dimensions, whose weights the exporter transposes."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, 8, 4, 4)
        self.wide = nn.Linear(8, 16)
        self.relu = nn.ReLU()
        self.narrow = nn.Linear(16, 10, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patch(images).flatten(2).transpose(1, 2)
        return self.narrow(self.relu(self.wide(tokens))).mean(1)


class Residual(nn.Module):
    """An addition between a convolution and its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.relu2 = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.last = nn.Linear(8, 10)

    def forward(self, images: Tensor) -> Tensor:
        found = self.relu(self.norm(self.first(images)))
        return self.last(self.flatten(self.pool(self.relu2(self.depthwise(found) + found))))


def numbered() -> nn.Module:
    """Twelve layers without names of their own: "1.weight" is part of "11.weight"."""
    parts: list[nn.Module] = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)]
    for _ in range(3):
        parts += [nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU()]
    return nn.Sequential(*parts, nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "tokens": Tokens, "residual": Residual, "numbered": numbered,
}  # fmt: skip


def images(count: int = 50) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(count, 1, 32, 32)).astype(np.float32)


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = NETWORKS[request.param]()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 2)
    return model.eval()


def quantized(model: nn.Module, folder: Path, types: str) -> tuple[LayerNumerics, ...]:
    described = network_of(model, (1, 32, 32))
    ort_quantizer.float_onnx(described, folder / "float.onnx")
    samples = Samples("calibration", (images(),))
    with silenced():
        if types == "dynamic":
            quantize_dynamic(
                folder / "float.onnx", folder / "raw.onnx",
                op_types_to_quantize=["Conv", "MatMul", "Gemm"], weight_type=QuantType.QUInt8,
            )  # fmt: skip
        else:
            activations, weights = ort_static._TYPES[types]
            quantize_static(
                folder / "float.onnx", folder / "raw.onnx",
                ort_static.Reader(Batches(samples, described), ["input"], NO_PROGRESS),
                per_channel=True, activation_type=activations, weight_type=weights,
                extra_options={"CalibStridedMinMax": 1},
            )  # fmt: skip
    job = QuantizeJob(
        network=described, calibration=samples, settings=Settings(),
        format="onnx", folder=folder, progress=NO_PROGRESS,
    )  # fmt: skip
    files = ort_quantizer.finished(job, folder / "raw.onnx")
    return describe(job, files, plugins.method("ort_static")).layers


@pytest.mark.parametrize("types", ["dynamic", "u8s8", "u8u8"])
def test_every_layer_is_found_whatever_its_name(
    network: nn.Module, tmp_path: Path, types: str
) -> None:
    told = quantized(network, tmp_path, types)
    expected = [
        name for name, part in network.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    assert [layer.name for layer in told] == expected
    assert all(layer.integer for layer in told), told


def test_what_onnx_runtime_does_not_fuse_is_told_as_float(tmp_path: Path) -> None:
    """Asked of its optimized graph; where a later version fuses it, so says the graph."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Residual().eval()
    told = quantized(model, tmp_path, "s8s8")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(tmp_path / "model.onnx", options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    convolutions = [layer for layer in told if layer.kind == "Conv2d"]
    assert sum(layer.integer for layer in convolutions) == kinds.count("QLinearConv")
    assert sum(not layer.integer for layer in convolutions) == kinds.count("Conv")
    for layer in convolutions:
        if not layer.integer:
            assert layer.reason is not None
            assert layer.reason.startswith(f"ONNX Runtime {ort.__version__} has no integer kernel")
            assert (layer.weights, layer.activations) == ((FLOAT32,), (FLOAT32,))


def test_the_exported_network_is_the_same(network: nn.Module, tmp_path: Path) -> None:
    ort_quantizer.float_onnx(network_of(network, (1, 32, 32)), tmp_path / "float.onnx")
    session = ort.InferenceSession(tmp_path / "float.onnx", providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = network(torch.from_numpy(images())).numpy()
    found = session.run(None, {"input": images()})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["ort_dynamic", "ort_static"])
def test_the_order_that_nodes_came_in_does_not_matter(
    artifacts: Callable[[str, str, str], Artifact], method: str
) -> None:
    model = stored(artifacts("lenet", method, "onnx"))
    expected = to_onnx.tidied(model).SerializeToString(deterministic=True)
    shuffled = onnx.ModelProto()
    shuffled.CopyFrom(model)
    for field in (shuffled.graph.node, shuffled.graph.initializer):
        parts = list(field)
        random.Random(3).shuffle(parts)
        copies = [type(part).FromString(part.SerializeToString()) for part in parts]
        del field[:]
        field.extend(copies)
    assert to_onnx.tidied(shuffled).SerializeToString(deterministic=True) == expected


@pytest.mark.parametrize("method", ["ort_dynamic", "ort_static"])
def test_another_process_writes_the_same_bytes(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, method: str
) -> None:
    """Sets of names have another order there."""
    code = """
import sys
from pathlib import Path
from quantbench import plugins
from quantbench.studies.quantize import quantize
from quantbench.training.checkpoint import with_weights
from tests import tiny
task = tiny.task("mlp")
name, task = sys.argv[1], with_weights(task, tiny.trained(task, Path("a")))
settings = plugins.method(name).SETTINGS()
made = quantize(task, name, settings, "onnx", Path("b"))
print(made.files["model.onnx"].sha256)
"""
    known = artifacts("mlp", method, "onnx").files["model.onnx"].sha256
    child = python("-c", code, method, cwd=tmp_path, PYTHONHASHSEED="7")
    assert (child.stdout.strip(), child.stderr) == (known, "")


def test_a_graph_is_told_a_line_a_node(artifacts: Callable[[str, str, str], Artifact]) -> None:
    model = stored(artifacts("mlp", "float32", "onnx"))
    lines = to_onnx.structure_of(onnx.shape_inference.infer_shapes(model)).splitlines()
    assert len(lines) == len(model.graph.node)
    assert lines[-1].startswith("Gemm ")
    assert lines[-1].endswith(" [batch, 10]")


def test_what_a_library_says_is_silenced_and_no_handler_stays(
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.manager.disable)
    with silenced():
        print("chatter")  # noqa: T201
        logging.warning("chatter")
        warnings.warn("chatter", stacklevel=1)
        sys.stderr.write("progress")
    assert capfd.readouterr() == ("", "progress")
    assert (list(root.handlers), root.manager.disable) == before
