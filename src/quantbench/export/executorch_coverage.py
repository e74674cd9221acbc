"""What an ExecuTorch program makes of each layer, read from the graph that it was lowered from.

The program itself can't be read back: XNNPACK's part of it is opaque. What XNNPACK didn't take is
in `Files.left_float`.
"""

from __future__ import annotations

from torch import fx

from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.pt2e_graph import MULTIPLYING, layer_numerics, layer_of, structure_of
from quantbench.numerics.coverage import Reading
from quantbench.system.record import Settings
from quantbench.tasks.layers import layers


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """Float networks are lowered from their modules, without a graph of PT2E's."""
    network, graph = job.network(), files.graph
    known = layers(network, job.input_shape)
    if graph is None:
        return Reading(layer_numerics({}, known, {}, files), str(network))
    nodes: dict[str, list[fx.Node]] = {}
    for node in graph.graph.nodes:
        if node.target in MULTIPLYING:
            nodes.setdefault(layer_of(node), []).append(node)
    return Reading(
        layer_numerics(graph.state_dict(keep_vars=True), known, nodes, files), structure_of(graph)
    )
