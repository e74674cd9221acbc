"""Random small quantized networks over all supported operators, as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class At:
    """A dequantized activation: name, shape without the batch, scale, zero point, type."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    type: str


class Maker:
    """Adds layers one by one; each ends in a QuantizeLinear and a DequantizeLinear."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.opset = draw(st.sampled_from([13, 17, 21]))

    def one_of(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [*inputs], [name], name=name, **attributes))
        return name

    def constant(self, values: Any, dtype: str) -> str:
        name = f"constant_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def pair(self, name: str, shape: tuple[int, ...], scale: float, like: At | None = None) -> At:
        """QuantizeLinear and DequantizeLinear, of a drawn type unless `like` says it."""
        type = like.type if like else self.one_of("uint8", "int8")
        low, high = (0, 255) if type == "uint8" else (-128, 127)
        zero = like.zero_point if like else self.one_of(low, (low + high + 1) // 2, low + 37, high)
        given = (self.constant(scale, "float32"), self.constant(zero, type))
        quantized = self.node("QuantizeLinear", name, *given)
        real = self.node("DequantizeLinear", quantized, *given)
        return At(real, shape, float(np.float32(scale)), zero, type)

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[str, NDArray[np.float32]]:
        """Dequantized, and their scale: one, or one for each index of `axis`."""
        type = self.one_of("int8", "uint8")
        low, high = (0, 255) if type == "uint8" else (-128, 127)
        each = self.one_of(True, False)
        scale = np.float32(self.rng.uniform(0.002, 0.02, shape[axis] if each else ()))
        zero = self.rng.integers(low, high + 1, scale.shape) if self.one_of(True, False) else (
            np.full(scale.shape, 0 if type == "int8" else 128)
        )  # fmt: skip
        values = self.rng.integers(low, high + 1, shape)
        if self.one_of(True, False, False):  # a dead channel
            np.moveaxis(values, axis, 0)[0] = zero.reshape(-1)[0]
        given = (self.constant(scale, "float32"), self.constant(zero, type))
        place = {"axis": self.one_of(axis, axis - len(shape))} if each else {}
        stored = self.constant(values, type)
        if self.one_of(True, False, False):  # quantized in the network, from float32
            spread = [-1 if at == axis else 1 for at in range(len(shape))] if each else []
            real = (values - zero.reshape(spread)) * scale.reshape(spread).astype(np.float64)
            stored = self.node("QuantizeLinear", self.constant(real, "float32"), *given, **place)
        return self.node("DequantizeLinear", stored, *given, **place), scale

    def bias(self, size: int, scale: NDArray[np.float32]) -> list[str]:
        """Nothing, float32, or integers at the scale of the accumulator."""
        kind = self.one_of("none", "float32", "int32")
        whole = self.rng.integers(-3000, 3000, size)
        if kind == "none":
            return []
        if kind == "float32":
            return [self.constant(whole * 1.37 * scale, "float32")]
        given = self.constant(whole, "int32"), self.constant(scale, "float32")
        return [self.node("DequantizeLinear", *given, **({"axis": 0} if scale.ndim else {}))]

    def activated(self, name: str, scale: float) -> str:
        kind = self.one_of("none", "Relu", "Clip", "low", "high")
        if kind == "none":
            return name
        if kind == "Relu":
            return self.node("Relu", name)
        low = "" if kind == "high" else self.constant(-23.4 * scale, "float32")
        high = [] if kind == "low" else [self.constant(71.3 * scale, "float32")]
        return self.node("Clip", name, low, *high)

    def window(self, image: tuple[int, ...], most: int, *, pooling: bool) -> dict[str, Any] | None:
        """Attributes of a window that fits."""
        kernel = [self.draw(st.integers(1, min(most, size + 2))) for size in image]
        strides = [self.draw(st.integers(1, 3)) for _ in image]
        # ONNX Runtime runs no pooling whose windows of "SAME" would leave places out.
        same = (
            []
            if pooling and any(s > k for s, k in zip(strides, kernel, strict=True))
            else ["SAME_UPPER", "SAME_LOWER"]
        )
        how = self.one_of("NOTSET", "NOTSET", "VALID", *same)
        dilated = not pooling and not how.startswith("SAME")  # ONNX Runtime knows no other
        dilations = [self.one_of(1, 1, 2) if dilated else 1 for _ in image]
        limit = [min(2, k - 1) if pooling else 2 for k in kernel]
        pads = [self.draw(st.integers(0, one)) for one in (*limit, *limit)]
        pads = pads if how == "NOTSET" else [0] * 4
        for size, k, d, before, after in zip(
            image, kernel, dilations, pads, pads[2:], strict=False
        ):
            if not how.startswith("SAME") and (k - 1) * d + 1 > size + before + after:
                return None
        found = {"kernel_shape": kernel, "strides": strides, "auto_pad": how}
        found |= {"pads": pads} if how == "NOTSET" else {}
        return found if pooling else found | {"dilations": dilations}

    def places(self, image: tuple[int, ...], window: dict[str, Any]) -> tuple[int, ...]:
        found = []
        for at, size in enumerate(image):
            k, s = window["kernel_shape"][at], window["strides"][at]
            d = window.get("dilations", (1, 1))[at]
            if window["auto_pad"].startswith("SAME"):
                found.append(-(-size // s))
            else:
                pads = window.get("pads", (0,) * 4)
                found.append((size + pads[at] + pads[at + 2] - (k - 1) * d - 1) // s + 1)
        return tuple(found)

    def conv(self, x: At) -> At:
        channels, *image = x.shape
        window = self.window(tuple(image), 4, pooling=False)
        if window is None:
            return x
        groups = self.one_of(*(g for g in (1, 2, channels) if channels % g == 0))
        outputs = groups * self.draw(st.integers(1, 3))
        inputs = channels // groups
        weights, scale = self.weights((outputs, inputs, *window["kernel_shape"]), 0)
        step = np.asarray(np.float32(x.scale) * scale, np.float32)
        bias = self.bias(outputs, step)
        name = self.node("Conv", x.name, weights, *bias, group=groups, **window)
        taps = inputs * int(np.prod(window["kernel_shape"]))
        gain = x.scale * float(scale.max()) * 74 * 74 * taps**0.5
        if self.one_of(True, False, False):
            name = self.normalized(name, outputs, gain)
        shape = (outputs, *self.places(tuple(image), window))
        scale_out = gain * self.one_of(0.01, 0.025)
        name = self.activated(name, scale_out)
        return self.pooled(name, shape, scale_out)

    def normalized(self, name: str, size: int, gain: float) -> str:
        signs = self.rng.choice([-1.0, 1.0, 1.0, 0.0], size)
        given = [
            signs * self.rng.uniform(0.5, 1.5, size),
            self.rng.uniform(-gain, gain, size),
            self.rng.uniform(-gain, gain, size),
            self.rng.uniform(0.8, 1.2, size),
        ]
        return self.node("BatchNormalization", name, *(self.constant(g, "float32") for g in given))

    def pooled(self, name: str, shape: tuple[int, ...], scale: float) -> At:
        """A pooling behind a layer, or none; with a pair before it or without."""
        kind = self.one_of("none", "AveragePool", "MaxPool", "GlobalAveragePool")
        apart = self.one_of(True, True, False)
        kernel = [min(self.draw(st.integers(1, 3)), size) for size in shape[1:]]
        if kind == "none":
            return self.pair(name, shape, scale)
        if self.one_of(True, False):
            name = self.pair(name, shape, scale * self.one_of(1.0, 1.3)).name
        if kind == "GlobalAveragePool":
            if self.one_of(True, False):
                return self.pair(self.node(kind, name), (shape[0], 1, 1), scale)
            return self.pair(self.reduced(name), (shape[0], 1, 1), scale)
        strides = kernel if apart else [1, 2]
        places = [
            (size - k) // s + 1 for size, k, s in zip(shape[1:], kernel, strides, strict=True)
        ]
        return self.pair(
            self.node(kind, name, kernel_shape=kernel, strides=strides), (shape[0], *places), scale
        )

    def reduced(self, name: str) -> str:
        """As exporters write GlobalAveragePool."""
        if self.opset < 18:
            return self.node("ReduceMean", name, axes=[-1, -2], keepdims=1)
        return self.node("ReduceMean", name, self.constant([2, 3], "int64"), keepdims=1)

    def pool(self, x: At) -> At:
        window = self.window(x.shape[1:], 3, pooling=True)
        kind = self.one_of("AveragePool", "MaxPool")
        if window is None:
            return x
        more = {"count_include_pad": self.one_of(0, 1)} if kind == "AveragePool" else {}
        shape = (x.shape[0], *self.places(x.shape[1:], window))
        return self.held(self.node(kind, x.name, **window, **more), shape, x)

    def held(self, name: str, shape: tuple[int, ...], x: At) -> At:
        """In the format of `x`, or in another."""
        if self.one_of(True, False):
            return self.pair(name, shape, x.scale, like=x)
        return self.pair(name, shape, x.scale * self.one_of(0.6, 1.0, 1.7))

    def activation(self, x: At) -> At:
        return self.held(self.activated(x.name, x.scale), x.shape, x)

    def residual(self, x: At) -> At:
        weights, scale = self.weights((x.shape[0], x.shape[0], 1, 1), 0)
        branch = self.node("Conv", x.name, weights)
        gain = x.scale * float(scale.max()) * 74 * 74 * x.shape[0] ** 0.5
        other = self.pair(branch, x.shape, gain * 0.02)
        given = [x.name, other.name] if self.one_of(True, False) else [other.name, x.name]
        total = self.node("Add", *given)
        scale_out = max(x.scale, other.scale) * self.one_of(0.8, 1.4)
        return self.pair(self.activated(total, scale_out), x.shape, scale_out)

    def joined(self, x: At) -> At:
        other = self.held(self.activated(x.name, x.scale), x.shape, x)
        shape = (2 * x.shape[0], *x.shape[1:])
        return self.held(self.node("Concat", x.name, other.name, axis=self.one_of(1, -3)), shape, x)

    def padded(self, x: At) -> At:
        pads = [self.draw(st.integers(0, 2)) for _ in range(4)]
        given = [self.constant([0, 0, *pads[:2], 0, 0, *pads[2:]], "int64")]
        if self.one_of(True, False):
            given.append(self.constant(self.one_of(0.0, x.scale * 3), "float32"))
        channels, height, width = x.shape
        shape = (channels, height + pads[0] + pads[2], width + pads[1] + pads[3])
        return self.held(self.node("Pad", x.name, *given), shape, x)

    def flat(self, x: At) -> At:
        size = int(np.prod(x.shape))
        if x.shape[1:] == (1, 1) and self.one_of(True, False):
            name = self.node("Squeeze", x.name, self.constant([2, 3], "int64"))
        elif self.one_of(True, False):
            name = self.node("Flatten", x.name)
        else:
            name = self.node("Reshape", x.name, self.constant([self.one_of(-1, 0), size], "int64"))
        flat = At(name, (size,), x.scale, x.zero_point, x.type)
        return self.held(name, (size,), x) if self.one_of(True, False) else flat

    def dense(self, x: At, outputs: int) -> tuple[str, float]:
        """Not yet quantized, and a scale for it."""
        (inputs,) = x.shape
        turned = self.one_of(True, False)
        shape, axis = ((outputs, inputs), 0) if turned else ((inputs, outputs), 1)
        weights, scale = self.weights(shape, axis)
        bias = self.bias(outputs, np.asarray(np.float32(x.scale) * scale, np.float32))
        gain = x.scale * float(scale.max()) * 74 * 74 * inputs**0.5 * 0.02
        if turned or self.one_of(True, False):
            factors = {"alpha": self.one_of(1.0, -1.5, 0.5), "beta": self.one_of(1.0, -2.0)}
            name = self.node("Gemm", x.name, weights, *bias, transB=int(turned), **factors)
            return name, gain
        name = self.node("MatMul", x.name, weights)
        return (self.node("Add", *([name, *bias][:: self.one_of(1, -1)])) if bias else name), gain

    def model(self, images: int) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
        shape = tuple(self.draw(st.integers(1, most)) for most in (3, 9, 9))
        x = self.pair("input", shape, 0.05)
        given = self.rng.normal(0, 4, (images, *shape)).astype(np.float32)
        steps = (self.conv, self.conv, self.conv, self.pool, self.activation, self.residual,
                 self.joined, self.padded)  # fmt: skip
        for _ in range(self.draw(st.integers(1, 4))):
            x = self.one_of(*steps)(x)
        x = self.flat(x)
        for _ in range(self.draw(st.integers(0, 1))):
            outputs = self.draw(st.integers(1, 6))
            name, scale = self.dense(x, outputs)
            x = self.pair(self.activated(name, scale), (outputs,), scale)
        name, scale = self.dense(x, 4)
        name = self.activated(name, scale)
        if self.one_of(True, False):
            name = self.pair(name, (4,), scale).name
        if self.one_of(True, False, False):
            name = self.node("Softmax", name, axis=self.one_of(1, -1))
        return self.built(shape=given.shape[1:], output=name), given

    def built(self, shape: tuple[int, ...], output: str) -> onnx.ModelProto:
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "random",
            [value("input", TensorProto.FLOAT, ["batch", *shape])],
            [value(output, TensorProto.FLOAT, ["batch", 4])],
            self.tensors,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@st.composite
def networks(draw: Draw, images: int = 3) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """A network and float32 inputs [images, C, H, W]."""
    return Maker(draw).model(images)


def written(parent: pytest.TempPathFactory, model: onnx.ModelProto) -> Path:
    path = parent.mktemp("network") / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path
