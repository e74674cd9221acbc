"""Coverage of an ExecuTorch program, read from the graph that it was lowered from.

The program itself can't be read back, as XNNPACK's part of it is opaque. `Files.left_float` names
the layers that XNNPACK left out.
"""

from __future__ import annotations

from torch import fx

from quantbench.contracts import Files, MethodModule, QuantizeJob
from quantbench.export.pt2e_graph import MULTIPLYING, layer_numerics, layer_of, structure_of
from quantbench.numerics.coverage import Reading
from quantbench.system.record import Settings
from quantbench.tasks.network_layers import network_layers


def read(
    job: QuantizeJob[Settings],
    files: Files,
    method: MethodModule,  # noqa: ARG001 - the contract's
) -> Reading:
    """Read each layer's formats; a float network has no PT2E graph to read from."""
    graph = files.graph
    known = network_layers(job.network)
    if graph is None:
        return Reading(layer_numerics({}, known, {}, files), str(job.network.module()))
    nodes: dict[str, list[fx.Node]] = {}
    for node in graph.graph.nodes:
        if node.target in MULTIPLYING:
            nodes.setdefault(layer_of(node), []).append(node)
    return Reading(
        layer_numerics(graph.state_dict(keep_vars=True), known, nodes, files), structure_of(graph)
    )
