"""A quantized graph in the names of the float graph, for methods that trace the network anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import onnx

from quantbench.explain.error.onnx_pairs import Ends, pairing_of

OUTPUT_IN_FLOAT = "_QuantizeLinear_Input"
"""The ending that ONNX Runtime gives a network's output before it is quantized."""
_QUANTIZED = "_quantized"
_UNPAIRED = " (quantized alone)"


def aligned(float_model: onnx.ModelProto, quantized: onnx.ModelProto) -> onnx.ModelProto:
    """The quantized graph with nodes and tensors called as their counterparts in the float graph.

    Counterparts are found by walking both graphs, not by names. A stored tensor that a node
    multiplies by gets its counterpart's name, lengthened as quantizers do, by which layers are
    known; what has no counterpart gets a name that the float graph lacks.
    """
    ends, float_ends = Ends(quantized), Ends(float_model)
    pairing = pairing_of(ends, float_ends)
    makers = {name: node for node in float_ends.graph.nodes for name in node.output}
    nodes = {node.output[0]: makers[name].name for name, node in pairing.nodes.items()}
    tensors = {
        output: counterpart
        for name, node in pairing.nodes.items()
        for output, counterpart in zip(node.output, makers[name].output, strict=False)
    }
    tensors |= {pair.name: pair.float_name for pair in pairing.pairs}
    ports = dict(zip(ends.inputs, float_ends.inputs, strict=True))
    ports |= dict(zip(ends.outputs, float_ends.outputs, strict=True))
    inner = {name: other for name, other in tensors.items() if name not in ports}
    names = _once(inner, set(ports.values())) | ports
    for name, node in pairing.nodes.items():
        names |= _stored(ends, node, makers[name])
    return _renamed(quantized, ends, nodes, names)


def _stored(ends: Ends, node: onnx.NodeProto, counterpart: onnx.NodeProto) -> dict[str, str]:
    """The stored tensors that a node multiplies by -> their names beside the counterpart's."""
    found = dict[str, str]()
    for name, other in zip(node.input[1:], counterpart.input[1:], strict=False):
        stored = name
        while (maker := ends.graph.producer(stored)) is not None and len(maker.input):
            stored = maker.input[0]
        if ends.graph.is_constant(stored) and other not in stored:
            found[stored] = f"{other}{_QUANTIZED}"
    return found


def _once(tensors: Mapping[str, str], ports: Collection[str]) -> dict[str, str]:
    """The names of tensors inside, each once, and none that an input or output of the graph has.

    Of tensors that share one, the last has it: that is what is rounded. What an output is before it
    is rounded is called as ONNX Runtime does.
    """
    last = {counterpart: name for name, counterpart in tensors.items()}
    return {
        name: f"{counterpart}{OUTPUT_IN_FLOAT}" if counterpart in ports else counterpart
        for counterpart, name in last.items()
    }


def _renamed(
    model: onnx.ModelProto, ends: Ends, nodes: Mapping[str, str], tensors: Mapping[str, str]
) -> onnx.ModelProto:
    """The model with other names; `nodes`: by a node's first output."""
    renamed = onnx.ModelProto()
    renamed.CopyFrom(model)
    graph = renamed.graph
    moving = set(ends.inputs).union(
        *(node.output for node in ends.graph.nodes if ends.active(node))
    )
    names = dict(tensors) | {name: f"{name}{_UNPAIRED}" for name in moving if name not in tensors}
    del graph.value_info[:]
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.name = nodes.get(node.output[0], f"{node.name or node.output[0]}{_UNPAIRED}")
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return renamed
