"""A convolution, or a fully connected layer, whose weights the file leaves in float32."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, structure
from quantbench.c99.emit.describe import window_words
from quantbench.c99.emit.fragments import Fields
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import (
    Graph,
    ImageOrder,
    Laid,
    OneInput,
    Orders,
    Reals,
    Step,
    Tensor,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.patches import padded, padded_size, products
from quantbench.c99.ir.rounding import by_channel, within
from quantbench.c99.ir.wide import half_step, helpers, suffix
from quantbench.numerics.fixed_point import Integers, nearest_shift

_IMAGE = 4


@dataclass(frozen=True, eq=False)
class WideConv(OneInput):
    """q = zero point + round((bias + sum (x - Z) w) m 2**-shift), half to even, in [low, high].

    Weights are of 16 bits, the input of 8 or 32, sums of 64. A vector is an image of one place.
    """

    name: str
    input: str
    output: str
    weights: NDArray[np.int16]
    """[O, I / groups, kh, kw]"""
    bias: NDArray[np.int64]
    """[O]"""
    window: Window
    groups: int
    multipliers: NDArray[np.int64]
    """[O]"""
    shift: int
    zero_point: int
    low: int
    high: int
    lost: Reals
    """[O]: the most by which a rounded weight differs from the file's, in its own units."""

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        acc = self._sums(self._inputs(graph, values), self.weights.astype(np.int64))
        acc = acc + by_channel(self.bias, _IMAGE)
        scaled = nearest_shift(acc * by_channel(self.multipliers, _IMAGE), self.shift)
        rounded = within(scaled + self.zero_point, self.low, self.high)
        return rounded.reshape(len(rounded), *graph.tensors[self.output].shape)

    def _inputs(self, graph: Graph, values: Tensors) -> Integers:
        """The input less its zero point, as images [N, C, H, W]."""
        moved = values[self.input] - graph.tensors[self.input].zero_point
        return moved if moved.ndim == _IMAGE else moved.reshape(*moved.shape[:2], 1, -1)

    def _sums(self, inputs: Values, weights: Values) -> Values:
        return products(padded(inputs, self.window.pads, 0), weights, self.window, self.groups)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't requantized")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return self.carried(graph, values, {self.input: np.zeros(values[self.input].shape)})

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        inputs = self._inputs(graph, values).astype(np.float64)
        off = before[self.input].reshape(inputs.shape)
        sizes, weights = np.abs(inputs), np.abs(self.weights).astype(np.float64)
        of_all, bias = self._sums(sizes, weights), by_channel(np.abs(self.bias), _IMAGE)
        terms = self.weights[0].size + tolerance.EXTRA
        lost = self._sums(sizes + off, np.ones_like(weights)) * by_channel(self.lost, _IMAGE)
        passed = self._sums(off, weights)
        e = (of_all + bias) * (UNIT * terms) + lost + passed + 0.5
        factor = by_channel(self.multipliers * 2.0**-self.shift, _IMAGE)
        rounding = (of_all + bias) * 2.0 ** -(self.shift + 1)
        more = tolerance.MARGIN + half_step(graph, self.output)
        whole = np.asarray(e * factor + rounding + more, np.float64)
        return whole.reshape(len(whole), *graph.tensors[self.output].shape)

    def to_uint8(self, graph: Graph) -> WideConv:
        out = graph.tensors[self.output].to_unsigned
        return replace(
            self, zero_point=self.zero_point + out, low=self.low + out, high=self.high + out
        )

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Store the weights as [O, kh, kw, I / groups]; read and write as images lie."""
        work = replace(self, weights=self.weights.transpose(0, 2, 3, 1))
        ends = (graph.tensors[name].shape for name in (self.input, self.output))
        given, output = (nhwc(shape) for shape in ends)
        return Laid(work, (given,), output)

    def emit(self, step: Step) -> Code:
        (source,), output, name = step.inputs, step.output, step.identifier
        channels, height, width = _image(source.shape)
        out_c, out_h, out_w = _image(output.shape)
        window = self.window
        fields: Fields = {
            "weights": f"{name}_weights", "bias": f"{name}_bias", "m": f"{name}_m",
            "height": height, "width": width, "channels": channels,
            "group_in": channels // self.groups, "group_out": out_c // self.groups,
            "out_height": out_h, "out_width": out_w, "out_channels": out_c,
            "kernel_h": window.kernel[0], "kernel_w": window.kernel[1],
            "stride_h": window.strides[0], "stride_w": window.strides[1],
            "top": window.pads[0], "left": window.pads[1],
            "dilation_h": window.dilations[0], "dilation_w": window.dilations[1],
            "in_zero": source.zero_point, "shift": self.shift, "zero": self.zero_point,
            "low": self.low, "high": self.high,
        }  # fmt: skip
        constants = array("int16_t", f"{name}_weights", self.weights)
        constants += array("int64_t", f"{name}_bias", self.bias)
        constants += array("int64_t", f"{name}_m", self.multipliers)
        constants += structure("model_wide_conv_layer", name, fields)
        kernel = f"wide_conv_{suffix(source.type)}{suffix(output.type)}"
        call = f"model_{kernel}(&{name}, {source.at}, {output.at});"
        kernels = (*helpers(step.inputs, output), "wide_conv_layer", kernel)
        return Code(constants, (call,), kernels, 2 * self.weights.size, 16 * out_c)

    def describe(self) -> list[str]:
        words = window_words(self.window, "conv")
        return [words, *(["ReLU"] if self.low == self.zero_point else [])]

    @property
    def weight_type(self) -> str | None:
        return "int16"

    def macs(self, output: Tensor) -> int:
        _, height, width = _image(output.shape)
        return height * width * self.weights.size

    def workspace(self, graph: Graph) -> int:
        output, given = graph.tensors[self.output], graph.tensors[self.input]
        return padded_size(_image(given.shape), self.window.pads) + output.size


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """[C, H, W] of an image; a vector is one place."""
    channels, height, width = shape if len(shape) > 1 else (shape[0], 1, 1)
    return channels, height, width
