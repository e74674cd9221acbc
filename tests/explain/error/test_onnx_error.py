"""Errors by layer of ONNX files, against ONNX Runtime's debugging tools and ONNX's reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_static,
)
from onnxruntime.quantization import qdq_loss_debug as debug

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError
from quantbench.explain.error import parts
from quantbench.explain.error.onnx_error import onnx_errors
from quantbench.explain.error.onnx_reference import without_rounding
from quantbench.explain.error.qoperator import as_qdq
from quantbench.explain.records import ErrorByLayer, LayerError
from quantbench.export.ort_quantizer import float_onnx
from quantbench.studies.own import Own, own_task
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.explain.conftest import artifact_of, task_of

Array = NDArray[Any]
LAYERS = {
    "input": "input",
    "stem": "relu",
    "branch": "conv2d_1",
    "add_20": "relu_1",
    "head": "logits",
}
"""Layer of the residual network -> its last tensor in the float graph."""


@pytest.fixture(scope="module")
def float_file(residual: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float") / "float.onnx"
    float_onnx(residual.network, path)
    return path


@pytest.fixture(scope="module")
def errors(
    residual: Task, ort_static: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> ErrorByLayer:
    return measured(ort_static, residual, tmp_path_factory.mktemp("errors"))


def measured(artifact: Artifact, task: Task, scratch: Path) -> ErrorByLayer:
    return onnx_errors(artifact, task.network, task.test, scratch, NO_PROGRESS)


def by_layer(errors: ErrorByLayer) -> dict[str, LayerError]:
    return {layer.layer: layer for layer in errors.layers}


def file_of(artifact: Artifact) -> onnx.ModelProto:
    return onnx.load(artifact.folder / "model.onnx")


def with_file(artifact: Artifact, model: onnx.ModelProto, folder: Path) -> Artifact:
    onnx.save(model, folder / "model.onnx")
    return replace(artifact, folder=folder)


class Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Array) -> None:
        self._batches = iter([{"input": inputs}])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._batches, None)


def plainly(model: onnx.ModelProto, inputs: Array) -> Array:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"input": inputs})[0]


def test_each_layer_is_what_onnxruntimes_debugger_says(
    residual: Task, ort_static: Artifact, float_file: Path, errors: ErrorByLayer, tmp_path: Path
) -> None:
    """`qdq_loss_debug` compares tensors of the same name in both files, run without fusing."""
    quantized = ort_static.folder / "model.onnx"
    seen = []
    for number, source in enumerate((float_file, quantized)):
        watched = tmp_path / f"{number}.onnx"
        debug.modify_model_output_intermediate_tensors(source, watched)
        plain = ort.SessionOptions()
        plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        reader = Reader(residual.test.inputs()[0])
        seen.append(debug.collect_activations(str(watched), reader, plain))
    told = debug.compute_activation_error(debug.create_activation_matching(seen[1], seen[0]))
    found = by_layer(errors)
    for layer in ("input", "stem", "branch", "add_20"):
        assert found[layer].sqnr_db == pytest.approx(told[LAYERS[layer]]["xmodel_err"], abs=1e-3)


def test_the_last_layer_has_the_error_of_the_whole_file(
    residual: Task, ort_static: Artifact, float_file: Path, errors: ErrorByLayer
) -> None:
    inputs = residual.test.inputs()[0]
    expected = plainly(onnx.load(float_file), inputs)
    outputs = plainly(file_of(ort_static), inputs)
    told = debug.compute_signal_to_quantization_noice_ratio(expected, outputs)
    assert errors.layers[-1].layer == "head"
    assert errors.layers[-1].sqnr_db == pytest.approx(told, abs=1e-3)


def test_a_layer_alone_is_what_onnxs_reference_makes_of_float_values(
    residual: Task, ort_static: Artifact, float_file: Path, errors: ErrorByLayer
) -> None:
    real = ReferenceEvaluator(named(onnx.load(float_file), ["relu", "conv2d_1"]))
    read, expected = real.run(None, {"input": residual.test.inputs()[0]})
    model = file_of(ort_static)
    by_output = {node.output[0]: node for node in model.graph.node}
    conv = by_output["conv2d_1"]
    dequantize = by_output["conv2d_1_DequantizeLinear_Output"]
    nodes = [by_output[conv.input[1]], by_output[conv.input[2]], conv,
             by_output[dequantize.input[0]], dequantize]  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "alone",
        [value(conv.input[0], onnx.TensorProto.FLOAT, None)],
        [value(dequantize.output[0], onnx.TensorProto.FLOAT, None)],
        model.graph.initializer,
    )
    alone = ReferenceEvaluator(helper.make_model(graph, opset_imports=model.opset_import))
    (made,) = alone.run(None, {conv.input[0]: read})
    told = debug.compute_signal_to_quantization_noice_ratio(expected, made)
    assert by_layer(errors)["branch"].made_db == pytest.approx(told, abs=0.01)


def named(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    del model.graph.output[:]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    return model


def test_pairs_dont_rest_on_names(
    residual: Task, ort_static: Artifact, errors: ErrorByLayer, tmp_path: Path
) -> None:
    model = file_of(ort_static)
    kept = {"input", "logits"}
    for node in model.graph.node:
        node.name = f"n-{node.name}"
        for field in (node.input, node.output):
            field[:] = [name if name in kept or not name else f"t-{name}" for name in field]
    for tensor in model.graph.initializer:
        tensor.name = f"t-{tensor.name}"
    del model.graph.value_info[:]
    renamed = measured(with_file(ort_static, model, tmp_path), residual, tmp_path)
    assert renamed.layers == errors.layers


def test_few_layers_at_a_time_tell_the_same(
    residual: Task,
    ort_static: Artifact,
    errors: ErrorByLayer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "MAX_VALUES", 1000)  # the first layer has 512 numbers a sample
    apart = measured(ort_static, residual, tmp_path)
    assert [layer.layer for layer in apart.layers] == [layer.layer for layer in errors.layers]
    for one, other in zip(apart.layers, errors.layers, strict=True):
        assert one.model_dump() == pytest.approx(other.model_dump())


def planted(model: onnx.ModelProto, factor: float) -> None:
    """Make the first output channel of "branch" louder, whose range stays as it was observed."""
    for tensor in model.graph.initializer:
        if tensor.name in ("branch.weight_scale", "branch.bias_quantized_scale"):
            scale = numpy_helper.to_array(tensor).copy()
            scale[0] *= factor
            tensor.CopyFrom(numpy_helper.from_array(scale, tensor.name))


def test_an_outlier_channel_shows_in_its_layer_and_not_before(
    residual: Task, ort_static: Artifact, errors: ErrorByLayer, tmp_path: Path
) -> None:
    def build() -> Any:
        module = residual.network.module()
        module.branch.weight.data[0] *= 20
        module.branch.bias.data[0] *= 20
        return module

    louder = replace(residual, network=replace(residual.network, make_module=build))
    model = file_of(ort_static)
    planted(model, 20)
    found = by_layer(measured(with_file(ort_static, model, tmp_path), louder, tmp_path))
    clean = by_layer(errors)
    assert found["stem"] == clean["stem"]
    assert found["branch"].made_db < clean["branch"].made_db - 20
    assert found["branch"].clipped > 0.05 > clean["branch"].clipped
    assert found["head"].made_db > 40  # it makes no error of its own
    assert found["head"].sqnr_db < clean["head"].sqnr_db - 10  # but carries this one


@pytest.mark.parametrize("method", ["ort_dynamic", "nncf_static"])
def test_other_quantizers_files(method: str, residual: Task, tmp_path: Path) -> None:
    artifact = artifact_of(residual, method, "onnx", tmp_path)
    found = by_layer(measured(artifact, residual, tmp_path))
    assert {"stem", "branch", "add_20", "mean", "head"} <= found.keys()
    assert found["stem"].kind == "Conv2d"
    for layer in ("stem", "branch", "head"):
        assert 30 < found[layer].sqnr_db <= found[layer].made_db < 60
    if method == "ort_dynamic":
        assert {layer.levels for layer in found.values()} == {0}
        assert found["add_20"].made_db == 200  # it computes in float32


def test_histograms_hold_weights_and_outputs_with_their_ranges(errors: ErrorByLayer) -> None:
    found = {(each.layer, each.what): each for each in errors.histograms}
    assert {layer for layer, what in found if what == "weights"} == {"stem", "branch", "head"}
    weights, outputs = found["branch", "weights"], found["stem", "activations"]
    assert sum(weights.counts) == 8 * 8 * 3 * 3
    assert sum(outputs.counts) == 40 * 8 * 8 * 8
    assert outputs.low == 0  # behind a ReLU
    assert weights.low == pytest.approx(weights.edges[0], rel=0.02)


def quantized(task: Task, source: Path, path: Path, form: QuantFormat) -> onnx.ModelProto:
    quantize_static(source, path, Reader(task.calibration.inputs()[0]), quant_format=form)
    return onnx.load(path)


def test_integer_operators_are_as_quantizing_and_dequantizing_ones(
    residual: Task, ort_static: Artifact, float_file: Path, tmp_path: Path
) -> None:
    files = {
        form: quantized(residual, float_file, tmp_path / f"{form.name}.onnx", form)
        for form in (QuantFormat.QDQ, QuantFormat.QOperator)
    }
    written = files[QuantFormat.QOperator]
    assert "QLinearConv" in {node.op_type for node in written.graph.node}
    onnx.checker.check_model(as_qdq(written))
    inputs = residual.test.inputs()[0]
    steps = np.abs(plainly(as_qdq(written), inputs) - plainly(written, inputs))
    assert steps.max() < 0.006  # two steps of the output's format
    a, b = (
        by_layer(measured(with_file(ort_static, file, tmp_path), residual, tmp_path))
        for file in files.values()
    )
    assert a.keys() == b.keys()
    for layer in a:
        assert a[layer].made_db == pytest.approx(b[layer].made_db, abs=0.7)


def test_an_integer_operator_that_isnt_known_is_named() -> None:
    node = helper.make_node("QLinearWhere", ["c"], ["y"], name="choice")
    model = helper.make_model(helper.make_graph([node], "g", [], []))
    with pytest.raises(UnavailableError, match="'choice' is a QLinearWhere"):
        as_qdq(model)


@pytest.mark.parametrize("method", ["ort_static", "ort_dynamic"])
def test_a_file_that_came_quantized_is_compared_with_itself_without_rounding(
    method: str,
    residual: Task,
    ort_static: Artifact,
    float_file: Path,
    tmp_path: Path,
) -> None:
    artifact = (
        ort_static if method == "ort_static" else artifact_of(residual, method, "onnx", tmp_path)
    )
    file, inputs = file_of(artifact), residual.test.inputs()[0]
    real = plainly(without_rounding(file), inputs)
    expected = plainly(onnx.load(float_file), inputs)
    weights_alone = debug.compute_signal_to_quantization_noice_ratio(expected, real)
    assert weights_alone > 40  # the ReLU that the quantizer deleted is there
    samples = (residual.calibration.inputs()[0], residual.test.inputs()[0])
    given = Own(network=artifact.folder / "model.onnx", calibration=samples[0], test=samples[1])
    task = own_task(given, tmp_path / "given")
    assert task.network.quantized
    found = by_layer(measured(artifact, task, tmp_path))
    assert {"stem", "branch", "head"} <= found.keys()
    told = debug.compute_signal_to_quantization_noice_ratio(real, plainly(file, inputs))
    assert found["head"].sqnr_db == pytest.approx(told, abs=1e-3)


def test_a_network_of_one_batch_alone(
    residual: Task, ort_static: Artifact, errors: ErrorByLayer, tmp_path: Path
) -> None:
    """40 samples fill two and a half batches of 16: those that fill the third don't count."""
    fixed = replace(residual, network=replace(residual.network, fixed_batch=16))
    found = measured(ort_static, fixed, tmp_path)  # the exporter names other nodes otherwise
    for one, other in zip(found.layers, errors.layers, strict=True):
        assert one.model_dump(exclude={"layer"}) == pytest.approx(
            other.model_dump(exclude={"layer"})
        )


def test_a_graph_of_another_network_is_refused(ort_static: Artifact, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="layer"):
        measured(ort_static, task_of("features"), tmp_path)
