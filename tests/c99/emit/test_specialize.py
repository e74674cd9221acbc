"""What stands in a kernel's text, and how wide the other fields are."""

from __future__ import annotations

from quantbench.c99.emit.specialize import Structure, kinds
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Window
from tests.c99.builder import Builder, lenet


def test_fields() -> None:
    one = Structure("conv", "l0", {"weights": "w0", "same": -3, "few": 255, "many": 256, "low": -1})
    other = Structure("conv", "l1", {"weights": "w1", "same": -3, "few": 0, "many": 0, "low": 0})
    kind = kinds((one, other))["conv"]
    assert kind.declared() == (
        "typedef struct {\n    const int8_t *weights;\n    int32_t low;\n    uint16_t many;\n"
        "    uint8_t few;\n} conv_layer;\n"
    )
    assert kind.defined(one) == (
        "static const conv_layer l0 = {\n  .weights = w0, .few = 255, .many = 256, .low = -1\n};\n"
    )
    assert kind.resolved("x - l->same - l->few").endswith("x - (-3) - l->few")


def test_one_field_stays() -> None:
    kind = kinds([Structure("conv", "l0", {"height": 1, "width": 2})])["conv"]
    assert kind.types.keys() == {"height"}


def test_pads_are_looked_for_only_where_there_are_some() -> None:
    build = Builder((3, 8, 8))
    padded = build.graph(build.conv("input", 4, Window((3, 3), pads=(1, 1, 1, 1))))
    assert "(0 != 0 || (iy >= 0" in emit(padded).files["model.c"]
    assert "(1 != 0 || (iy >= 0" in emit(lenet()).files["model.c"]
