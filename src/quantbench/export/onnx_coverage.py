"""What a quantized ONNX graph does to each layer of the float network, read from the graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from quantbench.numerics.coverage import LayerNumerics
from quantbench.tasks.records import Layer

INTEGER_WEIGHT_AT = {
    "ConvInteger": 1, "MatMulInteger": 1, "MatMulIntegerToFloat": 1, "DynamicQuantizeMatMul": 1,
    "QLinearConv": 3, "QLinearMatMul": 3, "QGemm": 3,
}  # fmt: skip
"""Operator that multiplies integers -> where its weights are among its inputs."""
_FLOAT = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_PASSED = ("DequantizeLinear", "QuantizeLinear", "Transpose", "Reshape", "Identity", "Cast")
_MOVED = (
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity",
    "Gather", "Slice", "Split", "MaxPool",
)  # fmt: skip
"""What integers pass unchanged: engines exchange it with the DequantizeLinear before it."""
_ACTIVATIONS = ("Relu", "Clip")
RECURRENT = ("RNN", "LSTM", "GRU")
ATTENTION = "MultiheadAttention"


@dataclass(frozen=True)
class Weights:
    """One tensor of a layer's, as the graph stores it, and the node that multiplies by it."""

    node: onnx.NodeProto
    stored: NDArray[np.generic]
    scale: NDArray[np.generic] | None

    @property
    def text(self) -> str:
        """Such as "int8 per channel (7 bits)"; "float32" where they are."""
        kind = str(self.stored.dtype)
        if self.scale is None or not kind.endswith("int8"):
            return "float32"
        each = "per channel" if self.scale.size > 1 else "per tensor"
        whole = self.stored.astype(np.int64)
        seven = np.abs(whole).max() <= 64 if kind == "int8" else np.ptp(whole) <= 128
        return f"{kind} {each} (7 bits)" if seven else f"{kind} {each}"


class Graph:
    """Who makes and who reads each tensor of an ONNX graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = list(graph.node)
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def producer(self, name: str) -> onnx.NodeProto | None:
        return self._producers.get(name)

    def readers(self, name: str) -> list[onnx.NodeProto]:
        return self._readers.get(name, [])

    def constant(self, name: str) -> NDArray[np.generic] | None:
        tensor = self._tensors.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def is_constant(self, name: str) -> bool:
        return name in self._tensors


def weights_by_layer(
    model: onnx.ModelProto, layers: Iterable[Layer]
) -> dict[str, tuple[Weights, ...]]:
    """Layer name -> its weights in the order of the nodes that multiply by them.

    They are found by their names: quantizers lengthen them, no more. Attention has several.
    """
    names = sorted((layer.name for layer in layers), key=len, reverse=True)
    graph = Graph(model.graph)
    found: dict[str, tuple[Weights, ...]] = {}
    for node in graph.nodes:
        at = INTEGER_WEIGHT_AT.get(node.op_type, 1 if node.op_type in _FLOAT else None)
        if at is None or at >= len(node.input):
            continue
        stored, scale = _origin(graph, node, at)
        layer = next((name for name in names if _is_weight(stored, name)), None)
        values = graph.constant(stored)
        if layer is not None and values is not None:
            weights = Weights(node, values, graph.constant(scale) if scale else None)
            found[layer] = (*found.get(layer, ()), weights)
    return found


def _is_weight(stored: str, layer: str) -> bool:
    _, owner, parameter = stored.rpartition(f"{layer}.")
    return bool(owner) and "weight" in parameter


def layer_numerics(model: onnx.ModelProto, layers: Iterable[Layer]) -> tuple[LayerNumerics, ...]:
    """Of each layer that multiplies, as the graph is written.

    What stands between DequantizeLinear and QuantizeLinear counts as integer: engines fuse it.
    """
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers)
    return tuple(
        _numerics(graph, layer, weights.get(layer.name, ())) for layer in layers if layer.macs
    )


def summary(layers: Iterable[LayerNumerics]) -> str:
    """The number formats of the integer layers, each once, and whether others stayed float."""
    layers = tuple(layers)
    weights = dict.fromkeys(layer.weights for layer in layers if layer.integer)
    activations = dict.fromkeys(layer.activations for layer in layers if layer.integer)
    if not weights:
        return "float32"
    return f"weights {' and '.join(weights)}, activations {' and '.join(activations)}"


def run_in_integers(model: onnx.ModelProto, layers: Iterable[Layer]) -> set[str]:
    """The layers all of whose multiplications are nodes that take integers."""
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers)
    nodes = {
        layer.name: [*(tensor.node for tensor in found), *_products(graph, layer, found)]
        for layer in layers
        if (found := weights.get(layer.name))
    }
    return {name for name, of in nodes.items() if all(n.op_type in INTEGER_WEIGHT_AT for n in of)}


def _numerics(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> LayerNumerics:
    reason = _why_float(graph, layer, weights)
    integer = reason is None
    scale, zero_point = _output_scale(graph, weights[-1].node) if integer else (None, None)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=integer,
        weights=" and ".join(dict.fromkeys(w.text for w in weights)) if integer else "float32",
        activations=_activations(graph, weights[0].node) if integer else "float32",
        reason=reason,
        scale=scale,
        zero_point=zero_point,
    )


def _output_scale(graph: Graph, node: onnx.NodeProto) -> tuple[float | None, int | None]:
    """None where it has none, or one for each channel, as NNCF has before a depthwise layer."""
    after = _quantizer_after(graph, node)
    scale = None if after is None else graph.constant(after.input[1])
    if after is None or scale is None or scale.size > 1:
        return None, None
    zero = graph.constant(after.input[2]) if len(after.input) > 2 else None
    return float(scale.item()), 0 if zero is None else int(zero.item())


def _why_float(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> str | None:
    if layer.kind in RECURRENT:
        return f"{layer.kind} was left float32: the quantizer passes it over"
    if not weights:
        return "no multiplication by its weights was found in the graph"
    for tensor in weights:
        if reason := _why_node_float(graph, tensor):
            return reason
    if not all(_reads_integers(graph, node) for node in _products(graph, layer, weights)):
        return "its products of activations are float32"
    return None


def _why_node_float(graph: Graph, weights: Weights) -> str | None:
    if weights.text == "float32":
        return "its weights were left float32"
    if weights.node.op_type in INTEGER_WEIGHT_AT:
        return None
    before = _source(graph, weights.node.input[0])
    if before is None or before.op_type != "DequantizeLinear":
        return f"its input is float32, from {before.op_type if before else 'the image'}"
    return None


def _reads_integers(graph: Graph, node: onnx.NodeProto) -> bool:
    sources = [_source(graph, name) for name in node.input[:2]]
    return node.op_type in INTEGER_WEIGHT_AT or all(
        source is not None and source.op_type == "DequantizeLinear" for source in sources
    )


def _products(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> Iterable[onnx.NodeProto]:
    """Attention's products of activations: they lie before the last node with its weights."""
    if layer.kind != ATTENTION:
        return []
    known = {tensor.node.output[0] for tensor in weights}
    found: dict[str, onnx.NodeProto] = {}
    waiting, seen = [weights[-1].node.input[0]], set()
    while waiting:
        name = waiting.pop()
        node = graph.producer(name)
        if node is None or name in seen or node.output[0] in known:
            continue
        seen.add(name)
        if node.op_type in (*_FLOAT, *INTEGER_WEIGHT_AT):
            found[node.output[0]] = node
        waiting.extend(node.input)
    return found.values()


