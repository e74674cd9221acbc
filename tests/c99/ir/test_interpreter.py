"""The integer network against the real one, layer by layer."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import LIMITS
from quantbench.c99.ir.interpreter import dequantized, quantized, run_all
from tests.c99.networks import networks, written
from tests.c99.real import evaluate

STEPS = 1
"""Between a layer's result and its rounded real result, for the same integers before it: a float
bias is rounded to the accumulator first, and a multiplier to 31 bits.
"""


@settings(max_examples=150, suppress_health_check=[*HealthCheck])
@given(networks())
def test_each_layer_is_within_a_step_of_real_numbers(
    tmp_path_factory: pytest.TempPathFactory,
    network: tuple[onnx.ModelProto, NDArray[np.float32]],
) -> None:
    model, inputs = network
    onnx.checker.check_model(model)
    graph = import_onnx(written(tmp_path_factory, model))
    found = run_all(graph, quantized(inputs, graph.tensors[graph.input]))
    for name, values in found.items():
        low, high = LIMITS[graph.tensors[name].type]
        assert values.shape[1:] == graph.tensors[name].shape
        assert low <= values.min() <= values.max() <= high
    expected, logits = evaluate(model, inputs, found)
    for name in expected.keys() & found.keys():
        assert np.abs(found[name] - expected[name].reshape(found[name].shape)).max() <= STEPS
    output = graph.tensors[graph.output]
    if output.type == "int32" and not graph.final:
        answered = dequantized(found[graph.output], output)
        room = 0.6 * np.array(output.scale) + 1e-5 * np.abs(logits)
        assert (np.abs(answered - logits) <= room).all()
