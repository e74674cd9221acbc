"""Coverage of an ONNX file, read from its graph and its initializers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from quantbench.artifacts.onnx_file import checked
from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.onnx_graph import Graph, attribute
from quantbench.export.onnx_names import (
    FLOAT,
    INTEGER,
    NO_NAMES,
    Stored,
    given_weights,
    renamed_layer,
    stored_behind,
)
from quantbench.export.pt2e_graph import renamed_weights
from quantbench.export.to_onnx import MODEL, structure_of
from quantbench.numerics.coverage import LayerNumerics, Reading
from quantbench.numerics.formats import FLOAT32, Granularity, NumberFormat, bits_of_range
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import FUNCTIONAL, Layer

_TYPES = {
    "int4": (4, True), "uint4": (4, False), "int8": (8, True), "uint8": (8, False),
    "int16": (16, True), "uint16": (16, False),
}  # fmt: skip
"""Type of stored integers -> bits, signed."""
_MOVED = (
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity",
    "Gather", "Slice", "Split", "MaxPool",
)  # fmt: skip
"""Operators that move integers unchanged: engines swap them with a DequantizeLinear before."""
_ACTIVATIONS = ("Relu", "Clip")
RECURRENT = ("RNN", "LSTM", "GRU")
ATTENTION = "MultiheadAttention"


@dataclass(frozen=True)
class Weights:
    """One stored weight tensor of a layer, and the node that multiplies by it."""

    node: onnx.NodeProto
    format: NumberFormat


def weights_by_layer(
    model: onnx.ModelProto, layers: Iterable[Layer], renamed: Mapping[str, str] = NO_NAMES
) -> dict[str, tuple[Weights, ...]]:
    """Layer name -> its weights, in the order of the nodes that multiply by them.

    Weights are found by their names, which ONNX quantizers only lengthen; `renamed` maps those
    that aren't named after their layers to these. Attention has several.
    """
    names = sorted((layer.name for layer in layers), key=len, reverse=True)
    graph = Graph(model.graph)
    found: dict[str, tuple[Weights, ...]] = {}
    for node in graph.nodes:
        if node.op_type in INTEGER:
            place, *_ = INTEGER[node.op_type]
        elif node.op_type in FLOAT:
            place = 1
        else:
            continue
        if place >= len(node.input):
            continue
        stored = stored_behind(graph, node, place)
        layer = renamed_layer(stored.name, renamed) or next(
            (name for name in names if _is_weight(stored.name, name)), None
        )
        if layer is not None and graph.is_constant(stored.name):
            weights = Weights(node, _weights_format(graph, stored))
            found[layer] = (*found.get(layer, ()), weights)
    return found


def _is_weight(stored: str, layer: str) -> bool:
    _, owner, parameter = stored.rpartition(f"{layer}.")
    return bool(owner) and "weight" in parameter


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """Read each layer's formats.

    Raises ArtifactError unless the file is ONNX and self-contained.
    """
    model = onnx.load_from_string(checked(job.folder / MODEL).data)
    layers = network_layers(job.network)
    renamed = renamed_weights(files.graph) if files.graph else given_weights(job.network, layers)
    found = layer_numerics(model, layers, renamed)
    if (why := files.why_float) is not None:
        found = tuple(
            layer if layer.integer else layer.left_float(why(layer.kind)) for layer in found
        )
    return Reading(found, structure_of(model))


def layer_numerics(
    model: onnx.ModelProto, layers: Iterable[Layer], renamed: Mapping[str, str] = NO_NAMES
) -> tuple[LayerNumerics, ...]:
    """The formats of each layer that multiplies, as the graph is written.

    A product between DequantizeLinear and QuantizeLinear counts as integer: engines fuse the three.
    """
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers, renamed)
    return tuple(
        _numerics(graph, layer, weights.get(layer.name, ())) for layer in layers if layer.macs
    )


def run_in_integers(
    model: onnx.ModelProto, layers: Iterable[Layer], renamed: Mapping[str, str] = NO_NAMES
) -> set[str]:
    """The names of the layers that only nodes on integers multiply."""
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers, renamed)
    nodes = {
        layer.name: [*(tensor.node for tensor in found), *_products(graph, layer, found)]
        for layer in layers
        if (found := weights.get(layer.name))
    }
    return {name for name, of in nodes.items() if all(n.op_type in INTEGER for n in of)}


def _numerics(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> LayerNumerics:
    if not weights and (product := _product_named(graph, layer.name)):
        return _numerics_of_product(graph, layer, product)
    if reason := _why_float(graph, layer, weights):
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = _output_scale(graph, weights[-1].node)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=tuple(dict.fromkeys(w.format for w in weights)),
        activations=tuple(dict.fromkeys(_activations(graph, w.node) for w in weights)),
        scale=scale,
        zero_point=zero_point,
    )


def _product_named(graph: Graph, name: str) -> onnx.NodeProto | None:
    """The product of activations that a layer without weights is named after."""
    products = (*INTEGER, *FLOAT, "Einsum")
    return next(
        (n for n in graph.nodes if n.op_type in products and name in (n.name, n.output[0])), None
    )


def _numerics_of_product(graph: Graph, layer: Layer, node: onnx.NodeProto) -> LayerNumerics:
    if not _reads_integers(graph, node):
        reason = "its product of activations is float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = _output_scale(graph, node)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=(_activations(graph, node, 1),),
        activations=(_activations(graph, node),),
        scale=scale,
        zero_point=zero_point,
    )


def _output_scale(graph: Graph, node: onnx.NodeProto) -> tuple[float | None, int | None]:
    """The scale and zero point of the output; None where there is none, or one for each channel."""
    after = _quantizer_after(graph, node)
    scale = None if after is None else graph.constant(after.input[1])
    if after is None or scale is None or scale.size > 1:
        return None, None
    zero = graph.constant(after.input[2]) if len(after.input) > 2 else None
    return float(scale.item()), 0 if zero is None else int(zero.item())


def _why_float(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> str | None:
    if layer.kind in RECURRENT:
        return f"{layer.kind} was left float32: the quantizer passes it over"
    if layer.name == FUNCTIONAL:
        return "unknown: products outside of layers can't be told apart in the graph"
    if not weights:
        return "unknown: no multiplication by its weights was found in the graph"
    for tensor in weights:
        if reason := _why_node_float(graph, tensor):
            return reason
    if not all(_reads_integers(graph, node) for node in _products(graph, layer, weights)):
        return "its products of activations are float32"
    return None


def _why_node_float(graph: Graph, weights: Weights) -> str | None:
    if weights.format.kind == "float":
        return "its weights were left float32"
    if weights.node.op_type in INTEGER:
        return None
    before = _source(graph, weights.node.input[0])
    if before is None or before.op_type != "DequantizeLinear":
        return f"its input is float32, from {before.op_type if before else 'the image'}"
    return None


def _reads_integers(graph: Graph, node: onnx.NodeProto) -> bool:
    sources = [_source(graph, name) for name in node.input[:2]]
    return node.op_type in INTEGER or all(
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
        if node.op_type in (*FLOAT, *INTEGER):
            found[node.output[0]] = node
        waiting.extend(node.input)
    return found.values()


def _activations(graph: Graph, node: onnx.NodeProto, place: int = 0) -> NumberFormat:
    before = _source(graph, node.input[place])
    if before is None or before.op_type != "DequantizeLinear":
        return NumberFormat(bits=8, signed=False, symmetric=False, scaling="dynamic")
    scale = graph.constant(before.input[1])
    zero = graph.constant(before.input[2]) if len(before.input) > 2 else None
    bits, signed = (8, False) if zero is None else _TYPES[str(zero.dtype)]
    per_channel = scale is not None and scale.size > 1
    return NumberFormat(
        bits=bits,
        signed=signed,
        granularity="channel" if per_channel else "tensor",
        axis=attribute(before, "axis", 1) if per_channel else None,
        symmetric=zero is None or not zero.any(),
    )


def _source(graph: Graph, name: str) -> onnx.NodeProto | None:
    """The node that computes a tensor, ignoring nodes that only move its numbers."""
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


def _weights_format(graph: Graph, stored: Stored) -> NumberFormat:
    """The number format of stored weights; float32 unless they are integers with a known scale."""
    values = graph.constant(stored.name)
    scale = graph.constant(stored.scale) if stored.scale else None
    if values is None or scale is None or str(values.dtype) not in _TYPES:
        return FLOAT32
    bits, signed = _TYPES[str(values.dtype)]
    whole = values.astype(np.int64)
    zero_point = graph.constant(stored.zero_point) if stored.zero_point else None
    granularity: Granularity = (
        "group" if stored.block else "channel" if scale.size > 1 else "tensor"
    )
    return NumberFormat(
        bits=bits,
        signed=signed,
        granularity=granularity,
        axis=None if granularity == "tensor" else stored.axis % values.ndim,
        group=stored.block or None,
        symmetric=zero_point is None or not zero_point.any(),
        used_bits=bits_of_range(int(whole.min()), int(whole.max()), signed=signed),
    )
