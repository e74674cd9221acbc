"""The layers of a network that came as TensorFlow Lite, with the multiply-adds that each costs."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

from quantbench.artifacts.tflite_file import TfliteGraph, TfliteOperator, read_graph
from quantbench.tasks.records import Layer

WEIGHTS = {
    "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "CONV_3D": 1, "TRANSPOSE_CONV": 1, "FULLY_CONNECTED": 1,
    "BATCH_MATMUL": 1,
}  # fmt: skip
"""Operator that multiplies -> where what it multiplies by stands among its inputs."""
_PLUMBING = (
    "RESHAPE", "QUANTIZE", "DEQUANTIZE", "CAST", "SHAPE", "SQUEEZE", "EXPAND_DIMS", "BROADCAST_TO",
    "PACK", "UNPACK", "FILL", "RANGE", "RANK",
)  # fmt: skip
"""Operators that compute nothing a reader would call a layer."""
_ACTIVATIONS = {1: "ReLU", 2: "ReLU -1 to 1", 3: "ReLU6", 4: "Tanh", 5: "SignBit"}
"""The schema's number of a fused activation -> its name."""


def tflite_layers(path: Path) -> tuple[Layer, ...]:
    """The operators that compute something, in the graph's order, named after their outputs.

    Multiply-adds are those of one sample, from the shapes that the file states; recurrent operators
    count none. Raises ArtifactError for a file that LiteRT can't load.
    """
    return tuple(layer for layer, _ in layers_of(read_graph(path)))


def layers_of(graph: TfliteGraph) -> Iterator[tuple[Layer, TfliteOperator]]:
    """Each layer of a graph with its operator."""
    seen: set[str] = set()
    for place, operator in enumerate(graph.operators):
        if operator.kind in _PLUMBING or not operator.outputs:
            continue
        name = _short(graph.tensors[operator.outputs[0]].name) or operator.kind
        name = f"{name} ({place})" if name in seen else name
        seen.add(name)
        yield _layer(graph, operator, name), operator


def _short(name: str) -> str:
    """The last part of a tensor's place: "Net/torch.nn.Conv2d_c1;1" becomes "Conv2d_c1"."""
    first = next((part for part in name.split(";") if part.strip(";")), name)
    return first.rstrip("/").rpartition("/")[2].rpartition(".")[2] or first


def _layer(graph: TfliteGraph, operator: TfliteOperator, name: str) -> Layer:
    output = graph.tensors[operator.outputs[0]].shape
    fused = vars(operator.options).get("fusedActivationFunction", 0) if operator.options else 0
    return Layer(
        name=name,
        kind=operator.kind,
        kernel=_kernel(graph, operator),
        stride=_stride(operator),
        activation=_ACTIVATIONS.get(fused),
        output_shape=output[1:],
        parameters=sum(
            prod(graph.tensors[place].shape)
            for place in operator.inputs[1:]
            if place >= 0 and operator.kind in WEIGHTS and graph.tensors[place].data is not None
        ),
        macs=_macs(graph, operator) // (output[0] if output and output[0] > 0 else 1),
    )


def _macs(graph: TfliteGraph, operator: TfliteOperator) -> int:
    """Multiply-adds of one operator for the whole batch; biases aren't counted."""
    if operator.kind not in WEIGHTS:
        return 0
    output = prod(graph.tensors[operator.outputs[0]].shape)
    weights = graph.tensors[operator.inputs[WEIGHTS[operator.kind]]].shape
    if operator.kind == "CONV_2D":
        return output * prod(weights[1:])
    if operator.kind == "DEPTHWISE_CONV_2D":
        return output * prod(weights[1:3])
    if operator.kind == "CONV_3D":
        return output * prod(weights[:4])
    if operator.kind == "TRANSPOSE_CONV":
        return prod(graph.tensors[operator.inputs[2]].shape) * prod(weights[:3])
    if operator.kind == "FULLY_CONNECTED":
        return output * weights[-1]
    first = graph.tensors[operator.inputs[0]].shape
    return output * (first[-2] if vars(operator.options).get("adjX") else first[-1])


def _kernel(graph: TfliteGraph, operator: TfliteOperator) -> tuple[int, ...]:
    if "CONV" in operator.kind and operator.kind in WEIGHTS:
        weights = graph.tensors[operator.inputs[WEIGHTS[operator.kind]]].shape
        return weights[:3] if operator.kind == "CONV_3D" else weights[1:3]
    options = vars(operator.options) if operator.options else {}
    if "filterHeight" in options:
        return options["filterHeight"], options["filterWidth"]
    return ()


def _stride(operator: TfliteOperator) -> tuple[int, ...]:
    options = vars(operator.options) if operator.options else {}
    return (options["strideH"], options["strideW"]) if "strideH" in options else ()
