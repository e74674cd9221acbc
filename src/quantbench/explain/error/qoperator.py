"""Rewrite a QOperator graph (QLinearConv, QGemm, ...) with QuantizeLinear and DequantizeLinear.

The operators are those of https://onnx.ai/onnx/operators and of ONNX Runtime's ContribOperators.md.
Both forms compute the same but for ties of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from quantbench.errors import UnavailableError
from quantbench.export.onnx_graph import Graph


@dataclass(frozen=True)
class _Form:
    """The places of a QLinear operator's operands; each is followed by its scale and zero point."""

    float_op: str
    operands: tuple[int, ...]
    output: int
    """The place of the output's scale; its zero point follows."""
    bias: int | None = None


_FORMS = {
    "QLinearConv": _Form("Conv", (0, 3), 6, bias=8),
    "QLinearMatMul": _Form("MatMul", (0, 3), 6),
    "QGemm": _Form("Gemm", (0, 3), 7, bias=6),
    "QLinearAdd": _Form("Add", (0, 3), 6),
    "QLinearMul": _Form("Mul", (0, 3), 6),
    "QLinearAveragePool": _Form("AveragePool", (0,), 3),
    "QLinearGlobalAveragePool": _Form("GlobalAveragePool", (0,), 3),
    "QLinearLeakyRelu": _Form("LeakyRelu", (0,), 3),
    "QLinearSigmoid": _Form("Sigmoid", (0,), 3),
    "QLinearSoftmax": _Form("Softmax", (0,), 3),
}
_CONCAT = "QLinearConcat"
_ONLY_OF_QLINEAR = ("channels_last", "opset")


def as_qdq(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without operators that multiply or add stored integers themselves.

    A model without such operators is returned as it is. Raises UnavailableError, which names the
    node, for one that this file doesn't know.
    """
    if not any(_is_qlinear(node.op_type) for node in model.graph.node):
        return model
    written, graph = onnx.ModelProto(), Graph(model.graph)
    written.CopyFrom(model)
    del written.graph.node[:]
    for node in model.graph.node:
        if _is_qlinear(node.op_type):
            written.graph.node.extend(_expanded(node, graph, written.graph))
        else:
            written.graph.node.append(node)
    return written


def _is_qlinear(op: str) -> bool:
    return op.startswith(("QLinear", "QGemm"))


def _expanded(
    node: onnx.NodeProto, graph: Graph, written: onnx.GraphProto
) -> Iterator[onnx.NodeProto]:
    form = _form(node)
    real = f"{node.output[0]} (real)"
    operands = []
    for place in form.operands:
        name = f"{node.output[0]} ({place})"
        weights = form.float_op in ("Conv", "MatMul", "Gemm") and place > 0
        axis = _channel_axis(form.float_op, node) if weights else 0
        yield _dequantize([*node.input[place : place + 3]], name, axis)
        operands.append(name)
    if form.bias is not None and form.bias < len(node.input) and node.input[form.bias]:
        bias = f"{node.output[0]} (bias)"
        written.initializer.append(numpy_helper.from_array(_bias(node, form, graph), bias))
        operands.append(bias)
    kept = [a for a in node.attribute if a.name not in _ONLY_OF_QLINEAR]
    compute = helper.make_node(form.float_op, operands, [real], name=node.name)
    compute.attribute.extend(kept)
    yield compute
    rounding = [*node.input[form.output : form.output + 2]]
    if rounding and rounding[0]:
        yield helper.make_node("QuantizeLinear", [real, *rounding], [*node.output])
    else:  # QGemm without an output scale answers in float32
        compute.output[0] = node.output[0]


def _form(node: onnx.NodeProto) -> _Form:
    if node.op_type == _CONCAT:
        return _Form("Concat", tuple(range(2, len(node.input), 3)), 0)
    if node.op_type not in _FORMS:
        raise UnavailableError(
            f"node '{node.name or node.output[0]}' is a {node.op_type}, whose float form isn't "
            "known here"
        )
    return _FORMS[node.op_type]


def _channel_axis(float_op: str, node: onnx.NodeProto) -> int:
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return 0 if float_op == "Conv" or transposed else 1


def _dequantize(inputs: list[str], output: str, axis: int) -> onnx.NodeProto:
    return helper.make_node("DequantizeLinear", inputs, [output], name=output, axis=axis)


def _bias(
    node: onnx.NodeProto, form: _Form, graph: Graph
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The bias in real numbers: its scale is the product of input's and weights' scales."""
    assert form.bias is not None
    stored = graph.constant(node.input[form.bias])
    scales = [graph.constant(node.input[place + 1]) for place in form.operands]
    if stored is None or any(scale is None for scale in scales):
        raise UnavailableError(f"the bias or a scale of '{node.name}' isn't stored in the file")
    first, second = (np.asarray(scale, np.float64) for scale in scales)
    return np.asarray(stored.astype(np.float64) * (first * second), np.float32)
