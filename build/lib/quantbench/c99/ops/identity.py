"""Identity: gives its input, of any kind."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import same
from quantbench.c99.frontend.values import Value

NAME = "Identity"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return same(context, node)
