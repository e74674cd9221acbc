"""MaxPool: fused behind a layer where its windows don't overlap, else a node of its own."""

from __future__ import annotations

from quantbench.c99.frontend import pooling
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "MaxPool"
INPUTS = (1, 1)
ATTRIBUTES = pooling.ATTRIBUTES | {"storage_order"}


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.to_be_moved(node, 0)
    window, shape = pooling.pool_window(node, value.shape)
    if node.whole("storage_order", 0):
        raise CompileError(f"{node.where}: storage_order 0 is supported")
    return pooling.largest(context, node, value, window, shape)
