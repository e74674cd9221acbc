"""ReduceMean: averages height and width together, as exporters write GlobalAveragePool."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.pooling import global_average
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "ReduceMean"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axes", "keepdims", "noop_with_empty_axes"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    axes = node.wholes("axes") if context.network.opset < 18 else context.wholes(node, 1)
    rank = len(context.activation(node, 0).shape) + 1
    if rank < 3 or axes is None or sorted(axis % rank for axis in axes) != [*range(2, rank)]:
        raise CompileError(
            f"{node.where}: of [N, C, H, W], the axes 2 and 3 together are supported"
        )
    mean = global_average(context, node)
    return mean if node.whole("keepdims", 1) else replace(mean, shape=mean.shape[:1])
