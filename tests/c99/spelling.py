"""How quantizers write numbers into ONNX files: scales, zero points, weights, biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Choose = Callable[[Sequence[Any]], Any]
"""Picks one of a sequence: hypothesis, or a generator of random numbers."""
_LIMITS = {"uint8": (0, 255), "int8": (-128, 127)}
_DEAD = (1e-12, 1e-10, 1.1920929e-7)
"""Scales of channels without weights: what quantizers' guards against 0 leave."""


@dataclass(frozen=True)
class At:
    """A dequantized activation: name, shape without the batch, scale, zero point, type."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    type: str


@dataclass(frozen=True)
class Form:
    """What one quantizer's files have in common. Where it has several, one is drawn."""

    opsets: tuple[int, ...]
    types: tuple[str, ...] = ("uint8", "int8")
    zero_points: tuple[str, ...] = ("low", "middle", "odd", "high")
    ranges: tuple[float, ...] = (1.0,)
    """Factors of a scale that fits the values: below 1 they saturate, above it steps are coarse."""
    weights: tuple[str, ...] = ("int8", "uint8")
    symmetric: tuple[bool, ...] = (True, False)
    rounded_weights: tuple[bool, ...] = (True, False, False)
    """Whether weights are float32 behind a QuantizeLinear."""
    biases: tuple[str, ...] = ("none", "float32", "int32")
    dead: tuple[bool, ...] = (True, False, False)
    tiny: bool = False
    """Whether dead channels have the tiny scales that quantizers give them."""
    activations: tuple[str, ...] = ("none", "Relu", "Clip", "low", "high")
    implicit_zero: bool = False
    """A zero point of 0 is left out."""
    nodes: bool = False
    """Scales are Constant nodes, and Identity and Cast stand where they do nothing."""


PLAIN = Form(opsets=(13, 17, 21))
_HARD: dict[str, Any] = {
    "ranges": (1.0, 1.0, 0.3, 0.05, 3.0), "tiny": True, "dead": (True, False)
}  # fmt: skip
FORMS = {
    # ONNX Runtime's quantize_static deletes activations that a range implies.
    "onnxruntime": Form(
        opsets=(10, 11, 12, 13, 15, 17, 19, 21, 23, 25), rounded_weights=(False,),
        symmetric=(True,), weights=("int8",), biases=("int32",), activations=("none",), **_HARD,
    ),
    "nncf": Form(
        opsets=(13, 14, 17), types=("uint8",), zero_points=("low", "odd"), weights=("int8",),
        symmetric=(True,), rounded_weights=(True,), biases=("float32",),
        activations=("Relu", "Clip", "none"), **_HARD,
    ),
    "torchao": Form(
        opsets=(18, 20, 22), nodes=True, weights=("int8",), symmetric=(True,),
        rounded_weights=(False,), biases=("float32",), activations=("Relu", "Clip", "none"),
        **_HARD,
    ),
    "tf2onnx": Form(
        opsets=(13, 15, 18), types=("int8",), zero_points=("low", "middle", "odd"),
        weights=("int8",), symmetric=(True,), rounded_weights=(False,), biases=("int32",),
        implicit_zero=True, activations=("none", "Relu", "Clip"), **_HARD,
    ),
    "anything": Form(opsets=(10, 12, 13, 16, 20, 24, 25), implicit_zero=True, **_HARD),
}  # fmt: skip


