"""Coverage of an ONNX file, read from its graph and its initializers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx

from quantbench.artifacts.onnx_file import checked
from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.onnx_formats import (
    activations_format,
    output_scale,
    reads_integers,
    source_of,
    weights_format,
)
from quantbench.export.onnx_graph import Graph
from quantbench.export.onnx_names import (
    FLOAT,
    INTEGER,
    NO_NAMES,
    given_weights,
    renamed_layer,
    stored_behind,
)
from quantbench.export.pt2e_graph import renamed_weights
from quantbench.export.to_onnx import MODEL, structure_of
from quantbench.numerics.coverage import LayerNumerics, Reading
from quantbench.numerics.formats import NumberFormat
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import FUNCTIONAL, Layer

RECURRENT = ("RNN", "LSTM", "GRU")
ATTENTION = "MultiheadAttention"
_PRODUCTS = (*INTEGER, *FLOAT, "FusedMatMul", "Einsum")
"""Operators that multiply tensors, in a file or in what ONNX Runtime makes of it."""


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
            weights = Weights(node, weights_format(graph, stored))
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

    A product between DequantizeLinear and QuantizeLinear counts as integer: runtimes fuse them.
    """
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers, renamed)
    return tuple(
        _numerics_of_functions(graph, layer, _outside(graph, layers, weights))
        if layer.name == FUNCTIONAL
        else _numerics(graph, layer, weights.get(layer.name, ()))
        for layer in layers
        if layer.macs
    )


def run_in_integers(
    model: onnx.ModelProto, layers: Iterable[Layer], renamed: Mapping[str, str] = NO_NAMES
) -> set[str]:
    """The names of the layers that only nodes on integers multiply."""
    nodes = nodes_by_layer(model, layers, renamed)
    return {name for name, of in nodes.items() if of and all(n.op_type in INTEGER for n in of)}


def nodes_by_layer(
    model: onnx.ModelProto, layers: Iterable[Layer], renamed: Mapping[str, str] = NO_NAMES
) -> dict[str, list[onnx.NodeProto]]:
    """Layer name -> the nodes that multiply for it; FUNCTIONAL has those of no other layer."""
    layers = tuple(layers)
    graph, weights = Graph(model.graph), weights_by_layer(model, layers, renamed)
    nodes = {
        layer.name: [*(tensor.node for tensor in found), *_products(graph, layer, found)]
        for layer in layers
        if (found := weights.get(layer.name))
    }
    products = {layer.name: _product_named(graph, layer.name) for layer in layers}
    nodes |= {name: [node] for name, node in products.items() if node and name not in nodes}
    nodes[FUNCTIONAL] = _outside(graph, layers, weights)
    return nodes


def _outside(
    graph: Graph, layers: Iterable[Layer], weights: Mapping[str, tuple[Weights, ...]]
) -> list[onnx.NodeProto]:
    """The nodes that multiply for no layer: those of functions outside of leaf modules."""
    inside = {
        node.output[0]
        for layer in layers
        if (found := weights.get(layer.name))
        for node in (*(tensor.node for tensor in found), *_products(graph, layer, found))
    }
    return [n for n in graph.nodes if n.op_type in _PRODUCTS and n.output[0] not in inside]


def _numerics_of_functions(
    graph: Graph, layer: Layer, nodes: Sequence[onnx.NodeProto]
) -> LayerNumerics:
    """The formats of what functions multiply; integer where all of it is.

    The file doesn't say how many multiply-adds each of them costs.
    """
    in_float = sum(not reads_integers(graph, node) for node in nodes)
    if in_float or not nodes:
        reason = f"{in_float} of its {len(nodes)} products outside of layers are float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=tuple(dict.fromkeys(_second_factor(graph, node) for node in nodes)),
        activations=tuple(dict.fromkeys(activations_format(graph, node) for node in nodes)),
    )


def _second_factor(graph: Graph, node: onnx.NodeProto) -> NumberFormat:
    """The format of stored weights, or of the activations that stand in their place."""
    place, *_ = INTEGER.get(node.op_type, (1,))
    stored = stored_behind(graph, node, place)
    if graph.is_constant(stored.name):
        return weights_format(graph, stored)
    return activations_format(graph, node, place)


def _numerics(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> LayerNumerics:
    if not weights and (product := _product_named(graph, layer.name)):
        return _numerics_of_product(graph, layer, product)
    if reason := _why_float(graph, layer, weights):
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = output_scale(graph, weights[-1].node)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=tuple(dict.fromkeys(w.format for w in weights)),
        activations=tuple(dict.fromkeys(activations_format(graph, w.node) for w in weights)),
        scale=scale,
        zero_point=zero_point,
    )


def _product_named(graph: Graph, name: str) -> onnx.NodeProto | None:
    """The product of activations that a layer without weights is named after."""
    return next(
        (n for n in graph.nodes if n.op_type in _PRODUCTS and name in (n.name, n.output[0])), None
    )


def _numerics_of_product(graph: Graph, layer: Layer, node: onnx.NodeProto) -> LayerNumerics:
    if not reads_integers(graph, node):
        reason = "its product of activations is float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = output_scale(graph, node)
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=(activations_format(graph, node, 1),),
        activations=(activations_format(graph, node),),
        scale=scale,
        zero_point=zero_point,
    )


def _why_float(graph: Graph, layer: Layer, weights: tuple[Weights, ...]) -> str | None:
    if layer.kind in RECURRENT:
        return f"{layer.kind} was left float32: the quantizer passes it over"
    if not weights:
        return "unknown: no multiplication by its weights was found in the graph"
    for tensor in weights:
        if reason := _why_node_float(graph, tensor):
            return reason
    if not all(reads_integers(graph, node) for node in _products(graph, layer, weights)):
        return "its products of activations are float32"
    return None


def _why_node_float(graph: Graph, weights: Weights) -> str | None:
    if weights.format.kind == "float":
        return "its weights were left float32"
    if weights.node.op_type in INTEGER:
        return None
    before = source_of(graph, weights.node.input[0])
    if before is None or before.op_type != "DequantizeLinear":
        return f"its input is float32, from {before.op_type if before else 'the image'}"
    return None


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
