"""Add: sums two activations, or adds a constant, which a layer before it takes in as its bias."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

import numpy as np

from quantbench.c99.emit.c_syntax import structure
from quantbench.c99.emit.describe import limits_words
from quantbench.c99.emit.fragments import Fields, call, clamp_code
from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.binary import (
    constant,
    elementwise,
    expanded,
    pair,
    result_shape,
    shared,
)
from quantbench.c99.frontend.builder import Builder, Deferred, Expr, step_ratio
from quantbench.c99.frontend.by_place import differs_by_place
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Format, Limits
from quantbench.c99.frontend.linear import still_linear
from quantbench.c99.frontend.mixing import Reach, sum_of
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Constant, Int32Constant, Value, Weights
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.functions import ADD
from quantbench.c99.ir.graph import (
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    Node,
    Orders,
    Reals,
    Shape,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.rounding import Range, range_of, within
from quantbench.c99.nodes.clamp import within_limits
from quantbench.c99.nodes.operands import in_a_shared_order
from quantbench.numerics.fixed_point import common_multipliers, nearest_shift

NAME = "Add"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()
_PARTS_BITS, _PART = 40, 2**15


def from_onnx(context: Context, node: OnnxNode) -> Value:
    constants = [
        at
        for at in (0, 1)
        if isinstance(context.value(node, at), Constant | Weights | Int32Constant)
    ]
    other = 1 - constants[0] if len(constants) == 1 else 0
    linear = len(constants) == 1 and still_linear(context.activation(node, other))
    if (
        linear
        and not _by_place(context, node, constants[0])
        and not (shared(context, node, other) and _is_number(context, node, constants[0]))
    ):
        return _with_bias(context, node, constants[0])
    return elementwise(context, node, ADD, _sum, _line, _line)


def _is_number(context: Context, node: OnnxNode, at: int) -> bool:
    return constant(context, node, at).size == 1


def _by_place(context: Context, node: OnnxNode, at: int) -> bool:
    shape = context.activation(node, 1 - at).shape
    return differs_by_place(constant(context, node, at).shape, shape)


def _line(addend: Fraction) -> tuple[Fraction, Fraction]:
    return Fraction(1), addend


def _sum(context: Context, node: OnnxNode) -> Value:
    tensors, shape = pair(context, node)
    seen = result_shape(context.builder, tensors)
    first, second = (expanded(context.builder, node.where, name, seen) for name in tensors)
    return Deferred(AddExpr(node.where, (first, second), seen), shape)


def _with_bias(context: Context, node: OnnxNode, at: int) -> Value:
    value = context.activation(node, 1 - at)
    core = still_linear(value)
    assert core is not None
    addends = context.addends(node, at, core.scale, value.shape)
    bias = tuple(a + b for a, b in zip(core.bias, addends, strict=True))
    return Deferred(replace(core, bias=bias), value.shape)


@dataclass(frozen=True)
class AddExpr(Expr):
    """The sum of two activations of equal shape."""

    where: str
    inputs: tuple[str, str]
    shape: Shape
    takes_activation: ClassVar[bool] = True

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        if "int32" in (format.type, *(builder.tensors[tensor].type for tensor in self.inputs)):
            return builder.mixed(self.where, self.inputs, name, limits, format)
        output = builder.add(name, self.shape, format)
        if format.type == "float32":
            builder.nodes.append(Add(self.where, self.inputs, output, None, *limits.floats))
            return output
        first, second = self.inputs
        m1, m2, shift = common_multipliers(
            step_ratio(builder, self.where, first, format),
            step_ratio(builder, self.where, second, format),
            self.where,
        )
        low, high = boundary.integers(self.where, limits, format)
        rescale = AddRequantization(
            multipliers=(m1, m2),
            shift=shift,
            zero_points=(builder.tensors[first].zero_point, builder.tensors[second].zero_point),
            zero_point=format.zero_point,
            low=low,
            high=high,
        )
        builder.nodes.append(Add(self.where, self.inputs, output, rescale))
        return output

    def reach(self, builder: Builder) -> Reach:
        return sum_of([builder.reach(tensor) for tensor in self.inputs])


@dataclass(frozen=True)
class AddRequantization:
    """The rounding of a sum of two tensors of integers with scales of their own.

    q = zero_point + round(((q1 - z1) m1 + (q2 - z2) m2) 2**-s), half to even, in [low, high].
    """

    multipliers: tuple[int, int]
    shift: int
    zero_points: tuple[int, int]
    zero_point: int
    low: int
    high: int
    ties: bool = True
    """False where it is proved that half up gives the same."""


@dataclass(frozen=True)
class Add(Node):
    """The sum of two tensors: integers rounded by `requantize`, or float32 clamped to limits."""

    name: str
    inputs: tuple[str, str]
    output: str
    requantize: AddRequantization | None
    low: float | None = None
    high: float | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        a, b = (values[name] for name in self.inputs)
        if self.requantize is None:
            return within_limits(a + b, self.low, self.high)
        (z1, z2), (m1, m2) = self.requantize.zero_points, self.requantize.multipliers
        rounded = nearest_shift((a - z1) * m1 + (b - z2) * m2, self.requantize.shift)
        moved = rounded + self.requantize.zero_point
        return within(moved, self.requantize.low, self.requantize.high)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        a, b = self.inputs
        error = errors[a] + errors[b]
        return np.asarray(error + UNIT * (np.abs(values[a] + values[b]) + error), np.float64)

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        assert self.requantize is not None
        factors = self.requantize
        parts = zip(self.inputs, factors.zero_points, factors.multipliers, strict=True)
        sizes = sum(abs(values[name] - zero) * float(m) for name, zero, m in parts)
        relative = 2.0**-factors.shift * UNIT * tolerance.EXTRA
        return np.asarray(sizes * relative + tolerance.MARGIN, np.float64)

    def to_uint8(self, graph: Graph) -> Add:
        if self.requantize is None:
            return self
        z1, z2 = (
            zero + graph.tensors[name].to_unsigned
            for zero, name in zip(self.requantize.zero_points, self.inputs, strict=True)
        )
        out = graph.tensors[self.output].to_unsigned
        moved = replace(
            self.requantize,
            zero_points=(z1, z2),
            zero_point=self.requantize.zero_point + out,
            low=self.requantize.low + out,
            high=self.requantize.high + out,
        )
        return replace(self, requantize=moved)

    def mark_ties(self, graph: Graph) -> Add:
        if self.requantize is None:
            return self
        first, second = (range_of(graph.tensors[name]) for name in self.inputs)
        ties = ties_differ(self.requantize, (first, second))
        return replace(self, requantize=replace(self.requantize, ties=ties))

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return in_a_shared_order(self, graph, orders, nhwc)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        """The C of the sum. The exact sum of integers exceeds 32 bits, and is kept in two parts.

        It is made positive by adding 2**40: see kernels/add.h.
        """
        if self.requantize is None:
            return clamp_code(step, "add", self.low, self.high)
        factors = self.requantize
        (m1, m2), (z1, z2) = factors.multipliers, factors.zero_points
        begin = 2 ** (factors.shift - 1) - z1 * m1 - z2 * m2 + 2**_PARTS_BITS
        fields: Fields = {
            "count": step.output.size,
            "offset": factors.zero_point - 2 ** (_PARTS_BITS - factors.shift),
            "a_low": m1 % _PART,
            "a_high": m1 // _PART,
            "b_low": m2 % _PART,
            "b_high": m2 // _PART,
            "low": begin % _PART,
            "high": begin // _PART,
            "shift": factors.shift - _PART.bit_length() + 1,
            "q_min": factors.low,
            "q_max": factors.high,
        }
        kernel = "add_even" if factors.ties else "add"
        constants = structure("model_add_layer", step.identifier, fields)
        return Code(constants, (call(step, kernel),), ("add_layer", kernel))

    def describe(self) -> list[str]:
        if self.requantize is None:
            return ["add", *limits_words(self.low, self.high)]
        cut = self.requantize.low == self.requantize.zero_point
        return ["add", *(["ReLU"] if cut else [])]


@lru_cache(maxsize=256)  # deep networks have many sums, and few kinds of them
def ties_differ(requantize: AddRequantization, inputs: tuple[Range, Range]) -> bool:
    """Whether half up and half to even differ for any pair of integers, found by exhaustion."""
    a, b = (
        (np.arange(values.low, values.high + 1, dtype=np.int64) - zero) * m
        for values, zero, m in zip(
            inputs, requantize.zero_points, requantize.multipliers, strict=True
        )
    )
    products = a[:, None] + b
    up = (products + (1 << (requantize.shift - 1))) >> requantize.shift
    even = nearest_shift(products, requantize.shift)
    low, high = (limit - requantize.zero_point for limit in (requantize.low, requantize.high))
    return bool((np.clip(up, low, high) != np.clip(even, low, high)).any())
