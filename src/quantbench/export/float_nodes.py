"""The nodes of an ONNX graph that stay float where layers are to stay float."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain

import onnx

from quantbench.export.leave_float import left_by
from quantbench.export.onnx_coverage import nodes_by_layer
from quantbench.export.onnx_graph import Graph
from quantbench.export.onnx_names import given_weights
from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers


def nodes_left_float(
    model: onnx.ModelProto, network: Network, patterns: Collection[str]
) -> list[str]:
    """The names of the nodes that a quantizer of the float `model` has to leave alone.

    `patterns` stand for layers of `network`, as the setting leave_float has them. Raises
    UnknownNameError for one that stands for none.
    """
    if not patterns:
        return []
    layers = network_layers(network)
    nodes = nodes_by_layer(model, layers, given_weights(network, layers))
    return [*float_nodes(model, nodes, left_by(patterns, layers))]


def float_nodes(
    model: onnx.ModelProto, nodes: Mapping[str, Iterable[onnx.NodeProto]], left: Iterable[str]
) -> dict[str, None]:
    """The names of the nodes of the layers `left`, and of those that lie between them alone.

    `nodes`: layer -> the nodes that multiply for it. Pooling, an addition or an activation stays
    float where each layer nearest to it does: it would be quantized for no layer's sake.
    """
    chosen = set(left)
    float_products = {node.name for name in chosen for node in nodes.get(name, ())}
    integer_products = {
        node.name for name, of in nodes.items() if name not in chosen for node in of
    } - float_products
    graph = Graph(model.graph)
    producers, readers = _neighbours(graph)
    behind = _nearest(graph.nodes, producers, float_products, integer_products)
    before = _nearest(graph.nodes[::-1], readers, float_products, integer_products)
    return dict.fromkeys(
        node.name
        for node in graph.nodes
        if node.name in float_products
        or (
            node.name not in integer_products and behind[node.name] | before[node.name] == {"float"}
        )
    )


def _neighbours(graph: Graph) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The names of the nodes that a node reads from, and of those that read from it, by its name.

    A tensor that is a constant has no producer.
    """
    producers = {
        node.name: [
            producer.name for name in node.input if (producer := graph.producer(name)) is not None
        ]
        for node in graph.nodes
    }
    readers = {
        node.name: [reader.name for reader in chain.from_iterable(map(graph.readers, node.output))]
        for node in graph.nodes
    }
    return producers, readers


def _nearest(
    ordered: Iterable[onnx.NodeProto],
    neighbours: Mapping[str, Iterable[str]],
    float_products: Collection[str],
    integer_products: Collection[str],
) -> dict[str, frozenset[str]]:
    """The kinds of products, "float" and "integer", each node meets first on one side.

    `ordered`: the nodes, each after its `neighbours`.
    """
    met: dict[str, frozenset[str]] = {}
    for node in ordered:
        kinds: frozenset[str] = frozenset()
        for name in neighbours[node.name]:
            if name in float_products:
                kinds |= {"float"}
            elif name in integer_products:
                kinds |= {"integer"}
            else:
                kinds |= met.get(name, frozenset())
        met[node.name] = kinds
    return met
