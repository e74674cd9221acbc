"""A float32 ONNX network as a graph of float32."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99.frontend.float32_context import FloatState
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.frontend.schemes import require_qdq
from quantbench.c99.frontend.values import Pending, Probabilities, Real
from quantbench.c99.ir.float32 import FloatGraph
from quantbench.c99.ir.sizes import require_sizes
from quantbench.c99.ops.registry import SHARED, checked, require_known
from quantbench.errors import CompileError


def import_onnx(path: Path) -> FloatGraph:
    """Raises CompileError for what isn't supported, naming the node, and ArtifactError for a file
    that isn't ONNX or refers to others.
    """
    return import_network(read(path))


def import_network(network: Network) -> FloatGraph:
    """Raises CompileError."""
    require_qdq(network.nodes)
    if network.quantized:
        raise CompileError(
            "it is a quantized network, with a QuantizeLinear: --dtype int8 compiles it, "
            "--dtype float32 the network before it was quantized"
        )
    require_known(network, SHARED)
    if network.input_type:
        raise CompileError(f"its input is {network.input_type}; float32 is supported")
    state = FloatState(network)
    for node in network.nodes:
        state.hold(node.outputs[0], checked(node, SHARED).run(state, node))
    graph = _graph(network, state)
    require_sizes(graph)
    return graph


def _graph(network: Network, state: FloatState) -> FloatGraph:
    value = state.values.get(network.output)
    softmax = isinstance(value, Probabilities)
    value = value.of if isinstance(value, Probabilities) else value
    if not isinstance(value, Real | Pending):
        raise CompileError(
            f"its output {network.output!a:.60} is a constant; what a layer gives is supported"
        )
    output = state.builder.seen(state.builder.settled(value))
    return FloatGraph(
        name=network.name,
        tensors=state.builder.tensors,
        nodes=tuple(state.builder.nodes),
        input=network.input,
        output=output,
        softmax=softmax,
    )
