"""A quantized ONNX network as a graph of integers."""

from __future__ import annotations

from pathlib import Path

from quantbench.c99.frontend.int8_context import IntegerState
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.frontend.schemes import require_qdq
from quantbench.c99.frontend.values import (
    Pending,
    Probabilities,
    Quantized,
    Real,
)
from quantbench.c99.ir.graph import Graph, Tensor
from quantbench.c99.ir.sizes import require_sizes
from quantbench.c99.ops import quantize
from quantbench.c99.ops.registry import (
    SHARED,
    Operator,
    checked,
    require_known,
)
from quantbench.errors import CompileError

OPERATORS: dict[str, Operator[IntegerState]] = {
    **SHARED,
    "Cast": Operator(quantize.cast, 1, 1, SHARED["Cast"].attributes),
    "DequantizeLinear": Operator(
        quantize.dequantize, 2, 3, frozenset({"axis", "block_size", "output_dtype"})
    ),
    "QuantizeLinear": Operator(
        quantize.quantize, 2, 3,
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
    require_qdq(network.nodes)
    if not network.quantized:
        raise CompileError(
            "it is a float32 network, without a QuantizeLinear: --dtype float32 compiles it, "
            "--dtype int8 a quantized one"
        )
    require_known(network, OPERATORS)
    state = IntegerState(network)
    for node in network.nodes:
        state.values[node.outputs[0]] = checked(node, OPERATORS).run(state, node)
    graph = _graph(network, state)
    require_sizes(graph)
    return graph


def _graph(network: Network, state: IntegerState) -> Graph:
    value, rounded = state.values.get(network.output), None
    softmax, own, source = isinstance(value, Probabilities), None, network.output
    if isinstance(value, Quantized):
        own = value.format.type
        value = value.real
    elif isinstance(value, Probabilities):
        source, rounded = value.source, _rounded(value)
        own = rounded.type if rounded and value.integers else None
        value = value.of
    if isinstance(value, Pending):
        value = state.builder.settled(value) or state.builder.accumulators(source, value)
    if not isinstance(value, Real) or state.input is None:
        raise CompileError(
            f"its output {network.output!a:.60} doesn't depend on its quantized input; what a "
            "layer, a QuantizeLinear or a DequantizeLinear gives is supported"
        )
    output = state.builder.seen(value)
    return Graph(
        name=network.name,
        tensors=state.builder.tensors,
        nodes=tuple(state.builder.nodes),
        input=state.input,
        output=output,
        softmax=softmax,
        origins=state.builder.origins,
        own_input=network.input_type,
        own_output=own,
        rounded=rounded,
    )


def _rounded(output: Probabilities) -> Tensor | None:
    if output.format is None:
        return None
    format = output.format
    return Tensor("softmax", output.of.shape, format.type, (format.scale,), format.zero_point)
