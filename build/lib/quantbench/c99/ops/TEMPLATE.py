"""TEMPLATE: what the operator computes, and what of it is supported. (Copy this file.)"""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "Template"
"""The operator's name in ONNX."""
INPUTS = (1, 1)
"""The least and the largest number of inputs; the least may not be omitted."""
ATTRIBUTES: frozenset[str] = frozenset()
"""The attributes that are read or may be ignored; any other is refused."""


def from_onnx(context: Context, node: OnnxNode) -> Value:
    """The value of the node's output, from the values of its inputs (`context.activation`,
    `settled`, `weights`, `constant`, ...): an existing expression, with something added to it, or
    one of this operator's own, a subclass of frontend.builder.Expr.

    An expression's `lower` adds nodes to the graph, in the format that is asked for. If no node of
    nodes/ fits, this file defines one as well, a subclass of ir.graph.Node: its meaning in NumPy,
    its error bounds, its layout and its C. See add.py, pad.py and concat.py.

    Raises CompileError, which begins with `node.where`, for what isn't supported.
    """
    return context.activation(node, 0)
