"""PT2E graphs: the layer and the number formats of each node, and the graph as text.

A graph is that of a .pt2 file, or the one from which an ExecuTorch program is lowered. Reading them
needs nothing of torchao.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor, fx

from quantbench.contracts import Files
from quantbench.numerics.coverage import LayerNumerics
from quantbench.numerics.formats import NumberFormat, bits_of_range
from quantbench.tasks.records import Layer

_aten = torch.ops.aten
MULTIPLYING = (
    _aten.conv1d.default, _aten.conv2d.default, _aten.conv3d.default, _aten.linear.default,
    _aten.conv_transpose1d.default, _aten.conv_transpose2d.input, _aten.conv_transpose3d.input,
    _aten.matmul.default, _aten.bmm.default, _aten.scaled_dot_product_attention.default,
    _aten.lstm.input, _aten.gru.input, _aten.rnn_tanh.input, _aten.rnn_relu.input,
)  # fmt: skip
_QUANTIZE = "quantize_per_tensor"
_DEQUANTIZE = "dequantize_per_"
_PER_CHANNEL = "dequantize_per_channel"
_REARRANGING = ("aten.permute", "aten.transpose", "aten.view", "aten.reshape")


def layer_of(node: fx.Node) -> str:
    """The module of the float network that a node came from; the node's own name if unknown."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(list(stack.values())[-1][0]) if stack else node.name


def layer_numerics(
    state: Mapping[str, Tensor],
    layers: Iterable[Layer],
    nodes_of: Mapping[str, list[fx.Node]],
    files: Files,
) -> tuple[LayerNumerics, ...]:
    """The formats of each layer that multiplies.

    `nodes_of`: layer -> the nodes that multiply for it. `state`: the tensors of their graph. A
    layer that is called twice is integer if both calls are.
    """
    return tuple(
        _numerics(layer, nodes_of.get(layer.name, []), state, files)
        for layer in layers
        if layer.macs
    )


def renamed_weights(graph: fx.GraphModule) -> dict[str, str]:
    """Stored weights -> their layer, where PT2E renamed them (_frozen_param0)."""
    return {
        name: layer_of(node)
        for node in graph.graph.nodes
        if node.target in MULTIPLYING and (name := weights_of(node)) is not None
    }


def weights_of(node: fx.Node) -> str | None:
    """The stored tensor that a node multiplies by; None for a product of activations."""
    source = node.args[1]
    while isinstance(source, fx.Node) and source.op == "call_function":
        name = str(source.target)
        if not _is_quantizing(source, "") and not name.startswith(_REARRANGING):
            return None
        source = source.args[0]
    if isinstance(source, fx.Node) and source.op == "get_attr":
        return str(source.target)
    return None


def _is_quantizing(node: fx.Node, operator: str) -> bool:
    """Whether a node is an operator of `quantized_decomposed` whose name begins with `operator`."""
    return str(node.target).startswith(f"quantized_decomposed.{operator}")


def _numerics(
    layer: Layer, nodes: list[fx.Node], state: Mapping[str, Tensor], files: Files
) -> LayerNumerics:
    if not nodes or not all(_reads_integers(node) for node in nodes):
        reason = files.why_float(layer.kind) if files.why_float else "it reads float32"
        return LayerNumerics.in_float32(layer.name, layer.kind, layer.macs, reason)
    scale, zero_point = _output(nodes[-1])
    with_weights = [node for node in nodes if weights_of(node) is not None]
    return LayerNumerics(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        integer=True,
        weights=_formats(with_weights or nodes, 1, state),
        activations=_formats(nodes, 0, state),
        scale=scale,
        zero_point=zero_point,
    )


def _formats(
    nodes: Iterable[fx.Node], place: int, state: Mapping[str, Tensor]
) -> tuple[NumberFormat, ...]:
    """The formats of the nodes' arguments at `place`, each once."""
    arguments = (cast(fx.Node, node.args[place]) for node in nodes)
    return tuple(dict.fromkeys(_format(argument, state) for argument in arguments))


def _reads_integers(node: fx.Node) -> bool:
    return all(
        isinstance(arg, fx.Node) and _is_quantizing(arg, _DEQUANTIZE) for arg in node.args[:2]
    )


def _format(node: fx.Node, state: Mapping[str, Tensor]) -> NumberFormat:
    """The number format of the tensor that a dequantizing node reads.

    Its arguments are (values, scales, zero_points, axis, least, greatest, dtype) per channel;
    per tensor there is no axis. A scale that another node computes is dynamic.
    """
    per_channel = _is_quantizing(node, _PER_CHANNEL)
    arguments: tuple[Any, ...] = node.args
    _, scale, zero_point, *axis, low, high, dtype = arguments
    signed = bool(dtype.is_signed)
    return NumberFormat(
        bits=torch.iinfo(dtype).bits,
        signed=signed,
        granularity="channel" if per_channel else "tensor",
        axis=axis[0] if per_channel else None,
        symmetric=_is_zero(zero_point, state),
        scaling="dynamic" if _is_computed(scale) else "static",
        used_bits=bits_of_range(low, high, signed=signed),
    )


def _is_computed(argument: object) -> bool:
    return isinstance(argument, fx.Node) and argument.op != "get_attr"


def _is_zero(argument: object, state: Mapping[str, Tensor]) -> bool:
    if isinstance(argument, fx.Node):
        return argument.op == "get_attr" and not state[str(argument.target)].any()
    return argument == 0


def _output(node: fx.Node) -> tuple[float | None, int | None]:
    """Scale and zero point of the first quantization behind a layer with a single reader."""
    users = list(node.users)
    if len(users) != 1 or users[0].target in MULTIPLYING or users[0].op == "output":
        return None, None
    if not _is_quantizing(users[0], _QUANTIZE):
        return _output(users[0])
    _, scale, zero_point, *_ = users[0].args
    if isinstance(scale, fx.Node) or isinstance(zero_point, fx.Node):
        return None, None
    return float(cast(float, scale)), int(cast(int, zero_point))


def structure_of(module: fx.GraphModule) -> str:
    """The graph as text: one line for each node, with the type and shape of each parameter."""
    return "\n".join(_lines(module))


def _lines(module: fx.GraphModule) -> Iterator[str]:
    state = module.state_dict(keep_vars=True)
    for node in module.graph.nodes:
        if node.op == "get_attr":
            value = state[str(node.target)]
            kind = str(value.dtype).removeprefix("torch.")
            yield f"{node.name}: {kind}{list(value.shape)} = {node.target}"
        elif node.op == "placeholder":
            yield f"{node.name} = input"
        elif node.op == "output":
            yield f"return {node.args[0]}"
        else:
            yield f"{node.name} = {node.target}({', '.join(map(str, node.args))})"
