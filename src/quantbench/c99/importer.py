"""An ONNX network as a graph, of integers or of float32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.linear import accumulators
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.frontend.schemes import require_qdq
from quantbench.c99.frontend.values import Probabilities, Quantized, Several
from quantbench.c99.ir.graph import Final, Graph, Tensor, Type
from quantbench.c99.ir.sizes import require_sizes
from quantbench.c99.operators import checked, require_known
from quantbench.c99.target.target import Dtype
from quantbench.errors import CompileError


def import_onnx(path: Path, dtype: Dtype = Dtype.INT8) -> Graph:
    """Import the network in `path` as a graph of `dtype`.

    Raises CompileError, which names the node, for a network that `dtype` can't express, and
    ArtifactError for a file that isn't ONNX or refers to other files.
    """
    return import_network(read(path), dtype)


def import_network(network: Network, dtype: Dtype = Dtype.INT8) -> Graph:
    """Import a network that was read as a graph of `dtype`. Raises CompileError."""
    require_qdq(network.nodes)
    _require_dtype(network, dtype)
    require_known(network)
    for given in network.inputs:
        if not network.quantized and given.type:
            raise CompileError(f"its input is {given.type}; float32 is supported")
    context = Context(network)
    for node in network.nodes:
        value = checked(node).from_onnx(context, node)
        values = value.values if isinstance(value, Several) else (value,)
        for name, each in zip(node.outputs, values, strict=False):
            if name:
                context.hold(name, each)
    graph = _graph(context)
    require_sizes(graph)
    return graph


def _require_dtype(network: Network, dtype: Dtype) -> None:
    if dtype == Dtype.INT8 and not network.quantized:
        raise CompileError(
            "it is a float32 network, without a QuantizeLinear: --dtype float32 compiles it, "
            "--dtype int8 a quantized one"
        )
    if dtype == Dtype.FLOAT32 and network.quantized:
        raise CompileError(
            "it is a quantized network, with a QuantizeLinear: --dtype int8 compiles it, "
            "--dtype float32 the network before it was quantized"
        )


@dataclass(frozen=True)
class _Output:
    """An output: its tensor, and what the file makes of the tensor's numbers."""

    tensor: str
    final: Final | None
    own: Type | None
    rounded: Tensor | None
    keeps_axis: bool


def _graph(context: Context) -> Graph:
    network, builder = context.network, context.builder
    first, *more = [_output(context, name) for name in network.outputs]
    for given in network.inputs:
        if given.name not in context.inputs:
            raise CompileError(f"its input {given.name!a:.60}: no output depends on it")
    several = len(network.inputs) > 1 or bool(more)
    if several and any(each.final or each.own for each in (first, *more)):
        raise CompileError(
            "of several inputs or outputs, each is supported as float32 and without a Softmax, "
            "Sigmoid or ArgMax at the end"
        )
    if len({builder.tensors[each.tensor].type == "int32" for each in (first, *more)}) > 1:
        raise CompileError(
            "only some of its outputs are rounded to 8 bits; all or none of them is supported"
        )
    tensors = [context.inputs[given.name] for given in network.inputs]
    return Graph(
        name=network.name,
        output=first.tensor,
        tensors=builder.tensors,
        nodes=tuple(builder.nodes),
        input=tensors[0],
        final=first.final,
        origins=builder.origins,
        own_input=network.input_type,
        own_output=first.own,
        rounded=first.rounded,
        keeps_axis=first.keeps_axis,
        more_inputs=tuple(tensors[1:]),
        more_outputs=tuple(each.tensor for each in more),
        names=(*(given.name for given in network.inputs), *network.outputs),
    )


def _output(context: Context, name: str) -> _Output:
    builder, value, rounded = context.builder, context.values.get(name), None
    final, own, source, keeps_axis = None, None, name, False
    if isinstance(value, Quantized):
        if value.format.raised:
            raise CompileError(f"its output {name!a:.60}: integers of one zero point are supported")
        own = value.format.type
        value = value.ref
    elif isinstance(value, Probabilities):
        final, source, rounded = value.final, value.source, _rounded(value)
        keeps_axis = value.keeps_axis
        own = rounded.type if rounded and value.integers else None
        value = value.of
    if isinstance(value, Deferred):
        value = builder.settled(value) or accumulators(builder, source, value)
    if not isinstance(value, TensorRef) or not context.inputs:
        raise CompileError(_constant_output(context.network, name))
    return _Output(builder.seen_exactly(value), final, own, rounded, keeps_axis)


def _constant_output(network: Network, name: str) -> str:
    output = f"its output {name!a:.60}"
    if not network.quantized:
        return f"{output} is a constant; what a layer gives is supported"
    return (
        f"{output} doesn't depend on its quantized input; what a layer, a QuantizeLinear or a "
        "DequantizeLinear gives is supported"
    )


def _rounded(output: Probabilities) -> Tensor | None:
    """The tensor of integers to which the final function's result is rounded; None: it isn't."""
    if output.format is None:
        return None
    format = output.format
    return Tensor(output.final, output.of.shape, format.type, (format.scale,), format.zero_point)
