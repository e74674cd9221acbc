from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from torch import nn

from quantbench.errors import ArtifactError
from quantbench.tasks.layers import layers
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.onnx_layers import onnx_layers
from tests.kinds.models import attention, dense, depthwise, gru, lstm, unet
from tests.tasks.exported import exported

IMAGE = (TensorSpec(name="input", shape=(1, 32, 32)),)


def saved(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int | str, ...]],
    weights: dict[str, np.ndarray],
    output: str = "y",
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.mark.parametrize(
    "kind", [attention, depthwise, dense, gru, lstm, unet], ids=lambda kind: kind.__name__[19:]
)
def test_costs_what_the_same_network_costs_in_pytorch(kind, tmp_path: Path) -> None:
    model = kind.build().eval()
    exported(model, tmp_path / "m.onnx", 1, 32, 32)
    expected = sum(layer.macs for layer in layers(model, IMAGE))
    assert sum(layer.macs for layer in onnx_layers(tmp_path / "m.onnx", IMAGE)) == expected > 0


def test_layers_have_the_names_sizes_and_activations_of_the_network(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, stride=2),
        nn.Flatten(), nn.Linear(2 * 30 * 30, 5),
    ).eval()  # fmt: skip
    exported(model, tmp_path / "m.onnx", 1, 32, 32)
    found = [layer for layer in onnx_layers(tmp_path / "m.onnx", IMAGE) if layer.macs]
    assert [
        (x.name, x.kernel, x.stride, x.activation, x.output_shape, x.parameters, x.macs)
        for x in found
    ] == [
        ("0", (3, 3), (2, 2), "Relu", (4, 15, 15), 40, 4 * 225 * 9),
        ("2", (2, 2), (2, 2), None, (2, 30, 30), 34, 4 * 225 * 2 * 4),
        ("4", (), (), None, (5,), 9005, 9000),
    ]


class Reader(CalibrationDataReader):
    def __init__(self) -> None:
        self._rows = iter([{"input": np.ones((2, 1, 32, 32), np.float32)}])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._rows, None)


@pytest.mark.parametrize("format", list(QuantFormat))
def test_integer_operators_cost_what_float_ones_do(format: QuantFormat, tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 30 * 30, 5)
    ).eval()
    exported(model, tmp_path / "float.onnx", 1, 32, 32)
    quantize_static(tmp_path / "float.onnx", tmp_path / "q.onnx", Reader(), quant_format=format)
    found = [layer for layer in onnx_layers(tmp_path / "q.onnx", IMAGE) if layer.macs]
    assert [layer.macs for layer in found] == [4 * 900 * 9, 4 * 900 * 5]
    assert [layer.parameters for layer in found] == [40, 18_005]
    assert ("QLinearConv" in [x.kind for x in found]) is (format is QuantFormat.QOperator)


def test_products_of_activations_are_counted(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["m"], name="product"),
        helper.make_node("Einsum", ["m", "m"], ["e"], equation="...ij,...kj->...ik", name="sum"),
        helper.make_node("Gemm", ["w", "v"], ["y"], transA=1, name="gemm"),
    ]
    weights = {"w": np.ones((3, 4), np.float32), "v": np.ones((3, 6), np.float32)}
    inputs = {"a": ("n", 2, 3, 4), "b": ("n", 2, 4, 5)}
    path = saved(tmp_path / "m.onnx", nodes, inputs, weights)
    specs = (TensorSpec(name="a", shape=(2, 3, 4)), TensorSpec(name="b", shape=(2, 4, 5)))
    found = {layer.name: layer.macs for layer in onnx_layers(path, specs)}
    assert found == {"product": 2 * 3 * 5 * 4, "sum": 2 * 3 * 3 * 5, "gemm": 4 * 6 * 3}


def test_the_batch_that_a_file_fixes_is_divided_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["a", "fc.weight"], ["y"])]
    path = saved(
        tmp_path / "m.onnx", nodes, {"a": (8, 4)}, {"fc.weight": np.ones((4, 3), np.float32)}
    )
    (layer,) = onnx_layers(path, (TensorSpec(name="a", shape=(4,)),), batch=8)
    assert (layer.name, layer.macs, layer.output_shape) == ("fc", 12, (3,))
    with pytest.raises(ArtifactError, match=r"m\.onnx can't be run on zeros"):
        onnx_layers(path, (TensorSpec(name="a", shape=(4,)),))


def test_no_file_but_onnx_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no protocol buffers")
    with pytest.raises(ArtifactError, match="is not an ONNX model"):
        onnx_layers(tmp_path / "m.onnx", IMAGE)
