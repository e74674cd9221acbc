"""Quantization schemes other than QDQ: each is refused by its name, with a way to convert it."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.frontend.reader import OnnxNode
from quantbench.errors import CompileError

_QOPERATORS = frozenset({"QLinearConv", "QLinearMatMul"})
_DYNAMIC = frozenset({"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})
_DYNAMIC_OF_MICROSOFT = frozenset({"DynamicQuantizeMatMul", "MatMulIntegerToFloat"})
_MICROSOFT = "com.microsoft."
_FAKE = frozenset({"Quant", "BipolarQuant", "IntQuant", "FloatQuant", "Trunc"})
_QDQ = "QuantizeLinear and DequantizeLinear of ONNX itself are supported"


def require_qdq(nodes: Sequence[OnnxNode]) -> None:
    """Raise CompileError for the first node of another scheme."""
    for node in nodes:
        if why := _scheme(node.op):
            raise CompileError(f"{node.where}: {why}")


def _scheme(op: str) -> str | None:
    domain, _, name = op.rpartition(".")
    contributed = op.startswith(_MICROSOFT)
    if op in _QOPERATORS or (contributed and name.startswith(("QLinear", "QGemm"))):
        return "a network in QOperator format; quantize it with quant_format=QDQ"
    if op in _DYNAMIC or (contributed and name in _DYNAMIC_OF_MICROSOFT):
        return "a dynamically quantized network; quantize it statically, with calibration data"
    if contributed and name in ("QuantizeLinear", "DequantizeLinear"):
        return (
            f"ONNX Runtime's own operator; {_QDQ}: quantize to int8 or uint8 without "
            "UseQDQContribOps"
        )
    if name in _FAKE and domain:
        return f"QONNX's fake quantization; {_QDQ}: export it with Brevitas' export_onnx_qcdq"
    return None
