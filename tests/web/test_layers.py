"""The integers that the page shows are those of the file: ONNX Runtime computes the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from quantbench.artifacts.artifact import Artifact
from quantbench.samples.records import Array
from quantbench.tasks.task import Task
from quantbench.web.layers import Inside, insides_of, layers, row_layers
from quantbench.web.row_worker import ServedRow


def test_layers_of_every_quantized_onnx_file(
    artifacts: Callable[[str, str, str], Artifact], task: Task
) -> None:
    folders = [artifacts("lenet", method, "onnx").folder for method in ("float32", "ort_static")]
    rows = [ServedRow(folder.name, folder, "c99", 1) for folder in (Path("gone"), *folders)]
    same = ServedRow("the same file", folders[-1], "onnxruntime", 1)
    (inside,) = insides_of([*rows, same])
    assert inside.row == rows[-1].name
    assert insides_of(rows[:-1]) == ()

    digit = task.test.inputs(0, 1)[0]
    shown = layers(inside, digit)
    named = row_layers(inside, digit)
    assert (named.row, named.layers) == (inside.row, shown)
    assert [layer.shape[0] for layer in shown] == [1, 6, 16, 120, 84, 10]
    assert "conv" in shown[1].operation
    for layer in shown:
        assert len(layer.values) == int(np.prod(layer.shape))
        if layer.type == "uint8":
            assert 0 <= min(layer.values) <= max(layer.values) <= 255
    assert len(set(shown[1].values)) > 20
    wanted = onnx_runtime(folders[-1] / "model.onnx", digit, inside)
    assert len(wanted) >= 5
    for name, values in wanted.items():
        layer = next(each for each in shown if each.name == name)
        steps = np.abs(np.asarray(layer.values) - values.reshape(-1).astype(int))
        # Where a file rounds before it pools, the C rounds once: some values are a step apart.
        assert steps.max() <= 1, name
        assert steps.size < 100 or (steps > 0).mean() <= 0.15, name


def onnx_runtime(path: Path, digit: Array, inside: Inside) -> dict[str, Array]:
    """The integers that ONNX Runtime computes for each layer, as the file is written."""
    model, graph = onnx.load(path), inside.graph
    origins = {
        inside.labels[node.name]: graph.origins[node.output][0].name
        for node in graph.nodes
        if node.rounds and graph.origins.get(node.output)
    }
    known = {output for node in model.graph.node for output in node.output}
    for name in (tensor for tensor in origins.values() if tensor in known):
        if name not in {output.name for output in model.graph.output}:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), plain)
    given = session.run([*origins.values()], {session.get_inputs()[0].name: digit})
    return {
        label: values
        for label, values in zip(origins, given, strict=True)
        if values.dtype == np.uint8
    }
