"""Reading what a method wrote: from its files, not from what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from quantbench import plugins
from quantbench.contracts import Files, QuantizeJob
from quantbench.errors import ArtifactError, UnknownNameError
from quantbench.export import reading
from quantbench.methods import dynamic, float32, static_uncalibrated
from quantbench.numerics.formats import NumberFormat
from quantbench.studies.quantize import job_for
from quantbench.system.progress import NO_PROGRESS
from quantbench.system.record import Settings
from quantbench.tasks.task import Task
from tests.networks import network_of

Job = Callable[[str, str], QuantizeJob[Settings]]


@pytest.fixture
def job(task: Task, tmp_path: Path) -> Job:
    def make(method: str, format: str) -> QuantizeJob[Settings]:
        settings = plugins.method(method).SETTINGS()
        return job_for(task, settings, format, tmp_path, NO_PROGRESS)

    return make


def test_every_format_that_methods_write_has_a_reader() -> None:
    written = {f for name in plugins.names("methods") for f in plugins.method(name).FORMATS}
    assert written == set(reading.formats())
    with pytest.raises(UnknownNameError, match="unknown format 'torch'"):
        reading.source("torch")


def test_what_a_method_says_does_not_make_a_file_quantized(job: Job) -> None:
    given = job("float32", "state_dict")
    float32.quantize(given)
    told = reading.describe(given, Files(kind="real"), plugins.method("float32"))
    assert told.numerics.text == "float32"
    assert told.coverage.integer_macs == 0
    assert {layer.reason for layer in told.layers} == {"its weights are float32"}


def test_a_state_of_another_network_is_refused(job: Job) -> None:
    given = job("dynamic", "state_dict")
    files = dynamic.quantize(given)
    other = replace(given, network=network_of(plugins.model("mlp").build(), (1, 32, 32)))
    with pytest.raises(ArtifactError, match="doesn't fit the network that it was written for"):
        reading.describe(other, files, plugins.method("dynamic"))


@pytest.mark.parametrize(("engine", "granularity"), [("x86", "channel"), ("qnnpack", "tensor")])
def test_the_engine_decides_how_uncalibrated_weights_are_scaled(
    job: Job, engine: str, granularity: str
) -> None:
    """PyTorch's default for qnnpack has one scale for a tensor; a sentence said otherwise."""
    if engine not in torch.backends.quantized.supported_engines:
        pytest.fail(f"this build of PyTorch has no {engine}")
    given = job("static_uncalibrated", "state_dict")
    given = replace(given, settings=static_uncalibrated.SETTINGS(engine=engine))
    files = static_uncalibrated.quantize(given)
    told = reading.describe(given, files, plugins.method("static_uncalibrated"))
    assert {format.granularity for format in told.numerics.weights} == {granularity}
    assert {format.scaling for format in told.numerics.activations} == {"unit"}


def test_layers_that_a_runtime_leaves_float_are_float(job: Job) -> None:
    given = job("dynamic", "state_dict")
    files = replace(dynamic.quantize(given), left_float={"classifier.0": "no kernel"})
    told = {x.name: x for x in reading.describe(given, files, plugins.method("dynamic")).layers}
    assert (told["classifier.0"].integer, told["classifier.0"].reason) == (False, "no kernel")
    assert told["classifier.2"].integer


def blockwise(folder: Path) -> None:
    """A Gemm of 4-bit weights with a scale for each 32 rows, as weight-only quantizers write."""
    weights = helper.make_tensor("fc.weight", TensorProto.INT4, [64, 10], [*range(-8, 8)] * 40)
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("DequantizeLinear", ["fc.weight", "scale"], ["w"], axis=0, block_size=32),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "blockwise",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])],
        [weights, numpy_helper.from_array(np.ones((2, 10), np.float32), "scale")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, folder / "model.onnx")


def test_groups_of_weights_are_read_from_onnx(tmp_path: Path) -> None:
    from quantbench.export.onnx_coverage import weights_by_layer
    from quantbench.tasks.records import Layer

    blockwise(tmp_path)
    fc = Layer(name="fc", kind="Linear", output_shape=(10,), parameters=640, macs=640)
    (weights,) = weights_by_layer(onnx.load(tmp_path / "model.onnx"), [fc])["fc"]
    assert weights.format == NumberFormat(
        bits=4, granularity="group", group=32, axis=0, symmetric=True, used_bits=4
    )
