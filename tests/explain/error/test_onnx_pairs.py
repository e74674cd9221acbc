"""Pairs of tensors in small graphs that quantizers change in ways of their own."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

from quantbench.explain.error.onnx_pairs import Ends, pairing_of
from quantbench.explain.error.onnx_points import points_of

RNG = np.random.default_rng(0)
ONE = RNG.normal(size=(4, 4, 3, 3)).astype(np.float32)
OTHER = RNG.normal(size=(4, 4, 3, 3)).astype(np.float32)


def ends(text: str, **constants: np.ndarray) -> Ends:
    """The graph of some lines, from x [N, 4, 8, 8] to y; w and v are weights, s a scale."""
    head = '<ir_version: 10, opset_import: ["" : 21]> g (float[N, 4, 8, 8] x) => (float[N, M] y)'
    model = onnx.parser.parse_model(f"{head} {{ {text} }}")
    stored = {"w": ONE, "v": OTHER, "s": np.float32(0.1), "z": np.uint8(0)} | constants
    used = {name for node in model.graph.node for name in node.input}
    for name, values in stored.items():
        if name in used:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    return Ends(model)


def pairs(quantized: Ends, float32: Ends) -> dict[str, str]:
    return {pair.name: pair.float_name for pair in pairing_of(quantized, float32).pairs}


def test_an_activation_that_lives_on_in_a_range() -> None:
    float32 = ends("a = Conv(x, w) b = Relu(a) y = Conv(b, v)")
    quantized = ends(
        "q = Conv(x, w) r = QuantizeLinear(q, s, z) t = DequantizeLinear(r, s, z) y = Conv(t, v)"
    )
    found = pairs(quantized, float32)
    assert found["q"] == "b"
    points = points_of(quantized, float32, pairing_of(quantized, float32).pairs)
    assert [(p.pair.name, p.head.op_type if p.head else "") for p in points] == [
        ("q", "Conv"),
        ("y", "Conv"),
    ]
    assert points[0].rounded == ("r",)


def test_padding_of_its_own_before_a_convolution() -> None:
    float32 = ends("a = Conv <pads = [1, 1, 1, 1]> (x, w) y = Relu(a)")
    quantized = ends(
        "p = Pad(x, k) r = QuantizeLinear(p, s, z) t = DequantizeLinear(r, s, z) "
        "q = Conv(t, w) y = Relu(q)",
        k=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    )
    assert pairs(quantized, float32) == {"x": "x", "q": "a", "y": "y"}


def test_layers_side_by_side_are_told_by_their_weights() -> None:
    float32 = ends("a = Conv(x, w) b = Conv(x, v) y = Add(a, b)")
    quantized = ends("c = Conv(x, v2) d = Conv(x, w2) y = Add(d, c)", v2=OTHER + 0.02, w2=ONE * 0.9)
    assert pairs(quantized, float32) == {"x": "x", "c": "b", "d": "a", "y": "y"}


def test_sums_of_integers_are_told_once_they_are_scaled_and_biased() -> None:
    float32 = ends("a = Conv(x, w, b) y = Relu(a)", b=np.zeros(4, np.float32))
    quantized = ends(
        "i, m, o = DynamicQuantizeLinear(x) n = ConvInteger(i, wi, o) f = Cast <to = 1> (n) "
        "k = Mul(m, s) g = Mul(f, k) h = Add(g, c) y = Relu(h)",
        wi=np.ones((4, 4, 3, 3), np.uint8),
        c=np.zeros((1, 4, 1, 1), np.float32),
    )
    assert pairs(quantized, float32) == {"x": "x", "h": "a", "y": "y"}


def test_what_reads_a_tensor_both_rounded_and_not_reads_it_as_it_is() -> None:
    float32 = ends("a = Conv(x, w) b = Conv(a, v) y = Add(a, b)")
    quantized = ends(
        "a = Conv(x, w) r = QuantizeLinear(a, s, z) t = DequantizeLinear(r, s, z) "
        "b = Conv(t, v) y = Add(a, b)"
    )
    points = points_of(quantized, float32, pairing_of(quantized, float32).pairs)
    assert [(point.pair.name, point.rounded) for point in points] == [
        ("a", ()),
        ("b", ()),
        ("y", ()),
    ]
