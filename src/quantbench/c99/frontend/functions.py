"""Element-wise functions: chains of them over one 8-bit tensor are followed integer by integer.

The tensor's 256 integers stand for 256 real numbers. What operators make of each is evaluated here,
in float32 as ONNX has it, until a QuantizeLinear makes a table of it. docs/arithmetic.md, "Tables".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.frontend.builder import Builder, Deferred, Expr, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.curves import CurveExpr, unchanged
from quantbench.c99.frontend.formats import FREE, Format, Limits, format_of_tensor
from quantbench.c99.frontend.mixing import Reach
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.functions import Function, Operation, as_float32
from quantbench.c99.ir.graph import LIMITS, Reals, Shape
from quantbench.c99.nodes.call import Call
from quantbench.c99.nodes.table import Table
from quantbench.errors import CompileError


@dataclass(frozen=True, eq=False)
class FunctionExpr(Expr):
    """A real number for each integer of an 8-bit tensor."""

    where: str
    input: str
    shape: Shape
    values: Reals
    """[1, 256], or [C, 256] with a row for each channel, the lowest integer first: float32."""
    errors: Reals
    """The same shape: how far another float32 implementation may be from each."""
    words: tuple[str, ...] = ()

    def then(self, where: str, function: Function) -> FunctionExpr:
        """The function of these numbers."""
        values = function.rounded(self.values)
        errors = function.error(self.values, self.errors)
        return replace(
            self, where=where, values=values, errors=errors, words=(*self.words, function.words)
        )

    def within(self, limits: Limits) -> FunctionExpr:
        """These numbers, clamped."""
        low, high = limits.floats
        return replace(self, values=np.clip(self.values, low, high)) if limits != FREE else self

    def takes_zero_points(self, limits: Limits) -> bool:  # noqa: ARG002
        return True

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        output = builder.add(name, self.shape, format)
        table = self.within(limits).table(output, format)
        builder.spend(table.table.size)
        builder.nodes.append(table)
        return output

    def reach(self, builder: Builder) -> Reach | None:  # noqa: ARG002
        if not np.isfinite(self.values).all():
            return None
        return float(self.values.min()), float(self.values.max())

    def table(self, output: str, format: Format) -> Table:
        """The table, by QuantizeLinear's own steps: a division in float32, half to even."""
        if np.isnan(self.values).any():
            raise CompileError(
                f"{self.where}: some integers of its input have no result, such as the logarithm "
                "of a number below 0; an input whose range has none of them is supported"
            )
        scale = np.array(format.scales, np.float64).reshape(-1, 1)
        zero = np.array(format.zero_points, np.int64).reshape(-1, 1)
        low, high = LIMITS[format.type]
        with np.errstate(all="ignore"):
            steps = as_float32(self.values / scale)
            ends = np.clip(steps, low - zero, high - zero)
            off = np.abs(ends) * (2 * UNIT) + np.nan_to_num(self.errors / scale)
        integers = (np.rint(ends) + zero).astype(np.int64)
        unsure = np.abs(np.abs(ends - np.floor(ends)) - 0.5) <= off
        return Table(
            self.where, self.input, output, integers, off, unsure & (steps == ends), self.words
        )


@dataclass(frozen=True, eq=False)
class CallExpr(Expr):
    """A function of a float32 tensor."""

    where: str
    input: str
    shape: Shape
    function: Function

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        output = builder.add(name, self.shape, format)
        call = Call(self.where, self.input, output, self.function, *limits.floats)
        builder.nodes.append(call)
        return output


@dataclass(frozen=True, eq=False)
class Operand:
    """An input as numbers of the integers of one tensor.

    `table`: the node, read by nothing else, that they take the place of.
    """

    numbers: FunctionExpr | CurveExpr
    shape: Shape
    table: Table | None = None

    def taken(self, context: Context) -> FunctionExpr | CurveExpr:
        """The numbers, once the table that they replace is removed."""
        if self.table is not None:
            _remove(context, self.table)
        return self.numbers

    def of_integers(self, context: Context, node: OnnxNode) -> FunctionExpr:
        """The same of a tensor of 8 bits. Raises CompileError for one that nothing quantizes."""
        numbers = self.taken(context)
        if isinstance(numbers, FunctionExpr):
            return numbers
        raise CompileError(
            f"{node.where}: its input isn't quantized; with a number for each channel int8 and "
            "uint8 between QuantizeLinear and DequantizeLinear are supported"
        )


def applied(context: Context, node: OnnxNode, function: Function, at: int = 0) -> Deferred:
    """The function of the node's input number `at`."""
    if context.builder.held:
        ref = context.settled(node, at)
        shape = context.builder.tensors[ref.tensor].shape
        return Deferred(CallExpr(node.where, ref.tensor, shape, function), ref.shape)
    operand = operands(context, node, at)[-1]
    return Deferred(operand.taken(context).then(node.where, function), operand.shape)


def is_of_integers(context: Context, node: OnnxNode) -> bool:
    """Whether the node's first input is a number for each integer of a tensor."""
    value = context.activation(node, 0)
    if isinstance(value, TensorRef):
        return True
    held = isinstance(value.core, FunctionExpr | CurveExpr | IdentityExpr)
    return held and not value.steps


