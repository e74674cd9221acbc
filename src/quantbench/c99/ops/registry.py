"""The operators of ONNX that are read alike, whatever the network computes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, TypeVar

from quantbench.c99.frontend import windows
from quantbench.c99.frontend.context import State
from quantbench.c99.frontend.reader import Network, OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ops import linear, pool_activation, shape
from quantbench.errors import CompileError

S = TypeVar("S", contravariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class Operator(Generic[S]):
    run: Callable[[S, OnnxNode], Value]
    least: int
    """Inputs that it must have."""
    most: int
    attributes: frozenset[str] = frozenset()


_POOL = windows.ATTRIBUTES | {"ceil_mode"}
_MANY = 10_000

SHARED: dict[str, Operator[State]] = {
    "Add": Operator(linear.add, 2, 2),
    "AveragePool": Operator(pool_activation.average_pool, 1, 1, _POOL | {"count_include_pad"}),
    "BatchNormalization": Operator(
        linear.batch_normalization, 5, 5, frozenset({"epsilon", "momentum", "training_mode"})
    ),
    "Cast": Operator(shape.cast, 1, 1, frozenset({"to", "saturate", "round_mode"})),
    "Clip": Operator(pool_activation.clip, 1, 3, frozenset({"min", "max"})),
    "Concat": Operator(shape.concat, 1, _MANY, frozenset({"axis"})),
    "Constant": Operator(
        shape.constant, 0, 0,
        frozenset({"value", "value_int", "value_ints", "value_float", "value_floats"}),
    ),
    "ConstantOfShape": Operator(shape.constant_of_shape, 1, 1, frozenset({"value"})),
    "Conv": Operator(linear.conv, 2, 3, windows.ATTRIBUTES | {"group"}),
    "Dropout": Operator(shape.dropout, 1, 3, frozenset({"ratio", "seed"})),
    "Flatten": Operator(shape.flatten, 1, 1, frozenset({"axis"})),
    "Gemm": Operator(
        linear.gemm, 2, 3, frozenset({"alpha", "beta", "transA", "transB"})
    ),
    "GlobalAveragePool": Operator(pool_activation.global_average_pool, 1, 1),
    "Identity": Operator(shape.same, 1, 1),
    "MatMul": Operator(linear.matmul, 2, 2),
    "MaxPool": Operator(pool_activation.max_pool, 1, 1, _POOL | {"storage_order"}),
    "Pad": Operator(shape.pad, 1, 4, frozenset({"mode", "pads", "value"})),
    "ReduceMean": Operator(
        pool_activation.reduce_mean, 1, 2, frozenset({"axes", "keepdims", "noop_with_empty_axes"})
    ),
    "Relu": Operator(pool_activation.relu, 1, 1),
    "Reshape": Operator(shape.reshape, 2, 2, frozenset({"allowzero"})),
    "Softmax": Operator(shape.softmax, 1, 1, frozenset({"axis"})),
    "Squeeze": Operator(shape.squeeze, 1, 2, frozenset({"axes"})),
    "Transpose": Operator(shape.transpose, 1, 1, frozenset({"perm"})),
    "Unsqueeze": Operator(shape.unsqueeze, 1, 2, frozenset({"axes"})),
}  # fmt: skip


def require_known(network: Network, operators: Mapping[str, Operator[T]]) -> None:
    """Raises CompileError for the first operator that isn't there, whatever else is wrong with the
    network.
    """
    for node in network.nodes:
        if node.op not in operators:
            checked(node, operators)
    if network.unsupported:
        raise CompileError(network.unsupported)


def checked(node: OnnxNode, operators: Mapping[str, Operator[T]]) -> Operator[T]:
    """Raises CompileError unless it is supported, with the inputs and attributes it has."""
    if node.op not in operators:
        within = [name for name in sorted(operators) if name in node.op]
        near = [*dict.fromkeys([*within, *get_close_matches(node.op, sorted(operators), n=3)])]
        known = f"{', '.join(near)} {'is' if len(near) == 1 else 'are'}"
        listed = "docs/compiling.md lists the operators that are"
        raise CompileError(f"{node.where}: it isn't supported; {known if near else listed}")
    operator = operators[node.op]
    given = len(node.inputs)
    if not operator.least <= given <= operator.most or not all(node.inputs[: operator.least]):
        raise CompileError(
            f"{node.where}: {given} inputs; {operator.least} to {operator.most} are supported"
        )
    if unknown := sorted(node.attributes.keys() - operator.attributes):
        known = ", ".join(sorted(operator.attributes)) or "none"
        raise CompileError(f"{node.where}: attribute {unknown[0]!a:.40}; supported: {known}")
    return operator
