"""Networks that are quantized in another way are named for what they are, with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

from benchmarks.operators_page import PAGE, page
from quantbench.c99.compile import planned
from quantbench.errors import CompileError
from tests.c99.models import Model

_MICROSOFT = "com.microsoft"


def node(op: str, domain: str = "", count: int = 3) -> Model:
    model = Model(opset=21)
    constants = [model.constant(1, "int8") for _ in range(count - 1)]
    model.nodes.append(helper.make_node(op, ["x", *constants], ["y"], name="y", domain=domain))
    model.last = "y"
    return model


@pytest.mark.parametrize(
    ("op", "domain", "words"),
    [
        ("QLinearConv", "", ("QOperator", "quant_format=QDQ")),
        ("QLinearMatMul", "", ("QOperator", "quant_format=QDQ")),
        ("QLinearAdd", _MICROSOFT, ("QOperator", "quant_format=QDQ")),
        ("QGemm", _MICROSOFT, ("QOperator", "quant_format=QDQ")),
        ("QuantizeLinear", _MICROSOFT, ("ONNX Runtime's own", "UseQDQContribOps")),
        ("DequantizeLinear", _MICROSOFT, ("ONNX Runtime's own", "UseQDQContribOps")),
        ("MatMulInteger", "", ("dynamically quantized", "statically")),
        ("DynamicQuantizeLinear", "", ("dynamically quantized", "statically")),
        ("DynamicQuantizeMatMul", _MICROSOFT, ("dynamically quantized", "statically")),
        ("Quant", "qonnx.custom_op.general", ("QONNX", "export_onnx_qcdq")),
        ("Quant", "onnx.brevitas", ("QONNX", "export_onnx_qcdq")),
        ("LSTM", "", ("(LSTM)", "isn't supported")),
    ],
)
def test_the_scheme_is_named(tmp_path: Path, op: str, domain: str, words: tuple[str, ...]) -> None:
    with pytest.raises(CompileError) as caught:
        planned(node(op, domain).saved(tmp_path))
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    for word in (op, *words):
        assert word in text, text
    assert "float32 network" not in text


def test_an_operator_comes_before_the_shape_of_the_input(tmp_path: Path) -> None:
    model = node("LSTM")
    model.shape = ("n", "t", 12)
    with pytest.raises(CompileError, match=r"y \(LSTM\)"):
        planned(model.saved(tmp_path, ends=(TensorProto.FLOAT, TensorProto.FLOAT)))


def test_the_docs_list_the_operators() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m benchmarks.operators_page writes it"
