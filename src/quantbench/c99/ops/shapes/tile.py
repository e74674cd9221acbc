"""Tile: repeats whole axes behind the batch, one behind the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged, require_few
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "Tile"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    repeats = context.wholes(node, 1) or ()

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        if len(repeats) != values.ndim or min(repeats) < 1:
            raise CompileError(
                f"{node.where}: repeats {[*repeats]} of {values.ndim} dimensions; one from 1 for "
                "each is supported"
            )
        require_few(node, [size * times for size, times in zip(values.shape, repeats, strict=True)])
        return np.tile(values, repeats)

    return rearranged(context, node, choose)
