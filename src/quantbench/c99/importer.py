"""A quantized ONNX network as a graph of integers."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99 import _quantization
from quantbench.c99._integer_state import IntegerState
from quantbench.c99._operators import SHARED, Operator, checked
from quantbench.c99._reading import Network, read
from quantbench.c99._values import Pending, Probabilities, Real
from quantbench.c99.graph import Graph
from quantbench.c99.sizes import require_sizes
from quantbench.errors import CompileError

OPERATORS: dict[str, Operator[IntegerState]] = {
    **SHARED,
    "DequantizeLinear": Operator(
        _quantization.dequantize, 2, 3, frozenset({"axis", "block_size", "output_dtype"})
    ),
    "QuantizeLinear": Operator(
        _quantization.quantize, 2, 3,
        frozenset({"axis", "block_size", "output_dtype", "saturate", "precision"}),
    ),
}  # fmt: skip


def import_onnx(path: Path) -> Graph:
    """Raises CompileError for a network that integers alone can't compute, naming the node, and
    ArtifactError for a file that isn't ONNX or refers to others.
    """
    return import_network(read(path))


def import_network(network: Network) -> Graph:
    """Raises CompileError."""
    if not network.quantized:
        raise CompileError(
            "it is a float32 network, without a QuantizeLinear: --dtype float32 compiles it, "
            "--dtype int8 a quantized one"
        )
    state = IntegerState(network)
    for node in network.nodes:
        state.values[node.outputs[0]] = checked(node, OPERATORS).run(state, node)
    graph = _graph(network, state)
    require_sizes(graph)
    return graph


def _graph(network: Network, state: IntegerState) -> Graph:
    value = state.values.get(network.output)
    softmax = isinstance(value, Probabilities)
    value = value.of if isinstance(value, Probabilities) else value
    if isinstance(value, Pending):
        value = state.builder.settled(value) or state.builder.accumulators(network.output, value)
    if not isinstance(value, Real) or state.input is None:
        raise CompileError(
            f"its output {network.output!a:.60} doesn't depend on its quantized input, or holds "
            "integers; what a layer or a DequantizeLinear gives is supported"
        )
    output = state.builder.seen(value)
    return Graph(
        name=network.name,
        tensors=state.builder.tensors,
        nodes=tuple(state.builder.nodes),
        input=state.input,
        output=output,
        softmax=softmax,
    )