def peeled(context: Context, node: OnnxNode) -> TensorRef | Deferred:
    """The node's first input; a table that it alone reads becomes an expression again."""
    value = context.activation(node, 0)
    if context.builder.held or not isinstance(value, TensorRef):
        return value
    operand = operands(context, node, 0)[-1]
    return value if operand.table is None else Deferred(operand.taken(context), operand.shape)


def operands(context: Context, node: OnnxNode, at: int) -> tuple[Operand, ...]:
    """An input as numbers of the tensor that it is, and of the one that its table reads.

    Raises CompileError where it isn't quantized.
    """
    value = context.activation(node, at)
    core = value.core if isinstance(value, Deferred) and not value.steps else None
    if isinstance(value, Deferred) and isinstance(core, FunctionExpr | CurveExpr):
        return (Operand(core.within(value.limits), value.shape),)
    limits = FREE
    if isinstance(value, Deferred) and isinstance(value.core, IdentityExpr) and not value.steps:
        ref, limits = TensorRef(value.core.input, value.shape), value.limits
    else:
        ref = context.settled(node, at, words=True)
    if context.builder.tensors[ref.tensor].type == "int32":
        shape = context.builder.tensors[ref.tensor].shape
        curve = CurveExpr(node.where, ref.tensor, shape, unchanged)
        return (Operand(curve.within(limits), ref.shape),)
    own = _numbers(context.builder, node, ref.tensor)
    table = _own_table(context, node, at, ref.tensor)
    both = [Operand(own.within(limits), ref.shape)]
    if table is not None:
        through = _through(context.builder, table, own)
        both.append(Operand(through.within(limits), ref.shape, table))
    return tuple(both)


def _numbers(builder: Builder, node: OnnxNode, tensor: str) -> FunctionExpr:
    """The real numbers of a tensor's integers, as DequantizeLinear gives them: float32."""
    record = builder.tensors[tensor]
    format = format_of_tensor(record)
    low, high = LIMITS[record.type]
    whole = np.arange(low, high + 1, dtype=np.float64) - format.zero_point
    values = as_float32(whole * np.array(format.scales, np.float64).reshape(-1, 1))
    builder.spend(values.size)
    return FunctionExpr(node.where, tensor, record.shape, values, np.zeros_like(values))


def _through(builder: Builder, table: Table, after: FunctionExpr) -> FunctionExpr:
    """The numbers `after` a table, in terms of what it reads."""
    low, _ = LIMITS[builder.tensors[table.output].type]
    rows = np.arange(len(after.values)).reshape(-1, 1) if len(after.values) > 1 else 0
    values = after.values[rows, table.table - low]
    # An integer that another implementation rounds to the neighbour is a step off.
    step = np.array(builder.tensors[table.output].scale).reshape(-1, 1)
    return replace(
        after,
        input=table.input,
        shape=builder.tensors[table.input].shape,
        values=values,
        errors=np.where(table.unsure, step, 0.0),
        words=table.words,
    )


def _own_table(context: Context, node: OnnxNode, at: int, tensor: str) -> Table | None:
    """The table that gives a tensor which only this input of this node reads."""
    builder = context.builder
    origins, name = builder.origins.get(tensor, ()), node.inputs[at]
    source = context.producer(name)
    made = next((item for item in builder.nodes if item.output == tensor), None)
    alone = (
        isinstance(made, Table)
        and len(origins) == 1
        and source is not None
        and source.op == "DequantizeLinear"
        and source.inputs[0] == origins[0].name
        and context.reader(name) is node
        and context.reader(source.inputs[0]) is source
        and not any(tensor in item.reads for item in builder.nodes)
    )
    return made if alone and isinstance(made, Table) else None


def _remove(context: Context, table: Table) -> None:
    """Remove a table that nothing reads any more, with its tensor."""
    builder = context.builder
    builder.nodes[:] = [item for item in builder.nodes if item is not table]
    del builder.tensors[table.output]
    del builder.origins[table.output]
    for key in [key for key, placed in context.placed.items() if placed.ref.tensor == table.output]:
        del context.placed[key]


def finite(node: OnnxNode, name: str, default: float) -> float:
    """A float attribute. Raises CompileError unless it is a finite number."""
    value = node.real(name, default)
    if not np.isfinite(value):
        raise CompileError(f"{node.where}: its {name} isn't finite")
    return float(np.float32(value))


def combined(
    where: str, first: FunctionExpr | CurveExpr, second: FunctionExpr | CurveExpr,
    operation: Operation,
) -> FunctionExpr | CurveExpr:  # fmt: skip
    """An operation on two numbers for each integer of the same tensor."""
    if isinstance(first, CurveExpr) and isinstance(second, CurveExpr):
        return first.combined(where, second, operation)
    assert isinstance(first, FunctionExpr)
    assert isinstance(second, FunctionExpr)
    values = operation.rounded(first.values, second.values)
    errors = operation.error((first.values, second.values), (first.errors, second.errors))
    words = tuple(dict.fromkeys((*first.words, *second.words)))
    return replace(
        first, where=where, values=values, errors=errors, words=(*words, operation.words)
    )
