"""The layers of a network that came as ONNX, with the multiply-adds that each costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnx.inliner
import onnxruntime as ort

from quantbench.artifacts.onnx_file import checked
from quantbench.errors import ArtifactError, cause
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.records import Layer

_WEIGHTS = {
    "Conv": (1,), "ConvTranspose": (1,), "Gemm": (1,), "MatMul": (1,),
    "FusedConv": (1,), "FusedGemm": (1,), "FusedMatMul": (1,),
    "ConvInteger": (1,), "MatMulInteger": (1,), "MatMulIntegerToFloat": (1,),
    "DynamicQuantizeMatMul": (1,),
    "QLinearConv": (3,), "QLinearMatMul": (3,), "QGemm": (3,),
    "RNN": (1, 2), "GRU": (1, 2), "LSTM": (1, 2),
}  # fmt: skip
"""Operator that multiplies -> where what it multiplies by stands among its inputs."""
_OTHER_PARAMETERS = {
    "Conv": (2,), "ConvTranspose": (2,), "Gemm": (2,), "FusedConv": (2,), "FusedGemm": (2,),
    "QLinearConv": (8,), "QGemm": (6,), "RNN": (3,), "GRU": (3,), "LSTM": (3,),
    "BatchNormalization": (1, 2), "LayerNormalization": (1, 2),
    "InstanceNormalization": (1, 2), "GroupNormalization": (1, 2),
    "PRelu": (1,), "Gather": (0,), "Add": (0, 1), "Mul": (0, 1), "Sub": (0, 1), "Div": (0, 1),
}  # fmt: skip
"""Operator -> where biases, scales and tables stand; running statistics are no parameters."""
_CONVOLUTIONS = ("Conv", "FusedConv", "ConvInteger", "QLinearConv")
_RECURRENT = ("RNN", "GRU", "LSTM")
_ACTIVATIONS = (
    "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Gelu", "Sigmoid", "Tanh", "HardSigmoid",
    "HardSwish", "Softmax",
)  # fmt: skip
_PLUMBING = (
    "Constant", "ConstantOfShape", "Identity", "Cast", "Shape", "Size", "Squeeze", "Unsqueeze",
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Reshape", "Expand", "Range",
)  # fmt: skip
"""Operators that compute nothing a reader would call a layer."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Graph:
    """A graph whose tensors have known shapes: initializers, inputs and what nodes compute."""

    nodes: tuple[onnx.NodeProto, ...]
    stored: Mapping[str, Shape]
    shapes: Mapping[str, Shape]
    producers: Mapping[str, onnx.NodeProto]
    readers: Counter[str]


def onnx_layers(path: Path, inputs: Sequence[TensorSpec], batch: int = 1) -> tuple[Layer, ...]:
    """The nodes that compute something, in the graph's order.

    A layer is named after its weights ("conv1" for "conv1.weight"), else after its node.
    Multiply-adds are those of one sample, from the shapes that zeros [batch, ...] take on their
    way; nodes within loops and branches aren't looked at. Raises ArtifactError for a file that
    isn't ONNX, refers to other files, or can't be run.
    """
    model = onnx.inliner.inline_local_functions(onnx.load_from_string(checked(path).data))
    try:
        computed = _computed_shapes(model, inputs, batch)
    except Exception as error:  # ONNX Runtime's errors have no common base of their own
        raise ArtifactError(f"{path} can't be run on zeros: {cause(error)}") from error
    stored = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    nodes = tuple(model.graph.node)
    graph = _Graph(
        nodes,
        stored,
        {**stored, **computed},
        {name: node for node in nodes for name in node.output},
        Counter(name for node in nodes for name in node.input),
    )
    return tuple(_layer(graph, node, batch) for node in nodes if node.op_type not in _PLUMBING)


