"""Export to ONNX, with files that are byte for byte the same whenever they are written."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.export import ExportedProgram

from quantbench.artifacts.onnx_file import checked
from quantbench.errors import UnavailableError, cause
from quantbench.export.example import any_batch, example
from quantbench.export.to_program import exported
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network

MODEL = "model.onnx"
INPUT = "input"
OUTPUT = "logits"


def export(model: nn.Module | ExportedProgram, network: Network, path: Path) -> None:
    """Write `model`, a form of `network`, with the names of its inputs and outputs.

    An input is [batch, *shape]. A program must have been exported for the batches that `network`
    takes. The exporter's notes on where each node came from are left out: they hold paths of the
    machine that exported, and they are no part of the network. Raises UnavailableError for a
    network that can't be exported.
    """
    inputs, outputs = names(network)
    proto = _exported(model, network, inputs, outputs)
    graph = proto.graph
    for item in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.value_info,
                 *graph.initializer):  # fmt: skip
        del item.metadata_props[:]
    _name_transposed(graph, dict(model.named_parameters()))
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def given(path: Path, fixed_batch: int | None) -> bytes:
    """The bytes of a network's own ONNX file; a batch that it takes alone is stated in it."""
    data = checked(path).data
    if fixed_batch is None:
        return data
    model = onnx.load_from_string(data)
    stored = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        sizes = value.type.tensor_type.shape.dim
        if value.name not in stored and sizes and not sizes[0].HasField("dim_value"):
            sizes[0].dim_value = fixed_batch
    return bytes(model.SerializeToString(deterministic=True))


def names(network: Network) -> tuple[list[str], list[str]]:
    """The names of inputs and outputs: "input" and "logits" of a network with one of each."""
    if len(network.inputs) == len(network.outputs) == 1:
        return [INPUT], [OUTPUT]
    return [spec.name for spec in network.inputs], [spec.name for spec in network.outputs]


def _exported(
    model: nn.Module | ExportedProgram, network: Network, inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
    module = model.eval() if isinstance(model, nn.Module) else None
    try:
        with silenced(), contextlib.redirect_stderr(io.StringIO()):
            program = torch.onnx.export(
                model if module is None else module,
                example(network),
                dynamo=True,
                dynamic_shapes=None if module is None else any_batch(network, module),
                input_names=inputs,
                output_names=outputs,
                verbose=False,
            )
    except Exception as error:  # the exporter runs the network's own code
        if module is not None:
            exported(module, network)  # raises with the layer, if the trace is what fails
        root = error.__cause__ or error
        raise UnavailableError(
            f"network '{network.name}' can't be exported to ONNX: {cause(root)}"
        ) from error
    assert program is not None
    return program.model_proto


def write(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """Write the model, tidied, checked and with shapes inferred; returns it."""
    tidy = onnx.shape_inference.infer_shapes(tidied(model), data_prop=True)
    onnx.checker.check_model(tidy, full_check=True)
    path.write_bytes(tidy.SerializeToString(deterministic=True))
    return tidy


def tidied(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, always in the same order: quantizers keep nodes in sets.

    Each node stands right before the first that reads it, initialisers in the order of their
    use; nodes without a name get that of their output. What no output depends on is dropped,
    as are notes and the operator sets that no node is of.
    """
    tidy = onnx.ModelProto()
    tidy.CopyFrom(model)
    graph = tidy.graph
    nodes = _in_order(graph)
    for node in nodes:
        node.name = node.name or node.output[0]
    used = dict.fromkeys(name for node in nodes for name in node.input)
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    kept = [initializers[name] for name in used if name in initializers]
    domains = {node.domain for node in nodes} | {""}
    opsets = [opset for opset in tidy.opset_import if opset.domain in domains]
    for field, values in (
        (graph.node, nodes),
        (graph.initializer, kept),
        (tidy.opset_import, sorted(opsets, key=lambda opset: opset.domain)),
    ):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)
    del graph.value_info[:]
    del tidy.metadata_props[:]
    return tidy


def structure_of(model: onnx.ModelProto) -> str:
    """The graph as text: operator, name and, where known, the output's shape of each node."""
    known = {
        value.name: value
        for value in (*model.graph.value_info, *model.graph.output)
        if value.type.tensor_type.HasField("shape")
    }
    lines = []
    for node in model.graph.node:
        value = known.get(node.output[0])
        lines.append(" ".join([node.op_type, node.name, _shape(value) if value else ""]).rstrip())
    return "\n".join(lines)


def _name_transposed(graph: onnx.GraphProto, parameters: dict[str, nn.Parameter]) -> None:
    """Weights keep their names but where the exporter transposes them: MatMul's get none."""
    stored = {tensor.name for tensor in graph.initializer}
    transposed = {
        name: parameter.detach().T.numpy()
        for name, parameter in parameters.items()
        if name not in stored and parameter.ndim == 2
    }
    for tensor in graph.initializer:
        if tensor.name in parameters:
            continue
        values = numpy_helper.to_array(tensor)
        name = next((n for n, found in transposed.items() if np.array_equal(found, values)), None)
        if name is None:
            continue
        del transposed[name]
        for node in graph.node:
            node.input[:] = [f"{name}_T" if i == tensor.name else i for i in node.input]
        tensor.name = f"{name}_T"


def _in_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes, depth first from the outputs; a node's inputs are visited in their order."""
    producers = {name: node for node in graph.node for name in node.output if name}
    done: dict[str, onnx.NodeProto] = {}  # by the first output, in order
    waiting = [output.name for output in reversed(graph.output)]
    while waiting:
        node = producers.get(waiting[-1])
        if node is None or node.output[0] in done:
            waiting.pop()
            continue
        missing = [
            name
            for name in node.input
            if name in producers and producers[name].output[0] not in done
        ]
        if missing:
            waiting.extend(reversed(missing))
        else:
            done[node.output[0]] = node
            waiting.pop()
    return list(done.values())


def _shape(value: onnx.ValueInfoProto) -> str:
    sizes = (
        str(size.dim_value) if size.HasField("dim_value") else _symbol(size.dim_param)
        for size in value.type.tensor_type.shape.dim
    )
    return f"[{', '.join(sizes)}]"


def _symbol(name: str) -> str:
    """Shape inference makes up names for sizes that it can't follow."""
    return "?" if not name or name.startswith("unk__") else name
