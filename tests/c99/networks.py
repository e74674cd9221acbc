"""Random small quantized networks over all supported operators, as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.c99.activations import STEPS
from tests.c99.spelling import At, Choose, Form, Spelling

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Maker(Spelling):
    """Adds layers one by one; each ends in a QuantizeLinear and a DequantizeLinear."""

    def activated(self, name: str, scale: float) -> str:
        kind = self.choose(self.form.activations)
        if kind == "none":
            return name
        if kind == "Relu":
            return self.node("Relu", name)
        limits = {"min": -23.4 * scale, "max": 71.3 * scale}
        limits.pop({"low": "max", "high": "min"}.get(kind, ""), None)
        if self.opset < 11:
            return self.node("Clip", name, **limits)
        low, high = (
            self.constant(limits[side], "float32") if side in limits else ""
            for side in ("min", "max")
        )
        return self.node("Clip", name, low, high)

    def window(self, image: tuple[int, ...], most: int, *, pooling: bool) -> dict[str, Any] | None:
        """Attributes of a window that fits."""
        kernel = [self.whole(1, min(most, size + 2)) for size in image]
        strides = [self.whole(1, 3) for _ in image]
        # ONNX Runtime runs no pooling whose windows of "SAME" would leave places out.
        gaps = pooling and any(s > k for s, k in zip(strides, kernel, strict=True))
        same = [] if gaps else ["SAME_UPPER", "SAME_LOWER"]
        how = self.one_of("NOTSET", "NOTSET", "VALID", *same)
        dilated = not pooling and not how.startswith("SAME")  # ONNX Runtime knows no other
        dilations = [self.one_of(1, 1, 2) if dilated else 1 for _ in image]
        limit = [min(2, k - 1) if pooling else 2 for k in kernel]
        pads = [self.whole(0, one) for one in (*limit, *limit)]
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
        outputs = groups * self.whole(1, 3)
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
        signs = self.rng.choice([-1.0, 1.0, 1.0, 1e-9 if self.form.tiny else 0.0, 0.0], size)
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
        kernel = [min(self.whole(1, 3), size) for size in shape[1:]]
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
        pads = [self.whole(0, 2) for _ in range(4)]
        every, value = [0, 0, *pads[:2], 0, 0, *pads[2:]], self.one_of(None, 0.0, x.scale * 3)
        given = [self.constant(every, "int64")] if self.opset >= 11 else []
        attributes: dict[str, Any] = {} if self.opset >= 11 else {"pads": every}
        if value is not None and self.opset >= 11:
            given.append(self.constant(value, "float32"))
        elif value is not None:
            attributes["value"] = value
        channels, height, width = x.shape
        shape = (channels, height + pads[0] + pads[2], width + pads[1] + pads[3])
        return self.held(self.node("Pad", x.name, *given, **attributes), shape, x)

    def shuffled(self, x: At) -> At:
        """Channels of two halves in turn, or height and width exchanged."""
        channels, height, width = x.shape
        if channels % 2:
            name = self.node("Transpose", x.name, perm=[0, 1, 3, 2])
            return self.held(name, (channels, width, height), x)
        halves = self.constant([-1, 2, channels // 2, height, width], "int64")
        name = self.node("Transpose", self.node("Reshape", x.name, halves), perm=[0, 2, 1, 3, 4])
        if self.one_of(True, False):
            name = self.pair(name, (channels // 2, 2, height, width), x.scale, like=x).name
        back = self.constant([-1, channels, height, width], "int64")
        return self.held(self.node("Reshape", name, back), x.shape, x)

    def sliced(self, x: At) -> At:
        axis = self.whole(1, 3)
        size, step = x.shape[axis - 1], self.one_of(1, 2, -1)
        begin = self.whole(0, size - 1)
        start, end = (begin, size) if step > 0 else (size - 1 - begin, -size - 1)
        given = [self.constant([value], "int64") for value in (start, end, axis, step)]
        shape = [*x.shape]
        shape[axis - 1] = -(-(size - begin) // abs(step))
        return self.held(self.node("Slice", x.name, *given), tuple(shape), x)

    def gathered(self, x: At) -> At:
        axis = self.whole(1, 3)
        places = [self.whole(-x.shape[axis - 1], x.shape[axis - 1] - 1) for _ in range(3)]
        shape = (*x.shape[: axis - 1], 3, *x.shape[axis:])
        name = self.node("Gather", x.name, self.constant(places, "int64"), axis=axis)
        return self.held(name, shape, x)

    def resized(self, x: At) -> At:
        channels, height, width = x.shape
        if self.opset < 13 or height * width > 60:
            return x
        kind, factor = self.one_of("nearest", "linear"), self.whole(1, 3)
        mode = self.one_of("asymmetric", "half_pixel")
        scales = self.constant([1, 1, factor, 2], "float32")
        more = {"nearest_mode": "floor"} if kind == "nearest" else {}
        name = self.node(
            "Resize", x.name, "", scales, mode=kind, coordinate_transformation_mode=mode, **more
        )
        return self.held(name, (channels, factor * height, 2 * width), x)

    def conv_transposed(self, x: At) -> At:
        channels, height, width = x.shape
        if height * width > 60:
            return x
        outputs, kernel = self.whole(1, 3), [self.whole(1, 4), self.whole(1, 4)]
        strides = [self.whole(1, 3), self.whole(1, 3)]
        weights, scale = self.weights((channels, outputs, *kernel), 1)
        bias = self.bias(outputs, np.asarray(np.float32(x.scale) * scale, np.float32))
        name = self.node(
            "ConvTranspose", x.name, weights, *bias, kernel_shape=kernel, strides=strides
        )
        gain = x.scale * float(scale.max()) * 74 * 74 * (channels * kernel[0] * kernel[1]) ** 0.5
        sides = [
            (size - 1) * s + k for size, s, k in zip((height, width), strides, kernel, strict=True)
        ]
        return self.pair(self.activated(name, gain * 0.02), (outputs, *sides), gain * 0.02)

    def reduced_over(self, x: At) -> At:
        """A mean, a maximum or a minimum over axes, which became an input with different sets."""
        axes = sorted({self.whole(1, 3), self.whole(1, 3)})
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape, start=1))
        op = self.one_of("ReduceMean", "ReduceMax", "ReduceMin")
        if self.opset < 18:
            return self.held(self.node(op, x.name, axes=axes), shape, x)
        return self.held(self.node(op, x.name, self.constant(axes, "int64")), shape, x)

    def element_wise(self, x: At) -> At:
        step: Callable[[Maker, At], At] = self.one_of(*STEPS)
        return step(self, x)

    def flat(self, x: At) -> At:
        size = int(np.prod(x.shape))
        if x.shape[1:] == (1, 1) and self.one_of(True, False):
            axes = [self.constant([2, 3], "int64")] if self.opset >= 13 else []
            name = self.node("Squeeze", x.name, *axes, **({} if axes else {"axes": [2, 3]}))
        elif self.one_of(True, False):
            name = self.node("Flatten", x.name)
        else:
            name = self.node("Reshape", x.name, self.constant([self.one_of(-1, 0), size], "int64"))
        flat = At(name, (size,), x.scale, x.zero_point, x.type)
        return self.held(name, (size,), x) if self.one_of(True, False) else flat

    def dense(self, x: At, outputs: int) -> tuple[str, float]:
        """Not yet quantized, and a scale for it."""
        (inputs,) = x.shape
        turned = self.opset >= 11 and self.one_of(True, False)
        shape, axis = ((outputs, inputs), 0) if turned else ((inputs, outputs), 1)
        weights, scale = self.weights(shape, axis)
        bias = self.bias(outputs, np.asarray(np.float32(x.scale) * scale, np.float32))
        gain = x.scale * float(scale.max()) * 74 * 74 * inputs**0.5 * 0.02
        whole = bool(bias) or self.opset >= 11  # before, Gemm had to have a bias
        if whole and (turned or self.one_of(True, False)):
            factors = {"alpha": self.one_of(1.0, -1.5, 0.5), "beta": self.one_of(1.0, -2.0)}
            name = self.node("Gemm", x.name, weights, *bias, transB=int(turned), **factors)
            return name, gain
        name = self.node("MatMul", x.name, weights)
        return (self.node("Add", *([name, *bias][:: self.one_of(1, -1)])) if bias else name), gain

    def model(self, images: int) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
        shape = tuple(self.whole(1, most) for most in (3, 9, 9))
        x = self.pair("input", shape, 0.05)
        given = self.rng.normal(0, 4, (images, *shape)).astype(np.float32)
        steps = (self.conv, self.conv, self.conv, self.pool, self.activation, self.residual,
                 self.joined, self.padded, self.shuffled, self.sliced, self.gathered,
                 self.resized, self.conv_transposed, self.reduced_over)  # fmt: skip
        for _ in range(self.whole(1, 4)):
            x = self.one_of(*steps, self.element_wise, self.element_wise)(x)
        x = self.flat(x)
        for _ in range(self.whole(0, 1)):
            outputs = self.whole(1, 6)
            name, scale = self.dense(x, outputs)
            x = self.pair(self.activated(name, scale), (outputs,), scale)
        name, scale = self.dense(x, 4)
        name = self.activated(name, scale)
        if self.one_of(True, False):
            name = self.pair(name, (4,), scale).name
        if self.one_of(True, False, False):
            name = self.node("Softmax", name, axis=self.one_of(1, -1))
        return self.built(shape=given.shape[1:], output=name), given


@st.composite
def networks(draw: Draw, images: int = 3) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """A network and float32 inputs [images, C, H, W]."""
    return Maker(choices(draw)).model(images)


def choices(draw: Draw) -> Choose:
    return lambda values: draw(st.sampled_from(values))


def numbered(seed: int, form: Form, images: int = 3) -> tuple[onnx.ModelProto, NDArray[np.float32]]:
    """The network of a number, in the form of a quantizer's files."""
    rng = np.random.default_rng(seed)
    return Maker(lambda values: values[int(rng.integers(len(values)))], form).model(images)


def written(parent: pytest.TempPathFactory, model: onnx.ModelProto) -> Path:
    path = parent.mktemp("network") / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path
