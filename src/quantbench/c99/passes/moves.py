"""Rearrangements in a row become one, and shapes between them none; what nobody reads goes.

An index of a Rearrange counts values in ONNX's order, which no Reshape changes.
"""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.ir.graph import Graph, Node
from quantbench.c99.nodes.rearrange import Rearrange
from quantbench.c99.nodes.reshape import Reshape


def joined_moves(graph: Graph) -> Graph:
    """The same graph with fewer rearrangements."""
    makers: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        shorter = _joined(node, makers)
        makers[shorter.output] = shorter
        nodes.append(shorter)
    return _read(replace(graph, nodes=tuple(nodes)))


def _joined(node: Node, makers: dict[str, Node]) -> Node:
    """The node that reads what lies before the moves that it follows."""
    if isinstance(node, Reshape):
        before = makers.get(node.input)
        if isinstance(before, Rearrange):  # it may give any shape of the same values
            return replace(before, output=node.output)
    if not isinstance(node, Rearrange):
        return node
    source = _unshaped(node.input, makers)
    before = makers.get(source)
    if isinstance(before, Rearrange):
        return replace(node, input=before.input, index=before.index[node.index])
    return replace(node, input=source)


def _unshaped(name: str, makers: dict[str, Node]) -> str:
    """The tensor whose values `name` holds in another shape."""
    before = makers.get(name)
    while isinstance(before, Reshape):
        name = before.input
        before = makers.get(name)
    return name


def _read(graph: Graph) -> Graph:
    """The graph without the moves that no node reads and that aren't an output."""
    wanted, kept = {*graph.outputs}, []
    for node in reversed(graph.nodes):
        if node.output in wanted or not isinstance(node, Rearrange | Reshape):
            wanted.update(node.reads)
            kept.append(node)
    return replace(graph, nodes=tuple(reversed(kept)))
