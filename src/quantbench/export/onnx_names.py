"""The stored tensors of an ONNX graph, and the layers that they belong to by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import onnx

from quantbench.artifacts.onnx_file import checked
from quantbench.export.onnx_graph import Graph, attribute, input_of
from quantbench.tasks.network import Network
from quantbench.tasks.records import Layer

INTEGER: dict[str, tuple[int, int | None, int]] = {
    "ConvInteger": (1, None, 3), "MatMulInteger": (1, None, 3), "MatMulIntegerToFloat": (1, 3, 5),
    "DynamicQuantizeMatMul": (1, 2, 3),
    "QLinearConv": (3, 4, 5), "QLinearMatMul": (3, 4, 5), "QGemm": (3, 4, 5),
}  # fmt: skip
"""Operator that multiplies integers -> where its weights are among its inputs, their scale (None:
it knows none) and their zero point."""
FLOAT = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that multiply by stored weights."""
_PASSED = ("DequantizeLinear", "QuantizeLinear", "Transpose", "Reshape", "Identity", "Cast")
_STARTS = ("ConvBnFusion_W_", "q_output_")
_ENDS = ("_quantized", "_1")
"""Texts that ONNX Runtime and NNCF put before and behind the names of weights."""
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Stored:
    """The names of a stored tensor, its scale and its zero point, and how scales are laid out."""

    name: str
    scale: str | None = None
    zero_point: str | None = None
    axis: int = -1
    block: int = 0


def stored_behind(graph: Graph, node: onnx.NodeProto, place: int) -> Stored:
    """The names of the weights behind a node's input `place`, and of their scale and zero point."""
    found = Stored(node.input[place])
    if node.op_type in INTEGER:
        _, scale, zero_point = INTEGER[node.op_type]
        found = Stored(
            node.input[place],
            scale=_scale_after(graph, node) if scale is None else node.input[scale],
            zero_point=input_of(node, zero_point),
            axis=0 if "Conv" in node.op_type else -1,
        )
    while (before := graph.producer(found.name)) is not None and before.op_type in _PASSED:
        if before.op_type == "DequantizeLinear":
            found = Stored(
                before.input[0],
                scale=before.input[1],
                zero_point=input_of(before, 2),
                axis=attribute(before, "axis", 1),
                block=attribute(before, "block_size", 0),
            )
        else:
            found = replace(found, name=before.input[0])
    return found


def given_weights(network: Network, layers: Iterable[Layer]) -> Mapping[str, str]:
    """Stored weights -> their layer, for a network that came as an ONNX file.

    Its layers are named after a weight's owner, a node or a node's output.
    """
    if network.onnx is None:
        return NO_NAMES
    names = {layer.name for layer in layers}
    graph = Graph(onnx.load_from_string(checked(network.onnx).data).graph)
    found: dict[str, str] = {}
    for node in graph.nodes:
        place = 1 if node.op_type in FLOAT else INTEGER.get(node.op_type, (None,))[0]
        if place is None or place >= len(node.input):
            continue
        weights = stored_behind(graph, node, place).name
        known = (node.name, node.output[0], weights.rpartition(".")[0])
        layer = next((name for name in known if name in names), None)
        if layer is not None and graph.is_constant(weights):
            found.setdefault(weights, layer)
    return found


def renamed_layer(stored: str, renamed: Mapping[str, str]) -> str | None:
    """The layer of a stored tensor whose name a quantizer may have lengthened."""
    starts = [stored, *(stored.removeprefix(start) for start in _STARTS)]
    starts += [start.removeprefix(_STARTS[0]) for start in starts]
    every = [start.removesuffix(end) for end in ("", *_ENDS) for start in starts]
    return next((renamed[name] for name in every if name in renamed), None)


def _scale_after(graph: Graph, node: onnx.NodeProto) -> str | None:
    """The scale of ConvInteger's weights, found behind it.

    The operator takes no scale: its sums are cast, then multiplied by input's times weights' scale.
    """
    for cast in graph.readers(node.output[0]):
        for product in graph.readers(cast.output[0]):
            for factor in (graph.producer(name) for name in product.input):
                for name in factor.input if factor is not None else ():
                    if graph.is_constant(name):
                        return str(name)
    return None
