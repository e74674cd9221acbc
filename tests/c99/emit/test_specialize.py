"""Which numbers of a layer are constants, and how wide the others are."""

from __future__ import annotations

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.instances import Macros
from quantbench.c99.emit.specialize import Kind, kinds
from quantbench.c99.generate import emit
from quantbench.c99.ir.code import Structure
from quantbench.c99.ir.graph import Window
from tests.c99.builder import Builder, lenet

FIRST = Structure("conv", "l0", {"weights": "w0", "same": -3, "few": 255, "many": 256, "low": -1})
SECOND = Structure("conv", "l1", {"weights": "w1", "same": -3, "few": 0, "many": 0, "low": 0})


def declared(*declared_kinds: Kind) -> str:
    c, macros = CWriter(), Macros()
    for kind in declared_kinds:
        kind.declare(c, macros)
    return c.finished()


def test_fields_are_as_narrow_as_their_numbers() -> None:
    kind = kinds((FIRST, SECOND))["conv"]
    assert declared(kind).startswith(
        "typedef struct {\n    const int8_t *weights;\n    int32_t low;\n    uint16_t many;\n"
        "    uint8_t few;\n} model_conv_layer;\n"
    )
    assert kind.defined(FIRST) == (
        "static const model_conv_layer l0 = {\n"
        "  .weights = w0, .few = 255, .many = 256, .low = -1\n};\n"
    )


def test_a_shared_number_is_a_named_constant() -> None:
    text = declared(kinds((FIRST, SECOND))["conv"])
    assert "#define MODEL_CONV_SAME (-3)\n" in text
    assert "#define MODEL_CONV_FEW (l->few)\n" in text


def test_the_kernel_for_16_bits_has_macros_of_its_own() -> None:
    """The same names again, so that the same text reads them; only what differs is written."""
    wide = Structure("conv_w16", "l1", {**SECOND.fields, "same": 4})
    text = declared(kinds([FIRST])["conv"], kinds([wide])["conv_w16"])
    first, second = text.split("} model_conv_layer;")[1].split("} model_conv_w16_layer;")
    assert "const int16_t *weights;" in first
    assert "#undef MODEL_CONV_SAME\n#define MODEL_CONV_SAME 4\n" in second
    assert "MODEL_CONV_WEIGHTS" not in second


def test_one_field_stays() -> None:
    kind = kinds([Structure("conv", "l0", {"height": 1, "width": 2})])["conv"]
    assert kind.types.keys() == {"height"}


def test_pads_are_looked_for_only_where_there_are_some() -> None:
    build = Builder((3, 8, 8))
    padded = build.graph(build.conv("input", 4, Window((3, 3), pads=(1, 1, 1, 1))))
    assert "#define MODEL_CONV_INSIDE 0\n" in emit(padded).files["model.c"]
    assert "#define MODEL_CONV_INSIDE 1\n" in emit(lenet()).files["model.c"]