class Spelling:
    """A network that grows: its nodes, its constants, and pairs in the ways of `form`."""

    def __init__(self, choose: Choose, form: Form = PLAIN) -> None:
        self.choose = choose
        self.form = form
        self.rng = np.random.default_rng(choose(range(2**32)))
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.opset = choose(form.opsets)

    def one_of(self, *values: Any) -> Any:
        return self.choose(values)

    def whole(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return int(self.choose(range(low, high + 1)))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [*inputs], [name], name=name, **attributes))
        return name

    def constant(self, values: Any, dtype: str) -> str:
        name = f"constant_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def parameter(self, values: Any, dtype: str) -> str:
        """A scale or a zero point."""
        if not self.form.nodes:
            return self.constant(values, dtype)
        name = f"lifted_{len(self.nodes)}"
        value = numpy_helper.from_array(np.asarray(values, dtype))
        self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=value))
        return name

    def pair(self, name: str, shape: tuple[int, ...], scale: float, like: At | None = None) -> At:
        """QuantizeLinear and DequantizeLinear, of a drawn type unless `like` says it."""
        type = like.type if like else self.choose(self.form.types)
        low, high = _LIMITS[type]
        places = {"low": low, "middle": (low + high + 1) // 2, "odd": low + 37, "high": high}
        zero = like.zero_point if like else places[self.choose(self.form.zero_points)]
        scale = scale if like else scale * self.choose(self.form.ranges)
        quantized = self.node("QuantizeLinear", name, *self._format(scale, zero, type))
        if self.form.nodes and self.one_of(True, False):
            quantized = self.node("Identity", quantized)
        given = self._format(scale, zero, type)
        if type == "int8" and len(given) == 1 and self.one_of(True, False):
            given = (*given, self.parameter(zero, type))
        real = self.node("DequantizeLinear", quantized, *given)
        if self.form.nodes and self.one_of(True, False, False):
            real = self.node("Cast", real, to=onnx.TensorProto.FLOAT)
        return At(real, shape, float(np.float32(scale)), zero, type)

    def _format(self, scale: float, zero: int, type: str) -> tuple[str, ...]:
        """Of a QuantizeLinear or DequantizeLinear; uint8 is what is meant without a zero point."""
        given = (self.parameter(scale, "float32"),)
        implied = self.form.implicit_zero and zero == 0 and type == "uint8"
        return given if implied else (*given, self.parameter(zero, type))

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[str, NDArray[np.float32]]:
        """Dequantized, and their scale: one, or one for each index of `axis`."""
        type = self.choose(self.form.weights)
        low, high = _LIMITS[type]
        each = self.opset >= 13 and self.one_of(True, False)
        scale = np.float32(self.rng.uniform(0.002, 0.02, shape[axis] if each else ()))
        plain = self.choose(self.form.symmetric)
        zero = np.full(scale.shape, 0 if type == "int8" else 128) if plain else (
            self.rng.integers(low, high + 1, scale.shape)
        )  # fmt: skip
        values = self.rng.integers(low, high + 1, shape)
        if self.choose(self.form.dead):
            np.moveaxis(values, axis, 0)[0] = zero.reshape(-1)[0]
            if self.form.tiny and each and scale.size > 1:
                scale[0] = self.choose(_DEAD)
        given = (self.constant(scale, "float32"), self.constant(zero, type))
        place = {"axis": self.one_of(axis, axis - len(shape))} if each else {}
        stored = self.constant(values, type)
        if self.choose(self.form.rounded_weights):
            spread = [-1 if at == axis else 1 for at in range(len(shape))] if each else []
            real = (values - zero.reshape(spread)) * scale.reshape(spread).astype(np.float64)
            stored = self.node("QuantizeLinear", self.constant(real, "float32"), *given, **place)
        return self.node("DequantizeLinear", stored, *given, **place), scale

    def bias(self, size: int, scale: NDArray[np.float32]) -> list[str]:
        """Nothing, float32, or integers at the scale of the accumulator."""
        kind = self.choose(self.form.biases)
        largest = scale.max()
        whole = self.rng.integers(-3000, 3000, size)
        if kind == "none":
            return []
        if kind == "float32":
            return [self.constant(whole * 1.37 * largest, "float32")]
        with np.errstate(over="ignore"):
            steps = np.rint(whole * np.float64(largest) / scale.astype(np.float64))
        stored = np.clip(steps, -(2**31), 2**31 - 1).astype(np.int64)
        given = self.constant(stored, "int32"), self.constant(scale, "float32")
        return [self.node("DequantizeLinear", *given, **({"axis": 0} if scale.ndim else {}))]

    def built(self, shape: tuple[int, ...], output: str) -> onnx.ModelProto:
        """The network from "input" [batch, *shape] to `output` [batch, 4]."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "random",
            [value("input", onnx.TensorProto.FLOAT, ["batch", *shape])],
            [value(output, onnx.TensorProto.FLOAT, ["batch", 4])],
            self.tensors,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        version = helper.find_min_ir_version_for(opsets)
        return helper.make_model(graph, opset_imports=opsets, ir_version=version)
