"""A pooling that can't be fused behind a convolution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from quantbench.c99.emit.c_syntax import array, structure
from quantbench.c99.emit.describe import window_words
from quantbench.c99.emit.fragments import (
    NO_POOLING,
    Fields,
    Tables,
    call,
    input_fields,
    layer_code,
    output_fields,
    window_fields,
    windows_inside,
)
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT, mean_error
from quantbench.c99.ir.graph import (
    LIMITS,
    Graph,
    OneInput,
    Reals,
    Requantization,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.patches import padded, padded_size, windows
from quantbench.c99.ir.rounding import (
    Range,
    placed,
    range_of,
    requantized,
    with_ties_marked,
)
from quantbench.numerics.fixed_point import Multiplier, rescaled


@dataclass(frozen=True)
class Pool(OneInput):
    """The average or the maximum of each window.

    Average of integers: acc = sum (q - zero point of the input), requantized by
    `requantize.multipliers[n - 1]`, where n positions of the window lie inside the image. With
    `count_pads` pads count, too, and there is one multiplier. An int32 output is acc itself.
    Maximum: of the integers themselves, without requantization, as input and output share a format.
    """

    name: str
    input: str
    output: str
    kind: Literal["average", "sum", "max"]
    window: Window
    count_pads: bool
    requantize: Requantization | None = None

    @property
    def rounds(self) -> bool:
        return self.kind != "max"

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        tensor, x = graph.tensors[self.input], values[self.input]
        if self.kind == "max":
            lowest = -np.inf if graph.is_float32 else LIMITS[tensor.type][0]
            return np.asarray(self._windows(x, lowest).max(axis=(4, 5)), x.dtype)
        acc = self._windows(x - tensor.zero_point, 0).sum(axis=(4, 5))
        if graph.tensors[self.output].type == "int32":
            return np.asarray(acc)
        if self.requantize is None:
            return np.asarray(acc / (1 if self.kind == "sum" else self._counts(x)))
        if self.count_pads:
            return requantized(acc, self.requantize)
        which = self._counts(x) - 1
        m = np.array([factor.m for factor in self.requantize.multipliers])[which]
        s = np.array([factor.s for factor in self.requantize.multipliers])[which]
        return placed(rescaled(acc, m, s), self.requantize)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        x, error = values[self.input], self._windows(errors[self.input], 0)
        if self.kind == "max":
            return np.asarray(error.max(axis=(4, 5)))
        largest = self._windows(np.abs(x) + errors[self.input], 0)
        counts = 1 if self.kind == "sum" else self._counts(x)
        return mean_error(error.sum(axis=(4, 5)), largest, counts)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        x = values[self.input]
        if self.kind == "max":
            return np.full(self._windows(x, 0).shape[:4], tolerance.MARGIN)
        sizes = np.abs(x - graph.tensors[self.input].zero_point).astype(np.float64)
        patches = self._windows(sizes, 0.0)
        terms = patches.shape[4] * patches.shape[5]
        factors = self.requantize.multipliers if self.requantize else ()
        largest = max((float(factor.value) for factor in factors), default=1.0)
        relative = largest * UNIT * (terms + tolerance.EXTRA)
        return np.asarray(patches.sum(axis=(4, 5)) * relative + tolerance.MARGIN, np.float64)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        if graph.tensors[self.output].type == "int32":  # sums
            passed = self._windows(before[self.input], 0.0).sum(axis=(4, 5))
            return np.asarray(self.excess(graph, values) + passed, np.float64)
        return np.asarray(self._windows(before[self.input], 0.0).max(axis=(4, 5)), np.float64)

    def to_uint8(self, graph: Graph) -> Pool:
        out = graph.tensors[self.output].to_unsigned
        return replace(self, requantize=self.requantize.plus(out) if self.requantize else None)

    def mark_ties(self, graph: Graph) -> Pool:
        if self.requantize is None:
            return self
        marked = with_ties_marked(self.requantize, self._accumulators(graph))
        return replace(self, requantize=marked)

    @property
    def row_window(self) -> Window:
        return self.window

    def of_rows(self, top: int, bottom: int) -> Pool:
        return replace(self, window=self.window.with_rows_around(top, bottom))

    def emit(self, step: Step) -> Code:
        fields: Fields = {
            **input_fields(step),
            **output_fields(step),
            **window_fields(self.window),
            "max": int(self.kind == "max"),
            "count_pads": int(self.count_pads),
        }
        if step.output.type == "float32":
            fields["sum"] = int(self.kind == "sum")
            constant = structure("model_pool_layer", step.identifier, fields)
            return Code(constant, (call(step, "pool"),), ("pool",))
        tables = Tables(step.identifier)
        if step.inputs[0].type == "int32":
            return self._words(step)
        if step.output.type == "int32":
            more: Fields = {"in_zero": step.inputs[0].zero_point}
            return layer_code(step, "pool_sums", tables, fields | more)
        tables.add_requantization(self.requantize)
        tables.fields.pop("m_step")
        fields["inside"] = int(windows_inside(step, self.window, NO_POOLING.window))
        fields["in_zero"] = step.inputs[0].zero_point
        return layer_code(step, "pool", tables, fields)

    def _words(self, step: Step) -> Code:
        """The C of the sums of a tensor of 32 bits."""
        window, name = self.window, f"{step.identifier}_shape"
        (channels, height, width), (_, *sides) = step.inputs[0].shape, step.output.shape
        pairs = (window.kernel, window.strides, window.pads[:2], window.dilations)
        shape = [height, width, channels, *sides, *(side for pair in pairs for side in pair)]
        call = f"model_pool_words({name}, {step.inputs[0].at}, {step.output.at});"
        table = array("int32_t", name, shape)
        return Code(table, (call,), ("word", "set_word", "pool_words"), tables=4 * len(shape))

    def describe(self) -> list[str]:
        return [window_words(self.window, f"{self.kind} pool")]

    def workspace(self, graph: Graph) -> int:
        return padded_size(graph.tensors[self.input].shape, self.window.pads)

    def _windows(self, values: Values, around: float) -> Values:
        return windows(padded(values, self.window.pads, around), self.window)

    def _counts(self, values: Values) -> Values:
        """The number of positions that each average is of."""
        if self.count_pads:
            return np.asarray(math.prod(self.window.kernel))
        return np.asarray(self._windows(np.ones_like(values[:1, :1]), 0).sum(axis=(4, 5)))

    def _accumulators(self, graph: Graph) -> Iterator[tuple[Range, Multiplier]]:
        assert self.requantize is not None
        tensor, whole = graph.tensors[self.input], math.prod(self.window.kernel)
        values = range_of(tensor)
        acc = Range(values.low - tensor.zero_point, values.high - tensor.zero_point)
        counts = [whole] if self.count_pads else range(1, whole + 1)
        for count, factor in zip(counts, self.requantize.multipliers, strict=True):
            yield acc.times(count), factor