def _activations(graph: Graph, node: onnx.NodeProto) -> str:
    before = _source(graph, node.input[0])
    if before is None or before.op_type != "DequantizeLinear":
        return "uint8, scaled at run time"
    zero = graph.constant(before.input[2]) if len(before.input) > 2 else None
    return "uint8" if zero is None else str(zero.dtype)


def _source(graph: Graph, name: str) -> onnx.NodeProto | None:
    """What computes a tensor, seen through nodes that only arrange its numbers."""
    node = graph.producer(name)
    while node is not None and node.op_type in _MOVED:
        node = graph.producer(node.input[0])
    if node is not None and node.op_type == "Concat":
        joined = [_source(graph, part) for part in node.input]
        if all(part is not None and part.op_type == "DequantizeLinear" for part in joined):
            return joined[0]
    return node


def _quantizer_after(graph: Graph, node: onnx.NodeProto) -> onnx.NodeProto | None:
    """The QuantizeLinear that alone reads a node's output, perhaps after an activation."""
    readers = graph.readers(node.output[0])
    if len(readers) == 1 and readers[0].op_type in _ACTIVATIONS:
        readers = graph.readers(readers[0].output[0])
    only = readers[0] if len(readers) == 1 else None
    return only if only is not None and only.op_type == "QuantizeLinear" else None


def _origin(graph: Graph, node: onnx.NodeProto, at: int) -> tuple[str, str | None]:
    """The names of the stored weights and of their scale, seen from the node's input."""
    name, scale = node.input[at], None
    if node.op_type.startswith("Q"):
        scale = node.input[at + 1]
    elif node.op_type in ("MatMulIntegerToFloat", "DynamicQuantizeMatMul"):
        scale = node.input[2 if node.op_type.startswith("D") else 3]
    while (before := graph.producer(name)) is not None and before.op_type in _PASSED:
        if before.op_type == "DequantizeLinear":
            scale = before.input[1]
        name = before.input[0]
    if node.op_type in ("ConvInteger", "MatMulInteger"):
        scale = _scale_after(graph, node)
    return name, scale


def _scale_after(graph: Graph, node: onnx.NodeProto) -> str | None:
    """ConvInteger knows no scale: its sums are cast, then multiplied by input's times weights'."""
    for cast in graph.readers(node.output[0]):
        for product in graph.readers(cast.output[0]):
            for factor in (graph.producer(name) for name in product.input):
                for name in factor.input if factor is not None else ():
                    if graph.is_constant(name):
                        return str(name)
    return None
