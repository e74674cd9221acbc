"""Mixtures against what ONNX Runtime's own quantizer writes for the same nodes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from quantbench import plugins
from quantbench.errors import UnavailableError
from quantbench.explain.mixtures import Mixtures, mixtures_of
from quantbench.export.calibration import Batches
from quantbench.export.ort_quantizer import float_onnx
from quantbench.export.to_onnx import export
from quantbench.samples.records import Array
from quantbench.system.silence import silenced
from quantbench.tasks.task import Task
from tests.kinds.register import register
from tests.methods.ort import made, stored
from tests.methods.test_nncf_static import initialised


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path]:
    """A residual network as an ONNX file, and the folder with what quantizers make of that."""
    folder = tmp_path_factory.mktemp("residual")
    with pytest.MonkeyPatch.context() as patch:
        task = initialised(patch, "residual", folder)
        export(task.network.module(), task.network, folder / "given.onnx")
    network = replace(task.network, make_module=None, onnx=folder / "given.onnx")
    float_onnx(network, folder / "float.onnx")
    return replace(task, network=network), folder


class Feeds(CalibrationDataReader):  # type: ignore[misc]
    """The calibration batches, as ONNX Runtime asks for them."""

    def __init__(self, task: Task) -> None:
        self._batches = iter(Batches(task.calibration, task.network))

    def get_next(self) -> dict[str, Array] | None:
        inputs = next(self._batches, None)
        return None if inputs is None else {"input": inputs[0]}


def answers(model: onnx.ModelProto, inputs: Array) -> Array:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": inputs})[0]


def mixtures(task: Task, folder: Path, method: str = "ort_static", **settings: str) -> Mixtures:
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        artifact = made(task, folder / "artifacts", method, **settings)
        return mixtures_of(task.network, onnx.load(folder / "float.onnx"), stored(artifact))


@pytest.mark.parametrize("layer", ["0", "3.conv2", "4.shortcut", "7"])
def test_a_layer_alone_is_what_onnx_runtime_quantizes_of_its_nodes(
    residual: tuple[Task, Path], tmp_path: Path, layer: str
) -> None:
    """Scales, integers and answers: none differs, for the calibration is the same."""
    task, folder = residual
    mixed = mixtures(task, folder)
    float_model = mixed.float_model
    nodes = [node.name for node in mixed.nodes[layer]]
    read = {name for node in mixed.nodes[layer] for name in node.output}
    nodes += [n.name for n in float_model.graph.node if n.op_type == "Relu" and n.input[0] in read]
    settings = plugins.method("ort_static").SETTINGS().model_dump()
    with silenced():
        quantize_static(
            folder / "float.onnx",
            tmp_path / "theirs.onnx",
            Feeds(task),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=settings["reduce_range"],
            nodes_to_quantize=nodes,
        )
    inputs = task.test.inputs()[0]
    theirs = answers(onnx.load(tmp_path / "theirs.onnx"), inputs)
    ours = answers(mixed.alone([layer]), inputs)
    assert np.array_equal(ours, theirs)
    assert not np.array_equal(ours, answers(float_model, inputs))


@pytest.mark.parametrize("method", ["ort_static", "nncf_static"])
def test_no_layer_left_out_is_the_method_and_every_layer_left_out_is_float32(
    residual: tuple[Task, Path], method: str
) -> None:
    task, folder = residual
    mixed = mixtures(task, folder, method)
    inputs = task.test.inputs()[0]
    assert np.array_equal(answers(mixed.without([]), inputs), answers(mixed.quantized, inputs))
    float_answers = answers(mixed.float_model, inputs)
    every = [layer.name for layer in mixed.layers]
    assert np.array_equal(answers(mixed.without(every), inputs), float_answers)
    assert np.array_equal(answers(mixed.alone([]), inputs), float_answers)


@pytest.mark.parametrize("left", [("3.conv1",), ("0", "4.conv1", "4.shortcut"), ("4.*", "7")])
def test_what_is_left_out_is_what_the_method_leaves_float(
    residual: tuple[Task, Path], left: tuple[str, ...]
) -> None:
    task, folder = residual
    mixed, made_so = mixtures(task, folder), mixtures(task, folder, leave_float=",".join(left))
    names = {layer.name for layer in mixed.layers} - {layer.name for layer in made_so.layers}
    inputs = task.test.inputs()[0]
    ours = answers(mixed.without(names), inputs)
    assert np.array_equal(ours, answers(made_so.quantized, inputs))
    assert not np.array_equal(ours, answers(mixed.quantized, inputs))


def traced(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with names of its own, as of a method that traces the network itself."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    constants = {tensor.name for tensor in other.graph.initializer}
    kept = constants | {value.name for value in (*other.graph.input, *other.graph.output)}
    for node in other.graph.node:
        node.name = f"traced {node.name}"
        for field in (node.input, node.output):
            field[:] = [name if name in kept or not name else f"t {name}" for name in field]
    return other


def test_other_names_change_no_mixture(residual: tuple[Task, Path]) -> None:
    task, folder = residual
    named = mixtures(task, folder)
    found = mixtures_of(task.network, named.float_model, traced(named.quantized))
    inputs = task.test.inputs()[0]
    assert [layer.name for layer in found.layers] == [layer.name for layer in named.layers]
    assert np.array_equal(answers(found.quantized, inputs), answers(named.quantized, inputs))
    for left in ([], ["0"], ["3.conv1", "7"]):
        for ours, theirs in (
            (found.without(left), named.without(left)),
            (found.alone(left), named.alone(left)),
        ):
            assert np.array_equal(answers(ours, inputs), answers(theirs, inputs))


def test_a_file_that_is_no_form_of_the_float_one_is_refused(residual: tuple[Task, Path]) -> None:
    """Its first layer is missing: what follows has no counterpart."""
    task, folder = residual
    mixed = mixtures(task, folder)
    stranger = traced(mixed.quantized)
    first = next(node for node in stranger.graph.node if node.op_type == "Conv")
    first.op_type = "ConvTranspose"
    with pytest.raises(UnavailableError, match="not every layer of the quantized file is found"):
        mixtures_of(task.network, mixed.float_model, stranger)
