"""Coverage of a .pt2 file, read from the program in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from torch import fx

from quantbench.artifacts.pt2_file import read_program
from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.pt2e_graph import (
    MULTIPLYING,
    layer_numerics,
    renamed_weights,
    structure_of,
    weights_of,
)
from quantbench.export.to_program import MODEL
from quantbench.numerics.coverage import Reading
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """Read each layer's formats. Raises ArtifactError unless the file is one that is admitted."""
    graph = read_program(job.folder / MODEL).module(check_guards=False)
    known = [layer for layer in network_layers(job.network) if layer.macs]
    renamed = renamed_weights(files.graph) if files.graph else {}
    nodes = _nodes_by_layer(graph, [layer.name for layer in known], renamed)
    state = graph.state_dict(keep_vars=True)
    return Reading(layer_numerics(state, known, nodes, files), structure_of(graph))


def _nodes_by_layer(
    graph: fx.GraphModule, names: Iterable[str], renamed: Mapping[str, str]
) -> dict[str, list[fx.Node]]:
    """Layer -> the nodes that multiply by its weights, with the products that feed the last."""
    longest_first = sorted(names, key=len, reverse=True)
    found: dict[str, list[fx.Node]] = {}
    for node in graph.graph.nodes:
        weights = weights_of(node) if node.target in MULTIPLYING else None
        if weights is None:
            continue
        layer = renamed.get(weights) or _owner(weights, longest_first)
        if layer is not None:
            found.setdefault(layer, []).append(node)
    weighted = {node for nodes in found.values() for node in nodes}
    return {
        layer: [*_products(nodes[0], nodes[-1], weighted), *nodes] for layer, nodes in found.items()
    }


def _owner(weights: str, longest_first: Iterable[str]) -> str | None:
    return next((name for name in longest_first if weights.startswith(f"{name}.")), None)


def _products(first: fx.Node, last: fx.Node, weighted: set[fx.Node]) -> Iterator[fx.Node]:
    """Products of activations between a layer's first and last multiplication: attention's."""
    waiting, seen = [*last.all_input_nodes], {last}
    while waiting and first is not last:
        node = waiting.pop()
        if node in seen or node in weighted:
            continue
        seen.add(node)
        if node.target in MULTIPLYING:
            yield node
        waiting.extend(node.all_input_nodes)
