"""The nodes that ONNX Runtime's profiler tells, against the graph that it says it optimized to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import onnxruntime as ort

from quantbench.explain.profiles import onnxruntime
from quantbench.explain.profiling.layer_names import layers_of
from quantbench.explain.profiling.operators import WARM
from quantbench.explain.time_split import floats_in_runtime
from quantbench.methods import ort_static
from quantbench.runtimes.onnxruntime import PROVIDERS, session_options
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.networks import calibration, small


def test_convolutions_that_stay_float_behind_int8_activations_are_named(tmp_path: Path) -> None:
    """With int8 activations it no longer fuses the convolution of a ReLU: it runs in float32."""
    network = small("residual")
    task = Task(network, "random", calibration(network, 32), calibration(network, 8, seed=1))
    settings = ort_static.SETTINGS(types="s8s8")
    artifact = quantize(task, "ort_static", settings, "onnx", tmp_path)
    session = onnxruntime.start(artifact, 1, task.test.inputs(0, 1), tmp_path)
    for _ in range(WARM + 3):
        session.predict(*task.test.inputs(0, 1))
    profile = session.finish()
    assert profile.us.shape == (3, len(profile.operators))

    options = session_options(1)
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(str(artifact.folder / "model.onnx"), options, providers=[*PROVIDERS])
    nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
    assert Counter(o.kind for o in profile.operators) == Counter(node.op_type for node in nodes)

    layers = artifact.body.quantized.layers
    named = layers_of(profile.operators, layers)
    ran = {
        layer.name: operator.part == "integer"
        for operator, its in zip(profile.operators, named, strict=True)
        for layer in its
    }
    assert ran == {layer.name: layer.integer for layer in layers}
    as_written = [
        tuple(layer.model_copy(update={"integer": True}) for layer in its) for its in named
    ]
    moved = floats_in_runtime(profile.operators, as_written)
    assert len(moved) == sum(node.op_type == "Conv" for node in nodes) > 0
