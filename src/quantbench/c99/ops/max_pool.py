"""MaxPool: fused behind a layer where its windows don't overlap, else a node by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quantbench.c99.frontend import pooling, windows
from quantbench.c99.frontend.builder import Builder, Deferred, PostStep
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.linear import poolable
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import before_step
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.graph import Pooling, Shape, Window
from quantbench.c99.nodes.pool import Pool
from quantbench.errors import CompileError

NAME = "MaxPool"
INPUTS = (1, 1)
ATTRIBUTES = pooling.ATTRIBUTES | {"storage_order"}


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    window, shape = pooling.pool_window(node, value.shape)
    if node.whole("storage_order", 0):
        raise CompileError(f"{node.where}: storage_order 0 is supported")
    core = poolable(value)
    fits = windows.apart(window) and not windows.padded(window)
    if core and fits and isinstance(value, Deferred):
        fused = replace(core, pooling=Pooling("max", window), shape=shape)
        return replace(value, core=fused, shape=shape, grid=None)
    deferred = before_step(context, node, value)
    step = MaxPoolExpr(node.where, window, shape)
    return replace(deferred, steps=(*deferred.steps, step), shape=shape)


@dataclass(frozen=True)
class MaxPoolExpr(PostStep):
    """The largest of each window: rounding keeps order, so it commutes with a maximum."""

    where: str
    window: Window
    shape: Shape

    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        output = builder.add(name, self.shape, builder.format(tensor))
        builder.nodes.append(Pool(self.where, tensor, output, "max", self.window, False))
        return output
