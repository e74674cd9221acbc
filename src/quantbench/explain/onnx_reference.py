"""The float graph that a quantized ONNX graph is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from quantbench.errors import UnavailableError
from quantbench.explain.onnx_pairs import Ends
from quantbench.explain.output_format import limits
from quantbench.export.onnx_graph import Graph, input_of
from quantbench.export.ort_quantizer import float_onnx
from quantbench.tasks.network import Network

_FILE = "float-by-layer.onnx"
_SIX = 6.0
_ONE, _ZERO, _TOP = "(scale of 1)", "(zero of a ReLU)", "(top of a ReLU6)"
_REAL = " (real)"
_FLOAT_FORMS = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}


def reference(network: Network, quantized: onnx.ModelProto, scratch: Path) -> onnx.ModelProto:
    """The network's float form, as the quantizers here start from it.

    Of a network that came quantized it is its own graph without rounding of activations. Raises
    UnavailableError where there is neither.
    """
    if network.quantized:
        return without_rounding(quantized)
    path = scratch / _FILE
    if not path.exists():  # one export serves every artifact of a network
        unfinished = path.with_suffix(".part")
        float_onnx(network, unfinished)
        unfinished.rename(path)
    return onnx.load(path)


def without_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with activations left float; its weights stay what they were rounded to.

    Quantizers delete a ReLU or ReLU6 before a range that covers it: a range that begins at 0 is
    taken for a ReLU, and one of 0 to 6 for a ReLU6. Raises UnavailableError for an operator on
    integers that isn't ONNX's own.
    """
    ends, written = Ends(model), onnx.ModelProto()
    written.CopyFrom(model)
    nodes = [_floated(node, ends) for node in model.graph.node]
    del written.graph.node[:]
    written.graph.node.extend(node for each in nodes for node in each)
    for value, name in ((1, _ONE), (0, _ZERO), (_SIX, _TOP)):
        written.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    for name in {n for node in model.graph.node for n in _integer_weights(node, ends.graph)}:
        written.graph.initializer.append(_real_weights(name, model, ends.graph))
    del written.graph.value_info[:]
    return written


def _floated(node: onnx.NodeProto, ends: Ends) -> list[onnx.NodeProto]:
    active = bool(ends.active(node))
    if not active or node.op_type == "DequantizeLinear":
        return [_identity(node.input[0], node.output[0])] if active else [node]
    if node.op_type == "QuantizeLinear":
        low, high = _clip_of(node, ends.graph)
        if low is None:
            return [_identity(node.input[0], node.output[0])]
        names = [node.input[0], _ZERO, *([_TOP] if high else [])]
        return [helper.make_node("Clip", names, [node.output[0]], name=node.name)]
    if node.op_type == "DynamicQuantizeLinear":
        return [
            _identity(node.input[0], node.output[0]),
            _identity(_ONE, node.output[1]),
        ]
    if node.op_type in _FLOAT_FORMS:
        weights = f"{node.input[1]}{_REAL}"
        real = helper.make_node(
            _FLOAT_FORMS[node.op_type], [node.input[0], weights], [*node.output], name=node.name
        )
        real.attribute.extend(node.attribute)
        return [real]
    if node.op_type in ("MatMulIntegerToFloat", "DynamicQuantizeMatMul"):
        raise UnavailableError(
            f"node '{node.name}' is ONNX Runtime's own {node.op_type}, whose float form isn't "
            "known here"
        )
    return [node]


def _clip_of(node: onnx.NodeProto, graph: Graph) -> tuple[float | None, float | None]:
    """The limits that a range stands for: (0, 6), (0, None) or (None, None)."""
    scale, name = graph.constant(node.input[1]), input_of(node, 2)
    zero = np.zeros(1, np.uint8) if name is None else graph.constant(name)
    if scale is None or zero is None or scale.size > 1:
        return None, None
    least, greatest = limits(zero.dtype)
    if int(zero.item()) != least:
        return None, None
    high = float(scale.item()) * (greatest - least)
    return 0.0, _SIX if abs(high - _SIX) < float(scale.item()) / 2 else None


def _identity(source: str, output: str) -> onnx.NodeProto:
    return helper.make_node("Identity", [source], [output], name=f"{output} (float)")


def _integer_weights(node: onnx.NodeProto, graph: Graph) -> list[str]:
    if node.op_type not in _FLOAT_FORMS or not graph.is_constant(node.input[1]):
        return []
    return [node.input[1]]


def _real_weights(name: str, model: onnx.ModelProto, graph: Graph) -> onnx.TensorProto:
    """Integer weights less their zero point, as float32: the scale follows in the graph."""
    node = next(n for n in model.graph.node if n.op_type in _FLOAT_FORMS and n.input[1] == name)
    values, zero_name = graph.constant(name), input_of(node, 3)
    assert values is not None
    zero = np.zeros(1) if zero_name is None else np.asarray(graph.constant(zero_name), np.float32)
    if node.op_type == "ConvInteger" and zero.size > 1:
        zero = zero.reshape(-1, *[1] * (values.ndim - 1))
    real = values.astype(np.float32) - zero.astype(np.float32)
    return numpy_helper.from_array(real, f"{name}{_REAL}")