def _computed_shapes(
    model: onnx.ModelProto, inputs: Sequence[TensorSpec], batch: int
) -> dict[str, Shape]:
    """The shape of every tensor that a node computes, and of the inputs, from one run.

    Shape inference passes over operators that aren't ONNX's own, such as ONNX Runtime's integer
    ones; a run doesn't.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    outputs = {output.name for output in model.graph.output}
    names = dict.fromkeys(name for node in model.graph.node for name in node.output if name)
    whole.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in outputs
    )
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised as well
    session = ort.InferenceSession(
        whole.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    zeros = {spec.name: spec.zeros(batch) for spec in inputs}
    values = zip(session.get_outputs(), session.run(None, zeros), strict=True)
    shapes = {spec.name: (batch, *spec.shape) for spec in inputs}
    return shapes | {
        output.name: tuple(value.shape) if isinstance(value, np.ndarray) else ()
        for output, value in values
    }


def _layer(graph: _Graph, node: onnx.NodeProto, batch: int) -> Layer:
    shape = graph.shapes.get(node.output[0], ())
    return Layer(
        name=_name(graph, node),
        kind=node.op_type,
        kernel=_kernel(graph, node),
        stride=_integers(node, "strides"),
        activation=_activation(graph, node),
        output_shape=shape[1:],
        parameters=_parameters(graph, node),
        macs=_macs(graph, node) // batch,
    )


def _macs(graph: _Graph, node: onnx.NodeProto) -> int:
    """Multiply-adds of one node for the whole batch; biases aren't counted."""
    output = graph.shapes.get(node.output[0], ())
    if node.op_type == "Einsum":
        return _einsum(graph, node)
    if node.op_type not in _WEIGHTS:
        return 0
    first = graph.shapes[node.input[0]]
    weights = [graph.shapes[node.input[index]] for index in _WEIGHTS[node.op_type]]
    if node.op_type in _CONVOLUTIONS:
        return prod(output) * prod(weights[0][1:])
    if node.op_type == "ConvTranspose":
        return prod(first) * prod(weights[0][1:])
    if node.op_type in _RECURRENT:
        return prod(first[:2]) * sum(prod(weight) for weight in weights)
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return prod(output) * (first[-2] if transposed else first[-1])


def _einsum(graph: _Graph, node: onnx.NodeProto) -> int:
    """The product of the sizes of all its letters, once for each operand after the first."""
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation")
    operands = equation.replace(" ", "").partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for letters, name in zip(operands, node.input, strict=True):
        shape = graph.shapes[name]
        named = letters.replace("...", "")
        front = len(letters.partition("...")[0])
        dots = len(shape) - len(named)
        sizes |= dict(zip(named, (*shape[:front], *shape[front + dots :]), strict=True))
        sizes |= {f".{index}": size for index, size in enumerate(shape[front : front + dots])}
    return prod(sizes.values()) * (len(operands) - 1)


def _parameters(graph: _Graph, node: onnx.NodeProto) -> int:
    """Numbers of the initializers that a node reads as weights, biases or the like."""
    kind = node.op_type
    places = (*_WEIGHTS.get(kind, ()), *_OTHER_PARAMETERS.get(kind, ()))
    names = [node.input[place] for place in places if place < len(node.input)]
    return sum(prod(graph.stored[name]) for name in (_stored(graph, n) for n in names) if name)


def _stored(graph: _Graph, name: str) -> str | None:
    while name not in graph.stored:
        node = graph.producers.get(name)
        passed = ("DequantizeLinear", "QuantizeLinear", "Identity", "Cast", "Transpose")
        if node is None or node.op_type not in passed:
            return None
        name = node.input[0]
    return name


def _name(graph: _Graph, node: onnx.NodeProto) -> str:
    places = _WEIGHTS.get(node.op_type, ())
    weights = _stored(graph, node.input[places[0]]) if places else None
    owner, dot, parameter = (weights or "").rpartition(".")
    if dot and parameter.startswith("weight"):
        return owner
    return node.name or node.output[0]


def _kernel(graph: _Graph, node: onnx.NodeProto) -> Shape:
    if node.op_type in (*_CONVOLUTIONS, "ConvTranspose"):
        return graph.shapes[node.input[_WEIGHTS[node.op_type][0]]][2:]
    return _integers(node, "kernel_shape")


def _integers(node: onnx.NodeProto, attribute: str) -> Shape:
    return next((tuple(a.ints) for a in node.attribute if a.name == attribute), ())


def _activation(graph: _Graph, node: onnx.NodeProto) -> str | None:
    """The activation that alone reads what a multiplying node computes."""
    if node.op_type not in _WEIGHTS or graph.readers[node.output[0]] != 1:
        return None
    reader = next(other for other in graph.nodes if node.output[0] in other.input)
    return reader.op_type if reader.op_type in _ACTIVATIONS else None
