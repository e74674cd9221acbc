"""Expand: repeats axes of size 1, as a constant shape asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import BATCH, Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged, require_few
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Expand"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    asked = context.wholes(node, 1) or ()
    constant = isinstance(context.value(node, 0), Constant)

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        sizes = asked
        if not constant and len(asked) == values.ndim:
            sizes = (1 if asked[0] in (BATCH, context.network.batch) else asked[0], *asked[1:])
        try:
            shape = np.broadcast_shapes(values.shape, sizes)
        except ValueError as error:
            raise CompileError(
                f"{node.where}: {[*values.shape]} can't be expanded to {[*asked]}"
            ) from error
        require_few(node, shape)
        return np.broadcast_to(values, shape)

    return rearranged(context, node, choose)
