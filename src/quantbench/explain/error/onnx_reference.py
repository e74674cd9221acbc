"""The float graph that a quantized ONNX graph is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from quantbench.errors import UnavailableError
from quantbench.explain.error.onnx_pairs import ROUNDING, Ends
from quantbench.explain.error.output_format import limits
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
    del written.graph.node[:]
    moved: dict[str, str] = {}
    for node in model.graph.node:
        real = onnx.NodeProto()
        real.CopyFrom(_floated(node, ends, moved))
        real.input[:] = [moved.get(name, name) for name in real.input]
        if real.op_type:
            written.graph.node.append(real)
    for name in (name for name in ends.outputs if name in moved):
        written.graph.node.append(helper.make_node("Identity", [moved[name]], [name]))
    constants = {
        name: np.array(value, np.float32)
        for name, value in ((_ONE, 1.0), (_ZERO, 0.0), (_TOP, _SIX))
    }
    for node in model.graph.node:
        if node.op_type in _FLOAT_FORMS and ends.graph.is_constant(node.input[1]):
            constants[f"{node.input[1]}{_REAL}"] = _real_weights(node, ends.graph)
    for name, values in constants.items():
        written.graph.initializer.append(numpy_helper.from_array(values, name))
    del written.graph.value_info[:]
    return written


def _floated(node: onnx.NodeProto, ends: Ends, moved: dict[str, str]) -> onnx.NodeProto:
    """The node in float32; one of no operator where `moved` says which tensor stands for its own.

    `moved`: tensor -> the one to read in its place.
    """
    if not ends.active(node):
        return node
    source = moved.get(node.input[0], node.input[0])
    if node.op_type == "QuantizeLinear" and (names := _limits(node, ends.graph)):
        return helper.make_node("Clip", [source, *names], [node.output[0]], name=node.name)
    if node.op_type in ROUNDING:
        moved[node.output[0]] = source
        if node.op_type == "DynamicQuantizeLinear":
            moved[node.output[1]] = _ONE
        return onnx.NodeProto()
    if node.op_type in _FLOAT_FORMS:
        names = [source, f"{node.input[1]}{_REAL}"]
        real = helper.make_node(_FLOAT_FORMS[node.op_type], names, [*node.output], name=node.name)
        real.attribute.extend(node.attribute)
        return real
    if node.op_type in ("MatMulIntegerToFloat", "DynamicQuantizeMatMul"):
        raise UnavailableError(
            f"node '{node.name}' is ONNX Runtime's own {node.op_type}, whose float form isn't "
            "known here"
        )
    return node


def _limits(node: onnx.NodeProto, graph: Graph) -> list[str]:
    """The stored limits of the activation that a range stands for; [] where it stands for none."""
    scale, name = graph.constant(node.input[1]), input_of(node, 2)
    zero = np.zeros(1, np.uint8) if name is None else graph.constant(name)
    if scale is None or zero is None or scale.size > 1:
        return []
    least, greatest = limits(zero.dtype)
    if int(zero.item()) != least:
        return []
    step = float(scale.item())
    return [_ZERO, _TOP] if abs(step * (greatest - least) - _SIX) < step / 2 else [_ZERO]


def _real_weights(node: onnx.NodeProto, graph: Graph) -> NDArray[np.float32]:
    """Integer weights less their zero point, as float32: the scale follows in the graph."""
    values, name = graph.constant(node.input[1]), input_of(node, 3)
    assert values is not None
    zero = np.asarray(0 if name is None else graph.constant(name), np.float32)
    if node.op_type == "ConvInteger" and zero.size > 1:
        zero = zero.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values.astype(np.float32) - zero, np.float32)
